#include "study/finetune.h"

#include <fmt/format.h>

#include <utility>
#include <vector>

#include "base/file.h"
#include "eval/attacks/operating.h"
#include "learn/feature_cache.h"
#include "model/adapters.h"

namespace netflowgen::study {

void copy_model(const std::string& from, const std::string& to) {
  if (base::fs::exists(to) && base::fs::equivalent(from, to)) return;
  base::fs::create_directories(to);
  for (const char* name : {"model.safetensors", "config.json", "tokens.json", "card.md"}) {
    base::write_file(base::fs::path(to) / name, base::read_file(base::fs::path(from) / name));
  }
  const auto adapters = base::fs::path(from) / model::kAdaptersFile;
  const auto own = base::fs::path(to) / model::kAdaptersFile;
  if (base::fs::exists(adapters)) {
    base::write_file(own, base::read_file(adapters));
  } else {
    base::fs::remove(own);  // of an older model
  }
}

std::optional<learn::TuneResult> tune_backbone(const FinetuneOptions& o, const eval::DdosTask& task,
                                               const base::StopFlag& stop,
                                               const base::ProgressFn& walk_progress,
                                               const base::ProgressFn& tune_progress) {
  if (o.frozen()) return std::nullopt;
  learn::Backbone backbone(o.model, o.device, o.threads);
  std::vector<learn::Example> examples;
  {
    FeatureCaches caches(learn::Backbone(o.model, o.device, o.threads), stop, walk_progress);
    examples = tuning_examples(task, caches.of(*task.table), o.head.seed);
  }
  auto options = o.tune;
  options.loss = o.head.loss;
  options.seed = o.head.seed;
  const auto r = learn::tune(backbone, *task.table, examples, options, stop, tune_progress);
  copy_model(o.model, o.out);
  learn::save_tuned(backbone, o.out,
                    fmt::format("- tuned: {}, {} numbers, {} steps, loss {}\n", o.tune.what, r.trained,
                                r.kept, o.head.loss));
  return r;
}

namespace {

// What a number of false alarms per node-day costs on validation, with scores that did not see the row's day.
detect::TaskCalibration calibrate_task(const FinetuneOptions& o, eval::AttackMethod& detector,
                                       const eval::DdosTask& task, const eval::DdosOptions& protocol) {
  detect::TaskCalibration c;
  c.scored = protocol.scored_feature;
  c.default_rate = o.rate;
  c.from_ms = protocol.validation.from_ms;
  c.to_ms = protocol.validation.to_ms;
  c.node_days = eval::validation_node_days(task);
  c.timing = eval::timing_of(protocol, task.table->step_ms);
  const auto own = detector.score(*task.table);
  const auto scores = eval::cross_fit(detector, task, own, o.head.seed, c.in_sample);
  c.thresholds = eval::calibrate_on_validation(task, protocol, scores, &detector, eval::rates_with(o.rate));
  return c;
}

}  // namespace

detect::Calibration calibrate_all(const FinetuneOptions& o, const std::string& name,
                                  const std::shared_ptr<FeatureCaches>& caches, FrozenDetector& detector,
                                  const eval::DdosTask& task, const eval::DdosOptions& protocol) {
  detect::Calibration all;
  all.tasks.push_back(calibrate_task(o, detector, task, protocol));
  all.tasks.back().name = name;
  all.tasks.back().score = std::string(detect::kHeadScore) + name;
  if (caches->backbone().spec().inject) {
    InjectionDetector anomaly(caches);
    all.tasks.push_back(calibrate_task(o, anomaly, task, protocol));
    all.tasks.back().name = "anomaly";
    all.tasks.back().score = detect::kInjectScore;
    all.tasks.back().enabled = false;
  }
  return all;
}

}  // namespace netflowgen::study

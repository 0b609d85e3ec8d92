#include "study/finetune.h"

#include <fmt/format.h>

#include <utility>
#include <vector>

#include "base/file.h"
#include "detect/type_model.h"
#include "eval/congestion/congestion_file.h"
#include "learn/feature_cache.h"
#include "model/adapters.h"
#include "study/calibration.h"

namespace netflowgen::study {

void copy_model(const std::string& from, const std::string& to) {
  if (base::fs::exists(to) && base::fs::equivalent(from, to)) return;
  base::fs::create_directories(to);
  for (const char* name : {"model.safetensors", "config.json", "tokens.json", "card.md"}) {
    base::write_file(base::fs::path(to) / name, base::read_file(base::fs::path(from) / name));
  }
  for (const char* name : {model::kAdaptersFile, eval::kCongestionFile, detect::kTypeFile}) {
    const auto file = base::fs::path(from) / name;
    const auto own = base::fs::path(to) / name;
    if (base::fs::exists(file)) {
      base::write_file(own, base::read_file(file));
    } else {
      base::fs::remove(own);  // of an older model
    }
  }
}

void copy_whole_model(const std::string& from, const std::string& to) {
  copy_model(from, to);
  const auto file = base::fs::path(from) / detect::kCalibrationFile;
  if (base::fs::exists(file) && !base::fs::equivalent(from, to))
    base::write_file(base::fs::path(to) / detect::kCalibrationFile, base::read_file(file));
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
  base::fs::remove(base::fs::path(o.out) / eval::kCongestionFile);  // it was of the weights before
  learn::save_tuned(backbone, o.out,
                    fmt::format("- tuned: {}, {} numbers, {} steps, loss {}\n", o.tune.what, r.trained,
                                r.kept, o.head.loss));
  return r;
}

detect::Calibration calibrate_all(const FinetuneOptions& o, const std::string& name,
                                  const std::shared_ptr<FeatureCaches>& caches, FrozenDetector& detector,
                                  const eval::DdosTask& task, const eval::DdosOptions& protocol) {
  const bool inject = caches->backbone().spec().inject;
  const CalibrationWish wish{o.rate, inject ? 2u : 1u, o.head.seed};
  detect::Calibration all;
  all.tasks.push_back(calibrate_task(wish, detector, task, protocol));
  all.tasks.back().name = name;
  all.tasks.back().score = std::string(detect::kHeadScore) + name;
  if (!inject) return all;
  all.tasks.push_back(calibrate_anomaly(wish, caches, task, protocol));
  all.tasks.back().enabled = false;
  return all;
}

}  // namespace netflowgen::study

// netflowgen calibrate: a model and traffic that is taken as benign -> thresholds, without labels.
#include <fmt/format.h>

#include "base/file.h"
#include "cli/commands.h"
#include "cli/learn/learn_options.h"
#include "cli/options/detect_options.h"
#include "detect/calibration.h"
#include "eval/anomaly/anomaly_method.h"
#include "eval/attacks/protocol.h"
#include "eval/labels.h"
#include "learn/feature_cache.h"
#include "series/store.h"
#include "study/attack_methods.h"
#include "study/calibration.h"
#include "study/finetune.h"

namespace netflowgen::cli {
namespace {

struct CalibrateOptions {
  std::string store;
  std::string model;
  std::string out;
  std::string period;
  std::vector<std::string> labels;
  bool general = false;
  std::string anomaly = "inject";
  double rate = 0.1;
  std::string device = "cpu";
  int threads = 0;
};

eval::DdosOptions protocol_of(const CalibrateOptions& o, const series::FrameTable& table) {
  eval::DdosOptions p;
  if (table.missing[series::kFlowsIn]) p.scored_feature.clear();
  const auto r = range_in(o.period, table, "--period");
  p.train = {r.from * table.step_ms, r.to * table.step_ms};
  p.validation = p.train;
  return p;
}

void run_calibrate(const CalibrateOptions& o, Context& context) {
  if (o.model.empty() && o.out.empty())
    throw base::UsageError("give -o FOLDER: the model that comes with the program is not changed");
  const std::string model = model_or_shipped(o.model);
  const auto table = series::load_frames(o.store);
  const auto labels = o.labels.empty() ? eval::LabelSet{} : eval::load_labels(o.labels, table, {});
  if (const std::string s = labels.summary(); !s.empty()) fmt::print(stderr, "{}\n", s);
  const auto protocol = protocol_of(o, table);
  const auto data = eval::prepare_ddos(table, labels.events, {}, protocol);
  const auto task = eval::full_task(data, protocol);
  const auto caches = std::make_shared<study::FeatureCaches>(learn::Backbone(model, o.device, o.threads),
                                                             context.stop, progress_printer(context, "walk"));
  study::CalibrationWish wish{o.rate, 1, 1};
  if (o.anomaly == "unusual")
    wish.unusual = eval::anomaly_method(model, eval::AnomalyLearning::kAlways, o.threads, context.stop,
                                        progress_printer(context, "unusual"));
  const auto calibration = study::calibrate_model(model, wish, caches, task, protocol);
  const std::string out = o.out.empty() ? model : o.out;
  study::copy_model(model, out);
  for (const auto& t : study::save_calibration(out, calibration, table, o.general).tasks)
    fmt::print("{}\n", study::text_of(t));
  fmt::print("{} written\n", (base::fs::path(out) / detect::kCalibrationFile).string());
}

}  // namespace

void add_calibrate(Command& app, Context& context) {
  auto o = std::make_shared<CalibrateOptions>();
  auto* c = app.add_subcommand("calibrate", kCalibrateHelp);
  c->add_option("store", o->store, "Series store")->required();
  c->add_option("--model", o->model, "Model folder [the one that comes with the program]");
  c->add_option("-o,--out", o->out, "Model folder to write (default: into --model)");
  c->add_option("--rate", o->rate, "False alarms per node-day that alerts aim at, of all tasks together")
      ->check(kPositive)
      ->capture_default_str();
  c->add_option("--period", o->period, "Only this period, FROM/TO (default: all)");
  c->add_option("--labels", o->labels, "CSV of known attacks: their steps are left out");
  c->add_option("--anomaly", o->anomaly,
                "Score of task anomaly: inject, like an attack; unusual, unlike its past")
      ->check(one_of({"inject", "unusual"}))
      ->capture_default_str();
  c->add_flag("--general", o->general, "For other networks, too: the store's nodes are not kept")
      ->group(kAdvancedGroup);
  c->add_option("--device", o->device, "cpu, cuda or cuda:N")->capture_default_str();
  c->add_option("--threads", o->threads, "0: all cores")->capture_default_str();
  c->footer("Example: netflowgen calibrate store --model model -o detector");
  c->callback([o, &context] { run_calibrate(*o, context); });
}

}  // namespace netflowgen::cli

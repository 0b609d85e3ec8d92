#include "study/calibration.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "base/file.h"
#include "base/time.h"
#include "detect/anomaly_score.h"
#include "eval/attacks/operating.h"
#include "learn/head.h"
#include "model/spec.h"

namespace netflowgen::study {
namespace {

// A method's scores with the model's bands, as the stream has them.
class Latched : public eval::AttackMethod {
 public:
  Latched(std::shared_ptr<eval::AttackMethod> scores, std::shared_ptr<FeatureCaches> caches)
      : scores_(std::move(scores)), caches_(std::move(caches)) {}
  std::string name() const override { return scores_->name(); }
  bool uses_labels() const override { return false; }
  void fit(const eval::DdosTask&, uint64_t) override {}
  std::vector<float> score(const series::FrameTable& table) override {
    auto scores = scores_->score(table);
    if (std::all_of(scores.begin(), scores.end(), [](float s) { return std::isnan(s); }))
      throw base::Error(
          "no node of the store is active for long enough to have the score '{}' (docs/tasks.md, Anomalies); "
          "give an archive of "
          "more steps",
          detect::kUnusualScore);
    return scores;
  }
  void latch(const series::FrameTable& table, detect::ScoreTable& scores) override {
    caches_->latch(table, scores);
  }

 private:
  std::shared_ptr<eval::AttackMethod> scores_;
  std::shared_ptr<FeatureCaches> caches_;
};

}  // namespace

detect::TaskCalibration calibrate_task(const CalibrationWish& wish, eval::AttackMethod& method,
                                       const eval::DdosTask& task, const eval::DdosOptions& protocol) {
  detect::TaskCalibration c;
  c.scored = protocol.scored_feature;
  c.default_rate = wish.rate;
  c.from_ms = task.train.from_ms;
  c.to_ms = task.train.to_ms;
  c.timing = eval::timing_of(protocol, task.table->step_ms);
  const auto own = method.score(*task.table);
  const auto fit = eval::cross_fit(method, task, own, wish.seed);
  c.in_sample = fit.in_sample;
  c.node_days = eval::calibration_node_days(fit.task);
  c.thresholds = eval::calibrate(fit, protocol, &method, eval::rates_with(wish.rate, wish.tasks));
  return c;
}

detect::TaskCalibration calibrate_anomaly(const CalibrationWish& wish,
                                          const std::shared_ptr<FeatureCaches>& caches,
                                          const eval::DdosTask& task, const eval::DdosOptions& protocol) {
  InjectionDetector inject(caches);
  const bool unusual = wish.unusual != nullptr;
  if (unusual) wish.unusual->fit(task, wish.seed);
  Latched latched(wish.unusual, caches);
  auto c = calibrate_task(wish, unusual ? static_cast<eval::AttackMethod&>(latched) : inject, task, protocol);
  c.name = "anomaly";
  c.score = unusual ? detect::kUnusualScore : detect::kInjectScore;
  return c;
}

detect::Calibration calibrate_model(const std::string& model, CalibrationWish wish,
                                    const std::shared_ptr<FeatureCaches>& caches, const eval::DdosTask& task,
                                    const eval::DdosOptions& protocol) {
  const model::ModelFolder folder(model);
  const bool known = base::fs::exists(base::fs::path(model) / detect::kCalibrationFile);
  const auto before = known ? detect::Calibration::load(model) : detect::Calibration{};
  std::vector<std::string> heads;
  for (const auto& h : folder.spec().tasks) {
    if (h.outputs() == 1) heads.push_back(h.name);
  }
  const bool anomaly = folder.spec().inject || wish.unusual != nullptr;
  if (heads.empty() && !anomaly)
    throw base::Error(
        "{} has no injection head and no task head: fine-tune it with labels (netflowgen finetune)", model);
  wish.tasks = heads.size() + (anomaly ? 1 : 0);
  detect::Calibration all;
  for (const auto& name : heads) {
    FixedHead head(caches, learn::load_head(folder, name));
    all.tasks.push_back(calibrate_task(wish, head, task, protocol));
    all.tasks.back().name = name;
    all.tasks.back().score = std::string(detect::kHeadScore) + name;
  }
  if (anomaly) {
    all.tasks.push_back(calibrate_anomaly(wish, caches, task, protocol));
    all.tasks.back().enabled = heads.empty();
  }
  for (auto& t : all.tasks) {
    for (const auto& b : before.tasks) {
      if (b.name == t.name) t.enabled = b.enabled;
    }
  }
  return all;
}

detect::Calibration save_calibration(const std::string& folder, detect::Calibration calibration,
                                     const series::FrameTable& table, bool general) {
  if (!general) calibration.nodes = {table.choice, table.nodes.size()};
  if (model::ModelFolder(folder).spec().input.universal) calibration.step_ms = table.step_ms;
  base::write_file(base::fs::path(folder) / detect::kCalibrationFile, calibration.to_json());
  return calibration;
}

std::string text_of(const detect::TaskCalibration& c) {
  const auto t = detect::threshold_for(c.thresholds, c.default_rate);
  return fmt::format(
      "{}: {:.4g} is {:g} false alarms per node-day on {:.4g} node-days from {} to {}{}{}{}", c.name, t.on,
      c.default_rate, c.node_days, base::format_time(c.from_ms), base::format_time(c.to_ms),
      c.default_rate * c.node_days < 1 ? ", too few to hold one: it is above all benign scores" : "",
      c.in_sample
          ? "; too few labels to calibrate on steps that the head has not learnt from: it may be too low"
          : "",
      c.enabled ? "" : "; off unless a policy names the task");
}

}  // namespace netflowgen::study

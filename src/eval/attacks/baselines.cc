#include "eval/attacks/baselines.h"

#include <algorithm>
#include <array>
#include <cmath>

#include <fmt/format.h>

#include "base/nan.h"

namespace netflowgen::eval {
namespace {

using base::kNaN;
constexpr double kDeviationFloor =
    0.1;  // of a deviation of log values: silence must not make every packet an attack

float log_value(const FrameTable& table, size_t row, int feature) {
  return std::log1p(std::max(0.0f, table.frame(row)[static_cast<size_t>(feature)]));
}

// Scores by feature, kept as the largest; NaN only where every feature is NaN.
void keep_largest(float& score, double value) {
  if (!std::isnan(value) && !(score >= value)) score = static_cast<float>(value);
}

class StaticThreshold : public AttackMethod {
 public:
  explicit StaticThreshold(int feature) : feature_(static_cast<size_t>(feature)) {}
  std::string name() const override { return fmt::format("static {}", series::kFeatures[feature_].name); }
  bool uses_labels() const override { return false; }
  void fit(const DdosTask&, uint64_t) override {}
  std::vector<float> score(const FrameTable& table) override {
    std::vector<float> scores(table.rows());
    for (size_t row = 0; row < scores.size(); ++row) scores[row] = table.frame(row)[feature_];
    return scores;
  }

 private:
  size_t feature_;
};

class InOutRatio : public AttackMethod {
 public:
  std::string name() const override { return "in/out ratio"; }
  bool uses_labels() const override { return false; }
  void fit(const DdosTask&, uint64_t) override {}
  std::vector<float> score(const FrameTable& table) override {
    std::vector<float> scores(table.rows(), kNaN);
    int in = -1;
    for (const int f : volume_features(table, true)) {
      if (in < 0 && !table.missing[static_cast<size_t>(f + series::kOutOffset)]) in = f;
    }
    if (in < 0) return scores;
    for (size_t row = 0; row < scores.size(); ++row) {
      scores[row] = log_value(table, row, in) - log_value(table, row, in + series::kOutOffset);
    }
    return scores;
  }
};

// A detector that follows each (node, feature) in time. Model is its state: surprise(x, gap, step) gives the
// score of log value x after `gap` steps (1: the next one; what lies between was idle) and learns from it.
template <typename Model>
class Follower : public AttackMethod {
 public:
  Follower(std::string name, Model start, bool both = false)
      : name_(std::move(name)), start_(start), both_(both) {}
  std::string name() const override { return name_; }
  bool uses_labels() const override { return false; }
  void fit(const DdosTask& task, uint64_t) override { start_.fit(task); }
  std::vector<float> score(const FrameTable& table) override {
    std::vector<float> scores(table.rows(), kNaN);
    for (const int feature : volume_features(table, !both_)) {
      for (size_t node = 0; node < table.nodes.size(); ++node) {
        Model model = start_;
        model.start(table, node, feature);
        int64_t last = table.first_step - 1;
        for (size_t row = table.offsets[node]; row < table.offsets[node + 1]; ++row) {
          const double x = log_value(table, row, feature);
          if (std::isnan(x)) continue;
          const double z = model.surprise(x, table.steps[row] - last, table.steps[row]);
          keep_largest(scores[row], both_ ? std::fabs(z) : z);
          last = table.steps[row];
        }
      }
    }
    return scores;
  }

 private:
  std::string name_;
  Model start_;
  bool both_;  // directions of traffic, and of the distance
};

// Exponentially weighted mean and variance (West 1979), idle steps counted as zeros in closed form.
struct Ewma {
  double alpha = 0.03;
  double mean = 0;
  double variance = 1;

  void learn(double x) {
    const double d = x - mean;
    mean += alpha * d;
    variance = (1 - alpha) * (variance + alpha * d * d);
  }
  void learn_zeros(int64_t steps) {
    if (steps <= 0) return;
    // Each zero: mean *= b, variance = b (variance + a mean^2), with b = 1 - a.
    const double b = 1 - alpha;
    const double bn = std::pow(b, static_cast<double>(steps));
    variance = bn * (variance + mean * mean * (1 - bn));
    mean *= bn;
  }
  double deviation() const { return std::sqrt(variance) + kDeviationFloor; }
};

struct EwmaModel {
  Ewma ewma;
  void fit(const DdosTask&) {}
  void start(const FrameTable&, size_t, int) {}
  double surprise(double x, int64_t gap, int64_t) {
    ewma.learn_zeros(gap - 1);
    const double z = (x - ewma.mean) / ewma.deviation();
    ewma.learn(x);
    return z;
  }
};

// Additive Holt-Winters without a trend (it only drifts on such series): level and 96 quarter-hours of
// season, on log values. Idle steps are zeros; a long idle run is learnt a quarter hour at a time.
struct HoltWintersModel {
  static constexpr int kSlots = 96;
  static constexpr int64_t kSlotMs = 15 * 60'000;
  double alpha = 0.02;
  double gamma = 0.02;
  int64_t step_ms = 60'000;
  double level = 0;
  std::array<double, kSlots> season{};
  Ewma error{0.02, 0, 0.25};

  void fit(const DdosTask&) {}
  void start(const FrameTable& table, size_t, int) { step_ms = table.step_ms; }
  double learn(double x, int64_t step) {
    double& s = season[static_cast<size_t>(((step * step_ms / kSlotMs) % kSlots + kSlots) % kSlots)];
    const double e = x - (level + s);
    const double z = e / error.deviation();
    error.learn(e);
    const double bounded = std::clamp(e, -4 * error.deviation(), 4 * error.deviation());
    level += alpha * bounded;
    s += gamma * (bounded - alpha * bounded);
    return z;
  }
  double surprise(double x, int64_t gap, int64_t step) {
    const int64_t stride = std::max<int64_t>(1, kSlotMs / step_ms);
    const int64_t idle = std::min<int64_t>(gap - 1, 7 * kSlots * stride);  // a week of silence is enough
    for (int64_t s = step - idle; s < step; s += s + stride < step && idle > 4 * stride ? stride : 1)
      learn(0, s);
    return learn(x, step);
  }
};

struct CusumModel {
  double slack = 1;
  double cap = 50;
  Period train;
  double mean = 0;
  double deviation = 1;
  double sum = 0;

  void fit(const DdosTask& task) { train = task.train; }
  // The node's own mean and deviation in the training period, idle steps included.
  void start(const FrameTable& table, size_t node, int feature) {
    double n = train.days() * 86'400'000.0 / static_cast<double>(table.step_ms);
    double total = 0;
    double squares = 0;
    for (size_t row = table.offsets[node]; row < table.offsets[node + 1]; ++row) {
      if (!train.contains(table.steps[row] * table.step_ms)) continue;
      const double x = log_value(table, row, feature);
      if (std::isnan(x)) continue;
      total += x;
      squares += x * x;
    }
    n = std::max(n, 1.0);
    mean = total / n;
    deviation = std::sqrt(std::max(0.0, squares / n - mean * mean)) + kDeviationFloor;
  }
  double surprise(double x, int64_t gap, int64_t) {
    const double idle = (0 - mean) / deviation - slack;  // below 0: silence drains the sum
    sum = std::max(0.0, sum + static_cast<double>(gap - 1) * idle);
    sum = std::clamp(sum + (x - mean) / deviation - slack, 0.0, cap);
    return sum;
  }
};

struct ChangeModel {
  double last = 0;
  void fit(const DdosTask&) {}
  void start(const FrameTable&, size_t, int) {}
  double surprise(double x, int64_t gap, int64_t) {
    const double change = x - (gap == 1 ? last : 0);
    last = x;
    return change;
  }
};

}  // namespace

std::vector<int> volume_features(const FrameTable& table, bool incoming_only) {
  std::vector<int> features;
  for (int f = 0; f < (incoming_only ? series::kOutOffset : static_cast<int>(series::kFeatureCount)); ++f) {
    const auto i = static_cast<size_t>(f);
    if (series::kFeatures[i].kind == series::Kind::kVolume && !table.missing[i]) features.push_back(f);
  }
  return features;
}

std::unique_ptr<AttackMethod> static_threshold(int feature) {
  return std::make_unique<StaticThreshold>(feature);
}

std::unique_ptr<AttackMethod> in_out_ratio() { return std::make_unique<InOutRatio>(); }

std::unique_ptr<AttackMethod> ewma_zscore(double span_steps) {
  EwmaModel model;
  model.ewma.alpha = 2 / (span_steps + 1);
  return std::make_unique<Follower<EwmaModel>>("EWMA z-score", model);
}

std::unique_ptr<AttackMethod> ewma_deviation(double span_steps) {
  EwmaModel model;
  model.ewma.alpha = 2 / (span_steps + 1);
  return std::make_unique<Follower<EwmaModel>>("EWMA |z|", model, true);
}

std::unique_ptr<AttackMethod> holt_winters_deviation() {
  return std::make_unique<Follower<HoltWintersModel>>("Holt-Winters |residual|", HoltWintersModel{}, true);
}

std::unique_ptr<AttackMethod> holt_winters() {
  return std::make_unique<Follower<HoltWintersModel>>("Holt-Winters residual", HoltWintersModel{});
}

std::unique_ptr<AttackMethod> cusum(double slack, double cap) {
  CusumModel model;
  model.slack = slack;
  model.cap = cap;
  return std::make_unique<Follower<CusumModel>>("CUSUM", model);
}

std::unique_ptr<AttackMethod> persistence_change() {
  return std::make_unique<Follower<ChangeModel>>("persistence change", ChangeModel{});
}

std::vector<std::unique_ptr<AttackMethod>> label_free_baselines(const FrameTable& table) {
  std::vector<std::unique_ptr<AttackMethod>> all;
  for (const int f : volume_features(table, false)) all.push_back(static_threshold(f));
  all.push_back(in_out_ratio());
  all.push_back(ewma_zscore());
  all.push_back(holt_winters());
  all.push_back(cusum());
  all.push_back(persistence_change());
  return all;
}

}  // namespace netflowgen::eval

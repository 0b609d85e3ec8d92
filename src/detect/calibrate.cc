#include "detect/calibrate.h"

#include <algorithm>
#include <cmath>

#include "base/check.h"
#include "base/error.h"

namespace netflowgen::detect {
namespace {

constexpr double kSlack = 1e-9;  // rates are decimal fractions

// One node's track over its rows; `alerts` gets what it raises.
class Walk {
 public:
  Walk(size_t node, const Threshold& threshold, const Timing& timing, std::vector<AlertSpan>& alerts)
      : node_(node), threshold_(threshold), timing_(timing), alerts_(alerts) {}

  void row(const ScoreTable& table, size_t row) {
    const int64_t step = table.steps[row];
    if (!track_.idle() && step > last_ + 1) apply(track_.silent(step - 1, timing_));
    observed_.score = table.scores[row];
    if (!table.bands.empty()) {
      observed_.band = table.bands[row];
      observed_.seen = table.seen[row];
    }
    apply(track_.update(step, observed_, threshold_, timing_));
    last_ = step;
  }

  void finish() {
    if (track_.state == Track::State::kActive) close(last_ + 1);
  }

 private:
  void apply(Transition transition) {
    if (transition == Transition::kRaised) {
      alerts_.push_back({node_, track_.start_step, track_.raised_step, 0, track_.peak});
      alerts_.back().ups.emplace_back(track_.raised_step, 0);
    } else if (transition == Transition::kResumed) {
      alerts_.back().ups.emplace_back(track_.last_on, 0);
    } else if (transition == Transition::kEnded) {
      close(track_.end_step);
    }
  }
  void close(int64_t end_step) {
    alerts_.back().end_step = end_step;
    alerts_.back().ups.back().second = end_step;
    alerts_.back().peak = std::max(alerts_.back().peak, track_.peak);
  }

  size_t node_;
  const Threshold& threshold_;
  const Timing& timing_;
  std::vector<AlertSpan>& alerts_;
  Track track_;
  Observation observed_{0, Band::none(), {}};
  int64_t last_ = 0;
};

bool touches_other_than_benign(const ScoreTable& scores, std::span<const RowTruth> truth,
                               const AlertSpan& alert) {
  if (truth.empty()) return false;
  const auto begin = scores.steps.begin() + static_cast<int64_t>(scores.offsets[alert.node]);
  const auto end = scores.steps.begin() + static_cast<int64_t>(scores.offsets[alert.node + 1]);
  for (auto it = std::lower_bound(begin, end, alert.start_step); it != end && *it < alert.end_step; ++it) {
    if (truth[static_cast<size_t>(it - scores.steps.begin())] != RowTruth::kBenign) return true;
  }
  return false;
}

uint64_t false_alarms(const ScoreTable& scores, std::span<const RowTruth> truth, float on, float off,
                      const Timing& timing) {
  Threshold threshold;
  threshold.on = on;
  threshold.off = std::min(on, off);
  uint64_t count = 0;
  for (const auto& alert : alerts_of(scores, threshold, timing)) {
    if (touches_other_than_benign(scores, truth, alert)) continue;
    count += false_alarms_of(alert, timing);
  }
  return count;
}

// The lowest of `levels` (ascending) down to which no count exceeds `allowed`, looked for from the top in
// strides that double: far down, alerts merge until a single one lasts for ever, and its count is small
// again.
template <typename Count>
float lowest_level(const std::vector<float>& levels, uint64_t allowed, const Count& count) {
  const size_t top = levels.size() - 1;
  size_t good = 0;  // distance from the top
  size_t bad = 1;
  while (bad <= top && count(levels[top - bad]) <= allowed) {
    good = bad;
    bad *= 2;
  }
  bad = std::min(bad, top + 1);
  while (bad - good > 1) {
    const size_t middle = good + (bad - good) / 2;
    (count(levels[top - middle]) <= allowed ? good : bad) = middle;
  }
  return levels[top - good];
}

// Ascending distinct scores -> one level between each pair of neighbours, one below all and one above all.
std::vector<float> levels_between(std::vector<float> scores) {
  std::sort(scores.begin(), scores.end());
  scores.erase(std::unique(scores.begin(), scores.end()), scores.end());
  const float range = scores.back() - scores.front();
  const float margin = range > 0 ? range * 1e-3f : std::max(1e-3f, std::abs(scores.back()) * 1e-3f);
  std::vector<float> levels = {scores.front()};
  for (size_t i = 1; i < scores.size(); ++i) {
    const float middle = scores[i - 1] + (scores[i] - scores[i - 1]) / 2;
    levels.push_back(middle > scores[i - 1] ? middle : scores[i]);
  }
  levels.push_back(scores.back() + margin);
  return levels;
}

// Index into the descending `table` of the largest rate not above `rate`; table.size(): none.
size_t index_for(std::span<const CalibratedThreshold> table, double rate) {
  size_t i = 0;
  while (i < table.size() && table[i].false_alarms > rate * (1 + kSlack)) ++i;
  return i;
}

// `off` and grades for the threshold of row i, whose `on` may be the operator's own.
Threshold around(std::span<const CalibratedThreshold> table, size_t i, float on) {
  Threshold t;
  t.on = on;
  const size_t off = index_for(table, table[i].false_alarms * kOffRatio);
  t.off = std::min(on, table[off].threshold);
  double rate = table[i].false_alarms;
  for (float& grade : t.grades) {
    rate /= kOffRatio;
    const size_t g = std::min(index_for(table, rate), table.size() - 1);
    // Past the table's end a grade takes half as much again, so that grades stay apart.
    const bool known = index_for(table, rate) < table.size();
    grade = known ? std::max(on, table[g].threshold) : std::max(on, table[g].threshold) * 1.5f;
  }
  for (size_t g = 1; g < std::size(t.grades); ++g) {
    if (t.grades[g] <= t.grades[g - 1]) t.grades[g] = t.grades[g - 1] + std::abs(t.grades[g - 1]) * 0.5f;
  }
  return t;
}

}  // namespace

uint64_t false_alarms_of(const AlertSpan& alert, const Timing& timing) {
  return 1 + static_cast<uint64_t>((alert.end_step - alert.start_step - 1) / timing.long_steps);
}

std::vector<AlertSpan> alerts_of(const ScoreTable& scores, const Threshold& threshold, const Timing& timing) {
  std::vector<AlertSpan> alerts;
  for (size_t node = 0; node < scores.nodes(); ++node) {
    Walk walk(node, threshold, timing, alerts);
    for (uint64_t row = scores.offsets[node]; row < scores.offsets[node + 1]; ++row) {
      walk.row(scores, row);
    }
    walk.finish();
  }
  return alerts;
}

std::vector<CalibratedThreshold> calibrate(const ScoreTable& scores, std::span<const RowTruth> truth,
                                           double node_days, const Timing& timing,
                                           std::span<const double> rates) {
  NFG_CHECK(truth.empty() || truth.size() == scores.scores.size());
  NFG_CHECK(scores.bands.size() == scores.seen.size());
  std::vector<float> benign;
  for (size_t row = 0; row < scores.scores.size(); ++row) {
    if (std::isfinite(scores.scores[row]) && (truth.empty() || truth[row] == RowTruth::kBenign)) {
      benign.push_back(scores.scores[row]);
    }
  }
  if (benign.empty() || !(node_days > 0)) {
    throw base::Error("nothing to calibrate on: the validation period holds no benign score");
  }
  const std::vector<float> levels = levels_between(std::move(benign));
  std::vector<CalibratedThreshold> table;
  for (const double rate : rates) {
    const auto allowed = static_cast<uint64_t>(rate * node_days * (1 + kSlack));
    const size_t off = index_for(table, rate * kOffRatio);
    const auto count = [&](float on) {
      return false_alarms(scores, truth, on, off < table.size() ? table[off].threshold : on, timing);
    };
    float threshold = lowest_level(levels, allowed, count);
    if (!table.empty()) threshold = std::max(threshold, table.back().threshold);
    table.push_back({rate, threshold, count(threshold), allowed == 0});
  }
  return table;
}

Threshold threshold_for(std::span<const CalibratedThreshold> table, double false_alarms) {
  const size_t i = index_for(table, false_alarms);
  if (i == table.size()) {
    throw base::Error("{} false alarms per node-day is below the lowest rate calibrated ({}); calibrate anew",
                      false_alarms, table.empty() ? 0.0 : table.back().false_alarms);
  }
  return around(table, i, table[i].threshold);
}

Threshold threshold_at(std::span<const CalibratedThreshold> table, float on) {
  if (table.empty()) return {on, on, {kNeverScore, kNeverScore, kNeverScore}};
  // The strictest rate whose threshold the operator's reaches.
  size_t i = 0;
  while (i + 1 < table.size() && table[i + 1].threshold <= on) ++i;
  return around(table, i, on);
}

}  // namespace netflowgen::detect

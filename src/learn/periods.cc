// Which steps pre-training uses, and what is doubtful about them.
#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "base/time.h"
#include "learn/pretrain.h"

namespace netflowgen::learn {
namespace {

// About a day of ten busy hosts in steps of a minute: with less, each token of a feature was seen a few times at most.
constexpr uint64_t kFewFrames = 10'000;

StepRange clamped(StepRange r, const series::FrameTable& table) {
  return {std::max(r.from, table.first_step), std::min(r.to, table.end_step)};
}

template <typename Take>
void for_nodes(const series::FrameTable& table, const std::vector<size_t>& nodes, Take take) {
  for (size_t i = 0; i < (nodes.empty() ? table.nodes.size() : nodes.size()); ++i)
    take(nodes.empty() ? i : nodes[i]);
}

struct Content {
  uint64_t frames = 0;
  uint64_t nodes = 0;  // with two frames or more
};

Content content_of(const series::FrameTable& table, const std::vector<size_t>& nodes, StepRange range) {
  Content c;
  for_nodes(table, nodes, [&](size_t node) {
    const size_t frames = table.lower_bound(node, range.to) - table.lower_bound(node, range.from);
    c.frames += frames;
    c.nodes += frames >= 2 ? 1 : 0;
  });
  return c;
}

std::string times_of(const series::FrameTable& table, StepRange r) {
  const auto time = [&](int64_t step) { return base::format_time(step * table.step_ms); };
  const std::string from = r.from == INT64_MIN ? "its beginning" : time(r.from);
  return from + " to " + (r.to == INT64_MAX ? "its end" : time(r.to));
}

void check_period(const series::FrameTable& table, StepRange asked, StepRange found, const char* option) {
  if (found.from < found.to) return;
  throw base::Error("{}: the store has no frame from {}; it covers {}", option, times_of(table, asked),
                    times_of(table, {table.first_step, table.end_step}));
}

void check_content(const series::FrameTable& table, const PretrainOptions& o, StepRange range,
                   const char* option) {
  if (content_of(table, o.nodes, range).nodes > 0) return;
  throw base::Error(
      "{}: nothing to learn from: no node has two active steps from {} (see `netflowgen inspect`)", option,
      times_of(table, range));
}

}  // namespace

TrainingPeriods training_periods(const series::FrameTable& table, const PretrainOptions& o) {
  const bool given = o.validation.from != INT64_MIN || o.validation.to != INT64_MAX;
  TrainingPeriods p{clamped(o.train, table), {}};
  check_period(table, o.train, p.train, "--train");
  if (given) {
    p.validation = clamped(o.validation, table);
    check_period(table, o.validation, p.validation, "--validation");
    const bool open = o.train.to == INT64_MAX;  // all but --validation
    if (open) p.train.to = std::min(p.train.to, p.validation.from);
    if (p.validation.from < p.train.to || p.train.from >= p.train.to)
      throw base::UsageError("the validation period must be later than the training period");
  } else {
    p.validation = {p.train.to - (p.train.to - p.train.from) / 10, p.train.to};
    p.train.to = p.validation.from;
  }
  check_content(table, o, p.train, "--train");
  check_content(table, o, p.validation, "--validation");
  return p;
}

std::vector<int> default_horizons(const series::FrameTable& table, const PretrainOptions& options) {
  const TrainingPeriods p = training_periods(table, options);
  const int64_t most = (p.train.to - p.train.from) * 2 / 3;
  std::vector<int> horizons = {1};
  for (const int64_t steps : {int64_t{5}, int64_t{15}}) {
    if (steps <= most) horizons.push_back(static_cast<int>(steps));
  }
  for (const int64_t ms : {base::kHourMs, 4 * base::kHourMs}) {
    if (ms % table.step_ms == 0 && ms / table.step_ms <= most)
      horizons.push_back(static_cast<int>(ms / table.step_ms));
  }
  std::sort(horizons.begin(), horizons.end());
  horizons.erase(std::unique(horizons.begin(), horizons.end()), horizons.end());
  return horizons;
}

std::vector<std::string> training_warnings(const series::FrameTable& table, const PretrainOptions& o) {
  const TrainingPeriods p = training_periods(table, o);
  std::vector<std::string> all;
  const Content train = content_of(table, o.nodes, p.train);
  if (train.frames < kFewFrames) {
    all.push_back(fmt::format(
        "{} frames of {} nodes from {} are little to learn from, and scores will mean little: collect for "
        "longer, take "
        "more nodes, or shorter steps ({} frames are a day of about ten busy hosts in steps of a minute)",
        train.frames, train.nodes, times_of(table, p.train), kFewFrames));
  }
  const auto& horizons = o.spec.input.leads;
  const int64_t longest = horizons.empty() ? 0 : *std::max_element(horizons.begin(), horizons.end());
  for (const auto& [name, r] : {std::pair{"training", p.train}, {"validation", p.validation}}) {
    if (r.to - r.from > longest) continue;
    all.push_back(fmt::format(
        "the {} period has {} steps, and the longest horizon is {} steps: no forecast that far ahead is {}; "
        "give a longer "
        "period or shorter --horizons",
        name, r.to - r.from, longest, std::string_view(name) == "training" ? "learnt" : "checked"));
  }
  return all;
}

}  // namespace netflowgen::learn

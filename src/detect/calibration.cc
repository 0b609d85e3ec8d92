#include "detect/calibration.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/json.h"
#include "detect/anomaly_score.h"

namespace netflowgen::detect {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kCalibrationFormat = 1;
constexpr size_t kMostTasks = 64;
constexpr size_t kMostRates = 256;
constexpr uint64_t kExcess = 2;  // times the fitted nodes
constexpr uint64_t kExcessAtLeast = 20;

Json timing_to_json(const Timing& t) {
  return {{"min_steps", t.min_steps},           {"end_steps", t.end_steps}, {"merge_steps", t.merge_steps},
          {"cooldown_steps", t.cooldown_steps}, {"max_steps", t.max_steps}, {"long_steps", t.long_steps}};
}

Timing timing_from_json(const Json& j, const std::string& where) {
  Timing t;
  t.min_steps = base::whole<int64_t>(j, "min_steps", where);
  t.end_steps = base::whole<int64_t>(j, "end_steps", where);
  t.merge_steps = base::whole<int64_t>(j, "merge_steps", where);
  t.cooldown_steps = base::whole<int64_t>(j, "cooldown_steps", where);
  t.max_steps = base::whole<int64_t>(j, "max_steps", where);
  t.long_steps = base::whole<int64_t>(j, "long_steps", where);
  return t;
}

Json task_to_json(const TaskCalibration& t) {
  Json thresholds = Json::array();
  for (const auto& c : t.thresholds) {
    thresholds.push_back({{"false_alarms", c.false_alarms},
                          {"threshold", c.threshold},
                          {"episodes", c.episodes},
                          {"extrapolated", c.extrapolated}});
  }
  return {{"name", t.name},
          {"score", t.score},
          {"scored", t.scored},
          {"enabled", t.enabled},
          {"default_rate", t.default_rate},
          {"in_sample", t.in_sample},
          {"from", base::format_time(t.from_ms)},
          {"to", base::format_time(t.to_ms)},
          {"node_days", t.node_days},
          {"timing", timing_to_json(t.timing)},
          {"thresholds", thresholds}};
}

TaskCalibration task_from_json(const Json& j, const std::string& where) {
  TaskCalibration t;
  t.name = j.at("name");
  t.score = j.at("score");
  t.scored = j.at("scored");
  t.enabled = j.at("enabled");
  t.default_rate = j.at("default_rate");
  t.in_sample = j.at("in_sample");
  const auto from = base::parse_time(j.at("from").get<std::string>());
  const auto to = base::parse_time(j.at("to").get<std::string>());
  if (!from || !to) throw base::Error("{}: the period of task {} is not two times", where, t.name);
  t.from_ms = *from;
  t.to_ms = *to;
  t.node_days = j.at("node_days");
  t.timing = timing_from_json(j.at("timing"), where);
  for (const auto& c : j.at("thresholds")) {
    t.thresholds.push_back({c.at("false_alarms"), c.at("threshold"), c.at("episodes"), c.at("extrapolated")});
  }
  return t;
}

Json nodes_to_json(const FittedNodes& n) {
  Json j = {{"count", n.count}};
  if (!n.choice.known()) return j;
  j["hosts"] = n.choice.hosts;
  j["prefixes"] = n.choice.prefixes;
  j["interfaces"] = n.choice.interfaces;
  j["as"] = n.choice.as;
  return j;
}

FittedNodes nodes_from_json(const Json& j, const std::string& where) {
  FittedNodes n;
  n.count = base::whole<uint64_t>(j, "count", where);
  if (!j.contains("hosts")) return n;
  n.choice = {j.at("hosts"), j.at("prefixes"), j.at("interfaces"), j.at("as")};
  return n;
}

// What is wrong with a task from a file, or "".
std::string problem(const TaskCalibration& t) {
  if (t.name.empty()) return "a task has no name";
  if (t.score != kInjectScore && t.score != kUnusualScore && !t.score.starts_with(kHeadScore))
    return "score is neither a head nor inject nor unusual";
  const auto& time = t.timing;
  for (const int64_t n : {time.min_steps, time.end_steps, time.max_steps, time.long_steps}) {
    if (n < 1 || n > (int64_t{1} << 40)) return "a length of its timing is out of range";
  }
  for (const int64_t n : {time.merge_steps, time.cooldown_steps}) {
    if (n < 0 || n > (int64_t{1} << 40)) return "a length of its timing is out of range";
  }
  if (t.thresholds.empty() || t.thresholds.size() > kMostRates) return "it has no thresholds, or too many";
  for (size_t i = 0; i < t.thresholds.size(); ++i) {
    const auto& c = t.thresholds[i];
    if (!(c.false_alarms > 0) || !std::isfinite(c.threshold)) return "a rate or threshold is out of range";
    if (i == 0) continue;
    if (!(c.false_alarms < t.thresholds[i - 1].false_alarms) || c.threshold < t.thresholds[i - 1].threshold) {
      return "thresholds do not rise as rates fall";
    }
  }
  if (!(t.default_rate >= t.thresholds.back().false_alarms)) return "default_rate is below every rate";
  return "";
}

}  // namespace

std::string FittedNodes::excess(uint64_t nodes_seen) const {
  if (count == 0 || nodes_seen <= kExcess * count || nodes_seen < count + kExcessAtLeast) return "";
  return fmt::format(
      "{} nodes, and the model was fitted on {}{}: its thresholds do not hold for the others; give --nodes",
      nodes_seen, count, choice.known() ? " (" + choice.text() + ")" : "");
}

std::vector<std::string> Calibration::names() const {
  std::vector<std::string> all;
  for (const auto& t : tasks) all.push_back(t.name);
  return all;
}

void Calibration::to_steps_of(int64_t other_ms) {
  if (step_ms == 0 || step_ms == other_ms) return;
  const auto scaled = [&](int64_t steps, int64_t least) {
    return std::max(least, (steps * step_ms + other_ms / 2) / other_ms);
  };
  for (auto& t : tasks) {
    t.timing.end_steps = scaled(t.timing.end_steps, 2);
    t.timing.merge_steps = scaled(t.timing.merge_steps, 1);
    t.timing.cooldown_steps = scaled(t.timing.cooldown_steps, 0);
    t.timing.max_steps = scaled(t.timing.max_steps, 2);
    t.timing.long_steps = scaled(t.timing.long_steps, 1);
  }
  step_ms = other_ms;
}

std::string Calibration::to_json() const {
  Json all = Json::array();
  for (const auto& t : tasks) all.push_back(task_to_json(t));
  Json j = {{"format", kCalibrationFormat}, {"tasks", all}};
  if (step_ms > 0) j["step_ms"] = step_ms;
  if (nodes.count > 0) j["nodes"] = nodes_to_json(nodes);
  return j.dump(1) + "\n";
}

Calibration Calibration::from_json(std::string_view text, const std::string& where) {
  Calibration c;
  try {
    const Json j = Json::parse(text);
    if (base::whole<int>(j, "format", where) > kCalibrationFormat) {
      throw base::Error("{}: format {} is newer than this program's {}; update netflowgen", where,
                        j.at("format").dump(), kCalibrationFormat);
    }
    if (j.at("tasks").size() > kMostTasks) throw base::Error("{}: more than {} tasks", where, kMostTasks);
    for (const auto& t : j.at("tasks")) c.tasks.push_back(task_from_json(t, where));
    if (j.contains("nodes")) c.nodes = nodes_from_json(j.at("nodes"), where);
    if (j.contains("step_ms")) c.step_ms = base::whole<int64_t>(j, "step_ms", where);
  } catch (const nlohmann::json::exception& e) {
    throw base::Error("{} is damaged: {}; run netflowgen finetune again", where, e.what());
  }
  if (c.tasks.empty()) throw base::Error("{} names no task; run netflowgen finetune again", where);
  for (const auto& t : c.tasks) {
    const std::string wrong = problem(t);
    if (!wrong.empty()) throw base::Error("{}: task '{}': {}", where, t.name, wrong);
  }
  if (c.step_ms < 0 || c.step_ms > 86'400'000)
    throw base::Error("{}: step_ms is {}, expected up to a day", where, c.step_ms);
  return c;
}

Calibration Calibration::load(const base::fs::path& model) {
  const auto path = model / kCalibrationFile;
  if (!base::fs::exists(path)) {
    throw base::Error(
        "{} is not there: the model is not calibrated, so no score has a threshold; run netflowgen calibrate "
        "STORE "
        "--model {}, which needs no labels, or netflowgen finetune with labels",
        path.string(), model.string());
  }
  return from_json(base::read_file(path), path.string());
}

}  // namespace netflowgen::detect

#include "detect/calibration.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/error.h"
#include "detect/rule_set.h"

namespace netflowgen::detect {
namespace {

using ::testing::HasSubstr;

TaskCalibration task(const std::string& name, bool enabled) {
  TaskCalibration t;
  t.name = name;
  t.score = name == "anomaly" ? "inject" : "head " + name;
  t.scored = "flows_in";
  t.enabled = enabled;
  t.from_ms = 1'000'000'000'000;
  t.to_ms = 1'000'086'400'000;
  t.node_days = 30.5;
  t.timing.end_steps = 4;
  t.thresholds = {{10, 0.1f, 3, false}, {1, 0.7f, 2, false}, {0.1, 2.3f, 1, false}, {0.01, 3, 0, true}};
  return t;
}

Calibration two() { return {{task("ddos", true), task("anomaly", false)}}; }

std::string refusal(const std::string& text) {
  try {
    Calibration::from_json(text, "detect.json");
  } catch (const base::Error& e) {
    return e.what();
  }
  return "accepted";
}

TEST(Calibration, SaveLoadSaveIsTheSame) {
  const std::string text = two().to_json();
  const auto again = Calibration::from_json(text, "detect.json");
  EXPECT_EQ(again, two());
  EXPECT_EQ(again.to_json(), text);
}

TEST(Calibration, RemembersItsNodesAndSaysWhenThereAreFarMore) {
  Calibration c = two();
  c.nodes = {{"10.77.0.0/25", "/24", true, false}, 48};
  EXPECT_EQ(Calibration::from_json(c.to_json(), "detect.json"), c);
  c.nodes.choice = {};
  EXPECT_EQ(Calibration::from_json(c.to_json(), "detect.json"), c);
  c.nodes.choice.hosts = "10.77.0.0/25";
  EXPECT_EQ(c.nodes.excess(96), "");
  EXPECT_THAT(c.nodes.excess(201'850),
              HasSubstr("201850 nodes, and the model was fitted on 48 (--nodes 10.77.0.0/25)"));
  EXPECT_EQ(FittedNodes{}.excess(201'850), "");
  c.nodes.count = 2;
  EXPECT_EQ(c.nodes.excess(9), "");
}

TEST(Calibration, MissingFileNamesTheCommandThatWritesIt) {
  try {
    Calibration::load("/nowhere/m");
    ADD_FAILURE();
  } catch (const base::Error& e) {
    EXPECT_THAT(e.what(), HasSubstr("netflowgen calibrate STORE --model /nowhere/m"));
  }
}

TEST(RuleSet, TasksThatAreOnShareTheRate) {
  // One task on: its threshold is that of the whole rate. Two: that of half of it, here the next one calibrated.
  Calibration both = two();
  RuleSet one({}, both, 60'000, 1);
  EXPECT_EQ(one.rule("x").thresholds[0].on, 2.3f);
  both.tasks[1].enabled = true;
  RuleSet shared({}, both, 60'000, 1);
  EXPECT_EQ(shared.rule("x").thresholds[0].on, 3);
  EXPECT_EQ(shared.rule("x").thresholds[1].on, 3);
  // A rate that names a task is that task's own.
  const auto named = Policies::parse("defaults: {false_alarms: {anomaly: 0.1}}", "p.yaml", both.names());
  RuleSet own(named, both, 60'000, 1);
  EXPECT_EQ(own.rule("x").thresholds[0].on, 2.3f);
  EXPECT_EQ(own.rule("x").thresholds[1].on, 2.3f);
  // So is a threshold; a task that is off takes no share.
  const auto off = Policies::parse("defaults: {thresholds: {anomaly: off}}", "p.yaml", both.names());
  RuleSet alone(off, both, 60'000, 1);
  EXPECT_EQ(alone.rule("x").thresholds[0].on, 2.3f);
}

TEST(Calibration, BadFilesAreRefused) {
  EXPECT_THAT(refusal("{"), HasSubstr("detect.json is damaged"));
  EXPECT_THAT(refusal("{\"format\": 2, \"tasks\": []}"), HasSubstr("newer"));
  EXPECT_THAT(refusal("{\"format\": 1, \"tasks\": []}"), HasSubstr("names no task"));
  auto falling = two();
  falling.tasks[0].thresholds[2].threshold = 0;
  EXPECT_THAT(refusal(falling.to_json()), HasSubstr("do not rise"));
  auto score = two();
  score.tasks[1].score = "magic";
  EXPECT_THAT(refusal(score.to_json()), HasSubstr("neither a head nor inject"));
  auto timing = two();
  timing.tasks[0].timing.end_steps = 0;
  EXPECT_THAT(refusal(timing.to_json()), HasSubstr("timing"));
  auto json = nlohmann::ordered_json::parse(two().to_json());
  json["tasks"][0]["timing"]["end_steps"] = 1.5;
  EXPECT_THAT(refusal(json.dump()), HasSubstr("'end_steps' is not an integer"));
  json["tasks"][0]["timing"]["end_steps"] = 1e99;
  EXPECT_THAT(refusal(json.dump()), HasSubstr("'end_steps' is not an integer"));
  EXPECT_THROW(Calibration::load("/nonexistent"), base::Error);
}

RuleSet rules_of(const std::string& yaml) {
  return RuleSet(Policies::parse(yaml, "p", two().names()), two(), 60'000, 128);
}

TEST(RuleSet, DefaultsComeFromTheCalibration) {
  auto b = rules_of("");
  const Rule& r = b.rule("10.0.0.1");
  EXPECT_EQ(r.thresholds[0].on, 2.3f);
  EXPECT_EQ(r.thresholds[0].off, 0.7f);
  EXPECT_EQ(r.thresholds[1].on, kNeverScore);  // anomaly is off until a policy asks
  EXPECT_EQ(r.timing.end_steps, 4);
  EXPECT_EQ(r.learning_steps, 128);
  EXPECT_EQ(r.outage_steps, 0);
  EXPECT_EQ(&b.rule("10.0.0.2"), &r);  // shared
}

TEST(RuleSet, PoliciesByPrefix) {
  auto b = rules_of(
      "defaults: {learning: 10m}\n"
      "policies:\n"
      "- {prefix: 10.0.0.0/8, false_alarms: {ddos: 1, anomaly: 0.1}, end_after: 90s, severity: high}\n"
      "- {prefix: 10.1.0.0/16, false_alarms: 0, outage: 30m, mute: true, contacts: [a]}\n"
      "- {node: 10.1.0.0/16, thresholds: {ddos: 5}}\n");
  const Rule& wide = b.rule("10.9.9.9");
  EXPECT_EQ(wide.thresholds[0].on, 0.7f);
  EXPECT_EQ(wide.thresholds[1].on, 2.3f);
  EXPECT_EQ(wide.timing.end_steps, 2);  // rounded up
  EXPECT_TRUE(wide.fixed_severity);
  EXPECT_EQ(wide.severity, Severity::kHigh);
  EXPECT_EQ(wide.learning_steps, 10);
  const Rule& narrow = b.rule("10.1.2.3");
  EXPECT_EQ(narrow.thresholds[0].on, kNeverScore);  // no false alarm at all: never
  EXPECT_EQ(narrow.outage_steps, 30);
  EXPECT_TRUE(narrow.mute);
  EXPECT_EQ(b.rule("10.1.0.0/16").thresholds[0].on, 5);  // the node of that name, not the prefix's hosts
  EXPECT_EQ(b.rule("10.1.2.4").thresholds[0].on, kNeverScore);
}

TEST(RuleSet, RatesThatValidationCannotHoldAreRefusedAtOnce) {
  EXPECT_THROW(rules_of("policies: [{prefix: 10.0.0.0/8, false_alarms: 0.001}]"), base::Error);
}

}  // namespace
}  // namespace netflowgen::detect

#include "detect/policy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"

namespace netflowgen::detect {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

const std::vector<std::string> kTasks = {"ddos", "anomaly"};

Policies parse(const std::string& yaml) { return Policies::parse(yaml, "p.yaml", kTasks); }

Policy resolve(const Policies& all, const std::string& node) {
  std::string name;
  return all.resolve(node, name);
}

std::string refusal(const std::string& yaml) {
  try {
    parse(yaml);
  } catch (const base::Error& e) {
    return e.what();
  }
  return "accepted";
}

TEST(Policy, Incidents) {
  EXPECT_EQ(parse("").incidents(), IncidentOptions{});
  const auto o = parse("incidents: {ipv4: [20, 24], ipv6: [48], hosts: 5, within: 5m}").incidents();
  EXPECT_THAT(o.ipv4, ElementsAre(20u, 24u));
  EXPECT_THAT(o.ipv6, ElementsAre(48u));
  EXPECT_EQ(o.hosts, 5u);
  EXPECT_EQ(o.within_ms, 300'000);
  EXPECT_EQ(parse("incidents: off").incidents().hosts, 0u);
  EXPECT_THAT(refusal("incidents: {host: 5}"), HasSubstr("did you mean 'hosts'"));
  EXPECT_THAT(refusal("incidents: {ipv4: [33]}"), HasSubstr("expected a number from 1 to 31"));
  EXPECT_THAT(refusal("incidents: {ipv4: [8.5]}"), HasSubstr("no fraction"));
  EXPECT_THAT(refusal("incidents: {hosts: 1}"), HasSubstr("expected a number from 2"));
  EXPECT_THAT(refusal("incidents: sometimes"), HasSubstr("expected incidents: off"));
}

TEST(Policy, LongestPrefixWinsFieldByField) {
  const auto all = parse(
      "defaults: {false_alarms: 0.1, merge: 10m}\n"
      "policies:\n"
      "- {prefix: 10.1.2.0/24, severity: critical, contacts: [soc@example.net]}\n"
      "- {prefix: 10.0.0.0/8, mute: true, severity: low, cooldown: 1h}\n"
      "- {prefix: 10.1.0.0/16, mute: false, false_alarms: {ddos: 0.01}}\n"
      "- {node: 10.1.2.3, false_alarms: 1}\n");
  std::string name;
  const auto p = all.resolve("10.1.2.9", name);
  EXPECT_EQ(name, "10.1.2.0/24");
  EXPECT_EQ(p.severity, Severity::kCritical);
  EXPECT_EQ(p.mute, false);
  EXPECT_EQ(p.cooldown_ms, 3'600'000);
  EXPECT_EQ(p.merge_ms, 600'000);
  EXPECT_EQ(p.task_rates.at("ddos"), 0.01);
  EXPECT_EQ(p.false_alarms, 0.1);
  EXPECT_THAT(*p.contacts, ElementsAre("soc@example.net"));

  const auto named = all.resolve("10.1.2.3", name);
  EXPECT_EQ(name, "10.1.2.3");
  EXPECT_EQ(named.false_alarms, 1);
  EXPECT_TRUE(named.task_rates.empty());  // the rate for all speaks for ddos too

  EXPECT_EQ(resolve(all, "10.9.9.9").mute, true);
  all.resolve("192.0.2.1", name);
  EXPECT_EQ(name, "");
}

TEST(Policy, MatchesPrefixAndInterfaceNodes) {
  const auto all = parse(
      "policies:\n- {prefix: 10.0.0.0/8, mute: true}\n- {node: '192.0.2.254#7', mute: true}\n"
      "- {prefix: '2001:db8::/32', mute: true}\n");
  EXPECT_EQ(resolve(all, "10.4.0.0/16").mute, true);
  EXPECT_EQ(resolve(all, "10.0.0.0/7").mute, std::nullopt);  // not all of it lies inside
  EXPECT_EQ(resolve(all, "10.0.0.1#3").mute, true);
  EXPECT_EQ(resolve(all, "192.0.2.254#7").mute, true);
  EXPECT_EQ(resolve(all, "192.0.2.254#8").mute, std::nullopt);
  EXPECT_EQ(resolve(all, "2001:db8::1").mute, true);
  EXPECT_EQ(resolve(all, "AS64500").mute, std::nullopt);
}

TEST(Policy, RefusesWithLineAndNearestKey) {
  EXPECT_THAT(refusal("polices: []\n"),
              HasSubstr("p.yaml, line 1: unknown key 'polices'; did you mean 'policies'?"));
  EXPECT_THAT(refusal("policies:\n- prefix: 10.0.0.0/8\n  colldown: 5m\n"),
              HasSubstr("line 3: unknown key 'colldown'; did you mean 'cooldown'?"));
  EXPECT_THAT(refusal("defaults: {thresholds: {ddoss: 1}}"), HasSubstr("did you mean 'ddos'?"));
  EXPECT_THAT(refusal("defaults: {xyz: 1}"), HasSubstr("known: false_alarms, "));
  EXPECT_THAT(refusal("defaults: {mute: perhaps}"), HasSubstr("true or false"));
  EXPECT_THAT(refusal("defaults: {merge: soon}"), HasSubstr("duration"));
  EXPECT_THAT(refusal("defaults: {false_alarms: -1}"), HasSubstr("number"));
  EXPECT_THAT(refusal("defaults: {false_alarms: .nan}"), HasSubstr("number"));
  EXPECT_THAT(refusal("defaults: {merge: 1m, merge: 2m}"), HasSubstr("twice"));
  EXPECT_THAT(refusal("policies: [{mute: true}]"), HasSubstr("needs a prefix or a node"));
  EXPECT_THAT(refusal("policies: [{prefix: 10.0.0.0/99}]"), HasSubstr("not a prefix"));
  EXPECT_THAT(refusal("policies: 7"), HasSubstr("expected a list"));
  EXPECT_THAT(refusal("a: [b"), HasSubstr("not valid YAML"));
  EXPECT_THAT(refusal("- 1\n"), HasSubstr("expected a map"));
  EXPECT_THAT(refusal("maintenance: [{from: 2026-01-02, to: 2026-01-01}]"),
              HasSubstr("ends after it begins"));
  EXPECT_EQ(refusal(""), "accepted");
}

TEST(Policy, MaintenanceOnceAndRepeated) {
  const auto all = parse(
      "maintenance:\n"
      "- {prefix: 10.0.0.0/8, from: '1970-01-01 00:00:10', to: '1970-01-01 00:00:20', reason: router}\n"
      "- {node: AS1, from: '1970-01-01 02:00:00', to: '1970-01-01 04:00:00', every: day}\n");
  EXPECT_EQ(all.maintenance("10.0.0.1", 9'999), nullptr);
  ASSERT_NE(all.maintenance("10.0.0.1", 10'000), nullptr);
  EXPECT_EQ(all.maintenance("10.0.0.1", 10'000)->reason, "router");
  EXPECT_EQ(all.maintenance("10.0.0.1", 20'000), nullptr);
  EXPECT_EQ(all.maintenance("192.0.2.1", 10'000), nullptr);
  constexpr int64_t kHour = 3'600'000;
  EXPECT_EQ(all.maintenance("AS1", kHour), nullptr);
  EXPECT_NE(all.maintenance("AS1", 3 * kHour), nullptr);
  EXPECT_NE(all.maintenance("AS1", (24 * 9 + 3) * kHour), nullptr);
  EXPECT_EQ(all.maintenance("AS1", (24 * 9 + 4) * kHour), nullptr);
}

TEST(Policy, ThresholdsAndRatesReplaceEachOther) {
  const auto all = parse(
      "defaults: {thresholds: {ddos: 3.5, anomaly: off}}\n"
      "policies: [{prefix: 10.0.0.0/8, false_alarms: {ddos: 1}}, {prefix: 10.0.0.0/16, false_alarms: "
      "0.1}]\n");
  const auto far = resolve(all, "192.0.2.1");
  EXPECT_EQ(far.thresholds.at("ddos"), 3.5);
  EXPECT_TRUE(std::isinf(far.thresholds.at("anomaly")));
  const auto near = resolve(all, "10.9.0.1");
  EXPECT_FALSE(near.thresholds.contains("ddos"));
  EXPECT_TRUE(near.thresholds.contains("anomaly"));
  EXPECT_TRUE(resolve(all, "10.0.0.1").thresholds.empty());
}

}  // namespace
}  // namespace netflowgen::detect

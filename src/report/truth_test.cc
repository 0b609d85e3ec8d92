#include "report/truth.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace netflowgen::report {
namespace {

detect::Alert alert(const std::string& node, int64_t start_min, int64_t end_min) {
  detect::Alert a;
  a.node = node;
  a.start_ms = start_min * 60'000;
  a.raised_ms = (start_min + 1) * 60'000;
  a.end_ms = end_min * 60'000;
  a.event_ms = a.raised_ms;
  return a;
}

TEST(Truth, CountsWhatWasFoundMissedAndInvented) {
  detect::AlertList alerts;
  alerts.alerts = {alert("a", 10, 14), alert("b", 40, 41), alert("c", 5, 6), alert("d", 100, 0)};
  alerts.last_ms = 200 * 60'000;
  const std::vector<KnownAttack> attacks = {
      {"d", {"d"}, "udp_flood", 150 * 60'000, 160 * 60'000},  // within an alert that lasts
      {"a", {"a"}, "syn_flood", 9 * 60'000, 15 * 60'000},     // found two minutes after its start
      {"b", {"b"}, "syn_flood", 10 * 60'000, 15 * 60'000},    // the alert is half an hour later
      {"e", {"e"}, "syn_flood", 10 * 60'000, 15 * 60'000},    // no alert
      {"10.0.0.0/30", {"x", "c"}, "carpet", 5 * 60'000, 6 * 60'000}};
  const Truth t = compare(attacks, alerts, 60'000, 12);
  ASSERT_EQ(t.rows.size(), 5u);
  EXPECT_EQ(t.found, 3u);
  EXPECT_THAT(t.false_alerts, testing::ElementsAre(1, 0, 0, 0));
  EXPECT_EQ(t.rows[0].attack.name, "10.0.0.0/30");
  EXPECT_TRUE(t.rows[0].found);
  EXPECT_EQ(t.rows[0].delay_ms, 60'000);
  EXPECT_EQ(t.rows[1].delay_ms, 2 * 60'000);
  EXPECT_FALSE(t.rows[2].found);
  EXPECT_EQ(t.rows[4].delay_ms, 0);
  EXPECT_EQ(t.median_delay_ms, 60'000);
}

TEST(Truth, OfNothingIsNothing) {
  const Truth t = compare({}, {}, 60'000, 0);
  EXPECT_EQ(t.found + t.rows.size(), 0u);
}

}  // namespace
}  // namespace netflowgen::report

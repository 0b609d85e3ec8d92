// Alerts written by hand, a minute a step -> incidents.
#include "detect/incident.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>

namespace netflowgen::detect {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr int64_t kMinute = 60'000;

class IncidentTest : public ::testing::Test {
 protected:
  Alert& raise(const std::string& node, int64_t step, const std::string& type = "udp_flood") {
    alerts_.push_back(std::make_unique<Alert>());
    Alert& a = *alerts_.back();
    a.node = node;
    a.task = "ddos";
    a.id = alert_id(node, a.task, step);
    a.guess.type = type;
    a.start_ms = step * kMinute;
    a.raised_ms = a.event_ms = (step + 1) * kMinute;
    return a;
  }
  static void end(Alert& a, int64_t step) { a.end_ms = step * kMinute; }

  void step(int64_t s) {
    std::vector<Alert*> all;
    for (const auto& a : alerts_) all.push_back(a.get());
    std::vector<Incident> changes;
    tracker_.update(s, all, changes);
    for (auto& c : changes) {
      events_.push_back(
          fmt::format("{} {} {} {} {}", s, name_of(c.event), c.prefix.to_string(), c.type, c.hosts));
      records_.push_back(std::move(c));
    }
  }

  std::vector<std::unique_ptr<Alert>> alerts_;
  IncidentTracker tracker_{IncidentOptions{}, kMinute, 5};
  std::vector<std::string> events_;
  std::vector<Incident> records_;
};

TEST_F(IncidentTest, HostsOfAPrefixBecomeOneAndItEndsOnce) {
  for (int i = 1; i <= 16; ++i) raise(fmt::format("192.0.2.{}", i), 10 + i / 8);
  step(11);
  step(12);
  EXPECT_THAT(events_, ElementsAre("11 raised 192.0.2.0/24 udp_flood 16"));
  for (const auto& a : alerts_) EXPECT_EQ(a->incident, records_[0].id);
  ASSERT_EQ(records_[0].victims.size(), 16u);
  EXPECT_EQ(records_[0].victims[0].node, "192.0.2.1");
  EXPECT_EQ(records_[0].start_ms, 10 * kMinute);
  raise("192.0.2.99", 13, "unknown");  // joins what is going on there
  step(13);
  for (const auto& a : alerts_) end(*a, 20);
  step(21);
  alerts_[0]->end_ms = 0;  // resumed
  step(24);
  end(*alerts_[0], 25);
  for (int64_t s = 25; s < 40; ++s) step(s);
  EXPECT_THAT(events_,
              ElementsAre("11 raised 192.0.2.0/24 udp_flood 16", "13 updated 192.0.2.0/24 udp_flood 17",
                          "31 ended 192.0.2.0/24 udp_flood 17"));
  EXPECT_EQ(records_[2].end_ms, 25 * kMinute);
  EXPECT_EQ(records_[0].id, records_[2].id);
  EXPECT_FALSE(tracker_.busy());
}

TEST_F(IncidentTest, OtherPrefixesTypesAndTimesAreNone) {
  raise("192.0.2.1", 10);
  raise("192.0.2.2", 10);
  raise("192.0.3.3", 10);
  raise("192.0.2.4", 10, "syn_flood");
  step(10);
  raise("192.0.2.5", 40);  // half an hour later
  step(40);
  raise("192.0.2.0/25", 40);  // a prefix is no host
  raise("192.0.2.9#7", 40);
  raise("AS64500", 40);
  step(41);
  EXPECT_THAT(events_, IsEmpty());
  for (const auto& a : alerts_) EXPECT_EQ(a->incident, "");
}

TEST_F(IncidentTest, AlertsWithoutATypeJoinWhatHasOne) {
  for (int i = 1; i <= 3; ++i) raise(fmt::format("192.0.2.{}", i), 10, "unknown");
  for (int i = 4; i <= 7; ++i) raise(fmt::format("192.0.2.{}", i), 10);
  for (int i = 1; i <= 3; ++i) raise(fmt::format("198.51.100.{}", i), 10, "unknown");
  step(10);
  EXPECT_THAT(events_,
              ElementsAre("10 raised 192.0.2.0/24 udp_flood 7", "10 raised 198.51.100.0/24 unknown 3"));
}

// Sampled, hosts of one carpet bombing show different types.
TEST_F(IncidentTest, ACarpetBombingIsOneWhateverItsHostsShow) {
  for (int i = 0; i < 3; ++i) raise(fmt::format("192.0.2.{}", 200 + i), 11, "amplification");
  for (int i = 1; i <= 20; ++i) raise(fmt::format("192.0.2.{}", i), 11);
  raise("192.0.2.100", 11, "tcp_flood");
  for (int i = 0; i < 3; ++i) raise(fmt::format("198.51.100.{}", i), 11, "amplification");
  step(11);
  raise("192.0.2.101", 12, "amplification");
  step(12);
  EXPECT_THAT(events_,
              ElementsAre("11 raised 192.0.2.0/24 udp_flood 24", "11 raised 198.51.100.0/24 amplification 3",
                          "12 updated 192.0.2.0/24 udp_flood 25"));
}

// What prepares an attack may be an incident of its own already, with few hosts.
TEST_F(IncidentTest, AnIncidentThatGrowsToACarpetBombingTakesAllOfItsStep) {
  for (int i = 201; i <= 204; ++i) raise(fmt::format("192.0.2.{}", i), 10, "connection_flood");
  step(10);
  for (int i = 1; i <= 6; ++i) raise(fmt::format("192.0.2.{}", i), 11, "amplification");
  for (int i = 11; i <= 16; ++i) raise(fmt::format("192.0.2.{}", i), 11, "connection_flood");
  step(11);
  EXPECT_THAT(events_, ElementsAre("10 raised 192.0.2.0/24 connection_flood 4",
                                   "11 updated 192.0.2.0/24 connection_flood 16"));
}

TEST_F(IncidentTest, SingleAlertsOfItsPrefixDoNotKeepItOpen) {
  for (int i = 1; i <= 10; ++i) raise(fmt::format("192.0.2.{}", i), 10);
  step(10);
  for (const auto& a : alerts_) end(*a, 15);
  std::vector<Alert*> stray;
  for (int64_t s = 11; s < 120; ++s) {  // one alert every six minutes, for three minutes each
    if (s % 6 == 0) stray.push_back(&raise(fmt::format("192.0.2.{}", 100 + s), s, "scan"));
    if (s % 6 == 3 && !stray.empty()) end(*stray.back(), s);
    step(s);
  }
  EXPECT_FALSE(tracker_.busy());
  ASSERT_FALSE(records_.empty());
  EXPECT_EQ(records_.back().event, IncidentEvent::kEnded);
  EXPECT_LT(records_.back().event_ms, 45 * kMinute);
  EXPECT_EQ(stray.back()->incident, "");
}

TEST_F(IncidentTest, TheLongestPrefixThatHoldsEnoughWins) {
  IncidentOptions options;
  options.ipv4 = {16, 24};
  options.ipv6 = {48};
  tracker_ = IncidentTracker(options, kMinute, 5);
  for (int i = 1; i <= 3; ++i) raise(fmt::format("10.1.2.{}", i), 10);
  for (int i = 1; i <= 3; ++i) raise(fmt::format("10.1.{}.9", 10 + i), 10);
  for (int i = 1; i <= 3; ++i) raise(fmt::format("2001:db8:1:{}::9", i), 10);
  step(10);
  EXPECT_THAT(events_,
              ElementsAre("10 raised 10.1.2.0/24 udp_flood 3", "10 raised 2001:db8:1::/48 udp_flood 3",
                          "10 raised 10.1.0.0/16 udp_flood 3"));
}

TEST_F(IncidentTest, MoreSevereIsAnUpdateAndSentIsWhatOneAlertIs) {
  for (int i = 1; i <= 3; ++i) raise(fmt::format("192.0.2.{}", i), 10).suppressed = Suppression::kLearning;
  step(10);
  EXPECT_EQ(records_[0].suppressed, Suppression::kLearning);
  alerts_[1]->severity = Severity::kHigh;
  step(11);
  raise("192.0.2.7", 12);
  step(12);
  ASSERT_EQ(records_.size(), 3u);
  EXPECT_EQ(records_[1].severity, Severity::kHigh);
  EXPECT_EQ(records_[2].suppressed, Suppression::kNone);
}

TEST_F(IncidentTest, ManyHostsAreCountedAndTheListIsBounded) {
  for (int i = 0; i < 1000; ++i) raise(fmt::format("10.9.{}.{}", i / 250, i % 250), 10);
  IncidentOptions options;
  options.ipv4 = {16};
  tracker_ = IncidentTracker(options, kMinute, 5);
  step(10);
  ASSERT_EQ(records_.size(), 1u);
  EXPECT_EQ(records_[0].hosts, 1000u);
  EXPECT_EQ(records_[0].victims.size(), kListedHosts);
  for (size_t i = 0; i < 999; ++i) end(*alerts_[i], 12);
  for (int64_t s = 12; s < 30; ++s) step(s);
  EXPECT_EQ(records_.size(), 1u);  // one is up, though not listed
  end(*alerts_[999], 30);
  for (int64_t s = 30; s < 40; ++s) step(s);
  ASSERT_EQ(records_.size(), 2u);
  EXPECT_EQ(records_[1].event, IncidentEvent::kEnded);
}

TEST_F(IncidentTest, Off) {
  IncidentOptions options;
  options.hosts = 0;
  tracker_ = IncidentTracker(options, kMinute, 5);
  for (int i = 1; i <= 16; ++i) raise(fmt::format("192.0.2.{}", i), 10);
  step(10);
  EXPECT_THAT(events_, IsEmpty());
}

}  // namespace
}  // namespace netflowgen::detect

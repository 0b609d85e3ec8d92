// The detector on scores written by hand: one score a minute for each node, '.' is a minute without a frame.
#include "detect/detector.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <map>

#include "base/error.h"
#include "detect/detector_state.h"
#include "detect/severity.h"
#include "detect/testing.h"
#include "detect/type_model.h"
#include "series/builder.h"
#include "series/features.h"
#include "series/node.h"

namespace netflowgen::detect {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(Detector, ContinuesAnAlertThatIsYoungerThanItsState) {
  World before;
  before.run({{"10.0.0.1", "0006"}});
  ASSERT_EQ(before.alerts.size(), 1u);
  for (const auto& [after, ended] : std::map<std::string, std::string>{
           {"660000", "10.0.0.1 ended 7"}, {"000000", "10.0.0.1 ended 5"}, {"......", "10.0.0.1 ended 5"}}) {
    World w;  // the state is of step 2; step 3 was lost
    w.run({{"10.0.0.1", "000."}});
    EXPECT_TRUE(w.take_back(before.alerts[0]));
    w.run({{"10.0.0.1", after}});
    EXPECT_THAT(w.events(), ElementsAre(ended)) << after;
    EXPECT_EQ(w.alerts[0].id, before.alerts[0].id);
  }
}

TEST(Detector, ResumesAnAlertThatEndedWithTheLostState) {
  World before;
  before.run({{"10.0.0.1", "0006"}});
  Alert ended = before.alerts.at(0);
  ended.event = AlertEvent::kEnded;
  ended.end_ms = ended.event_ms;
  World w;
  w.run({{"10.0.0.1", "0000"}});
  EXPECT_TRUE(w.take_back(ended));
  w.run({{"10.0.0.1", "06000"}});
  EXPECT_THAT(w.events(), ElementsAre("10.0.0.1 resumed 5", "10.0.0.1 ended 7"));
  EXPECT_EQ(w.alerts[0].id, ended.id);
}

TEST(Detector, AnEarlyAlertsRecordsAreInTheOrderOfTheirTimes) {
  for (const std::string score : {"7", "0"}) {
    World w;
    w.run({{"10.0.0.1", "0000"}})
        .foresee("10.0.0.1", "7", "9", 90'000);  // 30 s after the step's end: it waits for late flows
    w.run({{"10.0.0.1", score}}, score == "7" ? "9" : "");
    ASSERT_EQ(w.alerts.size(), 2u);
    EXPECT_GE(w.alerts[1].event_ms, w.alerts[0].event_ms);
  }
}

TEST(Detector, ResumesAnAlertBeforeItsStepEnds) {
  for (const bool borne_out : {true, false}) {
    World w;
    w.run({{"10.0.0.1", "0006000"}}, "0009000").foresee("10.0.0.1", "7", "9", 90'000);
    w.foresee("10.0.0.1", "7", "9", 95'000);  // it is known
    w.run({{"10.0.0.1", borne_out ? "7" : "0"}}, borne_out ? "9" : "");
    ASSERT_EQ(w.alerts.size(), 4u) << ::testing::PrintToString(w.events());
    EXPECT_EQ(w.alerts[1].event, AlertEvent::kEnded);
    EXPECT_EQ(w.alerts[2].event, AlertEvent::kResumed);
    EXPECT_TRUE(w.alerts[2].early);
    EXPECT_EQ(w.alerts[2].end_ms, 0);
    EXPECT_EQ(w.alerts[3].event, borne_out ? AlertEvent::kUpdated : AlertEvent::kEnded);
    EXPECT_EQ(w.alerts[3].end_ms == 0, borne_out);
    for (size_t i = 1; i < 4; ++i) {
      EXPECT_EQ(w.alerts[i].id, w.alerts[0].id);
      EXPECT_GE(w.alerts[i].event_ms, w.alerts[i - 1].event_ms);
    }
    EXPECT_EQ(w.detector().open_alerts(), borne_out ? 1u : 0u);
  }
}

TEST(Detector, TakesAnEarlyAlertBackForItsOwnStep) {
  for (const bool borne_out : {true, false}) {
    World before;
    before.run({{"10.0.0.1", "0000"}}).foresee("10.0.0.1", "7", "9");
    ASSERT_EQ(before.alerts.size(), 1u);
    World w;
    w.run({{"10.0.0.1", "000"}});
    EXPECT_FALSE(w.take_back(before.alerts[0])) << "its step is later";
    w.run({{"10.0.0.1", "0"}});
    EXPECT_TRUE(w.take_back(before.alerts[0]));
    w.run({{"10.0.0.1", borne_out ? "7" : "0"}}, borne_out ? "9" : "");
    EXPECT_THAT(w.events(), ElementsAre(borne_out ? "10.0.0.1 updated 4" : "10.0.0.1 ended 4"));
    EXPECT_EQ(w.alerts[0].id, before.alerts[0].id);
  }
}

TEST(Detector, RaisesEndsAndResumesOneAlert) {
  World w;
  w.run({{"10.0.0.1", "000600050000000"}});
  EXPECT_THAT(w.events(),
              ElementsAre("10.0.0.1 raised 3", "10.0.0.1 ended 5", "10.0.0.1 resumed 7", "10.0.0.1 ended 9"));
  EXPECT_EQ(w.alerts[0].id, w.alerts[2].id);
  EXPECT_EQ(w.alerts[0].start_ms, 180'000);
  EXPECT_EQ(w.alerts[0].raised_ms, 240'000);
  EXPECT_EQ(w.alerts[0].end_ms, 0);
  EXPECT_EQ(w.alerts[1].end_ms, 240'000);
  EXPECT_EQ(w.alerts[2].end_ms, 0);
  EXPECT_EQ(w.alerts[3].end_ms, 480'000);
  EXPECT_FALSE(w.detector().busy() && w.detector().open_alerts() > 0);
}

TEST(Detector, SilenceEndsAnAlertAndOrderIsByNode) {
  World w;
  w.run({{"10.0.0.2", "06......"}, {"10.0.0.1", "06......"}});
  EXPECT_THAT(w.events(),
              ElementsAre("10.0.0.1 raised 1", "10.0.0.2 raised 1", "10.0.0.1 ended 3", "10.0.0.2 ended 3"));
}

TEST(Detector, LatchesWhileTrafficIsAboveTheForecastOfTheOnset) {
  World w;
  w.run({{"10.0.0.1", "0006000000000"}}, "0009999990000");
  EXPECT_THAT(w.events(), ElementsAre("10.0.0.1 raised 3", "10.0.0.1 ended 10"));
  World without;
  without.run({{"10.0.0.1", "0006000000000"}});
  EXPECT_THAT(without.events(), ElementsAre("10.0.0.1 raised 3", "10.0.0.1 ended 5"));
}

TEST(Detector, EvidenceInTheOperatorsUnits) {
  World w;
  w.run({{"10.0.0.1", "0006"}}, "0009");
  ASSERT_EQ(w.alerts.size(), 1u);
  const Alert& a = w.alerts[0];
  ASSERT_FALSE(a.drivers.empty());
  EXPECT_TRUE(a.drivers[0].forecast);  // what left its band comes first
  EXPECT_GT(a.drivers[0].seen, a.drivers[0].upper);
  const auto times = [](const Driver& d) {
    return d.forecast ? times_expected(d.seen, d.expected, d.upper) : 0;
  };
  for (const auto& d : a.drivers)
    EXPECT_GE(times(a.drivers[0]), times(d)) << "the first is most above its band";
  const auto packets = std::find_if(a.drivers.begin(), a.drivers.end(),
                                    [](const Driver& d) { return d.feature == series::kPacketsIn; });
  ASSERT_NE(packets, a.drivers.end());
  EXPECT_NEAR(packets->expected, 10, 1e-3);
  EXPECT_NEAR(packets->upper, std::expm1(std::log1p(10.0) + 0.2), 1e-3);
  EXPECT_EQ(packets->seen, 1000);
  EXPECT_EQ(a.guess.type, "syn_flood");
  EXPECT_GT(a.guess.probability, 0.5);
  ASSERT_TRUE(a.filter.has_value());
  EXPECT_THAT(match_text(*a.filter), HasSubstr("to 10.0.0.1"));
  EXPECT_TRUE(a.filter->syn_only);
}

// The alert's frame: 990 packets of 50 bytes beyond ten, SYN alone, to port 0. The model's only examples are of it or far from it.
TEST(Detector, ALearntModelNamesTypesInPlaceOfTheRule) {
  const auto evidence = attack_evidence(frame_of(1000), frame_of(10));
  ASSERT_TRUE(evidence.has_value());
  TypeModel m;
  m.classes = {"far", "syn_flood"};
  m.trees = {2, 0, {}, {}, {0, 3}};
  m.scale.assign(kKindInputs, 1.0f);
  for (const float by : {100.0f, 0.0f}) {
    for (size_t j = 0; j < kKindInputs; ++j) m.examples.push_back((*evidence)[j] + by);
    m.ends.push_back(m.ends.size() + 1);
  }
  m.units.fill(1);
  m.held_distances = m.held_doubts = {1};
  m.threshold = 0.7f;
  World w("defaults: {learning: 0s}", &m);
  w.run({{"10.0.0.1", "0006"}}, "0009");
  ASSERT_EQ(w.alerts.size(), 1u);
  EXPECT_EQ(w.alerts[0].guess.type, "syn_flood");
  EXPECT_TRUE(w.alerts[0].guess.by_model);
  // Times 1000 / 1003: of the flows of the frame.
  EXPECT_NEAR(w.alerts[0].guess.probability, 1 / (1 + std::exp(-3.0)) * 1000 / 1003, 1e-4);

  for (float& x : m.examples) x += 50;
  World far("defaults: {learning: 0s}", &m);
  far.run({{"10.0.0.1", "0006"}}, "0009");
  ASSERT_EQ(far.alerts.size(), 1u);
  EXPECT_EQ(far.alerts[0].guess.type, "unknown");
  EXPECT_TRUE(far.alerts[0].guess.by_model);

  m.classes[1] = "another";  // the rule knows a type that was not learnt
  World unlearnt("defaults: {learning: 0s}", &m);
  unlearnt.run({{"10.0.0.1", "0006"}}, "0009");
  ASSERT_EQ(unlearnt.alerts.size(), 1u);
  EXPECT_EQ(unlearnt.alerts[0].guess.type, "syn_flood");
  EXPECT_FALSE(unlearnt.alerts[0].guess.by_model);
}

TEST(Detector, SeverityFollowsTheScoreAndTheTraffic) {
  World w;
  w.run({{"10.0.0.1", "0567890000"}}, "0999990000");  // a hundred times what was expected
  EXPECT_THAT(w.events(), ElementsAre("10.0.0.1 raised 1", "10.0.0.1 escalated 3", "10.0.0.1 escalated 4",
                                      "10.0.0.1 ended 7"));
  EXPECT_EQ(w.alerts[0].severity, Severity::kLow);
  EXPECT_EQ(w.alerts[1].severity, Severity::kMedium);
  EXPECT_NEAR(w.alerts[1].times_expected, 100, 1);
  EXPECT_EQ(w.alerts[3].peak, 9);
  World small;
  small.run({{"10.0.0.1", "0567890000"}});  // nothing but the score
  EXPECT_THAT(small.events(), ElementsAre("10.0.0.1 raised 1", "10.0.0.1 ended 7"));
  EXPECT_EQ(small.alerts[1].times_expected, 0);
  World crowd;
  crowd.run({{"10.0.0.1", "0567890000"}}, "0cccc90000");  // ordinary growth, and then a flood
  EXPECT_THAT(crowd.events(), ElementsAre("10.0.0.1 raised 1", "10.0.0.1 escalated 3", "10.0.0.1 escalated 5",
                                          "10.0.0.1 ended 7"));
  EXPECT_EQ(crowd.alerts[0].severity, Severity::kLow);
  EXPECT_GT(crowd.alerts[0].times_expected, 100);
  EXPECT_EQ(crowd.alerts[1].severity, Severity::kMedium);
  EXPECT_EQ(crowd.alerts[2].severity, Severity::kHigh);
  World copy;
  copy.run({{"10.0.0.1", "0567890000"}}, "0bbbbb0000");
  EXPECT_THAT(copy.events(), ElementsAre("10.0.0.1 raised 1", "10.0.0.1 ended 7"));
  EXPECT_GT(copy.alerts[1].times_expected, 100);
  EXPECT_EQ(copy.alerts[1].severity, Severity::kLow);
  World fixed("defaults: {learning: 0s, severity: critical}");
  fixed.run({{"10.0.0.1", "0567890000"}});
  EXPECT_EQ(fixed.alerts[0].severity, Severity::kCritical);
  EXPECT_EQ(fixed.alerts.size(), 2u);
}

TEST(Detector, HostsOfOnePrefixAreOneIncident) {
  World w;
  w.run({{"10.0.0.1", "060000000000"},
         {"10.0.0.2", "006000000000"},
         {"10.0.0.3", "000600000000"},
         {"10.0.9.9", "060000000000"}},
        "099900000000");
  EXPECT_THAT(w.events(),
              ElementsAre("10.0.0.1 raised 1", "10.0.9.9 raised 1", "10.0.0.2 raised 2", "10.0.0.1 grouped 3",
                          "10.0.0.2 grouped 3", "10.0.0.3 raised 3", "10.0.0.1 ended 5", "10.0.0.2 ended 5",
                          "10.0.0.3 ended 5", "10.0.9.9 ended 5"));
  ASSERT_EQ(w.incidents.size(), 2u);
  EXPECT_EQ(w.incidents[0].hosts, 3u);
  EXPECT_EQ(w.incidents[0].event, IncidentEvent::kRaised);
  EXPECT_EQ(w.incidents[1].event, IncidentEvent::kEnded);
  for (const auto& a : w.alerts) {
    const bool in = a.node != "10.0.9.9" && a.event_ms / 60'000 - 1 >= 3;
    EXPECT_EQ(a.incident, in ? w.incidents[0].id : "") << a.node;
  }
  ASSERT_TRUE(w.incidents[0].filter.has_value());
  EXPECT_THAT(match_text(*w.incidents[0].filter), HasSubstr("to 10.0.0.0/24"));
}

TEST(Detector, SuppressedAndWhy) {
  const auto reason = [](const std::string& yaml) {
    World w(yaml);
    w.run({{"10.0.0.1", "0006000"}});
    const auto ledger = w.detector().alerts_ledger();
    EXPECT_TRUE(ledger.balanced());
    EXPECT_EQ(ledger.in, 1u);
    EXPECT_EQ(ledger.out, w.alerts[0].sent() ? 1u : 0u);
    EXPECT_EQ(w.alerts[0].suppressed, w.alerts[1].suppressed);
    return std::string(name_of(w.alerts[0].suppressed));
  };
  EXPECT_EQ(reason("defaults: {learning: 0s}"), "");
  EXPECT_EQ(reason("defaults: {learning: 4m}"), "learning");  // known for three minutes only
  EXPECT_EQ(reason("defaults: {learning: 3m}"), "");
  EXPECT_EQ(reason(""), "learning");  // the model's window
  EXPECT_EQ(reason("defaults: {learning: 0s, mute: true}"), "muted");
  EXPECT_EQ(reason("dry_run: true\ndefaults: {learning: 0s}"), "dry run");
  EXPECT_EQ(reason("defaults: {learning: 0s}\nmaintenance: [{from: '1970-01-01 00:02:00', to: '1970-01-01 "
                   "00:04:00', reason: works}]"),
            "maintenance");
}

// What a flash crowd was is told by its own steps, not by the quiet one after it.
TEST(Detector, TheEndOfACrowdMakesItNoFlood) {
  World w;
  w.run({{"10.0.0.1", "0099400"}}, "00cc000");
  std::vector<std::string> all;
  for (const auto& a : w.alerts) all.push_back(fmt::format("{} {}", name_of(a.event), name_of(a.severity)));
  EXPECT_THAT(all, ElementsAre("raised medium", "ended medium"));
}

// An alert that learning suppressed may last for hours. What comes after learning is sent all the same.
TEST(Detector, LearningSuppressesNothingThatComesAfterIt) {
  const auto of = [](const World& w) {
    std::vector<std::string> all;
    for (const auto& a : w.alerts)
      all.push_back(fmt::format("{} {} {}", name_of(a.event), name_of(a.severity), name_of(a.suppressed)));
    return all;
  };
  World worse("defaults: {learning: 5m}");
  worse.run({{"10.0.0.1", "006666699"}}, "000000099");
  EXPECT_THAT(of(worse), ElementsAre("raised low learning", "raised high "));
  EXPECT_TRUE(worse.detector().alerts_ledger().balanced());
  EXPECT_EQ(worse.detector().alerts_ledger().out, 1u);
  World again("defaults: {learning: 3m}");
  again.run({{"10.0.0.1", "60066"}});
  EXPECT_THAT(of(again), ElementsAre("raised low learning", "ended low learning", "raised low "));
  World meanwhile("defaults: {learning: 30m}");
  meanwhile.run({{"10.0.0.1", "006666699"}}, "000000099");
  EXPECT_THAT(of(meanwhile), ElementsAre("raised low learning", "escalated high learning"));
}

TEST(Detector, CoolDownHoldsTheNextOneBack) {
  World w("defaults: {learning: 0s, cooldown: 10m}");
  w.run({{"10.0.0.1", "060000006000000000060000"}});
  ASSERT_EQ(w.alerts.size(), 6u);
  EXPECT_EQ(w.alerts[0].suppressed, Suppression::kNone);
  EXPECT_EQ(w.alerts[2].suppressed, Suppression::kCooldown);
  EXPECT_EQ(w.alerts[4].suppressed, Suppression::kNone);
  EXPECT_NE(w.alerts[0].id, w.alerts[2].id);
}

TEST(Detector, OutagesOnlyWhereAPolicyAsks) {
  World w("defaults: {learning: 0s}\npolicies: [{node: 10.0.0.1, outage: 3m}]");
  w.run({{"10.0.0.1", "000.....0"}, {"10.0.0.2", "000.....0"}});
  EXPECT_THAT(w.events(), ElementsAre("10.0.0.1 raised 5", "10.0.0.1 ended 8"));
  EXPECT_EQ(w.alerts[0].task, "outage");
  EXPECT_EQ(w.alerts[0].start_ms, 180'000);
  EXPECT_EQ(w.alerts[1].end_ms, 480'000);
}

TEST(Detector, RecordsAreReadBack) {
  World w;
  w.run({{"10.0.0.1", "0006000"}}, "0009000");
  const std::string line = to_json_line(w.alerts[1]);
  EXPECT_EQ(line.back(), '\n');
  const auto key = parse_alert(line, "x");
  EXPECT_EQ(key.id, w.alerts[1].id);
  EXPECT_EQ(key.id.size(), 16u);
  EXPECT_EQ(key.node, "10.0.0.1");
  EXPECT_EQ(key.start_ms, 180'000);
  EXPECT_EQ(key.end_ms, w.alerts[1].end_ms);
  EXPECT_THROW(parse_alert("{\"id\": 1}", "x"), base::Error);
  EXPECT_THROW(parse_alert("", "x"), base::Error);
}

}  // namespace
}  // namespace netflowgen::detect

// Running totals as increments, and the connections of firewalls.
#include "flow/decoder/counter_test_builder.h"
#include "flow/decoder/decoder.h"
#include "flow/settle.h"

namespace netflowgen::flow {
namespace {

using namespace wire;

// Octets and packets of all reports of one flow, 10 s each from kNow - 60 s on.
const Fields kTotalFields = {{85, 8}, {86, 8}, {152, 8}, {153, 8}};

TEST(Totals, ReportedAgainTheyCountOnce) {
  Exported e(kTotalFields);
  const Flow first = only(e.record({1000, 10, kBegin, kBegin + 10'000}));
  EXPECT_EQ(first.bytes, 1000u);
  EXPECT_EQ(first.flows, 1u);
  const Flow second = only(e.record({2500, 25, kBegin, kBegin + 20'000}));
  EXPECT_EQ(second.bytes, 1500u);
  EXPECT_EQ(second.packets, 15u);
  EXPECT_EQ(second.flows, 0u) << "no flow of its own";
  EXPECT_EQ(second.start_ms, static_cast<TimeMs>(kBegin) + 10'000) << "since the last report";
  EXPECT_EQ(second.end_ms, static_cast<TimeMs>(kBegin) + 20'000);
  const Flow same = only(e.record({2500, 25, kBegin, kBegin + 20'000}));
  EXPECT_EQ(role_of(same), FlowRole::kRepeat);
  EXPECT_EQ(e.checked.note("running_totals"), 2u);
}

TEST(Totals, FlowsOfOtherKeysAreOthers) {
  Exported e(kTotalFields);
  EXPECT_EQ(only(e.record({1000, 10, kBegin, kBegin + 10'000}, 5000)).bytes, 1000u);
  EXPECT_EQ(only(e.record({1000, 10, kBegin, kBegin + 10'000}, 5001)).bytes, 1000u);
  EXPECT_EQ(only(e.record({1200, 12, kBegin, kBegin + 20'000}, 5001)).bytes, 200u);
}

TEST(Totals, ANewFlowOfTheSameKeyStartsAfterTheLast) {
  Exported e(kTotalFields);
  EXPECT_EQ(only(e.record({1000, 10, kBegin, kBegin + 10'000})).bytes, 1000u);
  const Flow next = only(e.record({1300, 13, kBegin + 12'000, kBegin + 20'000}));
  EXPECT_EQ(next.bytes, 1300u);
  EXPECT_EQ(next.flows, 1u);
}

TEST(Totals, AResetCountsFromZero) {
  Exported e(kTotalFields);
  e.record({1000, 10, kBegin, kBegin + 10'000});
  const Flow reset = only(e.record({300, 3, kBegin, kBegin + 20'000}));
  EXPECT_EQ(reset.bytes, 300u);
  EXPECT_EQ(only(e.record({500, 5, kBegin, kBegin + 30'000})).bytes, 200u);
  EXPECT_EQ(e.checked.note("total_reset"), 1u);
}

TEST(Totals, AReportThatComesLateIsNoReset) {
  Exported e(kTotalFields);
  e.record({2500, 25, kBegin, kBegin + 20'000});
  EXPECT_EQ(role_of(only(e.record({1000, 10, kBegin, kBegin + 10'000}))), FlowRole::kRepeat);
  EXPECT_EQ(only(e.record({2600, 26, kBegin, kBegin + 30'000})).bytes, 100u);
  EXPECT_EQ(e.checked.note("total_late"), 1u);
  EXPECT_EQ(e.checked.note("total_reset"), 0u);
}

TEST(Totals, WithoutTimesToo) {
  Exported e({{85, 8}, {86, 8}});
  EXPECT_EQ(only(e.record({1000, 10})).bytes, 1000u);
  EXPECT_EQ(only(e.record({1700, 17})).bytes, 700u);
  const Flow again = only(e.record({400, 4}));
  EXPECT_EQ(again.bytes, 400u);
  EXPECT_EQ(again.flows, 1u) << "a total that fell begins another flow where no time tells";
}

TEST(Totals, BesideDeltasTheyCountOnlyWhereTheDeltaIsZero) {
  Exported e({{1, 8}, {2, 8}, {85, 8}, {86, 8}, {152, 8}, {153, 8}});
  EXPECT_EQ(only(e.record({1000, 10, 1000, 10, kBegin, kBegin + 10'000})).bytes, 1000u);
  EXPECT_EQ(only(e.record({400, 4, 1400, 14, kBegin, kBegin + 20'000})).bytes, 400u);
  EXPECT_EQ(role_of(only(e.record({0, 0, 1400, 14, kBegin, kBegin + 30'000}))), FlowRole::kRepeat);
  EXPECT_EQ(only(e.record({0, 0, 1500, 15, kBegin, kBegin + 40'000})).bytes, 100u);
}

TEST(Totals, OfBothDirections) {
  Exported e({{85, 8}, {86, 8}, {85, 8, kReverse}, {86, 8, kReverse}, {152, 8}, {153, 8}});
  EXPECT_EQ(only(e.record({1000, 10, 0, 0, kBegin, kBegin + 10'000})).bytes, 1000u);
  const auto flows = e.record({1100, 11, 70, 1, kBegin, kBegin + 20'000});
  ASSERT_EQ(flows.size(), 2u);
  EXPECT_EQ(flows[0].bytes, 100u);
  EXPECT_EQ(flows[0].flows, 0u);
  EXPECT_EQ(flows[1].bytes, 70u);
  EXPECT_EQ(flows[1].flows, 1u) << "the reply's first report";
}

TEST(Totals, AnImpossibleOneIsNotTakenForTheNextDifference) {
  Exported e(kTotalFields);
  e.record({1000, 10, kBegin, kBegin + 10'000});
  EXPECT_FALSE(only(e.record({UINT64_MAX, UINT64_MAX, kBegin, kBegin + 20'000})).has(kKnownBytes));
  EXPECT_EQ(only(e.record({2500, 25, kBegin, kBegin + 30'000})).bytes, 1500u);
  EXPECT_EQ(e.checked.note("impossible_counters"), 1u);
  EXPECT_EQ(e.checked.note("total_reset"), 0u);
}

TEST(Totals, MemoryIsBoundedAndEvictionsAreCounted) {
  DecodeOptions options;
  options.max_running_totals = 100;
  options.max_running_totals_per_exporter = 40;
  Exported e(kTotalFields, options);
  for (uint16_t port = 0; port < 1000; ++port) e.record({1000, 10, kBegin, kBegin + 10'000}, port);
  EXPECT_EQ(e.checked.note("total_evicted"), 960u);
  EXPECT_EQ(only(e.record({1200, 12, kBegin, kBegin + 20'000}, 999)).bytes, 200u);
  EXPECT_EQ(only(e.record({1200, 12, kBegin, kBegin + 20'000}, 0)).bytes, 1200u)
      << "forgotten: counted as new";
}

// A rate that is announced behind the data makes the set be decoded again: totals are not taken twice.
TEST(Totals, AreTakenOnceWhereTheRateComesBehind) {
  CheckedDecoder t;
  const Fields fields = {{8, 4}, {12, 4}, {85, 8}, {86, 8}};
  const auto record = [](uint64_t bytes, uint64_t packets) {
    return ip4("10.0.0.1") + ip4("10.0.0.2") + be(bytes, 8) + be(packets, 8);
  };
  const Octets options = set(257, be(7, 4) + be(100, 4));
  const auto flows =
      t.feed(ipfix::message({}, {ipfix::templates(256, fields), ipfix::options(257, 1, {{149, 4}, {34, 4}}),
                                 set(256, record(1000, 10) + record(1500, 15)), options}));
  ASSERT_EQ(flows.size(), 2u);
  EXPECT_EQ(flows[0].bytes, 1000u);
  EXPECT_EQ(flows[1].bytes, 500u);
  EXPECT_EQ(flows[0].sampling, 100u);
  EXPECT_EQ(flows[1].sampling, 100u);
}

// Cisco ASA: one connection by its id.
const Fields kNselFields = {{148, 4}, {233, 1}, {231, 4}, {232, 4}, {152, 8}, {323, 8}};
constexpr uint64_t kSecond = 1000;

struct Sums {
  uint64_t out = 0, in = 0, flows_out = 0, flows_in = 0, events = 0;
  void add(const std::vector<Flow>& flows) {
    for (const Flow& f : flows) {
      if (role_of(f) != FlowRole::kTraffic) {
        ++events;
        continue;
      }
      const bool forward = f.src.to_string() == "10.0.0.1";
      (forward ? out : in) += f.bytes;
      (forward ? flows_out : flows_in) += f.flows;
    }
  }
};

TEST(NselConnection, UpdatesAndTeardownCountOnce) {
  Exported e(kNselFields);
  Sums s;
  s.add(e.record({77, kCreated, 0, 0, kBegin, kBegin}));
  const auto first = e.record({77, kUpdated, 1000, 500, kBegin, kBegin + 20 * kSecond});
  s.add(first);
  EXPECT_EQ(first.at(0).start_ms, static_cast<TimeMs>(kBegin));
  const auto second = e.record({77, kUpdated, 200, 100, kBegin, kBegin + 40 * kSecond});
  s.add(second);
  EXPECT_EQ(second.at(0).start_ms, static_cast<TimeMs>(kBegin + 20 * kSecond)) << "of the update's interval";
  const auto last = e.record({77, kDeleted, 1200, 600, kBegin, kBegin + 40 * kSecond});
  s.add(last);
  EXPECT_EQ(last.at(0).event, kDeleted) << "it stays visible";
  EXPECT_EQ(s.out, 1200u);
  EXPECT_EQ(s.in, 600u);
  EXPECT_EQ(s.flows_out, 1u);
  EXPECT_EQ(s.flows_in, 1u);
  EXPECT_GE(e.checked.note("events"), 2u);
}

TEST(NselConnection, TheTeardownHasWhatNoUpdateSaid) {
  Exported e(kNselFields);
  Sums s;
  s.add(e.record({77, kUpdated, 1000, 0, kBegin, kBegin + 20 * kSecond}));
  s.add(e.record({77, kDeleted, 1300, 600, kBegin, kBegin + 40 * kSecond}));
  EXPECT_EQ(s.out, 1300u);
  EXPECT_EQ(s.in, 600u);
  EXPECT_EQ(s.flows_out, 1u);
  EXPECT_EQ(s.flows_in, 1u);
}

TEST(NselConnection, ATeardownAloneCounts) {
  Exported e(kNselFields);
  Sums s;
  s.add(e.record({77, kCreated, 0, 0, kBegin, kBegin}));
  s.add(e.record({77, kDeleted, 1200, 600, kBegin, kBegin + 40 * kSecond}));
  EXPECT_EQ(s.out, 1200u);
  EXPECT_EQ(s.in, 600u);
  EXPECT_EQ(s.flows_out, 1u);
  s.add(e.record({77, kCreated, 0, 0, kBegin, kBegin + 41 * kSecond}));
  s.add(e.record({77, kDeleted, 10, 5, kBegin + 41 * kSecond, kBegin + 42 * kSecond}));
  EXPECT_EQ(s.out, 1210u) << "an id that is used again is another connection";
  EXPECT_EQ(s.flows_out, 2u);
}

TEST(NselConnection, IdsTellConnectionsApart) {
  Exported e(kNselFields);
  Sums s;
  s.add(e.record({77, kUpdated, 1000, 500, kBegin, kBegin + 20 * kSecond}));
  s.add(e.record({78, kDeleted, 1200, 600, kBegin, kBegin + 20 * kSecond}));
  EXPECT_EQ(s.out, 2200u);
  EXPECT_EQ(s.flows_out, 2u);
}

TEST(NselConnection, DenialsAreEvents) {
  Exported e({{148, 4}, {233, 1}, {323, 8}});
  const Flow f = only(e.record({77, kDenied, kBegin}));
  EXPECT_EQ(f.event, 3);
  EXPECT_EQ(role_of(f), FlowRole::kEvent);
  EXPECT_EQ(e.checked.note("events"), 1u);
}

}  // namespace
}  // namespace netflowgen::flow

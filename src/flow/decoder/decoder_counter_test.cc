// Which counters count: the next where the first is zero, events that are no traffic, directions without traffic,
// counters that no link can carry, flows that a record represents.
#include "base/random.h"
#include "flow/decoder/counter_test_builder.h"
#include "flow/decoder/decoder.h"
#include "flow/settle.h"

namespace netflowgen::flow {
namespace {

using namespace wire;

TEST(Counters, TheNextWhereTheFirstIsZero) {
  Exported e({{1, 8}, {2, 4}, {23, 8}, {24, 4}});
  EXPECT_EQ(only(e.record({5000, 10, 0, 0})).bytes, 5000u);
  const Flow egress = only(e.record({0, 0, 90'000, 60}));
  EXPECT_EQ(egress.bytes, 90'000u);
  EXPECT_EQ(egress.packets, 60u);
  const Flow both = only(e.record({700, 7, 700, 7}));
  EXPECT_EQ(both.bytes, 700u) << "never the sum";
  EXPECT_EQ(both.packets, 7u);
}

TEST(Counters, TheNextWhereTheFirstIsZeroInV9) {
  CheckedDecoder t;
  const Fields fields = {{8, 4}, {12, 4}, {23, 4}, {1, 4}, {24, 4}, {2, 4}};  // in any order
  const Octets record = ip4("10.0.0.1") + ip4("10.0.0.2") + be(9000, 4) + be(0, 4) + be(6, 4) + be(0, 4);
  const Flow f = only(t.feed(v9::message({}, {v9::templates(256, fields), set(256, record)})));
  EXPECT_EQ(f.bytes, 9000u);
  EXPECT_EQ(f.packets, 6u);
}

TEST(Counters, TheNextInTheReverseDirectionToo) {
  Exported e({{1, 4}, {2, 4}, {1, 4, kReverse}, {2, 4, kReverse}, {23, 4, kReverse}, {24, 4, kReverse}});
  const auto flows = e.record({100, 1, 0, 0, 900, 9});
  ASSERT_EQ(flows.size(), 2u);
  EXPECT_EQ(flows[1].bytes, 900u);
  EXPECT_EQ(flows[1].packets, 9u);
}

TEST(Counters, BesideInitiatorAndResponder) {
  Exported e({{1, 4}, {2, 4}, {231, 4}, {232, 4}, {298, 4}, {299, 4}});
  const auto both = e.record({777, 7, 1500, 3000, 3, 4});
  ASSERT_EQ(both.size(), 2u);
  EXPECT_EQ(both[0].bytes, 1500u);
  EXPECT_EQ(both[1].bytes, 3000u);
  EXPECT_EQ(only(e.record({777, 7, 0, 3000, 0, 4})).src.to_string(), "10.0.0.2") << "only the responder sent";
  const Flow other = only(e.record({777, 7, 0, 0, 0, 0}));
  EXPECT_EQ(other.bytes, 777u);
  EXPECT_EQ(other.packets, 7u);
}

TEST(Counters, FlowsThatARecordStandsFor) {
  Exported e({{1, 8}, {2, 8}, {3, 8}});
  EXPECT_EQ(only(e.record({481'000, 900, 57})).flows, 57u);
  EXPECT_EQ(only(e.record({481'000, 900, 0})).flows, 1u);
  EXPECT_EQ(e.checked.note("capped_flows"), 0u);
  EXPECT_EQ(only(e.record({481'000, 900, UINT64_MAX})).flows, 900u);
  EXPECT_EQ(only(e.record({481'000, 900, (uint64_t{1} << 32) + 3})).flows, 900u) << "not its low bits";
  EXPECT_EQ(e.checked.note("capped_flows"), 2u);
  Exported aggregate({{2, 8}, {375, 4}, {376, 4}});
  EXPECT_EQ(only(aggregate.record({100, 9, 5})).flows, 5u);
  EXPECT_EQ(only(aggregate.record({100, 9, 0})).flows, 9u);
  CheckedDecoder t;
  const Fields v9_fields = {{8, 4}, {12, 4}, {1, 4}, {2, 4}, {3, 4}};
  EXPECT_EQ(only(t.feed(v9::message({}, {v9::templates(256, v9_fields),
                                         set(256, small4("10.0.0.1", "10.0.0.2", 5000, 50) + be(20, 4))})))
                .flows,
            20u);
}

// A firewall that counts increments, as Palo Alto's: its events are traffic where they have packets.
TEST(FirewallEvents, WithDeltasAreTraffic) {
  Exported e({{1, 4}, {2, 4}, {233, 1}});
  for (const uint64_t event : {kCreated, kUpdated, kDeleted}) {
    const Flow f = only(e.record({500, 5, event}));
    EXPECT_EQ(f.bytes, 500u);
    EXPECT_EQ(role_of(f), FlowRole::kTraffic);
  }
}

TEST(NatEvents, AreNoTraffic) {
  for (const uint64_t event : {1, 2, 3, 4, 5, 6, 7, 8, 11, 12, 13, 14, 16, 17, 18}) {
    Exported e({{323, 8}, {225, 4}, {227, 2}, {230, 1}});
    const Flow f = only(e.record({kBegin, 0xc0000201, 40'000, event}));
    EXPECT_EQ(f.event, event);
    EXPECT_EQ(role_of(f), FlowRole::kEvent);
    EXPECT_EQ(e.checked.note("events"), 1u);
  }
}

TEST(NatEvents, QuotasAndThresholdsWithoutANatEvent) {
  Exported quota({{323, 8}, {466, 4}});
  EXPECT_EQ(role_of(only(quota.record({kBegin, 3}))), FlowRole::kEvent);
  Exported threshold({{323, 8}, {467, 4}});
  EXPECT_EQ(role_of(only(threshold.record({kBegin, 1}))), FlowRole::kEvent);
}

TEST(EmptyHalf, OfABiflowIsNoFlow) {
  Exported e({{1, 4}, {2, 4}, {1, 4, kReverse}, {2, 4, kReverse}});
  const Flow f = only(e.record({0, 0, 640, 5}));
  EXPECT_EQ(f.src.to_string(), "10.0.0.2");
  EXPECT_EQ(f.src_port, 443);
  EXPECT_EQ(f.bytes, 640u);
  EXPECT_EQ(e.checked.note("empty_forward"), 1u);
  EXPECT_EQ(only(e.record({640, 5, 0, 0})).src.to_string(), "10.0.0.1");
  EXPECT_TRUE(e.record({0, 0, 0, 0}).empty());
  EXPECT_EQ(e.checked.dropped("flows", "no_traffic"), 1u);
}

// A template of a flow that only answers.
TEST(EmptyHalf, ThatTheTemplateDoesNotCount) {
  Exported e({{1, 4, kReverse}, {2, 4, kReverse}});
  const Flow f = only(e.record({640, 5}));
  EXPECT_EQ(f.src.to_string(), "10.0.0.2");
  EXPECT_EQ(f.packets, 5u);
  EXPECT_EQ(e.checked.note("empty_forward"), 1u);
  Exported totals({{85, 4, kReverse}, {86, 4, kReverse}});
  EXPECT_EQ(only(totals.record({640, 5})).src.to_string(), "10.0.0.2");
}

TEST(EmptyHalf, ForwardOnlyKeepsNothingOfIt) {
  DecodeOptions options;
  options.biflow_as_two = false;
  Exported e({{1, 4}, {2, 4}, {1, 4, kReverse}, {2, 4, kReverse}}, options);
  EXPECT_TRUE(e.record({0, 0, 640, 5}).empty());
  EXPECT_EQ(e.checked.dropped("flows", "reverse"), 1u);
}

TEST(EmptyHalf, OfInitiatorAndResponder) {
  CheckedDecoder t;
  const Fields fields = {{8, 4}, {12, 4}, {231, 4}, {232, 4}};
  const Octets record = ip4("10.0.0.1") + ip4("10.0.0.2") + be(0, 4) + be(900, 4);
  const Flow f = only(t.feed(v9::message({}, {v9::templates(256, fields), set(256, record)})));
  EXPECT_EQ(f.src.to_string(), "10.0.0.2");
  EXPECT_EQ(f.bytes, 900u);
}

TEST(Impossible, CountersOfEveryVersionBecomeUnknown) {
  Exported ipfix_exporter({{1, 8}, {2, 8}, {34, 4}, {152, 8}, {153, 8}});
  const Flow f = only(ipfix_exporter.record({UINT64_MAX - 1499, UINT64_MAX, 1000, kBegin, kBegin + 29'000}));
  EXPECT_FALSE(f.has(kKnownBytes));
  EXPECT_FALSE(f.has(kKnownPackets));
  EXPECT_EQ(f.bytes | f.packets, 0u);
  EXPECT_TRUE(only(ipfix_exporter.record({1500, 2, 1000, kBegin, kBegin + 29'000})).has(kKnownBytes));
  EXPECT_EQ(ipfix_exporter.checked.note("impossible_counters"), 1u);
  CheckedDecoder five;
  EXPECT_FALSE(
      only(five.feed(v5::message({}, {{.packets = UINT32_MAX, .bytes = UINT32_MAX}}))).has(kKnownBytes));
  EXPECT_FALSE(only(five.feed(v5::message({}, {{.packets = 3, .bytes = UINT32_MAX}}))).has(kKnownPackets));
  EXPECT_EQ(five.note("impossible_counters"), 2u);
  CheckedDecoder nine;
  EXPECT_FALSE(
      only(nine.feed(v9::message({}, {v9::templates(256, kSmall4),
                                      set(256, small4("10.0.0.1", "10.0.0.2", UINT32_MAX, UINT32_MAX))})))
          .has(kKnownBytes));
  CheckedDecoder sampled;
  EXPECT_FALSE(
      only(sampled.feed(sflow::message(0, {sflow::flow_sample(1, 5, {sflow::raw_header("", UINT32_MAX)})})))
          .has(kKnownBytes));
}

// Any template of counters, events and totals, in both versions and directions: the compiled plan and the reference
// reader agree on every flow (CheckedDecoder fails where not), and the ledgers balance.
TEST(Counters, PlansAgreeWithTheReferenceOnRandomTemplates) {
  constexpr uint16_t kIds[] = {1,   2,   3,   23,  24,  85,  86,  148, 171, 172, 230, 231, 232,
                               233, 298, 299, 352, 353, 375, 376, 466, 467, 152, 153, 6,   40005};
  for (uint64_t seed = 0; seed < 400; ++seed) {
    base::Random random(seed);
    const bool nine = random.chance(0.5);
    DecodeOptions options;
    options.max_running_totals = 8;
    options.max_running_totals_per_exporter = 6;
    if (random.chance(0.2)) options.tunnel_keys = TunnelKeys::kInner;
    CheckedDecoder t(options);
    Fields fields = {{8, 4}, {12, 4}};
    for (uint64_t i = 1 + random.below(9); i > 0; --i) {
      Field f{kIds[random.below(std::size(kIds))], static_cast<uint16_t>(1 + random.below(8)), 0};
      if (f.id == 152 || f.id == 153) f.length = 8;
      if (random.chance(0.1)) f.length = kVariable;
      if (!nine && random.chance(0.3)) f.pen = kReverse;
      fields.push_back(f);
    }
    Octets records;
    for (int r = 0; r < 12; ++r) {
      records += ip4("10.0.0.1") + be(0x0a000002 + random.below(2), 4);
      for (size_t i = 2; i < fields.size(); ++i) {
        const Field& f = fields[i];
        uint64_t v = random.chance(0.4) ? 0 : random.below(random.chance(0.5) ? 8 : 100'000);
        if (random.chance(0.03)) v = UINT64_MAX;
        if (f.id == 152 || f.id == 153) v = kBegin + random.below(60'000);
        const int length = f.length == kVariable ? static_cast<int>(random.below(9)) : f.length;
        const Octets octets =
            length == 0 ? Octets() : be(length < 8 ? v & ((uint64_t{1} << 8 * length) - 1) : v, length);
        records += f.length == kVariable ? variable(octets) : octets;
      }
    }
    const Octets templates = nine ? v9::templates(256, fields) : ipfix::templates(256, fields);
    for (int i = 0; i < 2; ++i) {
      t.feed(nine ? v9::message({}, {templates, set(256, records)})
                  : ipfix::message({}, {templates, set(256, records)}));
      ASSERT_FALSE(testing::Test::HasFailure()) << "seed " << seed;
    }
  }
}

// NetStream (H3C, Huawei) sends v9 templates with fields of length 65535, coded as RFC 7011 section 7 has it.
TEST(VariableLengthInV9, IsCodedAsInIpfix) {
  CheckedDecoder t;
  const Fields fields = {{8, 4}, {12, 4}, {1, 4}, {95, kVariable}, {2, 4}};
  const auto record = [](uint32_t bytes, const Octets& name, uint32_t packets) {
    return ip4("10.0.0.1") + ip4("10.0.0.2") + be(bytes, 4) + variable(name) + be(packets, 4);
  };
  const auto flows = t.feed(v9::message(
      {}, {v9::templates(256, fields),
           set(256, record(1000, "http", 7) + record(2000, "", 8) + record(3000, Octets(300, 'x'), 9))}));
  ASSERT_EQ(flows.size(), 3u);
  EXPECT_EQ(flows[0].bytes, 1000u);
  EXPECT_EQ(flows[0].packets, 7u);
  EXPECT_EQ(flows[1].packets, 8u);
  EXPECT_EQ(flows[2].bytes, 3000u);
  EXPECT_EQ(flows[2].packets, 9u);
  const auto cut =
      t.feed(v9::message({}, {set(256, record(1, "a", 2) + record(4000, Octets(40, 'y'), 9).substr(0, 30))}));
  EXPECT_EQ(cut.size(), 1u);
  EXPECT_EQ(t.dropped("records", "cut"), 1u);
}

TEST(VariableLengthInV9, InOptionsToo) {
  CheckedDecoder t;
  t.feed(v9::message(
      {}, {v9::options(300, {{1, 4}}, {{83, kVariable}, {34, 4}}),
           set(300, be(0, 4) + variable("GigabitEthernet0/0/1") + be(500, 4)), v9::templates(256, kSmall4)}));
  EXPECT_EQ(only(t.feed(v9::message({}, {set(256, small4("10.0.0.1", "10.0.0.2", 100, 1))}))).sampling, 500u);
}

}  // namespace
}  // namespace netflowgen::flow

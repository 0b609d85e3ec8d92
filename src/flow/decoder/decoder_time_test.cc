// Times: clocks that wrap, turn back, run ahead or are wrong; sequence loss per version; time-outs that are measured.
#include "flow/decoder/decoder.h"
#include "flow/decoder/wire_test_builder.h"

namespace netflowgen::flow {
namespace {

using namespace wire;

Flow one(const std::vector<Flow>& flows) {
  EXPECT_EQ(flows.size(), 1u);
  return flows.empty() ? Flow{} : flows[0];
}

TEST(Times, UptimeRelative) {
  CheckedDecoder t;
  const Flow f =
      one(t.feed(v5::message({.uptime_ms = 10'000'000}, {{.first = 9'400'000, .last = 9'990'000}})));
  EXPECT_EQ(f.start_ms, kNow + 250 - 600'000);
  EXPECT_EQ(f.end_ms, kNow + 250 - 10'000);
  EXPECT_TRUE(f.has(kKnownDuration));
}

TEST(Times, UptimeWrapsAfterFortyNineDays) {
  CheckedDecoder t;
  // 5 s after the wrap; the flow began 60 s before it and ended 2 s after it.
  const Flow f =
      one(t.feed(v5::message({.uptime_ms = 5000}, {{.first = 0xffffffffu - 59'999, .last = 2000}})));
  EXPECT_EQ(f.end_ms, kNow + 250 - 3000);
  EXPECT_EQ(f.start_ms, kNow + 250 - 65'000);
  EXPECT_EQ(t.note("end_before_start"), 0u);
  // In v9 the same.
  const Flow g = one(t.feed(v9::message(
      {.uptime_ms = 5000},
      {v9::templates(256, {{8, 4}, {12, 4}, {22, 4}, {21, 4}}),
       set(256, ip4("10.0.0.1") + ip4("10.0.0.2") + be(0xffffffffu - 59'999, 4) + be(2000, 4))})));
  EXPECT_EQ(g.end_ms, kNow - 3000);
  EXPECT_EQ(g.start_ms, kNow - 65'000);
}

const Fields kAbsolute = {{27, 16}, {28, 16}, {152, 8}, {153, 8}};
Octets absolute(TimeMs start, TimeMs end) {
  return ipfix::message(
      {}, {ipfix::templates(256, kAbsolute),
           set(256, ip6("2001:db8::1") + ip6("2001:db8::2") + be(static_cast<uint64_t>(start), 8) +
                        be(static_cast<uint64_t>(end), 8))});
}

TEST(Times, EndBeforeStart) {
  CheckedDecoder t;
  const Flow f = one(t.feed(absolute(kNow - 1000, kNow - 5000)));
  EXPECT_EQ(f.end_ms, kNow - 5000);
  EXPECT_EQ(f.start_ms, kNow - 5000);
  EXPECT_FALSE(f.has(kKnownDuration));
  EXPECT_EQ(t.note("end_before_start"), 1u);
}

TEST(Times, FutureIsMovedToReceipt) {
  CheckedDecoder t;
  const Flow f = one(t.feed(absolute(kNow + 3'600'000, kNow + 3'630'000)));
  EXPECT_EQ(f.end_ms, kNow);
  EXPECT_EQ(f.start_ms, kNow - 30'000) << "the duration stays";
  EXPECT_EQ(t.note("future_time"), 1u);
  ASSERT_EQ(t.exporter().rules.size(), 1u);
  EXPECT_EQ(t.exporter().rules[0].first, "future_time");
  EXPECT_NE(t.exporter().rules[0].second.find("300 s (--max-future)"), std::string::npos);
  EXPECT_EQ(one(t.feed(absolute(kNow, kNow + 60'000))).end_ms, kNow + 60'000) << "five minutes are allowed";
}

// RFC 3954: an uptime of 0 is the moment of boot. It is no time only where both are 0.
TEST(Times, AFlowThatBeginsAtBoot) {
  const Fields v9_fields = {{8, 4}, {12, 4}, {22, 4}, {21, 4}};
  const Fields other_lengths = {{8, 4}, {12, 4}, {21, 8}, {22, 2}};
  const Octets ends = ip4("10.0.0.1") + ip4("10.0.0.2");
  const TimeMs boot = kNow - 457'000;
  CheckedDecoder t;
  const Head head{.uptime_ms = 457'000};
  const auto check = [&](const Flow& f, TimeMs start, TimeMs end, bool known) {
    EXPECT_EQ(f.start_ms, start);
    EXPECT_EQ(f.end_ms, end);
    EXPECT_EQ(f.has(kKnownDuration), known);
  };
  check(one(t.feed(v5::message(head, {{.first = 0, .last = 550}}))), boot + 250, boot + 800, true);
  check(one(t.feed(v5::message(head, {{.first = 0, .last = 0}}))), kNow + 250, kNow + 250, false);
  check(one(t.feed(v5::message(head, {{.first = 5000, .last = 0}}))), boot + 5250, boot + 5250, false);
  EXPECT_EQ(t.note("end_before_start"), 0u);
  t.feed(v9::message(head, {v9::templates(256, v9_fields), v9::templates(257, other_lengths)}));
  const auto both = t.feed(v9::message(head, {set(256, ends + be(0, 4) + be(550, 4) + ends + be(0, 4) +
                                                           be(0, 4) + ends + be(5000, 4) + be(0, 4))}));
  ASSERT_EQ(both.size(), 3u);
  check(both[0], boot, boot + 550, true);
  check(both[1], kNow, kNow, false);
  check(both[2], boot + 5000, boot + 5000, false);
  check(one(t.feed(v9::message(head, {set(257, ends + be(550, 8) + be(0, 2))}))), boot, boot + 550, true);
  // The counter wraps to 0 just as the flow ends.
  const Head wrapped{.uptime_ms = 1000};
  check(one(t.feed(v5::message(wrapped, {{.first = 0u - 2000, .last = 0}}))), kNow + 250 - 3000,
        kNow + 250 - 1000, true);
}

TEST(Times, AFlowThatBeginsAtBootInIpfix) {
  CheckedDecoder t;
  const Fields fields = {{8, 4}, {12, 4}, {160, 8}, {22, 4}, {21, 4}};
  const Octets ends = ip4("10.0.0.1") + ip4("10.0.0.2") + be(1'699'999'000'000, 8);
  t.feed(ipfix::message({}, {ipfix::templates(256, fields)}));
  const Flow f = one(t.feed(ipfix::message({}, {set(256, ends + be(0, 4) + be(550, 4))})));
  EXPECT_EQ(f.start_ms, 1'699'999'000'000);
  EXPECT_EQ(f.end_ms, 1'699'999'000'550);
}

// A stored capture: an exporter without a clock is kept by the time of receipt; one that reports late is not touched.
TEST(Times, StoredPacketsOfAnExporterWithASlowClock) {
  DecodeOptions options;
  options.max_clock_behind_ms = 120'000;
  CheckedDecoder t(options);
  const v5::Record record{.first = 9'000'000, .last = 9'500'000};  // ends 500 s before the export
  const Flow right = one(t.feed(v5::message({}, {record})));
  EXPECT_EQ(right.end_ms, kNow + 250 - 500'000) << "the header's clock is right: the flow is reported late";
  const Flow slow =
      one(t.feed(v5::message({.seconds = 1'700'000'000 - 600}, {record}), {.address = "192.0.2.9"}));
  EXPECT_EQ(slow.end_ms, kNow);
  EXPECT_EQ(slow.start_ms, kNow - 500'000) << "the duration stays";
  const Flow none = one(t.feed(v5::message({.seconds = 500}, {record}), {.address = "192.0.2.10"}));
  EXPECT_EQ(none.end_ms, kNow);
  EXPECT_EQ(t.note("past_time"), 2u);
  // The header is right, and the flow's time is days old: an exporter that replays a capture.
  const Flow old = one(t.feed(absolute(kNow - 26LL * 3'600'000, kNow - 25LL * 3'600'000)));
  EXPECT_EQ(old.end_ms, kNow);
  const Flow late = one(t.feed(absolute(kNow - 4LL * 3'600'000, kNow - 3LL * 3'600'000)));
  EXPECT_EQ(late.end_ms, kNow - 3LL * 3'600'000);
}

TEST(Times, PastIsMovedWhereAskedFor) {
  DecodeOptions options;
  options.max_past_ms = 600'000;
  CheckedDecoder t(options);
  const Flow f = one(t.feed(absolute(kNow - 7'200'000, kNow - 7'190'000)));
  EXPECT_EQ(f.end_ms, kNow);
  EXPECT_EQ(f.start_ms, kNow - 10'000);
  EXPECT_EQ(t.note("past_time"), 1u);
  CheckedDecoder plain;
  EXPECT_EQ(one(plain.feed(absolute(kNow - 7'200'000, kNow - 7'190'000))).end_ms, kNow - 7'190'000);
}

TEST(Times, AbsurdDurationIsNone) {
  CheckedDecoder t;
  const Flow f = one(t.feed(absolute(kNow - 30LL * 86'400'000, kNow)));
  EXPECT_EQ(f.start_ms, kNow);
  EXPECT_FALSE(f.has(kKnownDuration));
  EXPECT_EQ(t.note("too_long"), 1u);
}

TEST(Times, PoliciesForWrongClocks) {
  const auto end_with = [](TimePolicy policy, TimeMs received) {
    DecodeOptions options;
    options.time = policy;
    CheckedDecoder t(options);
    const Flow f = one(t.feed(absolute(kNow - 40'000, kNow - 10'000), {.received_ms = received}));
    EXPECT_EQ(f.end_ms - f.start_ms, 30'000);
    return f.end_ms;
  };
  const TimeMs received = kNow + 7'200'000;  // the exporter's clock is two hours behind
  EXPECT_EQ(end_with(TimePolicy::kFlow, received), kNow - 10'000);
  EXPECT_EQ(end_with(TimePolicy::kExport, received), kNow);
  EXPECT_EQ(end_with(TimePolicy::kReceive, received), received);
  EXPECT_EQ(end_with(TimePolicy::kCorrected, received), received - 10'000);
}

TEST(Times, SkewIsMeasuredAndPolicyIsPerExporter) {
  DecodeOptions options;
  ExporterPolicy p;
  p.exporter = *IpAddr::parse("192.0.2.9");
  p.time = TimePolicy::kReceive;
  options.exporters = {p};
  CheckedDecoder t(options);
  t.feed(absolute(kNow - 2000, kNow - 1000), {.received_ms = kNow + 2 * 3'600'000});
  EXPECT_EQ(t.exporter().clock_skew_ms, -2 * 3'600'000);
  EXPECT_EQ(t.note("clock_skew"), 1u);
  const Flow f =
      one(t.feed(absolute(kNow - 2000, kNow - 1000), {.address = "192.0.2.9", .received_ms = kNow + 9000}));
  EXPECT_EQ(f.end_ms, kNow + 9000);
}

struct TimeCase {
  const char* what;
  Fields fields;
  Octets record;
  TimeMs start;
  TimeMs end;
};
class TimeForms : public testing::TestWithParam<TimeCase> {};

TEST_P(TimeForms, Ipfix) {
  const TimeCase& c = GetParam();
  CheckedDecoder t;
  Fields fields = {{8, 4}, {12, 4}};
  fields.insert(fields.end(), c.fields.begin(), c.fields.end());
  const Flow f = one(t.feed(ipfix::message(
      {}, {ipfix::templates(256, fields), set(256, ip4("10.0.0.1") + ip4("10.0.0.2") + c.record)})));
  EXPECT_EQ(f.start_ms, c.start);
  EXPECT_EQ(f.end_ms, c.end);
}

constexpr uint64_t kSeconds = 1'700'000'000;
constexpr uint64_t kNtp = (kSeconds + 2'208'988'800) << 32;
INSTANTIATE_TEST_SUITE_P(
    Elements, TimeForms,
    testing::Values(
        TimeCase{"seconds",
                 {{150, 4}, {151, 4}},
                 be(kSeconds - 9, 4) + be(kSeconds - 1, 4),
                 kNow - 9000,
                 kNow - 1000},
        TimeCase{"ntp",
                 {{154, 8}, {155, 8}},
                 be(kNtp - (uint64_t{2} << 32), 8) + be(kNtp - (uint64_t{1} << 31), 8),
                 kNow - 2000,
                 kNow - 500},
        TimeCase{"nanoseconds",
                 {{156, 8}, {157, 8}},
                 be(kNtp - (uint64_t{3} << 32), 8) + be(kNtp, 8),
                 kNow - 3000,
                 kNow},
        TimeCase{"microseconds_since_1970",
                 {{154, 8}, {155, 8}},
                 be(kSeconds * 1'000'000 - 2'500'000, 8) + be(kSeconds * 1'000'000, 8),
                 kNow - 2500,
                 kNow},
        TimeCase{"nanoseconds_since_1970",
                 {{156, 8}, {157, 8}},
                 be(kSeconds * 1'000'000'000 - 1'000'000'000, 8) + be(kSeconds * 1'000'000'000, 8),
                 kNow - 1000,
                 kNow},
        TimeCase{"delta_microseconds",
                 {{158, 4}, {159, 4}},
                 be(5'000'000, 4) + be(1'000'000, 4),
                 kNow - 5000,
                 kNow - 1000},
        TimeCase{"start_and_duration",
                 {{152, 8}, {161, 4}},
                 be(kSeconds * 1000 - 7000, 8) + be(6000, 4),
                 kNow - 7000,
                 kNow - 1000},
        TimeCase{"end_and_microseconds",
                 {{153, 8}, {162, 4}},
                 be(kSeconds * 1000, 8) + be(2'000'000, 4),
                 kNow - 2000,
                 kNow},
        TimeCase{"uptime_and_boot_in_the_record",
                 {{160, 8}, {22, 4}, {21, 4}},
                 be(kSeconds * 1000 - 1'000'000, 8) + be(990'000, 4) + be(995'000, 4),
                 kNow - 10'000,
                 kNow - 5000},
        TimeCase{
            "uptime_without_boot", {{22, 4}, {21, 4}}, be(990'000, 4) + be(995'000, 4), kNow - 5000, kNow},
        TimeCase{"observation", {{323, 8}}, be(kSeconds * 1000 - 42, 8), kNow - 42, kNow - 42},
        TimeCase{"none_is_the_export_time", {{1, 4}}, be(1, 4), kNow, kNow}),
    [](const auto& i) { return std::string(i.param.what); });

TEST(Times, BootTimeFromOptions) {
  CheckedDecoder t;
  t.feed(ipfix::message({}, {ipfix::options(257, 1, {{149, 4}, {160, 8}}),
                             set(257, be(0, 4) + be(kSeconds * 1000 - 2'000'000, 8)),
                             ipfix::templates(256, {{8, 4}, {12, 4}, {22, 4}, {21, 4}})}));
  const Flow f = one(t.feed(ipfix::message(
      {}, {set(256, ip4("10.0.0.1") + ip4("10.0.0.2") + be(1'900'000, 4) + be(1'950'000, 4))})));
  EXPECT_EQ(f.start_ms, kNow - 100'000);
  EXPECT_EQ(f.end_ms, kNow - 50'000);
}

// What a version's sequence number counts, and what a hole of two messages with three records each then costs.
struct SequenceCase {
  const char* what;
  uint8_t version;
  uint32_t step;
  uint64_t lost;
};
class Sequences : public testing::TestWithParam<SequenceCase> {
 protected:
  static Octets message(uint8_t version, uint32_t sequence) {
    const Octets three = set(256, repeat(small4("10.0.0.1", "10.0.0.2", 1, 1), 3));
    switch (version) {
      case 5:
        return v5::message({.sequence = sequence}, {{}, {}, {}});
      case 9:
        return v9::message({.sequence = sequence}, {three});
      case 10:
        return ipfix::message({.sequence = sequence}, {three});
      default:
        return sflow::message(sequence, {});
    }
  }
  static CheckedDecoder started(uint8_t version) {
    CheckedDecoder t;
    if (version == 9) t.feed(v9::message({.sequence = 99}, {v9::templates(256, kSmall4)}));
    if (version == 10) t.feed(ipfix::message({.sequence = 100}, {ipfix::templates(256, kSmall4)}));
    return t;
  }
  static const char* exporter(uint8_t version) { return version == 105 ? "192.0.2.200" : "192.0.2.254"; }
};

TEST_P(Sequences, LossIsCountedInTheVersionsUnit) {
  const auto& c = GetParam();
  CheckedDecoder t = started(c.version);
  for (const uint32_t i : {0u, 1u, 2u, 5u, 6u}) t.feed(message(c.version, 100 + i * c.step));
  const auto s = t.sequence(c.version, exporter(c.version));
  EXPECT_EQ(s.lost, c.lost);
  EXPECT_EQ(s.reordered, 0u);
}
TEST_P(Sequences, ReorderingIsNoLoss) {
  const auto& c = GetParam();
  CheckedDecoder t = started(c.version);
  for (const uint32_t i : {0u, 2u, 1u, 3u, 6u, 5u, 4u, 7u}) t.feed(message(c.version, 100 + i * c.step));
  const auto s = t.sequence(c.version, exporter(c.version));
  EXPECT_EQ(s.lost, 0u);
  EXPECT_EQ(s.reordered, 3u);
}
TEST_P(Sequences, DuplicatesAndWrap) {
  const auto& c = GetParam();
  CheckedDecoder t;
  if (c.version == 9) t.feed(v9::message({.sequence = 0u - 3}, {v9::templates(256, kSmall4)}));
  if (c.version == 10)
    t.feed(ipfix::message({.sequence = 0u - 2 * c.step}, {ipfix::templates(256, kSmall4)}));
  for (const uint32_t i : {0u, 1u, 1u, 2u, 3u, 4u}) t.feed(message(c.version, 0u - 2 * c.step + i * c.step));
  const auto s = t.sequence(c.version, exporter(c.version));
  EXPECT_EQ(s.lost, 0u);
  EXPECT_EQ(s.duplicates, 1u);
  EXPECT_EQ(s.resets, 0u);
}

INSTANTIATE_TEST_SUITE_P(Versions, Sequences,
                         testing::Values(SequenceCase{"v5_flows", 5, 3, 6},
                                         SequenceCase{"v9_packets", 9, 1, 2},
                                         SequenceCase{"ipfix_records", 10, 3, 6},
                                         SequenceCase{"sflow_datagrams", 105, 1, 2}),
                         [](const auto& i) { return std::string(i.param.what); });

TEST(Sequences, SflowSamplesAreCountedBySource) {
  CheckedDecoder t;
  const auto sample = [](uint32_t n) { return sflow::flow_sample(n, 100, {}); };
  t.feed(sflow::message(1, {sample(10), sample(11)}));
  t.feed(sflow::message(2, {sample(15)}));
  const auto report = t.exporter("192.0.2.200");
  uint64_t lost = 0;
  for (const auto& s : report.sequences) lost += s.unit == "samples" ? s.lost : 0;
  EXPECT_EQ(lost, 3u);
}

TEST(Sequences, ARestartIsNoLoss) {
  CheckedDecoder t;
  t.feed(v5::message({.sequence = 5'000'000, .uptime_ms = 900'000'000}, {{}}));
  t.feed(v5::message({.seconds = 1'700'000'100, .sequence = 0, .uptime_ms = 20'000},
                     {{.first = 1000, .last = 2000}}));
  const auto s = t.sequence(5);
  EXPECT_EQ(s.lost, 0u);
  EXPECT_EQ(s.resets, 1u);
  EXPECT_EQ(t.note("restart"), 1u);
}

// Long flows are cut at the active time-out, short ones are exported the inactive time-out after their last packet.
TEST(Timeouts, AreMeasured) {
  CheckedDecoder t;
  t.feed(ipfix::message({}, {ipfix::templates(256, {{8, 4}, {12, 4}, {152, 8}, {153, 8}})}));
  const auto flow_of = [&](int64_t duration, int64_t idle) {
    const TimeMs end = kNow - idle;
    return ip4("10.0.0.1") + ip4("10.0.0.2") + be(static_cast<uint64_t>(end - duration), 8) +
           be(static_cast<uint64_t>(end), 8);
  };
  for (int i = 0; i < 200; ++i) {
    t.feed(ipfix::message({}, {set(256, flow_of(100 + i * 70, 15'200) + flow_of(59'500 + i, 400))}));
    if (i % 2 == 0) t.feed(ipfix::message({}, {set(256, flow_of(59'600, 300))}));
  }
  const auto report = t.exporter().timeouts;
  ASSERT_TRUE(report.active_ms.has_value());
  EXPECT_EQ(*report.active_ms, 60'000);
  ASSERT_TRUE(report.inactive_ms.has_value());
  EXPECT_GE(report.flows, 400u);
}

// An exporter that replays a capture ends its flows hours before it exports them. That is no time-out.
TEST(Timeouts, AReplayedCaptureHasNone) {
  CheckedDecoder t;
  t.feed(ipfix::message({}, {ipfix::templates(256, kAbsolute)}));
  for (int i = 0; i < 40; ++i) t.feed(absolute(kNow - 7'200'000, kNow - 7'100'000));
  for (int i = 0; i < 40; ++i) t.feed(absolute(kNow - 86'400'000, kNow - 86'300'000));
  EXPECT_FALSE(t.exporter().timeouts.inactive_ms.has_value());
}

TEST(Timeouts, AreAnnouncedInOptions) {
  CheckedDecoder t;
  t.feed(v9::message(
      {}, {v9::options(257, {{1, 4}}, {{36, 2}, {37, 2}}), set(257, be(0, 4) + be(120, 2) + be(10, 2))}));
  EXPECT_EQ(t.exporter().timeouts.announced_active_ms, 120'000);
  EXPECT_EQ(t.exporter().timeouts.announced_inactive_ms, 10'000);
}

}  // namespace
}  // namespace netflowgen::flow

// Sequence numbers that count other things than their protocol prescribes. What real exporters send: docs/exporters.md.
#include "flow/decoder/decoder.h"
#include "flow/decoder/wire_test_builder.h"

namespace netflowgen::flow {
namespace {

using namespace wire;

// What one message of the exporter below holds.
struct Part {
  uint32_t flows = 0;
  bool options = false;  // one option record
  bool templates = false;
};

// Numbers messages by a rule and builds them.
class Numbered {
 public:
  enum Unit { kRecords, kFlows, kAll, kMessages, kNothing };
  Numbered(uint8_t version, Unit unit, bool through, uint32_t start)
      : version_(version), unit_(unit), through_(through), next_(start) {}

  Octets message(const Part& part, uint32_t domain = 0) {
    const uint32_t units = units_of(part);
    const uint32_t sequence = through_ ? next_ + units : next_;
    next_ += units;
    const Head head{.sequence = sequence, .domain = domain};
    if (version_ == 5) return v5::message(head, std::vector<v5::Record>(part.flows));
    const bool v9 = version_ == 9;
    Octets sets;
    if (part.templates) {
      sets += v9 ? v9::templates(256, kSmall4) : ipfix::templates(256, kSmall4);
      sets += v9 ? v9::options(257, {{1, 4}}, {{36, 2}}) : ipfix::options(257, 1, {{149, 4}, {36, 2}});
    }
    if (part.options) sets += set(257, be(0, 4) + be(60, 2));
    if (part.flows > 0) sets += set(256, repeat(small4("10.0.0.1", "10.0.0.2", 1, 1), part.flows));
    const int count = static_cast<int>(part.flows + (part.options ? 1 : 0) + (part.templates ? 2 : 0));
    return v9 ? v9::message(head, {sets}, count) : ipfix::message(head, {sets});
  }

 private:
  uint32_t units_of(const Part& p) const {
    const uint32_t options = p.options ? 1 : 0;
    switch (unit_) {
      case kRecords:
        return p.flows + options;
      case kFlows:
        return p.flows;
      case kAll:
        return p.flows + options + (p.templates ? 2 : 0);
      case kMessages:
        return 1;
      case kNothing:
        return 0;
    }
    return 0;
  }

  uint8_t version_;
  Unit unit_;
  bool through_;
  uint32_t next_;
};

struct ConventionCase {
  const char* what;
  uint8_t version;
  Numbered::Unit unit;
  bool through;
  uint64_t lost;      // units of a message of nine flows and one option record (v5: nine flows)
  const char* names;  // a part of what the report says; empty: the protocol's own
  const char* counts;
};

class Conventions : public testing::TestWithParam<ConventionCase> {
 protected:
  std::vector<Part> parts() const {
    const bool v5 = GetParam().version == 5;
    std::vector<Part> all{{2, !v5, !v5}, {27, false, false}, {6, false, false}, {9, !v5, false}};
    for (uint32_t i = 0; i < 60; ++i) all.push_back({1 + i * 7 % 11, !v5 && i % 5 == 0, !v5 && i % 9 == 0});
    return all;
  }
};

TEST_P(Conventions, AreLearntAndNothingIsLost) {
  const auto& c = GetParam();
  for (const uint32_t start : {0u, 4'000u, 0u - 40}) {
    Numbered exporter(c.version, c.unit, c.through, start);
    CheckedDecoder t;
    uint64_t records = 0;
    for (const Part& p : parts()) {
      t.feed(exporter.message(p));
      records += p.flows + (p.options ? 1 : 0);
    }
    const auto s = t.sequence(c.version);
    EXPECT_EQ(s.lost, 0u) << start;
    EXPECT_EQ(s.duplicates, 0u) << start;
    EXPECT_EQ(s.resets, 0u) << start;
    EXPECT_EQ(s.unit, c.counts);
    EXPECT_EQ(s.convention.empty(), *c.names == '\0') << s.convention;
    EXPECT_NE(s.convention.find(c.names), std::string_view::npos) << s.convention;
    if (s.unit == "records" && c.unit != Numbered::kAll) {
      EXPECT_EQ(s.received, records);
    }
    const auto notes = t.exporter().notes;
    const bool noted =
        std::ranges::any_of(notes, [](const auto& n) { return n.first == "other_sequence_convention"; });
    EXPECT_EQ(noted, *c.names != '\0');
  }
}

TEST_P(Conventions, ATrueHoleCountsItsUnits) {
  const auto& c = GetParam();
  for (const size_t dropped : {size_t{3}, size_t{24}}) {
    Numbered exporter(c.version, c.unit, c.through, 4'000);
    CheckedDecoder t;
    size_t i = 0;
    auto all = parts();
    all[dropped] = {9, c.version != 5, false};
    for (const Part& p : all) {
      const Octets message = exporter.message(p);
      if (i++ != dropped) t.feed(message);
    }
    EXPECT_EQ(t.sequence(c.version).lost, c.lost) << dropped;
    EXPECT_EQ(t.sequence(c.version).duplicates, 0u);
  }
}

TEST_P(Conventions, LateMessagesFillTheirHole) {
  const auto& c = GetParam();
  if (c.unit == Numbered::kNothing) return;
  Numbered exporter(c.version, c.unit, c.through, 4'000);
  CheckedDecoder t;
  std::vector<Octets> messages;
  for (const Part& p : parts()) messages.push_back(exporter.message(p));
  std::swap(messages[30], messages[31]);
  for (const auto& m : messages) t.feed(m);
  EXPECT_EQ(t.sequence(c.version).lost, 0u);
  EXPECT_EQ(t.sequence(c.version).reordered, 1u);
}

constexpr const char* kIncluded = "message itself included";
INSTANTIATE_TEST_SUITE_P(
    Exporters, Conventions,
    testing::Values(
        ConventionCase{"v5_flows", 5, Numbered::kRecords, false, 9, "", "flows"},
        ConventionCase{"v5_last_flow", 5, Numbered::kRecords, true, 9, kIncluded, "flows"},
        ConventionCase{"v5_packets", 5, Numbered::kMessages, false, 1, "messages", "packets"},
        ConventionCase{"v5_nothing", 5, Numbered::kNothing, false, 0, "do not count", "packets"},
        ConventionCase{"v9_packets", 9, Numbered::kMessages, false, 1, "", "packets"},
        ConventionCase{"v9_records", 9, Numbered::kRecords, false, 10, "count records", "records"},
        ConventionCase{"v9_records_through", 9, Numbered::kRecords, true, 10, kIncluded, "records"},
        ConventionCase{"v9_flow_records", 9, Numbered::kFlows, false, 9, "without options", "records"},
        ConventionCase{"v9_flow_records_through", 9, Numbered::kFlows, true, 9, kIncluded, "records"},
        ConventionCase{"v9_header_count", 9, Numbered::kAll, false, 10, "templates", "records"},
        ConventionCase{"ipfix_records", 10, Numbered::kRecords, false, 10, "", "records"},
        ConventionCase{"ipfix_records_through", 10, Numbered::kRecords, true, 10, kIncluded, "records"},
        ConventionCase{"ipfix_flow_records", 10, Numbered::kFlows, false, 9, "without options", "records"},
        ConventionCase{"ipfix_flow_records_through", 10, Numbered::kFlows, true, 9, kIncluded, "records"},
        ConventionCase{"ipfix_messages", 10, Numbered::kMessages, false, 1, "messages", "messages"},
        ConventionCase{"ipfix_all_through", 10, Numbered::kAll, true, 10, "templates", "records"},
        ConventionCase{"ipfix_nothing", 10, Numbered::kNothing, false, 0, "do not count", "messages"}),
    [](const auto& i) { return std::string(i.param.what); });

// The middle of three messages is missing: the first number is all the evidence there is.
TEST(Convention, TheFirstNumberOfAStreamTells) {
  CheckedDecoder t;
  Numbered exporter(10, Numbered::kFlows, true, 0);
  t.feed(exporter.message({2, true, true}));
  exporter.message({27, false, false});
  t.feed(exporter.message({6, false, false}));
  EXPECT_EQ(t.sequence(10).lost, 27u);
}

// Open vSwitch numbers a v5 message by the index of its last record.
TEST(Convention, AStreamThatBeginsAtItsLastRecord) {
  CheckedDecoder t;
  Numbered exporter(5, Numbered::kRecords, true, 0u - 1);
  for (const uint32_t n : {1u, 8u, 8u, 5u}) t.feed(exporter.message({n, false, false}));
  EXPECT_EQ(t.sequence(5).lost, 0u);
  EXPECT_EQ(t.sequence(5).received, 22u);
}

// Open vSwitch's IPFIX: options in domain 0 and flows in another one share one number.
TEST(Convention, OneCountForAllDomains) {
  CheckedDecoder t;
  Numbered exporter(10, Numbered::kRecords, false, 1);
  t.feed(exporter.message({0, false, true}, 0));
  t.feed(exporter.message({0, false, true}, 123));
  for (uint32_t i = 0; i < 40; ++i) {
    if (i % 10 == 0) t.feed(exporter.message({0, true, false}, 0));
    const Octets message = exporter.message({1, false, false}, 123);
    if (i != 25) t.feed(message);
  }
  const auto report = t.exporter();
  ASSERT_EQ(report.sequences.size(), 1u);
  EXPECT_TRUE(report.sequences[0].all_domains);
  EXPECT_EQ(report.sequences[0].lost, 1u);
  EXPECT_EQ(report.sequences[0].received, 43u);
}

TEST(Convention, ACountForEachDomainStaysApart) {
  CheckedDecoder t;
  Numbered one(10, Numbered::kRecords, false, 0);
  Numbered two(10, Numbered::kRecords, false, 500);
  t.feed(one.message({3, false, true}, 1));
  t.feed(two.message({3, false, true}, 2));
  for (uint32_t i = 0; i < 40; ++i) {
    t.feed(one.message({1 + i % 3, false, false}, 1));
    const Octets message = two.message({4, false, false}, 2);
    if (i != 25) t.feed(message);
  }
  const auto report = t.exporter();
  ASSERT_EQ(report.sequences.size(), 2u);
  EXPECT_EQ(report.sequences[0].lost, 0u);
  EXPECT_EQ(report.sequences[1].lost, 4u);
}

// Data that waits for its template holds an unknown number of records: nothing can be learnt from its numbers.
TEST(Convention, NothingIsLearntWithoutTemplates) {
  CheckedDecoder t;
  Numbered exporter(10, Numbered::kRecords, false, 7'000);
  for (int i = 0; i < 100; ++i) t.feed(exporter.message({1, false, false}));
  t.feed(exporter.message({2, false, true}));
  for (uint32_t i = 0; i < 5; ++i) t.feed(exporter.message({3 + i, false, false}));
  exporter.message({9, false, false});
  t.feed(exporter.message({4, false, false}));
  EXPECT_EQ(t.sequence(10).convention, "");
  EXPECT_EQ(t.sequence(10).lost, 9u);
}

// Another program takes over the address and port of the first.
TEST(Convention, IsLearntAgainWhenItChanges) {
  CheckedDecoder t;
  Numbered first(10, Numbered::kRecords, false, 0);
  t.feed(first.message({3, false, true}));
  for (uint32_t i = 0; i < 100; ++i) t.feed(first.message({1 + i % 7, false, false}));
  Numbered second(10, Numbered::kMessages, false, 900'000);
  for (uint32_t i = 0; i < 200; ++i) t.feed(second.message({1 + i % 7, false, false}));
  EXPECT_EQ(t.sequence(10).unit, "messages");
}

// An exporter that reads an old capture ends all of its flows with it, by the capture's clock. One whose clock is merely
// wrong has time-outs.
TEST(Timeouts, OfAnExporterWithTheClockOfACapture) {
  for (const TimeMs pace : {0, 1}) {
    CheckedDecoder t;
    for (uint32_t i = 0; i < 100; ++i) {
      const Head head{.seconds = 1'600'000'000 + i * 10, .sequence = i};
      const Octets times = be(head.uptime_ms - 6'000, 4) + be(head.uptime_ms - 4'500, 4);
      t.feed(v9::message(head, {v9::templates(256, {{8, 4}, {12, 4}, {22, 4}, {21, 4}}),
                                set(256, ip4("10.0.0.1") + ip4("10.0.0.2") + times)}),
             {.received_ms = 1'700'000'000'000 + i * 10'000 * pace});
    }
    EXPECT_EQ(t.exporter().timeouts.inactive_ms.has_value(), pace == 1) << pace;
  }
}

}  // namespace
}  // namespace netflowgen::flow

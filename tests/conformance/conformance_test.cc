// Every case of ../shared/conformance through the decoder, as a capture: counts of flows, option records,
// templates and withdrawals, and every raw value, with data before its template held and dropped, by compiled
// plans and by the reference reader.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>

#include "base/file.h"
#include "flow/capture/pcap_reader.h"
#include "flow/capture/udp_extract.h"
#include "flow/datagram.h"
#include "flow/decode_options.h"
#include "flow/decoder/decoder.h"
#include "flow/io/byte_input.h"
#include "flow/raw_record.h"
#include "flow/record.h"
#include "reference.h"

namespace netflowgen::conformance {
namespace {

namespace fs = std::filesystem;
using flow::Datagram;
using flow::Flow;
using flow::RawRecord;
using flow::RecordKind;

const fs::path kRoot = NETFLOWGEN_CONFORMANCE;

// Writes down what the decoder shows it, in the reference's words.
class Recorder : public flow::RecordObserver {
 public:
  void on_record(const RawRecord& r, std::span<const Flow> flows) override {
    const bool flow_kind = r.kind == RecordKind::kFlow || r.kind == RecordKind::kSflowSample ||
                           r.kind == RecordKind::kSflowDiscard;
    ++(flow_kind ? counts.flows : counts.option_records);
    lines.push_back({fmt::format("{} {}", r.exporter.to_string(), line(r, flows)), r.replayed});
  }
  void on_template(const flow::TemplateView& t) override {
    ++(t.options ? counts.options_templates : counts.templates);
  }
  void on_withdrawal(const flow::TemplateView&) override { ++counts.withdrawals; }

  Expected counts;
  std::vector<ReferenceRecord> lines;

 private:
  static std::string line(const RawRecord& r, std::span<const Flow> flows) {
    if (r.version == 105) return sflow(r, flows);
    if (r.version < 9) return fmt::format("{} raw {}", r.version, hex(r.bytes.data(), r.bytes.size()));
    std::string text = fmt::format("{} {} domain {} template {} scope {}", r.version,
                                   r.kind == RecordKind::kOption ? "option" : "flow", r.domain, r.template_id,
                                   r.scope_fields);
    for (const auto& f : r.fields) {
      text += fmt::format(" {}/{}={}", f.pen, f.id, hex(f.value.data(), f.value.size()));
    }
    return text;
  }
  // From the raw sample, so that the wire is compared and not our reading of it; agent and rate from the flow.
  static std::string sflow(const RawRecord& r, std::span<const Flow> flows) {
    if (r.kind == RecordKind::kSflowCounters) return fmt::format("sflow counter {}", r.domain);
    const auto word = [&](size_t i) { return base::load_be32(r.bytes.data() + 4 * i); };
    const bool discard = r.kind == RecordKind::kSflowDiscard;
    const bool expanded = r.sflow_format == 3;
    const size_t in = discard ? 4 : expanded ? 7 : 5;
    std::string text = fmt::format("sflow {} agent {} sub {} seq {} in {} out {}",
                                   discard ? "discard" : "flow", flows.front().exporter.to_string(), r.domain,
                                   word(0), word(in), word(expanded ? in + 2 : in + 1));
    if (!discard) text += fmt::format(" rate {}", flows.front().sampling);
    return text;
  }
};

struct Result {
  Recorder recorder;
  std::vector<Flow> flows;
  std::vector<base::LedgerView> ledgers;
};

void decode(const Case& c, const flow::DecodeOptions& options, bool observed, Result& result) {
  const std::string file = base::read_file(c.capture);
  flow::MemoryInput input({reinterpret_cast<const uint8_t*>(file.data()), file.size()});
  flow::PcapReader reader;
  ASSERT_EQ(reader.begin(input), "");
  flow::UdpExtractor extract;
  flow::Decoder decoder(options);
  if (observed) decoder.set_observer(&result.recorder);
  flow::Packet packet;
  Datagram datagram;
  while (reader.read(packet)) {
    if (extract.extract(packet, datagram)) decoder.decode(datagram, result.flows);
  }
  decoder.finish();
  result.ledgers = decoder.ledgers();
}

std::vector<std::string> sorted_lines(const std::vector<ReferenceRecord>& records, bool with_replayed) {
  std::vector<std::string> out;
  for (const auto& r : records) {
    if (with_replayed || !r.replayed) out.push_back(r.line);
  }
  std::ranges::sort(out);
  return out;
}

std::string as_text(const Expected& e) {
  return fmt::format("flows {} options {} templates {} options_templates {} withdrawals {}", e.flows,
                     e.option_records, e.templates, e.options_templates, e.withdrawals);
}

void expect_same_flows(const std::vector<Flow>& a, const std::vector<Flow>& b) {
  ASSERT_EQ(a.size(), b.size());
  for (size_t i = 0; i < a.size(); ++i)
    EXPECT_TRUE(std::memcmp(&a[i], &b[i], sizeof(Flow)) == 0) << "flow " << i;
}

int failures() {
  const auto* result = testing::UnitTest::GetInstance()->current_test_info()->result();
  int n = 0;
  for (int i = 0; i < result->total_part_count(); ++i) n += result->GetTestPartResult(i).failed();
  return n;
}

struct Policy {
  bool hold;
  bool reference;
};

class Conformance : public testing::TestWithParam<Policy> {};

TEST_P(Conformance, EveryCase) {
  if (!fs::exists(kRoot / "manifest.json")) GTEST_SKIP() << "skipped: no ../shared";
  flow::DecodeOptions options;
  options.hold_data = GetParam().hold;
  options.reference = GetParam().reference;
  size_t agreed = 0;
  size_t values = 0;
  const auto cases = load_cases(kRoot);
  for (const auto& c : cases) {
    SCOPED_TRACE(c.id);
    const int failed_before = failures();
    Result seen;
    decode(c, options, true, seen);
    EXPECT_EQ(as_text(seen.recorder.counts), as_text(options.hold_data ? c.held : c.dropped));
    const auto reference = load_reference(c.reference);
    EXPECT_EQ(sorted_lines(seen.recorder.lines, true), sorted_lines(reference, options.hold_data));
    for (const auto& ledger : seen.ledgers) {
      EXPECT_TRUE(ledger.balanced()) << ledger.stage;
    }
    for (const Flow& f : seen.flows) {
      EXPECT_GE(f.sampling, 1u);
      EXPECT_LE(f.start_ms, f.end_ms);
    }
    Result unseen;  // without observer the fast path runs
    decode(c, options, false, unseen);
    expect_same_flows(seen.flows, unseen.flows);
    flow::DecodeOptions other_reader = options;
    other_reader.reference = !options.reference;
    Result other;
    decode(c, other_reader, false, other);
    expect_same_flows(unseen.flows, other.flows);
    values += reference.size();
    agreed += failures() == failed_before;
  }
  fmt::print("hold {} reference {}: {} of {} cases agree, {} records compared\n", options.hold_data,
             options.reference, agreed, cases.size(), values);
}

INSTANTIATE_TEST_SUITE_P(Policies, Conformance,
                         testing::Values(Policy{true, false}, Policy{false, false}, Policy{true, true},
                                         Policy{false, true}),
                         [](const auto& p) {
                           return std::string(p.param.hold ? "Hold" : "Drop") +
                                  (p.param.reference ? "Reference" : "Plans");
                         });

}  // namespace
}  // namespace netflowgen::conformance

// Any bytes as a flow file: the first byte chooses a dialect (or recognition, or a column map), the rest is the text.
// Checked beyond memory safety: rows balance, flows keep their invariants, the fast splitter agrees with the slow one,
// and the batch size makes no difference.
#include <unistd.h>

#include <array>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "base/error.h"
#include "base/random.h"
#include "flow/io/byte_stream.h"
#include "flow/io/inputs.h"
#include "flow/record.h"
#include "flow/source.h"
#include "flow/text/csv_source.h"
#include "flow/text/rate_source.h"
#include "flow/text/split.h"

namespace {

using namespace netflowgen;

class Memory : public flow::ByteStream {
 public:
  explicit Memory(std::string_view text) : text_(text) {}
  size_t read(std::span<uint8_t> out) override {
    const size_t n = std::min(out.size(), text_.size() - at_);
    std::memcpy(out.data(), text_.data() + at_, n);
    at_ += n;
    return n;
  }
  uint64_t consumed() const override { return at_; }

 private:
  std::string_view text_;
  size_t at_ = 0;
};

constexpr std::string_view kMap = R"(
header: false
missing: "-"
fields:
  start: {column: 0, format: "%d/%b/%Y:%H:%M:%S %z"}
  duration: {column: 1, unit: ms, optional: true}
  src: 2
  dst: 3
  bytes: {column: 4, unit: kB, optional: true}
  reply_bytes: {column: 5, optional: true}
  tcp_flags: {column: 6, optional: true}
)";
constexpr std::string_view kRates = R"(
kind: rates
node: [a, b]
time: {column: t, format: iso}
rates: {bytes_in: {column: x, scale: 2}, bytes_out: y}
)";

void check_flow(const flow::Flow& f, uint32_t known) {
  NFG_CHECK(f.start_ms <= f.end_ms);
  NFG_CHECK(f.sampling > 0);
  NFG_CHECK((f.known & ~known) == 0);
  NFG_CHECK(f.has(flow::kKnownPorts) || (f.src_port == 0 && f.dst_port == 0));
  NFG_CHECK(f.has(flow::kKnownIcmp) || f.icmp_type_code == 0);
}

// How many flows, and a sum over them.
std::pair<size_t, uint64_t> drain(const flow::TextOptions& options, std::string_view text,
                                  size_t batch_size) {
  size_t flows = 0;
  uint64_t sum = 0;
  try {
    flow::CsvSource source(std::make_unique<flow::Inputs>(std::make_unique<Memory>(text), "fuzz"), options);
    std::vector<flow::Flow> batch(batch_size);
    try {
      while (const size_t n = source.read(batch)) {
        for (size_t i = 0; i < n; ++i) {
          check_flow(batch[i], source.known());
          sum = base::mix64(sum ^ batch[i].bytes ^ static_cast<uint64_t>(batch[i].start_ms) ^
                            batch[i].src.hash());
        }
        flows += n;
      }
    } catch (const base::Error&) {
    }
    NFG_CHECK(source.ledgers().at(0).balanced());
  } catch (const base::Error&) {
  }
  return {flows, sum};
}

void drain_rates(std::string_view text) {
  try {
    flow::CsvRateSource source(std::make_unique<flow::Inputs>(std::make_unique<Memory>(text), "fuzz"),
                               flow::parse_column_map(std::string(kRates), "rates"), false, 0);
    flow::RateRow row;
    while (source.read(row)) {
      for (const float v : row.values) NFG_CHECK(!(v < 0));
    }
    NFG_CHECK(source.ledgers().at(0).balanced());
  } catch (const base::Error&) {
  }
}

void check_split(std::string_view text) {
  std::string padded(text.substr(0, 4096));
  const size_t size = padded.size();
  padded.append(flow::kLinePadding, ',');
  std::array<uint32_t, 16> fast{};
  std::array<uint32_t, 16> slow{};
  const std::string_view line(padded.data(), size);
  const size_t n = flow::split_cells(line, ',', '"', fast.size(), fast.data());
  NFG_CHECK(n == flow::split_cells_slow(line, ',', '"', slow.size(), slow.data()));
  if (n != flow::kUnclosedQuote) NFG_CHECK(fast == slow);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  const auto dialects = flow::all_dialects();
  const size_t choice = static_cast<uint8_t>(data[0] - 'a') % (dialects.size() + 4);
  flow::TextOptions options;
  if (choice < dialects.size()) options.dialect = dialects[choice];
  if (choice == dialects.size()) options.map = flow::parse_column_map(std::string(kMap), "map");
  if (choice == dialects.size() + 1) options.plan.assume_time = 1000;
  if (choice == dialects.size() + 2) {
    drain_rates(text);
    return 0;
  }
  if (choice == dialects.size() + 3) {
    try {
      flow::parse_column_map(std::string(text), "fuzz");
    } catch (const base::Error&) {
    }
    return 0;
  }
  NFG_CHECK(drain(options, text, 1) == drain(options, text, 64));
  check_split(text);
  return 0;
}

// Any bytes as a JSON flow file: the first byte chooses a dialect (or recognition, or a column map), the rest is the
// text. Checked beyond memory safety: rows balance, flows keep their invariants, the fast path and the parser give the
// same flows and the same account, and the batch size makes no difference.
#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "base/error.h"
#include "base/random.h"
#include "flow/text/json/json_source.h"

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
format: json
missing: "-"
fields:
  start: {column: t, format: iso}
  src: a.b
  dst: c
  bytes: {column: n, scale: 2, optional: true}
  reply_bytes: {column: m, optional: true}
  tcp_flags: {column: f, optional: true}
)";

struct Drained {
  size_t flows = 0;
  uint64_t sum = 0;
  uint64_t rows = 0;
  std::vector<std::pair<std::string_view, uint64_t>> drops;
  bool operator==(const Drained&) const = default;
};

void check_flow(const flow::Flow& f, uint32_t known) {
  NFG_CHECK(f.start_ms <= f.end_ms);
  NFG_CHECK(f.sampling > 0);
  NFG_CHECK((f.known & ~known) == 0);
  NFG_CHECK(f.has(flow::kKnownPorts) || (f.src_port == 0 && f.dst_port == 0));
}

Drained drain(const flow::JsonOptions& options, std::string_view text, size_t batch_size) {
  Drained d;
  try {
    flow::JsonSource source(std::make_unique<flow::Inputs>(std::make_unique<Memory>(text), "fuzz"), options);
    std::vector<flow::Flow> batch(batch_size);
    try {
      while (const size_t n = source.read(batch)) {
        for (size_t i = 0; i < n; ++i) {
          check_flow(batch[i], source.known());
          d.sum = base::mix64(d.sum ^ batch[i].bytes ^ static_cast<uint64_t>(batch[i].start_ms) ^
                              batch[i].src.hash() ^ batch[i].known);
        }
        d.flows += n;
      }
    } catch (const base::Error&) {
    }
    const auto view = source.ledgers().at(0);
    NFG_CHECK(view.balanced());
    d.rows = view.in;
    d.drops = view.drops;
  } catch (const base::Error&) {
  }
  return d;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  const auto dialects = flow::all_json_dialects();
  const size_t choice = static_cast<uint8_t>(data[0] - 'a') % (dialects.size() + 2);
  flow::JsonOptions options;
  if (choice < dialects.size()) options.dialect = dialects[choice];
  if (choice == dialects.size()) options.map = flow::parse_column_map(std::string(kMap), "map");
  const Drained fast = drain(options, text, 64);
  NFG_CHECK(fast == drain(options, text, 1));
  options.fast = false;
  NFG_CHECK(fast == drain(options, text, 64));
  return 0;
}

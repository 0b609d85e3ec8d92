#include "flow/filter/dedup.h"

#include <algorithm>
#include <bit>

#include "base/random.h"

namespace netflowgen::flow {
namespace {

uint64_t key_of(const Flow& f) {
  const uint64_t rest = uint64_t{f.src_port} << 48 | uint64_t{f.dst_port} << 32 |
                        uint64_t{f.icmp_type_code} << 16 | uint64_t{f.protocol} << 8;
  const uint64_t key =
      base::mix64(f.src.hash() ^ base::mix64(f.dst.hash() + 0x9e3779b97f4a7c15u) ^ base::mix64(rest));
  return key == 0 ? 1 : key;
}

class DeduplicatedSource : public FlowSource {
 public:
  DeduplicatedSource(std::unique_ptr<FlowSource> source, const DedupOptions& options)
      : source_(std::move(source)), table_(options) {}
  size_t read(std::span<Flow> out) override {
    while (true) {
      const size_t n = source_->read(out);
      if (n == 0) return 0;
      const auto kept = std::remove_if(out.begin(), out.begin() + static_cast<std::ptrdiff_t>(n),
                                       [&](const Flow& f) { return !table_.keep(f); });
      if (kept != out.begin()) return static_cast<size_t>(kept - out.begin());
    }
  }
  bool waiting() const override { return source_->waiting(); }
  std::optional<TimeMs> time() const override { return source_->time(); }
  std::vector<base::LedgerView> ledgers() const override {
    auto views = source_->ledgers();
    views.push_back(table_.ledger().view("de-duplication"));
    return views;
  }
  std::vector<FirstBadLine> bad_lines() const override { return source_->bad_lines(); }
  std::vector<std::string> notes() const override { return source_->notes(); }
  const Decoder* decoder() const override { return source_->decoder(); }
  uint32_t known() const override { return source_->known(); }
  uint64_t bytes_done() const override { return source_->bytes_done(); }
  uint64_t bytes_total() const override { return source_->bytes_total(); }

 private:
  std::unique_ptr<FlowSource> source_;
  Deduplicator table_;
};

}  // namespace

Deduplicator::Deduplicator(const DedupOptions& options)
    : window_s_((options.window_ms + 999) / 1000), slots_(std::bit_ceil(std::max(options.slots, kWays))) {}

bool Deduplicator::keep(const Flow& f) {
  ledger_.enter();
  const uint64_t key = key_of(f);
  const auto exporter = static_cast<uint32_t>(f.exporter.hash());
  const int64_t now_s = (f.received_ms != 0 ? f.received_ms : f.end_ms) / 1000;
  const size_t first = key & (slots_.size() - kWays);
  const std::span<Slot> bucket(slots_.data() + first, kWays);
  auto slot = std::ranges::find(bucket, key, &Slot::key);
  if (slot == bucket.end()) {
    slot = std::ranges::min_element(bucket, {}, [](const Slot& s) { return s.key == 0 ? 0u : s.last_s; });
    *slot = {key, exporter, 0};
  } else if (slot->exporter != exporter) {
    if (now_s - static_cast<int64_t>(slot->last_s) <= window_s_) {
      ledger_.drop(DuplicateDrop::kDuplicate);
      return false;
    }
    slot->exporter = exporter;
  }
  slot->last_s = std::max(static_cast<uint32_t>(now_s), slot->last_s);
  ledger_.emit();
  return true;
}

std::unique_ptr<FlowSource> deduplicated(std::unique_ptr<FlowSource> source, const DedupOptions& options) {
  if (options.window_ms == 0) return source;
  return std::make_unique<DeduplicatedSource>(std::move(source), options);
}

}  // namespace netflowgen::flow

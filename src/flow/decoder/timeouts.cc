#include "flow/decoder/timeouts.h"

#include <algorithm>

namespace netflowgen::flow {
namespace {

constexpr uint32_t kMinPile = 8;  // flows that make a pile worth believing
// Longer is no time-out but an exporter that replays an old capture. The longest default in use is an hour (softflowd).
constexpr int64_t kMostInactiveMs = 3'660'000;
constexpr int64_t kMostActiveMs = 7'830'000;  // what the bins hold

}  // namespace

size_t TimeoutMeter::bin_of(int64_t ms) {
  const int64_t s = std::clamp<int64_t>(ms, 0, 7'839'999) / 1000;
  if (s < 128) return static_cast<size_t>(s);
  if (s < 640) return static_cast<size_t>(128 + (s - 128) / 4);
  return static_cast<size_t>(256 + (s - 640) / 30);
}

int64_t TimeoutMeter::lower_edge_ms(size_t bin) {
  const auto b = static_cast<int64_t>(bin);
  if (b < 128) return b * 1000;
  if (b < 256) return (128 + (b - 128) * 4) * 1000;
  return (640 + (b - 256) * 30) * 1000;
}

void TimeoutMeter::add(const Flow& flow, TimeMs export_ms) {
  if (!bins_) bins_ = std::make_unique<Bins>();
  ++flows_;
  const int64_t duration = flow.end_ms - flow.start_ms;
  if (duration >= 1000 && duration < kMostActiveMs) ++bins_->duration[bin_of(duration)];
  const bool closed = (flow.tcp_flags & (kFin | kRst)) != 0;
  const int64_t idle = export_ms - flow.end_ms;
  if (!closed && idle >= 0 && idle < kMostInactiveMs) ++bins_->idle[bin_of(idle)];
}

// The longest duration at which flows pile up: three neighbouring bins hold at least kMinPile flows, more
// than all that last longer, and three times what the same width below holds.
std::optional<int64_t> TimeoutMeter::active_ms() const {
  if (!bins_) return std::nullopt;
  const auto& d = bins_->duration;
  uint64_t longer = 0;
  for (size_t b = kBins - 2; b >= 10; --b) {
    const uint64_t pile = uint64_t{d[b - 1]} + d[b] + d[b + 1];
    const uint64_t below = uint64_t{d[b - 4]} + d[b - 5] + d[b - 6];
    const bool top = d[b] >= d[b - 1] && d[b] >= d[b + 1];
    if (top && pile >= kMinPile && pile > longer && pile >= 3 * below)
      return lower_edge_ms(b + 1);  // cut just below the limit
    longer += d[b + 1];
  }
  return std::nullopt;
}

// The mode of the wait behind the last packet, of flows that neither FIN nor RST ended.
std::optional<int64_t> TimeoutMeter::inactive_ms() const {
  if (!bins_) return std::nullopt;
  const auto top = std::ranges::max_element(bins_->idle);
  if (*top < kMinPile) return std::nullopt;
  return lower_edge_ms(static_cast<size_t>(top - bins_->idle.begin()));
}

}  // namespace netflowgen::flow

#include "sim/network/exporter.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "flow/record.h"

namespace netflowgen::sim {
namespace {

constexpr uint64_t kFew = 32;

uint8_t draw_flags(Random& random, const Leg& leg, uint64_t seen, uint64_t physical) {
  using namespace flow;
  switch (leg.flags) {
    case FlagRule::kNone:
      return 0;
    case FlagRule::kFixed:
      return leg.fixed_flags;
    case FlagRule::kMiddle:
      return random.chance(1.0 - std::pow(0.6, static_cast<double>(seen))) ? kAck | kPsh : kAck;
    case FlagRule::kOpener:
    case FlagRule::kAnswer:
      break;
  }
  // The first and the last of `physical` packets are each among the `seen` with probability seen / physical.
  const double share = static_cast<double>(seen) / static_cast<double>(std::max<uint64_t>(physical, seen));
  uint8_t flags = 0;
  uint64_t others = seen;
  if (random.chance(share)) {
    flags |= leg.flags == FlagRule::kAnswer ? kSyn | kAck : kSyn;
    --others;
  }
  if (others > 0 && physical > 2 && random.chance(share)) {
    flags |= leg.reset ? kRst : kFin | kAck;
    --others;
  }
  if (others > 0) {
    flags |= kAck;
    if (random.chance(1.0 - std::pow(0.6, static_cast<double>(others)))) flags |= kPsh;
  }
  return flags;
}

}  // namespace

void Exporter::put(Random& random, const Leg& leg, const Piece& piece, uint64_t physical,
                   Buckets& out) const {
  const uint64_t large = binomial(random, piece.packets, static_cast<double>(leg.sizes.large_share));
  Record r;
  r.start_ms = static_cast<TimeMs>(piece.start);
  r.end_ms = std::max(r.start_ms, static_cast<TimeMs>(piece.end));
  r.received_ms = std::max(r.end_ms, static_cast<TimeMs>(piece.export_at));
  r.src = leg.src;
  r.dst = leg.dst;
  r.src_port = leg.src_port;
  r.dst_port = leg.dst_port;
  r.in_if = leg.in_if;
  r.out_if = leg.out_if;
  r.icmp = leg.icmp;
  r.protocol = leg.protocol;
  r.router = leg.router;
  r.fragment = leg.fragment ? 1 : 0;
  r.packets = static_cast<uint32_t>(piece.packets);
  r.bytes = (piece.packets - large) * leg.sizes.small + large * leg.sizes.large;
  r.tcp_flags = draw_flags(random, leg, piece.packets, physical);
  if ((r.tcp_flags & (flow::kFin | flow::kRst)) != 0) r.received_ms = r.end_ms;  // a closed flow goes at once
  out.add(r);
}

void Exporter::add(Random& random, const Leg& leg, double first_ms, double last_ms, uint64_t physical,
                   uint64_t seen, Buckets& out) const {
  if (seen == 0) return;
  if (seen == 1) {
    const double t = first_ms + (last_ms - first_ms) * random.uniform();
    put(random, leg, {t, t, t + static_cast<double>(inactive_ms_), 1}, physical, out);
  } else if (seen <= kFew) {
    add_few(random, leg, first_ms, last_ms, physical, seen, out);
  } else {
    add_many(random, leg, first_ms, last_ms, physical, seen, out);
  }
}

void Exporter::add_few(Random& random, const Leg& leg, double first_ms, double last_ms, uint64_t physical,
                       uint64_t seen, Buckets& out) const {
  std::array<double, kFew> at;
  for (size_t i = 0; i < seen; ++i) at[i] = first_ms + (last_ms - first_ms) * random.uniform();
  std::sort(at.begin(), at.begin() + static_cast<std::ptrdiff_t>(seen));
  const auto inactive = static_cast<double>(inactive_ms_);
  const auto active = static_cast<double>(active_ms_);
  size_t begin = 0;
  for (size_t i = 1; i <= seen; ++i) {
    const bool idle = i == seen || at[i] - at[i - 1] > inactive;
    if (!idle && at[i] - at[begin] <= active) continue;
    const double export_at = idle ? at[i - 1] + inactive : at[begin] + active;
    put(random, leg, {at[begin], at[i - 1], export_at, i - begin}, physical, out);
    begin = i;
  }
}

void Exporter::add_many(Random& random, const Leg& leg, double first_ms, double last_ms, uint64_t physical,
                        uint64_t seen, Buckets& out) const {
  const auto n = static_cast<double>(seen);
  double length = last_ms - first_ms;
  // Smallest of n uniform times, then the largest of the n - 1 above it.
  const double first = first_ms + length * (1.0 - std::pow(1.0 - random.uniform(), 1.0 / n));
  length = (last_ms - first) * std::pow(1.0 - random.uniform(), 1.0 / (n - 1));
  const auto active = static_cast<double>(active_ms_);
  const auto pieces = static_cast<uint64_t>(std::ceil(std::max(length, 1.0) / active));
  uint64_t left = seen;
  for (uint64_t i = 0; i < pieces && left > 0; ++i) {
    const double start = first + active * static_cast<double>(i);
    const double end = std::min(first + length, start + active);
    const bool last = i + 1 == pieces;
    const uint64_t packets = last ? left : binomial(random, left, (end - start) / (first + length - start));
    left -= packets;
    if (packets == 0) continue;
    const double export_at = last ? end + static_cast<double>(inactive_ms_) : start + active;
    put(random, leg, {start, end, export_at, packets}, physical, out);
  }
}

}  // namespace netflowgen::sim

#include "sim/generate/half_frame.h"

#include <algorithm>
#include <array>
#include <numeric>

#include "flow/record.h"

namespace netflowgen::sim {
namespace {

using namespace series;

constexpr size_t kProtocols = 4;
constexpr std::array<int, kProtocols> kShares = {kTcpShareIn, kUdpShareIn, kIcmpShareIn, kOtherShareIn};
constexpr std::array<uint8_t, kProtocols> kNumbers = {flow::kTcp, flow::kUdp, flow::kIcmp, flow::kGre};
constexpr double kPacketsSpread = 1.2;  // sigma of the lognormal packets of a record
constexpr double kBytesSpread = 0.3;    // of its mean packet, where packets are not all small
constexpr double kSmallPacket = 64;
constexpr int kDraws = 4;
constexpr double kGuessedPackets = 8;  // of a flow, where the frame does not know its flows

// What the frame says about each protocol: packets, and where it has none flows.
std::array<double, kProtocols> shares_of(const HalfFrame& half) {
  std::array<double, kProtocols> s{};
  s[0] = half.value(kTcpShareIn, 1);
  double rest = 1 - s[0];
  for (size_t i = 1; i < kProtocols; ++i) {
    s[i] = half.has(kShares[i]) ? half.value(kShares[i]) : i == 1 ? rest : 0;
    rest = std::max(rest - s[i], 0.0);
  }
  return s;
}

uint64_t flows_of(const HalfFrame& half) {
  if (half.has(kFlowsIn)) return half.whole(kFlowsIn);
  return std::max<uint64_t>(1, static_cast<uint64_t>(half.value(kPacketsIn) / kGuessedPackets));
}

std::vector<double> lognormal_weights(size_t n, double sigma, base::Random& random) {
  std::vector<double> w(n);
  for (auto& x : w) x = random.lognormal(0, sigma);
  return w;
}

// As real records are: one of several draws whose packets come closest to the sum; ascending.
std::vector<const PooledRecord*> drawn_after(std::span<const PooledRecord> pool, size_t records,
                                             uint64_t packets, base::Random& random) {
  std::vector<const PooledRecord*> best;
  double least = 0;
  for (int draw = 0; draw < kDraws && !pool.empty(); ++draw) {
    std::vector<const PooledRecord*> some(records);
    double sum = 0;
    for (auto& r : some) {
      r = &pool[random.below(pool.size())];
      sum += static_cast<double>(r->packets);
    }
    const double miss = std::fabs(std::log((static_cast<double>(packets) + 1) / (sum + 1)));
    if (best.empty() || miss < least) {
      best = std::move(some);
      least = miss;
    }
  }
  std::stable_sort(best.begin(), best.end(),
                   [](const auto* a, const auto* b) { return a->packets < b->packets; });
  return best;
}

// What each record has of the packets beyond its first one, and of the bytes a packet.
struct Shapes {
  std::vector<double> packets;
  std::vector<double> size;
};

Shapes shapes_of(std::span<const PooledRecord* const> like, const RecordPart& sum, size_t records,
                 base::Random& random) {
  Shapes s;
  if (like.empty()) {
    s.packets = lognormal_weights(records, kPacketsSpread, random);
    std::sort(s.packets.begin(), s.packets.end());
    const bool small = static_cast<double>(sum.bytes) < kSmallPacket * static_cast<double>(sum.packets);
    s.size = lognormal_weights(records, small ? 0 : kBytesSpread, random);
    return s;
  }
  double more = 0;
  for (const auto* r : like) {
    s.packets.push_back(static_cast<double>(r->packets - 1));
    s.size.push_back(std::max(static_cast<double>(r->bytes), 1.0) / static_cast<double>(r->packets));
    more += s.packets.back();
  }
  if (more == 0) std::fill(s.packets.begin(), s.packets.end(), 1);
  return s;
}

// Parts that are `least` at least, where there is enough: a record of several flows has a packet for each.
std::vector<uint64_t> spread_above(uint64_t total, std::span<const double> weights,
                                   std::span<const uint64_t> least) {
  const uint64_t all = std::accumulate(least.begin(), least.end(), uint64_t{0});
  if (total < all) return spread(total, weights, 0);
  auto parts = spread(total - all, weights, 0);
  for (size_t i = 0; i < parts.size(); ++i) parts[i] += least[i];
  return parts;
}

// Most of the packets are of flows that began earlier: the records are as the real ones, and the rest has one of its own. False: they are not.
bool add_as_they_are(const RecordPart& sum, std::span<const PooledRecord* const> like,
                     std::vector<RecordPart>& out) {
  if (like.empty() || sum.flows != like.size()) return false;
  RecordPart rest{sum.protocol, 0, sum.packets, sum.bytes, like.back()};
  for (const auto* r : like) {
    if (r->packets > rest.packets || r->bytes > rest.bytes) return false;
    rest.packets -= r->packets;
    rest.bytes -= r->bytes;
  }
  if (rest.packets < sum.packets / 2 || rest.packets == 0) return false;
  for (const auto* r : like) out.push_back({sum.protocol, 1, r->packets, r->bytes, r});
  out.push_back(rest);
  return true;
}

// One protocol's share of the sums in records.
void add_protocol(const RecordPart& sum, uint64_t records, const PoolView& view, base::Random& random,
                  std::vector<RecordPart>& out) {
  const auto pool = view.pool == nullptr ? std::span<const PooledRecord>()
                                         : view.pool->of(view.node, view.out, sum.protocol);
  const auto like = drawn_after(pool, records, sum.packets, random);
  if (add_as_they_are(sum, like, out)) return;
  const Shapes shapes = shapes_of(like, sum, records, random);
  const auto flows = spread(sum.flows, std::vector<double>(records, 1), sum.flows >= records ? 1 : 0);
  const auto packets = spread_above(sum.packets, shapes.packets, flows);
  auto sizes = shapes.size;
  for (size_t i = 0; i < records; ++i) sizes[i] *= sum.packets > 0 ? static_cast<double>(packets[i]) : 1;
  const auto bytes = spread(sum.bytes, sizes, 0);
  for (size_t i = 0; i < records; ++i)
    out.push_back({sum.protocol, flows[i], packets[i], bytes[i], like.empty() ? nullptr : like[i]});
}

}  // namespace

std::vector<uint64_t> spread(uint64_t total, std::span<const double> weights, uint64_t least) {
  const size_t n = weights.size();
  std::vector<uint64_t> parts(n, 0);
  if (total >= least * n) {
    std::fill(parts.begin(), parts.end(), least);
    total -= least * n;
  }
  const double all = std::accumulate(weights.begin(), weights.end(), 0.0);
  double sum = 0;
  uint64_t given = 0;
  for (size_t i = 0; i < n; ++i) {
    sum += weights[i];
    const uint64_t upto =
        i + 1 == n || all <= 0
            ? (i + 1 == n ? total : given)
            : std::min(total, static_cast<uint64_t>(std::llround(sum / all * static_cast<double>(total))));
    parts[i] += std::max(upto, given) - given;
    given = std::max(upto, given);
  }
  return parts;
}

std::vector<RecordPart> parts_of(const HalfFrame& half, uint64_t most, const PoolView& like,
                                 base::Random& random) {
  const uint64_t packets = half.whole(kPacketsIn);
  const uint64_t bytes = half.whole(kBytesIn);
  const bool silent = half.value(kFlowsIn) <= 0 && packets == 0 && bytes == 0;
  if (silent) return {};
  const uint64_t flows = flows_of(half);
  const auto shares = shares_of(half);
  const auto by_packets = spread(packets, shares, 0);
  // A protocol that has packets has a flow.
  std::vector<double> weights(kProtocols);
  size_t there = 0;
  for (size_t i = 0; i < kProtocols; ++i) {
    weights[i] = packets > 0 ? static_cast<double>(by_packets[i]) : shares[i];
    there += weights[i] > 0 ? 1 : 0;
  }
  std::vector<double> present;
  std::vector<size_t> which;
  for (size_t i = 0; i < kProtocols; ++i) {
    if (weights[i] <= 0) continue;
    present.push_back(weights[i]);
    which.push_back(i);
  }
  // No more flows of a protocol than packets.
  std::vector<double> more = present;
  if (packets >= flows && packets > 0) {
    for (double& x : more) x = std::max(x - 1, 0.0);
  }
  const auto by_flows = spread(flows, more, half.has(kPacketsIn) ? 1 : 0);
  const auto by_bytes = spread(bytes, present, 0);
  std::vector<RecordPart> out;
  for (size_t k = 0; k < which.size(); ++k) {
    const RecordPart sum{kNumbers[which[k]], by_flows[k], by_packets[which[k]], by_bytes[k], nullptr};
    if (sum.flows == 0 && sum.packets == 0 && sum.bytes == 0) continue;
    const uint64_t records = std::max<uint64_t>(1, sum.flows <= most / there ? sum.flows : most / there);
    add_protocol(sum, records, like, random, out);
  }
  return out;
}

}  // namespace netflowgen::sim

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

// One protocol's share of the sums in records.
void add_protocol(const RecordPart& sum, uint64_t records, base::Random& random,
                  std::vector<RecordPart>& out) {
  auto weights = lognormal_weights(records, kPacketsSpread, random);
  std::sort(weights.begin(), weights.end());
  const auto packets = spread(sum.packets, weights, 1);
  const bool small = static_cast<double>(sum.bytes) < kSmallPacket * static_cast<double>(sum.packets);
  auto sizes = lognormal_weights(records, small ? 0 : kBytesSpread, random);
  for (size_t i = 0; i < records; ++i)
    sizes[i] *= sum.packets > 0 ? static_cast<double>(packets[i]) : weights[i];
  const auto bytes = spread(sum.bytes, sizes, 0);
  const auto flows = spread(sum.flows, std::vector<double>(records, 1), sum.flows >= records ? 1 : 0);
  for (size_t i = 0; i < records; ++i) out.push_back({sum.protocol, flows[i], packets[i], bytes[i]});
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

std::vector<RecordPart> parts_of(const HalfFrame& half, uint64_t most, base::Random& random) {
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
  const auto by_flows = spread(flows, present, half.has(kPacketsIn) ? 1 : 0);
  const auto by_bytes = spread(bytes, present, 0);
  std::vector<RecordPart> out;
  for (size_t k = 0; k < which.size(); ++k) {
    const RecordPart sum{kNumbers[which[k]], by_flows[k], by_packets[which[k]], by_bytes[k]};
    if (sum.flows == 0 && sum.packets == 0 && sum.bytes == 0) continue;
    const uint64_t records = std::max<uint64_t>(1, sum.flows <= most / there ? sum.flows : most / there);
    add_protocol(sum, records, random, out);
  }
  return out;
}

}  // namespace netflowgen::sim

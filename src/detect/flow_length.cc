#include "detect/flow_length.h"

#include <algorithm>
#include <cmath>

#include "flow/record.h"

namespace netflowgen::detect {
namespace {

constexpr double kLong = 10;      // packets of a flow that is a conversation
constexpr double kLongest = 1e6;  // of an estimate

}  // namespace

double repeats_of(double packets, double rate) {
  if (rate <= 1) return packets - 1;
  const double p = 1 / rate;
  const double seen = -std::expm1(packets * std::log1p(-p));
  return std::max(0.0, packets * p / seen - 1);
}

void TcpFlowCounter::add(uint64_t sampled_packets, uint32_t flows, uint32_t rate, bool flagged,
                         uint8_t flags) {
  constexpr uint8_t kNotPlain = flow::kSyn | flow::kFin | flow::kRst | flow::kPsh;
  const auto n = static_cast<double>(std::max(1u, flows));
  flows_by_rate_[std::max(1u, rate)] += n;
  flows_ += n;
  repeats_ += std::max(0.0, static_cast<double>(sampled_packets) - n);
  if (!flagged) return;
  flagged_ += n;
  if ((flags & flow::kAck) != 0 && (flags & kNotPlain) == 0) plain_acks_ += n;
}

double TcpFlowCounter::repeats_if(double packets) const {
  double sum = 0;
  for (const auto& [rate, flows] : flows_by_rate_) sum += flows * repeats_of(packets, rate);
  return sum;
}

TcpEvidence TcpFlowCounter::evidence() const {
  TcpEvidence e;
  e.flows = flows_;
  e.flagged = flagged_;
  if (flows_ <= 0) return e;
  e.plain_ack_share = flagged_ > 0 ? plain_acks_ / flagged_ : 0;
  e.expected_repeats = repeats_if(kLong);
  double low = 1;
  double high = kLongest;
  for (int i = 0; i < 60; ++i) {  // repeats rise with the length
    const double middle = std::sqrt(low * high);
    (repeats_if(middle) < repeats_ ? low : high) = middle;
  }
  e.packets_per_flow = low;
  return e;
}

}  // namespace netflowgen::detect

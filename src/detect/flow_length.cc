#include "detect/flow_length.h"

#include <algorithm>
#include <cmath>

#include "flow/record.h"

namespace netflowgen::detect {

uint64_t again_from(uint32_t rate) { return rate <= 1 ? 4 : rate == 2 ? 3 : 2; }

double again_probability(uint32_t rate) {
  if (rate <= 1) return 1;
  const double p = 1.0 / rate;
  const double not_p = 1 - p;
  // Binomial: `once` = P(1), `less` = P(1 <= seen < again_from).
  const double seen = -std::expm1(kLongFlow * std::log1p(-p));
  double less = 0;
  double term = kLongFlow * p * std::pow(not_p, kLongFlow - 1);
  for (uint64_t k = 1; k < again_from(rate); ++k) {
    less += term;
    term *= static_cast<double>(kLongFlow - static_cast<int>(k)) / static_cast<double>(k + 1) * p / not_p;
  }
  return std::max(0.0, 1 - less / seen);
}

void TcpFlowCounter::add(uint64_t sampled_packets, uint32_t flows, uint32_t rate, bool flagged,
                         uint8_t flags) {
  constexpr uint8_t kNotPlain = flow::kSyn | flow::kFin | flow::kRst | flow::kPsh;
  const uint32_t records = std::max(1u, flows);
  const auto n = static_cast<double>(records);
  flows_by_rate_[std::max(1u, rate)] += n;
  flows_ += n;
  if (sampled_packets / records >= again_from(rate)) again_ += n;
  if (!flagged) return;
  flagged_ += n;
  if ((flags & flow::kAck) != 0 && (flags & kNotPlain) == 0) plain_acks_ += n;
}

TcpEvidence TcpFlowCounter::evidence() const {
  TcpEvidence e;
  e.flows = flows_;
  e.flagged = flagged_;
  e.plain_ack_share = flagged_ > 0 ? plain_acks_ / flagged_ : 0;
  for (const auto& [rate, flows] : flows_by_rate_) e.expected_again += flows * again_probability(rate);
  if (e.expected_again > 0) e.long_share = std::min(1.0, again_ / e.expected_again);
  return e;
}

}  // namespace netflowgen::detect

// How many TCP flows are long, as far as packet sampling lets one know.
//
// A flow of m packets sampled 1:N is seen at all with probability 1 - (1 - 1/N)^m, and a second time more rarely: at 1:1000,
// 0.45 % of the flows of ten packets that are seen are seen twice. So the share of long flows is the number of flows that
// were seen again over the number that would have been if all were long, and it comes with the latter: below about 3, the
// share tells nothing. Flows are counted, not packets, so that a few long flows among many short ones count as few.
// Pure functions.
#pragma once

#include <cstdint>
#include <map>

namespace netflowgen::detect {

// Packets of a flow that counts as long.
inline constexpr int kLongFlow = 10;

// Sampled packets from which a flow sampled 1:rate counts as seen again: 4 at 1:1, 3 at 1:2, else 2.
uint64_t again_from(uint32_t rate);
// Probability that a flow of kLongFlow packets is seen again, given that it is seen. `rate` >= 1.
double again_probability(uint32_t rate);

// What a sample tells of its TCP flows.
struct TcpEvidence {
  double flows = 0;            // seen
  double flagged = 0;          // of those: TCP flags are known
  double plain_ack_share = 0;  // of `flagged`: ACK and none of SYN, FIN, RST, PSH
  double long_share = 0;       // of the flows, those that are long; up to 1
  double expected_again = 0;   // flows that would have been seen again if all were long
  bool operator==(const TcpEvidence&) const = default;
};

class TcpFlowCounter {
 public:
  // `flows` flows of which `sampled_packets` packets were looked at, one in `rate`. `flags` may be unknown.
  void add(uint64_t sampled_packets, uint32_t flows, uint32_t rate, bool flagged, uint8_t flags);
  TcpEvidence evidence() const;

 private:
  std::map<uint32_t, double> flows_by_rate_;
  double flows_ = 0;
  double again_ = 0;
  double flagged_ = 0;
  double plain_acks_ = 0;
};

}  // namespace netflowgen::detect

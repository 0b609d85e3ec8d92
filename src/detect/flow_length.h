// How long TCP flows are, as far as packet sampling lets one know.
//
// A flow of m packets sampled 1:N is seen with probability 1 - (1 - 1/N)^m, and then m/N packets of it are
// expected over all flows: a mean of (m/N) / (1 - (1 - 1/N)^m) packets a flow that was seen. At 1:1 that is
// m. At 1:1000 it is 1.0000 for m = 1 and 1.0045 for m = 10: whether flows are long shows in second sightings
// only, and these are rare. So the estimate comes with the number of second sightings that it could have
// rested on. Pure functions.
#pragma once

#include <cstdint>
#include <map>

namespace netflowgen::detect {

// Second and later sightings a seen flow, for flows of `packets` packets sampled 1:rate. `packets` >= 1,
// `rate` >= 1.
double repeats_of(double packets, double rate);

// What a sample tells of its TCP flows.
struct TcpEvidence {
  double flows = 0;             // seen
  double flagged = 0;           // of those: TCP flags are known
  double plain_ack_share = 0;   // of `flagged`: ACK and none of SYN, FIN, RST, PSH
  double packets_per_flow = 0;  // most likely length if all flows were equally long; 0: no flow
  double expected_repeats =
      0;  // sightings beyond the first if flows had ten packets: below 3, nothing is known
  bool operator==(const TcpEvidence&) const = default;
};

class TcpFlowCounter {
 public:
  // `flows` flows of which `sampled_packets` packets were looked at, one in `rate`. `flags` may be unknown.
  void add(uint64_t sampled_packets, uint32_t flows, uint32_t rate, bool flagged, uint8_t flags);
  TcpEvidence evidence() const;

 private:
  double repeats_if(double packets) const;

  std::map<uint32_t, double> flows_by_rate_;
  double flows_ = 0;
  double repeats_ = 0;
  double flagged_ = 0;
  double plain_acks_ = 0;
};

}  // namespace netflowgen::detect

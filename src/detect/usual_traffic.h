// A sample of what a node usually receives, from its normal steps: what a filter would hit besides the
// attack.
//
// Bounded: kUsualFlows flows a node whatever its traffic. Priority sampling (Duffield, Lund, Thorup,
// "Priority sampling for estimation of arbitrary subset sums", J. ACM 54(6), 2007): a flow of weight w and
// hash u in (0, 1] has priority w / u, the highest priorities stay, and a flow that stays counts for max(w,
// the highest priority that did not). Weights are packets and halve every day, so that the sample follows the
// node; a step counts for at most `most_packets`, so that one large step does not drive out all others.
//
// Invariant: the sample depends on the flows and their steps alone, not on the order of calls.
#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "base/ip.h"
#include "detect/filter.h"
#include "detect/flow_sample.h"

namespace netflowgen::detect {

inline constexpr size_t kUsualFlows = 48;

struct UsualFlow {
  base::IpAddr src;
  double log_priority = 0;  // base 2
  double log_weight = 0;
  float bytes_per_packet = 0;
  float syns_per_packet = 0;  // 0 where no SYN was seen
  uint16_t src_port = 0;
  uint16_t dst_port = 0;
  uint8_t protocol = 0;
  uint8_t tcp_flags = 0;
  bool fragment = false;
  bool ported = false;
  bool operator==(const UsualFlow&) const = default;
};

// Shares of the usual traffic that a filter hits; NaN: no flow.
struct Collateral {
  double packets = std::numeric_limits<double>::quiet_NaN();
  double bytes = std::numeric_limits<double>::quiet_NaN();
  double syns_per_packet = 0;  // of all usual packets: first packets of connections, where SYN was seen
  uint64_t flows = 0;          // of the sample
};

class UsualTraffic {
 public:
  // `flows` of one step of `step_ms`, all to the node.
  void add(int64_t step, int64_t step_ms, std::span<const SampledFlow> flows, double most_packets);
  Collateral collateral(const Filter& filter) const;
  // What both of them sampled, of all nodes together.
  void merge(const UsualTraffic& other);

  // For the state file.
  const std::vector<UsualFlow>& flows() const { return flows_; }
  double log_threshold() const { return log_threshold_; }
  void set(std::vector<UsualFlow> flows, double log_threshold);

 private:
  void keep(const UsualFlow& flow);

  std::vector<UsualFlow> flows_;  // a heap: the lowest priority first
  double log_threshold_ = -std::numeric_limits<double>::infinity();
};

// The flow as seen during an alert matches the filter.
bool matches(const Filter& filter, const SampledFlow& flow);
// A usual flow that the filter would hit. A filter of SYN hits whole connections: without a SYN there is
// none.
bool hits(const Filter& filter, const UsualFlow& flow);

}  // namespace netflowgen::detect

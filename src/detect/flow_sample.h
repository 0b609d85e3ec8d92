// What the latest flows to each node were: the evidence of an alert. Bounded memory whatever the rate: each
// step keeps at most `cap` flows; when it is full, every flow whose hash has the next bit set is let go and
// no such flow is taken any more (adaptive sampling; Flajolet 1990), so that a step's sample is a fair one in
// 2^level, whatever order the flows came in.
//
// One thread. Times are the flows' own.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/ip.h"
#include "detect/flow_length.h"
#include "flow/record.h"

namespace netflowgen::detect {

struct SampledFlow {
  base::IpAddr src;
  base::IpAddr dst;
  base::IpAddr exporter;
  uint64_t bytes = 0;    // the exporter's sampling undone
  uint64_t packets = 0;  // ditto; at least 1
  uint64_t hash = 0;
  double weight = 1;      // records of this step that it represents
  uint32_t sampling = 1;  // the exporter looked at one packet in this many
  uint32_t flows = 1;     // that the exporter saw and summed up in the record
  uint32_t in_if = 0;
  uint32_t dst_as = 0;
  uint16_t src_port = 0;
  uint16_t dst_port = 0;
  uint8_t protocol = 0;
  uint8_t tcp_flags = 0;
  uint8_t fragment = 0;
  bool ported = false;   // ports are known
  bool flagged = false;  // TCP flags are known

  // That the exporter looked at; at least 1.
  uint64_t sampled_packets() const { return std::max<uint64_t>(1, packets / std::max(1u, sampling)); }
};

// Part of a node's traffic: "203.0.113.9", 0.4 of the packets.
struct Talker {
  std::string name;
  double share = 0;  // of the packets in the sample
  double packets = 0;
  double bytes = 0;
  double flows = 0;  // as the exporter saw them: of flows without a sampled packet nothing is known
  bool operator==(const Talker&) const = default;
};

// What the sample holds of one node. Figures are estimates: each record counts for those that it represents.
struct FlowEvidence {
  std::vector<Talker> sources;
  std::vector<Talker> source_ports;
  std::vector<Talker> ports;  // of the node
  std::vector<Talker> protocols;
  std::vector<Talker> exporters;
  size_t sampled = 0;  // flows that this is taken from
  size_t distinct_sources = 0;
  double syn_share = 0;  // of packets, SYN and no ACK
  double fragment_share = 0;
  uint64_t sampled_packets = 0;  // that exporters looked at, of these flows
  TcpEvidence tcp;
  bool operator==(const FlowEvidence&) const = default;
};

// Which flows are a node's incoming ones. Made from its name ("192.0.2.1", "192.0.2.0/24", "192.0.2.254#7",
// "AS64500").
class NodeMatch {
 public:
  enum class Kind : uint8_t { kNone, kPrefix, kInterface, kAs };

  explicit NodeMatch(std::string_view node);
  bool operator()(const SampledFlow& flow) const;
  bool any() const { return kind_ != Kind::kNone; }
  // Where a filter could point; nullopt for interfaces, AS, and names that are no address.
  std::optional<base::Prefix> destination() const;

  Kind kind() const { return kind_; }
  const base::Prefix& prefix() const { return prefix_; }  // of an interface: its exporter
  uint32_t number() const { return number_; }             // of an interface or AS

 private:
  Kind kind_ = Kind::kNone;
  base::Prefix prefix_;
  uint32_t number_ = 0;
};

class FlowSample {
 public:
  explicit FlowSample(int64_t step_ms, size_t cap = size_t{1} << 16) : step_ms_(step_ms), cap_(cap) {}

  void add(std::span<const flow::Flow> flows);
  // Lets go of steps before `step`.
  void forget_before(int64_t step) { steps_.erase(steps_.begin(), steps_.lower_bound(step)); }

  // The node's flows that started in [first, last], in the order in which they came. Of a host or prefix by an index, which is
  // made when it is asked for: thousands of alerts of one step cost little more than one.
  std::vector<SampledFlow> flows(const NodeMatch& node, int64_t first, int64_t last) const;
  // All flows of one step, each with its weight.
  std::vector<SampledFlow> step(int64_t step) const;
  static FlowEvidence evidence(std::span<const SampledFlow> flows);

  size_t held() const;
  // Of `step`: one flow in 2^level was kept.
  unsigned level(int64_t step) const;

 private:
  struct Step {
    unsigned level = 0;
    std::vector<SampledFlow> flows;
    uint64_t changes = 0;  // of `flows`
    mutable std::vector<std::pair<base::IpAddr, uint32_t>>
        to;                        // destinations, ascending, and their places in `flows`
    mutable uint64_t indexed = 0;  // `changes` when `to` was made
  };
  static constexpr size_t kMostSteps = 64;  // a clock that jumps about must not fill the memory

  static void find(const Step& step, const NodeMatch& node, std::vector<SampledFlow>& found);

  int64_t step_ms_;
  size_t cap_;
  std::map<int64_t, Step> steps_;
};

}  // namespace netflowgen::detect

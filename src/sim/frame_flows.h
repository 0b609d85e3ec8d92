// Flow records that add up to frames: what a router might have exported for a series that a model generated.
//
// Invariants: 1. Flows, bytes, packets and those of each protocol of the records that lie in a step add up to the frame's, for each
// direction, exactly. Peers, own ports, mean duration, SYN, RST, fragment and reflector shares are met as closely as whole records
// allow. 2. A record knows the groups of fields that the frame's features say something about. 3. Peers lie outside the networks of all
// nodes, so that a node's frame is made of its own records alone. 4. The same seed gives the same records, in any order of the frames.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "base/ip.h"
#include "flow/record.h"
#include "sim/record_pool.h"

namespace netflowgen::sim {

class FrameFlows {
 public:
  // Records of one direction of a frame; what is more is summed into records of several flows.
  static constexpr uint64_t kMostRecords = 10'000;

  // nodes: addresses whose networks have no peer in them (/16 of IPv4, /48 of IPv6). Error: one is no address. With a pool, ports, flags,
  // and how packets, bytes and durations are shared out, are those of real records. It outlives this.
  FrameFlows(std::span<const std::string> nodes, int64_t step_ms, uint64_t seed,
             const RecordPool* pool = nullptr);
  // The node whose real records those of `node` are made after; not called: `node` itself.
  void set_like(const base::IpAddr& node, const base::IpAddr& source) { like_[node] = source; }

  // Appends the records of a frame, [kFeatureCount]. REQUIRES: it holds together (generate.h); `node` is one of the nodes.
  void make(const base::IpAddr& node, int64_t step, std::span<const float> frame,
            std::vector<flow::Flow>& out);

  // The peer with this number; never in a network of the nodes.
  base::IpAddr peer(const base::IpAddr& node, uint64_t number) const;

 private:
  bool is_taken(const base::IpAddr& a) const;

  const RecordPool* pool_;
  std::unordered_map<base::IpAddr, base::IpAddr> like_;
  int64_t step_ms_;
  uint64_t seed_;
  std::unordered_set<base::IpAddr> networks_;
};

}  // namespace netflowgen::sim

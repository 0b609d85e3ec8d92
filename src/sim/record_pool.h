// A sample of real flow records, of each node and direction, that generated records are made after: ports, flags, packets, bytes and
// durations as they go together.
//
// Memory: kOwn records of each node, direction and protocol, kAll of all nodes together, drawn evenly from all that were added. What is
// drawn depends on the records, their order and the seed alone.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/ip.h"
#include "base/random.h"
#include "flow/record.h"

namespace netflowgen::sim {

struct PooledRecord {
  uint8_t protocol = 0;
  uint8_t tcp_flags = 0;
  uint16_t own_port = 0;
  uint16_t peer_port = 0;
  uint32_t duration_ms = 0;
  uint64_t packets = 1;
  uint64_t bytes = 0;
};

class RecordPool {
 public:
  static constexpr size_t kOwn = 256;
  static constexpr size_t kAll = 8192;
  static constexpr size_t kLeast = 8;  // with fewer of its own a node takes those of all

  // nodes: those whose records are kept; names that are no addresses have none of their own.
  RecordPool(std::span<const std::string> nodes, uint64_t seed);

  // Counted for each end that is a node. A record without addresses, protocol or packets is passed over.
  void add(const flow::Flow& flow);
  uint64_t added() const { return added_; }

  // Records of the node's direction and of the protocol's kind (TCP, UDP, ICMP, other); of all nodes where it has few. Empty: nobody has any.
  std::span<const PooledRecord> of(const base::IpAddr& node, bool out, uint8_t protocol) const;

 private:
  static constexpr size_t kKinds = 4;
  struct Sample {
    uint64_t seen = 0;
    std::vector<PooledRecord> records;
    void add(const PooledRecord& record, size_t most, base::Random& random);
  };
  using Samples = std::array<Sample, 2 * kKinds>;  // [out][kind]

  static size_t place(bool out, uint8_t protocol);
  void add_end(const flow::Flow& flow, bool out);

  std::unordered_map<base::IpAddr, Samples> own_;
  Samples all_;
  base::Random random_;
  uint64_t added_ = 0;
};

}  // namespace netflowgen::sim

// What traffic is accounted to: which nodes a flow belongs to, and their names.
#pragma once

#include <compare>
#include <cstdint>
#include <cstring>
#include <string>
#include <unordered_set>
#include <vector>

#include "base/ip.h"
#include "flow/record.h"
#include "series/sketch.h"

namespace netflowgen::series {

enum class NodeKind : uint32_t { kNone, kHost, kPrefix, kInterface, kAs };

struct NodeKey {
  base::IpAddr address;  // host, prefix, or exporter
  uint32_t number = 0;   // prefix length of the 128-bit form, interface index, AS number
  NodeKind kind = NodeKind::kNone;

  bool operator==(const NodeKey& o) const {  // in words, not by memcmp: it is the key of the hottest table
    uint64_t a[2];
    uint64_t b[2];
    std::memcpy(a, address.bytes.data(), 16);
    std::memcpy(b, o.address.bytes.data(), 16);
    return ((a[0] ^ b[0]) | (a[1] ^ b[1])) == 0 && number == o.number && kind == o.kind;
  }
  bool operator<(const NodeKey& o) const {
    if (kind != o.kind) return kind < o.kind;
    if (address != o.address) return address < o.address;
    return number < o.number;
  }
};

struct HashSeed {
  uint64_t a = 0x2d358dccaa6c78a5u;
  uint64_t b = 0x8bb84b93962eacc9u;

  uint64_t hash(const NodeKey& node) const {
    uint64_t w[2];
    std::memcpy(w, node.address.bytes.data(), 16);
    const uint64_t rest = uint64_t{node.number} << 32 | static_cast<uint64_t>(node.kind);
    return fold_multiply(fold_multiply(w[0] ^ a, w[1] ^ b) ^ rest, a);
  }
};

// "192.0.2.1", "192.0.2.0/24", "192.0.2.254#7", "AS64500".
std::string name_of(const NodeKey& node);

// A union of prefixes.
class AddressSet {
 public:
  explicit AddressSet(std::vector<base::Prefix> prefixes = {});
  bool contains(const base::IpAddr& a) const;

 private:
  struct Range {
    base::IpAddr first;
    base::IpAddr last;
  };
  std::vector<Range> ranges_;  // disjoint, ascending
};

// Addresses in `prefix` are accounted for only by flows of `exporter`: where several exporters see the same traffic,
// each address gets one counting point. Several points with the same prefix add up (both border routers).
struct CountingPoint {
  base::Prefix prefix;
  base::IpAddr exporter;
};

struct NodeOptions {
  bool all_hosts = true;                            // every address is a node
  std::vector<base::Prefix> hosts;                  // else: the addresses in these
  std::vector<uint8_t> v4_lengths;                  // every IPv4 prefix of this length (24) is a node
  std::vector<uint8_t> v6_lengths;                  // every IPv6 prefix (48)
  std::vector<base::Prefix> prefixes;               // these prefixes are nodes; they may nest
  bool interfaces = false;                          // (exporter, interface index); index 0 is none
  bool as = false;                                  // AS numbers; 0 is none
  std::vector<CountingPoint> counting_points = {};  // of hosts and prefixes
};

// "EXPORTER=CIDR,...": one point a CIDR. UsageError when it is not that.
void parse_counting_point(const std::string& text, NodeOptions& options);

// "all", "none" or comma-separated CIDRs; "/24", "/48", "/24,/48,10.0.0.0/8". UsageError when it is none of
// these.
void parse_hosts(const std::string& text, NodeOptions& options);
void parse_prefixes(const std::string& text, NodeOptions& options);

enum Direction : uint8_t { kIn, kOut };

struct FlowEnd {
  NodeKey node;
  Direction direction;
};

class NodeSelector {
 public:
  explicit NodeSelector(const NodeOptions& options);

  // Appends the nodes of a flow: the destination with kIn, the source with kOut; the interface that it came
  // in by with kIn, the one that it left by with kOut. True: an address was left out, because flows of another exporter
  // count for it.
  bool select(const flow::Flow& flow, std::vector<FlowEnd>& ends) const;

 private:
  void select_address(const base::IpAddr& a, Direction direction, std::vector<FlowEnd>& ends) const;
  bool counted_here(const base::IpAddr& a, const base::IpAddr& exporter) const;

  struct Mask {
    base::IpAddr bits;
    uint8_t length;
    bool listed;  // only those in `prefixes_`
    bool v4;
  };
  NodeOptions options_;
  bool addresses_;
  AddressSet hosts_;
  std::vector<Mask> masks_;
  struct PrefixHash {
    size_t operator()(const base::Prefix& p) const { return p.address.hash() ^ p.length; }
  };
  std::unordered_set<base::Prefix, PrefixHash> prefixes_;
};

}  // namespace netflowgen::series

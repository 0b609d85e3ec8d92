// Which nodes receive a flow, in a few look-ups however many nodes there are: what NodeMatch tells one node
// at a time.
#pragma once

#include <cstdint>
#include <map>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/ip.h"
#include "detect/flow_sample.h"

namespace netflowgen::detect {

class NodeIndex {
 public:
  void add(std::string_view node, uint64_t key);
  void remove(std::string_view node);
  // Appends the keys of the nodes to which the flow comes in.
  void find(const SampledFlow& flow, std::vector<uint64_t>& keys) const;
  // The hosts and prefixes that lie in `prefix`, ascending.
  std::vector<uint64_t> inside(const base::Prefix& prefix) const;

 private:
  struct Interface {
    base::IpAddr exporter;
    uint32_t number;
    bool operator==(const Interface&) const = default;
  };
  struct InterfaceHash {
    size_t operator()(const Interface& i) const { return base::mix64(i.exporter.hash() ^ i.number); }
  };

  // By the length of the 128-bit form: hosts are 128.
  std::map<unsigned, std::unordered_map<base::IpAddr, uint64_t>> prefixes_;
  std::unordered_map<Interface, uint64_t, InterfaceHash> interfaces_;
  std::unordered_map<uint32_t, uint64_t> as_;
};

}  // namespace netflowgen::detect

// All traffic of a step by source, destination, service port, protocol and exporter: what the page's Explore shows.
//
// Each dimension is a table of bounded size. When it is full, its smaller half is dropped into `other`; a name that carries
// more than one in kNames of the traffic stays (Misra and Gries, "Finding repeated elements", 1982, by halves).
// Invariants: 1. Totals are exact, figures of a name are at most too low, by what was dropped of it. 2. Memory depends on
// kNames and the open steps, of which there are at most kSteps. 3. Counters with sampling undone. One thread.
#pragma once

#include <array>
#include <boost/unordered/unordered_flat_map.hpp>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "flow/record.h"

namespace netflowgen::serve {

enum class Dimension : uint8_t { kSource, kDestination, kPort, kProtocol, kExporter, kCount };
inline constexpr size_t kDimensions = static_cast<size_t>(Dimension::kCount);
std::string_view name_of(Dimension dimension);  // "source", ...
std::optional<Dimension> parse_dimension(std::string_view text);

struct Amount {
  double bytes = 0;
  double packets = 0;
  double flows = 0;
  uint8_t known = 0;  // bit 0: bytes of some flow are known, bit 1: packets

  void add(const Amount& other) {
    bytes += other.bytes;
    packets += other.packets;
    flows += other.flows;
    known |= other.known;
  }
};

struct Share {
  std::string name;
  Amount amount;
};

// One step, or a bucket of steps. Names by bytes, most first.
struct BreakdownTable {
  Amount total;
  std::array<std::vector<Share>, kDimensions> top;
};

// "tcp/443 https" for a port's name, "udp" for a protocol's; else the name itself.
std::string label_of(Dimension dimension, const std::string& name);

class Breakdown {
 public:
  static constexpr size_t kNames = 8192;
  static constexpr size_t kListed = 60;  // of each dimension, by each counter
  static constexpr size_t kSteps = 64;

  explicit Breakdown(int64_t step_ms) : step_ms_(step_ms) {}

  // A flow counts in the step of its end, or the oldest open one. Without `names` it counts in the total alone.
  void add(std::span<const flow::Flow> flows, bool names = true);
  // All that was added up to this step.
  BreakdownTable close(int64_t step);
  // Of the newest open step so far.
  Amount open_total(int64_t& step) const;

 private:
  struct AddressHash {
    size_t operator()(const base::IpAddr& a) const { return a.hash(); }
  };
  template <typename Key, typename Hash>
  struct Counter {
    boost::unordered_flat_map<Key, Amount, Hash> names;
    void add(const Key& key, const Amount& amount);
    void merge(const Counter& other);
    template <typename Name>
    std::vector<Share> top(Name name) const;
  };
  struct Step {
    Amount total;
    Counter<base::IpAddr, AddressHash> sources;
    Counter<base::IpAddr, AddressHash> destinations;
    Counter<base::IpAddr, AddressHash> exporters;
    Counter<uint32_t, boost::hash<uint32_t>> ports;  // protocol << 16 | port
    Counter<uint32_t, boost::hash<uint32_t>> protocols;
    void merge(const Step& other);
  };

  void add(const flow::Flow& flow, Step& step, bool names);

  int64_t step_ms_;
  int64_t closed_ = INT64_MIN;
  std::map<int64_t, std::unique_ptr<Step>> open_;
};

}  // namespace netflowgen::serve

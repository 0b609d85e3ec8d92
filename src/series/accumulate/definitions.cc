// How the numbers of a frame come about, for people: state.h adds, finish.cc finishes, docs/features.md is made of this.
#include <fmt/format.h>

#include <cmath>
#include <span>
#include <string>

#include "series/accumulate/state.h"
#include "series/features.h"
#include "series/ports.h"

namespace netflowgen::series {
namespace {

std::string list(std::span<const uint16_t> ports) {
  std::string text;
  for (const uint16_t port : ports) text += fmt::format("{}{}", text.empty() ? "" : ", ", port);
  return text;
}

}  // namespace

std::string feature_definitions() {
  return fmt::format(R"(
## Definitions

A frame is what one node did in one step. "In" is what flows to it, "out" what flows from it; own is its end of a flow, peer the
other. Sampling is undone first: bytes and packets are multiplied by the flow's rate. A flow longer than a step is spread over its
steps in proportion, bytes and packets to the unit; `flows` counts it where it starts, shares and entropies in every step in which it is active.

- **Flows**: a record that is the sum of several flows counts as that many, in shares, means and entropies too. The rest of a flow that was
  counted before (a running total's increment) adds bytes and packets, and counts as no flow.
- **Sums** (bytes, packets, flows, protocols, flags, durations) are exact, in 64 bits, and stop at their maximum.
- **Distinct peers and own ports** are exact up to {0}. Above, a HyperLogLog of 32-bit hashes answers: {1} registers for peers
  (standard error {2:.1f} %), {3} for ports ({4:.1f} %).
- **Peer entropy** and the **top peer's share** are exact up to {0} peers. Above, peers are counted by flows in {5} bins of their hash, and
  both are the bins': peers that share a bin count as one, so with many peers the share has a floor of about 1/{5}.
  **Peer port entropy** likewise, in {5} bins of its own. Entropy is divided by ln {5}, so that 1 is an even spread over all bins.
- **Top port** is the most frequent service port: the end of a flow that is a known service, else the lower number. It is exact up to {0} ports;
  above, {6} ports have a bin of their own and the others share {7}, each named by its first known service, else by its lowest port. Ports with their own bin: {8}.
- **Reflector share**: UDP from these ports: {9}.
- **Shares** are of packets where the protocol's packets are known, else of flows; the reflector's of bytes, else of flows.
- A feature is NaN (missing) when flows of its direction are there and none of them knows what it needs. A direction without flows has 0
  where the other direction knows it. What a protocol does not have is no question: ports of ICMP, GRE or ESP and TCP flags of
  anything but TCP count as known, whether a source writes zeros there or nothing.

The sets turn into sketches at more than {0} distinct things, whatever their order. So merging the states of any split of the flows gives
the same frame as all flows in one state, to the bit (`src/series/accumulate/state_test.cc`).
)",
                     kSmall, 1u << kPeerPrecision, 104 / std::sqrt(1u << kPeerPrecision),
                     1u << kPortPrecision, 104 / std::sqrt(1u << kPortPrecision), kBins, kOwnBins,
                     kServiceBins - kOwnBins, list(own_bin_ports()), list(reflector_ports()));
}

}  // namespace netflowgen::series

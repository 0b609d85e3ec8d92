// Scripted floods for the injection objective: label-free pre-training adds them to random stretches of real
// series, and a small head learns to tell the steps that carry one (design: Model). Works on frames, not on
// flows, so that it needs no packets; features that the source never gives stay missing.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/random.h"
#include "series/builder.h"
#include "series/features.h"
#include "series/rates.h"

namespace netflowgen::learn {

// The shapes that floods take on the wire, as far as a frame shows them.
enum class FloodKind : uint8_t {
  kSyn,            // small TCP packets, SYN only, many sources
  kUdp,            // large UDP packets, few flows a source
  kAmplification,  // large UDP packets from reflector ports
  kIcmp,
  kConnection,  // many full connections to a service (application layer)
  kScan,        // one source, many tiny flows
  kAckRst,      // small TCP packets, RST or ACK
  kFragment,
  kCount,
};

struct Flood {
  FloodKind kind = FloodKind::kUdp;
  int64_t first_step = 0;
  std::vector<float> flows;  // a step: flows added at first_step + i; 0: a pause
  float packets_per_flow = 1;
  float packet_size = 100;
  float sources = 1;
  bool spoofed = false;  // each flow its own source
  float answer = 0;      // share of the flows that the victim answers
  float port = 0;        // service addressed

  int64_t last_step() const { return first_step + static_cast<int64_t>(flows.size()) - 1; }
  // Flows added at `step`, 0 outside.
  float flows_at(int64_t step) const;
  // The flood is on, pauses included.
  bool covers(int64_t step) const { return step >= first_step && step <= last_step(); }
};

// A flood of random kind, size, shape and length that starts at `first_step`. Its size is relative to
// `typical`, the node's usual flows a step, so that it ranges from noticeable to overwhelming.
Flood random_flood(base::Random& random, int64_t first_step, int max_steps, float typical);

// Adds one step of a flood to a frame ([kFeatureCount], zeros for an idle step). NaN features stay NaN.
void add_flood(const Flood& flood, float flows, std::span<float> frame);

}  // namespace netflowgen::learn

#include "learn/network/inject.h"

#include <algorithm>
#include <cmath>

namespace netflowgen::learn {
namespace {

using namespace series;  // NOLINT: the feature indexes

// Flows a step at a flood's peak: a minimum, a minimum in multiples of the node's usual number, and the largest factor
// above both.
constexpr double kLeastFlows = 15;
constexpr double kLeastRatio = 2;
constexpr double kSizeRange = 3000;

// What one flood adds to the "in" or "out" block of a frame.
struct Added {
  float flows, packets, bytes, sources;
  float own_ports, peer_ports;
  float tcp, udp, icmp, syn, rst, fragment, reflector;
  float port, duration;
};

// NaN stays NaN: a feature that the source does not give cannot be injected.
float mix(float old_value, float added, float weight) { return old_value + weight * (added - old_value); }

// Normalised entropy of two mixed sources of flows; `n` total flows. An approximation: the entropies of the
// parts, and the entropy of which part, over the largest that n flows can have.
float mix_entropy(float old_value, float distinct, float weight, float n) {
  const float scale = std::log(std::max(n, 2.0f));
  const float part = std::min(1.0f, std::log(std::max(distinct, 1.0f)) / scale);
  const float which = weight > 0 && weight < 1
                          ? -(weight * std::log(weight) + (1 - weight) * std::log(1 - weight)) / scale
                          : 0;
  return std::min(1.0f, weight * part + (1 - weight) * old_value + which);
}

void add_block(std::span<float> f, int offset, const Added& a) {
  const auto at = [&](int feature) -> float& { return f[static_cast<size_t>(feature + offset)]; };
  const float old_flows = std::isnan(at(kFlowsIn)) ? 0 : at(kFlowsIn);
  const float old_packets = std::isnan(at(kPacketsIn)) ? old_flows : at(kPacketsIn);
  const float by_flow = a.flows / (a.flows + old_flows);
  const float by_packet = a.packets / (a.packets + old_packets);
  at(kFlowsIn) += a.flows;
  at(kPacketsIn) += a.packets;
  at(kBytesIn) += a.bytes;
  at(kPacketSizeIn) = std::isnan(at(kPacketSizeIn)) ? NAN : at(kBytesIn) / std::max(at(kPacketsIn), 1.0f);
  at(kDurationIn) = mix(at(kDurationIn), a.duration, by_flow);
  at(kPeersIn) += a.sources;
  at(kPortsIn) = std::max(at(kPortsIn), a.own_ports);
  const float n = a.flows + old_flows;
  at(kPeerEntropyIn) = mix_entropy(at(kPeerEntropyIn), a.sources, by_flow, n);
  at(kPeerPortEntropyIn) = mix_entropy(at(kPeerPortEntropyIn), a.peer_ports, by_flow, n);
  at(kTopPeerShareIn) = std::max((1 - by_flow) * at(kTopPeerShareIn), by_flow / a.sources);
  at(kTcpShareIn) = mix(at(kTcpShareIn), a.tcp, by_packet);
  at(kUdpShareIn) = mix(at(kUdpShareIn), a.udp, by_packet);
  at(kIcmpShareIn) = mix(at(kIcmpShareIn), a.icmp, by_packet);
  at(kOtherShareIn) = mix(at(kOtherShareIn), 1 - a.tcp - a.udp - a.icmp, by_packet);
  at(kSynShareIn) = mix(at(kSynShareIn), a.syn, by_flow);
  at(kRstShareIn) = mix(at(kRstShareIn), a.rst, by_flow);
  at(kFragmentShareIn) = mix(at(kFragmentShareIn), a.fragment, by_packet);
  at(kReflectorShareIn) = mix(at(kReflectorShareIn), a.reflector, by_packet);
  if (by_flow > 0.5f && !std::isnan(at(kTopPortIn))) at(kTopPortIn) = a.port;
}

Added wire_shape(const Flood& flood, float flows) {
  Added a{};
  a.flows = flows;
  a.packets = flows * flood.packets_per_flow;
  a.bytes = a.packets * flood.packet_size;
  a.sources = std::max(1.0f, flood.spoofed ? flows : std::min(flood.sources, flows));
  a.own_ports = 1;
  a.peer_ports = flows;
  a.port = flood.port;
  a.duration = flood.packets_per_flow > 2 ? 5.0f : 0.0f;
  switch (flood.kind) {
    case FloodKind::kSyn:
      a.tcp = 1;
      a.syn = 1;
      break;
    case FloodKind::kUdp:
      a.udp = 1;
      break;
    case FloodKind::kAmplification:
      a.udp = 1;
      a.reflector = 1;
      a.peer_ports = 1;
      a.own_ports = flows;
      break;
    case FloodKind::kIcmp:
      a.icmp = 1;
      a.peer_ports = 1;
      a.port = 0;
      break;
    case FloodKind::kConnection:
      a.tcp = 1;
      break;
    case FloodKind::kScan:
      a.tcp = 1;
      a.syn = 1;
      a.own_ports = flows;
      break;
    case FloodKind::kAckRst:
      a.tcp = 1;
      a.rst = 0.7f;
      break;
    case FloodKind::kFragment:
      a.udp = 1;
      a.fragment = 1;
      a.peer_ports = 1;
      break;
    case FloodKind::kCount:
      break;
  }
  return a;
}

void shape_kind(base::Random& random, Flood& f) {
  const bool small = f.kind == FloodKind::kSyn || f.kind == FloodKind::kScan || f.kind == FloodKind::kAckRst;
  f.packet_size = static_cast<float>(small ? random.uniform(40, 80) : random.uniform(80, 1450));
  f.packets_per_flow = static_cast<float>(small ? random.uniform(1, 3) : std::exp(random.uniform(0, 6)));
  f.sources = f.kind == FloodKind::kScan ? 1 : static_cast<float>(std::floor(std::exp(random.uniform(0, 9))));
  f.spoofed = (f.kind == FloodKind::kSyn || f.kind == FloodKind::kUdp) && random.chance(0.5);
  f.answer = static_cast<float>(f.kind == FloodKind::kConnection ? random.uniform(0.5, 1)
                                : random.chance(0.4)             ? random.uniform(0, 1)
                                                                 : 0);
  constexpr float kServices[] = {80, 443, 53, 22, 25, 123, 389, 11211, 1900, 8080};
  f.port = kServices[random.below(std::size(kServices))];
}

}  // namespace

float Flood::flows_at(int64_t step) const {
  return step < first_step || step > last_step() ? 0 : flows[static_cast<size_t>(step - first_step)];
}

Flood random_flood(base::Random& random, int64_t first_step, int max_steps, float typical) {
  Flood f;
  f.kind = static_cast<FloodKind>(random.below(static_cast<uint64_t>(FloodKind::kCount)));
  f.first_step = first_step;
  shape_kind(random, f);
  const int steps = std::clamp(static_cast<int>(random.lognormal(1.2, 1.2)), 1, max_steps);
  // From what would be noticed up to far past it, each size as likely: an attack of a few flows is nobody's alarm, and
  // a head that was taught to find it takes every unusual visit to a quiet host for one.
  const double least = std::max(kLeastFlows, kLeastRatio * static_cast<double>(typical));
  const double peak = least * std::exp(random.uniform(0, std::log(kSizeRange)));
  const int ramp = random.chance(0.6) ? 0 : static_cast<int>(random.below(static_cast<uint64_t>(steps) + 1));
  constexpr double kJitter[] = {0.15, 0.5, 1.5};
  const double jitter = kJitter[random.below(std::size(kJitter))];
  const bool pulses = steps >= 4 && random.chance(0.15);
  const double pause = random.chance(0.33) ? 0.3 : 0;
  for (int i = 0; i < steps; ++i) {
    double size = peak * std::exp(jitter * random.normal());
    if (i < ramp) size *= static_cast<double>(i + 1) / (ramp + 1);
    // A flood begins and ends with traffic.
    if (i > 0 && i + 1 < steps && ((pulses && (i / 2) % 2 == 1) || random.chance(pause))) size = 0;
    f.flows.push_back(size > 0 ? static_cast<float>(std::max(1.0, std::round(size))) : 0.0f);
  }
  return f;
}

void add_flood(const Flood& flood, float flows, std::span<float> frame) {
  if (flows <= 0) return;
  const Added in = wire_shape(flood, flows);
  add_block(frame, 0, in);
  if (flood.answer > 0) {
    Added out = in;
    out.flows = std::max(1.0f, std::round(flows * flood.answer));
    out.packets = out.flows * std::min(flood.packets_per_flow, 8.0f);
    out.bytes = out.packets * 60;
    out.reflector = out.fragment = 0;
    add_block(frame, kOutOffset, out);
  }
  const float b_in = frame[kBytesIn];
  const float b_out = frame[kBytesOut];
  const bool bytes = !std::isnan(b_in) && !std::isnan(b_out);
  const float i = bytes ? b_in : frame[kFlowsIn];
  const float o = bytes ? b_out : frame[kFlowsOut];
  if (!std::isnan(frame[kOutInRatio])) frame[kOutInRatio] = i + o > 0 ? o / (i + o) : 0;
}

}  // namespace netflowgen::learn

#include "series/state.h"

#include <algorithm>
#include <cstring>

#include "series/ports.h"

namespace netflowgen::series {
namespace {

// Small sets ------------------------------------------------------------------------------------------------

template <typename Key>
void set_ref(SmallCounts<Key>& set, Arena::Ref ref) {
  std::memcpy(set.keys, &ref, sizeof ref);
}
template <typename Key>
Arena::Ref ref_of(const SmallCounts<Key>& set) {
  Arena::Ref ref;
  std::memcpy(&ref, set.keys, sizeof ref);
  return ref;
}

// Adds to a small set; false when there is no room, and then nothing was added.
template <typename Key>
bool add_small(SmallCounts<Key>& set, uint8_t& size, Key key, uint32_t count) {
  for (unsigned i = 0; i < size; ++i) {
    if (set.keys[i] == key) {
      saturating_add(set.counts[i], count);
      return true;
    }
  }
  if (size == kSmall) return false;
  set.keys[size] = key;
  set.counts[size++] = count;
  return true;
}

void add_to(PeerSketch& s, uint32_t hash, uint32_t count) {
  hll_add<kPeerPrecision>(s.registers, hash);
  saturating_add(s.bins[bin_of(hash)], count);
}
void add_to(PeerPortSketch& s, uint16_t port, uint32_t count) {
  saturating_add(s.bins[bin_of(hash_port(port))], count);
}
void add_to(ServiceSketch& s, uint16_t port, uint32_t count) {
  const unsigned bin = kPorts[port].bin();
  if (s.counts[bin] == 0 || port_before(port, s.names[bin])) s.names[bin] = port;
  saturating_add(s.counts[bin], count);
}

void merge_to(PeerSketch& into, const PeerSketch& from) {
  for (size_t i = 0; i < sizeof into.registers; ++i)
    into.registers[i] = std::max(into.registers[i], from.registers[i]);
  for (size_t i = 0; i < kBins; ++i) saturating_add(into.bins[i], from.bins[i]);
}
void merge_to(PeerPortSketch& into, const PeerPortSketch& from) {
  for (size_t i = 0; i < kBins; ++i) saturating_add(into.bins[i], from.bins[i]);
}
void merge_to(ServiceSketch& into, const ServiceSketch& from) {
  for (size_t i = 0; i < kServiceBins; ++i) {
    if (from.counts[i] == 0) continue;
    if (into.counts[i] == 0 || port_before(from.names[i], into.names[i])) into.names[i] = from.names[i];
    saturating_add(into.counts[i], from.counts[i]);
  }
}

// Turns a set into its sketch (once) and returns that.
template <typename Sketch, typename Key>
Sketch& promote(SmallCounts<Key>& set, uint8_t& size, Arena& arena) {
  if (size == kSketched) return arena.at<Sketch>(ref_of(set));
  const auto ref = arena.make<Sketch>();
  auto& sketch = arena.at<Sketch>(ref);
  for (unsigned i = 0; i < size; ++i) add_to(sketch, set.keys[i], set.counts[i]);
  set_ref(set, ref);
  size = kSketched;
  return sketch;
}

template <typename Sketch, typename Key>
void add_key(SmallCounts<Key>& set, uint8_t& size, Key key, uint32_t count, Arena& arena) {
  if (size != kSketched && add_small(set, size, key, count)) return;
  add_to(promote<Sketch>(set, size, arena), key, count);
}

template <typename Sketch, typename Key>
void merge_set(SmallCounts<Key>& into, uint8_t& size, const SmallCounts<Key>& from, uint8_t from_size,
               Arena& arena, const Arena& from_arena) {
  if (from_size == kSketched) {
    merge_to(promote<Sketch>(into, size, arena), from_arena.at<Sketch>(ref_of(from)));
    return;
  }
  for (unsigned i = 0; i < from_size; ++i) add_key<Sketch>(into, size, from.keys[i], from.counts[i], arena);
}

OwnPortSketch& promote_own_ports(DirectionState& s, Arena& arena) {
  if (s.own_ports_size == kSketched) return arena.at<OwnPortSketch>(s.own_ports_sketch);
  s.own_ports_sketch = arena.make<OwnPortSketch>();
  auto& sketch = arena.at<OwnPortSketch>(s.own_ports_sketch);
  for (unsigned i = 0; i < s.own_ports_size; ++i) {
    hll_add<kPortPrecision>(sketch.registers, hash_port(s.own_ports[i]));
  }
  s.own_ports_size = kSketched;
  return sketch;
}

void add_own_port(DirectionState& s, uint16_t port, Arena& arena) {
  if (s.own_ports_size != kSketched) {
    for (unsigned i = 0; i < s.own_ports_size; ++i) {
      if (s.own_ports[i] == port) return;
    }
    if (s.own_ports_size < kSmall) {
      s.own_ports[s.own_ports_size++] = port;
      return;
    }
  }
  hll_add<kPortPrecision>(promote_own_ports(s, arena).registers, hash_port(port));
}

// Sums ------------------------------------------------------------------------------------------------------

void add_exceptions(DirectionState& s, const Part& p) {
  const auto lacks = [&p](uint16_t group) { return (p.groups & group) == 0; };
  if (lacks(kGroupSize)) {
    saturating_add(s.bytes_without_packets, p.bytes);
    saturating_add(s.packets_without_bytes, p.packets);
  }
  if (lacks(kGroupService)) {
    saturating_add(s.bytes_without_service, p.bytes);
    ++s.flows_without_service;
    if ((p.bits & kPartTransport) != 0) {
      saturating_add(s.transport_packets_without_ports, p.packets);
      ++s.transport_flows_without_ports;
    }
  }
}

void add_protocol(DirectionState& s, const Part& p) {
  saturating_add(s.class_packets[p.protocol_class], p.packets);
  ++s.class_flows[p.protocol_class];
  if ((p.groups & kGroupTcp) != 0 && p.protocol_class == kClassTcp) {
    ++s.tcp_flows;
    s.syn_flows += (p.bits & kPartSyn) != 0;
    s.rst_flows += (p.bits & kPartRst) != 0;
  }
  if ((p.groups & kGroupService) == 0) return;
  if ((p.bits & kPartFragment) != 0) {
    saturating_add(s.fragment_packets, p.packets);
    ++s.fragment_flows;
  }
  if ((p.bits & kPartReflector) != 0) {
    saturating_add(s.reflector_bytes, p.bytes);
    ++s.reflector_flows;
  }
}

// The sums, for merge(): every 64-bit member that only adds.
constexpr uint64_t DirectionState::*kSums[] = {
    &DirectionState::bytes,
    &DirectionState::packets,
    &DirectionState::starts,
    &DirectionState::active,
    &DirectionState::duration_ms,
    &DirectionState::timed,
    &DirectionState::tcp_flows,
    &DirectionState::syn_flows,
    &DirectionState::rst_flows,
    &DirectionState::fragment_packets,
    &DirectionState::fragment_flows,
    &DirectionState::reflector_bytes,
    &DirectionState::reflector_flows,
    &DirectionState::bytes_without_packets,
    &DirectionState::packets_without_bytes,
    &DirectionState::transport_packets_without_ports,
    &DirectionState::transport_flows_without_ports,
    &DirectionState::bytes_without_service,
    &DirectionState::flows_without_service,
};

}  // namespace

void add(DirectionState& s, const Part& p, const End& end, Arena& arena) {
  s.groups |= p.groups;
  saturating_add(s.bytes, p.bytes);
  saturating_add(s.packets, p.packets);
  s.starts += p.bits & kPartStarts;
  ++s.active;
  if ((p.groups & kGroupDuration) != 0) {
    saturating_add(s.duration_ms, p.duration_ms);
    ++s.timed;
  }
  if ((p.groups & kGroupProtocol) != 0) add_protocol(s, p);
  if ((p.groups & kUsualGroups) != kUsualGroups) add_exceptions(s, p);
  if ((p.groups & kGroupAddresses) != 0) add_key<PeerSketch>(s.peers, s.peers_size, end.peer_hash, 1u, arena);
  if ((p.groups & kGroupPorts) != 0 && (p.bits & kPartPorted) != 0) {
    add_own_port(s, end.own_port, arena);
    add_key<PeerPortSketch>(s.peer_ports, s.peer_ports_size, end.peer_port, 1u, arena);
    add_key<ServiceSketch>(s.services, s.services_size, p.service_port, 1u, arena);
  }
}

void merge(DirectionState& into, Arena& arena, const DirectionState& from, const Arena& from_arena) {
  for (const auto sum : kSums) saturating_add(into.*sum, from.*sum);
  for (unsigned c = 0; c < kClassCount; ++c) {
    saturating_add(into.class_packets[c], from.class_packets[c]);
    saturating_add(into.class_flows[c], from.class_flows[c]);
  }
  into.groups |= from.groups;
  merge_set<PeerSketch>(into.peers, into.peers_size, from.peers, from.peers_size, arena, from_arena);
  merge_set<PeerPortSketch>(into.peer_ports, into.peer_ports_size, from.peer_ports, from.peer_ports_size,
                            arena, from_arena);
  merge_set<ServiceSketch>(into.services, into.services_size, from.services, from.services_size, arena,
                           from_arena);
  if (from.own_ports_size == kSketched) {
    auto& sketch = promote_own_ports(into, arena);
    const auto& other = from_arena.at<OwnPortSketch>(from.own_ports_sketch);
    for (size_t i = 0; i < sizeof sketch.registers; ++i) {
      sketch.registers[i] = std::max(sketch.registers[i], other.registers[i]);
    }
  } else {
    for (unsigned i = 0; i < from.own_ports_size; ++i) add_own_port(into, from.own_ports[i], arena);
  }
}

void prefetch_state(const DirectionState& s) {
  const auto* line = reinterpret_cast<const char*>(&s);
  for (int i = 0; i < 6; ++i) __builtin_prefetch(line + i * kLine, 1);
}

void prefetch_sketches(const DirectionState& s, const Part& p, const End& end, const Arena& arena) {
  if (s.peers_size == kSketched) {
    const auto& sketch = arena.at<PeerSketch>(ref_of(s.peers));
    __builtin_prefetch(&sketch.registers[end.peer_hash & ((1u << kPeerPrecision) - 1)], 1);
    __builtin_prefetch(&sketch.bins[bin_of(end.peer_hash)], 1);
  }
  if (s.own_ports_size == kSketched) {
    const auto& sketch = arena.at<OwnPortSketch>(s.own_ports_sketch);
    __builtin_prefetch(&sketch.registers[hash_port(end.own_port) & ((1u << kPortPrecision) - 1)], 1);
  }
  if (s.peer_ports_size == kSketched) {
    const auto& sketch = arena.at<PeerPortSketch>(ref_of(s.peer_ports));
    __builtin_prefetch(&sketch.bins[bin_of(hash_port(end.peer_port))], 1);
  }
  if (s.services_size == kSketched) {
    const auto& sketch = arena.at<ServiceSketch>(ref_of(s.services));
    __builtin_prefetch(&sketch.counts[kPorts[p.service_port].bin()], 1);
    __builtin_prefetch(&sketch.names[kPorts[p.service_port].bin()], 1);
  }
}

}  // namespace netflowgen::series

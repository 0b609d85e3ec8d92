#include "series/accumulate/state.h"

#include <algorithm>

#include "series/accumulate/groups.h"
#include "series/ports.h"

namespace netflowgen::series {
namespace {

// Small sets ------------------------------------------------------------------------------------------------

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
  PeerSketch::Cell& cell = s.cells[hash % kBins];
  uint8_t& r = cell.registers[hash / kBins % 4];
  r = std::max(r, hll_rank<kPeerPrecision>(hash));
  saturating_add(cell.count, count);
}
void add_to(PeerPortSketch& s, uint16_t port, uint32_t count) {
  saturating_add(s.bins[bin_of(hash_port(port))], count);
}
void add_name(ServiceSketch::Cell& cell, uint16_t port, uint32_t count) {
  if (cell.count == 0 || port_before(port, cell.name)) cell.name = port;
  saturating_add(cell.count, count);
}
void add_to(ServiceSketch& s, uint16_t port, uint32_t count) {
  add_name(s.cells[kPorts[port].bin()], port, count);
}

void merge_to(PeerSketch& into, const PeerSketch& from) {
  for (size_t i = 0; i < kBins; ++i) {
    saturating_add(into.cells[i].count, from.cells[i].count);
    for (size_t k = 0; k < 4; ++k) {
      uint8_t& r = into.cells[i].registers[k];
      r = std::max(r, from.cells[i].registers[k]);
    }
  }
}
void merge_to(PeerPortSketch& into, const PeerPortSketch& from) {
  for (size_t i = 0; i < kBins; ++i) saturating_add(into.bins[i], from.bins[i]);
}
void merge_to(ServiceSketch& into, const ServiceSketch& from) {
  for (size_t i = 0; i < kServiceBins; ++i) {
    if (from.cells[i].count != 0) add_name(into.cells[i], from.cells[i].name, from.cells[i].count);
  }
}

// A small set and what it turns into.
template <typename Sketch, typename Key>
struct Set {
  SmallCounts<Key>& small;
  uint8_t& size;
  Arena::Ref& sketch;

  // Turns the set into its sketch (once) and returns that.
  Sketch& promote(Arena& arena) {
    if (size == kSketched) return arena.at<Sketch>(sketch);
    sketch = arena.make<Sketch>();
    auto& made = arena.at<Sketch>(sketch);
    for (unsigned i = 0; i < size; ++i) add_to(made, small.keys[i], small.counts[i]);
    size = kSketched;
    return made;
  }
  void add(Key key, uint32_t count, Arena& arena) {
    if (size != kSketched && add_small(small, size, key, count)) return;
    add_to(promote(arena), key, count);
  }
  void merge(const SmallCounts<Key>& from, uint8_t from_size, Arena::Ref from_sketch, Arena& arena,
             const Arena& from_arena) {
    if (from_size == kSketched) {
      merge_to(promote(arena), from_arena.at<Sketch>(from_sketch));
      return;
    }
    for (unsigned i = 0; i < from_size; ++i) add(from.keys[i], from.counts[i], arena);
  }
};
Set<PeerSketch, uint32_t> peers_of(DirectionState& s) { return {s.peers, s.peers_size, s.peers_sketch}; }
Set<PeerPortSketch, uint16_t> peer_ports_of(DirectionState& s) {
  return {s.peer_ports, s.peer_ports_size, s.peer_ports_sketch};
}
Set<ServiceSketch, uint16_t> services_of(DirectionState& s) {
  return {s.services, s.services_size, s.services_sketch};
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
  if (lacks(kGroupDuration)) s.flows_without_duration += p.flows;
  if (lacks(kGroupTcp) && !lacks(kGroupProtocol) && p.protocol_class == kClassTcp)
    s.tcp_flows_without_flags += p.flows;
  if (lacks(kGroupService)) {
    saturating_add(s.bytes_without_service, p.bytes);
    s.flows_without_service += p.flows;
    if ((p.bits & kPartTransport) != 0) {
      saturating_add(s.transport_packets_without_ports, p.packets);
      s.transport_flows_without_ports += p.flows;
    }
  }
}

void add_protocol(DirectionState& s, const Part& p) {
  saturating_add(s.class_packets[p.protocol_class], p.packets);
  s.class_flows[p.protocol_class] += p.flows;
  if ((p.bits & (kPartSyn | kPartRst | kPartFragment | kPartReflector)) == 0) return;
  if ((p.groups & kGroupTcp) != 0 && p.protocol_class == kClassTcp) {
    s.syn_flows += (p.bits & kPartSyn) != 0 ? p.flows : 0;
    s.rst_flows += (p.bits & kPartRst) != 0 ? p.flows : 0;
  }
  if ((p.groups & kGroupService) == 0) return;
  if ((p.bits & kPartFragment) != 0) {
    saturating_add(s.fragment_packets, p.packets);
    s.fragment_flows += p.flows;
  }
  if ((p.bits & kPartReflector) != 0) {
    saturating_add(s.reflector_bytes, p.bytes);
    s.reflector_flows += p.flows;
  }
}

// The sums, for merge(): every 64-bit member that only adds.
constexpr uint64_t DirectionState::*kSums[] = {
    &DirectionState::bytes,
    &DirectionState::packets,
    &DirectionState::starts,
    &DirectionState::active,
    &DirectionState::duration_ms,
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
    &DirectionState::flows_without_duration,
    &DirectionState::tcp_flows_without_flags,
};

}  // namespace

void add(DirectionState& s, const Part& p, const End& end, Arena& arena) {
  s.groups |= p.groups;
  saturating_add(s.bytes, p.bytes);
  saturating_add(s.packets, p.packets);
  s.starts += (p.bits & kPartStarts) * uint64_t{p.flows};
  s.active += p.flows;
  if ((p.groups & kGroupDuration) != 0) {
    saturating_add(s.duration_ms, saturating_multiply(p.duration_ms, uint64_t{p.flows}));
  }
  if ((p.groups & kGroupProtocol) != 0) add_protocol(s, p);
  if ((p.groups & kUsualGroups) != kUsualGroups) add_exceptions(s, p);
  if ((p.groups & kGroupAddresses) != 0) peers_of(s).add(end.peer_hash, p.flows, arena);
  if ((p.groups & kGroupPorts) != 0 && (p.bits & kPartPorted) != 0) {
    add_own_port(s, end.own_port, arena);
    peer_ports_of(s).add(end.peer_port, p.flows, arena);
    services_of(s).add(p.service_port, p.flows, arena);
  }
}

void add(SumState& s, const Part& p, Arena& arena) {
  const auto lacks = [&p](uint16_t group) { return (p.groups & group) == 0; };
  s.groups |= p.groups & kSumGroups;
  saturating_add(s.bytes, p.bytes);
  saturating_add(s.packets, p.packets);
  s.starts += (p.bits & kPartStarts) * uint64_t{p.flows};
  s.active += p.flows;
  if (!lacks(kGroupDuration))
    saturating_add(s.duration_ms, saturating_multiply(p.duration_ms, uint64_t{p.flows}));
  if ((p.groups & kSumGroups) == kSumGroups) return;
  if (s.lacks == 0) s.lacks = arena.make<SumLacks>();
  auto& l = arena.at<SumLacks>(s.lacks);
  if (lacks(kGroupSize)) {
    saturating_add(l.bytes_without_packets, p.bytes);
    saturating_add(l.packets_without_bytes, p.packets);
  }
  if (lacks(kGroupDuration)) l.flows_without_duration += p.flows;
}

DirectionState state_of(const SumState& s, const Arena& arena) {
  DirectionState state{};
  state.bytes = s.bytes;
  state.packets = s.packets;
  state.starts = s.starts;
  state.active = s.active;
  state.duration_ms = s.duration_ms;
  state.groups = s.groups;
  if (s.lacks == 0) return state;
  const auto& l = arena.at<SumLacks>(s.lacks);
  state.bytes_without_packets = l.bytes_without_packets;
  state.packets_without_bytes = l.packets_without_bytes;
  state.flows_without_duration = l.flows_without_duration;
  return state;
}

void merge(DirectionState& into, Arena& arena, const DirectionState& from, const Arena& from_arena) {
  for (const auto sum : kSums) saturating_add(into.*sum, from.*sum);
  for (unsigned c = 0; c < kClassCount; ++c) {
    saturating_add(into.class_packets[c], from.class_packets[c]);
    saturating_add(into.class_flows[c], from.class_flows[c]);
  }
  into.groups |= from.groups;
  peers_of(into).merge(from.peers, from.peers_size, from.peers_sketch, arena, from_arena);
  peer_ports_of(into).merge(from.peer_ports, from.peer_ports_size, from.peer_ports_sketch, arena, from_arena);
  services_of(into).merge(from.services, from.services_size, from.services_sketch, arena, from_arena);
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
  const auto* const line = reinterpret_cast<const char*>(&s);
  for (size_t i = 0; i < sizeof s; i += kLine) __builtin_prefetch(line + i, 1);
}

}  // namespace netflowgen::series

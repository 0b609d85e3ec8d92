// The accumulator of one (node, step, direction): add flows, merge states, finish to features.
//
// Law (state_test.cc): merging states of any split of any flows, in any order, equals adding all flows to one
// state, exactly. It holds because every part is a sum (saturating), a maximum, a union, or a set that turns
// into a sketch when it holds more than kSmall distinct things: a function of the multiset, not of its order.
//
// Invariants: 1. Plain data, zero is the empty state, lives in an Arena; sketches that outgrow the state live
// in the same arena and are referred to. 2. A state has seven cache lines; with its sketches made, add() usually
// touches three of them and one of each sketch.
// 3. Sums are 64-bit after sampling is undone and stop at their maximum; a sketch's counts are 32-bit and do
// the same. One thread per arena.
#pragma once

#include <cstdint>
#include <span>

#include "series/accumulate/arena.h"
#include "series/accumulate/part.h"
#include "series/features.h"
#include "series/sketch.h"

namespace netflowgen::series {

inline constexpr unsigned kSmall = 8;          // exact up to this many distinct peers, ports, services
inline constexpr unsigned kPeerPrecision = 8;  // 256 registers: standard error 6.5 %
inline constexpr unsigned kPortPrecision = 7;  // 128 registers: 9.2 %
inline constexpr uint8_t kSketched = 0xff;     // in a size field: the set has become a sketch

// The peer as one end of a flow sees it.
struct End {
  uint32_t peer_hash = 0;  // hash_address of the peer
  uint16_t own_port = 0;
  uint16_t peer_port = 0;
};

// What one addition touches of a sketch lies in one cache line.
struct PeerSketch {
  struct Cell {
    uint32_t count;        // of the hashed histogram
    uint8_t registers[4];  // of the HyperLogLog: number i + 64 k stands in cell i at k
  };
  Cell cells[kBins];
};
static_assert(kBins * 4 == 1u << kPeerPrecision);
struct PeerPortSketch {
  uint32_t bins[kBins];
};
struct OwnPortSketch {
  uint8_t registers[1u << kPortPrecision];
};
struct ServiceSketch {
  struct Cell {
    uint32_t count;
    uint16_t name;  // the first port of the bin in port_before()'s order
    uint16_t padding;
  };
  Cell cells[64];
};

// kSmall keys with counts.
template <typename Key>
struct SmallCounts {
  Key keys[kSmall];
  uint32_t counts[kSmall];
};

struct alignas(kLine) DirectionState {
  // line 0
  uint64_t bytes;
  uint64_t packets;
  uint64_t starts;       // flows that start in this step
  uint64_t active;       // flows with a part in this step
  uint64_t duration_ms;  // of active flows of known duration
  uint16_t groups;       // OR of the flows' groups
  uint8_t peers_size;    // kSketched: the set has become the sketch below
  uint8_t services_size;
  uint8_t own_ports_size;
  uint8_t peer_ports_size;
  uint16_t padding0;
  Arena::Ref peers_sketch;
  Arena::Ref services_sketch;
  Arena::Ref own_ports_sketch;
  Arena::Ref peer_ports_sketch;
  // line 1
  uint64_t class_packets[kClassCount];
  uint64_t class_flows[kClassCount];
  // line 2
  SmallCounts<uint16_t> services;
  uint16_t own_ports[kSmall];
  // line 3
  SmallCounts<uint32_t> peers;
  // line 4
  SmallCounts<uint16_t> peer_ports;
  uint64_t padding1[2];
  // line 5: what few flows are
  uint64_t syn_flows;
  uint64_t rst_flows;
  uint64_t fragment_packets;
  uint64_t fragment_flows;
  uint64_t reflector_bytes;
  uint64_t reflector_flows;
  uint64_t padding2[2];
  // line 6: what flows that lack a group leave out of a denominator; untouched while sources are uniform
  uint64_t bytes_without_packets;
  uint64_t packets_without_bytes;
  uint64_t transport_packets_without_ports;
  uint64_t transport_flows_without_ports;
  uint64_t bytes_without_service;
  uint64_t flows_without_service;
  uint64_t flows_without_duration;
  uint64_t tcp_flows_without_flags;

  uint64_t timed() const { return active - flows_without_duration; }  // active flows of known duration
  uint64_t tcp_flows() const { return class_flows[kClassTcp] - tcp_flows_without_flags; }  // of known flags
};
static_assert(sizeof(DirectionState) == 7 * kLine);

// A state where no feature needs more than kSumGroups: one cache line, and a second one where flows lack a group.
struct alignas(kLine) SumState {
  uint64_t bytes;
  uint64_t packets;
  uint64_t starts;
  uint64_t active;
  uint64_t duration_ms;
  uint16_t groups;
  uint16_t padding0;
  Arena::Ref lacks;  // a SumLacks; 0: none
  uint64_t padding1[2];
};
struct alignas(kLine) SumLacks {
  uint64_t bytes_without_packets;
  uint64_t packets_without_bytes;
  uint64_t flows_without_duration;
  uint64_t padding[5];
};
static_assert(sizeof(SumState) == kLine && sizeof(SumLacks) == kLine);

void add(DirectionState& state, const Part& part, const End& end, Arena& arena);
// Adds the sums alone; the groups that they do not need are left out. The law of DirectionState holds here, too.
void add(SumState& state, const Part& part, Arena& arena);
// The state that adding the same parts, with the groups of sums alone, would have made.
DirectionState state_of(const SumState& sums, const Arena& arena);
void merge(DirectionState& into, Arena& into_arena, const DirectionState& from, const Arena& from_arena);

// The sketches that a state refers to, in the order in which files hold them. Calls visit(reference, tag of the type).
template <typename T>
struct Tag {};
template <typename State, typename Visit>
void for_sketches(State& s, Visit visit) {
  if (s.peers_size == kSketched) visit(s.peers_sketch, Tag<PeerSketch>{});
  if (s.services_size == kSketched) visit(s.services_sketch, Tag<ServiceSketch>{});
  if (s.peer_ports_size == kSketched) visit(s.peer_ports_sketch, Tag<PeerPortSketch>{});
  if (s.own_ports_size == kSketched) visit(s.own_ports_sketch, Tag<OwnPortSketch>{});
}

// A state and where its sketches are; null: there is none.
struct StateView {
  const DirectionState* state = nullptr;
  const Arena* arena = nullptr;
};

// The frame of a (node, step); either direction may be null. A feature is NaN when flows of its direction are
// there and none of them knows what the feature needs; a direction without flows has 0 where the other knows
// it. REQUIRES: at least one is given and active; frame has kFeatureCount values.
void finish(const StateView& in, const StateView& out, std::span<float> frame);

// The same of sums alone: all other features are NaN.
void finish(const SumState* in, const SumState* out, const Arena& arena, std::span<float> frame);

// Asks the cache for the state.
void prefetch_state(const DirectionState& state);

}  // namespace netflowgen::series

// Attacks: the table of types, and a plan of events drawn by the seed or scripted.
//
// An event's strength is one number for all types: packets a minute at its plateau, as a multiple of what the
// victim normally receives. Plain data, read-only once planned.
#pragma once

#include <cmath>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "sim/network/network.h"

namespace netflowgen::sim {

enum class Style : uint8_t {
  kFlood,        // packets
  kRequests,     // whole HTTP conversations from many machines
  kSlow,         // many connections held open by a trickle
  kConnections,  // TCP connections that are opened, used little and closed
};
enum class Origin : uint8_t { kSpoofable, kBots, kReflectors };

struct AttackType {
  std::string_view name;
  Style style;
  Origin origin;
  uint8_t protocol;
  uint16_t src_port;  // 0: the source's own
  uint16_t
      dst_port;  // 0: the victim's service, kAnyPort: a new one a packet, kOnePort: one drawn for the event
  PacketSizes sizes;
  uint8_t tcp_flags;
  bool new_tuple;  // every packet has its own source port, so it is a flow of its own
  bool fragment;
  double answer;  // packets that the victim sends back for one received
  uint8_t answer_protocol;
  uint8_t answer_flags;
  uint16_t answer_size;
  uint16_t answer_icmp;  // type * 256 + code
  double low_sources;    // machines or reflectors, log-uniform
  double high_sources;
  double weight;  // relative frequency
};
inline constexpr uint16_t kAnyPort = 0xffff;
inline constexpr uint16_t kOnePort = 0xfffe;

std::span<const AttackType> attack_types();
const AttackType* find_attack_type(std::string_view name);  // nullptr: no such type
std::string attack_type_names();

enum class Probe : uint8_t { kScan, kPulse, kGuess };  // what is done in the preparation
struct Preparation {
  Probe kind;
  double start_ms;
  double end_ms;
  double packets_per_ms;
};

struct AttackEvent {
  size_t id = 0;
  std::string label;  // AttackType::name, or carpet_bombing, pulse_wave
  const AttackType* type = nullptr;
  std::shared_ptr<const AttackType> own;  // what `type` points to where the event has a shape
  double flow_packets = -1;               // packets of a flow, 0: a source keeps one; below 0: as the type
  double flow_ms = 0;                     // how long a flow of several packets lasts
  bool connections = false;               // its flows open and close
  std::vector<size_t> victims;            // hosts; several for a carpet
  std::string node;                       // the victim's address, or the carpet's prefix
  std::vector<IpAddr> dark;               // unassigned addresses of the carpet that are hit too
  double start_ms = 0;                    // first and last packet
  double end_ms = 0;
  double ramp_ms = 0;
  double intensity = 0;
  double packets_per_ms = 0;  // physical, at the plateau, to all victims together
  double pulse_on_ms = 0;     // pulse wave: length of the pulse in every period; 0: steady
  double pulse_period_ms = 0;
  double pulse_floor = 0;  // share of the strength between pulses
  uint64_t sources = 0;
  bool spoofed = false;
  uint64_t botnet = 0;
  uint16_t dst_port = 0;
  std::vector<Preparation> preparation;

  double preparation_start_ms() const {
    return preparation.empty() ? start_ms : preparation.front().start_ms;
  }
  // Share of the plateau's strength at a time: 0 outside, the ramp, the pulses.
  double level_at(double t_ms) const;
};

// Gives the event the shape, or the one that its type needs. Draws from its own stream only.
void set_shape(AttackEvent& event, const AttackShape& shape, Random random);

// By start. Error: a script that names an unknown type or victim.
std::vector<AttackEvent> plan_attacks(const Network& network);

// Log-uniform.
inline double draw_between(Random& random, double low, double high) {
  return low <= 0 || high <= low ? low : low * std::exp(random.uniform() * std::log(high / low));
}

}  // namespace netflowgen::sim

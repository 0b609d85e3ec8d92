#include <algorithm>
#include <cmath>

#include "flow/record.h"
#include "sim/traffic/attack.h"

namespace netflowgen::sim {
namespace {

using flow::kAck;
using flow::kGre;
using flow::kIcmp;
using flow::kPsh;
using flow::kRst;
using flow::kSyn;
using flow::kTcp;
using flow::kUdp;

constexpr uint16_t kUnreachable = 3 * 256 + 3;
constexpr uint8_t kSynAck = kSyn | kAck;
constexpr uint8_t kData = kAck | kPsh;

constexpr PacketSizes only(uint16_t bytes) { return {bytes, bytes, 0}; }

// Sizes, ports and source counts after public reports of such attacks (US-CERT TA14-017A lists the reflected
// services); answers are what an unprotected host's stack does.
// clang-format off
constexpr AttackType kTypes[] = {
    {"syn_flood", Style::kFlood, Origin::kSpoofable, kTcp, 0, 0, only(44), kSyn, true, false, 0.5, kTcp, kSynAck, 44, 0, 100, 4'000, 1.2},
    {"ack_flood", Style::kFlood, Origin::kSpoofable, kTcp, 0, 0, {40, 120, 0.2F}, kAck, true, false, 0.7, kTcp, kRst, 40, 0, 100, 4'000, 1},
    {"rst_flood", Style::kFlood, Origin::kSpoofable, kTcp, 0, 0, only(40), kRst, true, false, 0, kTcp, kRst, 40, 0, 100, 3'000, 0.6},
    {"udp_flood", Style::kFlood, Origin::kSpoofable, kUdp, 0, kAnyPort, {60, 1'100, 0.5F}, 0, false, false, 0.02, kIcmp, 0, 576, kUnreachable, 50, 3'000, 1.2},
    {"icmp_flood", Style::kFlood, Origin::kSpoofable, kIcmp, 0, 0, {84, 1'028, 0.3F}, 0, false, false, 0.6, kIcmp, 0, 84, 0, 50, 2'000, 0.8},
    {"fragment_flood", Style::kFlood, Origin::kSpoofable, kUdp, 0, 0, {340, 1'500, 0.8F}, 0, false, true, 0, kUdp, 0, 0, 0, 50, 2'000, 0.7},
    {"gre_flood", Style::kFlood, Origin::kBots, kGre, 0, 0, only(545), 0, false, false, 0, kUdp, 0, 0, 0, 100, 5'000, 0.6},
    {"dns_amplification", Style::kFlood, Origin::kReflectors, kUdp, 53, kOnePort, {420, 1'450, 0.8F}, 0, false, false, 0.02, kIcmp, 0, 576, kUnreachable, 200, 8'000, 1.2},
    {"ntp_amplification", Style::kFlood, Origin::kReflectors, kUdp, 123, kOnePort, {226, 468, 0.9F}, 0, false, false, 0.02, kIcmp, 0, 496, kUnreachable, 80, 3'000, 1},
    {"ssdp_amplification", Style::kFlood, Origin::kReflectors, kUdp, 1'900, kOnePort, {280, 370, 0.5F}, 0, false, false, 0.02, kIcmp, 0, 400, kUnreachable, 300, 8'000, 0.8},
    {"cldap_amplification", Style::kFlood, Origin::kReflectors, kUdp, 389, kOnePort, {200, 1'480, 0.9F}, 0, false, false, 0.02, kIcmp, 0, 576, kUnreachable, 60, 1'500, 0.8},
    {"memcached_amplification", Style::kFlood, Origin::kReflectors, kUdp, 11'211, kOnePort, {900, 1'440, 0.95F}, 0, false, false, 0.02, kIcmp, 0, 576, kUnreachable, 15, 400, 0.6},
    {"http_flood", Style::kRequests, Origin::kBots, kTcp, 0, 0, {52, 620, 0.25F}, 0, true, false, 1, kTcp, 0, 0, 0, 150, 4'000, 1.3},
    {"slowloris", Style::kSlow, Origin::kBots, kTcp, 0, 0, {52, 110, 0.5F}, kData, false, false, 0.7, kTcp, kAck, 52, 0, 5, 300, 1},
    {"connection_flood", Style::kConnections, Origin::kBots, kTcp, 0, 0, {52, 420, 0.3F}, kData, true, false, 0.8, kTcp, kData, 160, 0, 1, 2'000, 0},
};
// clang-format on

}  // namespace

std::span<const AttackType> attack_types() { return kTypes; }

const AttackType* find_attack_type(std::string_view name) {
  for (const auto& t : kTypes) {
    if (t.name == name) return &t;
  }
  return nullptr;
}

std::string attack_type_names() {
  std::string text;
  for (const auto& t : kTypes) text += std::string(t.name) + ", ";
  return text + "carpet_bombing, pulse_wave";
}

double AttackEvent::level_at(double t_ms) const {
  if (t_ms < start_ms || t_ms >= end_ms) return 0;
  const bool between = pulse_period_ms > 0 && std::fmod(t_ms - start_ms, pulse_period_ms) >= pulse_on_ms;
  if (between && pulse_floor <= 0) return 0;
  const double up = ramp_ms > 0 ? (t_ms - start_ms) / ramp_ms : 1.0;
  const double fade = 0.05 * (end_ms - start_ms);
  const double down = fade > 0 ? (end_ms - t_ms) / fade : 1.0;
  return std::min({1.0, up, down}) * (between ? pulse_floor : 1.0);
}

}  // namespace netflowgen::sim

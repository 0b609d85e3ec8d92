// What kinds of host there are and what traffic each has: conversations (short, many) and sessions (long).
//
// All rates are weekly means of a host of level 1, in physical packets, before sampling. Plain constant data.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "sim/network/exporter.h"
#include "sim/network/mix.h"

namespace netflowgen::sim {

// Request and response over one 5-tuple: Poisson arrivals at the host's momentary rate.
struct ConversationSpec {
  std::string_view name;
  bool serves;  // true: peers open it to the host's `port`; false: the host opens it to a peer's `port`
  uint8_t protocol;
  uint16_t port;
  double a_minute;
  PacketCount request;
  PacketCount response;
  double acks;
  PacketSizes request_size;
  PacketSizes response_size;
  double duration_s;  // median; lognormal, at most 10 minutes
  double duration_sigma;
  uint32_t peers;             // size of the pool of peers, popularity 1 / rank
  std::string_view internal;  // role of the peers when they are in the network; empty: the Internet
};

// A long transfer or call with one peer: Pareto duration, lognormal packet rate, cut by the active time-out.
struct SessionSpec {
  std::string_view name;
  bool serves;
  uint8_t protocol;
  uint16_t port;
  double a_day;
  double min_s;
  double alpha;
  double max_s;
  double in_pps;  // median packets per second received, and the same sent
  double out_pps;
  double pps_sigma;
  PacketSizes in_size;
  PacketSizes out_size;
  uint32_t peers;
};

struct RoleProfile {
  std::string_view name;
  std::string_view cycle;  // cycle.h
  double noise;            // sigma of the log-rate's long-range dependent noise
  double hurst;
  double spread;  // sigma of the lognormal level from host to host
  std::span<const ConversationSpec> conversations;
  std::span<const SessionSpec> sessions;
};

// nullptr when there is none of that name.
const RoleProfile* find_role(std::string_view name);
std::span<const RoleProfile> all_roles();
std::string role_names();  // comma-separated

}  // namespace netflowgen::sim

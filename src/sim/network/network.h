// The network that a scenario describes: hosts with addresses, routers, levels; the Internet's addresses.
//
// Invariants: 1. Built once from the scenario and its seed, then read-only and shared by all threads.
// 2. Every random number comes from stream(), keyed by what it is for, so that nothing depends on the order or
// the thread in which things are generated.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "sim/network/cycle.h"
#include "sim/network/exporter.h"
#include "sim/network/mix.h"
#include "sim/network/roles.h"
#include "sim/scenario.h"

namespace netflowgen::sim {

// What a random stream is for; part of its key.
enum class Stream : uint64_t {
  kNetwork = 1,
  kHost,
  kAttackPlan,
  kBenignPlan,
  kAttack,
  kScan,
  kPeers,
  kBotnet,
  kPresence,
  kShape,
  kMix,
  kVisit
};
Random stream(int64_t seed, Stream what, uint64_t index);

struct Host {
  size_t index = 0;
  std::string role;  // the scenario's name for it
  std::string name;  // "web-3"
  const RoleProfile* profile = nullptr;
  const RoleSpec* spec = nullptr;
  const Cycle* cycle = nullptr;
  IpAddr address;
  uint8_t router = 0;
  uint16_t interface = 0;
  double level = 1;
  double presence = 1;      // share of the time in which it is awake; `level` holds while it is
  std::vector<double> mix;  // factor on each of the profile's conversations, then on each of its sessions
  int64_t shift_ms = 0;     // local time minus UTC, with a personal shift
  double normal_in = 0;     // weekly mean of packets a minute, before sampling
  double normal_out = 0;
};

class Network {
 public:
  explicit Network(const Scenario& scenario);

  const Scenario& scenario() const { return scenario_; }
  const std::vector<Host>& hosts() const { return hosts_; }
  const Thinning& thinning() const { return thinning_; }
  const Exporter& exporter() const { return exporter_; }
  // Parallel to profile.conversations.
  const std::vector<ConversationMix>& mixes(const RoleProfile& profile) const;
  // Indices of the hosts whose profile is `role`; empty when there are none.
  const std::vector<size_t>& hosts_like(std::string_view role) const;
  // Index of a host by name or address.
  std::optional<size_t> find_host(const std::string& name_or_address) const;
  // Addresses of the IPv4 prefix that no host has.
  const std::vector<IpAddr>& dark() const { return dark_; }
  IpAddr router_address(uint8_t router) const;
  uint32_t as_of(const IpAddr& address) const;

  // The two directions between a host and a peer in the Internet, addresses and interfaces filled in.
  Leg inbound(const Host& host, const IpAddr& peer) const;
  Leg outbound(const Host& host, const IpAddr& peer) const;
  // From one host to another inside.
  Leg inside(const Host& from, const Host& to) const;

 private:
  void add_hosts();
  void set_presence();
  void set_mix();
  void set_normal_levels();

  Scenario scenario_;
  Thinning thinning_;
  Exporter exporter_;
  std::vector<Host> hosts_;
  std::vector<std::vector<ConversationMix>> mixes_;  // [role]
  std::vector<std::vector<size_t>> by_role_;         // [role]
  std::vector<IpAddr> dark_;
};

// A public unicast address from a hash: never private, loopback, multicast or documentation.
IpAddr internet_address(uint64_t hash, bool v6);
// Member `rank` of a pool of peers.
inline IpAddr pool_address(uint64_t pool, uint64_t rank, bool v6) {
  return internet_address(base::mix64(pool ^ base::mix64(rank)), v6);
}
// Rank in [0, size) with probability about 1 / (rank + 1).
uint64_t popular_rank(Random& random, uint32_t size);
uint16_t ephemeral_port(Random& random);

}  // namespace netflowgen::sim

// A host's own traffic: conversations at a rate that follows hours, weekdays and long-range dependent noise;
// heavy-tailed sessions; what the Internet sends unasked; the benign events that touch it.
#pragma once

#include <vector>

#include "sim/network/noise.h"
#include "sim/network/presence.h"
#include "sim/traffic/attack.h"
#include "sim/traffic/benign.h"
#include "sim/traffic/visits.h"

namespace netflowgen::sim {

class HostSource final : public TrafficSource {
 public:
  // `attacks`: those on this host, whose damage it feels. All references must outlive the source.
  HostSource(const Network& network, const Host& host, const BenignPlan& benign,
             std::vector<const AttackEvent*> attacks);
  void generate(int64_t minute, Buckets& out) override;

 private:
  struct Session {
    double next_ms;  // start of the piece not yet exported
    double end_ms;
    double in_per_ms;
    double out_per_ms;
    Leg in;
    Leg out;
  };
  // Where the peers of a conversation come from.
  struct Peers {
    uint64_t pool;
    uint32_t size;
    bool uniform;
  };
  struct Conversation {
    size_t spec;
    double start_ms;
    Peer peer;
    Counts counts;
  };

  void conversations(double from_ms, double rate, Buckets& out);
  void extra(const HostEffect& effect, double from_ms, Buckets& out);
  void converse(size_t spec, double expected, double from_ms, const Peers& peers, Buckets& out);
  void visit(double from_ms, bool awake, bool outage, Buckets& out);
  Peer draw_peer(size_t spec, const Peers& peers);
  void send(const Conversation& conversation, Buckets& out);
  void retries(double from_ms, double rate, Buckets& out);
  void radiation(double from_ms, Buckets& out);
  void start_sessions(double from_ms, double rate);
  void run_sessions(double to_ms, bool silent, Buckets& out);
  Session session_of(const SessionSpec& spec, double start_ms);
  Session session_of(const PlannedSession& plan);
  Leg leg_in(const IpAddr& peer, int64_t peer_host) const;
  Leg leg_out(const IpAddr& peer, int64_t peer_host) const;
  Peers peers_of(size_t spec) const;
  double damage(double t_ms) const;  // factor on the host's rate while it is under attack

  const Network& network_;
  const Host& host_;
  const std::vector<ConversationMix>& mixes_;
  const std::vector<HostEffect>& effects_;
  const std::vector<PlannedSession>& planned_;
  std::vector<const AttackEvent*> attacks_;
  Random random_;
  LogRateNoise noise_;
  Presence presence_;
  Visits visits_;
  std::vector<Session> sessions_;
  size_t next_planned_ = 0;
};

}  // namespace netflowgen::sim

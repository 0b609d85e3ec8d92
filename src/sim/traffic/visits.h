// Conversations that one peer has with a host in a row: the pages of a site, the mails of a queue, a monitor's polls.
//
// Their number is lognormal, the time from one to the next is drawn for each visit. Without packet sampling most real
// traffic comes so: several flows a minute from one peer are nothing unusual. One thread.
#pragma once

#include <algorithm>
#include <vector>

#include "base/ip.h"
#include "sim/network/mix.h"
#include "sim/scenario.h"

namespace netflowgen::sim {

struct Peer {
  base::IpAddr address;
  int64_t host = -1;  // its index where it is a host of the network
};

class Visits {
 public:
  Visits(const RoleSpec& role, Random random);

  // Conversations of a visit, on average; 1 where the role has no visits.
  double mean() const { return mean_; }
  // Whether visits show where a share `seen` of the conversations leaves a record. Elsewhere each conversation is by itself.
  bool seen_together(double seen) const { return mean_ > 1 && mean_ * seen > kLeastSeen; }
  // A visit begins. Of its conversations each leaves a record with probability `seen`.
  void start(size_t spec, double seen, double at_ms, const Peer& peer);
  // Calls send(spec, start_ms, peer) for each conversation that leaves a record and starts before `to_ms`.
  template <typename Send>
  void take(double to_ms, Send send) {
    for (Visit& v : visits_) {
      for (; v.left > 0 && v.next_ms < to_ms; go_on(v)) send(v.spec, v.next_ms, v.peer);
    }
    std::erase_if(visits_, [](const Visit& v) { return v.left == 0; });
  }

 private:
  static constexpr double kLeastSeen = 0.3;  // records of a visit, on average

  struct Visit {
    size_t spec;
    Peer peer;
    double next_ms;
    double gap_ms;
    double seen;
    uint64_t left;  // conversations, the next one included
    bool regular;
  };
  void go_on(Visit& visit);                // to the next conversation that leaves a record
  void pass(Visit& visit, uint64_t some);  // over some conversations

  PacketCount size_;
  double mean_ = 1;
  double gap_ms_;
  double regular_;
  Random random_;
  std::vector<Visit> visits_;
};

}  // namespace netflowgen::sim

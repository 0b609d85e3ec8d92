// How many flow records an attack will leave, and how many of its packets are sampled, by its strength.
#pragma once

#include "sim/network/thinning.h"
#include "sim/traffic/attack.h"

namespace netflowgen::sim {

class AttackCost {
 public:
  // `normal`: packets a minute of its victims, of which the strength is a multiple. REQUIRES: the event has a
  // duration, sources and a shape.
  AttackCost(const ScriptedEvent& event, const AttackType& type, double normal, const Thinning& thinning)
      : event_(event), type_(type), thinning_(thinning), physical_(normal * active_minutes(event)) {}

  double intensity_for_packets(double sampled) const { return sampled / (thinning_.p() * physical_); }
  double intensity_for_records(double records) const { return records / (records_a_packet() * physical_); }

 private:
  static double active_minutes(const ScriptedEvent& e) {
    double share =
        e.ramp ? 1 - 0.5 * static_cast<double>(e.ramp->ms) / static_cast<double>(e.duration->ms) : 1;
    if (const AttackShape& s = *e.shape; s.pulse_period) {
      const double on = static_cast<double>(s.pulse_on->ms) / static_cast<double>(s.pulse_period->ms);
      share = on + (1 - on) * s.pulse_floor.value_or(0);
    }
    return share * static_cast<double>(e.duration->ms) / static_cast<double>(kMinuteMs);
  }

  // Of one physical packet of the attack. A kept flow leaves a record a minute, at most one a sampled packet.
  double records_a_packet() const {
    const double answer = event_.shape->answer.value_or(type_.answer);
    const double one = thinning_.p() * (1 + answer);
    const bool flood = type_.style == Style::kFlood || type_.style == Style::kSlow;
    double packets = event_.shape->flow_packets.value_or(flood ? 1 : 6);
    if (packets <= 1) return one;
    const double both = packets * (1 + answer);
    return std::min(one, thinning_.survival(both) * (answer > 0 ? 2 : 1) / packets);
  }

  const ScriptedEvent& event_;
  const AttackType& type_;
  const Thinning& thinning_;
  double physical_;  // packets of strength 1
};

}  // namespace netflowgen::sim

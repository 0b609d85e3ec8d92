#include <cmath>

#include "sim/draw/parts.h"

namespace netflowgen::sim {
namespace {

// Of a flow of `packets` sampled packets over `ms`: the inactive time-out cuts where the gap is longer.
double pieces(double packets, double ms, const NetworkSpec& net) {
  if (packets <= 0) return 0;
  const double gap = ms / packets;
  const double idle = std::exp(-static_cast<double>(net.inactive_timeout.ms) / gap);
  return std::min(packets, std::ceil(ms / static_cast<double>(net.active_timeout.ms)) + packets * idle);
}

double of_conversations(const Host& host, const Network& network) {
  const auto& mixes = network.mixes(*host.profile);
  double sum = 0;
  for (size_t i = 0; i < mixes.size(); ++i) {
    const auto& c = host.profile->conversations[i];
    const double cut = network.thinning().one_in() == 1
                           ? pieces(mixes[i].mean_forward(), c.duration_s * 1'000, network.scenario().network)
                           : 1;
    const double both = std::min(2.0, 1 + network.thinning().survival(mixes[i].mean_reverse()));
    sum += c.a_minute * host.mix[i] * mixes[i].survival() * both * std::max(1.0, cut);
  }
  return sum;
}

double of_sessions(const Host& host, const Network& network) {
  double sum = 0;
  for (size_t i = 0; i < host.profile->sessions.size(); ++i) {
    const auto& s = host.profile->sessions[i];
    const double rate = s.a_day / 1'440 * host.mix[host.profile->conversations.size() + i];
    const double cut = std::pow(s.min_s / s.max_s, s.alpha - 1.0);
    const double seconds = s.min_s * (s.alpha - cut) / (s.alpha - 1.0);
    for (const double pps : {s.in_pps, s.out_pps}) {
      const double seen = pps * seconds * network.thinning().p();
      sum += rate * pieces(seen, seconds * 1'000, network.scenario().network);
    }
  }
  return sum;
}

}  // namespace

void set_levels(Scenario& scenario, double most) {
  std::map<std::string, double> target;
  for (auto& [name, role] : scenario.hosts) {
    target[name] = role.level;
    role.level = 1;
  }
  const Network network(scenario);
  const double minutes = static_cast<double>(scenario.duration.ms) / kMinute;
  double sum = 0;
  std::map<std::string, double> each;  // records a minute of its hosts at level 1, awake, their mean
  for (const auto& h : network.hosts()) {
    const double records = of_conversations(h, network) + of_sessions(h, network);
    each[h.role] += records / static_cast<double>(h.spec->count);
  }
  for (const auto& h : network.hosts()) sum += target[h.role] * h.level * h.presence * minutes;
  const double factor = std::min(1.0, most / sum);
  for (auto& [name, role] : scenario.hosts)
    role.level = std::min(1e5, target[name] * factor / std::max(1e-9, each[name]));
}

}  // namespace netflowgen::sim

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
    sum += c.a_minute * mixes[i].survival() * both * std::max(1.0, cut);
  }
  return sum;
}

double of_sessions(const Host& host, const Network& network) {
  double sum = 0;
  for (const auto& s : host.profile->sessions) {
    const double cut = std::pow(s.min_s / s.max_s, s.alpha - 1.0);
    const double seconds = s.min_s * (s.alpha - cut) / (s.alpha - 1.0);
    for (const double pps : {s.in_pps, s.out_pps}) {
      const double seen = pps * seconds * network.thinning().p();
      sum += s.a_day / 1'440 * pieces(seen, seconds * 1'000, network.scenario().network);
    }
  }
  return sum;
}

}  // namespace

double expected_records(const Network& network) {
  double sum = 0;
  for (const auto& h : network.hosts())
    sum += h.level * h.presence * (of_conversations(h, network) + of_sessions(h, network));
  return sum;
}

}  // namespace netflowgen::sim

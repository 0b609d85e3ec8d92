// The parts of a drawn scenario. Each has a random stream of its own.
#pragma once

#include <algorithm>
#include <array>

#include "sim/draw.h"
#include "sim/network/network.h"

namespace netflowgen::sim {

// What is drawn from, after leave_out. Constant while a scenario is drawn.
struct DrawFrom {
  const DrawOptions& options;
  std::vector<std::string> roles;
  std::vector<std::string> cycles;
  std::vector<std::string> attacks;

  bool shape(std::string_view family) const { return !contains(options.leave_out.shapes, family); }
  bool benign(std::string_view kind) const { return !contains(options.leave_out.benign, kind); }

  static bool contains(const std::vector<std::string>& list, std::string_view word) {
    return std::find(list.begin(), list.end(), word) != list.end();
  }
};

inline double log_uniform(Random& random, double low, double high) {
  return low * std::exp(random.uniform() * std::log(high / low));
}
template <typename T, size_t N>
const T& one_of(Random& random, const std::array<T, N>& all) {
  return all[random.below(N)];
}
inline const std::string& one_of(Random& random, const std::vector<std::string>& all) {
  return all[random.below(all.size())];
}

NetworkSpec draw_network(Random random, const DrawFrom& from, int64_t hosts);
// Levels are flow records a minute of a host that is awake; see set_levels().
std::map<std::string, RoleSpec> draw_hosts(Random random, const DrawFrom& from, int64_t hosts);
// Whether peers come once or for many conversations in a row.
void draw_visits(Random random, std::map<std::string, RoleSpec>& hosts);
// REQUIRES: the network and hosts of `scenario` are drawn.
Benign draw_benign(Random random, const DrawFrom& from, const Scenario& scenario);
// REQUIRES: as `network` was made of. `records`: what all attacks together may send.
Attacks draw_attacks(Random random, const DrawFrom& from, const Network& network, double records);

// Makes levels of records a minute. All are lowered so that the hosts leave at most `most` records in all.
void set_levels(Scenario& scenario, double most);

}  // namespace netflowgen::sim

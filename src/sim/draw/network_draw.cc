// Routers, roles, levels and presence of a drawn network.
#include <cmath>

#include "base/error.h"
#include "sim/draw/parts.h"

namespace netflowgen::sim {
namespace {

constexpr int64_t kMostSampling = 4'096;

int64_t draw_sampling(Random& random, const std::optional<Between<int64_t>>& not_in) {
  for (int i = 0; i < 1'000; ++i) {
    double n = random.chance(0.2) ? 1 : log_uniform(random, 1, static_cast<double>(kMostSampling));
    if (random.chance(0.4)) n = std::exp2(std::round(std::log2(n)));
    if (n > 60 && random.chance(0.3)) n = std::round(n / 100) * 100;
    const int64_t whole = std::clamp<int64_t>(std::llround(n), 1, kMostSampling);
    if (!not_in || whole < not_in->low || whole > not_in->high) return whole;
  }
  throw base::Error("leave out sampling {} to {}: nothing is left", not_in->low, not_in->high);
}

double usual_share(std::string_view role) {
  static constexpr std::pair<std::string_view, double> kShares[] = {
      {"client", 5}, {"web", 3},    {"nat", 2},   {"iot", 1.5},
      {"vpn", 0.6},  {"voip", 0.6}, {"dns", 0.5}, {"backup", 0.4}};
  for (const auto& [name, share] : kShares) {
    if (name == role) return share;
  }
  return 0.8;
}

// Hosts of each role, together at most `hosts`. Roles are there or not, and their shares are lognormal.
std::vector<int64_t> deal(Random& random, int64_t hosts, const std::vector<std::string>& names) {
  const size_t roles = names.size();
  std::vector<double> weight(roles);
  double sum = 0;
  for (size_t i = 0; i < roles; ++i)
    sum += weight[i] = random.chance(0.6) ? usual_share(names[i]) * random.lognormal(0, 1.2) : 0;
  if (sum <= 0) sum = weight[random.below(roles)] = 1;
  std::vector<int64_t> counts(roles);
  int64_t left = hosts;
  const size_t first = random.below(roles);
  for (size_t k = 0; k < roles; ++k) {
    const size_t i = (first + k) % roles;
    counts[i] = std::min(left, static_cast<int64_t>(std::ceil(static_cast<double>(hosts) * weight[i] / sum)));
    left -= counts[i];
  }
  return counts;
}

}  // namespace

NetworkSpec draw_network(Random random, const DrawFrom& from, int64_t hosts) {
  NetworkSpec n;
  const auto room = static_cast<double>(hosts + 2) * log_uniform(random, 1, 4);
  const auto bits = static_cast<unsigned>(std::ceil(std::log2(room)));
  const auto net = static_cast<uint32_t>(random.below(1u << 16)) << 10;
  n.prefix = {base::mask(IpAddr::v4(0x0a000000u | (net & 0x00ffffffu)), 96 + 22),
              static_cast<uint8_t>(128 - bits)};
  if (bits > 10) n.prefix.address = base::mask(n.prefix.address, 128 - bits);
  if (random.chance(0.4)) n.ipv6_share = random.chance(0.1) ? 1 : random.uniform() * random.uniform();
  n.as_number = static_cast<int64_t>(64'512 + random.below(1'000));
  n.sampling = draw_sampling(random, from.options.leave_out.sampling);
  n.routers = static_cast<int64_t>(1 + random.below(4));
  n.uplinks = static_cast<int64_t>(1 + random.below(4));
  n.interfaces = static_cast<int64_t>(1 + random.below(24));
  static constexpr std::array<int64_t, 8> kActive = {30'000,  60'000,  60'000,  60'000,
                                                     120'000, 120'000, 300'000, 1'800'000};
  static constexpr std::array<int64_t, 8> kInactive = {5'000,  10'000, 15'000, 15'000,
                                                       15'000, 15'000, 30'000, 60'000};
  n.active_timeout.ms = one_of(random, kActive);
  n.inactive_timeout.ms = std::min(one_of(random, kInactive), n.active_timeout.ms);
  const double minutes = static_cast<double>(from.options.duration.high.ms) / kMinute;
  const double most = 0.1 * static_cast<double>(from.options.max_records) * static_cast<double>(n.sampling) /
                      (static_cast<double>(hosts) * minutes);
  // What is seen of it; in the Internet it is far more, but most networks filter it.
  const double seen = log_uniform(random, 0.0001, 0.05) * static_cast<double>(n.sampling);
  n.radiation = random.chance(0.7) ? 0 : std::min(most, seen);
  n.dark = random.chance(0.2);
  return n;
}

std::map<std::string, RoleSpec> draw_hosts(Random random, const DrawFrom& from, int64_t hosts) {
  std::map<std::string, RoleSpec> roles;
  const auto counts = deal(random, hosts, from.roles);
  const double level = log_uniform(random, 0.2, 12);
  // Most networks have sparse hosts; in some all are.
  const double sparse = random.chance(0.2) ? 0 : random.uniform(0.7, 1.2);
  for (size_t i = 0; i < counts.size(); ++i) {
    if (counts[i] == 0) continue;
    RoleSpec r = default_role(from.roles[i], "");
    r.count = counts[i];
    r.level = level * random.lognormal(0, 0.7);
    r.spread = log_uniform(random, 0.2, 1.8);
    if (random.chance(0.4) || !DrawFrom::contains(from.cycles, r.cycle))
      r.cycle = one_of(random, from.cycles);
    r.mix = random.chance(0.3) ? 0 : random.uniform(0.2, 1.5);
    r.sessions = log_uniform(random, 1, 80);
    r.noise = log_uniform(random, 0.08, 1);
    r.hurst = random.uniform(0.52, 0.95);
    if (random.chance(sparse)) {
      r.presence = log_uniform(random, 0.002, 0.25);
      r.awake.ms = static_cast<int64_t>(log_uniform(random, 1, 240)) * kMinuteMs;
    }
    roles[from.roles[i]] = r;
  }
  return roles;
}

void draw_visits(Random random, std::map<std::string, RoleSpec>& hosts) {
  if (random.chance(0.25)) return;
  const double gap = log_uniform(random, 1'000, 30'000);
  for (auto& [name, role] : hosts) {
    if (random.chance(0.2)) continue;
    role.visit = log_uniform(random, 1, 15);
    role.visit_spread = random.uniform(0.3, 1.6);
    role.visit_gap.ms = std::clamp<int64_t>(std::llround(gap * random.lognormal(0, 0.7)), 100, 600'000);
    role.regular = random.chance(0.5) ? 0 : random.uniform(0, 0.5);
  }
}

}  // namespace netflowgen::sim

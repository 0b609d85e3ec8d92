#include "sim/draw.h"

#include <fmt/format.h>

#include <cmath>

#include "base/error.h"
#include "base/words.h"
#include "sim/draw/parts.h"
#include "sim/traffic/attack.h"
#include "sim/traffic/benign.h"

namespace netflowgen::sim {
namespace {

constexpr double kHostsShare = 0.5;     // of max_records, at most, for the hosts' own traffic
constexpr double kAttacksShare = 0.15;  // and for attacks; benign events and radiation have the rest
constexpr int64_t kMostTogether = 8;    // sampling up to which visits are drawn: above, it tears them apart
constexpr int64_t kFirstStart = 1'640'995'200'000;  // 2022-01-01
constexpr double kHours = 3 * 365 * 24;

std::vector<std::string> words_of(const std::string& list) {
  std::vector<std::string> words;
  for (size_t at = 0; at < list.size();) {
    const size_t end = std::min(list.find(", ", at), list.size());
    words.push_back(list.substr(at, end - at));
    at = end + 2;
  }
  return words;
}

// Error: `less` has a word that is not one of `all`.
void check_words(const std::vector<std::string>& all, const std::vector<std::string>& less,
                 const char* what) {
  for (const auto& word : less) {
    if (DrawFrom::contains(all, word)) continue;
    const std::string meant = base::nearest(word, all);
    throw base::Error("leave out {}: there is no '{}'{}; there are {}", what, word,
                      meant.empty() ? "" : "; did you mean '" + meant + "'?", fmt::join(all, ", "));
  }
}

// `all` without `less`. Error: as above, or nothing is left.
std::vector<std::string> without(const std::string& all, const std::vector<std::string>& less,
                                 const char* what) {
  auto words = words_of(all);
  check_words(words, less, what);
  std::erase_if(words, [&](const auto& word) { return DrawFrom::contains(less, word); });
  if (words.empty()) throw base::Error("leave out {}: nothing is left", what);
  return words;
}

DrawFrom draw_from(const DrawOptions& o) {
  const auto length = o.duration;
  if (o.max_hosts < 10) throw base::Error("a drawn network has 10 hosts or more, not {}", o.max_hosts);
  if (o.max_records < 20'000)
    throw base::Error("a drawn network has 20000 records or more, not {}", o.max_records);
  if (length.low.ms < 3'600'000 || length.high.ms < length.low.ms)
    throw base::Error("a drawn network lasts an hour or more, and its shortest time comes first");
  DrawFrom from{o, without(role_names(), o.leave_out.roles, "roles"),
                without(Cycle::names(), o.leave_out.cycles, "cycles"),
                without(attack_type_names(), o.leave_out.attacks, "attacks")};
  check_words(words_of(kShapeFamilies), o.leave_out.shapes, "shapes");
  check_words(words_of(kBenignKinds), o.leave_out.benign, "benign");
  return from;
}

std::string drawn_timezone(Random& random) {
  const auto quarters = static_cast<int64_t>(random.below(25 * 2)) - 22;  // half hours, -11:00 to +13:30
  const int64_t half = random.chance(0.85) ? quarters / 2 * 2 : quarters;
  return fmt::format("{}{:02}:{:02}", half < 0 ? '-' : '+', std::abs(half) / 2, half % 2 == 0 ? 0 : 30);
}

}  // namespace

Scenario draw_scenario(uint64_t seed, const DrawOptions& options) {
  const DrawFrom from = draw_from(options);
  const auto part = [&](uint64_t i) { return Random(base::mix64(base::mix64(seed) ^ (i << 56))); };
  Random random = part(1);
  Scenario s;
  s.name = fmt::format("drawn-{}", seed);
  s.seed = static_cast<int64_t>(base::mix64(seed) >> 1);
  s.start.ms = kFirstStart + static_cast<int64_t>(random.uniform() * kHours) * 3'600'000;
  s.duration.ms = static_cast<int64_t>(log_uniform(random, static_cast<double>(options.duration.low.ms),
                                                   static_cast<double>(options.duration.high.ms)) /
                                       kMinute) *
                  kMinuteMs;
  s.timezone = drawn_timezone(random);
  const auto hosts = static_cast<int64_t>(std::min<double>(static_cast<double>(options.max_hosts),
                                                           10 * std::exp(std::abs(random.normal()) * 1.7)));
  s.network = draw_network(part(2), from, hosts);
  s.hosts = draw_hosts(part(3), from, hosts);
  if (s.network.sampling <= kMostTogether) draw_visits(part(6), s.hosts);
  for (auto& [name, role] : s.hosts) {
    if (random.chance(0.15)) role.timezone = drawn_timezone(random);
  }
  const auto most = static_cast<double>(options.max_records);
  set_levels(s, kHostsShare * most * log_uniform(random, 0.1, 1));
  s.attacks.count = 0;
  s.benign = draw_benign(part(4), from, s);
  s.attacks = draw_attacks(part(5), from, Network(s), kAttacksShare * most);
  validate(s, {s.name, {}});
  return s;
}

}  // namespace netflowgen::sim

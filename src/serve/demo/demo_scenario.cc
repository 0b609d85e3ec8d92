#include "serve/demo/demo_scenario.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/time.h"

namespace netflowgen::serve {
namespace {

// From easy to hard to see, on hosts of different roles. Intensities are multiples of what the victim normally receives.
struct Act {
  const char* kind;
  const char* role;
  int64_t hosts;  // of the role in the scenario
  int64_t seconds;
  double intensity;
};
constexpr std::array<Act, 10> kActs = {{
    {"syn_flood", "web", 18, 150, 12},
    {"dns_amplification", "game", 5, 120, 20},
    {"http_flood", "web", 18, 150, 8},
    {"udp_flood", "voip", 5, 120, 10},
    {"ntp_amplification", "nat", 3, 90, 25},
    {"pulse_wave", "game", 5, 150, 15},
    {"ack_flood", "vpn", 3, 120, 10},
    {"carpet_bombing", "client", 52, 120, 20},
    {"icmp_flood", "dns", 4, 90, 12},
    {"memcached_amplification", "web", 18, 60, 40},
}};

sim::ScriptedEvent attack(size_t number, base::TimeMs start_ms) {
  const Act& act = kActs[number % kActs.size()];
  sim::ScriptedEvent e;
  e.kind = act.kind;
  e.victim = fmt::format("{}-{}", act.role, static_cast<int64_t>(number * 7) % act.hosts + 1);
  e.start = base::format_time(start_ms);
  e.duration = sim::Duration{act.seconds * 1000};
  e.intensity = act.intensity;
  e.ramp = sim::Duration{0};
  e.preparation = sim::Duration{0};
  return e;
}

}  // namespace

sim::Scenario demo_scenario(base::TimeMs start_ms, base::TimeMs live_ms) {
  auto s = sim::parse_scenario(std::string(*sim::builtin_scenario("demo")), "the built-in scenario demo");
  s.start = {start_ms};
  s.duration = {kDemoLength_ms};
  s.timezone = "UTC";
  // Routers that report soon, so that an attack is seen within seconds.
  s.network.active_timeout = {20'000};
  s.network.inactive_timeout = {5'000};
  s.attacks.count = 0;
  s.attacks.script.clear();
  const base::TimeMs end_ms = start_ms + kDemoLength_ms - kDemoAttackEvery_ms;
  base::TimeMs at = start_ms + kDemoPastAttackEvery_ms;
  size_t number = 3;
  for (; at < live_ms - kDemoAttackEvery_ms; at += kDemoPastAttackEvery_ms)
    s.attacks.script.push_back(attack(number++, at));
  number = 0;
  for (at = std::max(start_ms, live_ms) + kDemoFirstAttack_ms; at < end_ms; at += kDemoAttackEvery_ms)
    s.attacks.script.push_back(attack(number++, at));
  return s;
}

}  // namespace netflowgen::serve

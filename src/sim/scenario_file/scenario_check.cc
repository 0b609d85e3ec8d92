// What values a scenario may have, and why not others.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "sim/network/cycle.h"
#include "sim/network/roles.h"
#include "sim/scenario.h"
#include "sim/traffic/attack.h"

namespace netflowgen::sim {
namespace {

// "FILE, line N" of a key such as "network.active_timeout (ms)", or of the map around it.
std::string place_of(const ScenarioPlaces& places, std::string key) {
  for (key.resize(std::min(key.find(' '), key.size())); !key.empty();) {
    const auto at = places.lines.find(key);
    if (at != places.lines.end()) return fmt::format("{}, line {}", places.file, at->second);
    const size_t dot = key.rfind('.');
    key.resize(dot == std::string::npos ? 0 : dot);
  }
  return places.file;
}

struct Check {
  const ScenarioPlaces& places;

  void operator()(bool good, const char* key, const std::string& what) const {
    if (!good) throw base::Error("{}: {}: {}", place_of(places, key), key, what);
  }
  template <typename T>
  void in(T value, T low, T high, const char* key) const {
    (*this)(value >= low && value <= high, key, fmt::format("{} is not in {} to {}", value, low, high));
  }
};

void check_network(const NetworkSpec& n, const Check& check) {
  check(n.prefix.address.is_v4() && n.prefix.length >= 96, "network.prefix", "must be an IPv4 prefix");
  check(!n.prefix6.address.is_v4(), "network.prefix6", "must be an IPv6 prefix");
  check.in(n.ipv6_share, 0.0, 1.0, "network.ipv6_share");
  check.in<int64_t>(n.as_number, 0, UINT32_MAX, "network.as_number");
  check.in<int64_t>(n.sampling, 1, 1'000'000, "network.sampling");
  check.in<int64_t>(n.routers, 1, 200, "network.routers");
  check.in<int64_t>(n.uplinks, 1, 100, "network.uplinks");
  check.in<int64_t>(n.interfaces, 1, 60'000, "network.interfaces");
  check.in<int64_t>(n.active_timeout.ms, 1'000, 3'600'000, "network.active_timeout (ms)");
  check.in<int64_t>(n.inactive_timeout.ms, 1'000, 600'000, "network.inactive_timeout (ms)");
  check.in(n.radiation, 0.0, 1e6, "network.radiation");
}

void check_hosts(const Scenario& s, const Check& check) {
  int64_t total = 0;
  for (const auto& [name, role] : s.hosts) {
    const std::string key = "hosts." + name;
    check(find_role(role.like.empty() ? name : role.like) != nullptr, key.c_str(),
          "no built-in role '" + role.like + "'; there are " + role_names());
    check.in<int64_t>(role.count, 0, 1'000'000, (key + ".count").c_str());
    check.in(role.level, 0.0, 1e6, (key + ".level").c_str());
    check.in(role.spread, 0.0, 5.0, (key + ".spread").c_str());
    check.in(role.noise, 0.0, 3.0, (key + ".noise").c_str());
    check.in(role.hurst, 0.5, 0.99, (key + ".hurst").c_str());
    check.in(role.mix, 0.0, 3.0, (key + ".mix").c_str());
    check.in(role.sessions, 0.0, 1e4, (key + ".sessions").c_str());
    check(role.presence > 0 && role.presence <= 1, (key + ".presence").c_str(), "must be above 0, at most 1");
    check.in<int64_t>(role.awake.ms, 60'000, 86'400'000, (key + ".awake (ms)").c_str());
    check.in(role.visit, 1.0, 1'000.0, (key + ".visit").c_str());
    check.in(role.visit_spread, 0.0, 3.0, (key + ".visit_spread").c_str());
    check.in<int64_t>(role.visit_gap.ms, 10, 3'600'000, (key + ".visit_gap (ms)").c_str());
    check.in(role.regular, 0.0, 1.0, (key + ".regular").c_str());
    check(Cycle::named(role.cycle) != nullptr, (key + ".cycle").c_str(),
          "'" + role.cycle + "' is not one of " + Cycle::names());
    check(role.timezone.empty() || parse_utc_offset(role.timezone), (key + ".timezone").c_str(),
          "'" + role.timezone + "' is not a UTC offset such as +01:00");
    total += role.count;
  }
  const unsigned bits = 128u - s.network.prefix.length;
  check(total > 0, "hosts", "there is no host");
  check(static_cast<double>(total) + 2 <= std::pow(2.0, bits), "network.prefix",
        fmt::format("{} has no room for {} hosts", s.network.prefix.to_string(), total));
}

template <typename T>
void check_between(T low, T high, T least, const char* key, const Check& check) {
  check(low >= least && low <= high, key,
        fmt::format("[{}, {}] must rise and start at {} or more", low, high, least));
}

void check_benign(const Benign& b, const Check& check) {
  for (const double rate : {b.flash_crowds, b.load_tests, b.outages, b.mail_campaigns, b.software_updates,
                            b.vertical_scans, b.horizontal_scans, b.bursts, b.crawls}) {
    check(rate >= 0 && rate <= 100'000, "benign", fmt::format("{} events a day is not a rate", rate));
  }
  check.in(b.backup_share, 0.0, 1.0, "benign.backup_share");
  check_between(b.flash_magnitude.low, b.flash_magnitude.high, 0.0, "benign.flash_magnitude", check);
  check_between(b.scan_rate.low, b.scan_rate.high, 0.0, "benign.scan_rate", check);
  check_between(b.sweep_rate.low, b.sweep_rate.high, 0.0, "benign.sweep_rate", check);
  check_between(b.load_magnitude.low, b.load_magnitude.high, 0.0, "benign.load_magnitude", check);
  check_between(b.mail_magnitude.low, b.mail_magnitude.high, 0.0, "benign.mail_magnitude", check);
  check_between(b.backup_rate.low, b.backup_rate.high, 0.0, "benign.backup_rate", check);
  check_between(b.update_rate.low, b.update_rate.high, 1e-6, "benign.update_rate", check);
  check.in(b.length, 0.01, 100.0, "benign.length");
  for (const auto& e : b.script) check(!e.shape, "benign.script", "only attacks have a shape");
}

void check_shape(const AttackShape& s, const Check& check) {
  const char* key = "attacks.script";
  check(s.vector.empty() || find_attack_type(s.vector) != nullptr, key,
        "shape.vector: no type '" + s.vector + "'; there are " + attack_type_names());
  check(s.reply.empty() || s.reply == "syn_ack" || s.reply == "rst" || s.reply == "icmp" || s.reply == "data",
        key, "shape.reply: '" + s.reply + "' is not one of syn_ack, rst, icmp, data");
  const auto in = [&](const auto& value, auto low, auto high, const char* what) {
    check(!value || (*value >= low && *value <= high), key,
          fmt::format("shape.{} is not in {} to {}", what, low, high));
  };
  const auto span = [&](const std::optional<Duration>& d, int64_t low, int64_t high, const char* what) {
    check(!d || (d->ms >= low && d->ms <= high), key,
          fmt::format("shape.{} is not in {} ms to {} ms", what, low, high));
  };
  in(s.flow_packets, 0.0, 1e6, "flow_packets");
  in(s.answer, 0.0, 10.0, "answer");
  in(s.bytes, int64_t{28}, int64_t{9'000}, "bytes");
  in(s.port, int64_t{0}, int64_t{65'533}, "port");
  in(s.pulse_floor, 0.0, 1.0, "pulse_floor");
  span(s.flow_length, 0, 600'000, "flow_length");
  span(s.pulse_period, 5'000, 86'400'000, "pulse_period");
  span(s.pulse_on, 1'000, s.pulse_period ? s.pulse_period->ms : 60'000, "pulse_on");
}

void check_attacks(const Scenario& s, const Check& check) {
  const Attacks& a = s.attacks;
  check.in<int64_t>(a.count, 0, 1'000'000, "attacks.count");
  double sum = 0;
  for (const auto& [name, weight] : a.types) {
    check(find_attack_type(name) != nullptr || name == "carpet_bombing" || name == "pulse_wave",
          "attacks.types", "no type '" + name + "'; there are " + attack_type_names());
    check(weight >= 0, "attacks.types", name + " has a negative weight");
    sum += weight;
  }
  check(a.types.empty() || sum > 0, "attacks.types", "all weights are zero");
  for (const auto& [role, weight] : a.victims) {
    check(s.hosts.contains(role), "attacks.victims", "the scenario has no role '" + role + "'");
    check(weight >= 0, "attacks.victims", role + " has a negative weight");
  }
  check_between(a.intensity.low, a.intensity.high, 0.001, "attacks.intensity", check);
  check(a.intensity.high <= 1e5, "attacks.intensity", "more than 100000 times the normal level");
  check.in(a.floor, 0.0, 1e9, "attacks.floor");
  check_between<int64_t>(a.duration.low.ms, a.duration.high.ms, 1'000, "attacks.duration", check);
  check_between<int64_t>(a.preparation.low.ms, a.preparation.high.ms, 1'000, "attacks.preparation", check);
  check.in(a.ramp_share, 0.0, 1.0, "attacks.ramp_share");
  check.in(a.preparation_share, 0.0, 1.0, "attacks.preparation_share");
  check.in(a.repeat_share, 0.0, 1.0, "attacks.repeat_share");
  check.in(a.spoofed_share, 0.0, 1.0, "attacks.spoofed_share");
  check.in<int64_t>(a.botnets, 1, 1'000'000, "attacks.botnets");
  check.in(a.damage_at, 0.0, 1e9, "attacks.damage_at");
  check.in<int64_t>(a.records, 1, 10'000'000, "attacks.records");
  for (const auto& e : a.script) {
    if (e.shape) check_shape(*e.shape, check);
    check(!e.sources || (*e.sources >= 1 && *e.sources <= 10'000'000), "attacks.script",
          "sources must be 1 to 10000000");
    check(!e.intensity || (*e.intensity > 0 && *e.intensity <= 1e5), "attacks.script",
          "intensity must be above 0, at most 100000");
  }
}

}  // namespace

void validate(const Scenario& s, const ScenarioPlaces& places) {
  const Check check{places};
  check(s.start.ms % 60'000 == 0 && s.start.ms >= 0, "start", "must be a whole minute after 1970");
  check(s.duration.ms % 60'000 == 0, "duration", "must be whole minutes");
  check.in<int64_t>(s.duration.ms, 60'000, int64_t{3'650} * 86'400'000, "duration (ms)");
  check(parse_utc_offset(s.timezone).has_value(), "timezone",
        "'" + s.timezone + "' is not a UTC offset such as +01:00");
  check_network(s.network, check);
  check_hosts(s, check);
  check_benign(s.benign, check);
  check_attacks(s, check);
}

}  // namespace netflowgen::sim

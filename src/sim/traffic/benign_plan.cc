#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "sim/traffic/attack.h"
#include "sim/traffic/benign.h"

namespace netflowgen::sim {
namespace {

constexpr double kHour = 60 * kMinute;
constexpr double kDay = 24 * kHour;
constexpr PacketSizes kBulk{52, 1500, 0.98F};
constexpr PacketSizes kAcks{52, 120, 0.05F};
constexpr std::array<uint16_t, 12> kScanPorts = {22,   23,   80,   443,  445,  3389,
                                                 5900, 6379, 8080, 8443, 5060, 3306};

class BenignPlanner {
 public:
  explicit BenignPlanner(const Network& network)
      : network_(network),
        s_(network.scenario()),
        b_(s_.benign),
        random_(stream(s_.seed, Stream::kBenignPlan, 0)),
        start_(static_cast<double>(s_.start.ms)),
        length_(static_cast<double>(s_.duration.ms)) {
    plan_.effects.resize(network.hosts().size());
    plan_.sessions.resize(network.hosts().size());
  }

  BenignPlan plan() {
    for (size_t i = 0; i < b_.script.size(); ++i) scripted(b_.script[i], i);
    draw("flash_crowd", b_.flash_crowds);
    draw("load_test", b_.load_tests);
    draw("outage", b_.outages);
    draw("mail_campaign", b_.mail_campaigns);
    draw("software_update", b_.software_updates);
    draw("vertical_scan", b_.vertical_scans);
    draw("horizontal_scan", b_.horizontal_scans);
    draw("burst", b_.bursts);
    draw("crawl", b_.crawls);
    backups();
    std::sort(plan_.events.begin(), plan_.events.end(), [](const auto& a, const auto& b) {
      return std::tie(a.start_ms, a.node, a.kind) < std::tie(b.start_ms, b.node, b.kind);
    });
    for (auto& list : plan_.sessions) {
      std::sort(list.begin(), list.end(),
                [](const auto& a, const auto& b) { return a.start_ms < b.start_ms; });
    }
    return std::move(plan_);
  }

 private:
  void draw(const char* kind, double a_day) {
    const uint64_t n = random_.poisson(a_day * length_ / kDay);
    for (uint64_t i = 0; i < n; ++i) event(kind, ScriptedEvent{}, start_ + random_.uniform() * length_);
  }

  void scripted(const ScriptedEvent& script, size_t index) {
    const std::string where = "benign.script[" + std::to_string(index) + "]";
    const auto offset = event_offset(s_, script.start);
    if (!offset || *offset < 0 || *offset >= s_.duration.ms) {
      throw base::Error("{}: start '{}' is neither a time nor a duration (51h) within the scenario", where,
                        script.start);
    }
    if (!event(script.kind, script, start_ + static_cast<double>(*offset))) {
      throw base::Error("{}: no benign kind '{}' that can be scripted; there are {}", where, script.kind,
                        kBenignKinds);
    }
  }

  // False: no such kind.
  bool event(const std::string& kind, const ScriptedEvent& script, double at) {
    if (kind == "flash_crowd") return flash_crowd(script, at), true;
    if (kind == "load_test") return load_test(script, at), true;
    if (kind == "outage") return outage(script, at), true;
    if (kind == "mail_campaign") return mail_campaign(script, at), true;
    if (kind == "software_update") return software_update(script, at), true;
    if (kind == "vertical_scan") return vertical_scan(script, at), true;
    if (kind == "horizontal_scan") return horizontal_scan(script, at), true;
    if (kind == "burst") return busy_host(kind, true, script, at), true;
    if (kind == "crawl") return busy_host(kind, false, script, at), true;
    return false;
  }

  // The scripted victim, or a host of one of the roles; nullptr when the network has none.
  const Host* pick(const ScriptedEvent& script, std::initializer_list<std::string_view> roles) {
    if (!script.victim.empty()) {
      const auto host = network_.find_host(script.victim);
      if (!host) throw base::Error("benign.script: no host '{}'", script.victim);
      return &network_.hosts()[*host];
    }
    std::vector<size_t> all;
    for (const auto role : roles) {
      const auto& some = network_.hosts_like(role);
      all.insert(all.end(), some.begin(), some.end());
    }
    return all.empty() ? nullptr : &network_.hosts()[all[random_.below(all.size())]];
  }
  double span_of(const ScriptedEvent& script, double low, double high) {
    const double drawn = draw_between(random_, low, high);
    return script.duration ? static_cast<double>(script.duration->ms) : drawn * b_.length;
  }
  void list(const std::string& kind, const Host& host, double start, double end, double magnitude) {
    plan_.events.push_back(
        {kind, host.address.to_string(), start, std::min(end, start_ + length_), magnitude});
  }

  void flash_crowd(const ScriptedEvent& script, double at) {
    const Host* host = pick(script, {"web", "web", "web", "game", "dns", "vpn"});
    if (host == nullptr) return;
    const double length = span_of(script, 15 * kMinute, 3 * kHour);
    const double size =
        script.intensity.value_or(draw_between(random_, b_.flash_magnitude.low, b_.flash_magnitude.high));
    const double ramp = script.ramp
                            ? static_cast<double>(script.ramp->ms)
                            : std::min(0.5 * length, draw_between(random_, 0.5 * kMinute, 15 * kMinute));
    plan_.effects[host->index].push_back(
        {HostEffect::kMoreServed, at, at + length, ramp, size, random_.next(), 60'000});
    list("flash_crowd", *host, at, at + length, size);
  }

  void load_test(const ScriptedEvent& script, double at) {
    const Host* host = pick(script, {"web"});
    if (host == nullptr) return;
    const double length = span_of(script, 5 * kMinute, 40 * kMinute);
    const double size =
        script.intensity.value_or(draw_between(random_, b_.load_magnitude.low, b_.load_magnitude.high));
    const auto machines = static_cast<uint32_t>(1 + random_.below(5));
    plan_.effects[host->index].push_back(
        {HostEffect::kMoreServed, at, at + length, 0, size, random_.next(), machines});
    list("load_test", *host, at, at + length, size);
  }

  void outage(const ScriptedEvent& script, double at) {
    const Host* host = pick(script, {"web", "web", "dns", "mail", "vpn", "database", "voip", "game"});
    if (host == nullptr) return;
    const double length = span_of(script, 2 * kMinute, 25 * kMinute);
    plan_.effects[host->index].push_back({HostEffect::kOutage, at, at + length, 0, 1});
    // Everybody comes back at once.
    const double size = random_.uniform(1, 6);
    const double back = at + length + random_.uniform(2, 8) * kMinute;
    plan_.effects[host->index].push_back(
        {HostEffect::kMoreServed, at + length, back, 20'000, size, random_.next(), 20'000});
    list("outage", *host, at, back, size);
  }

  void mail_campaign(const ScriptedEvent& script, double at) {
    const Host* host = pick(script, {"mail"});
    if (host == nullptr) return;
    const double length = span_of(script, 20 * kMinute, 2 * kHour);
    const double size =
        script.intensity.value_or(draw_between(random_, b_.mail_magnitude.low, b_.mail_magnitude.high));
    plan_.effects[host->index].push_back(
        {HostEffect::kMoreOpened, at, at + length, 2 * kMinute, size, random_.next(), 5'000});
    list("mail_campaign", *host, at, at + length, size);
  }

  // One to a few hundred machines and one host with far more conversations than usual, either way.
  void busy_host(const std::string& kind, bool serves, const ScriptedEvent& script, double at) {
    const Host* host =
        script.victim.empty() ? &network_.hosts()[random_.below(network_.hosts().size())] : pick(script, {});
    const auto& all = host->profile->conversations;
    if (std::none_of(all.begin(), all.end(), [&](const auto& c) { return c.serves == serves; })) return;
    const double length = span_of(script, kMinute, 2 * kHour);
    const double size =
        script.intensity.value_or(draw_between(random_, b_.load_magnitude.low, b_.load_magnitude.high));
    const auto machines = static_cast<uint32_t>(draw_between(random_, 1, 300));
    const double ramp = random_.chance(0.5) ? 0 : 0.3 * length;
    plan_.effects[host->index].push_back({serves ? HostEffect::kMoreServed : HostEffect::kMoreOpened, at,
                                          at + length, ramp, size, random_.next(), machines});
    list(kind, *host, at, at + length, size);
  }

  void software_update(const ScriptedEvent& script, double at) {
    const bool devices = random_.chance(0.3);
    const auto& hosts = network_.hosts_like(devices ? "iot" : "client");
    const IpAddr server = internet_address(random_.next(), false);
    const double window = span_of(script, 5 * kMinute, kHour);
    const double share = random_.uniform(0.3, 0.9);
    for (const size_t h : hosts) {
      if (!random_.chance(share)) continue;
      const Host& host = network_.hosts()[h];
      const double pps = draw_between(random_, b_.update_rate.low, b_.update_rate.high) * (devices ? 0.1 : 1);
      const double megabytes = draw_between(random_, 20, 900) * (devices ? 0.1 : 1);
      const double from = at + random_.uniform() * window;
      const double length = std::min(2 * kHour, megabytes * 1e6 / 1'450 / pps * 1'000);
      const IpAddr peer = host.address.is_v4() ? server : internet_address(server.hash(), true);
      session(host, {from, from + length, pps, pps * 0.35, peer, -1, 6, 443, kBulk, kAcks});
      list("software_update", host, from, from + length, pps * 60 / std::max(1.0, host.normal_in));
    }
  }

  void vertical_scan(const ScriptedEvent& script, double at) {
    const Host* host = nullptr;
    if (script.victim.empty()) {
      host = network_.hosts().empty() ? nullptr : &network_.hosts()[random_.below(network_.hosts().size())];
    } else {
      host = pick(script, {});
    }
    if (host == nullptr) return;
    const double pps = script.intensity.value_or(draw_between(random_, b_.scan_rate.low, b_.scan_rate.high));
    const double length = span_of(script, 2 * kMinute, 30 * kMinute);
    plan_.scans.push_back({plan_.scans.size(), at, at + length, pps / 1'000,
                           internet_address(random_.next(), !host->address.is_v4()),
                           static_cast<int64_t>(host->index), 0});
    list("vertical_scan", *host, at, at + length, pps);
  }

  void horizontal_scan(const ScriptedEvent& script, double at) {
    const double pps =
        script.intensity.value_or(draw_between(random_, b_.sweep_rate.low, b_.sweep_rate.high));
    const double length = span_of(script, 2 * kMinute, 40 * kMinute);
    plan_.scans.push_back({plan_.scans.size(), at, at + length, pps / 1'000,
                           internet_address(random_.next(), false), -1,
                           kScanPorts[random_.below(kScanPorts.size())]});
    plan_.events.push_back(
        {"horizontal_scan", s_.network.prefix.to_string(), at, std::min(at + length, start_ + length_), pps});
  }

  // Every night, hosts that have one copy their changes to a backup host, in windows of their own.
  void backups() {
    const auto& stores = network_.hosts_like("backup");
    if (stores.empty()) return;
    for (const auto role : {"web", "mail", "database", "dns", "vpn", "voip", "game"}) {
      for (const size_t h : network_.hosts_like(role)) {
        if (!random_.chance(b_.backup_share)) continue;
        const Host& host = network_.hosts()[h];
        const Host& store = network_.hosts()[stores[random_.below(stores.size())]];
        const double hour = random_.uniform(0.5, 5) * kHour;
        const double pps = draw_between(random_, b_.backup_rate.low, b_.backup_rate.high);
        nightly(host, store, hour, pps, random_.uniform(4, 40) * kMinute);
      }
    }
  }
  void nightly(const Host& host, const Host& store, double hour, double usual_pps, double usual_length) {
    for (double night = start_ - std::fmod(start_, kDay) - kDay; night < start_ + length_; night += kDay) {
      const double from = night + hour - static_cast<double>(host.shift_ms) + random_.normal() * 4 * kMinute;
      const double length = usual_length * random_.lognormal(0, 0.35);
      const double pps = usual_pps * random_.lognormal(0, 0.2);
      if (from < start_ || from + length > start_ + length_) continue;
      session(host, {from, from + length, pps * 0.35, pps, store.address, static_cast<int64_t>(store.index),
                     6, 873, kAcks, kBulk});
      list("backup", host, from, from + length, pps * 60 / std::max(1.0, host.normal_out));
      list("backup", store, from, from + length, pps * 60 / std::max(1.0, store.normal_in));
    }
  }

  void session(const Host& host, const PlannedSession& s) {
    if (s.start_ms >= start_ && s.start_ms < start_ + length_) plan_.sessions[host.index].push_back(s);
  }

  const Network& network_;
  const Scenario& s_;
  const Benign& b_;
  Random random_;
  double start_;
  double length_;
  BenignPlan plan_;
};

}  // namespace

double HostEffect::at(double t_ms) const {
  if (t_ms < start_ms || t_ms >= end_ms) return 0;
  if (kind == kOutage || ramp_ms <= 0) return magnitude;
  const double since = t_ms - start_ms;
  if (since < ramp_ms) return magnitude * since / ramp_ms;
  return magnitude * std::exp(-2.3 * (since - ramp_ms) / std::max(1.0, end_ms - start_ms - ramp_ms));
}

BenignPlan plan_benign(const Network& network) { return BenignPlanner(network).plan(); }

}  // namespace netflowgen::sim

// Attacks of a drawn network, each scripted in full: victim, time, strength and the shape of its flows.
#include <fmt/format.h>

#include <cmath>

#include "flow/record.h"
#include "sim/draw/attack_cost.h"
#include "sim/draw/parts.h"

namespace netflowgen::sim {
namespace {

constexpr double kSecond = 1'000;
constexpr double kHour = 60 * kMinute;
// Packets a minute of an attack on one victim; of one on many a quarter for each.
constexpr double kLeastRate = 200;

class AttackDraw {
 public:
  AttackDraw(Random random, const DrawFrom& from, const Network& network, double records)
      : random_(random),
        from_(from),
        network_(network),
        s_(network.scenario()),
        busy_(network.hosts().size()) {
    const double days = static_cast<double>(s_.duration.ms) / (24 * kHour);
    const double most = std::min(120.0, 10 + days * static_cast<double>(network.hosts().size()));
    count_ = static_cast<size_t>(std::ceil(log_uniform(random_, 8, std::max(most, 9.0))));
    budget_ = records / static_cast<double>(count_);
  }

  Attacks draw() {
    attacks_.count = 0;
    // A few sampled packets, and where little or nothing is sampled still hundreds: what is weaker harms nobody.
    weak_ = random_.chance(0.5);
    attacks_.floor =
        std::max(static_cast<double>(s_.network.sampling) * log_uniform(random_, 0.5, weak_ ? 10 : 40),
                 weak_ ? log_uniform(random_, 50, 500) : log_uniform(random_, 200, 3'000));
    attacks_.botnets = static_cast<int64_t>(1 + random_.below(8));
    attacks_.damage_at = random_.chance(0.3) ? 0 : log_uniform(random_, 5, 300);
    attacks_.records = 4'000;
    for (size_t i = 0; i < count_; ++i) add(i);
    return std::move(attacks_);
  }

 private:
  void add(size_t index) {
    const double length = static_cast<double>(s_.duration.ms);
    ScriptedEvent e;
    e.kind = one_of(random_, from_.attacks);
    e.shape.emplace();
    const double duration = std::min(draw_duration(), 0.2 * length);
    for (int i = 0; i < 20; ++i) {
      const double at = (static_cast<double>(index) + random_.uniform()) / static_cast<double>(count_);
      const double start = std::floor(length * (0.01 + 0.97 * at) / (5 * kSecond)) * 5 * kSecond;
      const auto victims = draw_victims(e, start, duration);
      if (victims.empty()) continue;
      fill(e, victims, start, duration);
      attacks_.script.push_back(e);
      for (const size_t v : victims) busy_[v].emplace_back(start, start + duration);
      return;
    }
  }

  // Real ones have a median of 24 s and one in ten lasts over 56 minutes; those of minutes matter most here.
  double draw_duration() {
    const double u = random_.uniform();
    if (u < 0.4) return log_uniform(random_, 20 * kSecond, 2 * kMinute);
    if (u < 0.8) return log_uniform(random_, 2 * kMinute, 20 * kMinute);
    return log_uniform(random_, 20 * kMinute, 5 * kHour);
  }

  bool is_free(size_t host, double start, double duration) const {
    const double gap = 35 * kMinute;
    return std::none_of(busy_[host].begin(), busy_[host].end(), [&](const auto& b) {
      return start - gap < b.second && b.first < start + duration + gap;
    });
  }
  static bool serves_web(const Host& h) {
    const auto& all = h.profile->conversations;
    return std::any_of(all.begin(), all.end(), [](const auto& c) {
      return c.serves && c.protocol == flow::kTcp && (c.port == 443 || c.port == 80);
    });
  }

  // One free host, or those of a prefix around it. Sets e.victim; empty: none is free.
  std::vector<size_t> draw_victims(ScriptedEvent& e, double start, double duration) {
    const auto& hosts = network_.hosts();
    const bool again = random_.chance(0.3) && last_ < hosts.size();
    const Host& host = hosts[again ? last_ : random_.below(hosts.size())];
    const bool web = e.kind == "http_flood" || e.kind == "slowloris";
    if (web && !serves_web(host)) return {};
    if (e.kind != "carpet_bombing") {
      if (!is_free(host.index, start, duration)) return {};
      last_ = host.index;
      e.victim = host.name;
      return {host.index};
    }
    if (!host.address.is_v4()) return {};
    const auto length = static_cast<unsigned>(96 + 24 + random_.below(6));
    const base::Prefix prefix{base::mask(host.address, length), static_cast<uint8_t>(length)};
    std::vector<size_t> victims;
    for (const auto& h : hosts) {
      if (!prefix.contains(h.address)) continue;
      if (!is_free(h.index, start, duration)) return {};
      victims.push_back(h.index);
    }
    e.victim = prefix.to_string();
    return victims;
  }

  void fill(ScriptedEvent& e, const std::vector<size_t>& victims, double start, double duration) {
    const auto ms = [](double x) { return Duration{static_cast<int64_t>(x)}; };
    e.start = fmt::format("{}s", static_cast<int64_t>(start / kSecond));
    e.duration = ms(std::ceil(duration / (5 * kSecond)) * 5 * kSecond);
    e.ramp = ms(random_.chance(0.5) ? 0 : duration * random_.uniform(0.05, 0.7));
    e.preparation = ms(random_.chance(0.75) ? 0 : log_uniform(random_, 2 * kMinute, 25 * kMinute));
    if (e.kind == "carpet_bombing" || e.kind == "pulse_wave") e.shape->vector = draw_vector();
    const AttackType& type = *find_attack_type(e.shape->vector.empty() ? e.kind : e.shape->vector);
    draw_sources(e, type);
    draw_flows(e, type, duration);
    if (e.kind == "pulse_wave") draw_pulses(*e.shape, duration);
    double normal = 0;
    for (const size_t v : victims) normal += std::max(attacks_.floor, network_.hosts()[v].normal_in);
    const double least_rate = kLeastRate * std::max(1.0, static_cast<double>(victims.size()) / 4);
    e.intensity = draw_intensity(e, type, normal, least_rate / normal);
  }

  std::string draw_vector() {
    for (int i = 0; i < 200; ++i) {
      const auto& t = attack_types()[random_.below(attack_types().size())];
      if (t.style == Style::kFlood && !DrawFrom::contains(from_.options.leave_out.attacks, t.name))
        return std::string(t.name);
    }
    return "udp_flood";
  }

  void draw_sources(ScriptedEvent& e, const AttackType& type) {
    const bool one = from_.shape("one_source");
    const double u = random_.uniform();
    double n = u < 0.3   ? log_uniform(random_, type.low_sources, type.high_sources)
               : u < 0.6 ? 1
               : u < 0.8 ? log_uniform(random_, 1, 30)
                         : log_uniform(random_, 10, 50'000);
    if (!one && n < 5) n = log_uniform(random_, 10, 2'000);
    e.sources = static_cast<int64_t>(n);
    if (type.origin == Origin::kSpoofable) e.spoofed = one_or_less(n) ? false : random_.chance(0.4);
  }
  static bool one_or_less(double n) { return n < 2; }

  void draw_flows(ScriptedEvent& e, const AttackType& type, double duration) {
    AttackShape& s = *e.shape;
    const bool slow = type.style == Style::kSlow;
    const double u = random_.uniform();
    if (u < 0.2 && from_.shape("kept_flows") && type.style == Style::kFlood) {
      s.flow_packets = 0;
    } else if (u < 0.5 && from_.shape("connections")) {
      s.flow_packets =
          slow ? log_uniform(random_, 2, 60) : std::round(log_uniform(random_, 1.5, 800) * 10) / 10;
      const double longest = std::min(600 * kSecond, 0.4 * duration);
      const double typical = slow ? log_uniform(random_, 20 * kSecond, 600 * kSecond)
                                  : *s.flow_packets * log_uniform(random_, 1, 3'000);
      s.flow_length = Duration{static_cast<int64_t>(std::min(longest, typical))};
    } else if (u < 0.65 && from_.shape("connections") && type.style == Style::kFlood) {
      s.flow_packets = 1;
    }
    if (random_.chance(0.5)) {
      s.bytes = static_cast<int64_t>(random_.chance(0.5) ? random_.uniform(900, 1'500)
                                                         : log_uniform(random_, 40, 1'500));
    }
    if (random_.chance(0.4))
      s.port = random_.chance(0.5) ? 0 : static_cast<int64_t>(1 + random_.below(60'000));
    if (random_.chance(0.35)) s.answer = 0;
    if (!s.answer && random_.chance(0.55) && from_.shape("answered")) {
      s.answer = std::round(log_uniform(random_, 0.05, 2) * 100) / 100;
      static constexpr std::array<const char*, 4> kTcpReplies = {"syn_ack", "rst", "rst", "data"};
      static constexpr std::array<const char*, 3> kReplies = {"icmp", "icmp", "data"};
      s.reply = type.protocol == flow::kTcp ? one_of(random_, kTcpReplies) : one_of(random_, kReplies);
      if (type.protocol == flow::kIcmp) s.reply = "icmp";
    }
  }

  void draw_pulses(AttackShape& s, double duration) {
    if (!from_.shape("pulsed")) return;
    const double period = std::clamp(log_uniform(random_, 15 * kSecond, 30 * kMinute), 10 * kSecond,
                                     std::max(11 * kSecond, duration / 2));
    s.pulse_period = Duration{static_cast<int64_t>(period)};
    s.pulse_on =
        Duration{static_cast<int64_t>(std::max(5 * kSecond, period * log_uniform(random_, 0.04, 0.8)))};
    s.pulse_on->ms = std::min(s.pulse_on->ms, s.pulse_period->ms);
    if (random_.chance(0.4)) s.pulse_floor = random_.uniform(0, 0.5);
  }

  // Between a fifth of the normal level and a thousand times it, as far as the records allow, and so strong
  // that some packets are sampled and that a person would call it an attack: a few connections to a quiet host are none.
  // Slow connections and some pulses are weak, and in half of the networks every
  // attack is near the victim's own traffic: those are the ones that a threshold misses.
  double draw_intensity(ScriptedEvent& e, const AttackType& type, double normal, double weakest) {
    const bool weak = type.style == Style::kSlow || (e.kind == "pulse_wave" && random_.chance(0.5));
    const double drawn = weak    ? log_uniform(random_, 0.1, 8)
                         : weak_ ? log_uniform(random_, 0.15, 30)
                                 : log_uniform(random_, 0.2, 1'000);
    const AttackCost cost(e, type, normal, network_.thinning());
    const double room = budget_ * random_.uniform(0.3, 2.5);
    const double most = std::max(1e-3, cost.intensity_for_records(room));
    const double least = std::min(std::max(cost.intensity_for_packets(12), weakest), most);
    return std::clamp(drawn, std::max(1e-3, least), std::min(1e5, std::max(most, least)));
  }

  Random random_;
  const DrawFrom& from_;
  const Network& network_;
  const Scenario& s_;
  Attacks attacks_;
  size_t count_ = 0;
  double budget_ = 0;  // records of one attack
  bool weak_ = false;
  size_t last_ = SIZE_MAX;
  std::vector<std::vector<std::pair<double, double>>> busy_;  // [host] start and end
};

}  // namespace

Attacks draw_attacks(Random random, const DrawFrom& from, const Network& network, double records) {
  return AttackDraw(random, from, network, records).draw();
}

}  // namespace netflowgen::sim

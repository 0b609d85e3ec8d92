// Draws the attacks of a scenario: types in their proportions, spread over the time, on victims by role.
#include <algorithm>
#include <numeric>

#include "base/error.h"
#include "sim/traffic/attack.h"

namespace netflowgen::sim {
namespace {

constexpr std::string_view kCarpet = "carpet_bombing";
constexpr std::string_view kPulse = "pulse_wave";
constexpr unsigned kCarpetLength = 96 + 28;
constexpr double kSlotMs = 5'000;  // starts and ends are whole slots of attack_source.h

// How often hosts of a role are attacked, when the scenario does not give it.
double usual_victim(std::string_view role) {
  static constexpr std::pair<std::string_view, double> kWeights[] = {
      {"web", 5},    {"dns", 2},    {"nat", 1.5}, {"game", 3},       {"voip", 1.2},   {"vpn", 1.5},
      {"mail", 1.2}, {"client", 2}, {"iot", 0.3}, {"database", 0.3}, {"backup", 0.3}, {"idle", 0.5}};
  for (const auto& [name, weight] : kWeights) {
    if (name == role) return weight;
  }
  return 0;
}

// TCP port 80 or 443, where applications are attacked; 0: it serves neither.
uint16_t web_port(const Host& host) {
  for (const auto& c : host.profile->conversations) {
    if (c.serves && c.protocol == 6 && (c.port == 443 || c.port == 80)) return c.port;
  }
  return 0;
}

uint16_t service_port(const Host& host) {
  for (const auto& c : host.profile->conversations) {
    if (c.serves) return c.port;
  }
  return 443;
}

class AttackPlanner {
 public:
  explicit AttackPlanner(const Network& network)
      : network_(network),
        s_(network.scenario()),
        a_(network.scenario().attacks),
        random_(stream(s_.seed, Stream::kAttackPlan, 0)),
        busy_(network.hosts().size()) {}

  std::vector<AttackEvent> plan() {
    for (size_t i = 0; i < a_.script.size(); ++i) add_scripted(a_.script[i], i);
    add_drawn();
    std::sort(events_.begin(), events_.end(),
              [](const auto& a, const auto& b) { return a.start_ms < b.start_ms; });
    for (size_t i = 0; i < events_.size(); ++i) events_[i].id = i + 1;
    return std::move(events_);
  }

 private:
  // The labels of `count` attacks in the proportions of the weights, shuffled.
  std::vector<std::string> deck(size_t count) {
    std::vector<std::pair<std::string, double>> weights;
    if (a_.types.empty()) {
      for (const auto& t : attack_types()) weights.emplace_back(t.name, t.weight);
      weights.emplace_back(kCarpet, 1.0);
      weights.emplace_back(kPulse, 1.0);
    } else {
      weights.assign(a_.types.begin(), a_.types.end());
    }
    double sum = 0;
    for (const auto& w : weights) sum += w.second;
    std::vector<std::string> labels;
    double owed = random_.uniform();
    for (const auto& [name, weight] : weights) {
      owed += static_cast<double>(count) * weight / sum;
      for (; owed >= 1.0 && labels.size() < count; owed -= 1.0) labels.push_back(name);
    }
    while (labels.size() < count) labels.push_back(weights.back().first);
    for (size_t i = count; i > 1; --i) std::swap(labels[i - 1], labels[random_.below(i)]);
    return labels;
  }

  void add_drawn() {
    const auto count = static_cast<size_t>(a_.count);
    if (count == 0) return;
    const auto labels = deck(count);
    const auto length = static_cast<double>(s_.duration.ms);
    const double margin = std::min(3'600'000.0, 0.05 * length);
    for (size_t i = 0; i < count; ++i) {
      const double at = (static_cast<double>(i) + random_.uniform()) / static_cast<double>(count);
      const double start = static_cast<double>(s_.start.ms) + margin + (length - 2 * margin) * at;
      add_event(labels[i], ScriptedEvent{}, start);
    }
  }

  void add_scripted(const ScriptedEvent& script, size_t index) {
    const std::string where = "attacks.script[" + std::to_string(index) + "]";
    const auto offset = event_offset(s_, script.start);
    if (!offset || *offset < 0 || *offset >= s_.duration.ms) {
      throw base::Error("{}: start '{}' is neither a time nor a duration (51h) within the scenario", where,
                        script.start);
    }
    if (script.kind != kCarpet && script.kind != kPulse && find_attack_type(script.kind) == nullptr) {
      throw base::Error("{}: no attack type '{}'; there are {}", where, script.kind, attack_type_names());
    }
    add_event(script.kind, script, static_cast<double>(s_.start.ms + *offset));
  }

  // Which base type a carpet or a pulse wave sends.
  const AttackType* type_of(const std::string& label, const ScriptedEvent& script) {
    if (const AttackType* type = find_attack_type(label)) return type;
    if (script.shape && !script.shape->vector.empty()) return find_attack_type(script.shape->vector);
    static constexpr std::string_view kBases[] = {"udp_flood", "dns_amplification", "ntp_amplification",
                                                  "syn_flood"};
    return find_attack_type(kBases[random_.below(std::size(kBases))]);
  }

  void add_event(const std::string& label, const ScriptedEvent& script, double start_ms) {
    AttackEvent e;
    e.label = label;
    e.type = type_of(label, script);
    e.start_ms = std::floor(start_ms / kSlotMs) * kSlotMs;
    const auto drawn = draw_between(random_, static_cast<double>(a_.duration.low.ms),
                                    static_cast<double>(a_.duration.high.ms));
    e.end_ms = e.start_ms + (script.duration ? static_cast<double>(script.duration->ms) : drawn);
    e.end_ms = std::ceil(e.end_ms / kSlotMs) * kSlotMs;
    e.end_ms = std::min(e.end_ms, static_cast<double>(s_.start.ms + s_.duration.ms));
    if (e.end_ms - e.start_ms < 1'000) return;
    set_victims(e, script);
    if (e.victims.empty()) return;  // every host is under attack already
    set_strength(e, script);
    set_sources(e, script);
    set_shape(e, script.shape.value_or(AttackShape{}), stream(s_.seed, Stream::kShape, events_.size()));
    set_preparation(e, script);
    for (const size_t v : e.victims) busy_[v].emplace_back(e.preparation_start_ms(), e.end_ms);
    events_.push_back(std::move(e));
  }

  bool is_free(size_t host, const AttackEvent& e) const {
    const auto gap = static_cast<double>(a_.gap.ms + a_.preparation.high.ms);
    return std::none_of(busy_[host].begin(), busy_[host].end(), [&](const auto& b) {
      return e.start_ms - gap < b.second && b.first < e.end_ms + gap;
    });
  }
  bool suits(size_t host, const AttackEvent& e) const {
    if (e.label == kCarpet && !network_.hosts()[host].address.is_v4()) return false;
    const Style style = e.type->style;
    return style == Style::kFlood || style == Style::kConnections || web_port(network_.hosts()[host]) != 0;
  }
  double weight_of(const Host& h) const {
    if (a_.victims.empty()) return usual_victim(h.profile->name);
    const auto it = a_.victims.find(h.role);
    return it == a_.victims.end() ? 0 : it->second;
  }

  std::optional<size_t> draw_host(const AttackEvent& e) {
    if (random_.chance(a_.repeat_share) && !events_.empty()) {
      for (int i = 0; i < 20; ++i) {
        const auto& earlier = events_[random_.below(events_.size())];
        const size_t host = earlier.victims[random_.below(earlier.victims.size())];
        if (earlier.label != kCarpet && suits(host, e) && is_free(host, e)) return host;
      }
    }
    // A role's weight is shared by its hosts.
    std::vector<double> upto;
    double sum = 0;
    std::map<std::string_view, double> count;
    for (const auto& h : network_.hosts()) count[h.role] += 1;
    for (const auto& h : network_.hosts()) {
      if (suits(h.index, e) && is_free(h.index, e)) sum += weight_of(h) / count[h.role];
      upto.push_back(sum);
    }
    if (sum <= 0) return std::nullopt;
    const auto it = std::upper_bound(upto.begin(), upto.end(), random_.uniform() * sum);
    return static_cast<size_t>(std::min(it - upto.begin(), static_cast<std::ptrdiff_t>(upto.size()) - 1));
  }

  void set_victims(AttackEvent& e, const ScriptedEvent& script) {
    std::optional<base::Prefix> prefix;
    std::optional<size_t> host;
    if (script.victim.empty()) {
      host = draw_host(e);
      if (!host) return;
    } else if (script.victim.find('/') != std::string::npos) {
      prefix = base::Prefix::parse(script.victim);
    } else {
      host = network_.find_host(script.victim);
    }
    if (!prefix && !host) {
      throw base::Error("attacks.script: no host '{}'; hosts are ROLE-NUMBER or an address, carpets a prefix",
                        script.victim);
    }
    if (host && e.label == kCarpet) {
      prefix = base::Prefix{base::mask(network_.hosts()[*host].address, kCarpetLength), kCarpetLength};
    }
    if (!prefix) {
      e.victims = {*host};
      e.node = network_.hosts()[*host].address.to_string();
      return;
    }
    e.node = prefix->to_string();
    for (const auto& h : network_.hosts()) {
      if (prefix->contains(h.address) && (!script.victim.empty() || is_free(h.index, e)))
        e.victims.push_back(h.index);
    }
    if (!s_.network.dark) return;
    for (const auto& a : network_.dark()) {
      if (prefix->contains(a)) e.dark.push_back(a);
    }
  }

  void set_strength(AttackEvent& e, const ScriptedEvent& script) {
    const double length = e.end_ms - e.start_ms;
    e.intensity = script.intensity.value_or(draw_between(random_, a_.intensity.low, a_.intensity.high));
    double normal = 0;
    for (const size_t v : e.victims) normal += std::max(a_.floor, network_.hosts()[v].normal_in);
    e.packets_per_ms = e.intensity * normal / static_cast<double>(kMinuteMs);
    e.ramp_ms = random_.chance(a_.ramp_share) ? length * random_.uniform(0.1, 0.6) : 0;
    if (script.ramp) e.ramp_ms = static_cast<double>(script.ramp->ms);
    if (e.label != kPulse) return;
    e.ramp_ms = script.ramp ? e.ramp_ms : 0;
    e.pulse_period_ms = random_.uniform(60'000, std::clamp(length / 3, 61'000.0, 360'000.0));
    e.pulse_on_ms = e.pulse_period_ms * random_.uniform(0.15, 0.5);
  }

  void set_sources(AttackEvent& e, const ScriptedEvent& script) {
    const Host& first = network_.hosts()[e.victims.front()];
    e.sources = static_cast<uint64_t>(draw_between(random_, e.type->low_sources, e.type->high_sources));
    if (script.sources) e.sources = static_cast<uint64_t>(*script.sources);
    e.spoofed =
        e.type->origin == Origin::kSpoofable && script.spoofed.value_or(random_.chance(a_.spoofed_share));
    e.botnet = random_.below(static_cast<uint64_t>(a_.botnets));
    const uint16_t web = web_port(first);
    e.dst_port = e.type->style == Style::kFlood || web == 0 ? service_port(first) : web;
    if (e.type->dst_port == kOnePort) e.dst_port = static_cast<uint16_t>(1'024 + random_.below(64'000));
  }

  void set_preparation(AttackEvent& e, const ScriptedEvent& script) {
    double length = draw_between(random_, static_cast<double>(a_.preparation.low.ms),
                                 static_cast<double>(a_.preparation.high.ms));
    bool prepared = random_.chance(a_.preparation_share);
    if (script.preparation) {
      prepared = script.preparation->ms > 0;
      length = static_cast<double>(script.preparation->ms);
    }
    length = std::min(length, e.start_ms - static_cast<double>(s_.start.ms));
    if (!prepared || length < 60'000) return;
    const uint64_t actions = 2 + random_.below(4);
    const double normal = e.packets_per_ms / std::max(e.intensity, 1e-9);
    for (uint64_t i = 0; i < actions; ++i) {
      Preparation p;
      const double from = i == 0 ? 0 : length * random_.uniform(0.05, 0.9);
      p.kind = static_cast<Probe>(random_.below(3));
      p.start_ms = e.start_ms - length + from;
      p.end_ms = std::min(e.start_ms - 1, p.start_ms + random_.uniform(30'000, 240'000));
      p.packets_per_ms = normal * draw_between(random_, 0.1, 1.0);
      if (p.kind == Probe::kPulse) p.packets_per_ms = std::min(p.packets_per_ms, 0.3 * e.packets_per_ms);
      e.preparation.push_back(p);
    }
    std::sort(e.preparation.begin(), e.preparation.end(),
              [](const auto& a, const auto& b) { return a.start_ms < b.start_ms; });
  }

  const Network& network_;
  const Scenario& s_;
  const Attacks& a_;
  Random random_;
  std::vector<std::vector<std::pair<double, double>>> busy_;  // [host] preparation start to end
  std::vector<AttackEvent> events_;
};

}  // namespace

std::vector<AttackEvent> plan_attacks(const Network& network) {
  if (network.hosts().empty()) return {};
  return AttackPlanner(network).plan();
}

}  // namespace netflowgen::sim

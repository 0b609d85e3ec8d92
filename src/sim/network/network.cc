#include "sim/network/network.h"

#include <algorithm>
#include <cmath>

#include "base/check.h"
#include "base/error.h"

namespace netflowgen::sim {
namespace {

constexpr uint16_t kFirstHostInterface = 101;

bool is_public(uint32_t a) {
  const uint32_t top = a >> 24;
  if (top == 0 || top == 10 || top == 127 || top >= 224) return false;
  if ((a >> 20) == 0xac1 || (a >> 16) == 0xc0a8 || (a >> 16) == 0xa9fe)
    return false;                                                               // 172.16/12, 192.168, 169.254
  if ((a >> 22) == (0x64400000u >> 22)) return false;                           // 100.64/10
  if ((a >> 17) == (0xc6120000u >> 17)) return false;                           // 198.18/15
  return (a >> 8) != 0xc00002 && (a >> 8) != 0xc63364 && (a >> 8) != 0xcb0071;  // documentation
}

size_t role_index(const RoleProfile& profile) { return static_cast<size_t>(&profile - all_roles().data()); }

IpAddr nth_address(const base::Prefix& prefix, uint64_t n) {
  IpAddr a = prefix.address;
  for (size_t i = 16; n != 0 && i-- > 0;) {
    const uint64_t sum = a.bytes[i] + (n & 0xff);
    a.bytes[i] = static_cast<uint8_t>(sum);
    n = (n >> 8) + (sum >> 8);
  }
  return a;
}

}  // namespace

Random stream(int64_t seed, Stream what, uint64_t index) {
  return Random(
      base::mix64(static_cast<uint64_t>(seed) ^ base::mix64(static_cast<uint64_t>(what) << 48 ^ index)));
}

IpAddr internet_address(uint64_t hash, bool v6) {
  if (v6) {
    IpAddr a;
    const uint64_t high = 0x2000000000000000u | (hash >> 3 & 0x1fffffffffff0000u);
    const uint64_t low = base::mix64(hash);
    for (size_t i = 0; i < 8; ++i) {
      a.bytes[i] = static_cast<uint8_t>(high >> (56 - 8 * i));
      a.bytes[8 + i] = static_cast<uint8_t>(low >> (56 - 8 * i));
    }
    return a;
  }
  auto v4 = static_cast<uint32_t>(hash);
  while (!is_public(v4)) v4 = static_cast<uint32_t>(hash = base::mix64(hash));
  return IpAddr::v4(v4);
}

uint64_t popular_rank(Random& random, uint32_t size) {
  const double rank = std::exp(random.uniform() * std::log(static_cast<double>(size) + 1.0)) - 1.0;
  return std::min<uint64_t>(size - 1, static_cast<uint64_t>(rank));
}

uint16_t ephemeral_port(Random& random) { return static_cast<uint16_t>(32'768 + random.below(28'232)); }

Network::Network(const Scenario& scenario)
    : scenario_(scenario),
      thinning_(static_cast<uint32_t>(scenario.network.sampling)),
      exporter_(scenario.network.active_timeout.ms, scenario.network.inactive_timeout.ms),
      mixes_(all_roles().size()),
      by_role_(all_roles().size()) {
  for (const auto& profile : all_roles()) {
    for (const auto& c : profile.conversations) {
      mixes_[role_index(profile)].emplace_back(c.request, c.response, c.acks, thinning_);
    }
  }
  add_hosts();
  set_presence();
  set_mix();
  set_normal_levels();
}

void Network::add_hosts() {
  const auto& net = scenario_.network;
  Random random = stream(scenario_.seed, Stream::kNetwork, 0);
  uint64_t next4 = 1;  // the network's own address stays free
  uint64_t next6 = 1;
  for (const auto& [role, spec] : scenario_.hosts) {
    const RoleProfile* profile = find_role(spec.like.empty() ? role : spec.like);
    NFG_CHECK(profile != nullptr);  // validate() has refused it
    const auto offset = parse_utc_offset(spec.timezone.empty() ? scenario_.timezone : spec.timezone);
    NFG_CHECK(offset.has_value());
    for (int64_t i = 0; i < spec.count; ++i) {
      Host h;
      h.index = hosts_.size();
      h.role = role;
      h.name = role + "-" + std::to_string(i + 1);
      h.profile = profile;
      h.spec = &spec;
      h.cycle = Cycle::named(spec.cycle);
      const bool v6 = random.chance(net.ipv6_share);
      h.address = v6 ? nth_address(net.prefix6, next6++) : nth_address(net.prefix, next4++);
      h.router = static_cast<uint8_t>(h.index % static_cast<size_t>(net.routers));
      h.interface = static_cast<uint16_t>(kFirstHostInterface + h.index / static_cast<size_t>(net.routers) %
                                                                    static_cast<size_t>(net.interfaces));
      h.level = spec.level * random.lognormal(-0.5 * spec.spread * spec.spread, spec.spread);
      h.shift_ms = *offset + static_cast<int64_t>(std::clamp(random.normal(), -3.0, 3.0) * 1'500'000);
      by_role_[role_index(*profile)].push_back(h.index);
      hosts_.push_back(std::move(h));
    }
  }
  const uint64_t size = uint64_t{1} << (128 - net.prefix.length);
  for (uint64_t n = next4; n < size && n < 65'536; ++n) dark_.push_back(nth_address(net.prefix, n));
}

// Around the role's median with a deviation of one in the log-odds.
void Network::set_presence() {
  for (auto& h : hosts_) {
    if (h.spec->presence >= 1) continue;
    Random random = stream(scenario_.seed, Stream::kPresence, h.index);
    const double odds = h.spec->presence / (1 - h.spec->presence) * random.lognormal(0, 1);
    h.presence = odds / (1 + odds);
  }
}

void Network::set_mix() {
  for (auto& h : hosts_) {
    h.mix.assign(h.profile->conversations.size(), 1.0);
    h.mix.resize(h.mix.size() + h.profile->sessions.size(), h.spec->sessions);
    if (h.spec->mix <= 0) continue;
    Random random = stream(scenario_.seed, Stream::kMix, h.index);
    for (auto& factor : h.mix) factor *= random.lognormal(-0.5 * h.spec->mix * h.spec->mix, h.spec->mix);
  }
}

void Network::set_normal_levels() {
  for (auto& h : hosts_) {
    const auto& mix = mixes(*h.profile);
    for (size_t i = 0; i < mix.size(); ++i) {
      const auto& c = h.profile->conversations[i];
      const double rate = c.a_minute * h.mix[i];
      h.normal_in += rate * (c.serves ? mix[i].mean_forward() : mix[i].mean_reverse());
      h.normal_out += rate * (c.serves ? mix[i].mean_reverse() : mix[i].mean_forward());
    }
    for (size_t i = 0; i < h.profile->sessions.size(); ++i) {
      const auto& s = h.profile->sessions[i];
      // Mean of a Pareto duration cut at max_s, times the mean of the lognormal rate.
      const double cut = std::pow(s.min_s / s.max_s, s.alpha - 1.0);
      const double seconds = s.min_s * (s.alpha - cut) / (s.alpha - 1.0);
      const double rate = s.a_day / 1440.0 * h.mix[mix.size() + i];
      const double share = rate * seconds * std::exp(0.5 * s.pps_sigma * s.pps_sigma);
      h.normal_in += share * s.in_pps;
      h.normal_out += share * s.out_pps;
    }
    h.normal_in *= h.level * h.presence;
    h.normal_out *= h.level * h.presence;
  }
}

const std::vector<ConversationMix>& Network::mixes(const RoleProfile& profile) const {
  return mixes_[role_index(profile)];
}

const std::vector<size_t>& Network::hosts_like(std::string_view role) const {
  static const std::vector<size_t> kNone;
  const RoleProfile* profile = find_role(role);
  return profile == nullptr ? kNone : by_role_[role_index(*profile)];
}

std::optional<size_t> Network::find_host(const std::string& name_or_address) const {
  const auto address = IpAddr::parse(name_or_address);
  for (const auto& h : hosts_) {
    if (h.name == name_or_address || (address && h.address == *address)) return h.index;
  }
  return std::nullopt;
}

IpAddr Network::router_address(uint8_t router) const { return IpAddr::v4(0xc0000201u + router); }

uint32_t Network::as_of(const IpAddr& address) const {
  const auto& net = scenario_.network;
  if (net.prefix.contains(address) || net.prefix6.contains(address))
    return static_cast<uint32_t>(net.as_number);
  // Prefixes of /13 (IPv6: /29) belong to one AS; a few AS have most of them.
  const uint64_t h = base::mix64(base::mask(address, address.is_v4() ? 96 + 13 : 29).hash());
  const double u = static_cast<double>(h >> 11) * 0x1.0p-53;
  return 1'000 + static_cast<uint32_t>(std::pow(60'000.0, u));
}

Leg Network::inbound(const Host& host, const IpAddr& peer) const {
  Leg leg;
  leg.src = peer;
  leg.dst = host.address;
  leg.router = host.router;
  leg.in_if = static_cast<uint16_t>(1 + as_of(peer) % static_cast<uint32_t>(scenario_.network.uplinks));
  leg.out_if = host.interface;
  return leg;
}

Leg Network::outbound(const Host& host, const IpAddr& peer) const {
  Leg leg = inbound(host, peer);
  std::swap(leg.src, leg.dst);
  std::swap(leg.in_if, leg.out_if);
  return leg;
}

Leg Network::inside(const Host& from, const Host& to) const {
  Leg leg;
  leg.src = from.address;
  leg.dst = to.address;
  leg.router = from.router;
  leg.in_if = from.interface;
  leg.out_if = to.interface;
  return leg;
}

}  // namespace netflowgen::sim

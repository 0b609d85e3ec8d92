#include "sim/traffic/host_source.h"

#include <algorithm>
#include <cmath>

#include "flow/record.h"

namespace netflowgen::sim {
namespace {

constexpr std::array<uint16_t, 14> kProbedPorts = {23,   23,   22,   445,  80,   443,  3389,
                                                   8080, 5555, 2323, 1433, 6379, 5060, 123};
constexpr std::array<uint16_t, 4> kProbedUdp = {53, 123, 1900, 5060};

uint64_t hash_of(std::string_view text) {
  uint64_t h = 17;
  for (const char c : text) h = base::mix64(h ^ static_cast<uint8_t>(c));
  return h;
}

}  // namespace

HostSource::HostSource(const Network& network, const Host& host, const BenignPlan& benign,
                       std::vector<const AttackEvent*> attacks)
    : network_(network),
      host_(host),
      mixes_(network.mixes(*host.profile)),
      effects_(benign.effects[host.index]),
      planned_(benign.sessions[host.index]),
      attacks_(std::move(attacks)),
      random_(stream(network.scenario().seed, Stream::kHost, host.index)),
      noise_(host.spec->noise, host.spec->hurst, random_),
      presence_(host.presence, static_cast<double>(host.spec->awake.ms) / kMinute,
                stream(network.scenario().seed, Stream::kPresence, ~static_cast<uint64_t>(host.index))),
      visits_(*host.spec, stream(network.scenario().seed, Stream::kVisit, host.index)) {}

double HostSource::damage(double t_ms) const {
  const double half = network_.scenario().attacks.damage_at;
  double factor = 1;
  for (const AttackEvent* a : attacks_) {
    const double x = half > 0 ? a->intensity * a->level_at(t_ms) / half : 0;
    factor /= 1.0 + x * x;
  }
  return factor;
}

void HostSource::generate(int64_t minute, Buckets& out) {
  const auto from = static_cast<double>(minute * kMinuteMs);
  const double middle = from + kMinute / 2;
  const TimeMs local = static_cast<TimeMs>(middle) + host_.shift_ms;
  const double cycle = host_.cycle->at(local);
  const auto hour = static_cast<size_t>((local / base::kHourMs % 24 + 24) % 24);
  const double awake = presence_.next(cycle, hour);
  const double rate = host_.level * awake * noise_.next(random_) * damage(middle);
  bool outage = false;
  for (const auto& e : effects_) {
    if (middle < e.start_ms || middle >= e.end_ms) continue;
    if (e.kind == HostEffect::kOutage) {
      outage = true;
    } else {
      extra(e, from, out);
    }
  }
  radiation(from, out);
  if (outage) {
    retries(from, rate, out);
  } else {
    conversations(from, rate, out);
    start_sessions(from, rate);
  }
  visit(from, awake > 0, outage, out);
  run_sessions(from + kMinute, outage, out);
}

HostSource::Peers HostSource::peers_of(size_t spec) const {
  const auto& c = host_.profile->conversations[spec];
  const auto seed = static_cast<uint64_t>(network_.scenario().seed);
  // Servers have visitors of their own; the services that hosts visit are the same for all.
  const uint64_t key = c.serves ? base::mix64(host_.index * 64 + spec) : hash_of(c.name) ^ c.port;
  return {base::mix64(seed ^ base::mix64(key ^ static_cast<uint64_t>(Stream::kPeers))), c.peers, false};
}

void HostSource::conversations(double from_ms, double rate, Buckets& out) {
  for (size_t i = 0; i < mixes_.size(); ++i) {
    const double expected = host_.profile->conversations[i].a_minute * rate * host_.mix[i];
    const double seen = mixes_[i].survival();
    if (!visits_.seen_together(seen)) {
      converse(i, expected, from_ms, peers_of(i), out);
      continue;
    }
    const uint64_t n = random_.poisson(expected / visits_.mean());
    for (uint64_t k = 0; k < n; ++k)
      visits_.start(i, seen, from_ms + random_.uniform() * kMinute, draw_peer(i, peers_of(i)));
  }
}

// The conversations of visits that start in this minute. A host that sleeps opens none.
void HostSource::visit(double from_ms, bool awake, bool outage, Buckets& out) {
  visits_.take(from_ms + kMinute, [&](size_t spec, double at, const Peer& peer) {
    const bool serves = host_.profile->conversations[spec].serves;
    if (outage || (!serves && !awake)) return;
    send({spec, at, peer, mixes_[spec].draw(random_)}, out);
  });
}

void HostSource::extra(const HostEffect& effect, double from_ms, Buckets& out) {
  const double strength = effect.at(from_ms + kMinute / 2) * host_.level;
  const bool serves = effect.kind == HostEffect::kMoreServed;
  for (size_t i = 0; i < mixes_.size(); ++i) {
    const auto& c = host_.profile->conversations[i];
    if (c.serves != serves || !c.internal.empty()) continue;
    converse(i, c.a_minute * strength * host_.mix[i], from_ms, {effect.pool, effect.peers, true}, out);
  }
}

Leg HostSource::leg_in(const IpAddr& peer, int64_t peer_host) const {
  if (peer_host < 0) return network_.inbound(host_, peer);
  return network_.inside(network_.hosts()[static_cast<size_t>(peer_host)], host_);
}

Leg HostSource::leg_out(const IpAddr& peer, int64_t peer_host) const {
  if (peer_host < 0) return network_.outbound(host_, peer);
  return network_.inside(host_, network_.hosts()[static_cast<size_t>(peer_host)]);
}

Peer HostSource::draw_peer(size_t spec, const Peers& peers) {
  const auto& inside = network_.hosts_like(host_.profile->conversations[spec].internal);
  if (!inside.empty()) {
    const size_t host = inside[random_.below(inside.size())];
    return {network_.hosts()[host].address, static_cast<int64_t>(host)};
  }
  const uint64_t rank = peers.uniform ? random_.below(peers.size) : popular_rank(random_, peers.size);
  return {pool_address(peers.pool, rank, !host_.address.is_v4()), -1};
}

// `expected` conversations start in the minute; those that leave a record are drawn.
void HostSource::converse(size_t spec, double expected, double from_ms, const Peers& peers, Buckets& out) {
  const auto& mix = mixes_[spec];
  const uint64_t n = random_.poisson(expected * mix.survival());
  for (uint64_t k = 0; k < n; ++k) {
    const Counts counts = mix.draw(random_);
    const Peer peer = draw_peer(spec, peers);
    send({spec, from_ms + random_.uniform() * kMinute, peer, counts}, out);
  }
}

void HostSource::send(const Conversation& conversation, Buckets& out) {
  const auto& c = host_.profile->conversations[conversation.spec];
  const auto& [address, peer_host] = conversation.peer;
  const Counts& counts = conversation.counts;
  const double start = conversation.start_ms;
  const double length = c.duration_s * 1'000 * random_.lognormal(0, c.duration_sigma);
  const double end = start + std::min(length, static_cast<double>(kMaxConversationMs));
  Leg in = leg_in(address, peer_host);
  Leg back = leg_out(address, peer_host);
  const uint16_t theirs = ephemeral_port(random_);
  in.src_port = back.dst_port = c.serves ? theirs : c.port;
  in.dst_port = back.src_port = c.serves ? c.port : theirs;
  in.protocol = back.protocol = c.protocol;
  Leg& request = c.serves ? in : back;
  Leg& response = c.serves ? back : in;
  request.sizes = c.request_size;
  response.sizes = c.response_size;
  if (c.protocol == flow::kTcp) {
    request.flags = FlagRule::kOpener;
    response.flags = FlagRule::kAnswer;
    request.reset = response.reset = random_.chance(0.08);
  }
  network_.exporter().add(random_, request, start, end, counts.forward, counts.seen_forward, out);
  network_.exporter().add(random_, response, start, end, counts.reverse, counts.seen_reverse, out);
}

// No host answers: every conversation that would start sends its first packet about three times.
void HostSource::retries(double from_ms, double rate, Buckets& out) {
  for (size_t i = 0; i < mixes_.size(); ++i) {
    const auto& c = host_.profile->conversations[i];
    if (!c.serves) continue;
    const auto& inside = network_.hosts_like(c.internal);
    const Peers peers = peers_of(i);
    const uint64_t n = random_.poisson(3 * c.a_minute * rate * host_.mix[i] * network_.thinning().p());
    for (uint64_t k = 0; k < n; ++k) {
      int64_t peer_host = -1;
      if (!inside.empty()) peer_host = static_cast<int64_t>(inside[random_.below(inside.size())]);
      Leg in = leg_in(pool_address(peers.pool, popular_rank(random_, peers.size), !host_.address.is_v4()),
                      peer_host);
      in.src_port = ephemeral_port(random_);
      in.dst_port = c.port;
      in.protocol = c.protocol;
      in.flags = c.protocol == flow::kTcp ? FlagRule::kFixed : FlagRule::kNone;
      in.fixed_flags = flow::kSyn;
      in.sizes = {60, 60, 0};
      const double at = from_ms + random_.uniform() * kMinute;
      network_.exporter().add(random_, in, at, at, 1, 1, out);
    }
  }
}

void HostSource::radiation(double from_ms, Buckets& out) {
  const uint64_t n = random_.poisson(network_.scenario().network.radiation * network_.thinning().p());
  for (uint64_t k = 0; k < n; ++k) {
    Leg in = network_.inbound(host_, internet_address(random_.next(), !host_.address.is_v4()));
    const bool udp = random_.chance(0.15);
    in.protocol = udp ? flow::kUdp : flow::kTcp;
    in.src_port = ephemeral_port(random_);
    in.dst_port =
        udp ? kProbedUdp[random_.below(kProbedUdp.size())] : kProbedPorts[random_.below(kProbedPorts.size())];
    in.flags = udp ? FlagRule::kNone : FlagRule::kFixed;
    in.fixed_flags = flow::kSyn;
    in.sizes = {44, 60, 0.3F};
    const double at = from_ms + random_.uniform() * kMinute;
    network_.exporter().add(random_, in, at, at, 1, 1, out);
  }
}

HostSource::Session HostSource::session_of(const SessionSpec& spec, double start_ms) {
  const uint64_t pool = base::mix64(static_cast<uint64_t>(network_.scenario().seed) ^ hash_of(spec.name) ^
                                    (spec.serves ? base::mix64(host_.index) : spec.port));
  const IpAddr peer = pool_address(pool, popular_rank(random_, spec.peers), !host_.address.is_v4());
  const double seconds = std::min(spec.max_s, random_.pareto(spec.min_s, spec.alpha));
  const double scale = random_.lognormal(0, spec.pps_sigma) / 1'000;
  Session s{start_ms,         start_ms + seconds * 1'000, spec.in_pps * scale, spec.out_pps * scale,
            leg_in(peer, -1), leg_out(peer, -1)};
  const uint16_t theirs = ephemeral_port(random_);
  s.in.src_port = s.out.dst_port = spec.serves ? theirs : spec.port;
  s.in.dst_port = s.out.src_port = spec.serves ? spec.port : theirs;
  s.in.protocol = s.out.protocol = spec.protocol;
  s.in.flags = s.out.flags = spec.protocol == flow::kTcp ? FlagRule::kMiddle : FlagRule::kNone;
  s.in.sizes = spec.in_size;
  s.out.sizes = spec.out_size;
  return s;
}

HostSource::Session HostSource::session_of(const PlannedSession& plan) {
  Session s{plan.start_ms,
            plan.end_ms,
            plan.in_pps / 1'000,
            plan.out_pps / 1'000,
            leg_in(plan.peer, plan.peer_host),
            leg_out(plan.peer, plan.peer_host)};
  s.in.src_port = s.out.dst_port = plan.peer_port;
  s.in.dst_port = s.out.src_port = ephemeral_port(random_);
  s.in.protocol = s.out.protocol = plan.protocol;
  s.in.flags = s.out.flags = plan.protocol == flow::kTcp ? FlagRule::kMiddle : FlagRule::kNone;
  s.in.sizes = plan.in_size;
  s.out.sizes = plan.out_size;
  return s;
}

void HostSource::start_sessions(double from_ms, double rate) {
  for (size_t i = 0; i < host_.profile->sessions.size(); ++i) {
    const auto& spec = host_.profile->sessions[i];
    const uint64_t n = random_.poisson(spec.a_day / 1'440 * rate * host_.mix[mixes_.size() + i]);
    for (uint64_t k = 0; k < n; ++k)
      sessions_.push_back(session_of(spec, from_ms + random_.uniform() * kMinute));
  }
  for (; next_planned_ < planned_.size() && planned_[next_planned_].start_ms < from_ms + kMinute;
       ++next_planned_) {
    Session s = session_of(planned_[next_planned_]);
    s.next_ms = std::max(s.next_ms, from_ms);  // one that an outage delayed
    sessions_.push_back(s);
  }
}

// Sends the pieces that start in this minute; the active time-out or the session's end ends a piece.
void HostSource::run_sessions(double to_ms, bool silent, Buckets& out) {
  const auto active = static_cast<double>(network_.exporter().active_ms());
  for (auto& s : sessions_) {
    while (s.next_ms < std::min(s.end_ms, to_ms)) {
      const double end = std::min(s.next_ms + active, s.end_ms);
      const double sampled = (end - s.next_ms) * network_.thinning().p() * random_.lognormal(-0.03, 0.25);
      const uint64_t in = silent ? 0 : random_.poisson(s.in_per_ms * sampled);
      const uint64_t back = silent ? 0 : random_.poisson(s.out_per_ms * sampled);
      network_.exporter().add(random_, s.in, s.next_ms, end, in, in, out);
      network_.exporter().add(random_, s.out, s.next_ms, end, back, back, out);
      s.next_ms = end;
    }
  }
  std::erase_if(sessions_, [](const Session& s) { return s.next_ms >= s.end_ms; });
}

}  // namespace netflowgen::sim

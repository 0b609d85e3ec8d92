#include "sim/traffic/attack_source.h"

#include <algorithm>
#include <cmath>

#include "flow/record.h"

namespace netflowgen::sim {
namespace {

constexpr uint64_t kConnectionsPerMachine = 8;
constexpr std::array<uint16_t, 12> kGuessPorts = {22, 22, 22, 3389, 3389, 443, 25, 993, 5060, 23, 21, 445};

constexpr PacketCount kFloodRequest{5, 0.3};
constexpr PacketCount kFloodResponse{8, 1.0};
constexpr PacketCount kGuessRequest{12, 0.3};
constexpr PacketCount kGuessResponse{10, 0.3};
constexpr PacketSizes kPageSize{52, 1452, 0.75F};
constexpr PacketSizes kLogin{52, 180, 0.5F};

}  // namespace

AttackMixes::AttackMixes(const Thinning& thinning)
    : requests(kFloodRequest, kFloodResponse, 0.4, thinning),
      guesses(kGuessRequest, kGuessResponse, 0.2, thinning) {}

AttackSource::AttackSource(const Network& network, const AttackMixes& mixes, const AttackEvent& event)
    : network_(network),
      mixes_(mixes),
      event_(event),
      random_(stream(network.scenario().seed, Stream::kAttack, event.id)),
      v6_(!network.hosts()[event.victims.front()].address.is_v4()),
      per_machine_(event.type->style == Style::kSlow ? kConnectionsPerMachine : 1) {}

template <typename Rate>
AttackSource::Minute AttackSource::minute_of(int64_t minute, Rate rate) {
  Minute m;
  m.start_ms = static_cast<double>(minute * kMinuteMs);
  for (size_t i = 0; i < kSlots; ++i) {
    const double middle = m.start_ms + (static_cast<double>(i) + 0.5) * kSlotMs;
    const double packets = rate(middle) * kSlotMs;
    m.packets[i] = packets > 0 ? packets * random_.lognormal(-0.02, 0.2) : 0;
    m.total += m.packets[i];
  }
  return m;
}

void AttackSource::generate(int64_t minute, Buckets& out) {
  const auto from = static_cast<double>(minute * kMinuteMs);
  const double to = from + static_cast<double>(kMinuteMs);
  if (to <= event_.preparation_start_ms() || from >= event_.end_ms) {
    if (from >= event_.end_ms) upto_ = {};
    return;
  }
  prepare_sources();
  for (const auto& p : event_.preparation) {
    if (to <= p.start_ms || from >= p.end_ms) continue;
    const Minute m =
        minute_of(minute, [&](double t) { return t >= p.start_ms && t < p.end_ms ? p.packets_per_ms : 0; });
    if (m.total <= 0) continue;
    if (p.kind == Probe::kPulse) send(m, out);
    if (p.kind == Probe::kScan) scan(m, out);
    if (p.kind == Probe::kGuess)
      requests(m, mixes_.guesses, kGuessPorts[event_.id % kGuessPorts.size()], out);
  }
  const Minute m = minute_of(minute, [&](double t) { return event_.packets_per_ms * event_.level_at(t); });
  if (m.total > 0) send(m, out);
}

void AttackSource::send(const Minute& m, Buckets& out) {
  const AttackType& type = *event_.type;
  if (type.style == Style::kRequests) return requests(m, mixes_.requests, event_.dst_port, out);
  if (event_.flow_packets > 0) return flows(m, out);
  const auto part = [&](const Minute& minute, bool answer) {
    event_.spoofed ? spoofed(minute, answer, out) : from_sources(minute, answer, out);
  };
  part(m, false);
  if (type.answer <= 0) return;
  Minute answers = m;
  const double scale = answer_of(m);
  for (auto& p : answers.packets) p *= scale;
  answers.total *= scale;
  part(answers, true);
}

// What a host can answer is limited: thirty times its normal packets.
double AttackSource::answer_of(const Minute& m) const {
  double normal = 0;
  for (const size_t v : event_.victims) normal += network_.hosts()[v].normal_out + 1'000;
  return event_.type->answer * std::min(1.0, 30 * normal / (m.total + 1));
}

double AttackSource::draw_time(const Minute& m) {
  double u = random_.uniform() * m.total;
  size_t i = 0;
  while (i + 1 < kSlots && u >= m.packets[i]) u -= m.packets[i++];
  return m.start_ms + (static_cast<double>(i) + random_.uniform()) * kSlotMs;
}

Leg AttackSource::leg(const IpAddr& source, uint16_t source_port, bool answer) {
  const AttackType& type = *event_.type;
  const Host* host = &network_.hosts()[event_.victims.front()];
  IpAddr to = host->address;
  if (const size_t n = event_.victims.size() + event_.dark.size(); n > 1) {
    const size_t i = random_.below(n);
    if (i < event_.victims.size()) {
      host = &network_.hosts()[event_.victims[i]];
      to = host->address;
    } else {
      to = event_.dark[i - event_.victims.size()];
    }
  }
  Leg l = answer ? network_.outbound(*host, source) : network_.inbound(*host, source);
  (answer ? l.src : l.dst) = to;
  l.protocol = answer ? type.answer_protocol : type.protocol;
  l.flags = l.protocol == flow::kTcp ? FlagRule::kFixed : FlagRule::kNone;
  l.fixed_flags = answer ? type.answer_flags : type.tcp_flags;
  l.fragment = type.fragment && !answer;
  l.sizes = answer ? PacketSizes{type.answer_size, type.answer_size, 0} : type.sizes;
  if (l.protocol == flow::kIcmp) l.icmp = answer ? type.answer_icmp : 8 * 256;
  if ((l.protocol != flow::kTcp && l.protocol != flow::kUdp) || l.fragment) return l;
  const uint16_t port =
      type.dst_port == kAnyPort ? static_cast<uint16_t>(1 + random_.below(65'535)) : event_.dst_port;
  l.src_port = answer ? port : source_port;
  l.dst_port = answer ? source_port : port;
  return l;
}

void AttackSource::spoofed(const Minute& m, bool answer, Buckets& out) {
  const uint16_t fixed = event_.type->src_port;
  for (size_t i = 0; i < kSlots; ++i) {
    const uint64_t seen = random_.poisson(m.packets[i] * network_.thinning().p());
    const uint64_t records = std::min(seen, max_records());
    const double from = m.start_ms + static_cast<double>(i) * kSlotMs;
    for (uint64_t r = 0; r < records; ++r) {
      const uint64_t packets = seen / records + (r < seen % records ? 1 : 0);
      const auto port = fixed != 0 ? fixed : static_cast<uint16_t>(1'024 + random_.below(64'512));
      const Leg l = leg(internet_address(random_.next(), v6_), port, answer);
      network_.exporter().add(random_, l, from, from + kSlotMs, packets, packets, out);
    }
  }
}

void AttackSource::prepare_sources() {
  if (!upto_.empty()) return;
  const uint64_t n = std::max<uint64_t>(1, event_.sources) * per_machine_;
  upto_.resize(n);
  // Machines differ in bandwidth; a slow attack's connections do not.
  Random random = stream(network_.scenario().seed, Stream::kBotnet, event_.id);
  double sum = 0;
  for (auto& u : upto_) u = sum += per_machine_ > 1 ? 1.0 : random.lognormal(0, 1);
  for (auto& u : upto_) u /= sum;
}

IpAddr AttackSource::source_address(uint64_t i) const {
  const bool reflectors = event_.type->origin == Origin::kReflectors;
  const uint64_t pool = reflectors ? 0x5eedu + event_.type->src_port : 0xb07u + (event_.botnet << 20);
  const uint64_t seed = base::mix64(static_cast<uint64_t>(network_.scenario().seed));
  // An event uses its own part of a botnet or of the world's reflectors, overlapping with others'.
  uint64_t members = reflectors ? 20'000 : 8'000;
  if (event_.own != nullptr) members = std::max(members, 4 * event_.sources);
  const uint64_t member = base::mix64(event_.id * 7919 + i / per_machine_) % members;
  return pool_address(seed ^ pool, member, v6_);
}

uint16_t AttackSource::source_port(uint64_t i) const {
  if (event_.type->src_port != 0) return event_.type->src_port;
  return static_cast<uint16_t>(1'024 + base::mix64(event_.id << 32 ^ i) % 64'000);
}

uint64_t AttackSource::draw_source() {
  const auto it = std::upper_bound(upto_.begin(), upto_.end(), random_.uniform());
  return static_cast<uint64_t>(std::min(it - upto_.begin(), static_cast<std::ptrdiff_t>(upto_.size()) - 1));
}

void AttackSource::from_sources(const Minute& m, bool answer, Buckets& out) {
  const double expected = m.total * network_.thinning().p();
  const bool single =
      event_.type->new_tuple || event_.type->dst_port == kAnyPort || event_.victims.size() > 1;
  if (single || expected < static_cast<double>(upto_.size())) {
    const uint64_t seen = random_.poisson(expected);
    const uint64_t records = std::min(seen, max_records() * kSlots);
    for (uint64_t r = 0; r < records; ++r) {
      const uint64_t packets = seen / records + (r < seen % records ? 1 : 0);
      const uint64_t i = draw_source();
      const uint16_t port = event_.type->new_tuple ? ephemeral_port(random_) : source_port(i);
      const double at = draw_time(m);
      network_.exporter().add(random_, leg(source_address(i), port, answer), at, at, packets, packets, out);
    }
    return;
  }
  // One record a machine: from the first active slot to the last.
  size_t first = 0;
  size_t last = kSlots;
  while (m.packets[first] <= 0) ++first;
  while (m.packets[last - 1] <= 0) --last;
  const double from = m.start_ms + static_cast<double>(first) * kSlotMs;
  const double to = m.start_ms + static_cast<double>(last) * kSlotMs;
  double before = 0;
  for (uint64_t i = 0; i < upto_.size(); ++i) {
    const uint64_t seen = random_.poisson(expected * (upto_[i] - before));
    before = upto_[i];
    if (seen == 0) continue;
    network_.exporter().add(random_, leg(source_address(i), source_port(i), answer), from, to, seen, seen,
                            out);
  }
}

void AttackSource::requests(const Minute& m, const ConversationMix& mix, uint16_t port, Buckets& out) {
  const bool guess = &mix == &mixes_.guesses;
  const uint64_t n = random_.poisson(m.total / mix.mean_forward() * mix.survival());
  const Host& host = network_.hosts()[event_.victims[random_.below(event_.victims.size())]];
  for (uint64_t r = 0; r < std::min(n, max_records() * kSlots); ++r) {
    const Counts c = mix.draw(random_);
    const uint64_t i = guess ? random_.below(3) : draw_source();
    const IpAddr peer = source_address(i);
    const double at = draw_time(m);
    const double end = std::max(at, std::min(event_.end_ms - 1, at + random_.uniform(100, 4'000)));
    Leg in = network_.inbound(host, peer);
    Leg back = network_.outbound(host, peer);
    in.src_port = back.dst_port = ephemeral_port(random_);
    in.dst_port = back.src_port = port;
    in.protocol = back.protocol = flow::kTcp;
    in.flags = FlagRule::kOpener;
    back.flags = FlagRule::kAnswer;
    in.reset = back.reset = random_.chance(0.3);
    in.sizes = guess ? kLogin : event_.type->style == Style::kRequests ? event_.type->sizes : kLogin;
    back.sizes = guess ? kLogin : kPageSize;
    network_.exporter().add(random_, in, at, end, c.forward, c.seen_forward, out);
    network_.exporter().add(random_, back, at, end, c.reverse, c.seen_reverse, out);
  }
}

// A handful of machines probe ports with single SYNs; closed ones answer RST.
void AttackSource::scan(const Minute& m, Buckets& out) {
  const Host& host = network_.hosts()[event_.victims[random_.below(event_.victims.size())]];
  for (const bool answer : {false, true}) {
    const uint64_t n = random_.poisson(m.total * network_.thinning().p() * (answer ? 0.7 : 1.0));
    for (uint64_t r = 0; r < std::min(n, max_records()); ++r) {
      const IpAddr peer = source_address(random_.below(3));
      Leg l = answer ? network_.outbound(host, peer) : network_.inbound(host, peer);
      const auto port = static_cast<uint16_t>(1 + random_.below(10'000));
      const uint16_t own = ephemeral_port(random_);
      l.src_port = answer ? port : own;
      l.dst_port = answer ? own : port;
      l.protocol = flow::kTcp;
      l.flags = FlagRule::kFixed;
      l.fixed_flags = answer ? flow::kRst | flow::kAck : flow::kSyn;
      l.sizes = {44, 44, 0};
      const double at = draw_time(m);
      network_.exporter().add(random_, l, at, at, 1, 1, out);
    }
  }
}

}  // namespace netflowgen::sim

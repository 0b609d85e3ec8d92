// Attacks whose flows have a given number of packets: connections that are opened and closed, one packet a
// flow, or thousands in each, with the victim's answer in the other direction of the same flow.
#include <algorithm>
#include <cmath>

#include "flow/record.h"
#include "sim/traffic/attack_source.h"

namespace netflowgen::sim {
namespace {

uint64_t about(Random& random, double mean) {  // a whole number with this mean
  const double whole = std::floor(mean);
  return static_cast<uint64_t>(whole) + (random.chance(mean - whole) ? 1 : 0);
}

Leg reversed(const Leg& l, const AttackType& type) {
  Leg back = l;
  std::swap(back.src, back.dst);
  std::swap(back.src_port, back.dst_port);
  std::swap(back.in_if, back.out_if);
  back.protocol = type.answer_protocol;
  back.fragment = false;
  back.sizes = {type.answer_size, type.answer_size, 0};
  back.flags = back.protocol == flow::kTcp ? FlagRule::kFixed : FlagRule::kNone;
  back.fixed_flags = type.answer_flags;
  if (back.protocol == flow::kIcmp) {
    back.icmp = type.answer_icmp;
    back.src_port = back.dst_port = 0;
  }
  return back;
}

}  // namespace

// Packets seen of a whole flow are drawn given at least one (thinning.h), then dealt to its two directions.
void AttackSource::flows(const Minute& m, Buckets& out) {
  const double answer = answer_of(m);
  const double both = event_.flow_packets * (1 + answer);
  const double expected = m.total / event_.flow_packets * network_.thinning().survival(both);
  const uint64_t n = random_.poisson(expected);
  const uint64_t records = std::min<uint64_t>(n, max_records() * kSlots);
  const double left = event_.end_ms - m.start_ms;
  const double length = std::min({event_.flow_ms, 0.5 * (event_.end_ms - event_.start_ms), left});
  for (uint64_t r = 0; r < records; ++r)
    one_flow(m, length, answer, n / records + (r < n % records ? 1 : 0), out);
}

void AttackSource::one_flow(const Minute& m, double length_ms, double answer, uint64_t share, Buckets& out) {
  const double fp = event_.flow_packets;
  const uint64_t forward =
      fp < 1.5 ? 1 : std::max<uint64_t>(1, about(random_, fp * random_.lognormal(-0.045, 0.3)));
  const uint64_t reverse = about(random_, static_cast<double>(forward) * answer);
  const uint64_t seen = network_.thinning().thin_some(random_, forward + reverse);
  const double part = static_cast<double>(forward) / static_cast<double>(forward + reverse);
  const uint64_t low = seen > reverse ? seen - reverse : 0;
  const uint64_t seen_forward = std::clamp(binomial(random_, seen, part), low, std::min(seen, forward));
  const double at = draw_time(m);
  const double span = length_ms * random_.lognormal(-0.045, 0.3);
  const double latest = std::min(event_.end_ms - 1, at + static_cast<double>(kMaxConversationMs));
  const double end = forward + reverse == 1 ? at : std::max(at, std::min(latest, at + span));
  const uint64_t i = event_.spoofed ? 0 : draw_source();
  const IpAddr source = event_.spoofed ? internet_address(random_.next(), v6_) : source_address(i);
  const uint16_t fixed = event_.type->src_port;
  Leg in = leg(source, fixed != 0 ? fixed : ephemeral_port(random_), false);
  Leg back = reversed(in, *event_.type);
  if (event_.connections && in.protocol == flow::kTcp) {
    in.flags = FlagRule::kOpener;
    back.flags = FlagRule::kAnswer;
    in.reset = back.reset = random_.chance(0.15);
  }
  network_.exporter().add(random_, in, at, end, forward, seen_forward * share, out);
  if (std::binary_search(event_.dark.begin(), event_.dark.end(), in.dst)) return;
  network_.exporter().add(random_, back, at, end, reverse, (seen - seen_forward) * share, out);
}

}  // namespace netflowgen::sim

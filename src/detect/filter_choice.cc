#include "detect/filter_choice.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "detect/attack_type.h"
#include "series/features.h"

namespace netflowgen::detect {
namespace {

constexpr double kDominates = 0.6;  // a part of the traffic that a filter may single out
constexpr double kOneSource = 0.75;
constexpr uint64_t kLeastFlows = 8;  // of the usual sample; with fewer, the usual features give a bound
constexpr double kHeadroom = 2;   // a rate limit is this many times what is usual of the traffic that it hits
constexpr double kSynBytes = 60;  // of a SYN with options
constexpr double kLeastRate = 1000;  // bytes a second

// The number of the largest talker, and its share.
std::pair<int, double> top_number(const std::vector<Talker>& talkers) {
  if (talkers.empty()) return {-1, 0};
  int number = -1;
  const std::string& name = talkers[0].name;
  std::from_chars(name.data(), name.data() + name.size(), number);
  return {number, talkers[0].share};
}

void narrow_by_flows(const FlowEvidence& flows, Filter& f) {
  const auto [protocol, protocol_share] = top_number(flows.protocols);
  if (protocol >= 0 && protocol_share >= kDominates) f.protocol = static_cast<uint8_t>(protocol);
  const bool ports = f.protocol && (*f.protocol == flow::kTcp || *f.protocol == flow::kUdp);
  const auto [src, src_share] = top_number(flows.source_ports);
  const auto [dst, dst_share] = top_number(flows.ports);
  f.fragments = flows.fragment_share >= kDominates;
  if (ports && !f.fragments && src >= 0 && src_share >= kDominates) f.src_port = static_cast<uint16_t>(src);
  if (ports && !f.fragments && dst >= 0 && dst_share >= kDominates) f.dst_port = static_cast<uint16_t>(dst);
  f.syn_only = f.protocol == flow::kTcp && flows.syn_share >= kDominates;
  if (!flows.sources.empty() && flows.sources[0].share >= kOneSource) {
    const auto source = base::Prefix::parse(flows.sources[0].name);
    if (source && source->address.is_v4() == f.destination.address.is_v4()) f.source = source;
  }
}

void narrow_by_type(std::string_view type, Filter& f) {
  f.protocol = protocol_of_type(type, f.destination.address.is_v4());
  f.syn_only = type == "syn_flood";
  f.fragments = type == "fragment_flood";
  f.src_port = reflector_port(type);
}

double covered_share(const Filter& f, std::span<const SampledFlow> sample) {
  double all = 0;
  double covered = 0;
  for (const auto& s : sample) {
    const double packets = static_cast<double>(s.packets) * s.weight;
    all += packets;
    if (matches(f, s)) covered += packets;
  }
  return all > 0 ? covered / all : 0;
}

double feature(const Usual& usual, int index) {
  return usual.frame.empty() ? std::nan("") : static_cast<double>(usual.frame[static_cast<size_t>(index)]);
}

// The most that the filter can hit by the node's usual shares; NaN: they are not known.
double bound_by_features(const Usual& usual, const Filter& f) {
  double bound = std::nan("");
  const auto limit = [&bound](double share) {
    if (!std::isnan(share)) bound = std::isnan(bound) ? share : std::min(bound, share);
  };
  if (!(feature(usual, series::kPacketsIn) > 0) && !(feature(usual, series::kFlowsIn) > 0)) return bound;
  if (f.protocol) {
    const bool icmp = *f.protocol == flow::kIcmp || *f.protocol == flow::kIcmp6;
    limit(feature(usual, *f.protocol == flow::kTcp   ? series::kTcpShareIn
                         : *f.protocol == flow::kUdp ? series::kUdpShareIn
                         : icmp                      ? series::kIcmpShareIn
                                                     : series::kOtherShareIn));
  } else {
    limit(1);
  }
  if (f.fragments) limit(feature(usual, series::kFragmentShareIn));
  if (f.src_port && f.protocol == flow::kUdp) limit(feature(usual, series::kReflectorShareIn));
  return bound;
}

// Twice what is usual of the traffic that the filter hits, bytes a second; NaN: not known.
double usual_rate(const Usual& usual, const Filter& f, const Collateral& c) {
  const double packets = feature(usual, series::kPacketsIn);
  const double bytes = feature(usual, series::kBytesIn);
  double a_step = bytes * (c.flows >= kLeastFlows ? c.bytes : f.collateral);
  if (f.syn_only && c.flows >= kLeastFlows && c.syns_per_packet > 0)
    a_step = packets * c.syns_per_packet * kSynBytes;
  return std::max(kLeastRate, kHeadroom * a_step / usual.step_seconds);
}

}  // namespace

void assess(const Usual& usual, Filter& f) {
  const Collateral c = usual.traffic == nullptr ? Collateral{} : usual.traffic->collateral(f);
  const bool sampled = c.flows >= kLeastFlows;
  f.collateral = sampled ? c.packets : bound_by_features(usual, f);
  f.usual_flows = sampled ? c.flows : 0;
  f.action = FilterAction::kDrop;
  f.reason.clear();
  f.rate_bytes = 0;
  if (std::isnan(f.collateral)) {
    const bool specific = f.source || f.src_port || f.fragments;
    if (specific) return;
    f.action = FilterAction::kNone;
    f.reason = "what the node usually receives is not known yet";
    return;
  }
  if (f.collateral <= kDropCollateral) return;
  const double rate = usual_rate(usual, f, c);
  const bool limit = (f.collateral <= kLimitCollateral || f.syn_only) && !std::isnan(rate);
  f.action = limit ? FilterAction::kRateLimit : FilterAction::kNone;
  f.rate_bytes = limit ? rate : 0;
  f.reason = fmt::format("a drop would cut off {}{:.0f} % of the node's usual traffic",
                         sampled ? "" : "up to ", std::max(1.0, 100 * f.collateral));
}

std::optional<Filter> suggest_filter(std::string_view node, std::string_view type, const FlowEvidence* flows,
                                     std::span<const SampledFlow> sample, const Usual& usual) {
  const auto destination = NodeMatch(node).destination();
  if (!destination) return std::nullopt;
  Filter f;
  f.destination = *destination;
  if (flows != nullptr && flows->sampled > 0) {
    narrow_by_flows(*flows, f);
  } else {
    narrow_by_type(type, f);
  }
  f.covers = covered_share(f, sample);
  assess(usual, f);
  return f;
}

}  // namespace netflowgen::detect

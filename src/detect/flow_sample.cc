#include "detect/flow_sample.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <functional>
#include <iterator>

#include "base/random.h"
#include "flow/settle.h"

namespace netflowgen::detect {
namespace {

constexpr size_t kTop = 5;

uint64_t hash_of(const flow::Flow& f) {
  uint64_t h = f.src.hash() ^ base::mix64(f.dst.hash());
  h = base::mix64(h ^ (uint64_t{f.src_port} << 32 | uint64_t{f.dst_port} << 16 | f.protocol));
  return base::mix64(h ^ static_cast<uint64_t>(f.start_ms) ^ f.bytes << 20);
}

// Flows whose hash has none of the lowest `level` bits are in the sample.
bool kept(uint64_t hash, unsigned level) { return (hash & ((uint64_t{1} << level) - 1)) == 0; }

struct Sum {
  double packets = 0;
  double bytes = 0;
  double flows = 0;
};

template <typename Key>
std::vector<Talker> top(const std::map<Key, Sum>& sums, double all,
                        const std::function<std::string(const Key&)>& name) {
  std::vector<std::pair<Key, Sum>> order(sums.begin(), sums.end());
  const size_t n = std::min(kTop, order.size());
  std::partial_sort(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(n), order.end(),
                    [](const auto& a, const auto& b) {
                      return a.second.packets != b.second.packets ? a.second.packets > b.second.packets
                                                                  : a.first < b.first;
                    });
  std::vector<Talker> talkers;
  for (size_t i = 0; i < n; ++i) {
    const Sum& s = order[i].second;
    talkers.push_back({name(order[i].first), all > 0 ? s.packets / all : 0, s.packets, s.bytes, s.flows});
  }
  return talkers;
}

uint64_t times(uint64_t x, uint32_t rate) {
  uint64_t y = 0;
  return __builtin_mul_overflow(x, rate, &y) ? UINT64_MAX : y;
}

}  // namespace

NodeMatch::NodeMatch(std::string_view node) {
  const auto number_after = [&](size_t at) {
    const auto* const end = node.data() + node.size();
    const auto [stop, error] = std::from_chars(node.data() + at, end, number_);
    return error == std::errc() && stop == end;
  };
  if (const size_t hash = node.find('#'); hash != std::string_view::npos) {
    const auto exporter = base::Prefix::parse(node.substr(0, hash));
    if (!exporter || !number_after(hash + 1)) return;
    prefix_ = *exporter;
    kind_ = Kind::kInterface;
  } else if (const auto prefix = base::Prefix::parse(node)) {
    prefix_ = *prefix;
    kind_ = Kind::kPrefix;
  } else if (node.starts_with("AS") && number_after(2)) {
    kind_ = Kind::kAs;
  }
}

bool NodeMatch::operator()(const SampledFlow& f) const {
  switch (kind_) {
    case Kind::kPrefix:
      return prefix_.length == 128 ? f.dst == prefix_.address : prefix_.contains(f.dst);
    case Kind::kInterface:
      return f.exporter == prefix_.address && f.in_if == number_;
    case Kind::kAs:
      return f.dst_as == number_;
    case Kind::kNone:
      break;
  }
  return false;
}

std::optional<base::Prefix> NodeMatch::destination() const {
  return kind_ == Kind::kPrefix ? std::optional(prefix_) : std::nullopt;
}

void FlowSample::add(std::span<const flow::Flow> flows) {
  for (const auto& f : flows) {
    if (flow::role_of(f) != flow::FlowRole::kTraffic) continue;  // evidence is traffic
    const int64_t number = base::step_of(f.start_ms, step_ms_);
    auto it = steps_.find(number);
    if (it == steps_.end()) {
      if (steps_.size() >= kMostSteps) {
        if (number < steps_.begin()->first) continue;
        steps_.erase(steps_.begin());
      }
      it = steps_.emplace(number, Step{}).first;
    }
    Step& step = it->second;
    const uint64_t hash = hash_of(f);
    if (!kept(hash, step.level)) continue;
    const uint64_t packets = std::max<uint64_t>(1, times(f.packets, f.sampling));
    ++step.changes;
    step.flows.push_back({f.src, f.dst, f.exporter, times(f.bytes, f.sampling), packets, hash, 1, f.sampling,
                          f.flows, f.in_if, f.dst_as, f.src_port, f.dst_port, f.protocol, f.tcp_flags,
                          f.fragment, f.has(flow::kKnownPorts), f.has(flow::kKnownTcpFlags)});
    while (step.flows.size() > cap_ && step.level < 60) {
      ++step.level;
      std::erase_if(step.flows, [&](const SampledFlow& s) { return !kept(s.hash, step.level); });
    }
  }
}

void FlowSample::find(const Step& step, const NodeMatch& node, std::vector<SampledFlow>& found) {
  const auto prefix = node.destination();
  if (!prefix) {  // an interface or AS, of which there are few
    std::ranges::copy_if(step.flows, std::back_inserter(found), node);
    return;
  }
  if (step.indexed != step.changes) {
    step.to.clear();
    for (size_t i = 0; i < step.flows.size(); ++i)
      step.to.emplace_back(step.flows[i].dst, static_cast<uint32_t>(i));
    std::ranges::sort(step.to);
    step.indexed = step.changes;
  }
  std::vector<uint32_t> places;
  for (auto it =
           std::ranges::lower_bound(step.to, prefix->address, {}, [](const auto& t) { return t.first; });
       it != step.to.end() && node(step.flows[it->second]); ++it) {
    places.push_back(it->second);
  }
  std::ranges::sort(places);
  for (const uint32_t i : places) found.push_back(step.flows[i]);
}

std::vector<SampledFlow> FlowSample::flows(const NodeMatch& node, int64_t first, int64_t last) const {
  std::vector<SampledFlow> found;
  for (auto it = steps_.lower_bound(first); it != steps_.end() && it->first <= last; ++it) {
    const size_t before = found.size();
    find(it->second, node, found);
    for (size_t i = before; i < found.size(); ++i)
      found[i].weight = static_cast<double>(uint64_t{1} << it->second.level);
  }
  return found;
}

std::vector<SampledFlow> FlowSample::step(int64_t step) const {
  const auto it = steps_.find(step);
  if (it == steps_.end()) return {};
  std::vector<SampledFlow> flows = it->second.flows;
  for (auto& f : flows) f.weight = static_cast<double>(uint64_t{1} << it->second.level);
  return flows;
}

FlowEvidence FlowSample::evidence(std::span<const SampledFlow> flows) {
  std::map<base::IpAddr, Sum> sources;
  std::map<base::IpAddr, Sum> exporters;
  std::map<uint16_t, Sum> source_ports;
  std::map<uint16_t, Sum> ports;
  std::map<uint8_t, Sum> protocols;
  double all = 0;
  FlowEvidence e;
  TcpFlowCounter tcp;
  for (const auto& f : flows) {
    const auto packets = static_cast<double>(f.packets) * f.weight;
    const auto add = [&](Sum& s) {
      s.packets += packets;
      s.bytes += static_cast<double>(f.bytes) * f.weight;
      s.flows += f.weight * static_cast<double>(f.flows);
    };
    all += packets;
    add(sources[f.src]);
    if (!f.exporter.is_zero()) add(exporters[f.exporter]);
    if (f.ported && (f.protocol == flow::kTcp || f.protocol == flow::kUdp)) {
      add(source_ports[f.src_port]);
      add(ports[f.dst_port]);
    }
    add(protocols[f.protocol]);
    e.sampled_packets += f.sampled_packets();
    if (f.protocol == flow::kTcp) tcp.add(f.sampled_packets(), f.flows, f.sampling, f.flagged, f.tcp_flags);
    const bool syn = f.protocol == flow::kTcp && (f.tcp_flags & (flow::kSyn | flow::kAck)) == flow::kSyn;
    e.syn_share += syn ? packets : 0;
    e.fragment_share += f.fragment != 0 ? packets : 0;
  }
  const auto address = [](const base::IpAddr& a) { return a.to_string(); };
  const auto number = [](const auto& n) { return fmt::format("{}", n); };
  e.sources = top<base::IpAddr>(sources, all, address);
  e.exporters = top<base::IpAddr>(exporters, all, address);
  e.source_ports = top<uint16_t>(source_ports, all, number);
  e.ports = top<uint16_t>(ports, all, number);
  e.protocols = top<uint8_t>(protocols, all, number);
  e.sampled = flows.size();
  e.distinct_sources = sources.size();
  e.tcp = tcp.evidence();
  e.syn_share = all > 0 ? e.syn_share / all : 0;
  e.fragment_share = all > 0 ? e.fragment_share / all : 0;
  return e;
}

size_t FlowSample::held() const {
  size_t n = 0;
  for (const auto& [number, step] : steps_) n += step.flows.size();
  return n;
}

unsigned FlowSample::level(int64_t step) const {
  const auto it = steps_.find(step);
  return it == steps_.end() ? 0 : it->second.level;
}

}  // namespace netflowgen::detect

#include "serve/history/breakdown.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <set>
#include <tuple>

#include "flow/protocol.h"
#include "flow/service.h"
#include "flow/settle.h"

namespace netflowgen::serve {
namespace {

constexpr std::string_view kDimensionNames[] = {"source", "destination", "port", "protocol", "exporter"};

// Which ports have a service's name, by protocol.
struct Services {
  std::vector<bool> tcp = std::vector<bool>(65536);
  std::vector<bool> udp = std::vector<bool>(65536);
  Services() {
    for (uint32_t p = 0; p < 65536; ++p) {
      tcp[p] = !flow::service_name(static_cast<uint16_t>(p), flow::kTcp).empty();
      udp[p] = !flow::service_name(static_cast<uint16_t>(p), flow::kUdp).empty();
    }
  }
};

// The end of a flow that has a service's port; where neither or both have, the lower port.
uint16_t service_of(const flow::Flow& f) {
  static const Services services;
  const auto& named = f.protocol == flow::kUdp ? services.udp : services.tcp;
  const bool src = named[f.src_port];
  const bool dst = named[f.dst_port];
  if (src != dst) return src ? f.src_port : f.dst_port;
  if (f.src_port == 0 || f.dst_port == 0) return std::max(f.src_port, f.dst_port);
  return std::min(f.src_port, f.dst_port);
}

std::string protocol_text(uint32_t number) {
  const auto name = flow::protocol_name(static_cast<uint8_t>(number));
  return name.empty() ? std::to_string(number) : std::string(name);
}

Amount amount_of(const flow::Flow& f) {
  Amount a;
  const auto rate = static_cast<double>(f.sampling);
  if (f.has(flow::kKnownBytes)) a.bytes = static_cast<double>(f.bytes) * rate;
  if (f.has(flow::kKnownPackets)) a.packets = static_cast<double>(f.packets) * rate;
  a.flows = static_cast<double>(f.flows);
  a.known = static_cast<uint8_t>((f.has(flow::kKnownBytes) ? 1 : 0) | (f.has(flow::kKnownPackets) ? 2 : 0));
  return a;
}

}  // namespace

std::string_view name_of(Dimension dimension) { return kDimensionNames[static_cast<size_t>(dimension)]; }

std::optional<Dimension> parse_dimension(std::string_view text) {
  for (size_t d = 0; d < kDimensions; ++d) {
    if (kDimensionNames[d] == text) return static_cast<Dimension>(d);
  }
  return std::nullopt;
}

std::string label_of(Dimension dimension, const std::string& name) {
  if (dimension != Dimension::kPort) return name;
  const size_t slash = name.find('/');
  if (slash == std::string::npos) return name;
  uint16_t port = 0;
  std::from_chars(name.data() + slash + 1, name.data() + name.size(), port);
  const auto service = flow::service_name(port, name.starts_with("udp") ? flow::kUdp : flow::kTcp);
  return service.empty() ? name : fmt::format("{} {}", name, service);
}

template <typename Key, typename Hash>
void Breakdown::Counter<Key, Hash>::add(const Key& key, const Amount& amount) {
  names[key].add(amount);
  if (names.size() <= 2 * kNames) return;
  std::vector<double> sizes;  // a name stays for what it has most of
  const auto size = [](const Amount& a) { return std::max(a.bytes / 500, a.packets); };
  sizes.reserve(names.size());
  for (const auto& [name, a] : names) sizes.push_back(size(a));
  std::nth_element(sizes.begin(), sizes.begin() + kNames, sizes.end(), std::greater<>());
  const double least = sizes[kNames];
  boost::unordered::erase_if(names, [&](const auto& entry) { return size(entry.second) <= least; });
}

template <typename Key, typename Hash>
void Breakdown::Counter<Key, Hash>::merge(const Counter& other) {
  for (const auto& [name, amount] : other.names) add(name, amount);
}

template <typename Key, typename Hash>
template <typename Name>
std::vector<Share> Breakdown::Counter<Key, Hash>::top(Name name) const {
  std::vector<std::pair<Key, Amount>> all(names.begin(), names.end());
  std::set<Key> chosen;
  std::vector<Share> listed;
  for (const auto counter : {&Amount::bytes, &Amount::packets, &Amount::flows}) {
    const size_t n = std::min(kListed, all.size());
    const auto more = [counter](const auto& a, const auto& b) {
      return std::tie(b.second.*counter, a.first) < std::tie(a.second.*counter, b.first);
    };
    std::partial_sort(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(n), all.end(), more);
    for (size_t i = 0; i < n; ++i) {
      if (chosen.insert(all[i].first).second) listed.push_back({name(all[i].first), all[i].second});
    }
  }
  std::stable_sort(listed.begin(), listed.end(),
                   [](const Share& a, const Share& b) { return a.amount.bytes > b.amount.bytes; });
  return listed;
}

void Breakdown::Step::merge(const Step& other) {
  total.add(other.total);
  sources.merge(other.sources);
  destinations.merge(other.destinations);
  exporters.merge(other.exporters);
  ports.merge(other.ports);
  protocols.merge(other.protocols);
}

void Breakdown::add(const flow::Flow& f, Step& step, bool names) {
  const Amount a = amount_of(f);
  step.total.add(a);
  if (!names) return;
  if (f.has(flow::kKnownAddresses)) {
    step.sources.add(f.src, a);
    step.destinations.add(f.dst, a);
  }
  if (!f.exporter.is_zero()) step.exporters.add(f.exporter, a);
  if (!f.has(flow::kKnownProtocol)) return;
  step.protocols.add(f.protocol, a);
  if (f.has(flow::kKnownPorts) && (f.protocol == flow::kTcp || f.protocol == flow::kUdp)) {
    step.ports.add(uint32_t{f.protocol} << 16 | service_of(f), a);
  }
}

void Breakdown::add(std::span<const flow::Flow> flows, bool names) {
  for (const auto& f : flows) {
    if (flow::role_of(f) != flow::FlowRole::kTraffic) continue;
    int64_t step = base::step_of(f.end_ms > f.start_ms ? f.end_ms - 1 : f.end_ms, step_ms_);
    if (step <= closed_) step = closed_ + 1;
    auto it = open_.find(step);
    if (it == open_.end()) {
      // A clock that is wrong must not open steps without end: the newest one is dropped.
      if (open_.size() >= kSteps && step > open_.rbegin()->first) continue;
      it = open_.emplace(step, std::make_unique<Step>()).first;
      if (open_.size() > kSteps) open_.erase(std::prev(open_.end()));
    }
    add(f, *it->second, names);
  }
}

BreakdownTable Breakdown::close(int64_t step) {
  const auto end = open_.upper_bound(step);
  Step all;
  const Step* only = &all;
  if (open_.begin() != end && std::next(open_.begin()) == end) {
    only = open_.begin()->second.get();  // the usual case: nothing to merge
  } else {
    for (auto it = open_.begin(); it != end; ++it) all.merge(*it->second);
  }
  const auto address = [](const base::IpAddr& a) { return a.to_string(); };
  BreakdownTable table{only->total, {}};
  table.top = {
      only->sources.top(address), only->destinations.top(address),
      only->ports.top([](uint32_t k) { return fmt::format("{}/{}", protocol_text(k >> 16), k & 0xffff); }),
      only->protocols.top([](uint32_t k) { return protocol_text(k); }), only->exporters.top(address)};
  open_.erase(open_.begin(), end);
  closed_ = std::max(closed_, step);
  return table;
}

Amount Breakdown::open_total(int64_t& step) const {
  if (open_.empty()) return {};
  step = open_.rbegin()->first;
  return open_.rbegin()->second->total;
}

}  // namespace netflowgen::serve

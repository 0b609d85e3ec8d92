#include "detect/usual_traffic.h"

#include <algorithm>
#include <cmath>

#include "base/random.h"
#include "base/time.h"

namespace netflowgen::detect {
namespace {

constexpr double kHalfLifeMs = static_cast<double>(base::kDayMs);

// In (0, 1], from the flow's hash: the same flow has the same number wherever it is met.
double uniform_of(uint64_t hash) {
  return (static_cast<double>(base::mix64(hash ^ 0x7573'7561'6c) >> 11) + 1) * 0x1p-53;
}

bool higher(const UsualFlow& a, const UsualFlow& b) { return a.log_priority > b.log_priority; }

UsualFlow usual_of(const SampledFlow& f) {
  const double packets = std::max(1.0, static_cast<double>(f.packets));
  UsualFlow u;
  u.src = f.src;
  u.bytes_per_packet = static_cast<float>(static_cast<double>(f.bytes) / packets);
  // A record with SYN has seen one, which represents `sampling` of them.
  const bool syn = f.protocol == flow::kTcp && (f.tcp_flags & flow::kSyn) != 0;
  u.syns_per_packet =
      syn ? static_cast<float>(std::min(1.0, static_cast<double>(f.sampling) / packets)) : 0.0f;
  u.src_port = f.src_port;
  u.dst_port = f.dst_port;
  u.protocol = f.protocol;
  u.tcp_flags = f.tcp_flags;
  u.fragment = f.fragment != 0;
  u.ported = f.ported;
  return u;
}

template <typename F>
bool addresses_and_ports_match(const Filter& filter, const F& flow) {
  if (filter.source && !filter.source->contains(flow.src)) return false;
  if (filter.protocol && *filter.protocol != flow.protocol) return false;
  if (filter.src_port && !(flow.ported && *filter.src_port == flow.src_port)) return false;
  return !filter.dst_port || (flow.ported && *filter.dst_port == flow.dst_port);
}

}  // namespace

bool matches(const Filter& filter, const SampledFlow& f) {
  if (!addresses_and_ports_match(filter, f)) return false;
  if (filter.syn_only && (f.tcp_flags & (flow::kSyn | flow::kAck)) != flow::kSyn) return false;
  return !filter.fragments || f.fragment != 0;
}

bool hits(const Filter& filter, const UsualFlow& f) {
  if (!addresses_and_ports_match(filter, f)) return false;
  if (filter.fragments && !f.fragment) return false;
  if (!filter.syn_only) return true;
  // Opened by the peer: to a service's port, which is the lower one, or with a SYN that was seen.
  const bool syn = (f.tcp_flags & (flow::kSyn | flow::kAck)) == flow::kSyn;
  return syn || filter.dst_port.has_value() || (f.ported && f.dst_port < f.src_port);
}

void UsualTraffic::add(int64_t step, int64_t step_ms, std::span<const SampledFlow> flows,
                       double most_packets) {
  double packets = 0;
  for (const auto& f : flows) packets += static_cast<double>(f.packets) * f.weight;
  const double scale = most_packets > 0 ? std::min(1.0, most_packets / packets) : 1.0;
  const double age = static_cast<double>(step) * static_cast<double>(step_ms) / kHalfLifeMs;
  for (const auto& f : flows) {
    UsualFlow u = usual_of(f);
    u.log_weight = std::log2(std::max(1.0, static_cast<double>(f.packets)) * f.weight * scale) + age;
    u.log_priority = u.log_weight - std::log2(uniform_of(f.hash));
    keep(u);
  }
}

void UsualTraffic::keep(const UsualFlow& flow) {
  if (flow.log_priority <= log_threshold_) return;
  flows_.push_back(flow);
  std::push_heap(flows_.begin(), flows_.end(), higher);
  if (flows_.size() <= kUsualFlows) return;
  std::pop_heap(flows_.begin(), flows_.end(), higher);
  log_threshold_ = flows_.back().log_priority;
  flows_.pop_back();
}

void UsualTraffic::merge(const UsualTraffic& other) {
  log_threshold_ = std::max(log_threshold_, other.log_threshold_);
  std::erase_if(flows_, [&](const UsualFlow& f) { return f.log_priority <= log_threshold_; });
  std::make_heap(flows_.begin(), flows_.end(), higher);
  for (const auto& f : other.flows_) keep(f);
}

Collateral UsualTraffic::collateral(const Filter& filter) const {
  Collateral c;
  c.flows = flows_.size();
  if (flows_.empty()) return c;
  double top = log_threshold_;
  for (const auto& f : flows_) top = std::max(top, f.log_weight);
  double packets = 0;
  double bytes = 0;
  double hit_packets = 0;
  double hit_bytes = 0;
  double syns = 0;
  for (const auto& f : flows_) {
    const double w = std::exp2(std::max(f.log_weight, log_threshold_) - top);
    const double b = w * static_cast<double>(f.bytes_per_packet);
    packets += w;
    bytes += b;
    if (!hits(filter, f)) continue;
    hit_packets += w;
    hit_bytes += b;
    syns += w * static_cast<double>(f.syns_per_packet);
  }
  c.packets = hit_packets / packets;
  c.bytes = bytes > 0 ? hit_bytes / bytes : c.packets;
  c.syns_per_packet = syns / packets;
  return c;
}

void UsualTraffic::set(std::vector<UsualFlow> flows, double log_threshold) {
  flows_ = std::move(flows);
  std::make_heap(flows_.begin(), flows_.end(), higher);
  log_threshold_ = log_threshold;
}

}  // namespace netflowgen::detect

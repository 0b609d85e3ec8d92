#include "report/survey.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "series/ports.h"
#include "series/sketch.h"

namespace netflowgen::report {
namespace {

constexpr int64_t kRepeatMs = 120'000;
constexpr uint8_t kSflow = 105;

// A removal may not wrap: what was saturated or let go is less than what is taken off.
void subtract(uint64_t& sum, uint64_t v) { sum -= std::min(sum, v); }

bool has_low_bits(uint64_t hash, unsigned level) { return (hash & ((uint64_t{1} << level) - 1)) == 0; }

uint64_t hash_words(uint64_t seed, std::initializer_list<uint64_t> words) {
  for (const uint64_t w : words) seed = base::mix64(seed ^ w);
  return seed;
}

uint64_t key_of(const flow::Flow& f) {
  return hash_words(f.src.hash(), {f.dst.hash(), uint64_t{f.src_port} << 16 | f.dst_port,
                                   uint64_t{f.protocol} << 16 | f.icmp_type_code});
}

}  // namespace

void Volume::add(const Volume& v) {
  series::saturating_add(flows, v.flows);
  series::saturating_add(packets, v.packets);
  series::saturating_add(bytes, v.bytes);
}

void Volume::remove(const Volume& v) {
  subtract(flows, v.flows);
  subtract(packets, v.packets);
  subtract(bytes, v.bytes);
}

Volume volume_of(const flow::Flow& f) {
  Volume v;
  const uint64_t sampling = f.sampling == 0 ? 1 : f.sampling;
  v.flows = f.flows;
  if (f.has(flow::kKnownPackets)) v.packets = series::saturating_multiply(f.packets, sampling);
  if (f.has(flow::kKnownBytes)) v.bytes = series::saturating_multiply(f.bytes, sampling);
  return v;
}

Survey::Survey(series::SeriesOptions options, base::TimeMs now_ms, SurveyLimits limits)
    : options_(std::move(options)), now_ms_(now_ms), limits_(limits), tcp_(65536), udp_(65536) {}

void Survey::add(std::span<const flow::Flow> flows) {
  for (const auto& f : flows) {
    if (series::refusal(f, options_) == series::FlowDrop::kCount) add_one(f);
  }
}

void Survey::add_one(const flow::Flow& f) {
  const Volume v = volume_of(f);
  ++records_;
  total_.add(v);
  for (uint32_t bits = f.known; bits != 0; bits &= bits - 1)
    ++known_[static_cast<size_t>(std::countr_zero(bits))];
  if (f.has(flow::kKnownProtocol)) {
    protocols_[f.protocol].add(v);
  } else {
    unknown_protocol_.add(v);
  }
  if (Volume* service = service_of(f)) service->add(v);
  add_times(f);
  add_exporter(f, v);
  if (!f.has(flow::kKnownAddresses)) return;
  add_ends(f, v);
  add_pair(f, f.flows);
  look_for_repeat(f);
}

// What tells of times (first, last, longest) stays as it is: the flow's own times are what is wrong with it, and its
// neighbours give the true ones where a later flow is asked.
void Survey::remove(const flow::Flow& f) {
  if (series::refusal(f, options_) != series::FlowDrop::kCount) return;
  const Volume v = volume_of(f);
  subtract(records_, 1);
  total_.remove(v);
  for (uint32_t bits = f.known; bits != 0; bits &= bits - 1)
    subtract(known_[static_cast<size_t>(std::countr_zero(bits))], 1);
  (f.has(flow::kKnownProtocol) ? protocols_[f.protocol] : unknown_protocol_).remove(v);
  if (Volume* service = service_of(f)) service->remove(v);
  const auto exporter = exporters_.find(f.exporter);
  (exporter == exporters_.end() ? other_exporters_ : exporter->second.volume).remove(v);
  if (!f.has(flow::kKnownAddresses)) return;
  if (const auto it = addresses_.find(f.src); it != addresses_.end()) it->second.out.remove(v);
  if (const auto it = addresses_.find(f.dst); it != addresses_.end()) it->second.in.remove(v);
}

Volume* Survey::service_of(const flow::Flow& f) {
  if (!f.has(flow::kKnownProtocol | flow::kKnownPorts) || (f.src_port | f.dst_port) == 0) return nullptr;
  const uint16_t port = series::service_port(f.src_port, f.dst_port);
  if (f.protocol == flow::kTcp) return &tcp_[port];
  return f.protocol == flow::kUdp ? &udp_[port] : nullptr;
}

void Survey::add_times(const flow::Flow& f) {
  first_ms_ = std::min(first_ms_, f.start_ms);
  last_ms_ = std::max(last_ms_, f.end_ms);
  latest_start_ms_ = std::max(latest_start_ms_, f.start_ms);
  most_back_ms_ = std::max(most_back_ms_, latest_start_ms_ - f.start_ms);
  const int64_t duration = f.end_ms - f.start_ms;
  longest_ms_ = std::max(longest_ms_, duration);
  if (duration == 0) ++instant_;
  if (f.end_ms > now_ms_) ++future_;
}

AddressVolume& Survey::address(const base::IpAddr& a) {
  const auto it = addresses_.find(a);
  if (it != addresses_.end()) return it->second;
  if (addresses_.size() >= limits_.addresses) let_go();
  return addresses_[a];
}

// Lossy counting (Manku and Motwani 2002): the addresses with the fewest flows go.
void Survey::let_go() {
  while (addresses_.size() > limits_.addresses / 4 * 3) {
    ++forgotten_flows_;
    forgotten_ += boost::unordered::erase_if(
        addresses_, [&](const auto& entry) { return entry.second.flows() <= forgotten_flows_; });
  }
}

void Survey::mark_steps(AddressVolume& a, const flow::Flow& f) const {
  const int64_t first = base::step_of(f.start_ms, options_.step_ms);
  const int64_t last = base::step_of(f.end_ms, options_.step_ms);
  if (a.steps > 0 && last <= a.last_step) return;
  const bool continues = a.steps > 0 && first <= a.last_step + 1;
  const int64_t fresh = continues ? last - a.last_step : last - first + 1;
  a.steps += static_cast<uint32_t>(std::min<int64_t>(fresh, 1 << 20));
  a.runs += continues ? 0 : 1;
  a.last_step = last;
}

void Survey::add_ends(const flow::Flow& f, const Volume& v) {
  AddressVolume& source = address(f.src);
  source.out.add(v);
  mark_steps(source, f);
  AddressVolume& destination = address(f.dst);
  destination.in.add(v);
  mark_steps(destination, f);
}

// Distinct pairs, sampled by their hash: whatever the order of flows, each pair has the same chance.
void Survey::add_pair(const flow::Flow& f, uint32_t flows) {
  const bool up = f.src <= f.dst;
  const Pair pair = up ? Pair{f.src, f.dst} : Pair{f.dst, f.src};
  const uint64_t hash = base::mix64(PairHash()(pair));
  if (!has_low_bits(hash, pair_level_)) return;
  auto& p = pairs_[pair];
  (up ? p.up : p.down) += flows;
  while (pairs_.size() > limits_.pairs) {
    ++pair_level_;
    boost::unordered::erase_if(pairs_, [&](const auto& entry) {
      return !has_low_bits(base::mix64(PairHash()(entry.first)), pair_level_);
    });
  }
}

void Survey::add_exporter(const flow::Flow& f, const Volume& v) {
  auto it = exporters_.find(f.exporter);
  if (it == exporters_.end()) {
    if (exporters_.size() >= limits_.exporters) return other_exporters_.add(v);
    it = exporters_.try_emplace(f.exporter).first;
  }
  ExporterVolume& e = it->second;
  e.volume.add(v);
  e.announced += f.has(flow::kKnownSampling) ? 1 : 0;
  const auto rate = e.sampling.find(f.sampling);
  if (rate != e.sampling.end()) {
    ++rate->second;
  } else if (e.sampling.size() < kRates) {
    e.sampling[f.sampling] = 1;
  }
  e.first_ms = std::min(e.first_ms, f.start_ms);
  e.last_ms = std::max(e.last_ms, f.end_ms);
  e.longest_ms = std::max(e.longest_ms, f.end_ms - f.start_ms);
  e.versions |= uint64_t{1} << (f.version == kSflow ? 62 : std::min<unsigned>(f.version, 61));
}

void Survey::look_for_repeat(const flow::Flow& f) {
  const uint64_t key = key_of(f);
  if (!has_low_bits(key, seen_level_)) return;
  ++repeats_.looked_at;
  const uint64_t exporter = hash_words(f.exporter.hash(), {f.domain});
  const uint64_t content =
      hash_words(exporter, {static_cast<uint64_t>(f.start_ms), static_cast<uint64_t>(f.end_ms), f.bytes,
                            f.packets, uint64_t{f.in_if} << 32 | f.out_if});
  const auto [it, fresh] = seen_.try_emplace(key);
  SeenFlow& seen = it->second;
  const bool near =
      !fresh && f.start_ms - seen.start_ms < kRepeatMs && seen.start_ms - f.start_ms < kRepeatMs;
  if (near && seen.content == content) ++repeats_.same;
  if (near && seen.exporter != exporter) ++repeats_.others;
  seen = {content, exporter, f.start_ms};
  while (seen_.size() > limits_.repeats) {
    ++seen_level_;
    boost::unordered::erase_if(seen_, [&](const auto& e) { return !has_low_bits(e.first, seen_level_); });
  }
}

}  // namespace netflowgen::report

// What every decoder ends with: a flow's sampling rate, its packet header, its times, its ICMP type.
#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>

#include "flow/decoder/decoder_impl.h"
#include "flow/reverse.h"

namespace netflowgen::flow {

Flow Decoder::Impl::prototype(const Message& m) const {
  Flow f;
  f.exporter = m.exporter->address;
  f.received_ms = m.received_ms;
  f.domain = m.domain;
  f.version = m.version;
  return f;
}

TimeRules Decoder::Impl::rules_of(const Message& m) const {
  const ExporterPolicy* policy = m.exporter->policy;
  const TimePolicy time = policy != nullptr && policy->time ? *policy->time : options_.time;
  return {time, options_.max_future_ms, options_.max_past_ms, options_.max_clock_behind_ms,
          options_.max_duration_ms};
}

void Decoder::Impl::set_rate(const Message& m, const SamplingQuery& query, const RateFields* fields,
                             Flow& flow) {
  const SamplingSource source = choose_rate(m, query, fields, flow);
  m.exporter->rates.see(flow.sampling, source, m.received_ms);
}

// Of `fields` (the record's own or its header's), the options and the configuration, the first that has a value.
SamplingSource Decoder::Impl::choose_rate(const Message& m, const SamplingQuery& query,
                                          const RateFields* fields, Flow& flow) {
  const ExporterPolicy* policy = m.exporter->policy;
  flow.known |= kKnownSampling;
  if (policy != nullptr && policy->sampling_override != 0) {
    flow.sampling = policy->sampling_override;
    return SamplingSource::kConfigured;
  }
  if (fields != nullptr) {
    bool bogus = false;
    flow.sampling = rate_of(*fields, options_.sampling_max, bogus);
    if (bogus) m.counters->note(Note::kSamplingBogus);
    if (flow.sampling != 0) return SamplingSource::kAnnounced;
  }
  return choose_default_rate(m, m.exporter->sampling.find(query), flow);
}

SamplingSource Decoder::Impl::choose_default_rate(const Message& m, const SamplingAnswer& answer,
                                                  Flow& flow) {
  const ExporterPolicy* policy = m.exporter->policy;
  if (answer.rate != 0) {
    flow.sampling = answer.rate;
    return SamplingSource::kAnnounced;
  }
  if (policy != nullptr && policy->sampling_default != 0) {
    flow.sampling = policy->sampling_default;
    return SamplingSource::kConfigured;
  }
  flow.sampling = std::max<uint32_t>(options_.sampling_default, 1);
  flow.known &= ~uint32_t{kKnownSampling};
  return options_.sampling_default > 1 ? SamplingSource::kConfigured : SamplingSource::kAssumed;
}

// The packet gives what the record itself does not. `frame_size`: of the whole packet on the wire, 0:
// unknown.
void Decoder::Impl::apply_packet(Flow& f, const PacketHeaders& p, size_t frame_size) const {
  const bool inner = options_.tunnel_keys == TunnelKeys::kInner;
  const IpLayer& ip = inner ? p.inner : p.outer;
  const auto lacks = [&](uint32_t bits) { return !f.has(bits); };
  if (p.ip_layers > 0 && lacks(kKnownAddresses)) {
    f.src = ip.src;
    f.dst = ip.dst;
    f.protocol = ip.protocol;
    f.tos = ip.tos;
    f.ttl = ip.ttl;
    f.fragment = ip.fragment;
    f.known |= kKnownAddresses | kKnownProtocol | kKnownTos | kKnownTtl | kKnownFragment;
    if (ip.has_ports) f.src_port = ip.src_port, f.dst_port = ip.dst_port, f.known |= kKnownPorts;
    if (ip.has_flags) f.tcp_flags = ip.tcp_flags, f.known |= kKnownTcpFlags;
    if (ip.has_icmp) f.icmp_type_code = ip.icmp_type_code, f.known |= kKnownIcmp;
  }
  if (p.has_vlan && lacks(kKnownVlan)) f.vlan_in = f.vlan_out = p.vlan, f.known |= kKnownVlan;
  if (p.has_mpls && lacks(kKnownMpls)) f.mpls_label = p.mpls_label, f.known |= kKnownMpls;
  if (p.has_mac && lacks(kKnownMac)) {
    std::memcpy(f.src_mac, p.src_mac, 6);
    std::memcpy(f.dst_mac, p.dst_mac, 6);
    f.known |= kKnownMac;
  }
  if (lacks(kKnownPackets)) f.packets = 1, f.known |= kKnownPackets;
  if (lacks(kKnownBytes)) {  // of the IP packet, as routers count
    f.bytes = p.ip_layers > 0 && ip.length != 0 ? ip.length : frame_size;
    if (f.bytes != 0) f.known |= kKnownBytes;
  }
}

namespace {

// ICMP has no ports.
void settle_icmp(Flow& f) {
  if (f.protocol == kIcmp || f.protocol == kIcmp6) {
    if (f.icmp_type_code == 0) {
      f.icmp_type_code = f.has(kKnownIcmp) ? f.dst_port : icmp_of_ports(f.src_port, f.dst_port);
    }
    if (f.has(kKnownPorts)) f.known |= kKnownIcmp;
    f.src_port = f.dst_port = 0;
  } else if (f.has(kKnownProtocol | kKnownIcmp)) {
    f.icmp_type_code = 0;
    f.known &= ~uint32_t{kKnownIcmp};
  }
}

// Whether the exporter's clock runs. One that reads an old capture has the capture's clock, which runs faster, and ends all
// flows with it: that shows no time-out. Where the clocks are close they need not be compared.
bool keeps_pace(const Message& m) {
  constexpr int64_t kFarMs = 3'600'000;
  constexpr int64_t kLongEnoughMs = 30'000;
  const Exporter& e = *m.exporter;
  if (m.received_ms == 0 || std::abs(m.time.export_ms - m.received_ms) <= kFarMs) return true;
  const int64_t run = m.received_ms - e.first_received_ms;
  return run >= kLongEnoughMs && std::abs(m.time.export_ms - e.first_export_ms - run) <= run / 10;
}

}  // namespace

void Decoder::Impl::finish_flow(const Message& m, Flow& flow, const RecordExtras* extras) {
  if (extras != nullptr && extras->uptime_without_boot) m.counters->note(Note::kUptimeWithoutBoot);
  finish_flows(m, {&flow, 1}, extras != nullptr ? extras->duration_ms : std::nullopt);
}

// Flows of one message, all of which state that duration or none.
void Decoder::Impl::finish_flows(const Message& m, std::span<Flow> flows,
                                 std::optional<uint64_t> duration_ms) {
  const TimeRules rules = rules_of(m);
  const bool measured = m.time.export_ms != 0 && !m.again && keeps_pace(m);
  uint64_t unknown_rates = 0;
  for (Flow& f : flows) {
    settle_times(f, m.time, rules, duration_ms, *m.counters);
    settle_icmp(f);
    unknown_rates += f.has(kKnownSampling) ? 0 : 1;
    if (measured && f.has(kKnownDuration)) m.exporter->timeouts.add(f, m.time.export_ms);
  }
  m.counters->note(Note::kSamplingUnknown, unknown_rates);
}

void Decoder::Impl::note_settled(const Message& m, const SettleCounts& counts) {
  m.counters->note(Note::kImpossibleCounters, counts.impossible_counters);
  m.counters->note(Note::kCappedFlows, counts.capped_flows);
}

// The rules that all readers share, when all fields of the record are in its flows.
void Decoder::Impl::settle_flows(const Message& m, std::span<Flow> flows) {
  SettleCounts counts;
  for (Flow& f : flows) settle(f, counts);
  note_settled(m, counts);
  // A template gives all of its flows an event, or none.
  if (flows.empty() || !flows.front().has(kKnownEvent)) return;
  const auto events = std::ranges::count(flows, FlowRole::kEvent, role_of);
  m.counters->note(Note::kEvents, static_cast<uint64_t>(events));
}

void Decoder::Impl::observe(const Message& m, RawRecord record, std::span<const Flow> flows) const {
  record.version = m.version;
  record.replayed = m.replayed;
  record.exporter = m.datagram->source;
  record.source_port = m.port;
  record.domain = m.domain;
  record.export_ms = m.time.export_ms;
  record.received_ms = m.received_ms;
  observer_->on_record(record, flows);
}

}  // namespace netflowgen::flow

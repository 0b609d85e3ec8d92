// Data sets by template, v9 and IPFIX: batches by plan, single records where something is asked of each.
#include <algorithm>
#include <cstring>

#include "flow/decoder/decoder_impl.h"
#include "flow/reverse.h"

namespace netflowgen::flow {
namespace {

using base::Bytes;

std::optional<uint64_t> value_of(const RecordParts& parts, const FieldRef& ref) {
  if (!ref) return std::nullopt;
  const Bytes b = parts.field(ref);
  if (b.empty() || b.size() > 8) return std::nullopt;
  return parts.uint(ref);
}

// Whether a set can be decoded op by op over all of its records.
bool batchable(const TemplatePlan& p, const TimeBase& time) {
  return p.record_length != 0 && !p.has_reverse && p.running == RunningKind::kNone &&
         (time.has_uptime || !p.uses_uptime());
}

void at_least_one(std::span<Flow> flows) {
  for (Flow& f : flows) f.flows = std::max(f.flows, 1u);
}

RateFields rate_fields(const RecordParts& parts, const SamplingFields& s) {
  RateFields r{value_of(parts, s.interval),
               value_of(parts, s.random_interval),
               value_of(parts, s.packet_interval),
               value_of(parts, s.packet_space),
               value_of(parts, s.size),
               value_of(parts, s.population),
               std::nullopt};
  if (s.probability) r.probability = float_of(parts.field(s.probability));
  return r;
}

}  // namespace

// Every record of a set. Octets behind the last that cannot hold another one are padding.
MessageCount Decoder::Impl::decode_data(const Message& message, const TemplatePtr& stored, Bytes bytes,
                                        std::vector<Flow>& flows) {
  const StoredTemplate& t = *stored;
  if (t.record.options) return decode_options(message, t, bytes);
  Message m = message;
  if (!m.time.has_uptime && m.time.boot_ms != 0 && !t.plan.boot) m.time = with_boot(m.time, m.time.boot_ms);
  MessageCount count;
  const size_t first = flows.size();
  if (observer_ == nullptr && !options_.reference && batchable(t.plan, m.time)) {
    count.records = decode_batch(m, t, bytes, flows);
  } else {
    count = decode_each(m, t, bytes, flows);
  }
  if (!m.again) decoded_.push_back({stored, bytes, first, flows.size() - first, m});
  return count;
}

uint32_t Decoder::Impl::decode_batch(const Message& m, const StoredTemplate& t, Bytes bytes,
                                     std::vector<Flow>& flows) {
  const TemplatePlan& p = t.plan;
  const size_t n = bytes.size() / p.record_length;
  if (n == 0) return 0;
  m.counters->records.enter(n);
  m.counters->records.emit(n);
  const bool each = p.has_extras() || m.exporter->sampling.by_interface();
  Flow proto = prototype(m);
  proto.known |= p.known;
  if (!each) set_rate(m, {m.domain, t.key.id, {}, {}, 0}, nullptr, proto);
  flows.insert(flows.end(), n, proto);
  const std::span<Flow> fresh(flows.data() + flows.size() - n, n);
  parts_.walk(p, bytes);
  run_ops(p.ops, parts_, p.record_length, m.time, fresh);
  if (p.counts_flows) at_least_one(fresh);
  if (!each) finish_flows(m, fresh, {});
  for (Flow& f : each ? fresh : std::span<Flow>{}) {
    RecordExtras extras;
    plan_extras(p, extras);
    finish_record(m, t, f, extras);
    parts_.step();
  }
  settle_flows(m, fresh);
  m.counters->flows.enter(n);
  m.counters->flows.emit(n);
  return static_cast<uint32_t>(n);
}

MessageCount Decoder::Impl::decode_each(const Message& m, const StoredTemplate& t, Bytes bytes,
                                        std::vector<Flow>& flows) {
  MessageCount count;
  while (bytes.size() >= t.plan.min_length) {
    m.counters->records.enter();
    const auto size = decode_one(m, t, bytes, flows);
    if (!size) {
      m.counters->records.drop(DataDrop::kCut);
      count.exact = false;
      break;
    }
    m.counters->records.emit();
    ++count.records;
    bytes = bytes.subspan(*size);
  }
  return count;
}

// One record: its octets, or nullopt when it is cut short.
std::optional<size_t> Decoder::Impl::decode_one(const Message& m, const StoredTemplate& t, Bytes bytes,
                                                std::vector<Flow>& flows) {
  const bool observed = observer_ != nullptr && !m.again;
  std::optional<size_t> size;
  if (options_.reference || observed) size = reference_fields(t.record, bytes, fields_);
  if (!options_.reference) size = parts_.walk(t.plan, bytes) ? std::optional(parts_.size()) : std::nullopt;
  if (!size) return std::nullopt;
  const size_t first = flows.size();
  Flow& flow = flows.emplace_back(prototype(m));
  RecordExtras extras;
  if (options_.reference) {
    reference_flow(fields_, t.record, m.time, options_.tunnel_keys, flow, extras);
  } else {
    plan_flow(m, t, flow, extras);
  }
  finish_record(m, t, flow, extras);
  if (extras.reverse) finish_reverse(m, t, extras);
  if (extras.running != RunningKind::kNone && !m.again) {
    follow(m, extras, flow, extras.reverse ? &extras.reverse_flow : nullptr);
  }
  emit_record(m, extras, flows);
  settle_flows(m, std::span(flows).subspan(first));
  if (observed) {
    RawRecord raw;
    raw.template_id = t.key.id;
    raw.fields = fields_;
    if (!extras.section.empty()) raw.packet = &packet_;
    observe(m, raw, std::span(flows).subspan(first));
  }
  return size;
}

// Rate, packet section, times. For the reverse flow too.
void Decoder::Impl::finish_record(const Message& m, const StoredTemplate& t, Flow& flow,
                                  const RecordExtras& extras) {
  set_rate(m, {m.domain, t.key.id, extras.sampler, extras.selector, flow.in_if}, &extras.rate, flow);
  if (!extras.section.empty()) {
    const size_t frame = extras.section_size.value_or(extras.section.size());
    packet_ = parse_packet(extras.section, extras.section_link);
    apply_packet(flow, packet_, frame);
  }
  finish_flow(m, flow, &extras);
}

void Decoder::Impl::finish_reverse(const Message& m, const StoredTemplate& t, RecordExtras& extras) {
  const Bytes section = std::exchange(extras.section, {});
  const bool without_boot = std::exchange(extras.uptime_without_boot, false);
  finish_record(m, t, extras.reverse_flow, extras);
  extras.section = section;
  extras.uptime_without_boot = without_boot;
}

// Which of a record's directions are flows. flows.back() is the forward one. What is decided here must not depend on
// running totals: resample() decodes the record again without them.
void Decoder::Impl::emit_record(const Message& m, RecordExtras& extras, std::vector<Flow>& flows) {
  auto& ledger = m.counters->flows;
  if (extras.forward_empty && extras.reverse) {
    m.counters->note(Note::kEmptyForward);
    flows.pop_back();
  } else {
    ledger.enter();
    if (extras.forward_empty && !flows.back().has(kKnownEvent)) {
      ledger.drop(FlowDrop::kNoTraffic);
      flows.pop_back();
    } else {
      ledger.emit();
    }
  }
  if (!extras.reverse) return;
  ledger.enter();
  if (!options_.biflow_as_two) return ledger.drop(FlowDrop::kReverse);
  ledger.emit();
  m.counters->note(Note::kReverseFlows);
  flows.push_back(extras.reverse_flow);
}

// By plan: the ops into `flow`, and what is not a field of Flow into `extras`.
void Decoder::Impl::plan_flow(const Message& m, const StoredTemplate& t, Flow& flow, RecordExtras& extras) {
  const TemplatePlan& p = t.plan;
  TimeBase base = m.time;
  if (p.uses_uptime() && !base.has_uptime) base = reference(p, base, extras);
  flow.known |= p.known;
  if (p.counts_flows)
    flow.flows = 0;  // a field of variable length may be empty, and then the next one counts
  run_ops(p.ops, parts_, 0, base, {&flow, 1});
  if (p.counts_flows) at_least_one({&flow, 1});
  plan_extras(p, extras);
  if (!p.has_reverse) return;
  plan_reverse(p, flow, base, extras);
  if (flow.bytes != 0 || flow.packets != 0 || extras.totals.any()) return;
  if (!extras.reverse) run_ops(p.fallback_ops, parts_, 0, base, {&flow, 1});
  const bool counted = (p.known & (kKnownBytes | kKnownPackets)) != 0;
  extras.forward_empty = flow.bytes == 0 && flow.packets == 0 && (counted || extras.reverse);
}

// The reference of uptimes where the header has none: the record's own, the options', or the flow's end.
TimeBase Decoder::Impl::reference(const TemplatePlan& p, TimeBase base, RecordExtras& extras) const {
  const uint64_t boot = parts_.uint(p.boot);
  if (boot != 0 && plausible_ms(boot)) return with_boot(base, static_cast<TimeMs>(boot));
  if (base.boot_ms != 0) return with_boot(base, base.boot_ms);
  const uint64_t first = parts_.uint(p.first_switched);
  const uint64_t last = parts_.uint(p.last_switched);
  base.uptime_ms = static_cast<uint32_t>(last != 0 ? last : first);
  base.has_uptime = true;
  extras.uptime_without_boot = last != 0 || first != 0;
  return base;
}

void Decoder::Impl::plan_extras(const TemplatePlan& p, RecordExtras& extras) const {
  extras.duration_ms = value_of(parts_, p.duration_ms);
  if (const auto us = value_of(parts_, p.duration_us); us && !extras.duration_ms) {
    extras.duration_ms = *us / 1000;
  }
  if (p.running != RunningKind::kNone) {
    extras.running = p.running;
    extras.flow_id = value_of(parts_, p.flow_id);
    extras.totals = {value_of(parts_, p.total_bytes), value_of(parts_, p.total_packets)};
    extras.reverse_totals = {value_of(parts_, p.reverse_total_bytes),
                             value_of(parts_, p.reverse_total_packets)};
  }
  if (p.sampling.any) {
    extras.rate = rate_fields(parts_, p.sampling);
    extras.sampler = value_of(parts_, p.sampling.sampler_id);
    extras.selector = value_of(parts_, p.sampling.selector_id);
  }
  if (p.section) {
    extras.section = parts_.field(p.section);
    extras.section_link = p.section_link;
    extras.section_size = value_of(parts_, p.section_size);
  }
}

void Decoder::Impl::plan_reverse(const TemplatePlan& p, const Flow& flow, const TimeBase& base,
                                 RecordExtras& extras) const {
  Flow& r = extras.reverse_flow = reversed(flow);
  for (const auto& field : p.reverse_clears) {
    std::memset(reinterpret_cast<uint8_t*>(&r) + field.offset, 0, field.size);
  }
  run_ops(p.reverse_ops, parts_, 0, base, {&r, 1});
  if (p.reverse_counts_flows) at_least_one({&r, 1});
  if (r.start_ms == 0) r.start_ms = flow.start_ms;
  if (r.end_ms == 0) r.end_ms = flow.end_ms;
  r.known |= p.reverse_known;
  extras.reverse = r.bytes != 0 || r.packets != 0 || extras.reverse_totals.any();
}

// Options: their sampling, time-outs and boot time are kept; observers see the rest.
MessageCount Decoder::Impl::decode_options(const Message& m, const StoredTemplate& t, Bytes bytes) {
  MessageCount count;
  while (bytes.size() >= t.plan.min_length) {
    m.counters->records.enter();
    const auto size = reference_fields(t.record, bytes, fields_);
    if (!size) {
      m.counters->records.drop(DataDrop::kCut);
      count.exact = false;
      break;
    }
    m.counters->records.emit();
    m.counters->note(Note::kOptionRecords);
    ++count.records;
    ++count.options;
    learn(m, t.record);
    if (observer_ != nullptr) {
      RawRecord raw;
      raw.kind = RecordKind::kOption;
      raw.template_id = t.key.id;
      raw.scope_fields = t.record.scope_fields;
      raw.fields = fields_;
      observe(m, raw, {});
    }
    bytes = bytes.subspan(*size);
  }
  return count;
}

void Decoder::Impl::learn(const Message& m, const TemplateRecord& record) {
  Exporter& e = *m.exporter;
  bool bogus = false;
  e.sampling.learn(m.domain, m.version, fields_, record.scope_fields, options_.sampling_max, bogus);
  if (bogus) m.counters->note(Note::kSamplingBogus);
  for (const auto& f : fields_) {
    if (f.pen != kPenIana || f.value.empty() || f.value.size() > 8) continue;
    uint64_t v = 0;
    for (const uint8_t octet : f.value) v = v << 8 | octet;
    if (v == 0) continue;
    if (f.id == 36 && v <= UINT16_MAX) e.announced_active_ms = static_cast<int64_t>(v) * 1000;
    if (f.id == 37 && v <= UINT16_MAX) e.announced_inactive_ms = static_cast<int64_t>(v) * 1000;
    if (f.id == 160 && plausible_ms(v)) {
      m.domain_state->boot_ms = e.boot_ms = static_cast<TimeMs>(v);
    }
  }
}

// A rate that was announced behind the data of the same message holds for that data too.
void Decoder::Impl::resample(const Message& m, std::vector<Flow>& flows) {
  if (m.exporter->sampling.serial() == sampling_before_) return;
  std::vector<Flow> fresh;
  for (const auto& set : decoded_) {
    fresh.clear();
    Message again = set.message;
    again.counters = &scratch_;
    again.again = true;
    decode_data(again, set.stored, set.bytes, fresh);
    for (size_t i = 0; i < std::min(set.count, fresh.size()); ++i) {
      Flow& f = flows[set.first + i];
      auto& unknown = m.counters->notes[static_cast<size_t>(Note::kSamplingUnknown)];
      if (!f.has(kKnownSampling) && fresh[i].has(kKnownSampling) && unknown > 0) --unknown;
      f.sampling = fresh[i].sampling;
      f.known = (f.known & ~uint32_t{kKnownSampling}) | (fresh[i].known & kKnownSampling);
    }
  }
  decoded_.clear();
}

}  // namespace netflowgen::flow

// sFlow version 5 datagrams: flow, expanded and discard samples become flows; counter samples are passed to
// observers.
#include "flow/decoder/decoder_impl.h"
#include "flow/decoder/sflow.h"

namespace netflowgen::flow {
namespace {

using base::Bytes;
using base::Cursor;

constexpr uint8_t kVersion = 105;  // Flow::version
constexpr uint16_t kEventDenied = 3;
constexpr size_t kMaxSources = 256;  // of one sub-agent, with a sequence of their own

}  // namespace

void Decoder::Impl::decode_sflow(const Datagram& d, std::vector<Flow>& flows) {
  Cursor c(d.payload);
  const SflowHeader h = read_sflow_header(c);
  if (c.failed()) return drop_datagram(d, DatagramDrop::kCutHeader);
  TimeBase time;  // sFlow has no clock: a sample is of now
  time.export_ms = d.received_ms;
  const bool by_agent = options_.sflow_agent_is_exporter && !h.agent.is_zero();
  Message m = begin(d, by_agent ? h.agent : d.source, kVersion, h.sub_agent, time);

  uint32_t n = 0;
  for (; n < h.samples && c.left() >= 8; ++n) {
    const uint32_t format = c.u32();
    const Bytes sample = c.bytes(c.u32());
    m.counters->records.enter();
    if (c.failed()) {
      m.counters->records.drop(DataDrop::kCut);
      break;
    }
    decode_sample(m, format, sample, flows);
  }
  if (n != h.samples) m.counters->note(Note::kCountMismatch);
  if (n == h.samples && c.left() > 0) m.counters->note(Note::kTrailingBytes);
  end(m, h.sequence, {});
}

void Decoder::Impl::decode_sample(const Message& m, uint32_t format, Bytes sample, std::vector<Flow>& flows) {
  switch (format) {
    case kSflowCounters:
    case kSflowExpandedCounters: {
      m.counters->records.emit();
      m.counters->note(Note::kCounterSamples);
      if (observer_ == nullptr) return;
      RawRecord raw;
      raw.kind = RecordKind::kSflowCounters;
      raw.bytes = sample;
      raw.sflow_format = format;
      return observe(m, raw, {});
    }
    case kSflowFlow:
    case kSflowExpandedFlow:
    case kSflowDiscard:
      return decode_flow_sample(m, format, sample, flows);
    default:
      return m.counters->records.drop(DataDrop::kUnsupported);
  }
}

void Decoder::Impl::decode_flow_sample(const Message& m, uint32_t format, Bytes sample,
                                       std::vector<Flow>& flows) {
  Cursor c(sample);
  const SflowFlowSample s = read_sflow_sample(c, format);
  if (c.failed()) return m.counters->records.drop(DataDrop::kCut);
  m.counters->records.emit();
  m.counters->flows.enter();
  Flow f = prototype(m);
  SflowRecords records;
  // A record that is cut does not spoil those before it: the sample itself counts.
  if (!read_sflow_records(c, f, records)) m.counters->note(Note::kCutSample);
  f.in_if = s.input;
  f.out_if = s.output;
  f.known |= kKnownInterfaces;
  if (records.packet) {
    apply_packet(f, *records.packet, records.frame_size);
  } else {
    apply_packet(f, {}, records.frame_size);
  }
  RateFields rate;
  if (s.discarded) {
    m.counters->note(Note::kDiscardSamples);
    f.event = kEventDenied;
    f.known |= kKnownEvent;
  }
  if (format == kSflowDiscard) {
    rate.interval = 1;  // these are reported one by one
  } else {
    rate.interval = s.rate;
    track_source(m, s.source, s.sequence);
  }
  set_rate(m, {m.domain, 0, {}, {}, f.in_if}, &rate, f);
  finish_flow(m, f, nullptr);
  settle_flows(m, {&f, 1});
  const size_t first = flows.size();
  if (s.discarded && !options_.sflow_discards) {
    m.counters->flows.drop(FlowDrop::kDiscard);
  } else {
    m.counters->flows.emit();
    flows.push_back(f);
  }
  if (observer_ == nullptr) return;
  RawRecord raw;
  raw.kind = format == kSflowDiscard ? RecordKind::kSflowDiscard : RecordKind::kSflowSample;
  raw.bytes = sample;
  raw.sflow_format = format;
  raw.packet = records.packet ? &*records.packet : nullptr;
  observe(m, raw, std::span(flows).subspan(first));
}

// Flow samples are numbered by data source.
void Decoder::Impl::track_source(const Message& m, uint32_t source, uint32_t sequence) {
  auto& sources = m.domain_state->sources;
  auto it = sources.find(source);
  if (it == sources.end()) {
    if (sources.size() >= kMaxSources) return;
    it = sources.emplace(source, SequenceTracker{}).first;
  }
  it->second.add({sequence, 1});
}

}  // namespace netflowgen::flow

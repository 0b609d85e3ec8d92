// NetFlow v1, v5 and v7: fixed records, no state but sequence numbers.
#include "flow/decoder/decoder_impl.h"
#include "flow/decoder/message.h"

namespace netflowgen::flow {
namespace {

using base::Bytes;
using base::load_be16;
using base::load_be32;

struct Layout {
  size_t header;
  size_t record;
};
// REQUIRES: at least 4 octets.
Layout layout_of(uint16_t version, Bytes message) {
  if (version == 1) return {16, v1_record_size(message)};
  return version == 5 ? Layout{24, 48} : Layout{24, 52};
}

// The first 42 octets are the same in all three.
void common(const uint8_t* p, const TimeBase& time, Flow& f) {
  f.src = IpAddr::v4(load_be32(p));
  f.dst = IpAddr::v4(load_be32(p + 4));
  f.next_hop = IpAddr::v4(load_be32(p + 8));
  f.in_if = load_be16(p + 12);
  f.out_if = load_be16(p + 14);
  f.packets = load_be32(p + 16);
  f.bytes = load_be32(p + 20);
  const uint32_t first = load_be32(p + 24);
  const uint32_t last = load_be32(p + 28);
  f.start_ms = from_switched(time, first, last, true);
  f.end_ms = from_switched(time, last, first, false);
  f.src_port = load_be16(p + 32);
  f.dst_port = load_be16(p + 34);
  f.known |= kKnownAddresses | kKnownBytes | kKnownPackets | kKnownPorts | kKnownProtocol | kKnownTcpFlags |
             kKnownTos | kKnownInterfaces | kKnownNextHop | kKnownDuration;
}

void v1_rest(const uint8_t* p, Flow& f) {
  f.protocol = p[38];
  f.tos = p[39];
  f.tcp_flags = p[40];
}

// v5 and v7 agree up to the masks; v7 then has flags and the router that was short-cut.
void v5_rest(const uint8_t* p, Flow& f) {
  f.tcp_flags = p[37];
  f.protocol = p[38];
  f.tos = p[39];
  f.src_as = load_be16(p + 40);
  f.dst_as = load_be16(p + 42);
  f.src_mask = p[44];
  f.dst_mask = p[45];
  f.known |= kKnownAs | kKnownMasks;
}

}  // namespace

void Decoder::Impl::decode_legacy(const Datagram& d, uint16_t version, std::vector<Flow>& flows) {
  const Layout layout = layout_of(version, d.payload);
  if (d.payload.size() < layout.header) return drop_datagram(d, DatagramDrop::kCutHeader);
  const uint8_t* h = d.payload.data();
  const uint16_t count = load_be16(h + 2);
  TimeBase time;
  time.has_uptime = true;
  time.uptime_ms = load_be32(h + 4);
  time.export_ms = TimeMs{load_be32(h + 8)} * 1000 + load_be32(h + 12) / 1'000'000;
  // v5: engine type and id, then two bits of sampling mode and 14 of interval. The mode is 0 on many
  // exporters that do sample.
  const uint32_t engine = version == 5 ? load_be16(h + 20) : 0;
  const uint32_t interval = version == 5 ? load_be16(h + 22) & 0x3fffu : 0;
  const Message m = begin(d, d.source, static_cast<uint8_t>(version), engine, time);

  const size_t fits = (d.payload.size() - layout.header) / layout.record;
  const size_t n = std::min<size_t>(count, fits);
  m.counters->records.enter(count);
  m.counters->records.emit(n);
  m.counters->records.drop(DataDrop::kCut, count - n);
  if (d.payload.size() > layout.header + size_t{count} * layout.record)
    m.counters->note(Note::kTrailingBytes);

  Flow proto = prototype(m);
  RateFields rate;
  if (interval != 0) rate.interval = interval;
  set_rate(m, {engine, 0, {}, {}, 0}, &rate, proto);
  SettleCounts counts;
  for (size_t i = 0; i < n; ++i) {
    const Bytes record = d.payload.subspan(layout.header + i * layout.record, layout.record);
    Flow& f = flows.emplace_back(proto);
    common(record.data(), time, f);
    version == 1 ? v1_rest(record.data(), f) : v5_rest(record.data(), f);
    finish_flow(m, f, nullptr);
    settle(f, counts);
    m.counters->flows.enter();
    m.counters->flows.emit();
    if (observer_ != nullptr) {
      RawRecord raw;
      raw.bytes = record;
      observe(m, raw, {&f, 1});
    }
  }
  note_settled(m, counts);
  const uint32_t sequence = version == 1 ? 0 : load_be32(h + 16);
  if (version != 1) end(m, sequence, {.records = count});
}

}  // namespace netflowgen::flow

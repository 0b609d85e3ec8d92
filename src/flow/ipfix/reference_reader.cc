#include "flow/ipfix/reference_reader.h"

#include <algorithm>
#include <cstring>

#include "flow/ipfix/reference_record.h"
#include "flow/reverse.h"

namespace netflowgen::flow {
namespace {

using namespace reference_reader;
using base::Cursor;

// RFC 7011 section 6.1.9: 1900-based seconds and a fraction of 2^-32 s.
TimeMs ntp_ms(uint64_t v) {
  const auto seconds = static_cast<int64_t>(v >> 32) - 2'208'988'800;
  const auto ms = static_cast<int64_t>((v & 0xffffffff) * 1000 / 4294967296);
  if (seconds >= 0) return seconds * 1000 + ms;
  // Before 1970: micro- or nanoseconds since 1970 of an exporter that did not follow that section.
  if (v >= 946'684'800'000'000'000) return static_cast<TimeMs>(v / 1'000'000);
  return v >= 946'684'800'000'000 ? static_cast<TimeMs>(v / 1000) : 0;
}

// FIRST_SWITCHED and LAST_SWITCHED. RFC 3954: uptimes, so 0 is a time; both are 0 where the exporter has none. A last
// time of 0 is one only where the counter wrapped within the last hour of the flow.
TimeMs switched_time(const Record& r, bool start, const TimeBase& base) {
  const auto v = r.uint(start ? 22 : 21);
  if (!v) return 0;
  const auto uptime = static_cast<uint32_t>(*v);
  if (uptime == 0) {
    const auto other = static_cast<uint32_t>(r.uint(start ? 21 : 22).value_or(0));
    const bool wrapped = other >= 0u - 3'600'000u;
    if (other == 0 || (!start && !wrapped)) return 0;
  }
  return from_uptime(base, uptime);
}

// In the order in which an exact time is preferred to a coarse one.
TimeMs time_of(const Record& r, bool start, const TimeBase& base) {
  if (const auto v = r.uint(start ? 152 : 153); v.value_or(0) != 0 && *v < kYear10000Ms) {
    return static_cast<TimeMs>(*v);
  }
  for (const uint16_t id : {uint16_t{154}, uint16_t{156}}) {
    const RawField* f = r.sized(static_cast<uint16_t>(id + (start ? 0 : 1)), 8);
    if (f == nullptr || f->value.size() != 8 || uint_of(f->value) == 0) continue;
    if (const TimeMs t = ntp_ms(uint_of(f->value)); t > 0) return t;
  }
  if (const auto v = r.uint(start ? 150 : 151); v.value_or(0) != 0 && *v < kYear10000Ms / 1000) {
    return static_cast<TimeMs>(*v * 1000);
  }
  if (const TimeMs t = switched_time(r, start, base); t > 0) return t;
  if (const auto v = r.uint(start ? 158 : 159); v.value_or(0) != 0) {
    const TimeMs t = base.export_ms - static_cast<TimeMs>(*v / 1000);
    if (t > 0) return t;
  }
  if (const auto v = r.uint(323); v.value_or(0) != 0 && *v < kYear10000Ms) return static_cast<TimeMs>(*v);
  for (const uint16_t id : {uint16_t{324}, uint16_t{325}}) {
    const RawField* f = r.sized(id, 8);
    if (f == nullptr || f->value.size() != 8 || uint_of(f->value) == 0) continue;
    if (const TimeMs t = ntp_ms(uint_of(f->value)); t > 0) return t;
  }
  if (const auto v = r.uint(322); v.value_or(0) != 0 && *v < kYear10000Ms / 1000) {
    return static_cast<TimeMs>(*v * 1000);
  }
  return 0;
}

void times(const Record& r, const TimeBase& base, Flow& flow) {
  if (const TimeMs t = time_of(r, true, base); t != 0) flow.start_ms = t;
  if (const TimeMs t = time_of(r, false, base); t != 0) flow.end_ms = t;
}

void known_duration(const Record& r, Flow& flow) {
  const auto stated = [&](Ids ids) {
    return std::ranges::any_of(ids, [&](uint16_t id) {
      return id >= 154 && id <= 157 ? r.sized(id, 8) != nullptr : r.uint_field(id) != nullptr;
    });
  };
  const bool observed = stated({322, 323}) || r.sized(324, 8) != nullptr || r.sized(325, 8) != nullptr;
  const bool start = stated({152, 154, 156, 150, 22, 158});
  const bool end = stated({153, 155, 157, 151, 21, 159});
  if ((start && end) || (observed && (start || end))) flow.known |= kKnownDuration;
  if (r.uint_field(161) != nullptr || r.uint_field(162) != nullptr) flow.known |= kKnownDuration;
}

// RFC 3954 and 7011 leave the reference of an uptime to the header (v9) or to systemInitTimeMilliseconds;
// where no field gives it, the flow is taken to have ended when it was exported.
TimeBase reference(const Record& r, TimeBase base, bool& without_boot) {
  if (base.has_uptime) return base;
  const bool uses = r.uint(21).value_or(0) != 0 || r.uint(22).value_or(0) != 0;
  if (const auto boot = r.uint(160); boot.value_or(0) != 0 && *boot < kYear10000Ms) {
    return with_boot(base, static_cast<TimeMs>(*boot));
  }
  if (base.boot_ms != 0) return with_boot(base, base.boot_ms);
  const uint64_t first = r.uint(22).value_or(0);
  const uint64_t last = r.uint(21).value_or(0);
  base.uptime_ms = static_cast<uint32_t>(last != 0 ? last : first);
  without_boot = uses;
  base.has_uptime = true;
  return base;
}

// In wire order, so that 8 and 27, 9 and 29 count by what comes first.
template <typename T>
void pair_of(const Record& r, uint16_t a, uint16_t b, uint32_t known, T& to, Flow& flow, bool last) {
  const RawField* fa = r.uint_field(a);
  const RawField* fb = r.uint_field(b);
  const bool swap = fa != nullptr && fb != nullptr && (fb < fa) != last;
  r.first_of({swap ? b : a, swap ? a : b}, known, to, flow);
}

void icmp(const Record& r, Flow& flow, bool last) {
  const bool whole = r.uint_field(32) != nullptr || r.uint_field(139) != nullptr;
  if (whole) return pair_of(r, 32, 139, kKnownIcmp, flow.icmp_type_code, flow, last);
  uint8_t type = 0;
  uint8_t code = 0;
  pair_of(r, 176, 178, kKnownIcmp, type, flow, last);
  pair_of(r, 177, 179, kKnownIcmp, code, flow, last);
  flow.icmp_type_code = static_cast<uint16_t>(type * 256 + code);
}

// RFC 8158: what exceeded a limit, where natEvent does not give it already.
void quota_event(const Record& r, uint16_t id, uint16_t event, Flow& flow) {
  if (r.uint_field(id) == nullptr) return;
  flow.known |= kKnownEvent;
  if (flow.event == 0 && r.uint(id).value_or(0) != 0) flow.event = event;
}

// How many flows the record is the sum of: 1 where no field gives it.
void flow_count(const Record& r, Flow& flow) {
  uint64_t flows = 0;
  r.first_of({3, 376, 375}, 0, flows, flow);
  if (flows != 0) flow.flows = static_cast<uint32_t>(std::min<uint64_t>(flows, UINT32_MAX));
}

void traffic(const Record& r, Flow& flow, bool last) {
  r.first_of({4}, kKnownProtocol, flow.protocol, flow);
  r.first_of({5}, kKnownTos, flow.tos, flow);
  r.first_of({6}, kKnownTcpFlags, flow.tcp_flags, flow);
  r.first_of({192, 52}, kKnownTtl, flow.ttl, flow);
  r.first_of({61}, kKnownDirection, flow.direction, flow);
  flow_count(r, flow);
  r.first_of({233, 40005, 230}, kKnownEvent, flow.event, flow);
  quota_event(r, 466, kNatQuotaExceeded, flow);
  quota_event(r, 467, kNatThresholdReached, flow);
  r.first_of({58, 243}, kKnownVlan, flow.vlan_in, flow);
  r.first_of({59, 254}, kKnownVlan, flow.vlan_out, flow);
  r.first_of({234}, kKnownVrf, flow.vrf_in, flow);
  r.first_of({235}, kKnownVrf, flow.vrf_out, flow);
  r.first_of({10, 252}, kKnownInterfaces, flow.in_if, flow);
  r.first_of({14, 253}, kKnownInterfaces, flow.out_if, flow);
  r.first_of({16}, kKnownAs, flow.src_as, flow);
  r.first_of({17}, kKnownAs, flow.dst_as, flow);
  pair_of(r, 9, 29, kKnownMasks, flow.src_mask, flow, last);
  pair_of(r, 13, 30, kKnownMasks, flow.dst_mask, flow, last);
  r.first_of({7, 180, 182}, kKnownPorts, flow.src_port, flow);
  r.first_of({11, 181, 183}, kKnownPorts, flow.dst_port, flow);
  r.first_of({227, 40003}, kKnownNat, flow.nat_src_port, flow);
  r.first_of({228, 40004}, kKnownNat, flow.nat_dst_port, flow);
  r.mac({56, 81}, flow.src_mac, flow);
  r.mac({80, 57}, flow.dst_mac, flow);
  if (const RawField* f = r.uint_field(88)) {
    flow.known |= kKnownFragment;
    if (is_uint_length(f->value.size())) flow.fragment = uint_of(f->value) != 0;
  }
  if (const RawField* f = r.uint_field(197)) {
    flow.known |= kKnownFragment;
    const bool more = is_uint_length(f->value.size()) && (uint_of(f->value) & 0x20) != 0;
    if (flow.fragment == 0) flow.fragment = more;
  }
  if (const RawField* f = r.at_least(70, 3)) {
    flow.known |= kKnownMpls;
    if (f->value.size() >= 3) flow.mpls_label = static_cast<uint32_t>(uint_of(f->value.first(3)) >> 4);
  }
  icmp(r, flow, last);
}

void rates(const Record& r, RecordExtras& extras) {
  extras.rate = {r.uint(34), r.uint(50), r.uint(305), r.uint(306), r.uint(309), r.uint(310), std::nullopt};
  if (const RawField* f = r.uint_field(311); f != nullptr) extras.rate.probability = float_of(f->value);
  extras.sampler = r.uint(48);
  extras.selector = r.uint(302);
}

void packet_section(const Record& r, RecordExtras& extras) {
  extras.section_size = r.uint(312);
  for (const uint16_t id : {uint16_t{315}, uint16_t{104}, uint16_t{313}}) {
    if (const RawField* f = r.any(id)) {
      extras.section = f->value;
      extras.section_link = id == 313 ? PacketLink::kIp : PacketLink::kEthernet;
      return;
    }
  }
}

// Of a record with counters of both directions: what is beside the initiator's counters is used where nothing else
// counts, and then it is settled whether the forward direction is empty.
void forward_counters(const Record& forward, RecordExtras& extras, Flow& flow) {
  if (flow.bytes != 0 || flow.packets != 0 || extras.totals.any()) return;
  if (!extras.reverse) {
    forward.first_of(kByteDeltas, 0, flow.bytes, flow);
    forward.first_of(kPacketDeltas, 0, flow.packets, flow);
  }
  const bool counted = (flow.known & (kKnownBytes | kKnownPackets)) != 0;
  extras.forward_empty = (counted || extras.reverse) && flow.bytes == 0 && flow.packets == 0;
}

// Totals, and connections whose teardown repeats what updates counted.
void running(const Record& forward, const Record& back, RecordExtras& extras, Flow& flow) {
  extras.totals = {forward.total(kByteTotals), forward.total(kPacketTotals)};
  extras.reverse_totals = {back.total(kByteTotals), back.total(kPacketTotals)};
  if (forward.has_any(kByteTotals)) flow.known |= kKnownBytes;
  if (forward.has_any(kPacketTotals)) flow.known |= kKnownPackets;
  const bool totals = forward.has_any(kByteTotals) || forward.has_any(kPacketTotals) ||
                      back.has_any(kByteTotals) || back.has_any(kPacketTotals);
  const bool connection = (forward.has_any({231}) && forward.has_any({232})) ||
                          (forward.has_any({298}) && forward.has_any({299}));
  extras.running = totals ? RunningKind::kTotal : RunningKind::kNone;
  if (connection && forward.has_any({233, 40005})) extras.running = RunningKind::kConnection;
  if (extras.running != RunningKind::kNone) extras.flow_id = forward.uint(148);
}

void reverse(const Record& forward, const Record& back, const TimeBase& base, Flow& flow,
             RecordExtras& extras, bool last) {
  Flow r = reversed(flow);
  Flow counts;
  back.first_of(kByteDeltas, kKnownBytes, counts.bytes, counts);
  forward.first_of({232}, kKnownBytes, counts.bytes, counts);
  back.first_of(kPacketDeltas, kKnownPackets, counts.packets, counts);
  forward.first_of({299}, kKnownPackets, counts.packets, counts);
  if (back.has_any(kByteTotals)) counts.known |= kKnownBytes;
  if (back.has_any(kPacketTotals)) counts.known |= kKnownPackets;
  if (counts.known == 0) return;
  extras.reverse = counts.bytes != 0 || counts.packets != 0 || extras.reverse_totals.any();
  forward_counters(forward, extras, flow);
  if (!extras.reverse) return;
  // Elements other than counters: what the reverse direction states replaces what was turned.
  Flow own;
  traffic(back, own, last);
  times(back, base, own);
  r.bytes = counts.bytes;
  r.packets = counts.packets;
  r.known |= counts.known | own.known;
  const auto take = [&](auto member, std::initializer_list<uint16_t> ids) {
    const bool has = std::ranges::any_of(ids, [&](uint16_t id) { return back.uint_field(id) != nullptr; });
    if (has) r.*member = own.*member;
  };
  take(&Flow::protocol, {4});
  take(&Flow::tos, {5});
  take(&Flow::tcp_flags, {6});
  take(&Flow::ttl, {192, 52});
  take(&Flow::direction, {61});
  take(&Flow::event, {233, 40005, 230, 466, 467});
  take(&Flow::vlan_in, {58, 243});
  take(&Flow::vlan_out, {59, 254});
  take(&Flow::vrf_in, {234});
  take(&Flow::vrf_out, {235});
  take(&Flow::in_if, {10, 252});
  take(&Flow::out_if, {14, 253});
  take(&Flow::src_as, {16});
  take(&Flow::dst_as, {17});
  take(&Flow::src_mask, {9, 29});
  take(&Flow::dst_mask, {13, 30});
  take(&Flow::src_port, {7, 180, 182});
  take(&Flow::dst_port, {11, 181, 183});
  take(&Flow::nat_src_port, {227, 40003});
  take(&Flow::nat_dst_port, {228, 40004});
  take(&Flow::icmp_type_code, {32, 139, 176, 177, 178, 179});
  take(&Flow::fragment, {88, 197});
  take(&Flow::flows, {3, 375, 376});
  if (back.at_least(70, 3) != nullptr) r.mpls_label = own.mpls_label;
  if (back.sized(56, 6) != nullptr || back.sized(81, 6) != nullptr) std::memcpy(r.src_mac, own.src_mac, 6);
  if (back.sized(80, 6) != nullptr || back.sized(57, 6) != nullptr) std::memcpy(r.dst_mac, own.dst_mac, 6);
  if (own.start_ms != 0) r.start_ms = own.start_ms;
  if (own.end_ms != 0) r.end_ms = own.end_ms;
  extras.reverse_flow = r;
}

}  // namespace

std::optional<size_t> reference_fields(const TemplateRecord& record, Bytes bytes,
                                       std::vector<RawField>& fields) {
  fields.clear();
  Cursor c(bytes);
  for (const auto& f : record.fields) {
    size_t length = f.length;
    if (record.is_variable(f)) {  // RFC 7011 section 7
      length = c.u8();
      if (length == 255) length = c.u16();
    }
    const Bytes value = c.bytes(length);
    if (c.failed()) return std::nullopt;
    fields.push_back({f.pen, f.id, value});
  }
  return c.position();
}

void reference_flow(const std::vector<RawField>& fields, const TemplateRecord& record, TimeBase base,
                    TunnelKeys tunnel_keys, Flow& flow, RecordExtras& extras) {
  const bool last = tunnel_keys == TunnelKeys::kInner;
  const Record forward(fields, record, kPenIana, tunnel_keys);
  const Record back(fields, record, kPenReverse, tunnel_keys);
  const bool src = forward.address({{8, 27}, {44, 170}}, flow.src);
  const bool dst = forward.address({{12, 28}, {45, 169}}, flow.dst);
  if (src && dst) flow.known |= kKnownAddresses;
  if (forward.address({{15, 62}, {18, 63}}, flow.next_hop)) flow.known |= kKnownNextHop;
  if (forward.address({{225, 281}, {40001, 0}}, flow.nat_src)) flow.known |= kKnownNat;
  if (forward.address({{226, 282}, {40002, 0}}, flow.nat_dst)) flow.known |= kKnownNat;
  const auto both = [&](uint16_t a, uint16_t b) {
    return forward.uint_field(a) != nullptr && forward.uint_field(b) != nullptr;
  };
  if (both(231, 232)) {
    forward.first_of({231}, kKnownBytes, flow.bytes, flow);
  } else {
    forward.first_of(kByteDeltas, kKnownBytes, flow.bytes, flow);
  }
  if (both(298, 299)) {
    forward.first_of({298}, kKnownPackets, flow.packets, flow);
  } else {
    forward.first_of(kPacketDeltas, kKnownPackets, flow.packets, flow);
  }
  running(forward, back, extras, flow);
  traffic(forward, flow, last);
  const TimeBase from = reference(forward, base, extras.uptime_without_boot);
  times(forward, from, flow);
  known_duration(forward, flow);
  extras.duration_ms = forward.uint(161);
  if (const auto us = forward.uint(162); us && !extras.duration_ms) extras.duration_ms = *us / 1000;
  rates(forward, extras);
  packet_section(forward, extras);
  reverse(forward, back, from, flow, extras, last);
}

}  // namespace netflowgen::flow

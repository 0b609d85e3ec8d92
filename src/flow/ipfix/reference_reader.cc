#include "flow/ipfix/reference_reader.h"

#include <algorithm>
#include <cstring>
#include <initializer_list>

namespace netflowgen::flow {
namespace {

using base::Bytes;
using base::Cursor;
using Ids = std::initializer_list<uint16_t>;

bool is_uint_length(size_t n) { return n >= 1 && n <= 8; }

uint64_t uint_of(Bytes b) {
  uint64_t v = 0;
  for (const uint8_t octet : b) v = v * 256 + octet;
  return v;
}

// The fields of one direction of one record, looked up by element.
class Record {
 public:
  Record(const std::vector<RawField>& fields, const TemplateRecord& record, uint32_t pen, TunnelKeys keys)
      : fields_(fields), record_(record), pen_(pen), last_(keys == TunnelKeys::kInner) {}

  // Which field stands for an element: the first one of usable length; the last for inner headers.
  template <typename Usable>
  const RawField* field(uint16_t id, Usable usable) const {
    const RawField* found = nullptr;
    for (size_t i = 0; i < fields_.size(); ++i) {
      const RawField& f = fields_[i];
      const TemplateField& t = record_.fields[i];
      if (f.pen != pen_ || f.id != id) continue;
      const bool variable = record_.is_variable(t);
      if (!variable && !usable(t.length)) continue;
      found = &f;
      if (!last_) break;
    }
    return found;
  }
  const RawField* uint_field(uint16_t id) const { return field(id, is_uint_length); }
  const RawField* sized(uint16_t id, size_t size) const {
    return field(id, [=](size_t n) { return n == size; });
  }

  std::optional<uint64_t> uint(uint16_t id) const {
    const RawField* f = uint_field(id);
    if (f == nullptr || !is_uint_length(f->value.size())) return std::nullopt;
    return uint_of(f->value);
  }

  // The first of the elements that is not zero.
  template <typename T>
  void first_of(Ids ids, uint32_t known, T& to, Flow& flow) const {
    for (const uint16_t id : ids) {
      const RawField* f = uint_field(id);
      if (f == nullptr) continue;
      flow.known |= known;
      if (to == 0 && is_uint_length(f->value.size())) to = static_cast<T>(uint_of(f->value));
    }
  }

  // The first of the elements that the template has.
  void counter(Ids ids, uint32_t known, uint64_t& to, Flow& flow) const {
    for (const uint16_t id : ids) {
      const RawField* f = uint_field(id);
      if (f == nullptr) continue;
      flow.known |= known;
      if (is_uint_length(f->value.size())) to = uint_of(f->value);
      return;
    }
  }

  struct AddressPair {
    uint16_t v4;
    uint16_t v6;
  };
  // Both families: whichever is not zero, in the order of the record; then the next pair. True where the
  // template has one.
  bool address(std::initializer_list<AddressPair> pairs, IpAddr& to) const {
    std::vector<const RawField*> found;
    for (const auto& pair : pairs) {
      const RawField* v4 = sized(pair.v4, 4);
      const RawField* v6 = pair.v6 != 0 ? sized(pair.v6, 16) : nullptr;
      if (v4 != nullptr && v6 != nullptr && (v6 < v4) != last_) std::swap(v4, v6);
      if (v4 != nullptr) found.push_back(v4);
      if (v6 != nullptr) found.push_back(v6);
    }
    const bool sole = found.size() == 1;
    for (const RawField* f : found) {
      const bool is_v6 = std::ranges::any_of(pairs, [&](const auto& p) { return f->id == p.v6; });
      if (f->value.size() != (is_v6 ? 16u : 4u) || !to.is_zero()) continue;
      if (is_v6) {
        std::memcpy(to.bytes.data(), f->value.data(), 16);
      } else if (sole || uint_of(f->value) != 0) {
        to = IpAddr::v4(static_cast<uint32_t>(uint_of(f->value)));
      }
    }
    return !found.empty();
  }

  void mac(Ids ids, uint8_t (&to)[6], Flow& flow) const {
    constexpr uint8_t kNone[6] = {};
    for (const uint16_t id : ids) {
      const RawField* f = sized(id, 6);
      if (f == nullptr) continue;
      flow.known |= kKnownMac;
      if (std::memcmp(to, kNone, 6) == 0 && f->value.size() == 6) std::memcpy(to, f->value.data(), 6);
    }
  }

  const RawField* at_least(uint16_t id, size_t size) const {
    return field(id, [=](size_t n) { return n >= size; });
  }
  // For what must not be empty, of any length.
  const RawField* any(uint16_t id) const { return at_least(id, 1); }

 private:
  const std::vector<RawField>& fields_;
  const TemplateRecord& record_;
  uint32_t pen_;
  bool last_;
};

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
// where nobody gives it, the flow is taken to have ended when it was exported.
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

void traffic(const Record& r, Flow& flow, bool last) {
  r.first_of({4}, kKnownProtocol, flow.protocol, flow);
  r.first_of({5}, kKnownTos, flow.tos, flow);
  r.first_of({6}, kKnownTcpFlags, flow.tcp_flags, flow);
  r.first_of({192, 52}, kKnownTtl, flow.ttl, flow);
  r.first_of({61}, kKnownDirection, flow.direction, flow);
  r.first_of({233, 40005, 230}, kKnownEvent, flow.event, flow);
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

void reverse(const Record& forward, const Record& back, const TimeBase& base, const Flow& flow,
             RecordExtras& extras, bool last) {
  Flow r = turned(flow);
  Flow counts;
  back.counter({1, 231, 85, 23, 352, 353}, kKnownBytes, counts.bytes, counts);
  if (!counts.has(kKnownBytes)) forward.counter({232}, kKnownBytes, counts.bytes, counts);
  back.counter({2, 298, 86, 24}, kKnownPackets, counts.packets, counts);
  if (!counts.has(kKnownPackets)) forward.counter({299}, kKnownPackets, counts.packets, counts);
  if (counts.known == 0 || (counts.bytes == 0 && counts.packets == 0)) return;
  // Elements other than counters: what the reverse direction states stands in place of what was turned.
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
  take(&Flow::event, {233, 40005, 230});
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
  if (back.at_least(70, 3) != nullptr) r.mpls_label = own.mpls_label;
  if (back.sized(56, 6) != nullptr || back.sized(81, 6) != nullptr) std::memcpy(r.src_mac, own.src_mac, 6);
  if (back.sized(80, 6) != nullptr || back.sized(57, 6) != nullptr) std::memcpy(r.dst_mac, own.dst_mac, 6);
  if (own.start_ms != 0) r.start_ms = own.start_ms;
  if (own.end_ms != 0) r.end_ms = own.end_ms;
  extras.reverse = true;
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

Flow turned(const Flow& flow) {
  Flow r = flow;
  std::swap(r.src, r.dst);
  std::swap(r.src_port, r.dst_port);
  std::swap(r.nat_src, r.nat_dst);
  std::swap(r.nat_src_port, r.nat_dst_port);
  std::swap(r.in_if, r.out_if);
  std::swap(r.src_as, r.dst_as);
  std::swap(r.vrf_in, r.vrf_out);
  std::swap(r.vlan_in, r.vlan_out);
  std::swap(r.src_mask, r.dst_mask);
  std::swap(r.src_mac, r.dst_mac);
  r.next_hop = {};
  r.bytes = r.packets = 0;
  r.mpls_label = 0;
  r.tcp_flags = r.tos = r.ttl = r.direction = r.fragment = 0;
  r.known &= ~uint32_t{kKnownNextHop | kKnownBytes | kKnownPackets | kKnownMpls | kKnownTcpFlags | kKnownTos |
                       kKnownTtl | kKnownDirection | kKnownFragment};
  return r;
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
    forward.counter({231}, kKnownBytes, flow.bytes, flow);
  } else {
    forward.counter({1, 231, 85, 23, 352, 353}, kKnownBytes, flow.bytes, flow);
  }
  if (both(298, 299)) {
    forward.counter({298}, kKnownPackets, flow.packets, flow);
  } else {
    forward.counter({2, 298, 86, 24}, kKnownPackets, flow.packets, flow);
  }
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

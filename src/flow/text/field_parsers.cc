// The vocabulary's parsers, one a field.
#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <type_traits>

#include "flow/protocol.h"
#include "flow/service.h"
#include "flow/text/row.h"
#include "flow/text/text_parse.h"

namespace netflowgen::flow {
namespace {

// The member of Flow or RowValues that `M` points to.
template <auto M>
auto& member(RowValues& row) {
  if constexpr (requires(Flow & f) { f.*M; }) {
    return row.flow->*M;
  } else {
    return row.*M;
  }
}

bool read_number(std::string_view cell, double scale, uint64_t& value) {
  if (scale == 1) return parse_u64_cell(cell, value);
  double v = 0;
  if (!parse_double(cell, v)) return false;
  v *= scale;
  if (!(v >= 0 && v < 0x1p63)) return false;
  value = static_cast<uint64_t>(v + 0.5);
  return true;
}

template <auto M>
BadRow number(std::string_view cell, const Step& step, RowValues& row) {
  auto& target = member<M>(row);
  using T = std::remove_reference_t<decltype(target)>;
  uint64_t value = 0;
  if (!read_number(cell, step.scale, value) || value > std::numeric_limits<T>::max()) return BadRow::kNumber;
  target = static_cast<T>(value);
  return BadRow::kNone;
}

BadRow sampling(std::string_view cell, const Step& step, RowValues& row) {
  const BadRow bad = number<&Flow::sampling>(cell, step, row);
  return bad == BadRow::kNone && row.flow->sampling == 0 ? BadRow::kNumber : bad;
}

// "08:12:00.123", which has no day.
BadRow time_of_day(std::string_view cell, const Step& step, TimeMs& t) {
  static const TimeFormat with_fraction("%T.%f");
  static const TimeFormat whole("%T");
  bool zoned = false;
  if (!with_fraction.parse(cell, t, zoned) && !whole.parse(cell, t, zoned)) return BadRow::kTime;
  if (!step.day) return BadRow::kTimeOfDay;
  t += *step.day;
  return BadRow::kNone;
}

template <auto M>
BadRow time(std::string_view cell, const Step& step, RowValues& row) {
  TimeMs t = 0;
  bool zoned = false;
  if (!step.time_format->parse(cell, t, zoned)) [[unlikely]] {
    if (const BadRow bad = time_of_day(cell, step, t); bad != BadRow::kNone) return bad;
  }
  row.flow->*M = zoned ? t : t - step.utc_offset_ms;
  return BadRow::kNone;
}

BadRow duration(std::string_view cell, const Step& step, RowValues& row) {
  if (!parse_scaled_ms(cell, step.scale, row.duration_ms)) return BadRow::kNumber;
  if (cell.front() == '-' && row.duration_ms == 0)
    row.duration_ms = -1;  // missing, however little below zero
  return BadRow::kNone;
}

template <auto M>
BadRow address(std::string_view cell, const Step&, RowValues& row) {
  return parse_address_cell(cell, row.flow->*M) ? BadRow::kNone : BadRow::kAddress;
}

// A name instead of an address, as anonymised data sets have: "10000_34" and "EXT_SERVER" become distinct
// addresses of the documentation prefix, the same in every file.
bool address_of_name(std::string_view name, IpAddr& out) {
  uint64_t a = 0;
  uint64_t b = 0;
  const size_t underscore = name.find('_');
  IpAddr address = *IpAddr::parse("2001:db8::");
  if (underscore != std::string_view::npos && underscore > 0 && underscore + 1 < name.size() &&
      name[0] <= '9' && parse_u64(name.substr(0, underscore), a) &&
      parse_u64(name.substr(underscore + 1), b) && a <= UINT32_MAX && b <= UINT16_MAX) {
    address.bytes[7] = 1;
    a = a << 16 | b;
  } else {
    if (name.empty() || ((name[0] | 0x20) < 'a' || (name[0] | 0x20) > 'z')) return false;
    address.bytes[7] = 2;
    a = 0;
    for (const char c : name) a = base::mix64(a ^ static_cast<uint8_t>(c));
  }
  for (size_t i = 0; i < 8; ++i) address.bytes[15 - i] = static_cast<uint8_t>(a >> (8 * i));
  out = address;
  return true;
}

template <auto M>
BadRow address_or_name(std::string_view cell, RowValues& row) {
  IpAddr& target = row.flow->*M;
  return parse_address_cell(cell, target) || address_of_name(cell, target) ? BadRow::kNone : BadRow::kAddress;
}

BadRow protocol(std::string_view cell, const Step& step, RowValues& row) {
  const auto number = parse_protocol(cell);
  if (number) {
    row.flow->protocol = *number;
    return BadRow::kNone;
  }
  if (is_not_ip(cell)) return BadRow::kNotIp;
  if (cell.size() > 5 && (cell.starts_with("IPV4-") || cell.starts_with("IPV6-"))) {  // "IPV4-TCP"
    return protocol(cell.substr(5), step, row);
  }
  uint64_t value = 0;
  if (parse_u64(cell, value)) {  // "6.0"
    if (value > 255) return BadRow::kProtocol;
    row.flow->protocol = static_cast<uint8_t>(value);
    return BadRow::kNone;
  }
  row.unknown = true;  // a word that is no protocol's name ("unas", "unknown_transport")
  return BadRow::kNone;
}

template <auto M>
BadRow tcp_flags(std::string_view cell, const Step&, RowValues& row) {
  return parse_tcp_flags(cell, member<M>(row)) ? BadRow::kNone : BadRow::kTcpFlags;
}

// "8.0" (type.code) or type * 256 + code.
BadRow icmp(std::string_view cell, const Step& step, RowValues& row) {
  const size_t dot = cell.find('.');
  if (dot == std::string_view::npos) return number<&Flow::icmp_type_code>(cell, step, row);
  uint64_t type = 0;
  uint64_t code = 0;
  if (!parse_u64(cell.substr(0, dot), type) || !parse_u64(cell.substr(dot + 1), code) || type > 255 ||
      code > 255) {
    return BadRow::kNumber;
  }
  row.flow->icmp_type_code = static_cast<uint16_t>(type << 8 | code);
  return BadRow::kNone;
}

// What a port's cell holds where it is no number: a service's name.
template <auto M>
BadRow port_or_name(std::string_view cell, const Step& step, RowValues& row) {
  if (const BadRow bad = number<M>(cell, step, row); bad == BadRow::kNone) return bad;
  const char first = cell.front();
  if (first == '-' || (first >= '0' && first <= '9' && cell.find_first_not_of("0123456789.") == cell.npos)) {
    return BadRow::kNumber;
  }
  const auto port = service_port(cell);
  row.flow->*M = port.value_or(0);
  row.unknown = !port;
  return BadRow::kNone;
}

template <auto M>
BadRow mac(std::string_view cell, const Step&, RowValues& row) {
  return parse_mac(cell, row.flow->*M) ? BadRow::kNone : BadRow::kAddress;
}

// More than the field holds are as many as it holds: settle() cuts them by the packets.
BadRow flow_count(std::string_view cell, const Step& step, RowValues& row) {
  uint64_t value = 0;
  if (!read_number(cell, step.scale, value)) return BadRow::kNumber;
  row.flow->flows = static_cast<uint32_t>(std::min<uint64_t>(value, UINT32_MAX));
  return BadRow::kNone;
}

BadRow ignore(std::string_view, const Step&, RowValues&) { return BadRow::kNone; }

// "2.1 M", as nfdump abbreviates for people.
template <auto M>
BadRow with_suffix(std::string_view cell, const Step& step, RowValues& row) {
  double unit = 1;
  switch (cell.back()) {
    case 'K':
      unit = 1e3;
      break;
    case 'M':
      unit = 1e6;
      break;
    case 'G':
      unit = 1e9;
      break;
    case 'T':
      unit = 1e12;
      break;
    default:
      return number<M>(cell, step, row);
  }
  uint64_t value = 0;
  if (!read_number(trimmed(cell.substr(0, cell.size() - 1)), unit, value)) return BadRow::kNumber;
  row.flow->*M = value;
  return BadRow::kNone;
}

// In the order of Field.
constexpr std::array<FieldInfo, static_cast<size_t>(Field::kCount)> kFields{{
    {"start", 0, time<&Flow::start_ms>},
    {"end", kKnownDuration, time<&Flow::end_ms>},
    {"duration", kKnownDuration, duration},
    {"received", 0, time<&Flow::received_ms>},
    {"src", kKnownAddresses, address<&Flow::src>},
    {"dst", kKnownAddresses, address<&Flow::dst>},
    {"src_port", kKnownPorts, number<&Flow::src_port>},
    {"dst_port", kKnownPorts, number<&Flow::dst_port>},
    {"protocol", kKnownProtocol, protocol},
    {"tcp_flags", kKnownTcpFlags, tcp_flags<&Flow::tcp_flags>},
    {"packets", kKnownPackets, number<&Flow::packets>},
    {"bytes", kKnownBytes, number<&Flow::bytes>},
    {"sampling", kKnownSampling, sampling},
    {"reply_tcp_flags", 0, tcp_flags<&RowValues::reply_tcp_flags>},
    {"reply_packets", 0, number<&RowValues::reply_packets>},
    {"reply_bytes", 0, number<&RowValues::reply_bytes>},
    {"total_packets", 0, number<&RowValues::total_packets>},
    {"total_bytes", 0, number<&RowValues::total_bytes>},
    {"reply_tos", 0, number<&RowValues::reply_tos>},
    {"reply_ttl", 0, number<&RowValues::reply_ttl>},
    {"exporter", 0, address<&Flow::exporter>},
    {"domain", 0, number<&Flow::domain>},
    {"in_if", kKnownInterfaces, number<&Flow::in_if>},
    {"out_if", kKnownInterfaces, number<&Flow::out_if>},
    {"src_as", kKnownAs, number<&Flow::src_as>},
    {"dst_as", kKnownAs, number<&Flow::dst_as>},
    {"src_mask", kKnownMasks, number<&Flow::src_mask>},
    {"dst_mask", kKnownMasks, number<&Flow::dst_mask>},
    {"next_hop", kKnownNextHop, address<&Flow::next_hop>},
    {"tos", kKnownTos, number<&Flow::tos>},
    {"ttl", kKnownTtl, number<&Flow::ttl>},
    {"vlan_in", kKnownVlan, number<&Flow::vlan_in>},
    {"vlan_out", kKnownVlan, number<&Flow::vlan_out>},
    {"icmp", kKnownIcmp, icmp},
    {"icmp_type", 0, number<&RowValues::icmp_type>},
    {"icmp_code", 0, number<&RowValues::icmp_code>},
    {"fragment", kKnownFragment, number<&Flow::fragment>},
    {"direction", kKnownDirection, number<&Flow::direction>},
    {"event", kKnownEvent, number<&Flow::event>},
    {"nat_src", kKnownNat, address<&Flow::nat_src>},
    {"nat_dst", kKnownNat, address<&Flow::nat_dst>},
    {"nat_src_port", kKnownNat, number<&Flow::nat_src_port>},
    {"nat_dst_port", kKnownNat, number<&Flow::nat_dst_port>},
    {"mpls_label", kKnownMpls, number<&Flow::mpls_label>},
    {"vrf_in", kKnownVrf, number<&Flow::vrf_in>},
    {"vrf_out", kKnownVrf, number<&Flow::vrf_out>},
    {"src_mac", kKnownMac, mac<&Flow::src_mac>},
    {"dst_mac", kKnownMac, mac<&Flow::dst_mac>},
    {"version", 0, number<&Flow::version>},
    {"flows", 0, flow_count},
    {"label", 0, ignore},
}};

}  // namespace

const FieldInfo& info_of(Field f) { return kFields[static_cast<size_t>(f)]; }

Field find_field(std::string_view name) {
  size_t i = 0;
  while (i < kFields.size() && kFields[i].name != name) ++i;
  return static_cast<Field>(i);
}

BadRow parse_src_or_name(std::string_view cell, const Step&, RowValues& row) {
  return address_or_name<&Flow::src>(cell, row);
}
BadRow parse_dst_or_name(std::string_view cell, const Step&, RowValues& row) {
  return address_or_name<&Flow::dst>(cell, row);
}
BadRow parse_packets_with_suffix(std::string_view cell, const Step& step, RowValues& row) {
  return with_suffix<&Flow::packets>(cell, step, row);
}
BadRow parse_bytes_with_suffix(std::string_view cell, const Step& step, RowValues& row) {
  return with_suffix<&Flow::bytes>(cell, step, row);
}
BadRow parse_dst_port_or_icmp(std::string_view cell, const Step& step, RowValues& row) {
  const BadRow bad = number<&Flow::dst_port>(cell, step, row);
  if (bad != BadRow::kNone || cell.find('.') == std::string_view::npos) return bad;
  if (icmp(cell, step, row) == BadRow::kNone)
    row.flow->known |= kKnownIcmp;  // void unless the protocol is ICMP
  return BadRow::kNone;
}

BadRow parse_src_port_or_name(std::string_view cell, const Step& step, RowValues& row) {
  return port_or_name<&Flow::src_port>(cell, step, row);
}
BadRow parse_dst_port_or_name(std::string_view cell, const Step& step, RowValues& row) {
  return port_or_name<&Flow::dst_port>(cell, step, row);
}
BadRow parse_flows(std::string_view cell, const Step& step, RowValues& row) {
  const BadRow bad = flow_count(cell, step, row);
  if (row.flow->flows == 0) row.flow->flows = 1;
  return bad;
}
BadRow parse_direction(std::string_view cell, const Step& step, RowValues& row) {
  const char letter = cell.empty() ? '\0' : static_cast<char>(cell.front() | 0x20);
  if (letter != 'i' && letter != 'e') return number<&Flow::direction>(cell, step, row);
  row.flow->direction = letter == 'e' ? 1 : 0;
  return BadRow::kNone;
}

}  // namespace netflowgen::flow

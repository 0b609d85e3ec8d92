// goflow2's JSON: releases 2.x (src_addr) and 1.x (SrcAddr). It writes every field whether the exporter sent it or not,
// as zero: where zero is no useful value it is missing. Bytes of sFlow are frame lengths with the FCS.
#include "flow/reverse.h"
#include "flow/text/json/json_dialect.h"
#include "flow/text/json/json_fields.h"
#include "flow/text/text_parse.h"

namespace netflowgen::flow {
namespace {

constexpr uint8_t kSflow = 105;

BadRow parse_type(std::string_view cell, const Step&, RowValues& row) {
  constexpr std::pair<std::string_view, uint8_t> kTypes[] = {
      {"NETFLOW_V5", 5}, {"NETFLOW_V9", 9}, {"IPFIX", 10}, {"SFLOW_5", kSflow}};
  for (const auto& [name, version] : kTypes) {
    if (cell == name) row.flow->version = version;
  }
  return BadRow::kNone;
}

BadRow parse_etype(std::string_view cell, const Step&, RowValues&) {
  const bool ip = cell == "IPv4" || cell == "IPv6" || cell == "2048" || cell == "34525" || cell == "0" ||
                  cell == "0x800" || cell == "0x86dd";
  return ip ? BadRow::kNone : BadRow::kNotIp;
}

// Of release 2.x alone. Only sampled packets (sFlow) always tell whether they are fragments.
constexpr uint8_t kFragmentNote = 1;
constexpr uint8_t kFlagsNote = 2;
BadRow parse_fragment_offset(std::string_view cell, const Step&, RowValues& row) {
  if (cell != "0") row.note |= kFragmentNote;
  return BadRow::kNone;
}
BadRow parse_ip_flags(std::string_view cell, const Step&, RowValues& row) {
  uint64_t flags = 0;
  if (!parse_u64(cell, flags)) return BadRow::kNumber;
  row.note |= kFlagsNote;
  if ((flags & 1) != 0) row.note |= kFragmentNote;  // more fragments
  return BadRow::kNone;
}

constexpr ColumnRule kRules[] = {
    {"type|Type", Field::kLabel, Need::kOptional, parse_type},
    {"etype|Etype", Field::kLabel, Need::kOptional, parse_etype},
    {"time_flow_start_ns", Field::kStart, Need::kOptional, parse_unless_zero<Field::kStart>, 1, "unix_ns"},
    {"TimeFlowStartMs|time_flow_start_ms", Field::kStart, Need::kOptional, parse_unless_zero<Field::kStart>,
     1, "unix_ms"},
    {"TimeFlowStart|time_flow_start", Field::kStart, Need::kOptional, parse_unless_zero<Field::kStart>},
    {"time_flow_end_ns", Field::kEnd, Need::kOptional, parse_unless_zero<Field::kEnd>, 1, "unix_ns"},
    {"TimeFlowEndMs|time_flow_end_ms", Field::kEnd, Need::kOptional, parse_unless_zero<Field::kEnd>, 1,
     "unix_ms"},
    {"TimeFlowEnd|time_flow_end", Field::kEnd, Need::kOptional, parse_unless_zero<Field::kEnd>},
    {"time_received_ns", Field::kReceived, Need::kOptional, nullptr, 1, "unix_ns"},
    {"TimeReceived|time_received", Field::kReceived},
    {"src_addr|SrcAddr", Field::kSrc},
    {"dst_addr|DstAddr", Field::kDst},
    {"src_port|SrcPort", Field::kSrcPort},
    {"dst_port|DstPort", Field::kDstPort},
    {"proto|Proto", Field::kProtocol},
    {"tcp_flags|TCPFlags", Field::kTcpFlags},
    {"packets|Packets", Field::kPackets},
    {"bytes|Bytes", Field::kBytes},
    {"sampling_rate|SamplingRate", Field::kSampling, Need::kOptional, parse_sampling_or_zero},
    {"sampler_address|SamplerAddress", Field::kExporter},
    {"observation_domain_id|ObservationDomainId", Field::kDomain},
    {"in_if|InIf", Field::kInIf, Need::kOptional, parse_unless_zero<Field::kInIf>},
    {"out_if|OutIf", Field::kOutIf, Need::kOptional, parse_unless_zero<Field::kOutIf>},
    {"src_as|SrcAS", Field::kSrcAs, Need::kOptional, parse_unless_zero<Field::kSrcAs>},
    {"dst_as|DstAS", Field::kDstAs, Need::kOptional, parse_unless_zero<Field::kDstAs>},
    {"next_hop|NextHop", Field::kNextHop, Need::kOptional, parse_unless_zero<Field::kNextHop>},
    {"ip_tos|IPTos", Field::kTos},
    {"ip_ttl|IPTTL", Field::kTtl, Need::kOptional, parse_unless_zero<Field::kTtl>},
    {"vlan_id|VlanId", Field::kVlanIn, Need::kOptional, parse_unless_zero<Field::kVlanIn>},
    {"src_vlan|SrcVlan", Field::kVlanIn, Need::kOptional, parse_unless_zero<Field::kVlanIn>},
    {"dst_vlan|DstVlan", Field::kVlanOut, Need::kOptional, parse_unless_zero<Field::kVlanOut>},
    {"icmp_type|IcmpType", Field::kIcmp, Need::kOptional, parse_icmp_type},
    {"icmp_code|IcmpCode", Field::kLabel, Need::kOptional, parse_icmp_code},
    {"fragment_offset", Field::kLabel, Need::kOptional, parse_fragment_offset},
    {"ip_flags", Field::kLabel, Need::kOptional, parse_ip_flags},
    {"src_mac|SrcMac", Field::kSrcMac, Need::kOptional, parse_unless_zero<Field::kSrcMac>},
    {"dst_mac|DstMac", Field::kDstMac, Need::kOptional, parse_unless_zero<Field::kDstMac>},
};

// What has no addresses is of layer 2, or counted nothing. A flow without times is of the time of its receipt.
void settle_addresses_and_times(RowValues& row) {
  Flow& f = *row.flow;
  constexpr uint64_t kBoth = bit(Field::kSrc) | bit(Field::kDst);
  if ((row.have & kBoth) != kBoth) row.no_flow = f.version == kSflow || (f.bytes | f.packets) == 0;
  if ((row.have & (bit(Field::kStart) | bit(Field::kEnd))) == 0 && row.has(Field::kReceived)) {
    f.start_ms = f.received_ms;
    row.have |= bit(Field::kStart);
  }
}

// Other protocols than TCP have no flags. goflow2 reads ICMP's elements alone: without them the type is in the ports.
void finish(RowValues& row) {
  Flow& f = *row.flow;
  settle_addresses_and_times(row);
  if (f.version == kSflow && (row.note & kFlagsNote) != 0) {
    f.fragment = (row.note & kFragmentNote) != 0 ? 1 : 0;
    f.known |= kKnownFragment;
  }
  if (!f.has(kKnownProtocol) || f.protocol == kTcp) return;
  if ((f.protocol == kIcmp || f.protocol == kIcmp6) && f.icmp_type_code == 0 && row.has(Field::kDstPort)) {
    f.icmp_type_code = icmp_of_ports(f.src_port, f.dst_port);
    f.known |= kKnownIcmp;
  }
  f.known &= ~kKnownTcpFlags;
  f.tcp_flags = 0;
}

}  // namespace

const JsonDialect kGoflow2Json{
    .name = "goflow2",
    .what = "goflow2's JSON, whose objects have src_addr, dst_addr, sampler_address and time_received_ns",
    .signature =
        "src_addr|SrcAddr,dst_addr|DstAddr,sampler_address|SamplerAddress,"
        "time_received_ns|time_received|TimeReceived",
    .rules = kRules,
    .finish = finish,
    .finish_knows = kKnownIcmp | kKnownFragment,
};

}  // namespace netflowgen::flow

// nfdump -o json (an array, pretty-printed), json-log and ndjson (an object a line), 1.6 to 1.8. Times are the local
// times of the machine that ran nfdump. in_ and out_ counters as in its CSV. Records of type EVENT (NSEL, NAT)
// that have counters are updates and teardowns of connections; the others are events.
#include "flow/text/dialects/nfdump.h"
#include "flow/text/json/json_dialect.h"
#include "flow/text/json/json_fields.h"

namespace netflowgen::flow {
namespace {

BadRow parse_type(std::string_view cell, const Step&, RowValues& row) {
  if (cell == "EVENT") row.note |= kNfdumpEvent;
  return BadRow::kNone;
}

// "1.5.0", as a fragment is flagged: DF, MF; none of that says "no fragment" for certain.
BadRow parse_fragment(std::string_view cell, const Step&, RowValues& row) {
  row.flow->fragment = cell.find("MF") != std::string_view::npos ? 1 : 0;
  row.unknown = row.flow->fragment == 0;
  return BadRow::kNone;
}

constexpr ColumnRule kRules[] = {
    {"type", Field::kLabel, Need::kOptional, parse_type},
    {"first|t_first", Field::kStart, Need::kCell, parse_nfdump_start},
    {"last|t_last", Field::kEnd, Need::kOptional, parse_nfdump_end},
    {"t_event", Field::kEnd},
    {"received|t_received", Field::kReceived},
    {"src4_addr|src6_addr", Field::kSrc, Need::kCell},
    {"dst4_addr|dst6_addr", Field::kDst, Need::kCell},
    {"proto", Field::kProtocol},
    {"src_port", Field::kSrcPort},
    {"dst_port", Field::kDstPort},
    {"icmp_type", Field::kIcmp, Need::kOptional, parse_icmp_type},
    {"icmp_code", Field::kLabel, Need::kOptional, parse_icmp_code},
    {"tcp_flags", Field::kTcpFlags},
    {"in_packets", Field::kPackets},
    {"in_bytes", Field::kBytes},
    {"out_packets", Field::kReplyPackets},
    {"out_bytes", Field::kReplyBytes},
    {"aggr_flows", Field::kFlows, Need::kOptional, parse_unless_zero<Field::kFlows>},
    {"src_tos", Field::kTos},
    {"dst_tos", Field::kReplyTos},
    {"input_snmp", Field::kInIf},
    {"output_snmp", Field::kOutIf},
    {"src_as", Field::kSrcAs},
    {"dst_as", Field::kDstAs},
    {"src_mask", Field::kSrcMask},
    {"dst_mask", Field::kDstMask},
    {"direction", Field::kDirection},
    {"ip4_next_hop|ip6_next_hop", Field::kNextHop},
    {"src_vlan", Field::kVlanIn},
    {"dst_vlan", Field::kVlanOut},
    {"in_src_mac", Field::kSrcMac},
    {"in_dst_mac|out_dst_mac", Field::kDstMac},
    {"ip4_router|ip6_router", Field::kExporter},
    {"ip_minttl", Field::kTtl},
    {"ip_fragment", Field::kFragment, Need::kOptional, parse_fragment},
    {"ingress_vrf", Field::kVrfIn},
    {"egress_vrf", Field::kVrfOut},
    {"event_id|nat_event_id", Field::kEvent},
    {"connect_id", Field::kLabel, Need::kOptional, parse_nfdump_connection},
};

}  // namespace

const JsonDialect kNfdumpJson{
    .name = "nfdump",
    .what = "nfdump -o json, whose objects have first, last, src4_addr or src6_addr, and in_packets",
    .signature = "first|t_first,last|t_last,src4_addr|src6_addr,dst4_addr|dst6_addr,in_packets|in_bytes",
    .finishes_like = &kNfdumpDialect,
    .rules = kRules,
};

}  // namespace netflowgen::flow

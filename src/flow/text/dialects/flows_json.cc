// Our own JSON lines: what `decode -o json` writes. docs/formats.md, "Flows: our own JSON".
#include "flow/text/json/json_dialect.h"
#include "flow/text/json/json_fields.h"

namespace netflowgen::flow {
namespace {

BadRow parse_version(std::string_view cell, const Step& step, RowValues& row) {
  constexpr std::pair<std::string_view, uint8_t> kVersions[] = {
      {"ipfix", 10}, {"sflow5", 105}, {"netflow9", 9}, {"netflow7", 7}, {"netflow5", 5}, {"netflow1", 1}};
  for (const auto& [name, version] : kVersions) {
    if (cell != name) continue;
    row.flow->version = version;
    return BadRow::kNone;
  }
  return info_of(Field::kVersion).parse(cell, step, row);
}

// No flag at all is the empty text.
constexpr ColumnRule kRules[] = {
    {"start", Field::kStart, Need::kCell},
    {"end", Field::kEnd},
    {"received", Field::kReceived},
    {"src", Field::kSrc},
    {"dst", Field::kDst},
    {"src_port", Field::kSrcPort},
    {"dst_port", Field::kDstPort},
    {"protocol", Field::kProtocol},
    {"tcp_flags", Field::kTcpFlags},
    {"icmp_type", Field::kIcmp, Need::kOptional, parse_icmp_type},
    {"icmp_code", Field::kLabel, Need::kOptional, parse_icmp_code},
    {"packets", Field::kPackets},
    {"bytes", Field::kBytes},
    {"sampling", Field::kSampling},
    {"flows", Field::kFlows},
    {"exporter", Field::kExporter},
    {"domain", Field::kDomain},
    {"in_if", Field::kInIf},
    {"out_if", Field::kOutIf},
    {"src_as", Field::kSrcAs},
    {"dst_as", Field::kDstAs},
    {"src_mask", Field::kSrcMask},
    {"dst_mask", Field::kDstMask},
    {"next_hop", Field::kNextHop},
    {"tos", Field::kTos},
    {"ttl", Field::kTtl},
    {"vlan_in", Field::kVlanIn},
    {"vlan_out", Field::kVlanOut},
    {"fragment", Field::kFragment},
    {"direction", Field::kDirection, Need::kOptional, parse_direction},
    {"event", Field::kEvent},
    {"nat_src", Field::kNatSrc},
    {"nat_dst", Field::kNatDst},
    {"nat_src_port", Field::kNatSrcPort},
    {"nat_dst_port", Field::kNatDstPort},
    {"mpls_label", Field::kMpls},
    {"vrf_in", Field::kVrfIn},
    {"vrf_out", Field::kVrfOut},
    {"src_mac", Field::kSrcMac},
    {"dst_mac", Field::kDstMac},
    {"version", Field::kVersion, Need::kOptional, parse_version},
    {"flows", Field::kFlows},
};

}  // namespace

const JsonDialect kFlowsJson{
    .name = "flows",
    .what = "NetFlowGen's own JSON of flows, whose objects have start, src, dst and packets or bytes",
    .signature = "start,src,dst,protocol|packets|bytes",
    .rules = kRules,
    .as_given = true,
};

}  // namespace netflowgen::flow

// Our own CSV: what `simulate` and `decode -o csv` write. docs/formats.md, "Flows".
#include "flow/text/dialect.h"

namespace netflowgen::flow {
namespace {

constexpr ColumnRule kColumns[] = {
    {"start", Field::kStart, Need::kCell},
    {"end", Field::kEnd},
    {"duration", Field::kDuration},
    {"received", Field::kReceived},
    {"src", Field::kSrc, Need::kColumn},
    {"dst", Field::kDst, Need::kColumn},
    {"src_port", Field::kSrcPort},
    {"dst_port", Field::kDstPort},
    {"protocol", Field::kProtocol},
    {"tcp_flags", Field::kTcpFlags},
    {"packets", Field::kPackets},
    {"bytes", Field::kBytes},
    {"sampling", Field::kSampling},
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
    {"icmp", Field::kIcmp},
    {"fragment", Field::kFragment},
    {"direction", Field::kDirection},
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
    {"version", Field::kVersion},
    {"flows", Field::kFlows},
    {"label", Field::kLabel},
};

}  // namespace

const Dialect kFlowsDialect{
    .name = "flows",
    .what =
        "NetFlowGen's own CSV of flows, whose header names start, src, dst and other fields of "
        "docs/formats.md",
    .columns = kColumns,
    .only_known_columns = true,
    .as_given = true,
};

}  // namespace netflowgen::flow

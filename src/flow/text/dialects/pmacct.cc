// pmacct's JSON (print, kafka and amqp plugins of pmacctd, nfacctd, sfacctd): what `aggregate` names, no more. Times are
// timestamp_start and timestamp_end, else the bin of print_history (stamp_inserted); stamp_updated is when it was
// written. TCP flags are decimal. ICMP type and code are not written.
#include "flow/text/json/json_dialect.h"
#include "flow/text/json/json_fields.h"

namespace netflowgen::flow {
namespace {

constexpr ColumnRule kRules[] = {
    {"timestamp_start|stamp_inserted", Field::kStart},
    {"timestamp_end", Field::kEnd},
    {"timestamp_arrival", Field::kReceived},
    {"ip_src", Field::kSrc},
    {"ip_dst", Field::kDst},
    {"port_src", Field::kSrcPort},
    {"port_dst", Field::kDstPort},
    {"ip_proto", Field::kProtocol},
    {"tcp_flags", Field::kTcpFlags},
    {"packets", Field::kPackets},
    {"bytes", Field::kBytes},
    {"flows", Field::kFlows, Need::kOptional, parse_unless_zero<Field::kFlows>},
    {"sampling_rate", Field::kSampling, Need::kOptional, parse_sampling_or_zero},
    {"peer_ip_src", Field::kExporter},
    {"iface_in", Field::kInIf},
    {"iface_out", Field::kOutIf},
    {"as_src", Field::kSrcAs},
    {"as_dst", Field::kDstAs},
    {"mask_src", Field::kSrcMask},
    {"mask_dst", Field::kDstMask},
    {"tos", Field::kTos},
    {"vlan|vlan_in", Field::kVlanIn},
    {"vlan_out", Field::kVlanOut},
    {"mac_src", Field::kSrcMac},
    {"mac_dst", Field::kDstMac},
    {"post_nat_ip_src", Field::kNatSrc},
    {"post_nat_ip_dst", Field::kNatDst},
    {"post_nat_port_src", Field::kNatSrcPort},
    {"post_nat_port_dst", Field::kNatDstPort},
};

void finish(RowValues& row) {
  Flow& f = *row.flow;
  if (!f.has(kKnownProtocol) || f.protocol == kTcp) return;
  f.known &= ~kKnownTcpFlags;
  f.tcp_flags = 0;
}

}  // namespace

const JsonDialect kPmacctJson{
    .name = "pmacct",
    .what = "pmacct's JSON, whose objects have ip_src, ip_dst, packets and bytes",
    .signature = "ip_src,ip_dst,packets|bytes",
    .rules = kRules,
    .finish = finish,
};

}  // namespace netflowgen::flow

// pmacct's JSON and CSV (print, Kafka and AMQP plugins of pmacctd, nfacctd, sfacctd): what `aggregate` names, no more. Times
// are timestamp_start and timestamp_end, else the bin of print_history (stamp_inserted, in JSON alone); stamp_updated is when
// it was written. A time that is not known is 0000-00-00 00:00:00. TCP flags are decimal. ICMP type and code are the
// destination port where the exporter put them there, else not written.
#include "flow/text/dialect.h"
#include "flow/text/json/json_dialect.h"
#include "flow/text/json/json_fields.h"

namespace netflowgen::flow {
namespace {

template <Field F>
BadRow parse_time(std::string_view cell, const Step& step, RowValues& row) {
  if (!cell.starts_with("0000-00-00")) return info_of(F).parse(cell, step, row);
  row.unknown = true;
  return BadRow::kNone;
}

constexpr ColumnRule kRules[] = {
    {"timestamp_start|stamp_inserted", Field::kStart, Need::kOptional, parse_time<Field::kStart>},
    {"timestamp_end", Field::kEnd, Need::kOptional, parse_time<Field::kEnd>},
    {"timestamp_arrival", Field::kReceived, Need::kOptional, parse_time<Field::kReceived>},
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

constexpr ColumnRule kColumns[] = {
    {"timestamp_start|stamp_inserted", Field::kStart, Need::kColumn, parse_time<Field::kStart>},
    {"timestamp_end", Field::kEnd, Need::kOptional, parse_time<Field::kEnd>},
    {"timestamp_arrival", Field::kReceived, Need::kOptional, parse_time<Field::kReceived>},
    {"src_ip", Field::kSrc, Need::kCell},
    {"dst_ip", Field::kDst, Need::kCell},
    {"src_port", Field::kSrcPort},
    {"dst_port", Field::kDstPort},
    {"protocol", Field::kProtocol, Need::kColumn},
    {"tcp_flags", Field::kTcpFlags},
    {"packets", Field::kPackets, Need::kCell},
    {"bytes", Field::kBytes, Need::kCell},
    {"flows", Field::kFlows, Need::kOptional, parse_unless_zero<Field::kFlows>},
    {"sampling_rate", Field::kSampling, Need::kOptional, parse_sampling_or_zero},
    {"peer_src_ip", Field::kExporter},
    {"in_iface", Field::kInIf},
    {"out_iface", Field::kOutIf},
    {"src_as", Field::kSrcAs},
    {"dst_as", Field::kDstAs},
    {"src_mask", Field::kSrcMask},
    {"dst_mask", Field::kDstMask},
    {"tos", Field::kTos},
    {"vlan|in_vlan", Field::kVlanIn},
    {"out_vlan", Field::kVlanOut},
    {"src_mac", Field::kSrcMac},
    {"dst_mac", Field::kDstMac},
    {"post_nat_src_ip", Field::kNatSrc},
    {"post_nat_dst_ip", Field::kNatDst},
    {"post_nat_src_port", Field::kNatSrcPort},
    {"post_nat_dst_port", Field::kNatDstPort},
};

void finish(RowValues& row) {
  Flow& f = *row.flow;
  if (!f.has(kKnownProtocol) || f.protocol == kTcp) return;
  f.known &= ~kKnownTcpFlags;
  f.tcp_flags = 0;
  if ((f.protocol == kIcmp || f.protocol == kIcmp6) && f.dst_port != 0) {
    f.icmp_type_code = f.dst_port;
    f.known |= kKnownIcmp;
  }
}

}  // namespace

const Dialect kPmacctDialect{
    .name = "pmacct",
    .what =
        "pmacct's print plugin with print_output: csv, whose header names "
        "SRC_IP,DST_IP,PROTOCOL,PACKETS,BYTES and "
        "TIMESTAMP_START",
    .columns = kColumns,
    .finish = finish,
    .finish_knows = kKnownIcmp,
};

const JsonDialect kPmacctJson{
    .name = "pmacct",
    .what = "pmacct's JSON, whose objects have ip_src, ip_dst, packets and bytes",
    .signature = "ip_src,ip_dst,packets|bytes",
    .rules = kRules,
    .finish = finish,
    .finish_knows = kKnownIcmp,
};

}  // namespace netflowgen::flow

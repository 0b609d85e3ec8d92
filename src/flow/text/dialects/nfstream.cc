// nfstream's to_csv(). Bidirectional, times in milliseconds. Bytes are those that its accounting mode counts: whole
// frames by default. TCP flags only with statistical_analysis. ICMP has neither ports nor a type.
#include "flow/text/dialect.h"
#include "flow/text/text_parse.h"

namespace netflowgen::flow {
namespace {

template <uint8_t kFlag, bool kReply>
BadRow parse_flag_count(std::string_view cell, const Step&, RowValues& row) {
  uint64_t count = 0;
  if (!parse_u64(cell, count)) return BadRow::kTcpFlags;
  if (count > 0) (kReply ? row.reply_tcp_flags : row.flow->tcp_flags) |= kFlag;
  return BadRow::kNone;
}

constexpr ColumnRule kColumns[] = {
    {"src_ip", Field::kSrc, Need::kCell},
    {"src_port", Field::kSrcPort, Need::kColumn},
    {"dst_ip", Field::kDst, Need::kCell},
    {"dst_port", Field::kDstPort, Need::kColumn},
    {"protocol", Field::kProtocol, Need::kColumn},
    {"bidirectional_first_seen_ms", Field::kStart, Need::kCell, nullptr, 1, "unix_ms"},
    {"bidirectional_last_seen_ms", Field::kEnd, Need::kColumn, nullptr, 1, "unix_ms"},
    {"src2dst_packets", Field::kPackets, Need::kColumn},
    {"src2dst_bytes", Field::kBytes, Need::kColumn},
    {"dst2src_packets", Field::kReplyPackets, Need::kColumn},
    {"dst2src_bytes", Field::kReplyBytes, Need::kColumn},
    {"src_mac", Field::kSrcMac},
    {"dst_mac", Field::kDstMac},
    {"vlan_id", Field::kVlanIn},
    {"src2dst_fin_packets", Field::kTcpFlags, Need::kOptional, parse_flag_count<kFin, false>},
    {"src2dst_syn_packets", Field::kTcpFlags, Need::kOptional, parse_flag_count<kSyn, false>},
    {"src2dst_rst_packets", Field::kTcpFlags, Need::kOptional, parse_flag_count<kRst, false>},
    {"src2dst_psh_packets", Field::kTcpFlags, Need::kOptional, parse_flag_count<kPsh, false>},
    {"src2dst_ack_packets", Field::kTcpFlags, Need::kOptional, parse_flag_count<kAck, false>},
    {"src2dst_urg_packets", Field::kTcpFlags, Need::kOptional, parse_flag_count<kUrg, false>},
    {"dst2src_fin_packets", Field::kReplyTcpFlags, Need::kOptional, parse_flag_count<kFin, true>},
    {"dst2src_syn_packets", Field::kReplyTcpFlags, Need::kOptional, parse_flag_count<kSyn, true>},
    {"dst2src_rst_packets", Field::kReplyTcpFlags, Need::kOptional, parse_flag_count<kRst, true>},
    {"dst2src_psh_packets", Field::kReplyTcpFlags, Need::kOptional, parse_flag_count<kPsh, true>},
    {"dst2src_ack_packets", Field::kReplyTcpFlags, Need::kOptional, parse_flag_count<kAck, true>},
    {"dst2src_urg_packets", Field::kReplyTcpFlags, Need::kOptional, parse_flag_count<kUrg, true>},
};

void finish(RowValues& row) {
  if (row.flow->protocol == kTcp) return;
  row.flow->known &= ~kKnownTcpFlags;
  row.flow->tcp_flags = 0;
  row.have &= ~bit(Field::kReplyTcpFlags);
}

}  // namespace

const Dialect kNfstreamDialect{
    .name = "nfstream",
    .what =
        "nfstream's CSV, whose header names src_ip, dst_ip, bidirectional_first_seen_ms, src2dst_packets, "
        "...",
    .columns = kColumns,
    .finish = finish,
};

}  // namespace netflowgen::flow

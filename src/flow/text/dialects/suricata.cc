// Suricata's eve.json: events of type flow (both directions in one record) and netflow (one direction each); all other
// types are events. Bytes are those of whole frames. tcp_flags_ts are the flags towards the server, _tc back to the
// client, in hexadecimal.
#include "flow/text/json/json_dialect.h"
#include "flow/text/json/json_fields.h"

namespace netflowgen::flow {
namespace {

BadRow parse_event_type(std::string_view cell, const Step&, RowValues&) {
  return cell == "flow" || cell == "netflow" ? BadRow::kNone : BadRow::kEvent;
}

constexpr ColumnRule kRules[] = {
    {"event_type", Field::kLabel, Need::kCell, parse_event_type},
    {"flow.start|netflow.start", Field::kStart, Need::kCell},
    {"flow.end|netflow.end", Field::kEnd},
    {"src_ip", Field::kSrc, Need::kCell},
    {"dest_ip", Field::kDst, Need::kCell},
    {"src_port", Field::kSrcPort},
    {"dest_port", Field::kDstPort},
    {"proto", Field::kProtocol},
    {"flow.pkts_toserver|netflow.pkts", Field::kPackets},
    {"flow.bytes_toserver|netflow.bytes", Field::kBytes},
    {"flow.pkts_toclient", Field::kReplyPackets},
    {"flow.bytes_toclient", Field::kReplyBytes},
    {"tcp.tcp_flags_ts|tcp.tcp_flags", Field::kTcpFlags, Need::kOptional, parse_hex_tcp_flags},
    {"tcp.tcp_flags_tc", Field::kReplyTcpFlags, Need::kOptional, parse_hex_reply_tcp_flags},
    {"icmp_type", Field::kIcmp, Need::kOptional, parse_icmp_type},
    {"icmp_code", Field::kLabel, Need::kOptional, parse_icmp_code},
};

}  // namespace

const JsonDialect kSuricataJson{
    .name = "suricata",
    .what = "Suricata's eve.json, whose objects have timestamp and event_type",
    .signature = "timestamp,event_type",
    .rules = kRules,
};

}  // namespace netflowgen::flow

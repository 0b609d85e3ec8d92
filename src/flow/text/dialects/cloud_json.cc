// Flow logs of clouds as JSON: AWS VPC (an object a flow, and CloudWatch Logs, whose messages are lines of the default
// format), GCP VPC (log entries with jsonPayload.connection), Azure (NSG flow logs 1 and 2, virtual network flow logs:
// rows inside nested arrays).
#include "flow/text/json/json_dialect.h"
#include "flow/text/json/json_fields.h"

namespace netflowgen::flow {
namespace {

// NODATA and SKIPDATA: an interval without traffic, or one that was not logged.
BadRow parse_log_status(std::string_view cell, const Step&, RowValues&) {
  return cell == "OK" ? BadRow::kNone : BadRow::kEvent;
}

constexpr ColumnRule kAwsRules[] = {
    {"log_status|log-status|logStatus|logstatus", Field::kLabel, Need::kOptional, parse_log_status},
    {"start", Field::kStart, Need::kCell},
    {"end", Field::kEnd},
    {"srcaddr", Field::kSrc, Need::kCell},
    {"dstaddr", Field::kDst, Need::kCell},
    {"srcport", Field::kSrcPort},
    {"dstport", Field::kDstPort},
    {"protocol", Field::kProtocol},
    {"packets", Field::kPackets},
    {"bytes", Field::kBytes},
    {"tcp_flags|tcp-flags|tcpFlags", Field::kTcpFlags},
    {"flow_direction|flow-direction|flowDirection", Field::kDirection, Need::kOptional, parse_direction},
};

// A line of the default format, version 2.
constexpr std::string_view kAwsColumns[] = {"version", "account-id", "interface-id", "srcaddr",   "dstaddr",
                                            "srcport", "dstport",    "protocol",     "packets",   "bytes",
                                            "start",   "end",        "action",       "log-status"};
constexpr ColumnRule kAwsLineRules[] = {
    {"log-status", Field::kLabel, Need::kCell, parse_log_status},
    {"start", Field::kStart, Need::kCell},
    {"end", Field::kEnd},
    {"srcaddr", Field::kSrc},
    {"dstaddr", Field::kDst},
    {"srcport", Field::kSrcPort},
    {"dstport", Field::kDstPort},
    {"protocol", Field::kProtocol},
    {"packets", Field::kPackets},
    {"bytes", Field::kBytes},
};
constexpr Dialect kAwsLine{.name = "aws",
                           .what = "",
                           .columns = kAwsLineRules,
                           .separator = ' ',
                           .quote = '\0',
                           .null = "-",
                           .fixed_columns = kAwsColumns};
constexpr const Dialect* kAwsForms[] = {&kAwsLine};
constexpr TupleRule kCloudWatchTuples[] = {{"message", kAwsForms}};

constexpr ColumnRule kGcpRules[] = {
    {"jsonPayload.start_time|start_time", Field::kStart},
    {"jsonPayload.end_time|end_time", Field::kEnd},
    {"jsonPayload.connection.src_ip|connection.src_ip", Field::kSrc, Need::kCell},
    {"jsonPayload.connection.dest_ip|connection.dest_ip", Field::kDst, Need::kCell},
    {"jsonPayload.connection.src_port|connection.src_port", Field::kSrcPort},
    {"jsonPayload.connection.dest_port|connection.dest_port", Field::kDstPort},
    {"jsonPayload.connection.protocol|connection.protocol", Field::kProtocol},
    {"jsonPayload.packets_sent|packets_sent", Field::kPackets},
    {"jsonPayload.bytes_sent|bytes_sent", Field::kBytes},
};

// Azure. T and U; or the number.
BadRow parse_azure_protocol(std::string_view cell, const Step& step, RowValues& row) {
  if (cell == "T" || cell == "U") {
    row.flow->protocol = cell == "T" ? kTcp : kUdp;
    return BadRow::kNone;
  }
  return info_of(Field::kProtocol).parse(cell, step, row);
}

// The beginning of a connection has no counts; they come with what continues (C) and ends (E) it.
BadRow parse_azure_state(std::string_view cell, const Step&, RowValues& row) {
  if (cell == "B" && row.note == 0) return BadRow::kEvent;
  return BadRow::kNone;
}
// D: refused, which is written once, as a beginning. It stays a flow without counts.
BadRow parse_azure_decision(std::string_view cell, const Step&, RowValues& row) {
  row.note = cell == "D" ? 1 : 0;
  return BadRow::kNone;
}

constexpr std::string_view kNsgColumns[] = {"time",     "src",           "dst",        "src_port", "dst_port",
                                            "protocol", "direction",     "decision",   "state",    "packets",
                                            "bytes",    "reply_packets", "reply_bytes"};
constexpr ColumnRule kNsgRules[] = {
    {"time", Field::kEnd, Need::kCell, nullptr, 1, "unix"},
    {"src", Field::kSrc, Need::kCell},
    {"dst", Field::kDst, Need::kCell},
    {"src_port", Field::kSrcPort},
    {"dst_port", Field::kDstPort},
    {"protocol", Field::kProtocol, Need::kOptional, parse_azure_protocol},
    {"decision", Field::kLabel, Need::kOptional, parse_azure_decision},
    {"state", Field::kLabel, Need::kOptional, parse_azure_state},
    {"packets", Field::kPackets},
    {"bytes", Field::kBytes},
    {"reply_packets", Field::kReplyPackets},
    {"reply_bytes", Field::kReplyBytes},
};
constexpr std::string_view kVnetColumns[] = {
    "time",  "src",        "dst",     "src_port", "dst_port",      "protocol",   "direction",
    "state", "encryption", "packets", "bytes",    "reply_packets", "reply_bytes"};
constexpr ColumnRule kVnetRules[] = {
    {"time", Field::kEnd, Need::kCell, nullptr, 1, "unix_ms"},
    {"src", Field::kSrc, Need::kCell},
    {"dst", Field::kDst, Need::kCell},
    {"src_port", Field::kSrcPort},
    {"dst_port", Field::kDstPort},
    {"protocol", Field::kProtocol, Need::kOptional, parse_azure_protocol},
    {"state", Field::kLabel, Need::kOptional, parse_azure_state},
    {"packets", Field::kPackets},
    {"bytes", Field::kBytes},
    {"reply_packets", Field::kReplyPackets},
    {"reply_bytes", Field::kReplyBytes},
};

// A refused connection has no counts, though the virtual network's log writes zeros for it.
void finish_vnet(RowValues& row) {
  if (row.flow->packets != 0 || row.flow->bytes != 0 || row.reply_packets != 0 || row.reply_bytes != 0)
    return;
  row.flow->known &= ~(kKnownPackets | kKnownBytes);
  row.have &=
      ~(bit(Field::kPackets) | bit(Field::kBytes) | bit(Field::kReplyPackets) | bit(Field::kReplyBytes));
}

constexpr Dialect kNsgV1{.name = "azure",
                         .what = "",
                         .columns = kNsgRules,
                         .quote = '\0',
                         .fixed_columns = std::span(kNsgColumns).first(8)};
constexpr Dialect kNsgV2{
    .name = "azure", .what = "", .columns = kNsgRules, .quote = '\0', .fixed_columns = kNsgColumns};
constexpr Dialect kVnet{.name = "azure",
                        .what = "",
                        .columns = kVnetRules,
                        .quote = '\0',
                        .fixed_columns = kVnetColumns,
                        .finish = finish_vnet};
constexpr const Dialect* kNsgForms[] = {&kNsgV1, &kNsgV2};
constexpr const Dialect* kVnetForms[] = {&kVnet};
constexpr TupleRule kAzureTuples[] = {
    {"properties.flows.flows.flowTuples", kNsgForms},
    {"flowRecords.flows.flowGroups.flowTuples", kVnetForms},
};

}  // namespace

const JsonDialect kAwsJson{
    .name = "aws-vpc",
    .what = "AWS VPC flow logs as JSON, whose objects have srcaddr, dstaddr, start and end",
    .signature = "srcaddr,dstaddr,start,end",
    .rules = kAwsRules,
    .null = "-",
};

const JsonDialect kCloudWatchJson{
    .name = "cloudwatch",
    .what = "AWS VPC flow logs out of CloudWatch Logs, whose events have timestamp and message",
    .signature = "timestamp,message",
    .tuples = kCloudWatchTuples,
};

const JsonDialect kGcpJson{
    .name = "gcp",
    .what =
        "GCP VPC flow logs, whose entries have jsonPayload.connection, jsonPayload.start_time and bytes_sent",
    .signature =
        "jsonPayload.connection.src_ip|connection.src_ip,jsonPayload.connection.dest_ip|connection.dest_ip,"
        "jsonPayload.start_time|start_time",
    .rules = kGcpRules,
};

const JsonDialect kAzureJson{
    .name = "azure",
    .what = "Azure NSG or virtual network flow logs, whose records have flowTuples",
    .signature = "time",
    .tuples = kAzureTuples,
};

}  // namespace netflowgen::flow

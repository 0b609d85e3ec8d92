// Amazon VPC and transit gateway flow logs as text: with a header line, as in S3, or version 2's 14 columns without
// one, as from CloudWatch; tables of them (Athena) have names with underscores. One direction a row, times of the aggregation interval in Unix seconds. Rows without data
// (NODATA, SKIPDATA) are events. There is no ICMP type. Both ends' interfaces report a flow between them.
#include "flow/text/dialect.h"
#include "flow/text/text_parse.h"

namespace netflowgen::flow {
namespace {

BadRow parse_status(std::string_view cell, const Step&, RowValues&) {
  return cell == "OK" ? BadRow::kNone : BadRow::kEvent;
}

// "-" in the address of a row without data: it has no address, and is an event.
constexpr ColumnRule kColumns[] = {
    {"srcaddr", Field::kSrc, Need::kColumn},
    {"dstaddr", Field::kDst, Need::kColumn},
    {"srcport", Field::kSrcPort},
    {"dstport", Field::kDstPort},
    {"protocol", Field::kProtocol, Need::kColumn},
    {"packets", Field::kPackets},
    {"bytes", Field::kBytes},
    {"start", Field::kStart, Need::kCell, nullptr, 1, "unix"},
    {"end", Field::kEnd, Need::kOptional, nullptr, 1, "unix"},
    {"tcp-flags|tcp_flags", Field::kTcpFlags},
    {"flow-direction|flow_direction", Field::kDirection, Need::kOptional, parse_direction},
    {"log-status|log_status", Field::kLabel, Need::kOptional, parse_status},
};

constexpr std::string_view kFixed[] = {"version", "account-id", "interface-id", "srcaddr",   "dstaddr",
                                       "srcport", "dstport",    "protocol",     "packets",   "bytes",
                                       "start",   "end",        "action",       "log-status"};

bool is_row(std::span<const std::string_view> cells) {
  const std::string_view status = cells.size() == 14 ? cells[13] : std::string_view();
  return cells.size() == 14 && cells[0] == "2" &&
         (status == "OK" || status == "NODATA" || status == "SKIPDATA");
}

void finish(RowValues& row) {
  if (!row.flow->has(kKnownAddresses)) row.no_flow = true;
}

}  // namespace

const Dialect kAwsVpcDialect{
    .name = "aws-vpc",
    .what =
        "Amazon VPC flow logs as text, separated by blanks: a header that names srcaddr, dstaddr, protocol, "
        "start, ..., or version 2's 14 columns",
    .columns = kColumns,
    .separator = ' ',
    .null = "-",
    .fixed_columns = kFixed,
    .is_row = is_row,
    .finish = finish,
};

}  // namespace netflowgen::flow

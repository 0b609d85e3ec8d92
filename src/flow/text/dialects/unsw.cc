// UNSW-NB15's raw files: 49 columns without a header. Bidirectional; the state column has no TCP flags.
#include "flow/text/dialect.h"
#include "flow/text/text_parse.h"

namespace netflowgen::flow {
namespace {

constexpr ColumnRule kColumns[] = {
    {"srcip", Field::kSrc, Need::kCell},
    {"sport", Field::kSrcPort, Need::kColumn},
    {"dstip", Field::kDst, Need::kCell},
    {"dsport", Field::kDstPort, Need::kColumn},
    {"proto", Field::kProtocol, Need::kColumn},
    {"dur", Field::kDuration, Need::kColumn},
    {"sbytes", Field::kBytes, Need::kColumn},
    {"dbytes", Field::kReplyBytes, Need::kColumn},
    {"sttl", Field::kTtl, Need::kOptional},
    {"spkts", Field::kPackets, Need::kColumn},
    {"dpkts", Field::kReplyPackets, Need::kColumn},
    {"stime", Field::kStart, Need::kCell, nullptr, 1, "unix"},
    {"ltime", Field::kEnd, Need::kColumn, nullptr, 1, "unix"},
};

constexpr std::string_view kFixed[] = {
    "srcip",       "sport",       "dstip", "dsport", "proto", "state",   "dur",     "sbytes",
    "dbytes",      "sttl",        "dttl",  "sloss",  "dloss", "service", "sload",   "dload",
    "spkts",       "dpkts",       "swin",  "dwin",   "stcpb", "dtcpb",   "smeansz", "dmeansz",
    "trans_depth", "res_bdy_len", "sjit",  "djit",   "stime", "ltime",
};

bool is_row(std::span<const std::string_view> cells) {
  uint64_t number = 0;
  IpAddr address;
  return cells.size() == 49 && parse_address(cells[0], address) && parse_address(cells[2], address) &&
         parse_u64(cells[28], number) && parse_u64(cells[29], number);
}

}  // namespace

const Dialect kUnswDialect{
    .name = "unsw",
    .what =
        "UNSW-NB15's raw files, 49 columns without a header: srcip,sport,dstip,dsport,proto,state,dur,...",
    .columns = kColumns,
    .null = "-",
    .fixed_columns = kFixed,
    .is_row = is_row,
};

}  // namespace netflowgen::flow

// UGR'16: nfdump fields without a header: end time, duration, addresses, ports, protocol, flags, forwarding
// status, type of service, packets, bytes and, in the labelled files, a label.
#include "flow/text/dialect.h"
#include "flow/text/text_parse.h"

namespace netflowgen::flow {
namespace {

constexpr ColumnRule kColumns[] = {
    {"te", Field::kEnd, Need::kCell},        {"td", Field::kDuration, Need::kColumn},
    {"sa", Field::kSrc, Need::kCell},        {"da", Field::kDst, Need::kCell},
    {"sp", Field::kSrcPort, Need::kColumn},  {"dp", Field::kDstPort, Need::kColumn},
    {"pr", Field::kProtocol, Need::kColumn}, {"flg", Field::kTcpFlags, Need::kColumn},
    {"stos", Field::kTos, Need::kColumn},    {"pkt", Field::kPackets, Need::kColumn},
    {"byt", Field::kBytes, Need::kColumn},
};

constexpr std::string_view kFixed[] = {"te", "td",  "sa",  "da",   "sp",  "dp",
                                       "pr", "flg", "fwd", "stos", "pkt", "byt"};

bool is_row(std::span<const std::string_view> cells) {
  if (cells.size() != 12 && cells.size() != 13) return false;
  TimeMs time = 0;
  bool zoned = false;
  IpAddr address;
  return TimeFormat().parse(cells[0], time, zoned) && cells[0].size() == 19 &&
         parse_address(cells[2], address) && parse_address(cells[3], address);
}

}  // namespace

const Dialect kUgr16Dialect{
    .name = "ugr16",
    .what = "UGR'16 rows without a header: te,td,sa,da,sp,dp,pr,flg,fwd,stos,pkt,byt and perhaps a label",
    .columns = kColumns,
    .fixed_columns = kFixed,
    .is_row = is_row,
};

}  // namespace netflowgen::flow

// nfdump -o csv, of 1.6 and 1.7: the long header (ts,te,td,sa,...), and the short one with full names that
// came with 1.7.3. Times are the local times of the machine that ran nfdump.
//
// ipkt/ibyt are the flow; opkt/obyt, which nfdump fills for bidirectional records (-B, NSEL, biflows), are
// the reply. Where only the o-counters count (exporters that send OUT_BYTES alone), they are the flow.
#include "flow/text/dialect.h"

namespace netflowgen::flow {
namespace {

constexpr ColumnRule kColumns[] = {
    {"ts|firstseen", Field::kStart, Need::kCell},
    {"te|lastseen", Field::kEnd},
    {"td|duration", Field::kDuration},
    {"tr|received", Field::kReceived},
    {"sa|srcaddr", Field::kSrc, Need::kCell},
    {"da|dstaddr", Field::kDst, Need::kCell},
    {"sp|srcport", Field::kSrcPort},
    {"dp|dstport", Field::kDstPort, Need::kOptional, parse_dst_port_or_icmp},
    {"pr|proto", Field::kProtocol, Need::kColumn},
    {"flg|flags", Field::kTcpFlags},
    {"ipkt|pkt|packets|inpackets", Field::kPackets, Need::kColumn, parse_packets_with_suffix},
    {"ibyt|byt|bytes|inbytes", Field::kBytes, Need::kColumn, parse_bytes_with_suffix},
    {"opkt|outpackets", Field::kReplyPackets},
    {"obyt|outbytes", Field::kReplyBytes},
    {"stos|tos|srctos", Field::kTos},
    {"dtos|dsttos", Field::kReplyTos},
    {"in|input", Field::kInIf},
    {"out|output", Field::kOutIf},
    {"sas|srcas", Field::kSrcAs},
    {"das|dstas", Field::kDstAs},
    {"smk|srcmask", Field::kSrcMask},
    {"dmk|dstmask", Field::kDstMask},
    {"nh|nexthop", Field::kNextHop},
    {"svln|srcvlan", Field::kVlanIn},
    {"dvln|dstvlan", Field::kVlanOut},
    {"dir", Field::kDirection},
    {"ra|routerip", Field::kExporter},
};

void finish(RowValues& row) {
  Flow& f = *row.flow;
  if (f.received_ms < 2 * 86400000)
    row.have &= ~bit(Field::kReceived);  // printed as 1970 where it is not known
  if (f.packets == 0 && f.bytes == 0) {
    f.packets = row.reply_packets;
    f.bytes = row.reply_bytes;
    row.reply_packets = row.reply_bytes = 0;
  }
  if ((f.protocol == kIcmp || f.protocol == kIcmp6) && f.dst_port != 0 && !f.has(kKnownIcmp)) {
    f.icmp_type_code = f.dst_port;
    f.known |= kKnownIcmp;
  }
}

// "Summary", a line of names and a line of sums end the listing; -q leaves them out.
size_t not_rows(std::string_view line) {
  if (line.starts_with("Summary")) return 3;
  return line.starts_with("No match") || line.starts_with("Time window") || line.starts_with("Total flows") ||
                 line.starts_with("Sys:")
             ? 1
             : 0;
}

}  // namespace

const Dialect kNfdumpDialect{
    .name = "nfdump",
    .what =
        "nfdump -o csv, whose header begins ts,te,td,sa,da,sp,dp,pr (or firstSeen,duration,proto,srcAddr)",
    .columns = kColumns,
    .finish = finish,
    .finish_knows = kKnownIcmp,
    .not_rows = not_rows,
};

}  // namespace netflowgen::flow

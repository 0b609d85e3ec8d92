// nfdump -o csv, of 1.6 and 1.7: the long header (ts,te,td,sa,...), the short one with full names that came with
// 1.7.3, any list of columns (-o "csv:%ts,%sa,...") of 1.7.5 and later, and its csv-fast, whose times are
// milliseconds. Other times are the local times of the machine that ran nfdump.
//
// ipkt/ibyt are the flow; opkt/obyt, which nfdump fills for bidirectional records (-B, NSEL, biflows), are the
// reply. At egress (dir) and in NetFlow v9 with nothing in, they count the flow itself. The rule is that of
// archives (nfcapd/out_counters.cc), as far as a row says what it needs.
//
// Events of firewalls and of NAT (NSEL, NEL) without a counter are no flows. Those with counters are updates and
// teardowns of connections (text/connections.h). They end at 1970 and have a time of their own (%tevt, %msec).
// nfdump 1.7.1's -o csv has neither event nor its time, and prints their duration, which is negative, as unsigned.
#include <algorithm>

#include "base/random.h"
#include "flow/text/dialect.h"
#include "flow/text/dialects/nfdump.h"
#include "flow/text/text_parse.h"

namespace netflowgen::flow {
namespace {

// Bits of RowValues::note, beside kNfdumpEvent.
constexpr uint8_t kNetFlow9 = 1;
constexpr uint8_t kNoEnd = 2;  // the last packet is at 1970

constexpr TimeMs kLongest = 7 * 86'400'000;  // a longer connection is rather a replayed capture
constexpr TimeMs kNever = 2 * 86'400'000;    // what is before is printed for 0, in whatever time zone

// "netflowV9": a column of nfdump 1.7.5 and later.
BadRow parse_version(std::string_view cell, const Step&, RowValues& row) {
  if (cell == "netflowV9") row.note |= kNetFlow9;
  return BadRow::kNone;
}

BadRow parse_duration(std::string_view cell, const Step& step, RowValues& row) {
  constexpr size_t kAnyDuration = 14;  // "123456789.000"; most rows need no second reading
  double seconds = 0;
  if (cell.size() <= kAnyDuration || !parse_double(cell, seconds) || seconds < 1e12)
    return info_of(Field::kDuration).parse(cell, step, row);
  row.duration_ms = -1;
  return BadRow::kNone;
}

BadRow parse_event_time(std::string_view cell, const Step& step, RowValues& row) {
  RowValues other = row;
  Flow event;
  other.flow = &event;
  if (const BadRow bad = info_of(Field::kEnd).parse(cell, step, other); bad != BadRow::kNone) return bad;
  row.event_ms = event.end_ms < kNever ? 0 : event.end_ms;
  row.unknown = true;  // settle_event() sets the end
  return BadRow::kNone;
}

// 0 where the record is no event.
BadRow parse_event(std::string_view cell, const Step&, RowValues& row) {
  uint64_t event = 0;
  if (!parse_u64(cell, event) || event > UINT16_MAX) return BadRow::kNumber;
  row.flow->event = static_cast<uint16_t>(event);
  row.unknown = event == 0;
  return BadRow::kNone;
}

constexpr ColumnRule kColumns[] = {
    {"ts|firstseen", Field::kStart, Need::kCell, parse_nfdump_start, 1, "unix_ms_or_iso"},
    {"te|lastseen", Field::kEnd, Need::kOptional, parse_nfdump_end, 1, "unix_ms_or_iso"},
    {"td|duration", Field::kDuration, Need::kOptional, parse_duration},
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
    {"fl|flows", Field::kFlows, Need::kOptional, parse_flows},
    {"stos|tos|srctos", Field::kTos},
    {"dtos|dsttos", Field::kReplyTos},
    {"icmptype", Field::kIcmpType},
    {"icmpcode", Field::kIcmpCode},
    {"in|input", Field::kInIf},
    {"out|output", Field::kOutIf},
    {"sas|srcas", Field::kSrcAs},
    {"das|dstas", Field::kDstAs},
    {"smk|srcmask", Field::kSrcMask},
    {"dmk|dstmask", Field::kDstMask},
    {"nh|nexthop|nextip", Field::kNextHop},
    {"svln|srcvlan", Field::kVlanIn},
    {"dvln|dstvlan", Field::kVlanOut},
    {"dir|direction", Field::kDirection, Need::kOptional, parse_direction},
    {"srcxip", Field::kNatSrc},
    {"dstxip", Field::kNatDst},
    {"srcxport", Field::kNatSrcPort},
    {"dstxport", Field::kNatDstPort},
    {"ingressvrfid", Field::kVrfIn},
    {"egressvrfid", Field::kVrfOut},
    {"minttl", Field::kTtl},
    {"obsdomainid", Field::kDomain},
    {"ra|routerip", Field::kExporter},
    {"version", Field::kVersion, Need::kOptional, parse_version},
    {"event", Field::kEvent, Need::kOptional, parse_event},
    {"eventtime", Field::kEnd, Need::kOptional, parse_event_time, 1, "unix_ms_or_iso"},
    {"connectionid", Field::kLabel, Need::kOptional, parse_nfdump_connection},
};

// An event's row: what it counts belongs to a connection, and the time of the event is its end.
void settle_event(RowValues& row) {
  Flow& f = *row.flow;
  row.no_flow = (f.bytes | f.packets | row.reply_bytes | row.reply_packets) == 0;
  // The start is the connection's in all its rows.
  if (row.connection == 0)
    row.connection = static_cast<uint32_t>(base::mix64(static_cast<uint64_t>(f.start_ms))) | 1;
  const bool received = (row.note & kNoEnd) != 0 && row.has(Field::kReceived);
  if (row.event_ms == 0 && received && f.received_ms - f.start_ms <= kLongest) row.event_ms = f.received_ms;
  if (row.has(Field::kEnd) || row.event_ms == 0) return;
  f.end_ms = row.event_ms;
  f.known |= kKnownDuration;
  row.have = (row.have | bit(Field::kEnd)) & ~bit(Field::kDuration);
}

// NAT events have no first and last packet, and nfdump 1.7.1's -o csv not the time of the event.
void take_time_of_receipt(RowValues& row) {
  row.flow->start_ms = row.flow->received_ms;
  row.have = (row.have | bit(Field::kStart)) & ~bit(Field::kDuration);
}

void settle_out_counters(RowValues& row) {
  Flow& f = *row.flow;
  const bool nothing_in = f.packets == 0 && f.bytes == 0;
  const bool same = f.packets == row.reply_packets && f.bytes == row.reply_bytes;
  const bool egress = f.has(kKnownDirection) && f.direction == 1;
  const bool v9 = (row.note & kNetFlow9) != 0 && !f.has(kKnownEvent);
  if (!egress && !(v9 && f.flows == 1 && (nothing_in || same))) {
    row.reply_icmp = nothing_in;
    if (nothing_in) return;
    row.reply_flows = std::max(1u, f.flows / 2);  // nfdump counts the flows of both directions
    f.flows -= f.flows > 1 ? row.reply_flows : 0;
    return;
  }
  if (f.packets == 0) f.packets = row.reply_packets;
  if (f.bytes == 0) f.bytes = row.reply_bytes;
  row.reply_packets = row.reply_bytes = 0;
}

void finish(RowValues& row) {
  Flow& f = *row.flow;
  if (f.received_ms < kNever) row.have &= ~bit(Field::kReceived);  // printed as 1970 where it is not known
  const bool no_end = (row.note & kNoEnd) != 0 && row.has(Field::kStart) && f.start_ms >= kNever;
  if (f.has(kKnownEvent) || no_end || (row.note & kNfdumpEvent) != 0) settle_event(row);
  if (!row.has(Field::kStart) && !row.has(Field::kEnd) && row.has(Field::kReceived))
    take_time_of_receipt(row);
  if (row.reply_packets != 0 || row.reply_bytes != 0) settle_out_counters(row);
  if ((f.protocol == kIcmp || f.protocol == kIcmp6) && row.has(Field::kDstPort) && !f.has(kKnownIcmp)) {
    f.icmp_type_code = f.dst_port;
    f.known |= kKnownIcmp;
  }
  if (f.protocol == 0) f.known &= ~uint32_t{kKnownProtocol};  // a listing that does not keep protocols apart
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

BadRow parse_nfdump_start(std::string_view cell, const Step& step, RowValues& row) {
  const BadRow bad = info_of(Field::kStart).parse(cell, step, row);
  row.unknown = row.flow->start_ms < kNever;
  return bad;
}

BadRow parse_nfdump_end(std::string_view cell, const Step& step, RowValues& row) {
  const BadRow bad = info_of(Field::kEnd).parse(cell, step, row);
  row.unknown = row.flow->end_ms < kNever;
  if (row.unknown) row.note |= kNoEnd;
  return bad;
}

BadRow parse_nfdump_connection(std::string_view cell, const Step&, RowValues& row) {
  uint64_t id = 0;
  if (!parse_u64(cell, id) || id > UINT32_MAX) return BadRow::kNumber;
  row.connection = static_cast<uint32_t>(id);
  return BadRow::kNone;
}

const Dialect kNfdumpDialect{
    .name = "nfdump",
    .what =
        "nfdump -o csv or csv-fast, whose header names ts,te,td,sa,da,sp,dp,pr (or firstSeen, duration, "
        "proto, "
        "srcAddr, ...)",
    .columns = kColumns,
    .finish = finish,
    .finish_knows = kKnownIcmp,
    .not_rows = not_rows,
};

}  // namespace netflowgen::flow

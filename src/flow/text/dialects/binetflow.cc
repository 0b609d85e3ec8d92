// Argus: CTU-13's .binetflow, and what `ra -c ,` writes with any list of fields that has times, addresses and
// protocol. Bidirectional. Bytes count whole frames, with the link layer's header.
//
// Counters of a direction are known where SrcBytes (SrcPkts) is there beside DstBytes (DstPkts) or TotBytes
// (TotPkts). Totals alone, as in ra's default list, are those of the flow only where Argus saw one direction.
#include "flow/text/dialect.h"
#include "flow/text/text_parse.h"

namespace netflowgen::flow {
namespace {

// RowValues::note: Dir is "->" or "<-".
constexpr uint8_t kOneWay = 1;
constexpr uint8_t kBackward = 2;

// "FSPA_FSPA": the flags of each side. Other states ("CON", "INT") have no flags.
BadRow parse_state(std::string_view cell, const Step&, RowValues& row) {
  const size_t bar = cell.find('_');
  if (bar == std::string_view::npos || !parse_tcp_flags(cell.substr(0, bar), row.flow->tcp_flags) ||
      !parse_tcp_flags(cell.substr(bar + 1), row.reply_tcp_flags)) {
    row.unknown = true;
    return BadRow::kNone;
  }
  row.have |= bit(Field::kReplyTcpFlags);
  return BadRow::kNone;
}

// A port, or of ESP the security parameters index, which is no port.
BadRow parse_dst_port_or_spi(std::string_view cell, const Step& step, RowValues& row) {
  const BadRow bad = parse_dst_port_or_name(cell, step, row);
  uint64_t number = 0;
  if (bad == BadRow::kNone || !parse_u64(cell, number) || number > UINT32_MAX) return bad;
  row.unknown = true;
  return BadRow::kNone;
}

// "  ->", "<->", "<-", "who", "<?>".
BadRow parse_dir(std::string_view cell, const Step&, RowValues& row) {
  if (cell == "->") row.note = kOneWay;
  if (cell == "<-") row.note = kBackward;
  return BadRow::kNone;
}

constexpr ColumnRule kColumns[] = {
    {"starttime", Field::kStart, Need::kCell},
    {"lasttime", Field::kEnd},
    {"dur", Field::kDuration},
    {"proto", Field::kProtocol, Need::kColumn},
    {"srcaddr", Field::kSrc, Need::kCell},
    {"sport", Field::kSrcPort, Need::kColumn, parse_src_port_or_name},
    {"dir", Field::kLabel, Need::kOptional, parse_dir},
    {"dstaddr", Field::kDst, Need::kCell},
    {"dport", Field::kDstPort, Need::kColumn, parse_dst_port_or_spi},
    {"state", Field::kTcpFlags, Need::kOptional, parse_state},
    {"stos", Field::kTos},
    {"dtos", Field::kReplyTos},
    {"sttl", Field::kTtl},
    {"dttl", Field::kReplyTtl},
    {"trans", Field::kFlows, Need::kOptional, parse_flows},
    {"totbytes", Field::kTotalBytes},
    {"srcbytes", Field::kBytes},
    {"dstbytes", Field::kReplyBytes},
    {"totpkts", Field::kTotalPackets},
    {"srcpkts", Field::kPackets},
    {"dstpkts", Field::kReplyPackets},
};

// IPv4: the type is the low byte of Sport, the code its high byte; Dport is the rest of the header. IPv6: type
// and code.
void settle_icmp(RowValues& row) {
  Flow& f = *row.flow;
  if (!row.has(Field::kSrcPort)) return;
  const uint16_t type = f.src_port & 0xff;
  const auto code = static_cast<uint16_t>(f.protocol == kIcmp ? f.src_port >> 8 : f.dst_port & 0xff);
  f.icmp_type_code = static_cast<uint16_t>(type << 8 | code);
  f.known |= kKnownIcmp;
  // Of an echo reply that nobody asked for, Argus writes the reply's own type, and the asker as the source.
  row.reply_icmp = f.packets == 0 && f.bytes == 0;
}

constexpr uint64_t kHalves =
    bit(Field::kBytes) | bit(Field::kPackets) | bit(Field::kReplyBytes) | bit(Field::kReplyPackets);

void give_reply_the_totals(RowValues& row) {
  row.reply_bytes = row.total_bytes;
  row.reply_packets = row.total_packets;
  if (row.has(Field::kTotalBytes)) row.have |= bit(Field::kBytes) | bit(Field::kReplyBytes);
  if (row.has(Field::kTotalPackets)) row.have |= bit(Field::kPackets) | bit(Field::kReplyPackets);
}

// The totals of a flow of which Argus saw one direction are its own, or with "<-" its reply's.
void settle_totals(RowValues& row) {
  Flow& f = *row.flow;
  // Of TCP, "->" is who began.
  if ((row.have & kHalves) != 0 || row.note == 0 || f.protocol == kTcp) return;
  if (row.note == kBackward) return give_reply_the_totals(row);
  if (row.has(Field::kTotalBytes)) {
    f.bytes = row.total_bytes;
    f.known |= kKnownBytes;
    row.have |= bit(Field::kBytes);
  }
  if (row.has(Field::kTotalPackets)) {
    f.packets = row.total_packets;
    f.known |= kKnownPackets;
    row.have |= bit(Field::kPackets);
  }
}

void finish(RowValues& row) {
  Flow& f = *row.flow;
  settle_totals(row);
  if (f.protocol == kIcmp || f.protocol == kIcmp6) settle_icmp(row);
  if (f.protocol == kTcp) return;
  f.known &= ~kKnownTcpFlags;
  f.tcp_flags = 0;
  row.have &= ~bit(Field::kReplyTcpFlags);
}

uint32_t finish_knows_of(uint64_t have) {
  if ((have & kHalves) != 0) return 0;
  return ((have & bit(Field::kTotalBytes)) != 0 ? kKnownBytes : 0u) |
         ((have & bit(Field::kTotalPackets)) != 0 ? kKnownPackets : 0u);
}

}  // namespace

const Dialect kBinetflowDialect{
    .name = "binetflow",
    .what =
        "Argus flows as ra -c , and CTU-13 have them, whose header names "
        "StartTime,Proto,SrcAddr,Sport,DstAddr,Dport and, best, Dur, State, SrcBytes, DstBytes, SrcPkts, "
        "DstPkts",
    .columns = kColumns,
    .finish = finish,
    .finish_knows = kKnownIcmp,
    .finish_knows_of = finish_knows_of,
};

}  // namespace netflowgen::flow

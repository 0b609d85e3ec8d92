// CTU-13's .binetflow, written by Argus: bidirectional, with the bytes of both sides but, in the files as
// published, only the packets' total. So packets are missing, unless SrcPkts and DstPkts are there.
#include "flow/text/dialect.h"
#include "flow/text/text_parse.h"

namespace netflowgen::flow {
namespace {

// "FSPA_FSPA": the flags of each side. Other states ("CON", "INT") say nothing of flags.
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

constexpr ColumnRule kColumns[] = {
    {"starttime", Field::kStart, Need::kCell},
    {"dur", Field::kDuration, Need::kColumn},
    {"proto", Field::kProtocol, Need::kColumn},
    {"srcaddr", Field::kSrc, Need::kCell},
    {"sport", Field::kSrcPort, Need::kColumn},
    {"dstaddr", Field::kDst, Need::kCell},
    {"dport", Field::kDstPort, Need::kColumn},
    {"state", Field::kTcpFlags, Need::kOptional, parse_state},
    {"stos", Field::kTos},
    {"dtos", Field::kReplyTos},
    {"totbytes", Field::kTotalBytes, Need::kColumn},
    {"srcbytes", Field::kBytes, Need::kColumn},
    {"srcpkts", Field::kPackets},
    {"dstpkts", Field::kReplyPackets},
};

void finish(RowValues& row) {
  Flow& f = *row.flow;
  if (f.protocol == kTcp) return;
  f.known &= ~kKnownTcpFlags;
  f.tcp_flags = 0;
  row.have &= ~bit(Field::kReplyTcpFlags);
  if (f.protocol == kIcmp || f.protocol == kIcmp6) {  // Sport is the type, Dport the code, in hexadecimal
    if (f.src_port > 255 || f.dst_port > 255) return;
    f.icmp_type_code = static_cast<uint16_t>(f.src_port << 8 | f.dst_port);
    if (f.has(kKnownPorts)) f.known |= kKnownIcmp;
  }
}

}  // namespace

const Dialect kBinetflowDialect{
    .name = "binetflow",
    .what =
        "Argus flows as in CTU-13, whose header is "
        "StartTime,Dur,Proto,SrcAddr,Sport,Dir,DstAddr,Dport,State,...",
    .columns = kColumns,
    .finish = finish,
    .finish_knows = kKnownIcmp,
};

}  // namespace netflowgen::flow

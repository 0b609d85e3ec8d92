// Zeek's conn.log as tab-separated text. A connection is up to two flows. TCP flags come from the history
// letters (upper case: the originator), bytes are IP bytes where the log has them, else payload. The #fields
// line may come again. Times are Unix seconds, milliseconds (JSON::TS_MILLIS), or text (zeek-cut -d, -u, -U).
#include <array>
#include <utility>

#include "flow/reverse.h"
#include "flow/text/dialect.h"
#include "flow/text/text_parse.h"

namespace netflowgen::flow {
namespace {

constexpr uint8_t kBadChecksum = 1;  // RowValues::note: the originator sent packets that Zeek did not count

// By letter: the originator's flags in the low byte, the responder's in the high one.
constexpr auto kFlags = [] {
  std::array<uint16_t, 256> flags{};
  constexpr std::pair<char, uint8_t> kLetters[] = {{'s', kSyn}, {'h', kSyn | kAck}, {'a', kAck},
                                                   {'d', kAck}, {'f', kFin | kAck}, {'r', kRst}};
  for (const auto& [letter, flag] : kLetters) {
    flags[static_cast<uint8_t>(letter - 32)] = flag;
    flags[static_cast<uint8_t>(letter)] = static_cast<uint16_t>(flag << 8);
  }
  return flags;
}();

BadRow parse_history(std::string_view cell, const Step&, RowValues& row) {
  unsigned flags = 0;
  bool bad_checksum = false;
  for (const char c : cell) {
    flags |= kFlags[static_cast<uint8_t>(c)];
    bad_checksum |= c == 'C';
  }
  if (bad_checksum) row.note = kBadChecksum;
  row.flow->tcp_flags = static_cast<uint8_t>(row.flow->tcp_flags | flags);
  row.reply_tcp_flags = static_cast<uint8_t>(row.reply_tcp_flags | flags >> 8);
  row.have |= bit(Field::kReplyTcpFlags);
  return BadRow::kNone;
}

// id.orig_p is the type; id.resp_p is the code, or of messages that have a counterpart its type (and then the code
// is 0).
// Zeek's proto is icmp for ICMPv6 too.
void settle_icmp(Flow& f) {
  if (!f.src.is_v4()) f.protocol = kIcmp6;
  const auto type = static_cast<uint8_t>(f.src_port);
  const uint8_t code = icmp_counterpart(f.protocol, type) ? uint8_t{0} : static_cast<uint8_t>(f.dst_port);
  f.icmp_type_code = static_cast<uint16_t>(type << 8 | code);
  f.known |= kKnownIcmp;
}

void finish(RowValues& row) {
  Flow& f = *row.flow;
  if (row.note == kBadChecksum && f.packets == 0 && row.reply_packets == 0) {
    // It did send something; how much is not known. (A host that leaves checksums to its network card looks
    // so.)
    f.known &= ~(kKnownPackets | kKnownBytes);
    row.have &= ~(bit(Field::kPackets) | bit(Field::kBytes));
  }
  if (f.protocol != kTcp) {
    f.known &= ~kKnownTcpFlags;
    f.tcp_flags = 0;
    row.have &= ~bit(Field::kReplyTcpFlags);
  }
  if (f.protocol == kIcmp || f.protocol == kIcmp6) settle_icmp(f);
}

constexpr ColumnRule kColumns[] = {
    {"ts", Field::kStart, Need::kCell, nullptr, 1, "unix_or_ms_or_iso"},
    {"id.orig_h|id_orig_h", Field::kSrc, Need::kCell},
    {"id.orig_p|id_orig_p", Field::kSrcPort, Need::kColumn},
    {"id.resp_h|id_resp_h", Field::kDst, Need::kCell},
    {"id.resp_p|id_resp_p", Field::kDstPort, Need::kColumn},
    {"proto", Field::kProtocol, Need::kColumn},
    {"duration", Field::kDuration},
    {"history", Field::kTcpFlags, Need::kOptional, parse_history},
    {"orig_ip_bytes|orig_bytes", Field::kBytes},
    {"orig_pkts", Field::kPackets},
    {"resp_ip_bytes|resp_bytes", Field::kReplyBytes},
    {"resp_pkts", Field::kReplyPackets},
};

}  // namespace

const Dialect kZeekDialect{
    .name = "zeek",
    .what =
        "a Zeek conn.log as text, whose #fields line names ts, id.orig_h, id.orig_p, id.resp_h, id.resp_p, "
        "proto",
    .columns = kColumns,
    .separator = '\t',
    .quote = '\0',
    .comment = '#',
    .null = "-",
    .header_prefix = "#fields",
    .finish = finish,
    .finish_knows = kKnownIcmp,
};

}  // namespace netflowgen::flow

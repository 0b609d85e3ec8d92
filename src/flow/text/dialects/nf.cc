// The NF-* data sets (nProbe features of public captures), versions 1 to 3. Bidirectional. Only version 3 has
// times.
#include "flow/text/dialect.h"

namespace netflowgen::flow {
namespace {

constexpr ColumnRule kColumns[] = {
    {"ipv4_src_addr|ipv6_src_addr", Field::kSrc, Need::kCell},
    {"l4_src_port", Field::kSrcPort, Need::kColumn},
    {"ipv4_dst_addr|ipv6_dst_addr", Field::kDst, Need::kCell},
    {"l4_dst_port", Field::kDstPort, Need::kColumn},
    {"protocol", Field::kProtocol, Need::kColumn},
    {"in_bytes", Field::kBytes, Need::kColumn},
    {"in_pkts", Field::kPackets, Need::kColumn},
    {"out_bytes", Field::kReplyBytes, Need::kColumn},
    {"out_pkts", Field::kReplyPackets, Need::kColumn},
    {"client_tcp_flags", Field::kTcpFlags},
    {"server_tcp_flags", Field::kReplyTcpFlags},
    {"flow_start_milliseconds", Field::kStart, Need::kOptional, nullptr, 1, "unix_ms"},
    {"flow_end_milliseconds", Field::kEnd, Need::kOptional, nullptr, 1, "unix_ms"},
    {"flow_duration_milliseconds", Field::kDuration, Need::kOptional, nullptr, 1e-3},
    {"icmp_type", Field::kIcmp},
};

void finish(RowValues& row) {
  // Durations that went below zero are written as 2^32 microseconds and a little less.
  const bool wrapped = row.duration_ms >= 4290000 && row.duration_ms <= 4294967;
  if (row.has(Field::kEnd) || wrapped) row.have &= ~bit(Field::kDuration);
}

}  // namespace

const Dialect kNfDialect{
    .name = "nf",
    .what =
        "an NF-* data set, whose header names IPV4_SRC_ADDR, L4_SRC_PORT, IPV4_DST_ADDR, ..., IN_BYTES, "
        "IN_PKTS",
    .columns = kColumns,
    .finish = finish,
};

}  // namespace netflowgen::flow

// CIDDS-001 and CIDDS-002: nfdump's fields under long names, padded with blanks, bytes as "2.1 M", and public
// addresses anonymised to names ("10000_34", "EXT_SERVER").
#include "flow/text/dialect.h"

namespace netflowgen::flow {
namespace {

constexpr ColumnRule kColumns[] = {
    {"date first seen", Field::kStart, Need::kCell},
    {"duration", Field::kDuration, Need::kColumn},
    {"proto", Field::kProtocol, Need::kColumn},
    {"src ip addr", Field::kSrc, Need::kCell, parse_src_or_name},
    {"src pt", Field::kSrcPort, Need::kColumn},
    {"dst ip addr", Field::kDst, Need::kCell, parse_dst_or_name},
    {"dst pt", Field::kDstPort, Need::kColumn, parse_dst_port_or_icmp},
    {"packets", Field::kPackets, Need::kColumn, parse_packets_with_suffix},
    {"bytes", Field::kBytes, Need::kColumn, parse_bytes_with_suffix},
    {"flags", Field::kTcpFlags},
    {"tos", Field::kTos},
};

}  // namespace

const Dialect kCiddsDialect{
    .name = "cidds",
    .what =
        "CIDDS-001 flows, whose header is Date first seen,Duration,Proto,Src IP Addr,Src Pt,Dst IP Addr,...",
    .columns = kColumns,
    .finish_knows = kKnownIcmp,
};

}  // namespace netflowgen::flow

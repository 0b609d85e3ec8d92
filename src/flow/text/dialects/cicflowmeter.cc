// CICFlowMeter: CICIDS2017 (the "GeneratedLabelledFlows" with addresses and times), CIC-DDoS2019, and later
// releases with shorter names. Bidirectional. Bytes are payload, because CICFlowMeter counts no headers. Flag
// counts are of both sides together, so flags are known only for rows with packets in one direction.
// Durations are microseconds; negative ones, which the public files hold, are taken as missing.
#include "flow/text/dialect.h"
#include "flow/text/text_parse.h"

namespace netflowgen::flow {
namespace {

template <uint8_t kFlag>
BadRow parse_flag_count(std::string_view cell, const Step&, RowValues& row) {
  double count = 0;
  if (!parse_double(cell, count)) return BadRow::kTcpFlags;
  if (count > 0) row.flow->tcp_flags |= kFlag;
  return BadRow::kNone;
}

constexpr ColumnRule kColumns[] = {
    {"source ip|src ip", Field::kSrc, Need::kCell},
    {"source port|src port", Field::kSrcPort, Need::kColumn},
    {"destination ip|dst ip", Field::kDst, Need::kCell},
    {"destination port|dst port", Field::kDstPort, Need::kColumn},
    {"protocol", Field::kProtocol, Need::kColumn},
    {"timestamp", Field::kStart, Need::kCell, nullptr, 1, "cicflowmeter"},
    {"flow duration", Field::kDuration, Need::kColumn, nullptr, 1e-6},
    {"total fwd packets|tot fwd pkts|total fwd packet", Field::kPackets, Need::kColumn},
    {"total backward packets|tot bwd pkts|total bwd packets", Field::kReplyPackets, Need::kColumn},
    {"total length of fwd packets|totlen fwd pkts|total length of fwd packet", Field::kBytes, Need::kColumn},
    {"total length of bwd packets|totlen bwd pkts|total length of bwd packet", Field::kReplyBytes,
     Need::kColumn},
    {"fin flag count|fin flag cnt", Field::kTcpFlags, Need::kOptional, parse_flag_count<kFin>},
    {"syn flag count|syn flag cnt", Field::kTcpFlags, Need::kOptional, parse_flag_count<kSyn>},
    {"rst flag count|rst flag cnt", Field::kTcpFlags, Need::kOptional, parse_flag_count<kRst>},
    {"psh flag count|psh flag cnt", Field::kTcpFlags, Need::kOptional, parse_flag_count<kPsh>},
    {"ack flag count|ack flag cnt", Field::kTcpFlags, Need::kOptional, parse_flag_count<kAck>},
    {"urg flag count|urg flag cnt", Field::kTcpFlags, Need::kOptional, parse_flag_count<kUrg>},
};

void finish(RowValues& row) {
  Flow& f = *row.flow;
  if (row.reply_packets > 0 || f.protocol != kTcp) {
    f.known &= ~kKnownTcpFlags;
    f.tcp_flags = 0;
  }
}

}  // namespace

const Dialect kCicFlowMeterDialect{
    .name = "cicflowmeter",
    .what =
        "CICFlowMeter's CSV with addresses and times (Source IP, Destination IP, Timestamp, Flow Duration, "
        "...)",
    .columns = kColumns,
    .finish = finish,
};

}  // namespace netflowgen::flow

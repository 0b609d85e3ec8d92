// CICFlowMeter of Java: CICIDS2017 (the "GeneratedLabelledFlows" with addresses and times), CIC-DDoS2019, and later
// releases with shorter names. Bidirectional. Bytes are payload, because CICFlowMeter counts no headers. Flag
// counts are of both sides together, so flags are known only for rows with packets in one direction.
// Durations are microseconds; negative ones, which the public files hold, are taken as missing.
//
// The Python cicflowmeter (dialect python-cicflowmeter) has the same columns under shorter names. Its times are
// local, its bytes are those of whole frames. Durations are microseconds in releases 0.0.1 to 0.2.0 and seconds in
// copies of it: the packet rate tells which.
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

BadRow parse_rate(std::string_view cell, const Step&, RowValues& row) {
  return parse_double(cell, row.rate) ? BadRow::kNone : BadRow::kNumber;
}

constexpr ColumnRule kPythonColumns[] = {
    {"src_ip", Field::kSrc, Need::kCell},
    {"src_port", Field::kSrcPort, Need::kColumn},
    {"dst_ip", Field::kDst, Need::kCell},
    {"dst_port", Field::kDstPort, Need::kColumn},
    {"protocol", Field::kProtocol, Need::kColumn},
    {"timestamp", Field::kStart, Need::kCell},
    {"flow_duration", Field::kDuration, Need::kColumn},
    {"flow_pkts_s", Field::kLabel, Need::kOptional, parse_rate},
    {"tot_fwd_pkts", Field::kPackets, Need::kColumn},
    {"tot_bwd_pkts", Field::kReplyPackets, Need::kColumn},
    {"totlen_fwd_pkts", Field::kBytes, Need::kColumn},
    {"totlen_bwd_pkts", Field::kReplyBytes, Need::kColumn},
    {"fin_flag_cnt", Field::kTcpFlags, Need::kOptional, parse_flag_count<kFin>},
    {"syn_flag_cnt", Field::kTcpFlags, Need::kOptional, parse_flag_count<kSyn>},
    {"rst_flag_cnt", Field::kTcpFlags, Need::kOptional, parse_flag_count<kRst>},
    {"psh_flag_cnt", Field::kTcpFlags, Need::kOptional, parse_flag_count<kPsh>},
    {"ack_flag_cnt", Field::kTcpFlags, Need::kOptional, parse_flag_count<kAck>},
    {"urg_flag_cnt", Field::kTcpFlags, Need::kOptional, parse_flag_count<kUrg>},
};

// The duration was read as seconds. Packets / rate are the seconds that were meant; without a rate only the
// microseconds of the releases are left to assume.
void finish_python(RowValues& row) {
  finish(row);
  if (row.duration_ms < 0) return;  // missing
  constexpr double kMicro = 1e-6;
  const auto seconds = static_cast<double>(row.duration_ms) / 1000.0;
  const auto packets = static_cast<double>(row.flow->packets + row.reply_packets);
  const bool is_seconds = row.rate > 0 && packets > 0 && seconds * row.rate < packets * 1000;
  if (!is_seconds)
    row.duration_ms = static_cast<int64_t>(static_cast<double>(row.duration_ms) * kMicro + 0.5);
}

}  // namespace

const Dialect kPythonCicFlowMeterDialect{
    .name = "python-cicflowmeter",
    .what =
        "CSV of the Python cicflowmeter (src_ip, dst_ip, ..., timestamp, flow_duration, ..., tot_fwd_pkts)",
    .columns = kPythonColumns,
    .finish = finish_python,
};

const Dialect kCicFlowMeterDialect{
    .name = "cicflowmeter",
    .what =
        "CICFlowMeter's CSV with addresses and times (Source IP, Destination IP, Timestamp, Flow Duration, "
        "...)",
    .columns = kColumns,
    .finish = finish,
};

}  // namespace netflowgen::flow

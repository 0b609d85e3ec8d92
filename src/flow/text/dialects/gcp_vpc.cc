// Google Cloud VPC flow logs as CSV: exported from the log explorer (jsonPayload.connection.src_ip) or from BigQuery
// (jsonPayload_connection_src_ip, or plain src_ip under connection). One direction a row. Google has multiplied the
// counters by its sampling rate. Both ends report a flow between two machines (`reporter`).
#include "flow/text/dialect.h"

namespace netflowgen::flow {
namespace {

constexpr ColumnRule kColumns[] = {
    {"jsonpayload.connection.src_ip|jsonpayload_connection_src_ip|connection.src_ip|connection_src_ip",
     Field::kSrc, Need::kCell},
    {"jsonpayload.connection.src_port|jsonpayload_connection_src_port|connection.src_port|connection_src_"
     "port",
     Field::kSrcPort},
    {"jsonpayload.connection.dest_ip|jsonpayload_connection_dest_ip|connection.dest_ip|connection_dest_ip",
     Field::kDst, Need::kCell},
    {"jsonpayload.connection.dest_port|jsonpayload_connection_dest_port|connection.dest_port|connection_dest_"
     "port",
     Field::kDstPort},
    {"jsonpayload.connection.protocol|jsonpayload_connection_protocol|connection.protocol|connection_"
     "protocol",
     Field::kProtocol, Need::kColumn},
    {"jsonpayload.start_time|jsonpayload_start_time|start_time", Field::kStart, Need::kCell},
    {"jsonpayload.end_time|jsonpayload_end_time|end_time", Field::kEnd},
    {"jsonpayload.bytes_sent|jsonpayload_bytes_sent|bytes_sent", Field::kBytes, Need::kColumn},
    {"jsonpayload.packets_sent|jsonpayload_packets_sent|packets_sent", Field::kPackets, Need::kColumn},
};

}  // namespace

const Dialect kGcpVpcDialect{
    .name = "gcp-vpc",
    .what =
        "Google Cloud VPC flow logs as CSV, whose header names jsonPayload.connection.src_ip, "
        "jsonPayload.start_time, jsonPayload.bytes_sent, ...",
    .columns = kColumns,
};

}  // namespace netflowgen::flow

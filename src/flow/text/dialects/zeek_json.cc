// Zeek's conn.log as JSON (LogAscii::use_json): the fields of conn.log as text, ts as Unix or ISO time. Streams of all
// logs in one file (_path) hold other records too: they are events.
#include "flow/text/json/json_dialect.h"

namespace netflowgen::flow {
namespace {

BadRow parse_path(std::string_view cell, const Step&, RowValues&) {
  return cell == "conn" ? BadRow::kNone : BadRow::kEvent;
}
BadRow ignore(std::string_view, const Step&, RowValues&) { return BadRow::kNone; }

constexpr ColumnRule kRules[] = {
    {"_path", Field::kLabel, Need::kOptional, parse_path},
    {"conn_state|history|orig_pkts|orig_ip_bytes|orig_bytes|missed_bytes", Field::kLabel, Need::kCell,
     ignore},
};

}  // namespace

const JsonDialect kZeekJson{
    .name = "zeek",
    .what = "a Zeek conn.log as JSON, whose objects have ts, id.orig_h, id.resp_h, proto and conn_state",
    .signature =
        "ts,id.orig_h|id_orig_h,id.orig_p|id_orig_p,id.resp_h|id_resp_h,id.resp_p|id_resp_p,proto,"
        "conn_state|history|orig_pkts|orig_ip_bytes|orig_bytes|missed_bytes",
    .like = &kZeekDialect,
    .rules = kRules,
};

}  // namespace netflowgen::flow

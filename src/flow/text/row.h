// From the cells of one row to a Flow: the vocabulary of columns, and the plan that a header is compiled
// into.
//
// A plan is made once per file (or per #fields line); a row is then one loop over its steps, each a function
// pointer with its constants, and nothing is allocated. All text dialects share it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "flow/record.h"
#include "flow/text/time_format.h"

namespace netflowgen::flow {

// Why a row gave no flow. From kNotIp on they are no fault of the row.
enum class BadRow : uint8_t {
  kNone,
  kColumns,
  kQuote,
  kTooLong,
  kEmpty,
  kMissing,
  kTime,
  kTimeOfDay,
  kAddress,
  kNumber,
  kProtocol,
  kTcpFlags,
  kJson,
  kJsonDepth,
  kJsonKey,
  kNotIp,
  kNoTraffic,
  kEvent,
  kNoFlow,
  kCount
};

constexpr std::string_view name_of(BadRow reason) {
  constexpr std::string_view kNames[] = {"none",
                                         "wrong number of columns",
                                         "unclosed quote",
                                         "line too long",
                                         "all cells empty",
                                         "a needed cell is empty",
                                         "bad time",
                                         "a time without a date (--assume-time gives the day)",
                                         "bad address",
                                         "bad number",
                                         "bad protocol",
                                         "bad TCP flags",
                                         "not a JSON object",
                                         "JSON nested too deep",
                                         "a JSON key comes twice",
                                         "not IP",
                                         "no traffic in either direction",
                                         "an event, not a flow",
                                         "not a flow"};
  static_assert(std::size(kNames) == static_cast<size_t>(BadRow::kCount));
  return kNames[static_cast<size_t>(reason)];
}

constexpr bool is_fault(BadRow reason) { return reason < BadRow::kNotIp; }

// What a column can hold: every field of a Flow, and what only files have (a duration, a reply's counters).
enum class Field : uint8_t {
  kStart,
  kEnd,
  kDuration,
  kReceived,
  kSrc,
  kDst,
  kSrcPort,
  kDstPort,
  kProtocol,
  kTcpFlags,
  kPackets,
  kBytes,
  kSampling,
  kReplyTcpFlags,
  kReplyPackets,
  kReplyBytes,
  kTotalPackets,
  kTotalBytes,
  kReplyTos,
  kReplyTtl,
  kExporter,
  kDomain,
  kInIf,
  kOutIf,
  kSrcAs,
  kDstAs,
  kSrcMask,
  kDstMask,
  kNextHop,
  kTos,
  kTtl,
  kVlanIn,
  kVlanOut,
  kIcmp,
  kIcmpType,
  kIcmpCode,
  kFragment,
  kDirection,
  kEvent,
  kNatSrc,
  kNatDst,
  kNatSrcPort,
  kNatDstPort,
  kMpls,
  kVrfIn,
  kVrfOut,
  kSrcMac,
  kDstMac,
  kVersion,
  kFlows,  // how many flows the row represents
  kLabel,  // read past: labels are joined by time and node, not by flow
  kCount
};

constexpr uint64_t bit(Field f) { return uint64_t{1} << static_cast<unsigned>(f); }

// A row while its cells are read. `flow` is the caller's slot.
struct RowValues {
  Flow* flow = nullptr;
  uint64_t have = 0;  // bits of Field
  int64_t duration_ms = 0;
  uint64_t reply_packets = 0;
  uint64_t reply_bytes = 0;
  uint64_t total_packets = 0;
  uint64_t total_bytes = 0;
  uint32_t reply_flows = 0;  // 0: as many as the flow
  uint8_t reply_tcp_flags = 0;
  double rate = 0;  // packets in a second, where a dialect needs it
  uint8_t reply_tos = 0;
  uint8_t reply_ttl = 0;
  uint8_t icmp_type = 0;
  uint8_t icmp_code = 0;
  uint32_t connection = 0;  // a firewall's id of it; 0: none
  TimeMs event_ms = 0;      // of a firewall's event; 0: not given
  uint8_t note = 0;         // from a dialect's parsers to its finish()
  bool unknown = false;     // set by a parser whose cell holds a value that means "not known"
  bool reply_icmp = false;  // set by a dialect: the ICMP type is the reply's
  bool no_flow = false;     // set by a dialect: the row is an event

  bool has(Field f) const { return (have & bit(f)) != 0; }
};

struct Step;
// REQUIRES: kCellPadding (digits.h) readable bytes behind the cell, which is not empty.
using CellParser = BadRow (*)(std::string_view cell, const Step& step, RowValues& row);

enum class Need : uint8_t {
  kOptional,  // the column may be absent, its cell empty
  kColumn,    // the column must be there, its cell may be empty
  kCell,      // the cell must hold a value
};

struct Step {
  uint16_t column = 0;
  Need need = Need::kOptional;
  uint32_t known = 0;  // bits of Known that a value sets
  uint64_t have = 0;   // bits of Field that a value sets
  CellParser parse = nullptr;
  double scale = 1;           // numbers are multiplied; a duration's unit in seconds
  int64_t utc_offset_ms = 0;  // of local times
  std::optional<TimeMs> day;  // of times without a date: midnight of that day
  std::shared_ptr<const TimeFormat> time_format;
};

struct FieldInfo {
  std::string_view name;  // in our own CSV and in column maps
  uint32_t known;
  CellParser parse;
};
const FieldInfo& info_of(Field f);
// kCount: there is no such field.
Field find_field(std::string_view name);

// Parsers that a dialect may name instead of a field's own.
BadRow parse_src_or_name(std::string_view cell, const Step&,
                         RowValues&);  // anonymised names: see docs/formats.md
BadRow parse_dst_or_name(std::string_view cell, const Step&, RowValues&);
BadRow parse_packets_with_suffix(std::string_view cell, const Step&, RowValues&);  // "2.1 M"
BadRow parse_bytes_with_suffix(std::string_view cell, const Step&, RowValues&);
BadRow parse_dst_port_or_icmp(std::string_view cell, const Step&,
                              RowValues&);  // "8.0": ICMP type and code, or a float
// A number, or the name of a service (service.h). A name that nobody
// knows is missing, not zero.
BadRow parse_src_port_or_name(std::string_view cell, const Step&, RowValues&);
BadRow parse_dst_port_or_name(std::string_view cell, const Step&, RowValues&);
BadRow parse_flows(std::string_view cell, const Step&,
                   RowValues&);  // of tools that write 0 for "not counted"
BadRow parse_direction(std::string_view cell, const Step&, RowValues&);  // I, E, ingress, egress, 0, 1

// A condition on a cell as text: it is one of `values`, or with `negate` none of them.
struct RowFilter {
  uint16_t column = 0;
  bool negate = false;
  std::vector<std::string> values;
};
bool keeps(const RowFilter& filter, std::string_view cell);

struct RowPlan {
  std::vector<Step> steps;  // by column
  char separator = ',';
  char quote = '"';             // '\0': none
  char comment = '\0';          // lines that start with it are no rows; '\0': none
  size_t other_columns = 0;     // also accepted: what the first row has, where a header says otherwise
  size_t columns = 0;           // of a whole row; 0: at least the last one that is used
  bool two_way = false;         // rows carry a reply: up to two flows
  bool as_given = false;        // ICMP keeps its ports, others their ICMP cell (our own CSV)
  std::vector<RowFilter> keep;  // all must hold, or the row is no flow
  std::string_view null;        // a cell that means "nothing", beside the empty one; empty: none
  void (*finish)(RowValues& row) = nullptr;  // the dialect's word, before times and directions are settled
  bool assume_time = false;
  TimeMs assumed_time_ms = 0;
  uint32_t known = 0;  // union of the steps'
  Flow constants;      // what every flow starts from
  RowValues constant_values;

  size_t wanted() const { return wanted_columns; }
  size_t wanted_columns = 0;  // set by complete()
};

// Sorts the steps and sets what follows from them. REQUIRES: steps filled.
void complete(RowPlan& plan);

struct Flows {
  BadRow bad = BadRow::kNone;
  bool forward = false;  // the first slot is a flow
  bool reply = false;    // the second slot is a flow
  // Of a firewall's connection, whose rows follow_connection() has to bring together; slots[0] is then always set.
  uint32_t connection = 0;
};

// The last part of parse_row(): directions, times and what follows from them. `row` holds what was read, row.flow is
// slots[0].
Flows finish_row(const RowPlan& plan, RowValues& row, Flow* slots);

// Reads one row into up to two flows, slots[0] and slots[1], which may hold anything before and, where not
// said to be a flow, after. REQUIRES: kLinePadding readable bytes after `line`; `ends` holds plan.wanted().
Flows parse_row(std::string_view line, const RowPlan& plan, Flow* slots, uint32_t* ends);

}  // namespace netflowgen::flow

#include "flow/text/row.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "flow/reverse.h"
#include "flow/text/split.h"

namespace netflowgen::flow {
namespace {

constexpr uint64_t kPorts = bit(Field::kSrcPort) | bit(Field::kDstPort);
constexpr uint64_t kAddresses = bit(Field::kSrc) | bit(Field::kDst);

// Ports and addresses are known in pairs or not at all.
void drop_half_pairs(RowValues& row) {
  Flow& f = *row.flow;
  if ((row.have & kPorts) != kPorts) {
    f.known &= ~kKnownPorts;
    f.src_port = f.dst_port = 0;
  }
  if ((row.have & kAddresses) != kAddresses) {
    f.known &= ~kKnownAddresses;
    f.src = f.dst = IpAddr{};
  }
}

// Start, end and what is known of the duration, from whichever of start, end and duration the row has. A
// duration beats an end: files that have both round the end to seconds.
BadRow settle_times(const RowPlan& plan, RowValues& row) {
  Flow& f = *row.flow;
  const bool has_end = row.has(Field::kEnd);
  const bool has_duration = row.has(Field::kDuration) && row.duration_ms >= 0;
  if (!row.has(Field::kStart)) {
    if (has_end) {
      f.start_ms = has_duration ? f.end_ms - row.duration_ms : f.end_ms;
    } else if (plan.assume_time) {
      f.start_ms = plan.assumed_time_ms;
    } else {
      return BadRow::kMissing;
    }
  }
  if (has_duration) {
    f.end_ms = f.start_ms + row.duration_ms;
  } else if (!has_end || f.end_ms < f.start_ms || !row.has(Field::kStart)) {
    f.end_ms = f.start_ms;
    f.known &= ~kKnownDuration;
  }
  if (!row.has(Field::kReceived)) f.received_ms = f.end_ms;
  return BadRow::kNone;
}

void set_icmp(RowValues& row) {
  row.flow->icmp_type_code = static_cast<uint16_t>(row.icmp_type << 8 | row.icmp_code);
  row.flow->known |= kKnownIcmp;
}

// ICMP has a type and a code, and no ports; others have no type.
void settle_row_icmp(Flow& f) {
  if (f.protocol == kIcmp || f.protocol == kIcmp6) {
    f.known &= ~kKnownPorts;
    f.src_port = f.dst_port = 0;
  } else {
    f.known &= ~kKnownIcmp;
    f.icmp_type_code = 0;
  }
}

void split_totals(RowValues& row) {
  const Flow& f = *row.flow;
  if (row.has(Field::kTotalBytes) && row.has(Field::kBytes) && !row.has(Field::kReplyBytes)) {
    row.reply_bytes = row.total_bytes - std::min(f.bytes, row.total_bytes);
    row.have |= bit(Field::kReplyBytes);
  }
  if (row.has(Field::kTotalPackets) && row.has(Field::kPackets) && !row.has(Field::kReplyPackets)) {
    row.reply_packets = row.total_packets - std::min(f.packets, row.total_packets);
    row.have |= bit(Field::kReplyPackets);
  }
}

void set_if(Flow& f, bool has, uint32_t group) { f.known |= has ? group : 0u; }

void write_reply(const RowValues& row, Flow& r) {
  r = *row.flow;
  reverse(r);
  r.bytes = row.reply_bytes;
  r.packets = row.reply_packets;
  r.tcp_flags = row.reply_tcp_flags;
  r.tos = row.reply_tos;
  r.ttl = row.reply_ttl;
  if (row.reply_icmp) {
    r.icmp_type_code = row.flow->icmp_type_code;
    r.known |= row.flow->known & kKnownIcmp;
  }
  if (row.reply_flows != 0) r.flows = row.reply_flows;
  set_if(r, row.has(Field::kReplyBytes), kKnownBytes);
  set_if(r, row.has(Field::kReplyPackets), kKnownPackets);
  set_if(r, row.has(Field::kReplyTcpFlags), kKnownTcpFlags);
  set_if(r, row.has(Field::kReplyTos), kKnownTos);
  set_if(r, row.has(Field::kReplyTtl), kKnownTtl);
}

bool all_empty(std::string_view line, const RowPlan& plan) {
  return std::all_of(line.begin(), line.end(),
                     [&](char c) { return c == plan.separator || c == ' ' || c == '"'; });
}

}  // namespace

bool keeps(const RowFilter& filter, std::string_view cell) {
  return (std::find(filter.values.begin(), filter.values.end(), cell) != filter.values.end()) !=
         filter.negate;
}

void complete(RowPlan& plan) {
  std::stable_sort(plan.steps.begin(), plan.steps.end(),
                   [](const Step& a, const Step& b) { return a.column < b.column; });
  plan.wanted_columns = plan.steps.empty() ? 0 : plan.steps.back().column + size_t{1};
  for (const RowFilter& filter : plan.keep) {
    plan.wanted_columns = std::max(plan.wanted_columns, filter.column + size_t{1});
  }
  plan.known = plan.constants.known;
  uint64_t have = plan.constant_values.have;
  for (const Step& step : plan.steps) {
    plan.known |= step.known;
    have |= step.have;
  }
  const auto reply_gives = [&](Field f, uint32_t group) { plan.known |= (have & bit(f)) != 0 ? group : 0u; };
  reply_gives(Field::kReplyBytes, kKnownBytes);
  reply_gives(Field::kReplyPackets, kKnownPackets);
  reply_gives(Field::kReplyTcpFlags, kKnownTcpFlags);
  reply_gives(Field::kReplyTos, kKnownTos);
  reply_gives(Field::kReplyTtl, kKnownTtl);
  reply_gives(Field::kIcmpType, kKnownIcmp);
  if ((have & kPorts) != kPorts) plan.known &= ~kKnownPorts;
  if ((have & kAddresses) != kAddresses) plan.known &= ~kKnownAddresses;
  plan.two_way = (have & (bit(Field::kReplyBytes) | bit(Field::kReplyPackets) | bit(Field::kTotalBytes) |
                          bit(Field::kTotalPackets))) != 0;
}

Flows finish_row(const RowPlan& plan, RowValues& row, Flow* slots) {
  Flow& f = *row.flow;
  if ((row.have & (kPorts | kAddresses)) != (kPorts | kAddresses)) drop_half_pairs(row);
  if (row.has(Field::kIcmpType)) set_icmp(row);
  if (plan.finish != nullptr) plan.finish(row);
  if (row.no_flow) return {BadRow::kEvent};
  if (const BadRow bad = settle_times(plan, row); bad != BadRow::kNone) return {bad};
  if (!plan.as_given) settle_row_icmp(f);
  if (!plan.two_way) return {BadRow::kNone, true, false};
  split_totals(row);
  Flows flows;
  flows.reply = row.reply_packets > 0 || row.reply_bytes > 0;
  const bool counted = row.has(Field::kPackets) || row.has(Field::kBytes);
  flows.forward = f.packets > 0 || f.bytes > 0 || (!counted && !flows.reply);
  if (flows.reply) write_reply(row, slots[1]);
  flows.connection = row.connection;
  if (!flows.forward && !flows.reply) flows.bad = BadRow::kNoTraffic;
  return flows;
}

Flows parse_row(std::string_view line, const RowPlan& plan, Flow* slots, uint32_t* ends) {
  const size_t count = split_cells(line, plan.separator, plan.quote, plan.wanted(), ends);
  if (count == kUnclosedQuote) return {BadRow::kQuote};
  if (count < plan.wanted() || (plan.columns != 0 && count != plan.columns && count != plan.other_columns)) {
    return {BadRow::kColumns};
  }
  for (const RowFilter& filter : plan.keep) {
    if (!keeps(filter, cell_at(line, ends, filter.column, plan.quote))) return {BadRow::kNoFlow};
  }
  slots[0] = plan.constants;
  RowValues row = plan.constant_values;
  row.flow = slots;
  for (const Step& step : plan.steps) {
    const std::string_view cell = cell_at(line, ends, step.column, plan.quote);
    if (cell.empty() || cell == plan.null) {
      if (step.need == Need::kCell) return {all_empty(line, plan) ? BadRow::kEmpty : BadRow::kMissing};
      continue;
    }
    row.unknown = false;
    if (const BadRow bad = step.parse(cell, step, row); bad != BadRow::kNone) return {bad};
    if (row.unknown) continue;
    row.have |= step.have;
    slots[0].known |= step.known;
  }
  return finish_row(plan, row, slots);
}

}  // namespace netflowgen::flow

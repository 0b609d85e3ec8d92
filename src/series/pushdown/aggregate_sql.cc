#include "series/pushdown/aggregate_sql.h"

#include <fmt/format.h>

#include <vector>

#include "flow/clickhouse/clickhouse_table.h"
#include "series/accumulate/state.h"
#include "series/ports.h"

namespace netflowgen::series {
namespace {

using flow::kKnownBytes;
using flow::kKnownFragment;
using flow::kKnownPackets;
using flow::kKnownPorts;
using flow::kKnownProtocol;
using flow::kKnownTcpFlags;

constexpr const char* kNode = "st, dir, nh, nl, nn";
const EndColumns kOwn{"oh", "ol", "oi", "oa"};

std::string known_port(const std::string& column) {
  static const std::string kList = [] {
    std::vector<unsigned> ports;
    for (unsigned p = 1024; p < kPorts.size(); ++p) {
      if (kPorts[p].known()) ports.push_back(p);
    }
    return fmt::format("{}", fmt::join(ports, ","));
  }();
  return fmt::format("(({0} > 0 AND {0} < 1024) OR {0} IN ({1}))", column, kList);
}

// An address as two UInt64 in host order.
std::string address_halves(const char* column, const char* high, const char* low) {
  return fmt::format(
      "reinterpretAsUInt64(reverse(substring({0}, 1, 8))) AS {1}, reinterpretAsUInt64(reverse(substring({0}, "
      "9, 8))) AS "
      "{2}",
      column, high, low);
}

// fold_multiply(a, b) of series/sketch.h AS `name`: the two halves of a product of 128 bits, by parts of 32.
std::string fold_sql(const std::string& name, const std::string& a, const std::string& b) {
  return fmt::format(
      "{1} AS {0}_a, {2} AS {0}_b, bitAnd({0}_a, 4294967295) AS {0}_p, bitShiftRight({0}_a, 32) AS {0}_q, "
      "bitAnd({0}_b, 4294967295) AS {0}_r, bitShiftRight({0}_b, 32) AS {0}_s, "
      "{0}_p * {0}_s AS {0}_t, {0}_q * {0}_r AS {0}_u, "
      "bitShiftRight({0}_p * {0}_r, 32) + bitAnd({0}_t, 4294967295) + bitAnd({0}_u, 4294967295) AS {0}_v, "
      "bitXor({0}_a * {0}_b, {0}_q * {0}_s + bitShiftRight({0}_t, 32) + bitShiftRight({0}_u, 32) + "
      "bitShiftRight({0}_v, 32)) AS {0}",
      name, a, b);
}

// hash_address() of a column of 16 bytes AS `name`.
std::string address_hash(const std::string& column, const std::string& name) {
  const auto word = [&](int at) {
    return fmt::format("reinterpretAsUInt64(substring({}, {}, 8))", column, at);
  };
  return fold_sql("fa", fmt::format("bitXor({}, {})", word(1), 0xa0761d6478bd642fu),
                  fmt::format("bitXor({}, {})", word(9), 0xe7037ed1a0b428dbu)) +
         ", " +
         fold_sql("fb", fmt::format("bitXor(fa, {})", 0x8ebc6af09c88c6e3u),
                  fmt::format("toUInt64({})", 0x589965cc75374cc3u)) +
         ", toUInt32(bitAnd(fb, 4294967295)) AS " + name;
}

// hash_port() of a column AS `name`.
std::string port_hash(const std::string& column, const std::string& name) {
  return fmt::format(
      "toUInt32({0} + 1) AS pa, toUInt32(bitXor(pa, bitShiftRight(pa, 16)) * toUInt64(2246822507)) AS pb, "
      "toUInt32(bitXor(pb, bitShiftRight(pb, 13)) * toUInt64(3266489909)) AS pc, "
      "toUInt32(bitXor(pc, bitShiftRight(pc, 16))) AS {1}",
      column, name);
}

// hll_rank<P>() of a hash AS mark, its register AS cell.
std::string register_sql(const std::string& hash, unsigned precision) {
  return fmt::format(
      "bitAnd({0}, {1}) AS cell, toUInt64(bitShiftRight({0}, {2})) AS rest, "
      "toUInt32(if(rest = 0, {3}, round(log2(bitAnd(if(rest = 0, 1, rest), bitNot(if(rest = 0, 1, rest)) + "
      "1))) + 1)) AS mark",
      hash, (1u << precision) - 1, precision, 32 - precision + 1);
}

// The bin of a service's port AS cell, its place in port_before()'s order AS mark.
std::string service_sql() {
  const uint64_t a = 0x9e3779b97f4a7c15u;
  const auto own = fmt::format("{}", fmt::join(own_bin_ports(), ","));
  return fmt::format(
      "toUInt64(k) + {0} AS ma, bitXor(ma, bitShiftRight(ma, 30)) * {1} AS mb, bitXor(mb, bitShiftRight(mb, "
      "27)) * {2} "
      "AS mc, bitXor(mc, bitShiftRight(mc, 31)) AS md, "
      "toUInt64(if(has([{3}], k), indexOf([{3}], k) - 1, {4} + md % {5})) AS cell, "
      "toUInt32(if({6}, 0, 65536) + k) AS mark",
      a, 0xbf58476d1ce4e5b9u, 0x94d049bb133111ebu, own, kOwnBins, kServiceBins - kOwnBins, known_port("k"));
}

// The cell and mark of the key k.
std::string cell_sql(SetKind kind) {
  switch (kind) {
    case SetKind::kPeers:
      return register_sql("k", kPeerPrecision);
    case SetKind::kOwnPorts:
      return port_hash("k", "h") + ", " + register_sql("h", kPortPrecision);
    case SetKind::kPeerPorts:
      return port_hash("k", "h") +
             ", bitShiftRight(toUInt32(h * toUInt64(2654435761)), 26) AS cell, toUInt32(0) AS mark";
    case SetKind::kServices:
      break;
  }
  return service_sql();
}

std::string key_sql(SetKind kind) {
  switch (kind) {
    case SetKind::kPeers:
      return address_hash("pe", "k");
    case SetKind::kOwnPorts:
      return "toUInt32(if(dir = 0, nfg_dp, nfg_sp)) AS k";
    case SetKind::kPeerPorts:
      return "toUInt32(if(dir = 0, nfg_sp, nfg_dp)) AS k";
    case SetKind::kServices:
      break;
  }
  return fmt::format("toUInt32(if({0} != {1}, if({0}, nfg_sp, nfg_dp), least(nfg_sp, nfg_dp))) AS k",
                     known_port("nfg_sp"), known_port("nfg_dp"));
}

constexpr const char* kHasPorts = "nfg_pr IN (6, 17, 33, 132, 136)";

// Each flow twice, as its receiver (dir 0) and as its sender sees it.
std::string ends_sql(const SliceSql& s) {
  const auto halves = address_halves("nfg_sa", "sh", "sl") + ", " + address_halves("nfg_da", "dh", "dl") +
                      ", " + address_halves("nfg_ex", "nfg_xh", "nfg_xl");
  return fmt::format(
      "(SELECT *, if(dir = 0, dh, sh) AS oh, if(dir = 0, dl, sl) AS ol, if(dir = 0, nfg_ii, nfg_oi) AS oi, "
      "if(dir = 0, nfg_das, nfg_sas) AS oa, if(dir = 0, nfg_sa, nfg_da) AS pe "
      "FROM (SELECT *, {}, toUInt32(intDiv(nfg_t, {}) - {}) AS st, arrayJoin([toUInt8(0), toUInt8(1)]) AS "
      "dir FROM {}))",
      halves, s.step_ms, s.first_step, s.flows);
}

// The ends that are nodes, with the node and further columns.
std::string nodes_sql(const SliceSql& s, const NodeRule& rule, const std::string& columns,
                      const std::string& condition) {
  return fmt::format("(SELECT st, dir, {} AS nh, {} AS nl, {} AS nn, {} FROM {} WHERE {}{})", rule.high(kOwn),
                     rule.low(kOwn), rule.number(kOwn), columns, ends_sql(s), rule.condition(kOwn),
                     condition.empty() ? "" : " AND " + condition);
}

// What a flow adds, sampling undone: kb, kp whether bytes and packets are known, bs and ps.
std::string row_sql(uint32_t known) {
  const auto scaled = [](const char* value, const char* is_known, const char* name) {
    return fmt::format(
        "if({1}, if({0} > intDiv(18446744073709551615, toUInt64(nfg_sr)), 18446744073709551615, {0} * "
        "nfg_sr), toUInt64(0)) "
        "AS {2}",
        value, is_known, name);
  };
  const char* bytes = (known & kKnownBytes) != 0 ? "NOT impossible" : "0";
  const char* packets =
      (known & kKnownPackets) != 0 ? "NOT impossible AND NOT (nfg_p = 0 AND nfg_b != 0)" : "0";
  const char* protocol = (known & kKnownProtocol) != 0 ? "multiIf(nfg_pr = 6, 0, ported, 1, 2)" : "2";
  return fmt::format(
      "{} AS impossible, ({}) AS kb, ({}) AS kp, {} AS ported, {}, {}, nfg_pr, nfg_tf, nfg_fr, nfg_sp, "
      "nfg_dp, "
      "({} * 3 + multiIf(impossible, 1, kp != {}, 2, 0)) * 2 + nfg_ak AS kind",
      flow::impossible_sql(known), bytes, packets, (known & kKnownProtocol) != 0 ? kHasPorts : "1",
      scaled("nfg_b", "kb", "bs"), scaled("nfg_p", "kp", "ps"), protocol,
      (known & kKnownPackets) != 0 ? 1 : 0);
}

// A sum that stops at its maximum.
std::string saturating_sum(const char* column) {
  return fmt::format(
      "if(sum(toFloat64({0})) >= 18446744073709551615., toUInt64(18446744073709551615), sum({0}))", column);
}

// A class of protocols: its packets, and its flows.
struct ProtocolSums {
  std::string packets;
  std::string flows;
};
ProtocolSums protocol_sums(const char* condition, bool known) {
  if (!known) return {"toUInt64(0)", "toUInt64(0)"};
  return {fmt::format("sumIf(ps, {})", condition), fmt::format("countIf({})", condition)};
}

}  // namespace

std::string sums_sql(const SliceSql& s, const NodeRule& rule) {
  const bool protocol = (s.known & kKnownProtocol) != 0;
  const bool service = protocol && (s.known & kKnownPorts) != 0;
  const bool flags = protocol && (s.known & kKnownTcpFlags) != 0;
  std::vector<std::string> sums = {"toUInt64(count())", saturating_sum("bs"), saturating_sum("ps"),
                                   "sumIf(bs, NOT kp)"};
  std::vector<std::string> flows;
  for (const char* condition :
       {"nfg_pr = 6", "nfg_pr = 17", "nfg_pr IN (1, 58)", "nfg_pr NOT IN (1, 6, 17, 58)"}) {
    const auto of_class = protocol_sums(condition, protocol);
    sums.push_back(of_class.packets);
    flows.push_back(of_class.flows);
  }
  sums.insert(sums.end(), flows.begin(), flows.end());
  for (const char* bits : {"bitAnd(nfg_tf, 18) = 2", "bitAnd(nfg_tf, 4) != 0"})
    sums.push_back(flags ? fmt::format("countIf(nfg_pr = 6 AND {})", bits) : "toUInt64(0)");
  const auto fragment =
      protocol_sums("nfg_pr IN (6, 17) AND (nfg_fr != 0 OR (nfg_sp = 0 AND nfg_dp = 0))", service);
  sums.insert(sums.end(), {fragment.packets, fragment.flows});
  const auto reflector = fmt::format("nfg_pr = 17 AND nfg_sp IN ({})", fmt::join(reflector_ports(), ","));
  sums.push_back(service ? "sumIf(bs, " + reflector + ")" : "toUInt64(0)");
  sums.push_back(service ? "countIf(" + reflector + ")" : "toUInt64(0)");
  sums.insert(sums.end(), {"countIf(ported)", "sumIf(bs, ported)"});
  for (auto& sum : sums) sum = "toUInt64(" + sum + ")";
  return fmt::format(
      "SELECT {0}, toUInt32(groupBitOr(bitShiftLeft(toUInt32(1), toUInt8(kind)))), {1} FROM {2} GROUP BY {0} "
      "FORMAT RowBinary",
      kNode, fmt::join(sums, ", "), nodes_sql(s, rule, row_sql(s.known), ""));
}

std::string set_sql(const SliceSql& s, const NodeRule& rule, SetKind kind) {
  std::string condition;
  if (kind == SetKind::kPeers) {
    if (!rule.of_address()) condition = "nfg_ak = 1";
  } else if ((s.known & kKnownProtocol) != 0) {
    condition = kHasPorts;
  }
  const auto keys = fmt::format("SELECT {0}, k, toUInt64(count()) AS c FROM {1} GROUP BY {0}, k", kNode,
                                nodes_sql(s, rule, key_sql(kind), condition));
  const char* mark = kind == SetKind::kServices ? "min" : "max";
  const auto cells = fmt::format(
      "SELECT {0}, cell, toUInt32({1}(mark)) AS m, sum(c) AS n, count() AS d, groupArray({2})(k) AS ks, "
      "groupArray({2})(c) "
      "AS cs FROM (SELECT {0}, k, c, {3} FROM ({4})) GROUP BY {0}, cell",
      kNode, mark, kSmall, cell_sql(kind), keys);
  const auto list = [](const char* what, const char* condition_of) {
    return fmt::format("arraySlice(groupArray({}), 1, if(sum(d) {} {}, 65536, 0))", what, condition_of,
                       kSmall);
  };
  return fmt::format("SELECT {}, toUInt64(sum(d)), {}, {}, {}, {}, {} FROM ({}) GROUP BY {} FORMAT RowBinary",
                     kNode, list("toUInt16(cell)", ">"), list("n", ">"), list("m", ">"), list("ks", "<="),
                     list("cs", "<="), cells, kNode);
}

std::string selected_sql(const SliceSql& s, const std::vector<NodeRule>& rules) {
  std::vector<std::string> any;
  for (const auto& rule : rules) {
    any.push_back("(" + rule.condition({"dh", "dl", "nfg_ii", "nfg_das"}) + ")");
    any.push_back("(" + rule.condition({"sh", "sl", "nfg_oi", "nfg_sas"}) + ")");
  }
  return fmt::format("SELECT toUInt64(countIf({})) FROM (SELECT *, {}, {} FROM {}) FORMAT RowBinary",
                     rules.empty() ? "0" : fmt::format("{}", fmt::join(any, " OR ")),
                     address_halves("nfg_sa", "sh", "sl"), address_halves("nfg_da", "dh", "dl"), s.flows);
}

}  // namespace netflowgen::series

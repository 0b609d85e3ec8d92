// TemplatePlan compilation: choosing, for each field of Flow, the elements of the template that fill it.
#include <algorithm>
#include <initializer_list>

#include "flow/ipfix/plan.h"

namespace netflowgen::flow {
namespace {

struct Candidate {
  InfoElement element;
  FieldRef from;
};

bool usable(Convert convert, const FieldRef& ref) { return ref.variable || fits(convert, ref.length); }

class Compiler {
 public:
  Compiler(const TemplateRecord& record, TunnelKeys keys) : record_(record) {
    plan_.inner = keys == TunnelKeys::kInner;
  }

  TemplatePlan run() {
    lay_out();
    special_fields();
    initiator(231, 232, Target::kBytes);
    initiator(298, 299, Target::kPackets);
    choose(forward_, plan_.ops, plan_.known);
    uint32_t same = 0;
    choose(beside_, plan_.fallback_ops, same);
    plan_.counts_flows = has(forward_, Target::kFlowCount);
    totals();
    pair_uptimes(plan_.ops);
    reverse();
    known();
    return std::move(plan_);
  }

 private:
  // The place of every field. Scope fields of v9 are no elements.
  void lay_out() {
    plan_.min_length = static_cast<uint32_t>(record_.min_length());
    plan_.runs.push_back(0);
    for (const auto& f : record_.fields) {
      FieldRef ref{static_cast<uint16_t>(plan_.runs.size() - 1), plan_.runs.back(), f.length, false};
      if (record_.is_variable(f)) {
        ref = {static_cast<uint16_t>(plan_.runs.size() - 1), 0, kVariableLength, true};
        plan_.runs.push_back(0);
      } else {
        // A run longer than a datagram never matches one; its offsets are never used.
        plan_.runs.back() = static_cast<uint16_t>(std::min<unsigned>(plan_.runs.back() + f.length, 65535));
      }
      refs_.push_back(ref);
    }
    if (plan_.runs.size() == 1 && plan_.min_length <= 65535) plan_.record_length = plan_.runs[0];
  }

  // The first field of that element of a length that fits, or the last one where inner headers are asked for.
  template <typename Fits>
  FieldRef find(uint32_t pen, uint16_t id, Fits fits) const {
    FieldRef found;
    for (size_t i = 0; i < refs_.size(); ++i) {
      const auto& f = record_.fields[i];
      if (f.pen != pen || f.id != id || !fits(refs_[i])) continue;
      if (!found || plan_.inner) found = refs_[i];
    }
    return found;
  }
  FieldRef find_uint(uint16_t id, uint32_t pen = kPenIana) const {
    return find(pen, id, [](const FieldRef& f) { return usable(Convert::kUint, f); });
  }
  FieldRef first_uint(std::initializer_list<uint16_t> ids, uint32_t pen) const {
    for (const uint16_t id : ids) {
      if (const FieldRef f = find_uint(id, pen)) return f;
    }
    return {};
  }

  void special_fields() {
    for (size_t i = 0; i < refs_.size(); ++i) {
      const auto& f = record_.fields[i];
      if (f.pen == kPenIana) {
        for (const auto& e : elements_of(f.id)) add(forward_, e, refs_[i]);
      }
    }
    plan_.boot = find_uint(160);
    plan_.first_switched = find_uint(22);
    plan_.last_switched = find_uint(21);
    plan_.duration_ms = find_uint(161);
    plan_.duration_us = find_uint(162);
    auto& s = plan_.sampling;
    s = {find_uint(34),  find_uint(50),  find_uint(305), find_uint(306), find_uint(309),
         find_uint(310), find_uint(311), find_uint(48),  find_uint(302), false};
    s.any = s.interval || s.random_interval || s.packet_interval || s.packet_space ||
            (s.size && s.population) || s.probability || s.sampler_id || s.selector_id;
    section();
  }

  void section() {
    plan_.section_size = find_uint(312);
    struct Row {
      uint16_t id;
      PacketLink link;
    };
    constexpr Row kRows[] = {
        {315, PacketLink::kEthernet}, {104, PacketLink::kEthernet}, {313, PacketLink::kIp}};
    for (const auto& row : kRows) {
      plan_.section = find(kPenIana, row.id, [](const FieldRef& f) { return f.length != 0; });
      plan_.section_link = row.link;
      if (plan_.section) return;
    }
  }

  // Of one id, the first field counts (the last one for inner headers): a record that describes a tunnel
  // repeats the elements for the inner packet.
  void add(std::vector<Candidate>& list, const InfoElement& e, const FieldRef& ref) const {
    if (!usable(e.convert, ref)) return;
    const auto old = std::ranges::find_if(
        list, [&](const Candidate& c) { return c.element.id == e.id && c.element.target == e.target; });
    if (old != list.end()) {
      if (!plan_.inner) return;
      list.erase(old);
    }
    list.push_back({e, ref});
  }

  static bool has(const std::vector<Candidate>& list, Target target) {
    return std::ranges::any_of(list, [=](const Candidate& c) { return c.element.target == target; });
  }

  static CopyOp op_of(const Candidate& c, bool only_if_zero) {
    const TargetField to = target_field(c.element.target);
    CopyOp op{c.element.convert, to.size, only_if_zero, true, static_cast<uint16_t>(to.offset), c.from, {}};
    if (op.convert == Convert::kHighByte || op.convert == Convert::kLowByte) {
      if (op.convert == Convert::kHighByte) ++op.target;  // little-endian
      op.convert = Convert::kUint;
      op.target_size = 1;
      op.only_if_zero = true;
    }
    return op;
  }

  void choose(std::vector<Candidate>& list, std::vector<CopyOp>& ops, uint32_t& known_bits) const {
    for (unsigned t = 0; t < static_cast<unsigned>(Target::kCount); ++t) {
      const auto target = static_cast<Target>(t);
      std::vector<Candidate> mine;
      std::ranges::copy_if(list, std::back_inserter(mine),
                           [=](const Candidate& c) { return c.element.target == target; });
      if (mine.empty()) continue;
      if (plan_.inner) std::ranges::reverse(mine);
      std::ranges::stable_sort(mine, {}, [](const Candidate& c) { return c.element.rank; });
      if (target == Target::kIcmpTypeCode && mine.front().element.rank == 0) {
        std::erase_if(mine, [](const Candidate& c) { return c.element.rank != 0; });
      }
      for (const auto& c : mine) {
        ops.push_back(op_of(c, &c != &mine.front()));
        ops.back().sole = mine.size() == 1;
        known_bits |= c.element.known;
      }
    }
  }

  // Each of the two uptimes of a flow is read with an eye on the other one: see from_switched().
  static void pair_uptimes(std::vector<CopyOp>& ops) {
    for (CopyOp& a : ops) {
      for (const CopyOp& b : ops) {
        const bool both = a.convert == Convert::kTimeUptime && b.convert == Convert::kTimeUptime;
        if (both && a.target != b.target) a.other = b.from;
      }
    }
  }

  // Where a record has the initiator's and the responder's counters, the initiator's are the forward ones; other
  // counters count where both are zero.
  void initiator(uint16_t id, uint16_t responder_id, Target target) {
    if (!find_uint(id) || !find_uint(responder_id)) return;
    has_connection_counters_ = true;
    const auto other = [=](const Candidate& c) { return c.element.target == target && c.element.id != id; };
    std::ranges::copy_if(forward_, std::back_inserter(beside_), other);
    std::erase_if(forward_, other);
  }

  void totals() {
    static constexpr std::initializer_list<uint16_t> kBytes = {85, 171, 353};
    static constexpr std::initializer_list<uint16_t> kPackets = {86, 172};
    plan_.total_bytes = first_uint(kBytes, kPenIana);
    plan_.total_packets = first_uint(kPackets, kPenIana);
    plan_.reverse_total_bytes = first_uint(kBytes, kPenReverse);
    plan_.reverse_total_packets = first_uint(kPackets, kPenReverse);
    if (plan_.total_bytes) plan_.known |= kKnownBytes;
    if (plan_.total_packets) plan_.known |= kKnownPackets;
    if (plan_.total_bytes || plan_.total_packets || plan_.reverse_total_bytes ||
        plan_.reverse_total_packets) {
      plan_.running = RunningKind::kTotal;
    }
    if (has_connection_counters_ && (find_uint(233) || find_uint(40005))) {
      plan_.running = RunningKind::kConnection;
    }
    if (plan_.running != RunningKind::kNone) plan_.flow_id = find_uint(148);
  }

  // Elements of RFC 5103, and responder counters.
  void reverse() {
    std::vector<Candidate> list;
    for (size_t i = 0; i < refs_.size(); ++i) {
      const auto& f = record_.fields[i];
      if (f.pen != kPenReverse) continue;
      for (const auto& e : elements_of(f.id)) add(list, e, refs_[i]);
    }
    responder(list, 232, Target::kBytes, kKnownBytes);
    responder(list, 299, Target::kPackets, kKnownPackets);
    std::erase_if(list, [](const Candidate& c) { return c.element.target <= Target::kNatDst; });
    choose(list, plan_.reverse_ops, plan_.reverse_known);
    pair_uptimes(plan_.reverse_ops);
    if (plan_.reverse_total_bytes) plan_.reverse_known |= kKnownBytes;
    if (plan_.reverse_total_packets) plan_.reverse_known |= kKnownPackets;
    plan_.has_reverse = (plan_.reverse_known & (kKnownBytes | kKnownPackets)) != 0;
    if (!plan_.has_reverse) {
      plan_.reverse_ops.clear();
      plan_.reverse_known = 0;
      return;
    }
    plan_.reverse_counts_flows = has(list, Target::kFlowCount);
    for (const auto& c : list) plan_.reverse_clears.push_back(target_field(c.element.target));
  }

  void responder(std::vector<Candidate>& list, uint16_t id, Target target, uint32_t bit) {
    const FieldRef ref = find_uint(id);
    constexpr uint8_t kLast = 9;
    if (ref) list.push_back({{id, target, Convert::kUint, kLast, bit}, ref});
  }

  void known() {
    if (has(forward_, Target::kSrc) && has(forward_, Target::kDst)) plan_.known |= kKnownAddresses;
    const bool measured = has_flow_time(Target::kStart) || has_flow_time(Target::kEnd);
    const bool duration = plan_.duration_ms || plan_.duration_us;
    if ((has(forward_, Target::kStart) && has(forward_, Target::kEnd) && measured) || duration) {
      plan_.known |= kKnownDuration;
    }
  }
  // A time of the flow, not of its observation.
  bool has_flow_time(Target target) const {
    return std::ranges::any_of(
        forward_, [=](const Candidate& c) { return c.element.target == target && c.element.rank < 6; });
  }

  const TemplateRecord& record_;
  TemplatePlan plan_;
  std::vector<FieldRef> refs_;
  std::vector<Candidate> forward_;
  std::vector<Candidate> beside_;  // counters beside the initiator's
  bool has_connection_counters_ = false;
};

}  // namespace

TemplatePlan compile(const TemplateRecord& record, TunnelKeys tunnel_keys) {
  return Compiler(record, tunnel_keys).run();
}

}  // namespace netflowgen::flow

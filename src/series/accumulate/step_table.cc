#include "series/accumulate/step_table.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "series/accumulate/slot_order.h"

namespace netflowgen::series {
namespace {

constexpr unsigned kFirstBits = 10;

}  // namespace

OpenStep::OpenStep(ChunkPool& pool, HashSeed seed, bool sums_alone)
    : seed_(seed),
      sums_alone_(sums_alone),
      arena_(pool),
      slots_(size_t{1} << kFirstBits),
      shift_(64 - kFirstBits) {}

// The table ----------------------------------------------------------------------------------------------------

StepSlot& OpenStep::find(const NodeKey& node, uint64_t hash) {
  const size_t mask = slots_.size() - 1;
  size_t i = hash >> shift_;
  while (!slots_[i].empty() && !slots_[i].holds(node)) i = (i + 1) & mask;
  return slots_[i];
}

void OpenStep::make_room(size_t slots) {
  while ((used_ + slots) * 4 > slots_.size() * 3) grow();
}

StepSlot& OpenStep::slot(const NodeKey& node, uint64_t hash) {
  StepSlot* slot = &find(node, hash);
  if (!slot->empty()) return *slot;
  if ((used_ + 1) * 4 > slots_.size() * 3) {
    grow();
    slot = &find(node, hash);
  }
  slot->address = node.address;
  slot->number = node.number;
  slot->kind = static_cast<uint8_t>(node.kind);
  ++used_;
  return *slot;
}

const StepSlot* OpenStep::look_up(const NodeKey& node) const {
  const size_t mask = slots_.size() - 1;
  size_t i = seed_.hash(node) >> shift_;
  while (!slots_[i].empty() && !slots_[i].holds(node)) i = (i + 1) & mask;
  return slots_[i].empty() ? nullptr : &slots_[i];
}

void OpenStep::grow() {
  std::vector<StepSlot, HugeAllocator<StepSlot>> old(slots_.size() * 2);
  old.swap(slots_);
  --shift_;
  for (const auto& s : old) {
    if (s.empty()) continue;
    const NodeKey node = s.node();
    find(node, seed_.hash(node)) = s;
  }
}

std::vector<StepSlot> OpenStep::sorted() const {
  std::vector<StepSlot> used;
  used.reserve(used_);
  std::copy_if(slots_.begin(), slots_.end(), std::back_inserter(used),
               [](const StepSlot& s) { return !s.empty(); });
  sort_by_node(used);
  return used;
}

void OpenStep::clear() {
  if (used_ > 0) std::fill(slots_.begin(), slots_.end(), StepSlot{});
  used_ = 0;
  arena_.clear();
}

// Logs ---------------------------------------------------------------------------------------------------------

void OpenStep::prefetch_log(const StepSlot& slot, Direction d) const {
  if (sums_alone_) {
    if (slot.ref[d] != 0) __builtin_prefetch(&arena_.at<SumState>(slot.ref[d]), 1);
    return;
  }
  if (slot.logged[d] % LogLine::kParts != 0) __builtin_prefetch(&arena_.at<LogLine>(slot.ref[d]), 1);
}

void OpenStep::prefetch_behind(const StepSlot& slot, Direction d, unsigned lines) const {
  const unsigned all = (slot.logged[d] + LogLine::kParts - 1) / LogLine::kParts;
  if (lines > all || (lines == all && !slot.has_state(d))) return;
  Arena::Ref ref = slot.ref[d];
  for (unsigned i = 0; i < lines; ++i) ref = arena_.at<LogLine>(ref).next;
  if (lines == all) return prefetch_state(arena_.at<DirectionState>(ref));
  __builtin_prefetch(&arena_.at<LogLine>(ref), 1);
}

bool OpenStep::append(StepSlot& slot, Direction d, const LoggedPart& part) {
  const unsigned at = slot.logged[d] % LogLine::kParts;
  if (at == 0) {
    const Arena::Ref line = arena_.take_line();
    arena_.at<LogLine>(line).next = slot.ref[d];
    slot.ref[d] = line;
  }
  arena_.at<LogLine>(slot.ref[d]).parts[at] = part;
  const unsigned logged = ++slot.logged[d];
  return logged == kFirstLook || logged == kMostLogged || (logged == kMostWaiting && slot.has_state(d));
}

template <typename Visit>
Arena::Ref OpenStep::each_logged(const StepSlot& slot, Direction d, Visit visit) const {
  Arena::Ref ref = slot.ref[d];
  for (unsigned left = slot.logged[d]; left > 0;) {
    const auto& line = arena_.at<LogLine>(ref);
    const unsigned here = (left - 1) % LogLine::kParts + 1;
    for (unsigned i = 0; i < here; ++i) visit(line.parts[i]);
    left -= here;
    ref = line.next;
  }
  return ref;
}

void OpenStep::trim(StepSlot& slot, Direction d) {
  if (slot.logged[d] == kFirstLook && !slot.has_state(d)) {
    bool sketched = false;
    uint32_t peers[kFirstLook];
    uint32_t ports[kFirstLook];
    size_t n = 0;
    each_logged(slot, d, [&](const LoggedPart& part) {
      peers[n] = part.words[0];
      ports[n++] = part.words[1];
    });
    for (auto& set : {std::span(peers, n), std::span(ports, n)}) {
      std::sort(set.begin(), set.end());
      sketched |= std::unique(set.begin(), set.end()) - set.begin() > kSmall;
    }
    if (sketched) return;
  }
  make_state(slot, d);
}

// Adds what is logged to the state, which is made where there is none; the log is empty then.
DirectionState& OpenStep::make_state(StepSlot& slot, Direction d) {
  DirectionState* state = nullptr;
  Arena::Ref ref = 0;
  if (slot.has_state(d)) {
    ref = each_logged(slot, d, [](const LoggedPart&) {});
  } else {
    ref = arena_.make<DirectionState>();
  }
  state = &arena_.at<DirectionState>(ref);
  each_logged(slot, d, [&](const LoggedPart& part) { series::add(*state, part, arena_); });
  const unsigned lines = (slot.logged[d] + LogLine::kParts - 1) / LogLine::kParts;
  Arena::Ref line = slot.ref[d];
  for (unsigned i = 0; i < lines; ++i) {
    const Arena::Ref next = arena_.at<LogLine>(line).next;
    arena_.give_line(line);
    line = next;
  }
  slot.logged[d] = 0;
  slot.ref[d] = ref;
  slot.states = static_cast<uint8_t>(slot.states | 1u << d);
  return *state;
}

void OpenStep::add(StepSlot& slot, Direction d, const Part& part, const End& end) {
  if (sums_alone_) {
    if (slot.ref[d] == 0) slot.ref[d] = arena_.make<SumState>();
    return series::add(arena_.at<SumState>(slot.ref[d]), part, arena_);
  }
  DirectionState& state =
      slot.logged[d] == 0 && slot.has_state(d) ? arena_.at<DirectionState>(slot.ref[d]) : make_state(slot, d);
  series::add(state, part, end, arena_);
}

DirectionState& OpenStep::state(const NodeKey& node, uint64_t hash, Direction d) {
  StepSlot& at = slot(node, hash);
  return at.logged[d] == 0 && at.has_state(d) ? arena_.at<DirectionState>(at.ref[d]) : make_state(at, d);
}

// Looks --------------------------------------------------------------------------------------------------------

StateView OpenStep::view(const StepSlot& slot, Direction d, Scratch& scratch) const {
  if (slot.ref[d] == 0) return {};
  if (sums_alone_) {
    scratch.states[d] = state_of(arena_.at<SumState>(slot.ref[d]), arena_);
    return {&scratch.states[d], &scratch.arena};
  }
  if (slot.logged[d] == 0) return {&arena_.at<DirectionState>(slot.ref[d]), &arena_};
  DirectionState& state = scratch.states[d];
  state = DirectionState{};
  if (slot.has_state(d)) {
    state = arena_.at<DirectionState>(each_logged(slot, d, [](const LoggedPart&) {}));
    for_sketches(state, [&]<typename Sketch>(Arena::Ref& ref, Tag<Sketch>) {
      const Arena::Ref copy = scratch.arena.make<Sketch>();
      scratch.arena.at<Sketch>(copy) = arena_.at<Sketch>(ref);
      ref = copy;
    });
  }
  each_logged(slot, d, [&](const LoggedPart& part) { series::add(state, part, scratch.arena); });
  return {&state, &scratch.arena};
}

void OpenStep::finish(const StepSlot& slot, Scratch& scratch, std::span<float> frame) const {
  if (sums_alone_) {
    const auto sums = [&](Direction d) {
      return slot.ref[d] == 0 ? nullptr : &arena_.at<SumState>(slot.ref[d]);
    };
    return series::finish(sums(kIn), sums(kOut), arena_, frame);
  }
  scratch.arena.rewind();
  series::finish(view(slot, kIn, scratch), view(slot, kOut, scratch), frame);
}

LoggedVolumes OpenStep::volumes(const StepSlot& slot, Direction d) const {
  LoggedVolumes sum{};
  if (sums_alone_) {
    if (slot.ref[d] == 0) return sum;
    const auto& s = arena_.at<SumState>(slot.ref[d]);
    return {s.bytes, s.packets, s.starts, s.groups};
  }
  const Arena::Ref ref = each_logged(slot, d, [&](const LoggedPart& part) {
    const LoggedVolumes v = volumes_of(part);
    sum.bytes += v.bytes;  // of 72 parts of 32 bits
    sum.packets += v.packets;
    sum.starts += v.starts;
    sum.groups |= v.groups;
  });
  if (!slot.has_state(d)) return sum;
  const auto& state = arena_.at<DirectionState>(ref);
  saturating_add(sum.bytes, state.bytes);
  saturating_add(sum.packets, state.packets);
  sum.starts += state.starts;
  sum.groups |= state.groups;
  return sum;
}

}  // namespace netflowgen::series

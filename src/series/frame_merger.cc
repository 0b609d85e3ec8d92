#include "series/frame_merger.h"

#include <algorithm>

#include "base/check.h"
#include "base/error.h"
#include "base/random.h"
#include "series/partial/wire.h"

namespace netflowgen::series {
namespace {

constexpr uint32_t kStateVersion = 1;

enum StateField : uint32_t {
  kVersionField = 1,
  kStartedField = 2,
  kClosedField = 3,
  kToldField = 4,
  kLogField = 5,
  kMemberField = 6,
  kRecordField = 7,
};
enum MemberField : uint32_t {
  kNameField = 1,
  kRunField = 2,
  kStepField = 3,
  kChunkField = 4,
  kStampField = 5,
  kHeardField = 6,
  kAstrayField = 7,
};

}  // namespace

FrameMerger::FrameMerger(const MergeOptions& options, FrameSink& sink)
    : options_(options), sink_(sink), closing_(pool_, seed_) {
  NFG_CHECK(options_.step_ms > 0 && options_.partition < options_.partitions);
}

FrameMerger::~FrameMerger() = default;

void FrameMerger::add_tombstone() {
  records_.enter();
  records_.drop(FrameRecordDrop::kTombstone);
}

void FrameMerger::add(base::Bytes value, base::TimeMs stamp_ms) {
  records_.enter();
  if (value.size() > kMaxPartialBytes) return records_.drop(FrameRecordDrop::kTooLong);
  switch (decoder_.decode(value)) {
    case PartialFault::kNotFrames:
      return records_.drop(FrameRecordDrop::kNotFrames);
    case PartialFault::kNewer:
      return records_.drop(FrameRecordDrop::kNewer);
    case PartialFault::kDamaged:
      return records_.drop(FrameRecordDrop::kDamaged);
    case PartialFault::kNone:
      break;
  }
  const PartialHeader& h = decoder_.header();
  if (!accept(h)) return;
  const auto [at, fresh] =
      members_.try_emplace(h.collector, Member{h.run, h.step, 0, stamp_ms, log_ms_, false, 0});
  Member& member = at->second;
  hear(member, stamp_ms);
  member.run = h.run;
  if (h.step < member.step || (h.step == member.step && h.chunk < member.chunk))
    return records_.drop(FrameRecordDrop::kRepeated);
  records_.emit();
  const PartialHeader header = h;  // closing a step decodes others
  const bool leaps = fresh || member.astray || header.step - member.step > steps_of(options_.max_ahead_ms);
  if (take(member, header.step, leaps)) keep(header.step, value);
  member.step = header.last ? header.step + 1 : header.step;
  member.chunk = header.last ? 0 : header.chunk + 1;
  close_ready();
  bound_memory();
}

// False: it was dropped.
bool FrameMerger::accept(const PartialHeader& h) {
  if (h.step_ms != options_.step_ms) {
    records_.drop(FrameRecordDrop::kOtherStep);
  } else if (h.partitions != options_.partitions || h.partition != options_.partition) {
    records_.drop(FrameRecordDrop::kOtherPartitions);
  } else if (members_.size() >= kMaxCollectors && !members_.contains(h.collector)) {
    records_.drop(FrameRecordDrop::kTooMany);
  } else {
    return true;
  }
  return false;
}

// Time passes as a collector's own stamps show. A gap counts for two steps at most, since a collector sends something each step:
// where nothing came at all, everybody was held up.
void FrameMerger::hear(Member& member, base::TimeMs stamp_ms) {
  const int64_t gap = stamp_ms > member.stamp ? stamp_ms - member.stamp : 0;
  log_ms_ = std::max(log_ms_, member.heard + std::min(gap, 2 * options_.step_ms));
  member.stamp = stamp_ms;
  member.heard = log_ms_;
}

// Far ahead of time as another collector has it that is heard. Who comes there step by step sends what has waited, and is right.
bool FrameMerger::is_ahead(const Member& member, int64_t step) const {
  const int64_t most = closed_before_ + steps_of(options_.max_ahead_ms);
  if (step <= most) return false;
  return std::any_of(members_.begin(), members_.end(), [&](const auto& other) {
    return &other.second != &member && is_heard(other.second) && !other.second.astray &&
           other.second.step <= most;
  });
}

// False: its partial frames were dropped, or there are none.
bool FrameMerger::take(Member& member, int64_t step, bool leaps) {
  const size_t rows = decoder_.nodes().size();
  partials_.enter(rows);
  if (!started_) {
    started_ = true;
    closed_before_ =
        step - steps_of(options_.patience_ms);  // for collectors that are a little behind the first one
  }
  if (step < closed_before_) {
    member.astray = step < closed_before_ - steps_of(options_.patience_ms);
    member.dropped += rows;
    partials_.drop(PartialDrop::kLate, rows);
    return false;
  }
  member.astray = leaps && is_ahead(member, step);
  if (member.astray) {
    member.dropped += rows;
    partials_.drop(PartialDrop::kAhead, rows);
    return false;
  }
  return rows > 0;
}

// Records are kept as they came, which takes a fraction of the memory of their sketches, and merged when the step closes.
void FrameMerger::keep(int64_t step, base::Bytes record) {
  Open& at = open_[step];
  at.records.emplace_back(record.begin(), record.end());
  at.rows += decoder_.nodes().size();
  bytes_ += record.size();
  partials_.set_held(partials_.held() + decoder_.nodes().size());
}

void FrameMerger::bound_memory() {
  while (bytes_ > options_.memory_bytes && open_.size() > 1) {
    ++forced_;
    close_before(open_.begin()->first + 1);
  }
}

// Steps that every collector which is heard has completed.
void FrameMerger::close_ready() {
  if (members_.size() < options_.collectors && log_ms_ <= options_.patience_ms) return;
  int64_t bound = INT64_MAX;
  for (const auto& [name, member] : members_) {
    if (is_heard(member) && !member.astray) bound = std::min(bound, member.step);
  }
  if (bound != INT64_MAX) close_before(bound);
}

void FrameMerger::close_before(int64_t step) {
  if (step <= closed_before_) return;
  while (!open_.empty() && open_.begin()->first < step) close_front();
  closed_before_ = step;
  if (told_before_ == INT64_MIN || told_before_ >= step) return;
  told_before_ = step;  // nothing was active here in the last steps: the sink hears that they are over
  sink_.step_closed(step - 1);
}

void FrameMerger::close_front() {
  const int64_t number = open_.begin()->first;
  const Open step = std::move(open_.begin()->second);
  open_.erase(open_.begin());
  for (const auto& record : step.records) {
    bytes_ -= record.size();
    NFG_CHECK(decoder_.decode(record) == PartialFault::kNone);
    merge_decoded();
  }
  float frame[kFeatureCount];
  for (const StepSlot& slot : closing_.sorted()) {
    scratch_.arena.rewind();
    finish(closing_.view(slot, kIn, scratch_), closing_.view(slot, kOut, scratch_), frame);
    sink_.frame(slot.node(), number, frame);
  }
  closing_.clear();
  partials_.emit(step.rows);
  partials_.set_held(partials_.held() - step.rows);
  closed_before_ = std::max(closed_before_, number + 1);
  told_before_ = number + 1;
  sink_.step_closed(number);
}

// The record that was decoded last, into the step that closes.
void FrameMerger::merge_decoded() {
  for (const PartialNode& node : decoder_.nodes()) {
    const uint64_t hash = seed_.hash(node.node);
    for (const Direction d : {kIn, kOut}) {
      const StateView from = decoder_.view(node, d);
      if (from.state == nullptr) continue;
      merge(closing_.state(node.node, hash, d), closing_.arena(), *from.state, *from.arena);
    }
  }
}

base::LedgerView FrameMerger::partial_ledger() const { return partials_.view("partial frames"); }

// What is kept -----------------------------------------------------------------------------------------------------------------

std::vector<uint8_t> FrameMerger::save() const {
  std::vector<uint8_t> bytes;
  WireWriter to(bytes);
  to.number(kVersionField, kStateVersion);
  to.number(kStartedField, started_ ? 1 : 0);
  to.number(kClosedField, zigzag(closed_before_));
  to.number(kToldField, zigzag(told_before_));
  to.number(kLogField, zigzag(log_ms_));
  for (const auto& [name, m] : members_) {
    const size_t begun = to.begin(kMemberField);
    to.bytes(kNameField, name.data(), name.size());
    to.fixed64(kRunField, m.run);
    to.number(kStepField, zigzag(m.step));
    to.number(kChunkField, m.chunk);
    to.number(kStampField, zigzag(m.stamp));
    to.number(kHeardField, zigzag(m.heard));
    to.number(kAstrayField, m.astray ? 1 : 0);
    to.end(begun);
  }
  for (const auto& [step, at] : open_) {
    for (const auto& record : at.records) to.bytes(kRecordField, record.data(), record.size());
  }
  return bytes;
}

namespace {

std::pair<std::string, FrameMerger::Member> member_of(base::Bytes bytes) {
  std::pair<std::string, FrameMerger::Member> found;
  auto& [name, m] = found;
  WireReader from(bytes);
  uint32_t field = 0;
  WireType type{};
  while (from.next(field, type)) {
    if (type == WireType::kBytes && field == kNameField) {
      const auto text = from.bytes();
      name.assign(text.begin(), text.end());
    } else if (type == WireType::kFixed64 && field == kRunField) {
      m.run = from.fixed<uint64_t>();
    } else if (type != WireType::kVarint) {
      from.skip(type);
    } else {
      const uint64_t v = from.varint();
      if (field == kStepField) m.step = unzigzag(v);
      if (field == kChunkField) m.chunk = static_cast<uint32_t>(v);
      if (field == kStampField) m.stamp = unzigzag(v);
      if (field == kHeardField) m.heard = unzigzag(v);
      if (field == kAstrayField) m.astray = v != 0;
    }
  }
  if (from.failed()) name.clear();
  return found;
}

}  // namespace

void FrameMerger::restore(base::Bytes saved, const std::string& where) {
  WireReader from(saved);
  uint32_t field = 0;
  WireType type{};
  bool good = true;
  uint64_t version = 0;
  while (good && from.next(field, type)) {
    if (type == WireType::kBytes && field == kMemberField) {
      auto member = member_of(from.bytes());
      good = !member.first.empty();
      members_.insert(std::move(member));
    } else if (type == WireType::kBytes && field == kRecordField) {
      const auto record = from.bytes();
      good = decoder_.decode(record) == PartialFault::kNone && decoder_.header().step_ms == options_.step_ms;
      if (!good) break;
      partials_.enter(decoder_.nodes().size());
      keep(decoder_.header().step, record);
    } else if (type == WireType::kVarint) {
      const uint64_t v = from.varint();
      if (field == kVersionField) version = v;
      if (field == kStartedField) started_ = v != 0;
      if (field == kClosedField) closed_before_ = unzigzag(v);
      if (field == kToldField) told_before_ = unzigzag(v);
      if (field == kLogField) log_ms_ = unzigzag(v);
    } else {
      from.skip(type);
    }
  }
  if (good && !from.failed() && version == kStateVersion) return;
  throw base::Error(
      "{}: the open steps of a partition cannot be read: {}; remove the partition's folder to begin anew",
      where,
      version > kStateVersion ? "a newer program wrote them" : "damaged, or of steps of another length");
}

}  // namespace netflowgen::series

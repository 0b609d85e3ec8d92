#include "series/builder.h"

#include <algorithm>

#include "base/check.h"
#include "base/error.h"
#include "series/accumulate/groups.h"
#include "series/arrival.h"

namespace netflowgen::series {
namespace {

using base::step_of;
using base::TimeMs;
using flow::Flow;

constexpr size_t kBatch = 64;         // updates whose cache misses overlap (bench/series)
constexpr size_t kConfirm = 64;       // held flows that may move time far ahead
constexpr uint64_t kOutvoted = 4096;  // accepted flows that drop what is held
constexpr size_t kMaxHeld = 65'536;
constexpr size_t kMaxSpareSteps = 16;

// How far a flow may move the watermark. None begins after its receipt: an exporter whose clock is ahead, or one packet that somebody
// made, must not close the steps of all others.
TimeMs watermark_of(const Flow& f) {
  return f.received_ms > 0 ? std::min(f.start_ms, f.received_ms) : f.start_ms;
}

// StepSlot::logged, when a whole batch is of one node.
static_assert(kMostLogged + 2 * kBatch <= UINT8_MAX);

}  // namespace

SeriesOptions checked(SeriesOptions o) {
  if (o.step_ms <= 0) throw base::UsageError("a step of {} ms: it must be positive", o.step_ms);
  if (o.lateness_ms < 0 || o.max_duration_ms < 0 || o.max_jump_ms < 0) {
    throw base::UsageError("lateness, duration and jump must not be negative");
  }
  constexpr int64_t kMost = int64_t{10'000} * 366 * 86'400'000;  // keeps sums of times within 64 bits
  if (std::max({o.step_ms, o.lateness_ms, o.max_duration_ms, o.max_jump_ms}) > kMost) {
    throw base::UsageError("a duration of more than 10,000 years");
  }
  o.min_time_ms = std::clamp(o.min_time_ms, -kMost, kMost);
  o.max_time_ms = std::clamp(o.max_time_ms, -kMost, kMost);
  o.max_jump_ms = std::max({o.max_jump_ms, o.lateness_ms, 2 * o.step_ms});
  return o;
}

std::string_view name_of(FrameDrop) { return ""; }

SeriesBuilder::SeriesBuilder(const SeriesOptions& options, FrameSink& sink)
    : options_(checked(options)),
      sink_(sink),
      selector_(options.nodes),
      groups_(options.features.groups()),
      sums_alone_(groups_ == kSumGroups &&
                  options.memory_bytes == 0),  // a file of spilled steps holds whole states
      oldest_(options.closed_before) {
  if (options_.plan) {
    NFG_CHECK(options_.plan->step_ms == options_.step_ms);
    started_ = true;
    if (!options_.plan->stairs.empty()) oldest_ = std::max(oldest_, options_.plan->first_step());
    watermark_ = options_.plan->stairs.empty() ? 0 : oldest_ * options_.step_ms;
  }
  updates_.reserve(kBatch * 2);
  parts_.reserve(kBatch * 2);
}

SeriesBuilder::~SeriesBuilder() = default;

void SeriesBuilder::add(std::span<const Flow> flows) {
  flows_.enter(flows.size());
  if (options_.plan) return add_planned(flows);
  for (const auto& f : flows) admit(f);
  apply();
  flows_.set_held(held_.size());
}

// With a plan: nothing is held or late, and steps close as the plan has it.
void SeriesBuilder::add_planned(std::span<const Flow> flows) {
  const auto& [stairs, astray, step_ms, planned] = *options_.plan;
  for (const auto& f : flows) {
    const uint64_t number = added_++;
    const FlowDrop reason = refusal(f, options_);
    if (reason != FlowDrop::kCount) [[unlikely]] {
      refuse(reason, f);
    } else if (next_astray_ < astray.size() && astray[next_astray_] == number) [[unlikely]] {
      ++next_astray_;
      refuse(f.start_ms > watermark_ ? FlowDrop::kAhead : FlowDrop::kBehind, f);
    } else {
      account(f);
    }
  }
  apply();
  while (next_stair_ < stairs.size() && stairs[next_stair_].flow < added_) ++next_stair_;
  if (next_stair_ == stairs.size() || stairs[next_stair_].step <= oldest_) return;
  const int64_t open_from = stairs[next_stair_].step;
  move_watermark(
      std::max(watermark_, open_from * options_.step_ms));  // what waits for the steps before is added
  close_before(open_from);
}

void SeriesBuilder::refuse(FlowDrop reason, const Flow& f) {
  flows_.drop(reason);
  refusals_.note(reason, f);
}

void SeriesBuilder::admit(const Flow& f) {
  if (const FlowDrop reason = refusal(f, options_); reason != FlowDrop::kCount) [[unlikely]]
    return refuse(reason, f);
  if (!started_ || f.start_ms > watermark_ + options_.max_jump_ms) [[unlikely]]
    return hold(f);
  account(f);
  if (!held_.empty() && ++regular_ >= kOutvoted && regular_ > 16 * held_.size()) [[unlikely]]
    drop_held();
}

// Time far ahead
// ---------------------------------------------------------------------------------------------
//
// One wrong clock must not close the steps of all others. A flow that starts more than max_jump after the
// watermark (or any, before there is a watermark) is held until kConfirm flows agree and outnumber those that
// went on as before; if they are outvoted they are dropped. At the end of the input what is held is accepted
// unless more flows went on as before.

void SeriesBuilder::hold(const Flow& f) {
  held_.push_back(f);
  if (held_.size() >= kConfirm && held_.size() > regular_) return release_held();
  if (held_.size() >= kMaxHeld) drop_held();
}

void SeriesBuilder::drop_held() {
  for (const auto& f : held_) refuse(FlowDrop::kAhead, f);
  held_.clear();
  regular_ = 0;
}

// Moves the watermark to the flows around the median of what is held and admits all of it again.
void SeriesBuilder::release_held() {
  std::vector<Flow> flows;
  flows.swap(held_);
  regular_ = 0;
  std::vector<TimeMs> starts;
  for (const auto& f : flows) starts.push_back(watermark_of(f));
  const auto middle = starts.begin() + static_cast<std::ptrdiff_t>(starts.size() / 2);
  std::nth_element(starts.begin(), middle, starts.end());
  TimeMs first = *middle;
  for (const TimeMs t : starts) {
    if (t >= *middle - options_.max_jump_ms) first = std::min(first, t);
  }
  if (!started_ || first > watermark_) move_watermark(first);
  for (const auto& f : flows) {
    if (f.start_ms > watermark_ + options_.max_jump_ms) {
      held_.push_back(f);  // not by hold(): it would recurse
    } else {
      account(f);
    }
  }
}

// Accounting
// -------------------------------------------------------------------------------------------------

int64_t SeriesBuilder::last_step_of(const Flow& f) const {
  return step_of(f.end_ms > f.start_ms ? f.end_ms - 1 : f.end_ms, options_.step_ms);
}

void SeriesBuilder::account(const Flow& f) {
  if (const TimeMs time = watermark_of(f); time > watermark_) move_watermark(time);
  const int64_t first = step_of(f.start_ms, options_.step_ms);
  const int64_t last = last_step_of(f);
  if (first < oldest_) [[unlikely]] {
    if (oldest_ > options_.closed_before && last >= options_.closed_before) note_late(f, last < oldest_);
    if (last < oldest_) return refuse(FlowDrop::kLate, f);
  }
  ends_.clear();
  const bool elsewhere = selector_.select(f, ends_);
  if (ends_.empty()) return flows_.drop(elsewhere ? FlowDrop::kElsewhere : FlowDrop::kNotSelected);
  flows_.emit();
  const int64_t from = std::max(first, oldest_);
  const bool none = first_step_ == end_step_;
  first_step_ = none ? from : std::min(first_step_, from);
  end_step_ = none ? last + 1 : std::max(end_step_, last + 1);
  clamped_ += first < oldest_ ? 1 : 0;
  const Part whole = needed_part_of(f);
  if (from == last) {
    add_part(f, whole, from);
  } else {
    ++spread_;
    spread_flow(f, whole, from, 0);
  }
}

// What no chosen feature needs is taken for unknown.
Part SeriesBuilder::needed_part_of(const Flow& f) const {
  Part part = part_of(f);
  part.groups &= groups_;
  return part;
}

// REQUIRES: a step of the flow is closed that was open at the start.
void SeriesBuilder::note_late(const Flow& f, bool dropped) {
  if (options_.plan) return;
  ++(dropped ? late_.dropped : late_.moved);
  late_.most_ms = std::max(late_.most_ms, watermark_ - f.start_ms);
}

// Adds the parts of a flow from step `from` on, of which `before` milliseconds are accounted for; what lies
// past the watermark waits in rest_. The first part takes what belongs to closed steps: there `before` is 0.
void SeriesBuilder::spread_flow(const Flow& f, const Part& whole, int64_t from, uint64_t before) {
  const int64_t last = last_step_of(f);
  const int64_t now = std::max(step_of(watermark_, options_.step_ms), from);
  const bool countable = (whole.groups & (kGroupBytes | kGroupPackets)) != 0;
  for (int64_t step = from; step <= std::min(last, now); ++step) {
    const uint64_t until =
        step == last ? whole.duration_ms : static_cast<uint64_t>((step + 1) * options_.step_ms - f.start_ms);
    Part part = whole;
    part.bytes = share_until(whole.bytes, until, whole.duration_ms) -
                 share_until(whole.bytes, before, whole.duration_ms);
    part.packets = share_until(whole.packets, until, whole.duration_ms) -
                   share_until(whole.packets, before, whole.duration_ms);
    if (before > 0) part.bits &= static_cast<uint8_t>(~kPartStarts);
    before = until;
    // A flow of known counters is active only in steps that get something of them, and where it starts.
    const bool silent = countable && part.bytes == 0 && part.packets == 0 && (part.bits & kPartStarts) == 0;
    if (!silent) add_part(f, part, step);
  }
  if (last > now) rest_[now + 1].push_back(f);
}

// The next part of a flow that was spread into the future. REQUIRES: the watermark has come to `step`.
void SeriesBuilder::resume(const Flow& f, int64_t step) {
  ends_.clear();
  selector_.select(f, ends_);
  spread_flow(f, needed_part_of(f), step, static_cast<uint64_t>(step * options_.step_ms - f.start_ms));
}

void SeriesBuilder::add_part(const Flow& f, const Part& part, int64_t step) {
  OpenStep& at = open(step);
  const auto index = static_cast<uint16_t>(parts_.size());
  parts_.push_back(part);
  const PartCode code = sums_alone_ ? PartCode{} : encode(part);
  const uint32_t src = sums_alone_ ? 0 : hash_address(f.src);
  const uint32_t dst = sums_alone_ ? 0 : hash_address(f.dst);
  for (const auto& e : ends_) {
    const uint64_t hash = options_.seed.hash(e.node);
    at.prefetch(hash);
    const End end = e.direction == kIn ? End{src, f.dst_port, f.src_port} : End{dst, f.src_port, f.dst_port};
    Update& u = updates_.emplace_back();
    u = {e.node, hash, &at, nullptr, {}, end, index, e.direction, false};
    u.fits = log_part(code, part, end, u.logged);
  }
  if (updates_.size() >= kBatch) apply();
}

// Steps
// ------------------------------------------------------------------------------------------------------

OpenStep& SeriesBuilder::open(int64_t step) {
  if (step == cached_step_) return *cached_;
  NFG_CHECK(step >= oldest_);
  if (options_.memory_bytes > 0 && pool_.used_bytes() > options_.memory_bytes) spill_quiet_steps();
  Open& at = open_[step];
  if (!at.nodes) {
    if (spare_.empty()) {
      at.nodes = new_step();
    } else {
      at.nodes = std::move(spare_.back());
      spare_.pop_back();
    }
  }
  at.touched = ++lookups_;
  cached_step_ = step;
  cached_ = at.nodes.get();
  return *cached_;
}

std::unique_ptr<OpenStep> SeriesBuilder::new_step() {
  return std::make_unique<OpenStep>(pool_, options_.seed, sums_alone_);
}

// Writes the open steps that were not touched for longest to the disk, until half of the memory is free.
void SeriesBuilder::spill_quiet_steps() {
  apply();  // whose updates refer to steps
  if (!spill_) spill_ = std::make_unique<StepSpill>(options_.spill_folder);
  cached_step_ = INT64_MIN;
  std::vector<std::pair<uint64_t, int64_t>> order;  // (touched, step)
  for (const auto& [step, at] : open_) {
    if (at.nodes) order.emplace_back(at.touched, step);
  }
  std::sort(order.begin(), order.end());
  for (size_t i = 0; i + 1 < order.size() && pool_.used_bytes() > options_.memory_bytes / 2; ++i) {
    auto& nodes = open_[order[i].second].nodes;
    spill_->write(order[i].second, *nodes);
    nodes->clear();
    if (spare_.size() < kMaxSpareSteps) spare_.push_back(std::move(nodes));
    nodes.reset();
  }
}

// Steps before this one are closed when the watermark is at `time`; a plan closes them itself.
int64_t SeriesBuilder::closable(TimeMs time) const {
  return options_.plan ? oldest_ : step_of(time - options_.lateness_ms, options_.step_ms);
}

// REQUIRES: time >= watermark_, or not started. Steps are passed one by one only where flows wait.
void SeriesBuilder::move_watermark(TimeMs time) {
  if (!started_) {
    started_ = true;
    watermark_ = time;
    oldest_ = std::max(oldest_, closable(time));
    return;
  }
  const int64_t now = step_of(time, options_.step_ms);
  while (!rest_.empty() && rest_.begin()->first <= now) {
    const int64_t step = rest_.begin()->first;
    const std::vector<Flow> flows = std::move(rest_.begin()->second);
    rest_.erase(rest_.begin());
    watermark_ = std::max(watermark_, step * options_.step_ms);
    close_before(closable(watermark_));
    for (const auto& f : flows) resume(f, step);
  }
  watermark_ = time;
  close_before(closable(time));
}

void SeriesBuilder::close_before(int64_t step) {
  if (step <= oldest_) return;
  apply();
  while (!open_.empty() && open_.begin()->first < step) close_front();
  oldest_ = std::max(oldest_, step);
}

void SeriesBuilder::close_front() {
  const int64_t number = open_.begin()->first;
  std::unique_ptr<OpenStep> step = std::move(open_.begin()->second.nodes);
  open_.erase(open_.begin());
  oldest_ = number + 1;
  cached_step_ = INT64_MIN;
  if (!step) step = new_step();
  if (spill_) spill_->merge_into(number, *step, options_.seed);
  if (step_tap_) step_tap_(number, *step);
  emit_frames(*step, number);
  step->clear();
  if (spare_.size() < kMaxSpareSteps) spare_.push_back(std::move(step));
  sink_.step_closed(number);
}

void SeriesBuilder::advance(TimeMs time) {
  if (time < options_.min_time_ms || time > options_.max_time_ms) return;
  if (!started_ && !held_.empty()) release_held();
  if (!started_ || time <= watermark_) return;
  move_watermark(time);
  std::vector<Flow> flows;
  flows.swap(held_);
  for (const auto& f : flows) {
    if (f.start_ms > watermark_ + options_.max_jump_ms) {
      held_.push_back(f);
    } else {
      account(f);
    }
  }
  apply();
  flows_.set_held(held_.size());
}

void SeriesBuilder::finish() {
  if (regular_ > held_.size()) drop_held();
  std::stable_sort(held_.begin(), held_.end(),
                   [](const Flow& x, const Flow& y) { return x.start_ms < y.start_ms; });
  for (const auto& f : held_) {
    if (!started_ || f.start_ms > watermark_) move_watermark(f.start_ms);
    account(f);
  }
  held_.clear();
  while (!rest_.empty()) move_watermark(rest_.rbegin()->first * options_.step_ms);
  apply();
  if (!open_.empty()) close_before(open_.rbegin()->first + 1);
  flows_.set_held(0);
}

base::LedgerView SeriesBuilder::flow_ledger() const {
  auto view = flows_.view("flows");
  view.rules = refusals_.rules(options_);
  return view;
}

base::LedgerView SeriesBuilder::frame_ledger() const {
  auto view = frames_.view("frames");
  for (const auto& [step, at] : open_) view.held += at.nodes ? at.nodes->nodes() : 0;
  if (spill_) view.held += spill_->nodes();
  view.in += view.held;
  return view;
}

}  // namespace netflowgen::series

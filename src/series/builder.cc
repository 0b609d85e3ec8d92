#include "series/builder.h"

#include <algorithm>

#include "base/check.h"
#include "base/error.h"

namespace netflowgen::series {
namespace {

using base::step_of;
using base::TimeMs;
using flow::Flow;

constexpr size_t kBatch = 64;         // updates whose cache misses overlap (bench/series)
constexpr size_t kConfirm = 64;       // held flows that may move time far ahead
constexpr uint64_t kOutvoted = 4096;  // accepted flows that may condemn what is held
constexpr size_t kMaxHeld = 65'536;
constexpr size_t kMaxSpareSteps = 16;

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

}  // namespace

std::string_view name_of(FlowDrop reason) {
  switch (reason) {
    case FlowDrop::kLate:
      return "late";
    case FlowDrop::kBadTime:
      return "bad_time";
    case FlowDrop::kAhead:
      return "far_ahead";
    case FlowDrop::kTooLong:
      return "too_long";
    case FlowDrop::kNotSelected:
      return "not_selected";
    case FlowDrop::kElsewhere:
      return "counted_elsewhere";
    case FlowDrop::kCount:
      break;
  }
  return "";
}

std::string_view name_of(FrameDrop) { return ""; }

SeriesBuilder::SeriesBuilder(const SeriesOptions& options, FrameSink& sink)
    : options_(checked(options)), sink_(sink), selector_(options.nodes), oldest_(options.closed_before) {
  updates_.reserve(kBatch * 2);
  parts_.reserve(kBatch * 2);
}

SeriesBuilder::~SeriesBuilder() = default;

void SeriesBuilder::add(std::span<const Flow> flows) {
  flows_.enter(flows.size());
  for (const auto& f : flows) admit(f);
  apply();
  flows_.set_held(held_.size());
}

void SeriesBuilder::admit(const Flow& f) {
  if (f.start_ms < options_.min_time_ms || f.end_ms > options_.max_time_ms || f.end_ms < f.start_ms)
      [[unlikely]] {
    return flows_.drop(FlowDrop::kBadTime);
  }
  if (f.end_ms - f.start_ms > options_.max_duration_ms) [[unlikely]]
    return flows_.drop(FlowDrop::kTooLong);
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
// went on as before; if they are outvoted they are dropped. At the end of the input what is held is believed
// unless more flows went on as before.

void SeriesBuilder::hold(const Flow& f) {
  held_.push_back(f);
  if (held_.size() >= kConfirm && held_.size() > regular_) return release_held();
  if (held_.size() >= kMaxHeld) drop_held();
}

void SeriesBuilder::drop_held() {
  flows_.drop(FlowDrop::kAhead, held_.size());
  held_.clear();
  regular_ = 0;
}

// Moves the watermark to the flows around the median of what is held and admits all of it again.
void SeriesBuilder::release_held() {
  std::vector<Flow> flows;
  flows.swap(held_);
  regular_ = 0;
  std::vector<TimeMs> starts;
  for (const auto& f : flows) starts.push_back(f.start_ms);
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
  if (f.start_ms > watermark_) move_watermark(f.start_ms);
  const int64_t first = step_of(f.start_ms, options_.step_ms);
  const int64_t last = last_step_of(f);
  if (last < oldest_) return flows_.drop(FlowDrop::kLate);
  ends_.clear();
  const bool elsewhere = selector_.select(f, ends_);
  if (ends_.empty()) return flows_.drop(elsewhere ? FlowDrop::kElsewhere : FlowDrop::kNotSelected);
  flows_.emit();
  const int64_t from = std::max(first, oldest_);
  const bool none = first_step_ == end_step_;
  first_step_ = none ? from : std::min(first_step_, from);
  end_step_ = none ? last + 1 : std::max(end_step_, last + 1);
  clamped_ += first < oldest_ ? 1 : 0;
  const Part whole = part_of(f);
  if (from == last) {
    add_part(f, whole, from);
  } else {
    ++spread_;
    spread_flow(f, whole, from, 0);
  }
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
  spread_flow(f, part_of(f), step, static_cast<uint64_t>(step * options_.step_ms - f.start_ms));
}

void SeriesBuilder::add_part(const Flow& f, const Part& part, int64_t step) {
  OpenStep& at = open(step);
  const auto index = static_cast<uint16_t>(parts_.size());
  parts_.push_back(part);
  const uint32_t src = hash_address(f.src);
  const uint32_t dst = hash_address(f.dst);
  for (const auto& e : ends_) {
    const uint64_t hash = options_.seed.hash(e.node);
    at.prefetch(hash);
    const End end = e.direction == kIn ? End{src, f.dst_port, f.src_port} : End{dst, f.src_port, f.dst_port};
    updates_.push_back({e.node, hash, &at, nullptr, end, index, e.direction});
  }
  if (updates_.size() >= kBatch) apply();
}

// Random access to hundreds of megabytes: each pass asks for what the next one touches, so that the misses of
// a batch overlap instead of adding up (bench/series shows it).
void SeriesBuilder::apply() {
  for (auto& u : updates_) {
    u.state = &u.step->state(u.node, u.hash, u.direction);
    prefetch_state(*u.state);
  }
  for (const auto& u : updates_) prefetch_sets(*u.state, parts_[u.part], u.end, u.step->arena());
  for (const auto& u : updates_) series::add(*u.state, parts_[u.part], u.end, u.step->arena());
  updates_.clear();
  parts_.clear();
}

// Steps
// ------------------------------------------------------------------------------------------------------

OpenStep& SeriesBuilder::open(int64_t step) {
  if (step == cached_step_) return *cached_;
  NFG_CHECK(step >= oldest_);
  const auto index = static_cast<size_t>(step - oldest_);
  if (index >= open_.size()) open_.resize(index + 1);
  if (!open_[index]) {
    if (spare_.empty()) {
      open_[index] = std::make_unique<OpenStep>(pool_, options_.seed);
    } else {
      open_[index] = std::move(spare_.back());
      spare_.pop_back();
    }
  }
  cached_step_ = step;
  cached_ = open_[index].get();
  return *cached_;
}

// REQUIRES: time >= watermark_, or not started. Steps are passed one by one only where flows wait.
void SeriesBuilder::move_watermark(TimeMs time) {
  const int64_t oldest = step_of(time - options_.lateness_ms, options_.step_ms);
  if (!started_) {
    started_ = true;
    watermark_ = time;
    oldest_ = std::max(oldest_, oldest);
    return;
  }
  const int64_t now = step_of(time, options_.step_ms);
  while (!rest_.empty() && rest_.begin()->first <= now) {
    const int64_t step = rest_.begin()->first;
    const std::vector<Flow> flows = std::move(rest_.begin()->second);
    rest_.erase(rest_.begin());
    watermark_ = std::max(watermark_, step * options_.step_ms);
    close_before(step_of(watermark_ - options_.lateness_ms, options_.step_ms));
    for (const auto& f : flows) resume(f, step);
  }
  watermark_ = time;
  close_before(oldest);
}

void SeriesBuilder::close_before(int64_t step) {
  if (step <= oldest_) return;
  apply();
  while (oldest_ < step && !open_.empty()) close_front();
  oldest_ = std::max(oldest_, step);
}

void SeriesBuilder::close_front() {
  std::unique_ptr<OpenStep> step = std::move(open_.front());
  open_.pop_front();
  const int64_t number = oldest_++;
  cached_step_ = INT64_MIN;
  if (!step) return;
  float frame[kFeatureCount];
  const auto state = [&](Arena::Ref ref) {
    return ref == 0 ? nullptr : &step->arena().at<DirectionState>(ref);
  };
  const auto slots = step->sorted();
  frames_.enter(slots.size());
  constexpr size_t kAhead = 8;
  for (size_t i = 0; i < slots.size(); ++i) {
    for (const auto ref : slots[std::min(i + kAhead, slots.size() - 1)].state) {
      if (ref != 0) prefetch_state(*state(ref));
    }
    series::finish(state(slots[i].state[kIn]), state(slots[i].state[kOut]), step->arena(), frame);
    sink_.frame(slots[i].node, number, frame);
    frames_.emit();
  }
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
  close_before(oldest_ + static_cast<int64_t>(open_.size()));
  flows_.set_held(0);
}

base::LedgerView SeriesBuilder::flow_ledger() const { return flows_.view("flows"); }

base::LedgerView SeriesBuilder::frame_ledger() const {
  auto view = frames_.view("frames");
  for (const auto& step : open_) view.held += step ? step->nodes() : 0;
  view.in += view.held;
  return view;
}

}  // namespace netflowgen::series

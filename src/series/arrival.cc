#include "series/arrival.h"

#include <fmt/format.h>

#include <algorithm>

namespace netflowgen::series {
namespace {

constexpr size_t kHop = 32;          // flows by which the window moves on
constexpr size_t kTogether = 62;     // of kWindow, within max_jump of the middle one
constexpr size_t kEachSide = 8;      // of these, before and after a flow that is astray
constexpr size_t kFirstJudged = 16;  // flows of the window that are judged: [16, 48)

}  // namespace

ArrivalMeter::ArrivalMeter(const SeriesOptions& options) : options_(checked(options)) {
  plan_.step_ms = options_.step_ms;
}

void ArrivalMeter::add(std::span<const flow::Flow> flows) {
  for (const auto& f : flows) {
    const uint64_t number = plan_.flows++;
    if (refusal(f, options_) != FlowDrop::kCount) [[unlikely]]
      continue;
    window_[held_++] = {number, f.start_ms, f.end_ms, false};
    if (held_ == kWindow) judge();
  }
}

// Marks what is astray in the middle of the window, hands its first half on and keeps the second.
void ArrivalMeter::judge() {
  const auto [low, high] = std::minmax_element(
      window_.begin(), window_.end(), [](const Seen& a, const Seen& b) { return a.start_ms < b.start_ms; });
  if (high->start_ms - low->start_ms > options_.max_jump_ms) [[unlikely]] {
    std::array<base::TimeMs, kWindow> starts;
    std::transform(window_.begin(), window_.end(), starts.begin(), [](const Seen& s) { return s.start_ms; });
    std::nth_element(starts.begin(), starts.begin() + kWindow / 2, starts.end());
    const base::TimeMs middle = starts[kWindow / 2];
    const auto near = [&](const Seen& s) { return std::abs(s.start_ms - middle) <= options_.max_jump_ms; };
    size_t total = 0;
    base::TimeMs first = middle;  // of those near
    base::TimeMs last = middle;
    for (const Seen& s : window_) {
      if (!near(s)) continue;
      ++total;
      first = std::min(first, s.start_ms);
      last = std::max(last, s.start_ms);
    }
    size_t before = 0;
    for (size_t i = 0; total >= kTogether && i < kFirstJudged + kHop; ++i) {
      Seen& s = window_[i];
      before += near(s) ? 1 : 0;
      const bool far =
          s.start_ms > last + options_.max_jump_ms || s.end_ms < first - options_.max_duration_ms;
      if (i >= kFirstJudged && far && before >= kEachSide && total - before >= kEachSide) s.astray = true;
    }
  }
  for (size_t i = 0; i < kHop; ++i) pass(window_[i]);
  std::copy(window_.begin() + kHop, window_.end(), window_.begin());
  held_ = kWindow - kHop;
}

void ArrivalMeter::pass(const Seen& s) {
  if (s.astray) [[unlikely]] {
    plan_.astray.push_back(s.flow);
    return;
  }
  auto& stairs = plan_.stairs;
  if (!stairs.empty() && s.start_ms >= top_begin_ && s.start_ms < top_end_) {
    stairs.back().flow = s.flow;
    return;
  }
  const int64_t first = base::step_of(s.start_ms, options_.step_ms);
  const int64_t step = std::max(first, options_.closed_before);
  if (step > first && base::step_of(s.end_ms, options_.step_ms) < step) return;  // no step of it is open
  while (!stairs.empty() && stairs.back().step >= step) stairs.pop_back();
  stairs.push_back({s.flow, step});
  top_begin_ = step * options_.step_ms;
  top_end_ = top_begin_ + options_.step_ms;
}

ArrivalPlan ArrivalMeter::finish() {
  for (size_t i = 0; i < held_; ++i) pass(window_[i]);
  held_ = 0;
  return std::move(plan_);
}

namespace {

// "90s", "2m", "1h": as --lateness takes it.
std::string option_text(int64_t ms) {
  static constexpr std::pair<int64_t, const char*> kUnits[] = {
      {86'400'000, "d"}, {3'600'000, "h"}, {60'000, "m"}, {1'000, "s"}};
  for (const auto& [unit, name] : kUnits) {
    if (ms != 0 && ms % unit == 0) return fmt::format("{}{}", ms / unit, name);
  }
  return fmt::format("{}ms", ms);
}

std::string about(int64_t ms) {
  if (ms < 120'000) return fmt::format("{} s", (ms + 999) / 1'000);
  if (ms < 120 * 60'000) return fmt::format("{} min", (ms + 59'999) / 60'000);
  return ms < 48 * base::kHourMs ? fmt::format("{} h", (ms + base::kHourMs - 1) / base::kHourMs)
                                 : fmt::format("{} d", (ms + base::kDayMs - 1) / base::kDayMs);
}

// The next of 1, 2, 5, 10, 15, 30 min, 1, 2, 3, 6, 12 h, whole days.
int64_t round_up(int64_t ms) {
  for (const int64_t minutes : {1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720}) {
    if (ms <= minutes * 60'000) return minutes * 60'000;
  }
  return (ms + base::kDayMs - 1) / base::kDayMs * base::kDayMs;
}

}  // namespace

std::string late_text(const LateFlows& late, uint64_t flows, int64_t lateness_ms) {
  if (late.dropped == 0) return "";
  const double share =
      100.0 * static_cast<double>(late.dropped) / static_cast<double>(std::max<uint64_t>(flows, 1));
  return fmt::format(
      "{} flows ({} %) came up to {} late, more than --lateness {}, and were dropped: read again with "
      "--lateness {}",
      late.dropped, share >= 10 ? fmt::format("{:.0f}", share) : fmt::format("{:.2g}", share),
      about(late.most_ms), option_text(lateness_ms), option_text(round_up(late.most_ms)));
}

}  // namespace netflowgen::series

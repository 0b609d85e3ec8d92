#include "serve/load_shed.h"

#include <algorithm>

namespace netflowgen::serve {
namespace {

constexpr std::string_view kLevels[] = {"nothing", "open step", "history detail", "flow sample"};
constexpr std::string_view kStages[] = {"looks at the open step", "history detail", "flow sample"};

Shed at(size_t level) { return static_cast<Shed>(level); }

}  // namespace

std::string_view name_of(Shed level) { return kLevels[static_cast<size_t>(level)]; }

bool LoadShed::update(base::TimeMs now_ms, base::TimeMs read_ms, uint64_t lost, int64_t scoring_ms) {
  const Shed before = level_;
  const int64_t behind_ms = now_ms - read_ms;
  const int64_t usual_ms = std::clamp<int64_t>(scoring_ms, 0, kMostScoring_ms);
  for (size_t i = 0; i < kSheds; ++i) {
    if (behind_ms >= usual_ms + kBehind_ms[i]) level_ = std::max(level_, at(i + 1));
  }
  const bool losing = lost > lost_;
  lost_ = lost;
  if (losing && (raised_ms_ == INT64_MIN || now_ms < raised_ms_ || now_ms - raised_ms_ >= kLossStep_ms)) {
    raised_ms_ = now_ms;
    level_ = at(std::min(static_cast<size_t>(level_) + 1, kSheds));
  }
  if (losing || behind_ms > kCalmBehind_ms || level_ == Shed::kNothing) {
    calm_since_ms_ = INT64_MIN;
  } else if (calm_since_ms_ == INT64_MIN || now_ms < calm_since_ms_) {  // a clock may be set back
    calm_since_ms_ = now_ms;
  } else if (now_ms - calm_since_ms_ >= kCalm_ms) {
    calm_since_ms_ = now_ms;
    level_ = at(static_cast<size_t>(level_) - 1);
  }
  return level_ != before;
}

bool LoadShed::keep(Shed what, uint64_t n) {
  auto& stage = stages_[static_cast<size_t>(what) - 1];
  stage.enter(n);
  const bool kept = level_ < what;
  if (kept) {
    stage.emit(n);
  } else {
    stage.drop(ShedDrop::kOverload, n);
  }
  return kept;
}

std::vector<base::LedgerView> LoadShed::ledgers() const {
  std::vector<base::LedgerView> views;
  for (size_t i = 0; i < kSheds; ++i) {
    if (stages_[i].in() > 0) views.push_back(stages_[i].view(std::string(kStages[i])));
  }
  return views;
}

}  // namespace netflowgen::serve

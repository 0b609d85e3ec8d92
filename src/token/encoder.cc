#include "token/encoder.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "base/check.h"
#include "base/time.h"

namespace netflowgen::token {
namespace {

constexpr float kDenseClip = 8;
constexpr int kDaySlots = 144;
constexpr int64_t kDayMs = 86400000;

// log1p, finite for every input but NaN.
float log_of(float value) { return std::log1p(std::clamp(value, 0.0f, 1e30f)); }

float clip(float x) { return std::clamp(x, -kDenseClip, kDenseClip); }

std::vector<int> calendar_sizes(Calendar calendar) {
  switch (calendar) {
    case Calendar::kNone:
      return {};
    case Calendar::kDay:
      return {kDaySlots, 7};
    case Calendar::kPaper:
      return {60, 24, 7, 31};
  }
  return {};
}

// Day of the month, 0-based, of a day count since 1970-01-01.
int day_of_month(int64_t days) {
  const int64_t z = days + 719468;
  const int64_t era = (z >= 0 ? z : z - 146096) / 146097;
  const int64_t doe = z - era * 146097;
  const int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
  const int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
  const int64_t mp = (5 * doy + 2) / 153;
  return static_cast<int>(doy - (153 * mp + 2) / 5);
}

}  // namespace

Token gap_token(int64_t steps) {
  NFG_CHECK(steps >= 1);
  // 1 -> 1, 2 -> 2, 3..4 -> 3, 5..8 -> 4, ...
  const int k = 1 + static_cast<int>(std::bit_width(static_cast<uint64_t>(steps - 1)));
  return static_cast<Token>(std::min(k, kGapTokens - 1));
}

Encoder::Encoder(const Tokenizer& tokenizer, InputSpec spec) : tokenizer_(tokenizer), spec_(std::move(spec)) {
  uint32_t offset = 0;
  const auto add_slot = [&](int size) {
    offsets_.push_back(offset);
    offset += static_cast<uint32_t>(size);
  };
  for (const auto& c : tokenizer_.channels()) add_slot(c.vocabulary());
  add_slot(kGapTokens);
  for (const int n : calendar_sizes(spec_.calendar)) add_slot(n);
  if (spec_.nodes > 0) add_slot(spec_.nodes);
  slots_ = offsets_.size();
  vocabulary_ = offset;

  size_t numeric = 0;
  idle_frame_.assign(series::kFeatureCount, std::numeric_limits<float>::quiet_NaN());
  for (size_t i = 0; i < levels(); ++i) {
    const auto& c = tokenizer_.channels()[i];
    idle_frame_[static_cast<size_t>(c.feature)] = 0;
    target_sizes_.push_back(c.vocabulary());
    if (c.kind == ChannelKind::kCategory) continue;
    ++numeric;
    if (series::kFeatures[static_cast<size_t>(c.feature)].kind != series::Kind::kVolume) continue;
    size_t relative = SIZE_MAX;
    for (size_t r = levels(); r < tokenizer_.channels().size(); ++r) {
      if (tokenizer_.channels()[r].feature == c.feature) relative = r;
    }
    volumes_.push_back({c.feature, i, relative});
  }
  NFG_CHECK(volumes_.size() <= kMaxVolumes);
  target_sizes_.push_back(kGapTokens);
  for (const int n : target_sizes_) target_vocabulary_ += static_cast<size_t>(n);
  dense_ = spec_.dense ? numeric + 2 * volumes_.size() + season() : 0;
}

bool Encoder::is_position(const NodeState& state, int64_t step) const {
  if (state.last_step == kNever || step <= state.last_step) return false;
  if (spec_.idle_steps < 0) return true;
  return step == state.last_step + 1 && state.idle_run < spec_.idle_steps;
}

void Encoder::advance(NodeState& state, int64_t step, std::span<const float> frame) const {
  NFG_CHECK(state.last_step == kNever || step > state.last_step);
  state.last_step = step;
  state.idle_run = frame.empty() ? state.idle_run + 1 : 0;
  if (frame.empty()) return;
  for (size_t v = 0; v < volumes_.size(); ++v) {
    const float value = frame[static_cast<size_t>(volumes_[v].feature)];
    if (!(value > 0)) continue;  // zero or missing
    state.seen[v] = std::min(state.seen[v] + 1, 1u << 20);
    const float rate = std::max(kLevelRate, 1.0f / static_cast<float>(state.seen[v]));
    state.level[v] += rate * (log_of(value) - state.level[v]);
  }
}

void Encoder::encode_calendar(int64_t step, std::span<uint32_t> ids, size_t slot) const {
  const base::TimeMs local = step * spec_.step_ms + int64_t{spec_.utc_offset_minutes} * 60000;
  const int64_t days = base::step_of(local, kDayMs);
  const auto minute = static_cast<uint32_t>((local - days * kDayMs) / 60000);
  const auto weekday =
      static_cast<uint32_t>(((days + 3) % 7 + 7) % 7);  // 1970-01-01 was a Thursday; Monday is 0
  if (spec_.calendar == Calendar::kDay) {
    ids[slot] = offsets_[slot] + minute * kDaySlots / 1440;
    ids[slot + 1] = offsets_[slot + 1] + weekday;
  } else if (spec_.calendar == Calendar::kPaper) {
    ids[slot] = offsets_[slot] + minute % 60;
    ids[slot + 1] = offsets_[slot + 1] + minute / 60;
    ids[slot + 2] = offsets_[slot + 2] + weekday;
    ids[slot + 3] = offsets_[slot + 3] + static_cast<uint32_t>(day_of_month(days));
  }
}

void Encoder::encode_dense(const NodeState& before, const NodeState& after, std::span<const float> frame,
                           std::span<const float> season, std::span<float> out) const {
  size_t n = 0;
  for (size_t i = 0; i < levels(); ++i) {
    if (tokenizer_.is_category(i)) continue;
    const float value = frame[static_cast<size_t>(tokenizer_.channels()[i].feature)];
    out[n++] = std::isnan(value)
                   ? 0
                   : clip((log_of(value) - tokenizer_.log_mean()[i]) / tokenizer_.log_deviation()[i]);
  }
  for (size_t v = 0; v < volumes_.size(); ++v) {
    const float value = frame[static_cast<size_t>(volumes_[v].feature)];
    const bool known = !std::isnan(value) && before.seen[v] > 0;
    out[n++] = known ? clip((log_of(value) - before.level[v]) / 2) : 0;
  }
  for (size_t v = 0; v < volumes_.size(); ++v) {
    const size_t i = volumes_[v].level;
    out[n++] = after.seen[v] > 0
                   ? clip((after.level[v] - tokenizer_.log_mean()[i]) / tokenizer_.log_deviation()[i])
                   : 0;
  }
  for (size_t k = 0; k < season.size(); ++k) {
    const size_t v = k % volumes_.size();
    out[n++] = std::isnan(season[k]) || after.seen[v] == 0 ? 0 : clip((season[k] - after.level[v]) / 2);
  }
}

void Encoder::encode(NodeState& state, int64_t step, std::span<const float> frame,
                     std::span<const float> season, uint32_t node_row, Position out) const {
  const NodeState before = state;
  advance(state, step, frame);
  const std::span<const float> values = frame.empty() ? idle_frame() : frame;
  tokenizer_.encode(values, out.target);
  for (size_t i = 0; i < levels(); ++i) out.ids[i] = offsets_[i] + out.target[i];
  for (size_t v = 0; v < volumes_.size(); ++v) {
    const size_t r = volumes_[v].relative;
    if (r == SIZE_MAX) continue;
    const float value = values[static_cast<size_t>(volumes_[v].feature)];
    const float ratio = before.seen[v] > 0 ? log_of(value) - before.level[v] : 0;
    const Token token = std::isnan(value) ? kMissing
                        : value <= 0      ? kZero
                                          : tokenizer_.channels()[r].bin(ratio);
    out.ids[r] = offsets_[r] + token;
  }
  size_t slot = tokenizer_.channels().size();
  out.ids[slot] =
      offsets_[slot] + (before.last_step == kNever ? Token{0} : gap_token(step - before.last_step));
  encode_calendar(step, out.ids, ++slot);
  if (spec_.nodes > 0) {
    const auto rows = static_cast<uint32_t>(spec_.nodes);
    out.ids[slots_ - 1] = offsets_[slots_ - 1] + (node_row < rows ? node_row : 0);
  }
  if (spec_.dense) encode_dense(before, state, values, season, out.dense);
}

}  // namespace netflowgen::token

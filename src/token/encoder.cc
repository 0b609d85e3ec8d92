#include "token/encoder.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>

#include "base/check.h"
#include "base/time.h"

namespace netflowgen::token {
namespace {

constexpr float kDenseClip = 8;
constexpr float kStandardClip = 16;
constexpr float kLargestLog = 60;       // of a forecast
constexpr int64_t kMostIdle = 1 << 14;  // idle steps that are looked at one by one
using base::kDayMs;

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

int32_t capped_run(int32_t run, int64_t more) {
  return static_cast<int32_t>(std::min<int64_t>(run + more, std::numeric_limits<int32_t>::max() - 1));
}

// What a number of zeros that had no position do to volume v in the node's own units.
void decay_running(NodeState& state, size_t v, const std::vector<int>& scales, int64_t idle) {
  if (idle <= 0 || state.known[v] == 0) return;
  for (size_t k = 0; k < scales.size(); ++k) {
    // A mean decays as with that number of zeros; a deviation as if the mean had stayed halfway.
    const float keep = std::pow(1 - 1 / static_cast<float>(scales[k]), static_cast<float>(idle));
    state.deviation[v][k] += (1 - keep) * (state.mean[v][k] * (1 + keep) / 2 - state.deviation[v][k]);
    state.mean[v][k] *= keep;
  }
  float* const recent = state.recent[v];
  const auto zeros = static_cast<std::ptrdiff_t>(std::min<int64_t>(idle, kRecent));
  std::copy_backward(recent, recent + kRecent - zeros, recent + kRecent);
  std::fill_n(recent, zeros, 0.0f);
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

Encoder::Encoder(const Tokenizer& tokenizer, InputSpec spec)
    : tokenizer_(tokenizer),
      spec_(std::move(spec)),
      zone_(base::TimeZone::load(spec_.timezone)),
      profile_(spec_.step_ms),
      scales_(spec_.scale_steps()) {
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
  idle_frame_.fill(std::numeric_limits<float>::quiet_NaN());
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
    const float unit = spec_.universal ? 1 : std::max(c.values.front(), 1e-6f);
    volumes_.push_back({c.feature, i, relative, unit});
  }
  NFG_CHECK(volumes_.size() <= kMaxVolumes);
  target_sizes_.push_back(kGapTokens);
  for (const int n : target_sizes_) target_vocabulary_ += static_cast<size_t>(n);
  NFG_CHECK(spec_.scales.size() <= kMaxScales);
  reference_ = spec_.reference_scale();
  dense_ = spec_.dense ? numeric + 2 * volumes_.size() + season() + running_inputs() + profile_inputs() +
                             surround_inputs()
                       : 0;
}

Encoder::Frame Encoder::idle_frame(const NodeState& state) const {
  Frame frame = idle_frame_;
  if (!spec_.universal) return frame;
  for (size_t f = 0; f < frame.size(); ++f) {
    if ((state.profile.given >> f & 1) == 0) frame[f] = std::numeric_limits<float>::quiet_NaN();
  }
  return frame;
}

bool Encoder::is_position(const NodeState& state, int64_t step) const {
  if (state.last_step == kNever || step <= state.last_step) return false;
  if (spec_.idle_steps < 0) return true;
  return step == state.last_step + 1 && state.idle_run < spec_.idle_steps;
}

size_t Encoder::profile_inputs() const { return spec_.universal ? ProfileRule::inputs() + day_inputs() : 0; }

size_t Encoder::running_inputs() const {
  return spec_.scales.empty() ? 0 : volumes_.size() * (kRecent + 2 * spec_.scales.size());
}

float Encoder::standard(const NodeState& state, size_t v, float x) const {
  const float z = (x - state.mean[v][reference_]) / (state.deviation[v][reference_] + kStandardFloor);
  return kStandardBend * std::asinh(z / kStandardBend);
}

// `idle_before` zeros that had no position, then x.
void Encoder::advance_running(NodeState& state, size_t v, int64_t idle_before, float x) const {
  float* const recent = state.recent[v];
  decay_running(state, v, scales_, idle_before);
  std::copy_backward(recent, recent + kRecent - 1, recent + kRecent);
  recent[0] = x;
  if (std::isnan(x)) return;
  if (state.known[v] == 0) std::fill_n(recent, kRecent, x);
  state.known[v] = std::min(state.known[v] + 1, 1u << 20);
  for (size_t k = 0; k < scales_.size(); ++k) {
    const float rate = std::max(1 / static_cast<float>(scales_[k]), 1 / static_cast<float>(state.known[v]));
    const float error = x - state.mean[v][k];
    state.mean[v][k] += rate * error;
    // The first value deviates from nothing.
    if (state.known[v] > 1) state.deviation[v][k] += rate * (std::fabs(error) - state.deviation[v][k]);
  }
}

float Encoder::target(const NodeState& after, size_t v, float log1p_value) const {
  if (spec_.scales.empty()) {
    return after.seen[v] == 0 ? std::numeric_limits<float>::quiet_NaN() : log1p_value - after.level[v];
  }
  if (after.known[v] == 0) return std::numeric_limits<float>::quiet_NaN();
  return standard(after, v, std::log1p(std::expm1(log1p_value) / volumes_[v].unit));
}

float Encoder::decode_target(const NodeState& after, size_t v, float target) const {
  if (spec_.scales.empty()) return std::max(0.0f, std::expm1(std::min(target + after.level[v], kLargestLog)));
  const float x = after.mean[v][reference_] + (after.deviation[v][reference_] + kStandardFloor) *
                                                  kStandardBend *
                                                  std::sinh(std::clamp(target / kStandardBend, -9.0f, 9.0f));
  return std::max(0.0f, std::expm1(std::min(x, kLargestLog)) * volumes_[v].unit);
}

float Encoder::relative_target(const NodeState& after, size_t v, float target) const {
  return spec_.scales.empty() ? target : std::log1p(decode_target(after, v, target)) - after.level[v];
}

void Encoder::skip_idle(NodeState& state, int64_t step) const {
  if (!spec_.scales.empty()) {
    // A clock may leap by years: means that have decayed for this long take the rest at once.
    if (step - state.last_step > kMostIdle) {
      const int64_t skipped = step - kMostIdle - state.last_step;
      for (size_t v = 0; v < volumes_.size(); ++v) decay_running(state, v, scales_, skipped);
      if (spec_.universal) profile_.add_silence(state.profile, state.last_step + 1, skipped);
      state.idle_run = capped_run(state.idle_run, skipped);
      state.last_step += skipped;
    }
    while (state.last_step < step) advance(state, state.last_step + 1, {});
    return;
  }
  const int64_t count = step - state.last_step;
  state.last_step = step;
  state.idle_run = capped_run(state.idle_run, count);
}

void Encoder::advance(NodeState& state, int64_t step, std::span<const float> frame) const {
  advance(state, step, frame,
          spec_.universal && !frame.empty() ? ProfileRule::values_of(frame) : ProfileValues{});
}

void Encoder::advance(NodeState& state, int64_t step, std::span<const float> frame,
                      const ProfileValues& habits) const {
  NFG_CHECK(state.last_step == kNever || step > state.last_step);
  if (!spec_.scales.empty()) {
    const int64_t idle_before = state.last_step == kNever ? 0 : step - state.last_step - 1;
    const Frame idle = idle_frame(state);
    const std::span<const float> values = frame.empty() ? idle : frame;
    if (spec_.universal) advance_profile(state, step, frame, habits);
    for (size_t v = 0; v < volumes_.size(); ++v) {
      const float value = values[static_cast<size_t>(volumes_[v].feature)];
      advance_running(state, v, idle_before, std::isnan(value) ? value : log_of(value / volumes_[v].unit));
    }
  }
  state.last_step = step;
  state.idle_run = frame.empty() ? capped_run(state.idle_run, 1) : 0;
  if (frame.empty()) return;
  for (size_t v = 0; v < volumes_.size(); ++v) {
    const float value = frame[static_cast<size_t>(volumes_[v].feature)];
    if (!(value > 0)) continue;  // zero or missing
    state.seen[v] = std::min(state.seen[v] + 1, 1u << 20);
    const float rate = std::max(kLevelRate, 1.0f / static_cast<float>(state.seen[v]));
    state.level[v] += rate * (log_of(value) - state.level[v]);
  }
}

// REQUIRES: state.last_step is still that of the position before.
void Encoder::advance_profile(NodeState& state, int64_t step, std::span<const float> frame,
                              const ProfileValues& habits) const {
  if (state.last_step != kNever) {
    const int64_t silent = step - state.last_step - (frame.empty() ? 0 : 1);
    profile_.add_silence(state.profile, state.last_step + 1, silent);
  }
  if (frame.empty()) return;
  profile_.add(state.profile, frame, habits);
  std::array<float, kMaxVolumes> x;
  for (size_t v = 0; v < volumes_.size(); ++v) {
    const float value = frame[static_cast<size_t>(volumes_[v].feature)];
    x[v] = std::isnan(value) ? value : log_of(value / volumes_[v].unit);
  }
  profile_.add_day(state.profile, step, {x.data(), volumes_.size()});
}

void Encoder::encode_calendar(int64_t step, std::span<uint32_t> ids, size_t slot) const {
  const base::TimeMs local = zone_.local(step * spec_.step_ms);
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

void Encoder::encode_dense(const Before& before, const NodeState& after, std::span<const float> frame,
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
  if (!spec_.scales.empty()) {
    encode_running(after, season, out.subspan(n));
    return;
  }
  for (size_t k = 0; k < season.size(); ++k) {
    const size_t v = k % volumes_.size();
    out[n++] = std::isnan(season[k]) || after.seen[v] == 0 ? 0 : clip((season[k] - after.level[v]) / 2);
  }
}

// A volume's last values, means but the reference's, deviations relative to the reference's, the reference's own;
// then the seasonal values; all in the node's own units.
void Encoder::encode_running(const NodeState& after, std::span<const float> season,
                             std::span<float> out) const {
  const auto clipped = [&](size_t v, float x) {
    return std::isnan(x) ? 0.0f : std::clamp(standard(after, v, x), -kStandardClip, kStandardClip);
  };
  size_t n = 0;
  for (size_t v = 0; v < volumes_.size(); ++v) {
    for (const float x : after.recent[v]) out[n++] = clipped(v, x);
    const float deviation = after.deviation[v][reference_] + kStandardFloor;
    for (size_t k = 0; k < spec_.scales.size(); ++k) {
      if (k == reference_) continue;
      out[n++] = clipped(v, after.mean[v][k]);
      out[n++] = clip(std::log((after.deviation[v][k] + kStandardFloor) / deviation));
    }
    out[n++] = clip((std::log(deviation) + 1) / 2);
    out[n++] = clip(after.mean[v][reference_] / 4 - 1);
  }
  for (size_t k = 0; k < season.size(); ++k) {
    const size_t v = k % volumes_.size();
    const bool known = !std::isnan(season[k]) && after.known[v] > 0;
    out[n++] = known ? clipped(v, std::log1p(std::expm1(season[k]) / volumes_[v].unit)) : 0;
  }
}

void Encoder::encode_day(const NodeState& after, int64_t step, std::span<float> out) const {
  size_t n = 0;
  for (const int lead : spec_.leads) {
    for (size_t v = 0; v < volumes_.size(); ++v) {
      const float x = profile_.day_at(after.profile, step + lead, v);
      const bool known = !std::isnan(x) && after.known[v] > 0;
      out[n++] = known ? std::clamp(standard(after, v, x), -kStandardClip, kStandardClip) : 0;
    }
  }
}

void Encoder::encode(NodeState& state, const Moment& now, Position out) const {
  Before before{state.last_step, {}, {}};
  std::copy(std::begin(state.seen), std::end(state.seen), before.seen);
  std::copy(std::begin(state.level), std::end(state.level), before.level);
  const Frame idle = idle_frame(state);
  const std::span<const float> values = now.frame.empty() ? idle : now.frame;
  const size_t habits = dense_ - profile_inputs() - surround_inputs();
  ProfileValues profile;
  if (spec_.dense && spec_.universal) {
    if (now.frame.empty())
      profile.x.fill(std::numeric_limits<float>::quiet_NaN());
    else
      profile = ProfileRule::values_of(now.frame);
    profile_.encode(state.profile, profile, out.dense.subspan(habits, ProfileRule::inputs()));
  }
  advance(state, now.step, now.frame, profile);
  encode_tokens(before, now, values, out);
  if (!spec_.dense) return;
  encode_dense(before, state, values, now.season, out.dense.first(habits));
  if (spec_.universal)
    encode_day(state, now.step, out.dense.subspan(habits + ProfileRule::inputs(), day_inputs()));
  if (!spec_.surroundings) return;
  const std::span<float> surround = out.dense.last(kSurroundInputs);
  std::ranges::fill(surround, 0.0f);
  for (size_t i = 0; i < now.surround.size(); ++i) surround[i] = kSurroundUnit * now.surround[i];
}

void Encoder::encode_tokens(const Before& before, const Moment& now, std::span<const float> values,
                            Position out) const {
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
      offsets_[slot] + (before.last_step == kNever ? Token{0} : gap_token(now.step - before.last_step));
  encode_calendar(now.step, out.ids, ++slot);
  if (spec_.nodes > 0) {
    const auto rows = static_cast<uint32_t>(spec_.nodes);
    out.ids[slots_ - 1] = offsets_[slots_ - 1] + (now.node_row < rows ? now.node_row : 0);
  }
}

}  // namespace netflowgen::token

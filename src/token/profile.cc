#include "token/profile.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/time.h"

namespace netflowgen::token {
namespace {

using base::kDayMs;
using series::kFeatures;
using series::Kind;

constexpr float kBend = 3;
constexpr float kClip = 16;
constexpr uint32_t kMostKnown = 1u << 20;
constexpr int64_t kPartMs = kDayMs / static_cast<int64_t>(kDayParts);
constexpr int64_t kDaysKept = 4;  // memory of a part of the day
constexpr int64_t kMostSilentDays = 40;
constexpr float kNone = std::numeric_limits<float>::quiet_NaN();

// The smallest deviation that counts: a share moves by hundredths, a logarithm by tenths.
constexpr float floor_of(Kind kind) { return kind == Kind::kRatio ? 0.02f : 0.1f; }

float log_of(float y, float unit = 1) { return std::log1p(std::clamp(y / unit, 0.0f, 1e30f)); }

struct Column {
  int feature;
  Kind kind;
  float unit;
  int flows;  // the feature that tells whether the direction had any
};

std::array<Column, kProfileChannels - kMixed> columns() {
  std::array<Column, kProfileChannels - kMixed> all{};
  size_t n = 0;
  for (int f = 0; f < series::kFeatureCount; ++f) {
    const Kind kind = kFeatures[static_cast<size_t>(f)].kind;
    if (kind == Kind::kCategory) continue;
    const bool duration = f == series::kDurationIn || f == series::kDurationOut;
    const int flows = f == series::kOutInRatio ? -1
                      : f < series::kOutOffset ? series::kFlowsIn
                                               : series::kFlowsOut;
    all[n++] = {f, kind, duration ? 0.01f : 1.0f, flows};
  }
  return all;
}

const std::array<Column, kProfileChannels - kMixed> kColumns = columns();

float floor_at(size_t c) { return c < kColumns.size() ? floor_of(kColumns[c].kind) : 0.1f; }

// log(1 + a) - log(1 + b)
float log_ratio(float a, float b) { return log_of(a) - log_of(b); }

}  // namespace

ProfileRule::ProfileRule(int64_t step_ms) : step_ms_(step_ms) {
  const auto rate = [&](int64_t ms) {
    return std::min(1.0f, static_cast<float>(step_ms) / static_cast<float>(ms));
  };
  for (size_t k = 0; k < kProfileScales; ++k) rate_[k] = rate(kProfileMs[k]);
  active_rate_[0] = rate(1'800'000);
  active_rate_[1] = rate(kDayMs);
  day_memory_ = static_cast<uint32_t>(std::max<int64_t>(kDaysKept, kDaysKept * kPartMs / step_ms));
}

ProfileValues ProfileRule::values_of(std::span<const float> frame) {
  using namespace series;
  ProfileValues p;
  for (size_t c = 0; c < kColumns.size(); ++c) {
    const Column& column = kColumns[c];
    const float y = frame[static_cast<size_t>(column.feature)];
    // What a direction without flows is like is no habit. NaN counts: sources of rates have no flows.
    const bool none = column.flows >= 0 && y == 0 && frame[static_cast<size_t>(column.flows)] == 0;
    p.x[c] = std::isnan(y) || none         ? kNone
             : column.kind == Kind::kRatio ? std::clamp(y, 0.0f, 1.0f)
                                           : log_of(y, column.unit);
  }
  const std::array<float, kMixed> mixed = {
      log_ratio(frame[kPacketsIn], frame[kFlowsIn]), log_ratio(frame[kPacketsOut], frame[kFlowsOut]),
      log_ratio(frame[kFlowsIn], frame[kPeersIn]),   log_ratio(frame[kFlowsOut], frame[kPeersOut]),
      log_ratio(frame[kFlowsIn], frame[kPortsIn]),   log_ratio(frame[kPacketsOut], frame[kPacketsIn]),
      log_ratio(frame[kFlowsOut], frame[kFlowsIn]),  log_ratio(frame[kPeersOut], frame[kPeersIn])};
  std::copy(mixed.begin(), mixed.end(), p.x.begin() + static_cast<std::ptrdiff_t>(kColumns.size()));
  return p;
}

void ProfileRule::encode(const Profile& before, const ProfileValues& now, std::span<float> out) const {
  size_t n = 0;
  for (size_t c = 0; c < kProfileChannels; ++c) {
    const float floor = floor_at(c);
    const bool known = !std::isnan(now.x[c]) && before.known[c] > 0;
    for (size_t k = 0; k < kProfileScales; ++k) {
      const float z = known ? (now.x[c] - before.mean[c][k]) / (before.deviation[c][k] + floor) : 0;
      out[n++] = std::clamp(kBend * std::asinh(z / kBend), -kClip, kClip);
    }
  }
  for (size_t m = kColumns.size(); m < kProfileChannels; ++m)
    out[n++] = std::isnan(now.x[m]) ? 0 : std::clamp(now.x[m] / 2, -kClip, kClip);
  out[n++] = before.active[0] * 2 - 1;
  out[n++] = before.active[1] * 2 - 1;
  out[n++] = std::log1p(static_cast<float>(before.steps)) / 4 - 1;
  out[n++] = std::log2(static_cast<float>(step_ms_) / 60'000.0f) / 4;
}

std::vector<std::string> ProfileRule::names() {
  static constexpr const char* kMixedNames[kMixed] = {
      "packets_in a flow", "packets_out a flow",        "flows_in a peer",       "flows_out a peer",
      "flows_in a port",   "packets_out to packets_in", "flows_out to flows_in", "peers_out to peers_in"};
  static constexpr const char* kSpans[kProfileScales] = {"5 min", "30 min", "4 h", "1 day"};
  std::vector<std::string> all;
  const auto name_of = [&](size_t c) {
    return c < kColumns.size() ? std::string(kFeatures[static_cast<size_t>(kColumns[c].feature)].name)
                               : std::string(kMixedNames[c - kColumns.size()]);
  };
  for (size_t c = 0; c < kProfileChannels; ++c) {
    for (const char* span : kSpans) all.push_back(name_of(c) + " against " + span);
  }
  for (size_t c = kColumns.size(); c < kProfileChannels; ++c) all.push_back(name_of(c));
  for (const char* name :
       {"share of active steps in 30 min", "share of active steps in a day", "age", "length of a step"})
    all.emplace_back(name);
  return all;
}

void ProfileRule::add(Profile& p, std::span<const float> frame, const ProfileValues& now) const {
  for (size_t f = 0; f < series::kFeatureCount; ++f) {
    if (!std::isnan(frame[f])) p.given |= uint64_t{1} << f;
  }
  p.steps = std::min(p.steps + 1, kMostKnown);
  for (size_t k = 0; k < 2; ++k) {
    const float rate = std::max(active_rate_[k], 1 / static_cast<float>(p.steps));
    p.active[k] += rate * (1 - p.active[k]);
  }
  for (size_t c = 0; c < kProfileChannels; ++c) {
    if (std::isnan(now.x[c])) continue;
    p.known[c] = std::min(p.known[c] + 1, kMostKnown);
    const float young = 1 / static_cast<float>(p.known[c]);
    for (size_t k = 0; k < kProfileScales; ++k) {
      const float rate = std::max(rate_[k], young);
      const float error = now.x[c] - p.mean[c][k];
      p.mean[c][k] += rate * error;
      if (p.known[c] > 1) p.deviation[c][k] += rate * (std::fabs(error) - p.deviation[c][k]);
    }
  }
}

void ProfileRule::add_silence(Profile& p, int64_t first, int64_t count) const {
  if (count <= 0 || p.steps == 0) return;
  const auto before = static_cast<float>(p.steps);
  p.steps = static_cast<uint32_t>(std::min<int64_t>(p.steps + count, kMostKnown));
  for (size_t k = 0; k < 2; ++k) {
    // A plain mean until it has seen 1 / rate steps, then it forgets.
    const float young = std::clamp(1 / active_rate_[k], before, before + static_cast<float>(count));
    p.active[k] *= before / young * std::pow(1 - active_rate_[k], before + static_cast<float>(count) - young);
  }
  // After so many days of silence nothing is left of what came before.
  const int64_t most = kMostSilentDays * std::max<int64_t>(1, kDayMs / step_ms_);
  if (count > most) {
    first += count - most;
    count = most;
  }
  while (count > 0) {
    const size_t part = part_of(first);
    const int64_t in_part =
        kPartMs > step_ms_
            ? (kPartMs - (first * step_ms_ % kPartMs + kPartMs) % kPartMs + step_ms_ - 1) / step_ms_
            : 1;
    const auto n = static_cast<uint32_t>(std::min(count, in_part));
    uint32_t& known = p.day_known[part];
    const float keep = known == 0 ? 0
                       : known + n <= day_memory_
                           ? static_cast<float>(known) / static_cast<float>(known + n)
                           : std::pow(1 - 1 / static_cast<float>(day_memory_), static_cast<float>(n));
    for (size_t v = 0; v < kDayVolumes; ++v) p.day[v][part] *= keep;
    known = std::min(known + n, day_memory_);
    first += n;
    count -= n;
  }
}

void ProfileRule::add_day(Profile& p, int64_t step, std::span<const float> x) const {
  const size_t part = part_of(step);
  p.day_known[part] = std::min(p.day_known[part] + 1, day_memory_);
  const float rate = 1 / static_cast<float>(p.day_known[part]);
  for (size_t v = 0; v < std::min(kDayVolumes, x.size()); ++v) {
    if (!std::isnan(x[v])) p.day[v][part] += rate * (x[v] - p.day[v][part]);
  }
}

float ProfileRule::day_at(const Profile& p, int64_t step, size_t v) const {
  const size_t part = part_of(step);
  return p.day_known[part] == 0 ? kNone : p.day[v][part];
}

size_t ProfileRule::part_of(int64_t step) const {
  const int64_t ms = step * step_ms_ % kDayMs;
  return static_cast<size_t>((ms < 0 ? ms + kDayMs : ms) / kPartMs);
}

}  // namespace netflowgen::token

#include "eval/label_shift.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <unordered_map>

#include "base/time_zone.h"

namespace netflowgen::eval {
namespace {

using base::kHourMs;

constexpr std::array kVolumes = {series::kBytesIn, series::kPacketsIn, series::kFlowsIn};
constexpr double kLeastDeviation = 0.25;  // of log1p: a rise by a quarter is nothing on any node
constexpr double kMostDeviations = 12;    // one huge flood must not carry the others
constexpr int64_t kMostSteps = 64;        // of an event, evenly taken
constexpr size_t kLeastAttacks = 3;
constexpr double kChance = 0.01;  // over all shifts together

double median_of(std::vector<double>& values) {
  if (values.empty()) return NAN;
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

// What a node's active steps usually carry, log1p.
struct Usual {
  std::array<double, kVolumes.size()> median{};
  std::array<double, kVolumes.size()> deviation{};
};

Usual usual_of(const FrameTable& table, size_t node) {
  Usual usual;
  for (size_t v = 0; v < kVolumes.size(); ++v) {
    std::vector<double> values;
    for (size_t row = table.offsets[node]; row < table.offsets[node + 1]; ++row) {
      const float x = table.frame(row)[static_cast<size_t>(kVolumes[v])];
      if (!std::isnan(x)) values.push_back(std::log1p(double{std::max(x, 0.0f)}));
    }
    usual.median[v] = median_of(values);
    for (double& x : values) x = std::fabs(x - usual.median[v]);
    usual.deviation[v] = std::max(1.4826 * median_of(values), kLeastDeviation);
  }
  return usual;
}

struct Rise {
  double deviations = 0;  // mean over steps
  double log_ratio = 0;   // mean over steps
  bool known = false;     // at least half of the steps lie in the archive
};

// How far the node's volumes lie above its usual ones at a step; the volume that is furthest counts.
void add_step(const FrameTable& table, size_t node, const Usual& usual, int64_t step, Rise& rise) {
  const size_t row = table.lower_bound(node, step);
  const bool active = row < table.offsets[node + 1] && table.steps[row] == step;
  double most = -kMostDeviations;
  double ratio = 0;
  for (size_t v = 0; v < kVolumes.size(); ++v) {
    const auto feature = static_cast<size_t>(kVolumes[v]);
    const float x = active ? table.frame(row)[feature] : 0.0f;
    if (std::isnan(x) || std::isnan(usual.median[v]) || table.missing[feature]) continue;
    const double above = std::log1p(double{std::max(x, 0.0f)}) - usual.median[v];
    if (above / usual.deviation[v] <= most) continue;
    most = above / usual.deviation[v];
    ratio = above;
  }
  rise.deviations += std::clamp(most, -kMostDeviations, kMostDeviations);
  rise.log_ratio += ratio;
}

Rise rise_of(const FrameTable& table, const Event& event, const Usual& usual, int64_t shift_ms) {
  const int64_t first = base::step_of(event.start_ms + shift_ms, table.step_ms);
  const int64_t last = base::step_of(event.end_ms - 1 + shift_ms, table.step_ms);
  const int64_t stride = std::max<int64_t>(1, (last - first + 1) / kMostSteps);
  Rise rise;
  int64_t inside = 0;
  int64_t all = 0;
  for (int64_t step = first; step <= last; step += stride, ++all) {
    if (step < table.first_step || step >= table.end_step) continue;
    ++inside;
    add_step(table, event.node, usual, step, rise);
  }
  rise.known = inside > 0 && 2 * inside >= all;
  if (!rise.known) return rise;
  rise.deviations /= static_cast<double>(inside);
  rise.log_ratio /= static_cast<double>(inside);
  return rise;
}

struct Shift {
  int hours = 0;
  const base::TimeZone* zone = nullptr;  // whose daylight-saving time counts; nullptr: none
  size_t attacks = 0;
  size_t stand_out = 0;
  double rise = 0;
};

// More than the least offset of the year that follows.
bool is_daylight(const base::TimeZone& zone, TimeMs time) {
  constexpr int64_t kMonthMs = 30 * base::kDayMs;
  const int64_t now = zone.offset_ms(time);
  for (int month = 1; month <= 12; ++month) {
    if (zone.offset_ms(time + month * kMonthMs) < now) return true;
  }
  return false;
}

class ShiftSearch {
 public:
  ShiftSearch(const FrameTable& table, const std::vector<Event>& events) : table_(table) {
    for (const Event& e : events) {
      incidents_[e.incident].push_back(&e);
      if (!usual_.contains(e.node)) usual_.emplace(e.node, usual_of(table, e.node));
    }
  }

  Shift measure(int hours, const base::TimeZone* zone) const {
    Shift s{hours, zone};
    std::vector<double> ratios;
    for (const auto& [id, events] : incidents_) {
      double deviations = 0;
      double ratio = 0;
      size_t known = 0;
      for (const Event* e : events) {
        const int64_t less = zone != nullptr && is_daylight(*zone, e->start_ms) ? kHourMs : 0;
        const Rise rise = rise_of(table_, *e, usual_.at(e->node), hours * kHourMs - less);
        if (!rise.known) continue;
        ++known;
        deviations += rise.deviations;
        ratio += rise.log_ratio;
      }
      if (2 * known < events.size() || known == 0) continue;
      ++s.attacks;
      s.stand_out += deviations / static_cast<double>(known) >= kStandsOut ? 1 : 0;
      ratios.push_back(ratio / static_cast<double>(known));
    }
    s.rise = ratios.empty() ? 0 : std::exp(median_of(ratios));
    return s;
  }

  // Whether there are events with and without daylight-saving time.
  bool on_both_sides(const base::TimeZone& zone) const {
    bool summer = false;
    bool winter = false;
    for (const auto& [id, events] : incidents_) {
      for (const Event* e : events) (is_daylight(zone, e->start_ms) ? summer : winter) = true;
    }
    return summer && winter;
  }

 private:
  const FrameTable& table_;
  std::map<size_t, std::vector<const Event*>> incidents_;
  std::unordered_map<size_t, Usual> usual_;
};

// P(at least k of n) where each has probability p.
double binomial_tail(size_t n, size_t k, double p) {
  double sum = 0;
  for (size_t i = k; i <= n; ++i) {
    const auto x = static_cast<double>(i);
    const auto m = static_cast<double>(n);
    sum += std::exp(std::lgamma(m + 1) - std::lgamma(x + 1) - std::lgamma(m - x + 1) + x * std::log(p) +
                    (m - x) * std::log1p(-p));
  }
  return sum;
}

// The store's own zone, and the rules of Europe and North America, which most labels' clocks follow.
std::vector<base::TimeZone> zones_of(const FrameTable& table) {
  std::vector<base::TimeZone> zones;
  if (const auto own = base::TimeZone::load(table.timezone); !own.is_fixed()) zones.push_back(own);
  zones.push_back(base::TimeZone::from_rule("Europe", "CET-1CEST,M3.5.0,M10.5.0/3"));
  zones.push_back(base::TimeZone::from_rule("North America", "EST5EDT,M3.2.0,M11.1.0"));
  return zones;
}

}  // namespace

std::optional<LabelShift> find_label_shift(const FrameTable& table, const std::vector<Event>& events) {
  const ShiftSearch search(table, events);
  const Shift own = search.measure(0, nullptr);
  const auto zones = zones_of(table);
  std::vector<Shift> shifts;
  const auto add_hours = [&](const base::TimeZone* zone) {
    for (int h = -kMostShiftHours; h <= kMostShiftHours; ++h) {
      if (h != 0 || zone != nullptr) shifts.push_back(search.measure(h, zone));
    }
  };
  add_hours(nullptr);
  for (const auto& zone : zones) {
    if (search.on_both_sides(zone)) add_hours(&zone);
  }
  const auto better = [](const Shift& a, const Shift& b) {
    return a.stand_out != b.stand_out ? a.stand_out < b.stand_out : a.rise < b.rise;
  };
  const auto best = std::max_element(shifts.begin(), shifts.end(), better);
  if (best->stand_out < kLeastAttacks || best->stand_out <= 2 * own.stand_out ||
      2 * best->attacks < own.attacks) {
    return std::nullopt;
  }
  double others = 1;  // as if one in two more had stood out: never a chance of zero
  double chances = 2;
  for (auto s = shifts.begin(); s != shifts.end(); ++s) {
    if (std::abs(s->hours - best->hours) <= 1) continue;  // long attacks reach into the next hour
    others += static_cast<double>(s->stand_out);
    chances += static_cast<double>(s->attacks);
  }
  const double tail = binomial_tail(best->attacks, best->stand_out, std::min(others / chances, 0.999));
  if (tail * static_cast<double>(shifts.size()) > kChance) return std::nullopt;
  return LabelShift{best->hours,   best->zone != nullptr, best->attacks,
                    own.stand_out, best->stand_out,       own.rise,
                    best->rise};
}

std::string LabelShift::text() const {
  const std::string shift =
      fmt::format("{:+} h{}", hours, daylight ? fmt::format(" ({:+} h in summer)", hours - 1) : "");
  return fmt::format(
      "the labels' times look wrong: of {} attacks {} stand out from their node's usual traffic (median "
      "{:.3g} times "
      "it), but {} do when all times are shifted by {} (median {:.3g} times). Times without an offset are "
      "UTC: if these are "
      "local times, correct them",
      attacks, stand_out, rise, stand_out_shifted, shift, rise_shifted);
}

}  // namespace netflowgen::eval

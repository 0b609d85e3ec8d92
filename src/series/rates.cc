#include "series/rates.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "base/check.h"
#include "base/error.h"
#include "base/nan.h"

namespace netflowgen::series {
namespace {

using base::kNaN;

}  // namespace

std::string_view name_of(RateDrop reason) {
  switch (reason) {
    case RateDrop::kLate:
      return "late";
    case RateDrop::kBadTime:
      return "bad_time";
    case RateDrop::kCount:
      break;
  }
  return "";
}

RateBuilder::RateBuilder(const RateOptions& options, const std::vector<std::string>& columns, Emit emit)
    : options_(options),
      emit_(std::move(emit)),
      sorter_(columns.size(), options.buffer_bytes, options.spill_folder) {
  if (options_.step_ms <= 0) throw base::UsageError("a step of {} ms: it must be positive", options_.step_ms);
  if (options_.interval_ms == 0) options_.interval_ms = options_.step_ms;
  if (options_.step_ms < options_.interval_ms) {
    throw base::UsageError("a step of {} ms is shorter than the {} ms that a row covers: choose a longer one",
                           options_.step_ms, options_.interval_ms);
  }
  for (const auto& name : columns) {
    const auto f = find_feature(name);
    if (!f)
      throw base::Error("the map gives a rate '{}', which is no feature (netflowgen features lists them)",
                        name);
    if (std::find(features_.begin(), features_.end(), *f) != features_.end()) {
      throw base::Error("the map gives the rate '{}' twice", name);
    }
    features_.push_back(*f);
    const bool volume = kFeatures[static_cast<size_t>(*f)].kind == Kind::kVolume;
    scale_.push_back(
        volume ? static_cast<double>(options_.step_ms) / static_cast<double>(options_.interval_ms) : 1.0);
  }
}

void RateBuilder::add(const flow::RateRow& row) {
  NFG_CHECK(row.values.size() == features_.size());
  rows_.enter();
  if (row.time_ms < options_.min_time_ms || row.time_ms > options_.max_time_ms) {
    return refuse(RateDrop::kBadTime, row.time_ms);
  }
  const int64_t step = base::step_of(row.time_ms, options_.step_ms);
  if (step < options_.closed_before) return refuse(RateDrop::kLate, row.time_ms);
  const auto [it, added] = index_.try_emplace(row.node, static_cast<uint32_t>(names_.size()));
  if (added) names_.push_back(row.node);
  sorter_.add(it->second, step, row.values);
  rows_.emit();
}

void RateBuilder::refuse(RateDrop reason, base::TimeMs time) {
  rows_.drop(reason);
  Refused& r = refused_[static_cast<size_t>(reason)];
  r = r.rows == 0 ? Refused{1, time, time, time}
                  : Refused{r.rows + 1, r.first_ms, std::min(r.low_ms, time), std::max(r.high_ms, time)};
}

base::LedgerView RateBuilder::row_ledger() const {
  auto view = rows_.view("rates");
  for (const RateDrop reason : {RateDrop::kLate, RateDrop::kBadTime}) {
    const Refused& r = refused_[static_cast<size_t>(reason)];
    if (r.rows == 0) continue;
    view.rules.emplace_back(
        name_of(reason),
        fmt::format("first a row of {}, all of them between {} and {}; rule: {}",
                    base::format_time(r.first_ms), base::format_time(r.low_ms), base::format_time(r.high_ms),
                    reason == RateDrop::kLate ? std::string("rows come after what the store holds")
                                              : fmt::format("a row's time is from {} to {}",
                                                            base::format_time(options_.min_time_ms),
                                                            base::format_time(options_.max_time_ms))));
  }
  return view;
}

void RateBuilder::merge(uint32_t node, int64_t step, std::span<const float> values) {
  const bool started = open_.step != INT64_MIN;
  if (!started || node != open_.node || step != open_.step) {
    if (started) close();
    if (started && node == open_.node) fill_gap(node, open_.step + 1, step);
    open_.node = node;
    open_.step = step;
    open_.sums.assign(features_.size(), 0);
    open_.counts.assign(features_.size(), 0);
  }
  for (size_t i = 0; i < features_.size(); ++i) {
    if (std::isnan(values[i])) continue;
    open_.sums[i] += values[i];
    ++open_.counts[i];
  }
}

void RateBuilder::close() {
  std::array<float, kFeatureCount> frame;
  frame.fill(kNaN);
  for (size_t i = 0; i < features_.size(); ++i) {
    if (open_.counts[i] == 0) continue;
    frame[static_cast<size_t>(features_[i])] =
        static_cast<float>(open_.sums[i] / open_.counts[i] * scale_[i]);
  }
  ++frames_;
  emit_(names_[open_.node], open_.step, frame);
}

void RateBuilder::fill_gap(uint32_t node, int64_t from, int64_t to) {
  if (options_.absent_is_idle || to - from > options_.max_gap_ms / options_.step_ms) return;
  std::array<float, kFeatureCount> frame;
  frame.fill(kNaN);
  for (int64_t step = from; step < to; ++step) {
    ++frames_;
    ++unmeasured_;
    emit_(names_[node], step, frame);
  }
}

void RateBuilder::finish() {
  sorter_.drain(
      [this](uint32_t node, int64_t step, std::span<const float> values) { merge(node, step, values); });
  if (open_.step != INT64_MIN) close();
  open_ = {};
}

}  // namespace netflowgen::series

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
    : options_(options), emit_(std::move(emit)) {
  if (options_.step_ms <= 0) throw base::UsageError("a step of {} ms: it must be positive", options_.step_ms);
  if (options_.interval_ms == 0) options_.interval_ms = options_.step_ms;
  if (options_.step_ms < options_.interval_ms) {
    throw base::UsageError(
        "a step of {} ms is shorter than the {} ms that a row stands for: choose a longer one",
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
  Node& node = nodes_[row.node];
  if (step < node.step) return refuse(RateDrop::kLate, row.time_ms);
  if (step > node.step) {
    if (node.step != INT64_MIN) {
      close(row.node, node);
      fill_gap(row.node, node.step + 1, step);
    }
    node.step = step;
    node.sums.assign(features_.size(), 0);
    node.counts.assign(features_.size(), 0);
  }
  for (size_t i = 0; i < features_.size(); ++i) {
    if (std::isnan(row.values[i])) continue;
    node.sums[i] += row.values[i];
    ++node.counts[i];
  }
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
        fmt::format(
            "first a row of {}, all of them between {} and {}; rule: {}", base::format_time(r.first_ms),
            base::format_time(r.low_ms), base::format_time(r.high_ms),
            reason == RateDrop::kLate
                ? std::string(
                      "the rows of a node come in the order of their times, after what the store holds")
                : fmt::format("a row's time is from {} to {}", base::format_time(options_.min_time_ms),
                              base::format_time(options_.max_time_ms))));
  }
  return view;
}

void RateBuilder::close(const std::string& name, Node& node) {
  std::array<float, kFeatureCount> frame;
  frame.fill(kNaN);
  for (size_t i = 0; i < features_.size(); ++i) {
    if (node.counts[i] == 0) continue;
    frame[static_cast<size_t>(features_[i])] = static_cast<float>(node.sums[i] / node.counts[i] * scale_[i]);
  }
  ++frames_;
  emit_(name, node.step, frame);
}

void RateBuilder::fill_gap(const std::string& name, int64_t from, int64_t to) {
  if (to - from > options_.max_gap_ms / options_.step_ms) return;
  std::array<float, kFeatureCount> frame;
  frame.fill(kNaN);
  for (int64_t step = from; step < to; ++step) {
    ++frames_;
    ++unmeasured_;
    emit_(name, step, frame);
  }
}

void RateBuilder::finish() {
  std::vector<const std::string*> names;
  for (const auto& [name, node] : nodes_) names.push_back(&name);
  std::sort(names.begin(), names.end(), [](const auto* a, const auto* b) { return *a < *b; });
  for (const auto* name : names) close(*name, nodes_[*name]);
  nodes_.clear();
}

}  // namespace netflowgen::series

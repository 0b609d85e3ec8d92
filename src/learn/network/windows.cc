#include "learn/network/windows.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "base/check.h"
#include "base/error.h"

namespace netflowgen::learn {
namespace {

using token::NodeState;

// log1p of volume v at (node, step); idle steps are 0, steps outside [first_step, to_step) unknown (NaN).
class VolumeLookup {
 public:
  VolumeLookup(const Positions& positions, size_t i) : p_(positions), node_(positions.node(i)) {}

  // values: [volumes].
  void at(int64_t step, std::span<float> values) const {
    const auto& t = p_.table();
    if (step < t.first_step || step >= p_.to_step()) {
      std::fill(values.begin(), values.end(), NAN);
      return;
    }
    const size_t row = t.lower_bound(node_, step);
    const bool active = row < t.offsets[node_ + 1] && t.steps[row] == step;
    for (size_t v = 0; v < values.size(); ++v) {
      const auto feature = static_cast<size_t>(p_.encoder().volume_feature(v));
      if (active)
        values[v] = std::log1p(std::max(t.frame(row)[feature], 0.0f));  // NaN stays NaN
      else
        values[v] = t.missing[feature] ? NAN : 0.0f;
    }
  }

 private:
  const Positions& p_;
  size_t node_;
};

// What the stream knows at `step`: nothing that comes later, nothing from before the node's first position.
void fill_season(const VolumeLookup& lookup, const token::Encoder& e, int64_t first_step, int64_t step,
                 std::vector<float>& season) {
  season.assign(e.season(), NAN);
  size_t next = 0;
  for (const int lag : e.spec().season_lags) {
    for (const int lead : e.spec().leads) {
      const int64_t at = step + lead - lag;
      if (at >= first_step && at <= step) lookup.at(at, std::span(season).subspan(next, e.volumes()));
      next += e.volumes();
    }
  }
}

// Steps through one window's positions, altered by a flood or not.
class Walker {
 public:
  Walker(const Positions& positions, size_t i, size_t first, const Flood* flood)
      : p_(positions), flood_(flood), node_(positions.node(i)), state_(positions.state_before(i, first)) {
    row_ = p_.table().lower_bound(node_, positions.step(i, first));
    start_ = positions.step(i, first);
    flood_step_ = flood_ != nullptr ? std::max(flood_->first_step, start_) : kNone;
    if (flood_ != nullptr) skip_pauses();
  }

  // Finds the next position; false past the end of the period.
  bool next() {
    const auto& t = p_.table();
    const int64_t row_step = row_ < t.offsets[node_ + 1] ? t.steps[row_] : kNone;
    const int64_t active = std::min(row_step, flood_step_);
    step_ = active;
    const int64_t idle = state_.last_step + 1;
    if (state_.last_step != token::kNever && idle >= start_ && idle < active &&
        p_.encoder().is_position(state_, idle)) {
      step_ = idle;
    }
    if (step_ == kNone || step_ >= p_.to_step()) return false;
    table_row_ = step_ == row_step ? static_cast<int64_t>(row_) : -1;
    flooded_ = step_ == flood_step_;
    build_frame();
    if (table_row_ >= 0) ++row_;
    if (flooded_) {
      ++flood_step_;
      skip_pauses();
    }
    return true;
  }

  NodeState& state() { return state_; }
  int64_t step() const { return step_; }
  int64_t row() const { return table_row_; }
  bool flooded() const { return flooded_; }
  std::span<const float> frame() const { return frame_; }  // empty: idle

 private:
  static constexpr int64_t kNone = INT64_MAX;

  void skip_pauses() {
    while (flood_step_ <= flood_->last_step() && flood_->flows_at(flood_step_) <= 0) ++flood_step_;
    if (flood_step_ > flood_->last_step()) flood_step_ = kNone;
  }

  void build_frame() {
    frame_ = {};
    if (table_row_ >= 0) frame_ = p_.table().frame(static_cast<size_t>(table_row_));
    if (!flooded_) return;
    if (frame_.empty()) {
      const token::Encoder::Frame idle = p_.encoder().idle_frame(state_);
      buffer_.assign(idle.begin(), idle.end());
    } else {
      buffer_.assign(frame_.begin(), frame_.end());
    }
    add_flood(*flood_, flood_->flows_at(step_), buffer_);
    frame_ = buffer_;
  }

  const Positions& p_;
  const Flood* flood_;
  size_t node_;
  NodeState state_;
  size_t row_ = 0;
  int64_t start_ = 0;
  int64_t flood_step_ = kNone;
  int64_t step_ = 0;
  int64_t table_row_ = -1;
  bool flooded_ = false;
  std::vector<float> buffer_;
  std::span<const float> frame_;
};

void fill_next(const token::Encoder& e, WindowBatch& batch, size_t at) {
  // Position `at` is encoded: it is the target of the one before.
  const size_t levels = e.levels();
  int32_t* next = batch.next.data() + (at - 1) * (levels + 1);
  for (size_t c = 0; c < levels; ++c) next[c] = batch.own[at * levels + c];
  next[levels] = token::gap_token(batch.steps[at] - batch.steps[at - 1]);
}

}  // namespace

Positions::Positions(const series::FrameTable& table, const token::Encoder& encoder, int64_t from_step,
                     int64_t to_step, const std::vector<size_t>& nodes)
    : table_(&table), encoder_(&encoder), to_step_(std::min(to_step, table.end_step)), nodes_(nodes) {
  if (nodes_.empty()) {
    nodes_.resize(table.nodes.size());
    std::iota(nodes_.begin(), nodes_.end(), size_t{0});
  }
  if (encoder.spec().surroundings) surround_ = token::surround_rows(table, from_step, to_step_);
  for (const size_t node : nodes_) {
    NodeState state;
    size_t row = table.lower_bound(node, from_step);
    for (size_t n = 0;; ++n) {
      const int64_t active = row < table.offsets[node + 1] ? table.steps[row] : INT64_MAX;
      int64_t step = active;
      if (state.last_step != token::kNever && state.last_step + 1 < active &&
          encoder.is_position(state, state.last_step + 1)) {
        step = state.last_step + 1;
      }
      if (step >= to_step_) break;
      if (n % kStride == 0) snapshots_.push_back(state);
      encoder.advance(state, step, step == active ? table.frame(row) : std::span<const float>());
      steps_.push_back(step);
      rows_.push_back(step == active ? static_cast<int64_t>(row++) : -1);
    }
    offsets_.push_back(steps_.size());
    snapshot_offsets_.push_back(snapshots_.size());
  }
}

NodeState Positions::state_before(size_t i, size_t p) const {
  const size_t k = p / kStride;
  NodeState state = snapshots_[snapshot_offsets_[i] + k];
  for (size_t q = k * kStride; q < p; ++q) {
    const int64_t r = row(i, q);
    encoder_->advance(state, step(i, q),
                      r >= 0 ? table_->frame(static_cast<size_t>(r)) : std::span<const float>());
  }
  return state;
}

void WindowBatch::make_room(size_t b, size_t t, const token::Encoder& e) {
  windows = b;
  length = t;
  const size_t n = b * t;
  ids.resize(n * e.slots());
  dense.resize(n * e.dense());
  steps.resize(n);
  own.resize(n * e.levels());
  next.resize(n * (e.levels() + 1));
  inject.resize(n);
  direct.resize(n * e.spec().leads.size() * e.volumes());
  rows.resize(n);
  valid.resize(n);
}

void WindowBatch::clear_window(size_t b, const token::Encoder& e) {
  const auto fill = [&](auto& values, size_t each, auto value) {
    const size_t n = length * each;
    std::fill_n(values.begin() + static_cast<std::ptrdiff_t>(b * n), n, value);
  };
  fill(ids, e.slots(), int64_t{0});
  fill(dense, e.dense(), 0.0f);
  fill(steps, 1, int64_t{0});
  fill(own, e.levels(), int32_t{0});
  fill(next, e.levels() + 1, int32_t{kIgnore});
  fill(inject, 1, -1.0f);
  fill(direct, e.spec().leads.size() * e.volumes(), std::numeric_limits<float>::quiet_NaN());
  fill(rows, 1, int64_t{-1});
  fill(valid, 1, uint8_t{0});
}

void WindowBatch::resize(size_t b, size_t t, const token::Encoder& e) {
  make_room(b, t, e);
  for (size_t w = 0; w < b; ++w) clear_window(w, e);
}

void fill_window(const Positions& positions, size_t i, size_t first, const Flood* flood, bool targets,
                 size_t b, WindowBatch& batch) {
  const token::Encoder& e = positions.encoder();
  Walker walker(positions, i, first, flood);
  const VolumeLookup lookup(positions, i);
  const size_t leads = e.spec().leads.size();
  const auto node_row = static_cast<uint32_t>(positions.node(i) + 1);
  std::vector<token::Token> tokens(e.levels());
  std::vector<uint32_t> ids(e.slots());
  std::vector<float> season;
  std::vector<float> ahead(e.volumes());
  for (size_t p = 0; p < batch.length && walker.next(); ++p) {
    const size_t at = b * batch.length + p;
    fill_season(lookup, e, positions.step(i, 0), walker.step(), season);
    const std::span<float> dense(batch.dense.data() + at * e.dense(), e.dense());
    e.encode(walker.state(),
             {walker.step(), walker.frame(), season, positions.surround(walker.row()), node_row},
             {ids, dense, tokens});
    std::copy(ids.begin(), ids.end(), batch.ids.begin() + static_cast<std::ptrdiff_t>(at * e.slots()));
    std::copy(tokens.begin(), tokens.end(), batch.own.begin() + static_cast<std::ptrdiff_t>(at * e.levels()));
    batch.steps[at] = walker.step();
    batch.rows[at] = walker.row();
    batch.valid[at] = 1;
    if (!targets) continue;
    batch.inject[at] = flood != nullptr && flood->covers(walker.step()) ? 1 : 0;
    if (p > 0) fill_next(e, batch, at);
    // Real futures only: what follows an injected flood is not what the model should learn to forecast.
    const bool clean = flood == nullptr || !flood->covers(walker.step());
    for (size_t l = 0; clean && l < leads; ++l) {
      const int64_t target = walker.step() + e.spec().leads[l];
      const bool hits = flood != nullptr && flood->covers(target);
      if (hits) continue;
      lookup.at(target, ahead);
      for (size_t v = 0; v < e.volumes(); ++v)
        batch.direct[(at * leads + l) * e.volumes() + v] = e.target(walker.state(), v, ahead[v]);
    }
  }
}

}  // namespace netflowgen::learn

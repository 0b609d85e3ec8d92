#include "sim/generate/node_walk.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "base/nan.h"
#include "base/time.h"
#include "infer/engine.h"

namespace netflowgen::sim {
namespace {

constexpr size_t kEnough = 16;          // steps of its own; with fewer, those of others are taken too
constexpr double kMeanRate = 1.0 / 32;  // of a running mean of the state
constexpr double kAsItWas = 0.5;  // weight of a past value's own rank now, beside the rank that it had then
constexpr int kCandidates = 32;   // past steps of which the one whose state was closest is taken
constexpr int64_t kForever = INT64_MAX / 4;

}  // namespace

NodeWalk::NodeWalk(const GenerateScene& scene, const GeneratedNode& node)
    : state_(2 * scene.encoder.volumes() + 2),
      before_(state_.size()),
      scene_(scene),
      name_(node.name),
      random_(base::mix64(scene.options.seed) ^ infer::node_key(node.name)),
      begin_(scene.table.offsets[node.source]),
      row_(begin_),
      end_(scene.table.offsets[node.source + 1]),
      learn_from_(end_ - std::min(end_ - begin_, scene.options.history)),
      past_(scene.encoder.levels(), scene.encoder.target_vocabulary(), 2 * scene.encoder.volumes() + 2),
      frame_(series::kFeatureCount) {
  const auto& channels = scene.encoder.tokenizer().channels();
  for (size_t row = begin_; row < end_; ++row) {
    const auto frame = scene.table.frame(row);
    for (size_t c = 0; c < scene.encoder.levels(); ++c) {
      const float value = frame[static_cast<size_t>(channels[c].feature)];
      if (std::isnan(value)) continue;
      past_.given[c] = 1;
      if (row >= learn_from_ && value > 0) past_.own.add(c, value);
    }
  }
  past_.own.sort();
}

bool NodeWalk::asleep() const {
  const int most = scene_.encoder.spec().idle_steps;
  return most >= 0 && idle_run_ >= most;
}

// Silent steps before the position count as zeros.
void NodeWalk::see(int64_t gap, std::span<const float> frame) {
  before_ = state_;
  const size_t volumes = scene_.encoder.volumes();
  const double keep = std::pow(1 - kMeanRate, static_cast<double>(gap - 1));
  for (size_t v = 0; v < volumes; ++v) {
    const float value = frame.empty() ? 0 : frame[static_cast<size_t>(scene_.encoder.volume_feature(v))];
    const double x = std::isnan(value) ? 0 : std::log1p(double{std::max(value, 0.0f)});
    const double mean = double{state_[volumes + v]} * keep;
    state_[v] = static_cast<float>(x);
    state_[volumes + v] = static_cast<float>(mean + kMeanRate * (x - mean));
  }
  const int64_t day = std::max<int64_t>(base::kDayMs / scene_.table.step_ms, 1);
  const double angle = 2 * std::numbers::pi * static_cast<double>(last_ % day) / static_cast<double>(day);
  state_[2 * volumes] = static_cast<float>(std::cos(angle));
  state_[2 * volumes + 1] = static_cast<float>(std::sin(angle));
}

void NodeWalk::moved(int64_t step, std::span<const float> frame) {
  const bool active = !frame.empty();
  was_asleep_ = asleep();
  gap_ = step - last_;
  was_active_ = active;
  last_ = step;
  see(gap_, frame);
  idle_run_ = active ? 0 : idle_run_ + 1;
}

std::optional<NodeWalk::Position> NodeWalk::next_past() {
  const bool rows_left = row_ < end_;
  if (!started_) {
    if (!rows_left) return std::nullopt;
    last_ = scene_.table.steps[row_] - 1;
    idle_run_ = 0;
  }
  started_ = true;
  const int64_t until = rows_left ? scene_.table.steps[row_] : scene_.table.end_step;
  if (!asleep() && last_ + 1 < until) {
    moved(last_ + 1, {});
    return Position{last_, {}};
  }
  if (!rows_left) {
    past_.learned();
    return std::nullopt;
  }
  moved(scene_.table.steps[row_], scene_.table.frame(row_));
  return Position{last_, scene_.table.frame(row_++)};
}

void NodeWalk::learn(NextStep& forecast) {
  if (logits_.empty() || row_ <= learn_from_) return;
  forecast.set(logits_, past_.given, past_.habits);
  PastStep step;
  step.waking = was_asleep_;
  if (step.waking) {
    step.gap = static_cast<float>(forecast.gap_rank(gap_, random_.uniform()));
  } else {
    const double idle = forecast.idle();
    step.activity = static_cast<float>(was_active_ ? random_.uniform(idle, 1) : random_.uniform(0, idle));
  }
  if (!step.waking) past_.habits.awake(!was_active_);
  if (!was_active_) return past_.add(step, before_);
  const auto& channels = scene_.encoder.tokenizer().channels();
  const auto frame = scene_.table.frame(row_ - 1);
  std::vector<float> ranks(scene_.encoder.levels());
  for (size_t c = 0; c < ranks.size(); ++c)
    ranks[c] =
        forecast.rank(c, frame[static_cast<size_t>(channels[c].feature)], past_.own, random_.uniform());
  past_.add(step, before_, ranks, row_ - 1);
  forecast.learn(frame, past_.given, past_.habits);
}

// The step behind the one that was taken last, or any of this kind.
size_t NodeWalk::pick_own(Past::Kind kind) {
  size_t& cursor = cursor_[kind];
  const bool goes_on = scene_.options.run > 1 && random_.chance(1 - 1 / scene_.options.run);
  if (goes_on && cursor > 0 && cursor < past_.size() && past_.is(kind, cursor)) return cursor++;
  const auto& all = past_.of(kind);
  size_t number = all[random_.below(all.size())];
  for (int i = 1; i < kCandidates && !scene_.options.independent; ++i)
    number = past_.closer(number, all[random_.below(all.size())], state_);
  cursor = number + 1;
  return number;
}

NodeWalk::Drawn NodeWalk::pick(Past::Kind kind, std::span<const NodeWalk* const> others) {
  const size_t own = past_.of(kind).size();
  if (own >= kEnough || random_.below(kEnough) < own) return {&past_, &past_.at(pick_own(kind))};
  for (int tries = 0; tries < 32; ++tries) {
    const Past& other = others[random_.below(others.size())]->past();
    const auto& all = other.of(kind);
    if (!all.empty()) return {&other, &other.at(all[random_.below(all.size())])};
  }
  if (own > 0) return {&past_, &past_.at(pick_own(kind))};
  return {&past_, nullptr};
}

float NodeWalk::value_of(size_t channel, const Drawn& from, const NextStep& forecast,
                         std::span<const NodeWalk* const> others) {
  if (past_.given[channel] == 0) return base::kNaN;
  const Drawn drawn = scene_.options.independent ? pick(Past::kActive, others) : from;
  const bool own = drawn.past == &past_;
  float rank = drawn.step == nullptr ? NextStep::kUnknown : drawn.past->ranks(*drawn.step)[channel];
  if (rank == NextStep::kUnknown) {
    if (own && drawn.step != nullptr) return base::kNaN;  // as it was then
    rank = static_cast<float>(random_.uniform());
  }
  if (own && drawn.step != nullptr && rank != NextStep::kUnknown) {
    const auto feature = static_cast<size_t>(scene_.encoder.tokenizer().channels()[channel].feature);
    const float then = scene_.table.frame(past_.row(*drawn.step))[feature];
    const double now = double{forecast.rank(channel, then, past_.own, random_.uniform())};
    rank = static_cast<float>((1 - kAsItWas) * double{rank} + kAsItWas * now);
  }
  const float value = forecast.value(channel, rank, past_.own);
  if (value >= 0) return value;
  // A category beyond the known codes: the one of that step.
  if (!own || drawn.step == nullptr) return 0;
  const auto feature = static_cast<size_t>(scene_.encoder.tokenizer().channels()[channel].feature);
  return std::max(scene_.table.frame(past_.row(*drawn.step))[feature], 0.0f);
}

bool NodeWalk::fill(const Drawn& from, const NextStep& forecast, std::span<const NodeWalk* const> others) {
  std::fill(frame_.begin(), frame_.end(), base::kNaN);
  const auto& channels = scene_.encoder.tokenizer().channels();
  for (size_t c = 0; c < scene_.encoder.levels(); ++c)
    frame_[static_cast<size_t>(channels[c].feature)] = value_of(c, from, forecast, others);
  return make_consistent(frame_);
}

// How long the node will be silent, which it was for `passed` steps.
void NodeWalk::fall_asleep(int64_t passed, std::span<const NodeWalk* const> others, NextStep& forecast) {
  forecast.set(logits_, past_.given, past_.habits);
  const Drawn drawn = pick(Past::kWaking, others);
  // Nobody ever was asleep: it is short.
  const double awake = static_cast<double>(past_.of(Past::kAwake).size());
  const double rank = drawn.step == nullptr ? random_.uniform() / (1 + awake) : double{drawn.step->gap};
  wake_ = last_ + std::min(forecast.gap(rank, passed), kForever);
}

std::optional<NodeWalk::Position> NodeWalk::draw(int64_t step, std::span<const NodeWalk* const> others,
                                                 NextStep& forecast) {
  if (!started_) return std::nullopt;
  if (asleep()) {
    if (!wake_) fall_asleep(step - 1 - last_, others, forecast);
    if (step < *wake_) return std::nullopt;
    forecast.set(logits_, past_.given, past_.habits);
    wake_.reset();
    if (!fill(pick(Past::kActive, others), forecast, others)) return std::nullopt;
    moved(step, frame_);
    return Position{step, frame_};
  }
  forecast.set(logits_, past_.given, past_.habits);
  Drawn drawn = pick(Past::kAwake, others);
  double rank = random_.uniform();
  if (drawn.step != nullptr) {
    const double idle = forecast.idle();
    const double now = drawn.step->active() ? random_.uniform(idle, 1) : random_.uniform(0, idle);
    rank = (1 - kAsItWas) * double{drawn.step->activity} + kAsItWas * now;
  }
  bool active = rank > forecast.idle();
  if (active) {
    if (drawn.step == nullptr || !drawn.step->active()) drawn = pick(Past::kActive, others);
    active = fill(drawn, forecast, others);
  }
  const auto frame = active ? std::span<const float>(frame_) : std::span<const float>();
  moved(step, frame);
  return Position{step, frame};
}

}  // namespace netflowgen::sim

#include "infer/forward.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

namespace netflowgen::infer {
namespace {

// As the encoder takes logarithms.
float log_of(float value) { return std::log1p(std::clamp(value, 0.0f, 1e30f)); }

// Rows [kBlock, width] of a block to the rows of the results.
template <typename T>
void scatter(std::span<const Position> positions, const std::vector<T>& from, size_t width,
             std::vector<T>& to) {
  for (size_t i = 0; i < positions.size(); ++i) {
    if (positions[i].out == Position::kNoOutput) continue;
    std::copy_n(from.data() + i * width, width, to.data() + positions[i].out * width);
  }
}

}  // namespace

Forward::Forward(const Model& model, NodeStates& arena)
    : model_(model),
      kernels_(model.kernels()),
      encoder_(model.encoder()),
      arena_(arena),
      d_(static_cast<size_t>(model.spec().d_model)),
      targets_(encoder_.target_sizes().size()) {
  const auto& spec = model.spec();
  const auto head_dim = static_cast<size_t>(spec.head_dim());
  const auto group = static_cast<size_t>(spec.heads / spec.kv_heads);
  size_t widest = std::max(model.inject().rows(), model.direct().rows());
  for (const auto& g : model.next()) widest = std::max(widest, g.weights.rows());
  size_t inputs = 0;
  size_t hidden = 0;
  for (const auto& t : model.tasks()) {
    inputs = std::max(inputs, t.inputs);
    hidden = std::max(hidden, t.w1.rows());
    widest = std::max(widest, t.w2.rows());
  }
  ids_.resize(kBlock * encoder_.slots());
  dense_.resize(kBlock * encoder_.dense());
  tokens_.resize(kBlock * encoder_.levels());
  gaps_.resize(kBlock);
  season_.resize(encoder_.season());
  surprise_.resize(kBlock * targets_);
  x_.resize(kBlock * d_);
  h_.resize(kBlock * d_);
  qkv_.resize(kBlock * static_cast<size_t>(spec.heads + 2 * spec.kv_heads) * head_dim);
  mixed_.resize(kBlock * d_);
  ffn_.resize(kBlock * static_cast<size_t>(spec.d_ff));
  logits_.resize(kBlock * widest);
  inputs_.resize(kBlock * inputs);
  task_hidden_.resize(kBlock * hidden);
  if (model.options().precision == Precision::kInt8) {
    const size_t cols = std::max({d_, static_cast<size_t>(spec.d_ff), encoder_.dense()});
    rounded_x_.resize(kBlock * padded(cols));
    rounded_unit_.resize(kBlock);
    rounded_ = {rounded_x_.data(), rounded_unit_.data()};
  }
  scratch_.resize(group * padded(static_cast<size_t>(spec.window)));
  cosine_.resize(head_dim / 2);
  sine_.resize(head_dim / 2);
  for (size_t i = 0; i < head_dim / 2; ++i) {
    frequencies_.push_back(std::pow(static_cast<double>(spec.rope_base),
                                    -2.0 * static_cast<double>(i) / static_cast<double>(head_dim)));
  }
}

void Forward::run(std::span<const Position> positions, const Wanted& wanted, Results& results) {
  const size_t n = positions.size();
  const bool out = std::any_of(positions.begin(), positions.end(),
                               [](const auto& p) { return p.out != Position::kNoOutput; });
  const bool tasks = wanted.tasks && !model_.tasks().empty();
  encode(positions);
  if (out && (wanted.surprise || tasks)) score_surprise(positions);
  embed(n);
  for (size_t l = 0; l < model_.layers().size(); ++l) run_layer(l, positions);
  for (size_t i = 0; i < n; ++i) {
    kernels_.rms_norm(&x_[i * d_], model_.final_norm().data(), d_, model_.spec().norm_eps, &h_[i * d_]);
    std::copy_n(&h_[i * d_], d_, arena_.hidden(positions[i].slot));
    ++arena_.positions(positions[i].slot);
  }
  if (!out) return;
  write_input(positions, results);
  if (wanted.hidden) scatter(positions, h_, d_, results.hidden);
  if (wanted.surprise) scatter(positions, surprise_, targets_, results.surprise);
  if (wanted.inject && model_.inject().rows() > 0) head(model_.inject(), positions, &results.inject);
  if ((wanted.direct || wanted.forecast) && model_.direct().rows() > 0) {
    head(model_.direct(), positions, wanted.direct ? &results.direct : nullptr, &model_.direct_skip());
    if (wanted.forecast) write_forecast(positions, results.forecast);
  }
  if (wanted.next) write_next(positions, results.next);
  if (tasks) run_tasks(positions, results);
}

void Forward::encode(std::span<const Position> positions) {
  const size_t slots = encoder_.slots();
  for (size_t i = 0; i < positions.size(); ++i) {
    const auto& p = positions[i];
    auto& state = arena_.state(p.slot);
    const auto season = season_of(p);
    gaps_[i] =
        state.last_step == token::kNever ? token::Token{0} : token::gap_token(p.step - state.last_step);
    encoder_.encode(state, {p.step, p.frame, season, p.surround, arena_.row(p.slot)},
                    {{&ids_[i * slots], slots},
                     {dense_.data() + i * encoder_.dense(), encoder_.dense()},
                     {&tokens_[i * encoder_.levels()], encoder_.levels()}});
  }
}

// Brings the node's seasonal ring up to the position's step and reads it: [lag, lead, volume] of the values
// at step + lead - lag.
std::span<const float> Forward::season_of(const Position& p) {
  const size_t steps = arena_.season_steps();
  if (steps == 0) return {};
  const size_t volumes = encoder_.volumes();
  float* const ring = arena_.season(p.slot);
  const auto length = static_cast<int64_t>(steps);
  const auto row = [&](int64_t step) {
    return ring + static_cast<size_t>((step % length + length) % length) * volumes;
  };
  const int64_t last = arena_.state(p.slot).last_step;
  if (last != token::kNever) {
    for (int64_t s = std::max(last + 1, p.step - length + 1); s < p.step; ++s)
      std::fill_n(row(s), volumes, 0.0f);
  }
  for (size_t v = 0; v < volumes; ++v) {
    const float value = p.frame.empty() ? 0 : p.frame[static_cast<size_t>(encoder_.volume_feature(v))];
    row(p.step)[v] = std::isnan(value) ? value : log_of(value);
  }
  if (!p.season.empty()) return p.season;
  float* out = season_.data();
  for (const int lag : model_.spec().input.season_lags) {
    for (const int lead : model_.spec().input.leads) {
      const bool known = lead <= lag && lag - lead < length;
      for (size_t v = 0; v < volumes; ++v) {
        *out++ = known ? row(p.step + lead - lag)[v] : std::numeric_limits<float>::quiet_NaN();
      }
    }
  }
  return season_;
}

void Forward::skip_idle(uint32_t slot, int64_t step) {
  auto& state = arena_.state(slot);
  const int64_t count = step - state.last_step;
  season_of({slot, step, {}, {}, Position::kNoOutput});
  encoder_.skip_idle(state, step);
  arena_.positions(slot) += static_cast<uint64_t>(count);
}

// How unlikely what is seen now was under what each node's last position predicted.
void Forward::score_surprise(std::span<const Position> positions) {
  const size_t n = positions.size();
  for (size_t i = 0; i < n; ++i) std::copy_n(arena_.hidden(positions[i].slot), d_, &h_[i * d_]);
  for (const auto& group : model_.next()) {
    const size_t rows = group.weights.rows();
    multiply(group.weights, h_, n, logits_);
    for (size_t i = 0; i < n; ++i) {
      const float* logits = &logits_[i * rows];
      for (size_t k = 0; k < group.sizes.size(); logits += group.sizes[k], ++k) {
        const size_t target = group.first + k;
        const size_t seen = target < encoder_.levels() ? tokens_[i * encoder_.levels() + target] : gaps_[i];
        const float surprise = kernels_.log_sum_exp(logits, group.sizes[k]) - logits[seen];
        surprise_[i * targets_ + target] =
            gaps_[i] == 0 ? 0 : std::clamp(surprise, 0.0f, model::kMaxSurprise);
      }
    }
  }
}

void Forward::multiply(const PackedMatrix& w, const std::vector<float>& x, size_t n, std::vector<float>& y,
                       bool accumulate) {
  const Matrix& m = w.view();
  kernels_.multiply(m, x.data(), m.cols, n, y.data(), m.rows, accumulate, rounded_);
}

void Forward::embed(size_t n) {
  const size_t slots = encoder_.slots();
  for (size_t i = 0; i < n; ++i) {
    kernels_.embed(model_.embed().data(), &ids_[i * slots], slots, d_, &x_[i * d_]);
  }
  if (encoder_.dense() > 0) multiply(model_.dense_in(), dense_, n, x_, true);
}

void Forward::run_layer(size_t layer, std::span<const Position> positions) {
  const auto& w = model_.layers()[layer];
  const size_t n = positions.size();
  const float eps = model_.spec().norm_eps;
  const auto d_ff = static_cast<size_t>(model_.spec().d_ff);
  for (size_t i = 0; i < n; ++i) kernels_.rms_norm(&x_[i * d_], w.attn_norm.data(), d_, eps, &h_[i * d_]);
  multiply(w.qkv, h_, n, qkv_);
  attend(layer, positions);
  multiply(w.out, mixed_, n, x_, true);
  for (size_t i = 0; i < n; ++i) kernels_.rms_norm(&x_[i * d_], w.ffn_norm.data(), d_, eps, &h_[i * d_]);
  kernels_.multiply_swiglu(w.up.view(), h_.data(), d_, n, ffn_.data(), d_ff, rounded_);
  multiply(w.down, ffn_, n, x_, true);
}

void Forward::attend(size_t layer, std::span<const Position> positions) {
  const auto& spec = model_.spec();
  const auto heads = static_cast<size_t>(spec.heads);
  const auto kv_heads = static_cast<size_t>(spec.kv_heads);
  const auto head_dim = static_cast<size_t>(spec.head_dim());
  const auto window = static_cast<uint64_t>(spec.window);
  const size_t width = (heads + 2 * kv_heads) * head_dim;
  const size_t scales = arena_.cache() == Precision::kInt8 ? 2 * kv_heads * padded(window) : 0;
  for (size_t i = 0; i < positions.size(); ++i) {
    const auto& p = positions[i];
    float* const q = &qkv_[i * width];
    const float* const key = q + heads * head_dim;
    set_angles(p.step);
    kernels_.rotate(q, heads + kv_heads, head_dim, cosine_.data(), sine_.data());
    const Ring ring = arena_.ring(p.slot, layer);
    const uint64_t position = arena_.positions(p.slot);
    kernels_.write(ring, position % window, key, key + kv_heads * head_dim);
    const Ring next = i + 1 < positions.size() ? arena_.ring(positions[i + 1].slot, layer) : ring;
    const ptrdiff_t ahead = static_cast<const uint8_t*>(next.keys) - static_cast<const uint8_t*>(ring.keys);
    for (size_t at = 0; at < scales; at += 64 / sizeof(uint16_t)) __builtin_prefetch(next.key_scale + at);
    kernels_.attend(ring, ahead, std::min(position + 1, window), q, &mixed_[i * d_], scratch_.data());
  }
}

void Forward::set_angles(int64_t step) {
  if (angles_step_ == step) return;
  angles_step_ = step;
  for (size_t i = 0; i < frequencies_.size(); ++i) {
    const double angle = std::fmod(static_cast<double>(step) * frequencies_[i], 2 * std::numbers::pi);
    cosine_[i] = static_cast<float>(std::cos(angle));
    sine_[i] = static_cast<float>(std::sin(angle));
  }
}

void Forward::head(const PackedMatrix& weights, std::span<const Position> positions, std::vector<float>* to,
                   const PackedMatrix* skip) {
  multiply(weights, h_, positions.size(), logits_);
  if (skip != nullptr && skip->rows() > 0) multiply(*skip, dense_, positions.size(), logits_, true);
  if (to != nullptr) scatter(positions, logits_, weights.rows(), *to);
}

// The direct head's logits are in logits_. In the node's own units they depend on what is known of it now.
void Forward::write_forecast(std::span<const Position> positions, std::vector<float>& to) {
  const size_t quantiles = model_.spec().quantiles.size();
  const size_t width = encoder_.volumes() * quantiles;
  for (size_t i = 0; i < positions.size(); ++i) {
    if (positions[i].out == Position::kNoOutput) continue;
    const auto& state = arena_.state(positions[i].slot);
    const float* const from = &logits_[i * model_.direct().rows()];
    float* const out = &to[positions[i].out * width];
    for (size_t k = 0; k < width; ++k) out[k] = encoder_.relative_target(state, k / quantiles, from[k]);
  }
}

void Forward::write_next(std::span<const Position> positions, std::vector<float>& to) {
  const size_t width = encoder_.target_vocabulary();
  for (const auto& group : model_.next()) {
    const size_t rows = group.weights.rows();
    multiply(group.weights, h_, positions.size(), logits_);
    for (size_t i = 0; i < positions.size(); ++i) {
      if (positions[i].out == Position::kNoOutput) continue;
      std::copy_n(&logits_[i * rows], rows, &to[positions[i].out * width + group.row]);
    }
  }
}

void Forward::write_input(std::span<const Position> positions, Results& results) {
  scatter(positions, tokens_, encoder_.levels(), results.tokens);
  const size_t volumes = encoder_.volumes();
  for (const auto& p : positions) {
    if (p.out == Position::kNoOutput) continue;
    std::copy_n(arena_.state(p.slot).level, volumes, results.level.data() + p.out * volumes);
    results.position[p.out] =
        static_cast<uint32_t>(std::min<uint64_t>(arena_.positions(p.slot) - 1, UINT32_MAX));
  }
}

void Forward::run_tasks(std::span<const Position> positions, Results& results) {
  const size_t n = positions.size();
  for (size_t t = 0; t < model_.tasks().size(); ++t) {
    const auto& task = model_.tasks()[t];
    run_task(task, n);
    scatter(positions, logits_, task.w2.rows(), results.tasks[t]);
  }
}

void Forward::run_task(const TaskWeights& task, size_t n) {
  const size_t dense = encoder_.dense();
  for (size_t i = 0; i < n; ++i) {
    float* const z = &inputs_[i * task.inputs];
    float* end = z;
    if (task.spec.use_hidden) end = std::copy_n(&h_[i * d_], d_, end);
    if (task.spec.use_surprise) end = std::copy_n(&surprise_[i * targets_], targets_, end);
    if (task.spec.use_dense) std::copy_n(dense_.data() + i * dense, dense, end);
    for (size_t k = 0; k < task.inputs; ++k) {
      z[k] = std::clamp((z[k] - task.mean[k]) / task.deviation[k], -model::kMaxStandard, model::kMaxStandard);
    }
  }
  if (task.w1.rows() > 0) {
    multiply(task.w1, inputs_, n, task_hidden_);
    kernels_.silu(task_hidden_.data(), n * task.w1.rows());
  }
  multiply(task.w2, task.w1.rows() > 0 ? task_hidden_ : inputs_, n, logits_);
  if (task.trees.count == 0) return;
  for (size_t i = 0; i < n; ++i) logits_[i] += task.trees.sum(&inputs_[i * task.inputs]);
}

}  // namespace netflowgen::infer

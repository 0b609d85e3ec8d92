// Random models and series for tests and benchmarks, and the forward pass in double precision over a whole
// history, written as model/spec.h states it: the reference implementation of everything else in this folder.
#pragma once

#include <unistd.h>

#include <atomic>
#include <cmath>
#include <limits>
#include <map>
#include <numbers>
#include <string>
#include <vector>

#include "base/random.h"
#include "infer/engine.h"

namespace netflowgen::infer::testing {

inline std::vector<float> random_frame(base::Random& random, int features = series::kFeatureCount) {
  std::vector<float> f(series::kFeatureCount, NAN);
  for (int i = 0; i < features; ++i) {
    float& x = f[static_cast<size_t>(i)];
    switch (series::kFeatures[static_cast<size_t>(i)].kind) {
      case series::Kind::kVolume:
        x = static_cast<float>(std::floor(random.pareto(40, 0.8)));
        break;
      case series::Kind::kCount:
        x = static_cast<float>(random.poisson(6));
        break;
      case series::Kind::kQuantity:
        x = static_cast<float>(random.lognormal(4, 1));
        break;
      case series::Kind::kRatio:
        x = static_cast<float>(random.uniform());
        break;
      case series::Kind::kCategory:
        x = static_cast<float>(random.below(100));
        break;
    }
    if (random.chance(0.15)) x = 0;
    if (random.chance(0.03)) x = NAN;
  }
  return f;
}

inline token::Tokenizer random_tokenizer(uint64_t seed, int features,
                                         const token::TokenOptions& options = {}) {
  base::Random random(seed);
  token::TokenFit fit;
  for (int i = 0; i < 3000; ++i) fit.add(random_frame(random, features));
  return fit.finish(options);
}

// A model folder of random weights in the temporary folder, removed with the object. Scales are those of a
// trained model: norms near 1, products that keep their size.
class RandomModel {
 public:
  RandomModel(const model::ModelSpec& spec, uint64_t seed, int features = 12)
      : RandomModel(spec, seed,
                    random_tokenizer(seed, features, model::ModelSpec::token_options(spec.preset))) {}

  RandomModel(const model::ModelSpec& spec, uint64_t seed, const token::Tokenizer& tokenizer) {
    static std::atomic<int> count{0};
    path_ = base::fs::temp_directory_path() /
            ("nfg_infer_" + std::to_string(::getpid()) + "_" + std::to_string(count++));
    base::Random random(seed);
    std::vector<std::vector<float>> values;
    base::NamedTensors named;
    const token::Encoder encoder(tokenizer, spec.input);
    const auto specs = model::tensors(spec, encoder);
    values.reserve(specs.size());
    for (const auto& t : specs) {
      values.push_back(random_tensor(t, random));
      for (const auto& h : spec.tasks) {  // columns are integers
        if (t.name != "heads." + h.name + ".trees.column") continue;
        for (auto& x : values.back())
          x = static_cast<float>(model::dense_begin(spec, h, encoder)) +
              static_cast<float>(random.below(encoder.dense()));
      }
      named.emplace_back(t.name, base::tensor_view<float>(values.back(), t.shape));
    }
    model::save_model(path_, spec, tokenizer, named, "random weights\n");
  }
  ~RandomModel() {
    std::error_code ignored;
    base::fs::remove_all(path_, ignored);
  }
  RandomModel(const RandomModel&) = delete;
  RandomModel& operator=(const RandomModel&) = delete;

  const base::fs::path& path() const { return path_; }

 private:
  static std::vector<float> random_tensor(const model::TensorSpec& t, base::Random& random) {
    int64_t n = 1;
    for (const auto x : t.shape) n *= x;
    std::vector<float> v(static_cast<size_t>(n));
    const bool around_one = t.name.ends_with("norm.weight") || t.name.ends_with("deviation");
    const bool flat = t.shape.size() == 1;
    const double scale = t.name == "embed.weight" ? 0.2
                         : around_one             ? 0.15
                         : flat                   ? 0.5
                                                  : 1.2 / std::sqrt(static_cast<double>(t.shape[1]));
    for (auto& x : v) x = static_cast<float>((around_one ? 1.0 : 0.0) + scale * random.normal());
    if (around_one) {
      for (auto& x : v) x = std::max(x, 0.2f);
    }
    return v;
  }

  base::fs::path path_;
};

// Random adapters of rank 2 for matrices of a model folder, and the plain way to merge them.
class RandomAdapters {
 public:
  RandomAdapters(const base::fs::path& folder, const std::vector<std::string>& matrices, uint64_t seed) {
    const base::SafetensorsFile weights(folder / "model.safetensors");
    base::Random random(seed);
    for (const auto& name : matrices) {
      Part p;
      p.name = name;
      p.rows = weights.tensor(name).shape[0];
      p.cols = weights.tensor(name).shape[1];
      for (int64_t i = 0; i < 2 * p.cols; ++i) p.down.push_back(static_cast<float>(0.3 * random.normal()));
      for (int64_t i = 0; i < 2 * p.rows; ++i) p.up.push_back(static_cast<float>(0.3 * random.normal()));
      parts_.push_back(std::move(p));
    }
  }

  void write(const base::fs::path& folder) const {
    base::NamedTensors named;
    for (const auto& p : parts_) {
      named.emplace_back(p.name + ".down", base::tensor_view<float>(p.down, {2, p.cols}));
      named.emplace_back(p.name + ".up", base::tensor_view<float>(p.up, {p.rows, 2}));
      named.emplace_back(p.name + ".scale", base::tensor_view<float>(p.scale, {1}));
    }
    base::save_safetensors(folder / model::kAdaptersFile, named,
                           {{"format", "netflowgen-adapters"}, {"version", "1"}});
  }

  void merge_into(const base::fs::path& folder) const {
    std::map<std::string, std::vector<float>> values;
    base::NamedTensors named;
    const base::SafetensorsFile weights(folder / "model.safetensors");
    for (const auto& [name, tensor] : weights.tensors()) {
      const auto old = weights.values<float>(name);
      auto& v = values[name];
      v.assign(old.begin(), old.end());
      for (const auto& p : parts_) {
        if (p.name != name) continue;
        for (size_t i = 0; i < v.size(); ++i) {
          const size_t r = i / static_cast<size_t>(p.cols);
          const size_t c = i % static_cast<size_t>(p.cols);
          for (size_t k = 0; k < 2; ++k) {
            v[i] += p.scale[0] * p.up[2 * r + k] * p.down[k * static_cast<size_t>(p.cols) + c];
          }
        }
      }
      named.emplace_back(name, base::tensor_view<float>(v, tensor.shape));
    }
    base::save_safetensors(folder / "model.safetensors", named, weights.metadata());
  }

 private:
  struct Part {
    std::string name;
    int64_t rows = 0;
    int64_t cols = 0;
    std::vector<float> down, up;
    std::vector<float> scale = {0.5f};
  };
  std::vector<Part> parts_;
};

// A node's series: active frames by step.
using Series = std::map<int64_t, std::vector<float>>;

// Bursts of activity with short and long gaps between them.
inline Series random_series(base::Random& random, int64_t first, int frames, int features = 12) {
  Series s;
  int64_t step = first;
  for (int i = 0; i < frames; ++i) {
    s[step] = random_frame(random, features);
    step += random.chance(0.6)   ? 1
            : random.chance(0.8) ? 1 + static_cast<int64_t>(random.below(9))
                                 : 1 + static_cast<int64_t>(random.below(3000));
  }
  return s;
}

// What the reference finds at one position.
struct Found {
  int64_t step = 0;
  std::vector<double> hidden, surprise, next, direct, inject;
  std::vector<std::vector<double>> tasks;
};

class Reference {
 public:
  explicit Reference(const base::fs::path& path)
      : folder_(path), encoder_(folder_.tokenizer(), folder_.spec().input) {}

  // Every position of the series up to and including step `until`, from the first.
  std::vector<Found> run(const Series& series, int64_t until, uint32_t row = 0) const {
    Inputs in = inputs_of(series, until, row);
    const auto& s = folder_.spec();
    const size_t n = in.steps.size();
    std::vector<Row> x(n);
    for (size_t p = 0; p < n; ++p) x[p] = embedded(in, p);
    for (int l = 0; l < s.layers; ++l) layer("layers." + std::to_string(l) + ".", in.steps, x);
    std::vector<Found> found(n);
    for (size_t p = 0; p < n; ++p) {
      found[p].step = in.steps[p];
      found[p].hidden = rms(x[p], "final_norm.weight");
      found[p].next = affine("next.weight", "next.bias", found[p].hidden);
      found[p].surprise =
          p == 0 ? Row(in.targets[0].size(), 0.0) : surprise(found[p - 1].next, in.targets[p]);
      if (s.inject) found[p].inject = affine("inject.weight", "inject.bias", found[p].hidden);
      if (folder_.weights().has("direct.weight")) {
        found[p].direct = affine("direct.weight", "direct.bias", found[p].hidden);
        if (folder_.weights().has("direct.skip.weight")) {
          const Row skip = times("direct.skip.weight", Row(in.dense[p].begin(), in.dense[p].end()));
          for (size_t i = 0; i < skip.size(); ++i) found[p].direct[i] += skip[i];
        }
      }
      for (const auto& h : s.tasks) found[p].tasks.push_back(task(h, found[p], in.dense[p]));
    }
    return found;
  }

 private:
  using Row = std::vector<double>;
  struct Inputs {
    std::vector<int64_t> steps;
    std::vector<std::vector<uint32_t>> ids;
    std::vector<std::vector<float>> dense;
    std::vector<std::vector<size_t>> targets;
  };

  // Positions: active frames, and the first R idle steps after one (all of them for R < 0).
  Inputs inputs_of(const Series& series, int64_t until, uint32_t row) const {
    Inputs in;
    token::NodeState state;
    const int64_t idle_steps = folder_.spec().input.idle_steps;
    for (auto it = series.begin(); it != series.end() && it->first <= until; ++it) {
      const auto next = std::next(it);
      const int64_t end = std::min(next == series.end() ? until + 1 : next->first, until + 1);
      for (int64_t step = it->first; step < end; ++step) {
        if (idle_steps >= 0 && step > it->first + idle_steps) break;
        const int64_t before = state.last_step;
        std::vector<uint32_t> ids(encoder_.slots());
        std::vector<float> dense(encoder_.dense());
        std::vector<token::Token> tokens(encoder_.levels());
        const auto season = season_at(series, step);
        const auto frame = step == it->first ? it->second : std::vector<float>();
        encoder_.encode(state, {step, frame, season, {}, row}, {ids, dense, tokens});
        in.steps.push_back(step);
        in.ids.push_back(ids);
        in.dense.push_back(dense);
        in.targets.emplace_back(tokens.begin(), tokens.end());
        in.targets.back().push_back(before == token::kNever ? 0 : token::gap_token(step - before));
      }
    }
    return in;
  }

  std::vector<float> season_at(const Series& series, int64_t step) const {
    std::vector<float> out;
    for (const int lag : folder_.spec().input.season_lags) {
      for (const int lead : folder_.spec().input.leads) {
        const int64_t at = step + lead - lag;
        for (size_t v = 0; v < encoder_.volumes(); ++v) {
          const auto it = series.find(at);
          float x = at > step || at < series.begin()->first ? NAN : 0.0f;
          if (it != series.end() && at <= step) {
            const float value = it->second[static_cast<size_t>(encoder_.volume_feature(v))];
            x = std::isnan(value) ? NAN : std::log1p(std::clamp(value, 0.0f, 1e30f));
          }
          out.push_back(x);
        }
      }
    }
    return out;
  }

  std::span<const float> weight(const std::string& name) const { return folder_.values(name); }

  Row times(const std::string& name, std::span<const double> x) const {
    const auto w = weight(name);
    Row y(w.size() / x.size(), 0.0);
    for (size_t r = 0; r < y.size(); ++r) {
      for (size_t c = 0; c < x.size(); ++c) y[r] += double{w[r * x.size() + c]} * x[c];
    }
    return y;
  }

  Row affine(const std::string& name, const std::string& bias, std::span<const double> x) const {
    Row y = times(name, x);
    const auto b = weight(bias);
    for (size_t r = 0; r < y.size(); ++r) y[r] += double{b[r]};
    return y;
  }

  Row rms(const Row& x, const std::string& name) const {
    const auto w = weight(name);
    double sum = 0;
    for (const double v : x) sum += v * v;
    const double root = std::sqrt(sum / static_cast<double>(x.size()) + double{folder_.spec().norm_eps});
    Row y(x.size());
    for (size_t i = 0; i < x.size(); ++i) y[i] = x[i] / root * double{w[i]};
    return y;
  }

  static double silu(double x) { return x / (1 + std::exp(-x)); }

  Row embedded(const Inputs& in, size_t p) const {
    const auto d = static_cast<size_t>(folder_.spec().d_model);
    const auto table = weight("embed.weight");
    Row x(d, 0.0);
    for (const auto id : in.ids[p]) {
      for (size_t i = 0; i < d; ++i) x[i] += double{table[id * d + i]};
    }
    if (!in.dense[p].empty()) {
      const Row y = times("dense_in.weight", Row(in.dense[p].begin(), in.dense[p].end()));
      for (size_t i = 0; i < d; ++i) x[i] += y[i];
    }
    return x;
  }

  void rotate(std::span<double> head, int64_t step) const {
    const size_t half = head.size() / 2;
    for (size_t i = 0; i < half; ++i) {
      const double angle =
          std::fmod(static_cast<double>(step) *
                        std::pow(double{folder_.spec().rope_base},
                                 -2.0 * static_cast<double>(i) / static_cast<double>(head.size())),
                    2 * std::numbers::pi);
      const double a = head[i];
      const double b = head[i + half];
      head[i] = a * std::cos(angle) - b * std::sin(angle);
      head[i + half] = a * std::sin(angle) + b * std::cos(angle);
    }
  }

  void layer(const std::string& at, const std::vector<int64_t>& steps, std::vector<Row>& x) const {
    const auto& s = folder_.spec();
    const auto hd = static_cast<size_t>(s.head_dim());
    const auto heads = static_cast<size_t>(s.heads);
    const auto kv = static_cast<size_t>(s.kv_heads);
    const auto window = static_cast<size_t>(s.window);
    std::vector<Row> qkv;
    for (size_t p = 0; p < x.size(); ++p) {
      qkv.push_back(times(at + "attn.qkv.weight", rms(x[p], at + "attn_norm.weight")));
      for (size_t h = 0; h < heads + kv; ++h) rotate(std::span(qkv[p]).subspan(h * hd, hd), steps[p]);
    }
    for (size_t p = 0; p < x.size(); ++p) {
      Row mixed(heads * hd, 0.0);
      for (size_t h = 0; h < heads; ++h) {
        const size_t g = h / (heads / kv);
        Row w;
        const size_t first = p + 1 >= window ? p + 1 - window : 0;
        for (size_t j = first; j <= p; ++j) {
          double dot = 0;
          for (size_t i = 0; i < hd; ++i) dot += qkv[p][h * hd + i] * qkv[j][(heads + g) * hd + i];
          w.push_back(dot / std::sqrt(static_cast<double>(hd)));
        }
        const double top = *std::max_element(w.begin(), w.end());
        double sum = 0;
        for (auto& v : w) sum += v = std::exp(v - top);
        for (size_t j = first; j <= p; ++j) {
          for (size_t i = 0; i < hd; ++i) {
            mixed[h * hd + i] += w[j - first] / sum * qkv[j][(heads + kv + g) * hd + i];
          }
        }
      }
      const Row y = times(at + "attn.out.weight", mixed);
      for (size_t i = 0; i < y.size(); ++i) x[p][i] += y[i];
      const Row up = times(at + "ffn.up.weight", rms(x[p], at + "ffn_norm.weight"));
      Row gated(up.size() / 2);
      for (size_t i = 0; i < gated.size(); ++i) gated[i] = silu(up[i]) * up[gated.size() + i];
      const Row down = times(at + "ffn.down.weight", gated);
      for (size_t i = 0; i < down.size(); ++i) x[p][i] += down[i];
    }
  }

  Row surprise(const Row& logits, const std::vector<size_t>& targets) const {
    Row y;
    size_t row = 0;
    for (size_t c = 0; c < targets.size(); ++c) {
      const auto size = static_cast<size_t>(encoder_.target_sizes()[c]);
      double top = -1e300;
      for (size_t k = 0; k < size; ++k) top = std::max(top, logits[row + k]);
      double sum = 0;
      for (size_t k = 0; k < size; ++k) sum += std::exp(logits[row + k] - top);
      y.push_back(std::min(top + std::log(sum) - logits[row + targets[c]], double{model::kMaxSurprise}));
      row += size;
    }
    return y;
  }

  Row task(const model::HeadSpec& h, const Found& f, const std::vector<float>& dense) const {
    const std::string at = "heads." + h.name + ".";
    Row z;
    if (h.use_hidden) z.insert(z.end(), f.hidden.begin(), f.hidden.end());
    if (h.use_surprise) z.insert(z.end(), f.surprise.begin(), f.surprise.end());
    if (h.use_dense) z.insert(z.end(), dense.begin(), dense.end());
    for (size_t i = 0; i < z.size(); ++i) {
      z[i] = std::clamp((z[i] - double{weight(at + "mean")[i]}) / double{weight(at + "deviation")[i]},
                        -double{model::kMaxStandard}, double{model::kMaxStandard});
    }
    Row y = z;
    if (h.hidden > 0) {
      y = affine(at + "w1", at + "b1", z);
      for (auto& v : y) v = silu(v);
    }
    y = affine(at + "w2", at + "b2", y);
    for (int t = 0; t < h.trees; ++t) y[0] += leaf(h, at + "trees.", static_cast<size_t>(t), z);
    return y;
  }

  double leaf(const model::HeadSpec& h, const std::string& at, size_t tree, const Row& z) const {
    const size_t inner = (size_t{1} << h.tree_depth) - 1;
    size_t node = 0;
    while (node < inner) {
      const auto column = static_cast<size_t>(weight(at + "column")[tree * inner + node]);
      const bool left = static_cast<float>(z[column]) < weight(at + "threshold")[tree * inner + node];
      node = 2 * node + (left ? 1 : 2);
    }
    return weight(at + "leaf")[tree * (inner + 1) + node - inner];
  }

  model::ModelFolder folder_;
  token::Encoder encoder_;
};

}  // namespace netflowgen::infer::testing

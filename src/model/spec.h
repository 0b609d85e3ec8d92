// What a model is: sizes, inputs, heads. One plain struct; config.json is its text. The names and shapes of all
// tensors follow from it and the tokenizer (tensors()), so that learn and infer cannot disagree.
//
// The forward pass of one position p of a node, x in R^d_model (all matrices are [out, in], row-major):
//   x      = sum over slots of embed.weight[ids[p, slot]]  +  dense_in.weight dense[p]
//   layer  : x += attn.out.weight attention(rms(x, attn_norm))
//            x += ffn.down.weight swiglu(rms(x, ffn_norm))
//     rms(x, w)  = x / sqrt(mean(x^2) + norm_eps) * w
//     q, k, v    = rows [0, H hd), [H hd, (H + G) hd), [(H + G) hd, (H + 2 G) hd) of attn.qkv.weight times
//                  rms(x); H heads, G kv_heads, hd = d_model / H; head h reads kv head h / (H / G)
//     rotary     : for i < hd / 2, angle = step[p] * rope_base^(-2 i / hd), in double, reduced mod 2 pi;
//                  (a, b) = (q[i], q[i + hd / 2]) -> (a cos - b sin, a sin + b cos); k alike
//     attention  : softmax over positions j of the node with p - window < j <= p of q . k / sqrt(hd), times v
//     swiglu(y)  = silu(g) * u with g, u = rows [0, d_ff), [d_ff, 2 d_ff) of ffn.up.weight times y
//   hidden = rms(x, final_norm)
//   next   : next.weight hidden + next.bias: one softmax per target (level channels, then the gap) of
//            position p + 1
//   inject : inject.weight hidden + inject.bias: logit that p carries an injected flood
//   direct : direct.weight hidden + direct.bias, [lead, volume, quantile]: the value at step + lead as
//            token::Encoder::target; with scales also + direct.skip.weight dense: a simple forecast, linear in the
//            dense inputs, that the rest corrects
//   task head NAME: input z = [hidden, surprise, dense], those that its HeadSpec names, standardised by
//            heads.NAME.mean and .deviation, clipped to +-kMaxStandard;
//            heads.NAME.w2 silu(heads.NAME.w1 z + b1) + b2 (hidden = 0: w2 z + b2), and with trees (trees.h) the
//            sum of their leaves. Trees read the dense inputs alone: these are the same bits in every engine and at
//            every precision, so no rounding can send a row to another leaf
//     surprise[c] = -ln p(target c of position p) under the next-step head at position p - 1, at most
//            kMaxSurprise; 0 at a node's first position; [targets]: level channels, then the gap
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/safetensors.h"
#include "model/adapters.h"
#include "model/trees.h"
#include "token/encoder.h"
#include "token/tokenizer.h"

namespace netflowgen::model {

// Of config.json. 2 added input.scales, 3 trees of task heads, 4 input.timezone in place of input.utc_offset_minutes,
// 5 input.universal, 6 input.surroundings.
inline constexpr int kModelFormat = 6;
inline constexpr float kMaxSurprise = 20.0f;
inline constexpr float kMaxStandard = 8.0f;

struct HeadSpec {
  std::string name;                  // "ddos"
  std::string kind = "hazard";       // "hazard" (one logit a step), "binary", "classes"
  std::vector<std::string> classes;  // kind "classes"
  bool use_hidden = true;
  bool use_surprise = true;
  bool use_dense = true;
  int hidden = 32;  // width of its hidden layer; 0: linear
  int trees = 0;    // that add to its one logit
  int tree_depth = 0;
  int outputs() const { return kind == "classes" ? static_cast<int>(classes.size()) : 1; }
  bool operator==(const HeadSpec&) const = default;
};

struct ModelSpec {
  std::string preset = "default";  // "default", "paper", "universal"
  std::string size = "micro";
  int d_model = 128;
  int layers = 4;
  int heads = 4;
  int kv_heads = 2;
  int d_ff = 352;
  int window = 128;  // positions that a layer attends over, itself included
  float rope_base = 10000;
  float norm_eps = 1e-5f;
  token::InputSpec input;
  std::vector<float> quantiles = {0.1f, 0.2f, 0.3f, 0.4f, 0.5f,
                                  0.6f, 0.7f, 0.8f, 0.9f};  // of the direct heads
  bool inject = true;
  std::vector<HeadSpec> tasks;

  int head_dim() const { return d_model / heads; }
  const HeadSpec* task(std::string_view name) const;

  // "default", "paper" or "universal", with a size: "nano" (about 0.3 M parameters), "micro", "small", "base", "large"
  // (about 100 M). UsageError on an unknown name, with the known ones.
  static ModelSpec preset_of(std::string_view preset, std::string_view size);
  static token::TokenOptions token_options(std::string_view preset);

  std::string to_json() const;
  // Error names `where`: damaged, a newer format, or sizes that no model can have.
  static ModelSpec from_json(std::string_view text, const std::string& where);
  bool operator==(const ModelSpec&) const = default;
};

// Direct heads exist and add a linear map of the dense inputs.
bool has_direct_skip(const ModelSpec& spec);

struct TensorSpec {
  std::string name;
  base::Shape shape;
};

// Every tensor of a model, in the order of the weight file.
std::vector<TensorSpec> tensors(const ModelSpec& spec, const token::Encoder& encoder);
int64_t parameter_count(const std::vector<TensorSpec>& tensors);
// Width of a task head's input, and where the dense inputs begin in it.
int head_inputs(const ModelSpec& spec, const HeadSpec& head, const token::Encoder& encoder);
int dense_begin(const ModelSpec& spec, const HeadSpec& head, const token::Encoder& encoder);

// A model on disk: config.json, tokens.json, model.safetensors, card.md, and adapters.safetensors where it has adapters.
class ModelFolder {
 public:
  // Reads and checks config and tokens; the weights are mapped and their names and shapes checked. `step_ms` is of the series
  // that the model is for, 0: the model's own. Error: another step than the model's, unless it is universal.
  explicit ModelFolder(const base::fs::path& path, int64_t step_ms = 0);

  const base::fs::path& path() const { return path_; }
  const ModelSpec& spec() const { return spec_; }
  const token::Tokenizer& tokenizer() const { return tokenizer_; }
  const base::SafetensorsFile& weights() const { return weights_; }  // without adapters
  const Adapters& adapters() const { return adapters_; }
  TreesView trees(const HeadSpec& head) const;  // of one of spec().tasks
  // What the model computes with: the tensor, its adapter merged. Error: the model has no such tensor.
  std::span<const float> values(const std::string& tensor) const;

 private:
  base::fs::path path_;
  ModelSpec spec_;
  token::Tokenizer tokenizer_;
  base::SafetensorsFile weights_;
  Adapters adapters_;
};

// Writes all four files; each is replaced atomically, weights first. `card` is Markdown.
void save_model(const base::fs::path& path, const ModelSpec& spec, const token::Tokenizer& tokenizer,
                const base::NamedTensors& weights, std::string_view card);

}  // namespace netflowgen::model

// The weights of a model in the order in which the kernels read them. Constant after construction and shared
// by all threads and engines.
//
// Invariants: 1. The embedding table and the norms stay in the mapped file; matrices are packed once, for one
// instruction set and one precision (heads stay float32). 2. backbone_hash() names all that a node's
// state depends on, which is everything but the task heads: state of another model is refused by it, and a
// model whose heads were trained anew keeps its state.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "infer/buffer.h"
#include "infer/kernels/kernels.h"
#include "model/spec.h"

namespace netflowgen::infer {

// A packed matrix and its memory.
class PackedMatrix {
 public:
  PackedMatrix() = default;
  // weights [rows, cols]; bias [rows], or empty for 0. gated: the first half of the rows are gates, the
  // second their partners, for multiply_swiglu.
  PackedMatrix(const Kernels& kernels, Precision precision, std::span<const float> weights, size_t cols,
               std::span<const float> bias = {}, bool gated = false);

  const Matrix& view() const { return view_; }
  size_t rows() const { return view_.rows; }

 private:
  Buffer data_;
  std::vector<float> scale_;
  std::vector<float> bias_;
  Matrix view_;
};

struct LayerWeights {
  std::span<const float> attn_norm;  // [d_model]
  PackedMatrix qkv;                  // [(heads + 2 kv_heads) head_dim, d_model]
  PackedMatrix out;                  // [d_model, d_model]
  std::span<const float> ffn_norm;   // [d_model]
  PackedMatrix up;                   // [2 d_ff, d_model], gated
  PackedMatrix down;                 // [d_model, d_ff]
};

// Targets [first, first + sizes.size()) of the next-step head.
struct TargetGroup {
  size_t first = 0;
  size_t row = 0;             // of the first target in next.weight
  std::vector<size_t> sizes;  // rows of each target
  PackedMatrix weights;
};

struct TaskWeights {
  model::HeadSpec spec;
  size_t inputs = 0;
  std::span<const float> mean;       // [inputs]
  std::span<const float> deviation;  // [inputs]
  PackedMatrix w1;                   // [hidden, inputs]; empty when the head has no hidden layer
  PackedMatrix w2;                   // [outputs, hidden or inputs]
  model::TreesView trees;            // that correct the logit; none: count 0
};

struct ModelOptions {
  Precision precision = Precision::kFloat32;  // of the weight matrices
  Isa isa = best_isa();
  int64_t step_ms = 0;  // of the series to come, for universal models; 0: the model's own
};

class Model {
 public:
  // Error: a folder that is not a model, or one of another feature table; says which file and why.
  explicit Model(const base::fs::path& folder, const ModelOptions& options = {});
  static std::shared_ptr<const Model> load(const base::fs::path& folder, const ModelOptions& options = {}) {
    return std::make_shared<const Model>(folder, options);
  }

  const base::fs::path& path() const { return folder_.path(); }
  const model::ModelSpec& spec() const { return folder_.spec(); }
  const token::Encoder& encoder() const { return encoder_; }
  const ModelOptions& options() const { return options_; }
  const Kernels& kernels() const { return *kernels_; }
  const std::string& backbone_hash() const { return backbone_hash_; }  // 16 hex digits

  std::span<const float> embed() const { return embed_; }
  const PackedMatrix& dense_in() const { return dense_in_; }  // [d_model, dense]; empty without dense inputs
  const std::vector<LayerWeights>& layers() const { return layers_; }
  std::span<const float> final_norm() const { return final_norm_; }
  const std::vector<TargetGroup>& next() const { return next_; }
  std::span<const float> next_weight() const { return next_weight_; }  // [target_vocabulary, d_model]
  std::span<const float> next_bias() const { return next_bias_; }
  const PackedMatrix& inject() const { return inject_; }  // [1, d_model] or empty
  const PackedMatrix& direct() const { return direct_; }  // [leads volumes quantiles, d_model] or empty
  const PackedMatrix& direct_skip() const { return direct_skip_; }  // [direct().rows(), dense] or empty
  const std::vector<TaskWeights>& tasks() const { return tasks_; }

  // Multiplications and additions of one position, heads and surprise included (attention over a full
  // window).
  double multiplications() const;

 private:
  std::span<const float> tensor(const std::string& name) const;
  PackedMatrix matrix(const std::string& name, Precision precision, size_t cols, const std::string& bias = "",
                      bool gated = false) const;
  void load_layers();
  void load_next();
  void load_tasks();

  model::ModelFolder folder_;
  token::Encoder encoder_;
  ModelOptions options_;
  const Kernels* kernels_;
  std::string backbone_hash_;
  std::span<const float> embed_;
  PackedMatrix dense_in_;
  std::vector<LayerWeights> layers_;
  std::span<const float> final_norm_;
  std::vector<TargetGroup> next_;
  std::span<const float> next_weight_;
  std::span<const float> next_bias_;
  PackedMatrix inject_;
  PackedMatrix direct_;
  PackedMatrix direct_skip_;
  std::vector<TaskWeights> tasks_;
};

}  // namespace netflowgen::infer

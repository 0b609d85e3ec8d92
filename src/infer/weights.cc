#include "infer/weights.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/error.h"
#include "infer/state/hash.h"

namespace netflowgen::infer {
namespace {

constexpr size_t kGroupRows = 512;  // of the next-step head at a time: 144 nodes' logits then stay in L2

uint16_t to_bf16(float x) {  // to nearest, ties to even; x is finite
  uint32_t bits;
  std::memcpy(&bits, &x, sizeof bits);
  return static_cast<uint16_t>((bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16);
}

std::span<const uint8_t> text_bytes(const std::string& s) {
  return {reinterpret_cast<const uint8_t*>(s.data()), s.size()};
}

std::span<const uint8_t> float_bytes(const std::vector<float>& v) {
  return {reinterpret_cast<const uint8_t*>(v.data()), v.size() * sizeof(float)};
}

// Config without the task heads, tokens, and every weight outside heads.*, adapters merged.
std::string backbone_hash_of(const model::ModelFolder& folder) {
  auto spec = folder.spec();
  spec.tasks.clear();
  uint64_t hash = hash_bytes(text_bytes(spec.to_json()), 1);
  hash = hash_bytes(text_bytes(folder.tokenizer().to_json()), hash);
  for (const auto& [name, tensor] : folder.weights().tensors()) {
    if (name.starts_with("heads.")) continue;
    const auto it = folder.adapters().merged().find(name);
    const std::span<const uint8_t> data =
        it == folder.adapters().merged().end() ? tensor.data : float_bytes(it->second);
    hash = hash_bytes(data, hash_bytes(text_bytes(name), hash));
  }
  return fmt::format("{:016x}", hash);
}

// Row of the weights at place `r` of the packed order.
size_t source_row(size_t r, size_t rows, size_t lanes, bool gated) {
  if (!gated) return r;
  const size_t at = r % (2 * lanes);
  const size_t pair = r / (2 * lanes) * lanes + at % lanes;
  return at < lanes ? pair : rows / 2 + pair;
}

}  // namespace

PackedMatrix::PackedMatrix(const Kernels& kernels, Precision precision, std::span<const float> weights,
                           size_t cols, std::span<const float> bias, bool gated) {
  const size_t rows = weights.size() / cols;
  const size_t panel = kernels.panel;
  const size_t packed_rows =
      (gated ? (rows / 2 + kernels.lanes - 1) / kernels.lanes * panel : (rows + panel - 1) / panel * panel);
  const size_t stored_cols = precision == Precision::kInt8 ? (cols + 1) / 2 * 2 : cols;
  data_ = Buffer(packed_rows * stored_cols * size_of(precision));
  scale_.assign(packed_rows, 1.0f);
  bias_.assign(packed_rows, 0.0f);
  for (size_t r = 0; r < packed_rows; ++r) {
    const size_t from = source_row(r, rows, kernels.lanes, gated);
    const bool partner = gated && r % panel >= kernels.lanes;
    if (from >= rows || (gated && !partner && from >= rows / 2)) continue;
    const auto row = weights.subspan(from * cols, cols);
    if (!bias.empty()) bias_[r] = bias[from];
    if (precision == Precision::kInt8) {
      float largest = 0;
      for (const float x : row) largest = std::max(largest, std::fabs(x));
      if (largest > 0) scale_[r] = largest / 127;
    }
    for (size_t c = 0; c < cols; ++c) {
      const size_t at = (r / panel * cols + c) * panel + r % panel;
      if (precision == Precision::kFloat32) {
        data_.as<float>()[at] = row[c];
      } else if (precision == Precision::kBFloat16) {
        data_.as<uint16_t>()[at] = to_bf16(row[c]);
      } else {
        const size_t pair = (r / panel * stored_cols / 2 + c / 2) * panel + r % panel;
        data_.as<int8_t>()[2 * pair + c % 2] = static_cast<int8_t>(std::lrint(row[c] / scale_[r]));
      }
    }
  }
  view_ = {precision, rows, cols, data_.as<void>(), scale_.data(), bias_.data()};
}

Model::Model(const base::fs::path& folder, const ModelOptions& options)
    : folder_(folder, options.step_ms),
      encoder_(folder_.tokenizer(), folder_.spec().input),
      options_(options),
      kernels_(&kernels_of(options.isa)),
      backbone_hash_(backbone_hash_of(folder_)) {
  const auto d = static_cast<size_t>(spec().d_model);
  embed_ = tensor("embed.weight");
  final_norm_ = tensor("final_norm.weight");
  if (encoder_.dense() > 0) dense_in_ = matrix("dense_in.weight", options.precision, encoder_.dense());
  load_layers();
  load_next();
  if (spec().inject) inject_ = matrix("inject.weight", Precision::kFloat32, d, "inject.bias");
  if (!spec().input.leads.empty() && encoder_.volumes() > 0 && !spec().quantiles.empty()) {
    direct_ = matrix("direct.weight", Precision::kFloat32, d, "direct.bias");
    if (model::has_direct_skip(spec()))
      direct_skip_ = matrix("direct.skip.weight", Precision::kFloat32, encoder_.dense());
  }
  load_tasks();
}

// Every weight enters through here, low-rank adapters merged.
std::span<const float> Model::tensor(const std::string& name) const { return folder_.values(name); }

PackedMatrix Model::matrix(const std::string& name, Precision precision, size_t cols, const std::string& bias,
                           bool gated) const {
  return {*kernels_, precision, tensor(name), cols, bias.empty() ? std::span<const float>() : tensor(bias),
          gated};
}

void Model::load_layers() {
  const auto& s = spec();
  const auto d = static_cast<size_t>(s.d_model);
  for (int l = 0; l < s.layers; ++l) {
    const std::string at = "layers." + std::to_string(l) + ".";
    layers_.push_back({tensor(at + "attn_norm.weight"), matrix(at + "attn.qkv.weight", options_.precision, d),
                       matrix(at + "attn.out.weight", options_.precision, d), tensor(at + "ffn_norm.weight"),
                       matrix(at + "ffn.up.weight", options_.precision, d, "", true),
                       matrix(at + "ffn.down.weight", options_.precision, static_cast<size_t>(s.d_ff))});
  }
}

void Model::load_next() {
  const auto d = static_cast<size_t>(spec().d_model);
  next_weight_ = tensor("next.weight");
  next_bias_ = tensor("next.bias");
  const auto& sizes = encoder_.target_sizes();
  size_t row = 0;
  for (size_t t = 0; t < sizes.size();) {
    TargetGroup group;
    group.first = t;
    group.row = row;
    size_t rows = 0;
    do {
      group.sizes.push_back(static_cast<size_t>(sizes[t]));
      rows += group.sizes.back();
    } while (++t < sizes.size() && rows + static_cast<size_t>(sizes[t]) <= kGroupRows);
    group.weights = PackedMatrix(*kernels_, options_.precision, next_weight_.subspan(row * d, rows * d), d,
                                 next_bias_.subspan(row, rows));
    row += rows;
    next_.push_back(std::move(group));
  }
}

void Model::load_tasks() {
  for (const auto& h : spec().tasks) {
    const std::string at = "heads." + h.name + ".";
    TaskWeights t;
    t.spec = h;
    t.inputs = static_cast<size_t>(model::head_inputs(spec(), h, encoder_));
    t.mean = tensor(at + "mean");
    t.deviation = tensor(at + "deviation");
    if (h.hidden > 0) t.w1 = matrix(at + "w1", Precision::kFloat32, t.inputs, at + "b1");
    t.w2 = matrix(at + "w2", Precision::kFloat32, h.hidden > 0 ? static_cast<size_t>(h.hidden) : t.inputs,
                  at + "b2");
    t.trees = folder_.trees(h);
    tasks_.push_back(std::move(t));
  }
}

double Model::multiplications() const {
  double n = 0;
  const auto add = [&n](const PackedMatrix& m) {
    n += static_cast<double>(m.view().rows) * static_cast<double>(m.view().cols);
  };
  add(dense_in_);
  for (const auto& l : layers_) {
    for (const auto* m : {&l.qkv, &l.out, &l.up, &l.down}) add(*m);
    n += 2.0 * spec().window * spec().d_model;
  }
  for (const auto& g : next_) add(g.weights);
  add(inject_);
  add(direct_);
  for (const auto& t : tasks_) {
    add(t.w1);
    add(t.w2);
  }
  return n;
}

}  // namespace netflowgen::infer

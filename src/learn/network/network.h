// The model of model/spec.h in LibTorch: trainable, on a CPU or a GPU. Private to this folder.
//
// Not thread-safe. Shapes: B windows, T positions, d d_model, C targets (level channels, then the gap).
#pragma once

#include <string>
#include <vector>

#include "learn/network/torch.h"
#include "learn/network/windows.h"
#include "model/spec.h"

namespace netflowgen::learn {

// A WindowBatch on the device.
struct Inputs {
  torch::Tensor ids;    // int64 [B, T, slots]
  torch::Tensor dense;  // float [B, T, dense]
  torch::Tensor cos;    // float [B, T, 1, head_dim / 2]
  torch::Tensor sin;
  int64_t windows() const { return ids.size(0); }
  int64_t length() const { return ids.size(1); }
};
Inputs to_inputs(const WindowBatch& batch, const model::ModelSpec& spec, const token::Encoder& encoder,
                 torch::Device device);

// Keys and values of the last window - 1 positions a layer, so that a long series can be walked in chunks
// exactly as one forward pass. Empty tensors: nothing before.
struct Cache {
  std::vector<torch::Tensor> keys;  // a layer: [B, kv_heads, past, head_dim]
  std::vector<torch::Tensor> values;
};

class Network {
 public:
  Network(const model::ModelSpec& spec, const token::Encoder& encoder, torch::Device device);

  void initialise(uint64_t seed);
  void load(const model::ModelFolder& folder);   // adapters merged
  void load(const base::SafetensorsFile& file);  // Error: a tensor is absent or of another shape
  // Weights as float32 on the CPU; `storage` keeps them alive.
  base::NamedTensors save(std::vector<torch::Tensor>& storage) const;

  // Hidden states [B, T, d]. With a cache, positions continue after those in it, and it is advanced.
  torch::Tensor hidden(const Inputs& inputs, Cache* cache = nullptr) const;
  torch::Tensor next_logits(const torch::Tensor& hidden) const;    // [..., target vocabulary]
  torch::Tensor inject_logits(const torch::Tensor& hidden) const;  // [...]
  // [..., leads, volumes, quantiles]; `dense` as in Inputs
  torch::Tensor direct(const torch::Tensor& hidden, const torch::Tensor& dense) const;
  // Logits of a task head, [..., outputs]. `input` is [hidden, surprise, dense] as the head uses them, not
  // standardised.
  torch::Tensor task(const model::HeadSpec& head, const torch::Tensor& input) const;

  const model::ModelSpec& spec() const { return spec_; }
  const token::Encoder& encoder() const { return *encoder_; }
  torch::Device device() const { return device_; }
  const std::vector<model::TensorSpec>& tensors() const { return specs_; }
  std::vector<torch::Tensor>& weights() { return weights_; }  // parallel to tensors()
  torch::Tensor& weight(const std::string& name);
  const torch::Tensor& weight(const std::string& name) const;

 private:
  torch::Tensor sum_of_trees(const model::HeadSpec& head, const torch::Tensor& z) const;
  struct Layer {
    torch::Tensor attn_norm, qkv, out, ffn_norm, up, down;
  };
  void bind_layers();
  torch::Tensor embed(const Inputs& inputs) const;
  torch::Tensor attend(const Layer& layer, const torch::Tensor& x, const Inputs& inputs, Cache* cache,
                       size_t l) const;

  model::ModelSpec spec_;
  const token::Encoder* encoder_;
  torch::Device device_;
  std::vector<model::TensorSpec> specs_;
  std::vector<torch::Tensor> weights_;
  std::vector<Layer> layers_;
};

}  // namespace netflowgen::learn

// The forward pass of a block of positions, each of another node (model/spec.h says what it computes). One
// Forward a worker: it owns the scratch memory and touches only the slots that it is given.
#pragma once

#include <span>
#include <vector>

#include "infer/engine.h"
#include "infer/state/node_states.h"

namespace netflowgen::infer {

struct Position {
  static constexpr size_t kNoOutput = SIZE_MAX;

  uint32_t slot = 0;
  int64_t step = 0;
  std::span<const float> frame;   // empty: idle
  std::span<const float> season;  // empty: from the arena
  size_t out = kNoOutput;         // row of the results
  std::span<const int8_t> surround = {};
};

class Forward {
 public:
  static constexpr size_t kBlock = 144;  // positions at a time, at most: a multiple of every tile

  Forward(const Model& model, NodeStates& arena);

  // REQUIRES: at most kBlock positions, of distinct slots, each later than its slot's last.
  void run(std::span<const Position> positions, const Wanted& wanted, Results& results);
  // Moves a node over idle positions up to and including `step` without looking at them.
  void skip_idle(uint32_t slot, int64_t step);

 private:
  void encode(std::span<const Position> positions);
  std::span<const float> season_of(const Position& p);
  void score_surprise(std::span<const Position> positions);
  // y = x W^T + bias, or added to y; x [n, cols], y [n, rows].
  void multiply(const PackedMatrix& w, const std::vector<float>& x, size_t n, std::vector<float>& y,
                bool accumulate = false);
  void embed(size_t n);
  void run_layer(size_t layer, std::span<const Position> positions);
  void attend(size_t layer, std::span<const Position> positions);
  void set_angles(int64_t step);
  void run_tasks(std::span<const Position> positions, Results& results);
  void run_task(const TaskWeights& task, size_t n);
  // logits_[n, rows] = weights h_ and its rows to `to`.
  // `skip` adds a map of the dense inputs. To logits_, and where given to `to`.
  void head(const PackedMatrix& weights, std::span<const Position> positions, std::vector<float>* to,
            const PackedMatrix* skip = nullptr);
  void write_forecast(std::span<const Position> positions, std::vector<float>& to);
  void write_next(std::span<const Position> positions, std::vector<float>& to);
  void write_input(std::span<const Position> positions, Results& results);

  const Model& model_;
  const Kernels& kernels_;
  const token::Encoder& encoder_;
  NodeStates& arena_;
  size_t d_;
  size_t targets_;

  std::vector<uint32_t> ids_;         // [kBlock, slots]
  std::vector<float> dense_;          // [kBlock, dense]
  std::vector<token::Token> tokens_;  // [kBlock, levels]
  std::vector<token::Token> gaps_;    // [kBlock] gap target; 0: first position
  std::vector<float> season_;         // [season]
  std::vector<float> surprise_;       // [kBlock, targets]
  std::vector<float> x_;              // [kBlock, d_model]
  std::vector<float> h_;              // [kBlock, d_model]
  std::vector<float> qkv_;            // [kBlock, (heads + 2 kv_heads) head_dim]
  std::vector<float> mixed_;          // [kBlock, d_model]
  std::vector<float> ffn_;            // [kBlock, d_ff]
  std::vector<float> logits_;         // [kBlock, widest head]
  std::vector<float> inputs_;         // [kBlock, widest task input]
  std::vector<float> task_hidden_;    // [kBlock, widest task hidden layer]
  std::vector<float> scratch_;        // attention
  std::vector<int16_t> rounded_x_;    // [kBlock, padded widest input]
  std::vector<float> rounded_unit_;   // [kBlock]
  Rounded rounded_;
  std::vector<double> frequencies_;   // [head_dim / 2]
  std::vector<float> cosine_, sine_;  // [head_dim / 2] of angles_step_
  int64_t angles_step_ = token::kNever;
};

}  // namespace netflowgen::infer

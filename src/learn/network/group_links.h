// What the processes of a TrainingGroup send each other, as tensors. Private to this folder.
//
// Every process must make the same calls in the same order. Tensors of a GPU travel through the CPU's memory.
#pragma once

#include <span>
#include <vector>

#include "learn/network/torch.h"
#include "learn/training_group.h"

namespace netflowgen::learn {

class TrainingGroup::Links {
 public:
  explicit Links(const GroupPlace& place);
  ~Links();
  Links(const Links&) = delete;
  Links& operator=(const Links&) = delete;

  // Each number becomes the sum of all processes'. Exact where all but one of them give zero, or all give whole numbers.
  void sum(std::span<double> numbers);
  // All processes get process `from`'s.
  void broadcast(const std::vector<torch::Tensor>& tensors, int from);
  void broadcast(std::span<int64_t> numbers, int from);

  // A sum that goes from process to process: the first begins, each takes what the one before it has sent, adds its own and
  // hands it on.
  bool begins() const { return place_.rank == 0; }
  bool ends() const { return place_.rank == place_.size - 1; }
  void take(torch::Tensor& sum);  // from the process before this one
  void hand_on(const torch::Tensor& sum);
  void finish();  // REQUIRES: after the last hand_on; all that was handed on has gone

 private:
  struct Gloo;
  GroupPlace place_;
  std::unique_ptr<Gloo> gloo_;
};

}  // namespace netflowgen::learn

// What the processes of a TrainingGroup send each other, as tensors. Private to this folder.
//
// Every process must make the same calls in the same order. By Gloo, tensors of a GPU travel through the CPU's memory. By NCCL,
// numbers of the CPU travel through the GPU's.
#pragma once

#include <span>
#include <vector>

#include "learn/network/torch.h"
#include "learn/training_group.h"

namespace netflowgen::learn {

class TrainingGroup::Links {
 public:
  Links(const GroupPlace& place, GroupBackend backend, const std::string& device);
  ~Links();
  Links(const Links&) = delete;
  Links& operator=(const Links&) = delete;

  // Each number becomes the sum of all processes'. Exact where all but one of them give zero, or all give whole numbers.
  void sum(std::span<double> numbers);
  // All processes get process `from`'s.
  void broadcast(const std::vector<torch::Tensor>& tensors, int from);
  void broadcast(std::span<int64_t> numbers, int from);

  // Whether gradients are added by sum() below, as NCCL always does. Else by the calls below it, in the order of the processes,
  // which gives the bits of one process where all compute slices of the same batch.
  bool adds_at_once() const { return at_once_; }
  void add_at_once() { at_once_ = true; }
  // Each tensor becomes the sum of all processes'. The same on all of them, and every time with as many processes.
  void sum(const std::vector<torch::Tensor>& tensors);

  // A sum that goes from process to process: the first begins, each takes what the one before it has sent, adds its own and
  // hands it on.
  bool begins() const { return place_.rank == 0; }
  bool ends() const { return place_.rank == place_.size - 1; }
  void take(torch::Tensor& sum);  // from the process before this one
  void hand_on(const torch::Tensor& sum);
  void finish();  // REQUIRES: after the last hand_on; all that was handed on has gone

 private:
  struct Joined;
  GroupPlace place_;
  bool at_once_;
  torch::Device carrier_;  // where tensors must be to travel
  std::unique_ptr<Joined> joined_;
};

}  // namespace netflowgen::learn

// Data-parallel training on one machine: a batch is cut into slices, each slice's forward and backward pass runs on
// one thread from end to end, with single-threaded matrix products, and gradients are added in slice order. So threads
// never wait for each other within a step, a slice's activations stay in the cache, and results depend on the slices,
// not on the threads. On a GPU there is one slice.
#pragma once

#include <functional>
#include <vector>

#include "learn/network/torch.h"
#include "learn/training_group.h"

namespace netflowgen::learn {

// Positions that make a slice worth its while: matrix products are efficient from here on (bench/train).
inline constexpr int64_t kSlicePositions = 512;

// A batch of `windows` of `length` positions as [begin, end) of windows; one slice on a GPU, of each of `processes`. Of no window
// there is no slice.
std::vector<std::pair<int64_t, int64_t>> cut_slices(int64_t windows, int64_t length, torch::Device device,
                                                    int64_t processes = 1);

// Windows by the process that has them: how many slices come before this process's own, and in all.
struct OwnedSlices {
  int64_t before = 0;
  int64_t all = 0;
};
OwnedSlices owned_slices(const std::vector<int64_t>& windows, int rank, int64_t length, torch::Device device);

// The slices of process `rank` of `size`, [begin, end) of n. UsageError: fewer slices than processes.
std::pair<int64_t, int64_t> own_slices(int64_t n, int rank, int size);

// Calls task(s) for s in [0, n) on all threads (set_threads), each call on one thread, BLAS included. The first
// exception is thrown here, after all have ended.
void for_slices(int64_t n, torch::Device device, const std::function<void(int64_t)>& task);

// Calls task(i) for i in [0, n) on all threads, whatever the device: work of the CPU that uses no LibTorch.
void for_each_on_cpu(int64_t n, const std::function<void(int64_t)>& task);

// loss(s) is slice s's share of the loss, a scalar. Adds the gradients to the weights' grad(), in slice order. With a group,
// slices are this process's, all processes' are added in the order of their ranks, and all get the sum.
void add_gradients(int64_t n, const std::function<torch::Tensor(int64_t)>& loss,
                   const std::vector<torch::Tensor>& weights, TrainingGroup* group = nullptr);

}  // namespace netflowgen::learn

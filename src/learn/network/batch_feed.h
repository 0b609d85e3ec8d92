// Draws the windows of a batch and fills them. Where the network computes on a GPU, the next batch is filled on the CPU's cores
// meanwhile. Private to this folder.
#pragma once

#include <future>
#include <optional>

#include "learn/network/objective.h"
#include "learn/network/torch.h"
#include "learn/network/window_source.h"
#include "learn/pretrain.h"

namespace netflowgen::learn {

// What this process computes of a batch.
struct OwnBatch {
  size_t all = 0;    // slices of the batch
  size_t first = 0;  // own ones: from here on
  std::vector<WindowBatch> slices;
  TargetCounts counts;  // of the own slices
};

class BatchFeed {
 public:
  // All must outlive it. `ahead`: a batch is filled while the one before is used.
  BatchFeed(const PretrainOptions& options, const token::Encoder& encoder, torch::Device device, bool ahead);
  BatchFeed(const PretrainOptions& options, const token::Encoder& encoder, torch::Device device)
      : BatchFeed(options, encoder, device, !device.is_cpu()) {}

  // The next batch of `source`, for training: always the same source and the same `random`, which is drawn from in the order of the
  // batches. `more`: another call follows.
  OwnBatch next(const WindowSource& source, base::Random& random, bool more);
  // One batch, nothing ahead.
  OwnBatch draw(const WindowSource& source, base::Random& random);
  // Takes back the room of a batch that is done with.
  void recycle(OwnBatch batch);

  // What `random` was before the batch that is being filled ahead: a run that goes on from here draws it again.
  base::Random cursor(const base::Random& random) const { return ahead_ ? ahead_->before : random; }
  double waited() const { return waited_; }  // seconds in next()

 private:
  struct Ahead {
    base::Random before;
    std::future<OwnBatch> batch;
  };

  struct Plan {
    std::vector<WindowPlan> windows;                  // of this process
    std::vector<std::pair<int64_t, int64_t>> slices;  // [begin, end) of them
    OwnBatch batch;                                   // whose slices are not filled
  };
  Plan plan(const WindowSource& source, base::Random& random);
  Plan plan_sharded(const WindowSource& source, std::vector<WindowPlan> plans);
  OwnBatch fill(const WindowSource& source, Plan plan) const;
  OwnBatch room();
  int rank() const { return options_->group == nullptr ? 0 : options_->group->rank(); }

  const PretrainOptions* options_;
  const token::Encoder* encoder_;
  torch::Device device_;
  bool fills_ahead_;
  std::optional<Ahead> ahead_;
  std::vector<OwnBatch> spare_;
  double waited_ = 0;
};

}  // namespace netflowgen::learn

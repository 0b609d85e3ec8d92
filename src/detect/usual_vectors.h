// Where a node's vectors usually lie, and how far another one is from there: mean and covariance, learnt as they come.
//
// Vectors are learnt in blocks. A distance is from what the complete blocks before it say, an older block weighing half as
// much as the next; so what is unusual for days does not become usual while it lasts. In the first block it is from the
// vectors of that block so far, as of the last refit. Plain data and arithmetic; one thread.
//
// Invariants: 1. A distance depends on the vectors that were added before it alone. 2. Memory: 2 d (d + 1) + 3 d floats.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace netflowgen::detect {

class UsualVectors {
 public:
  static constexpr size_t kRefit = 128;  // vectors between two refits in the first block

  explicit UsualVectors(size_t dimensions);

  // Mean over the dimensions of the squared distance in deviations (Mahalanobis), about 1 for a usual vector, at most
  // kFarthest. NaN entries count as usual. NaN: fewer than kRefit and 2 d vectors were added.
  float distance(std::span<const float> x) const;
  // NaN entries count as the mean so far.
  void add(std::span<const float> x);
  // Closes the block in progress, if that has enough vectors to tell a covariance; else it goes on.
  void end_block();

  size_t dimensions() const { return mean_.size(); }
  size_t learnt() const { return static_cast<size_t>(count_ + past_count_); }

  static constexpr float kFarthest = 1e6f;

  // For a state file: the same description writes and reads (archive.h). fits(): what was read is of these dimensions.
  template <typename A>
  void visit(A& a) {
    const auto number = [](A& archive, float& x) { archive.value(x); };
    a.value(count_);
    a.value(past_count_);
    for (auto* part : {&mean_, &scatter_, &past_mean_, &past_scatter_, &center_, &factor_})
      a.list(*part, number);
    for (size_t i = 0; i < seen_.size(); ++i) {
      bool seen = seen_[i];
      a.value(seen);
      seen_[i] = seen;
    }
  }
  bool fits(size_t dimensions) const;

 private:
  size_t least() const { return dimensions() * 2 > kRefit ? dimensions() * 2 : kRefit; }
  void fit(float count, std::span<const float> mean, std::span<const float> scatter);

  // Of the block in progress, and of all before it. Scatter: lower triangle, by rows.
  float count_ = 0;
  float past_count_ = 0;
  std::vector<bool> seen_;  // [dimensions] a known value came in this block
  std::vector<float> mean_, scatter_;
  std::vector<float> past_mean_, past_scatter_;
  std::vector<float> center_;  // of the distances; empty: none yet
  std::vector<float> factor_;  // Cholesky factor of their covariance, lower triangle by rows
};

}  // namespace netflowgen::detect

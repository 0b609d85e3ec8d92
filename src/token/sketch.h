// A mergeable summary of a column of numbers: a histogram with logarithmic buckets (DDSketch, Masson et al.,
// VLDB 2019: relative error at most 0.5 %), counts of zeros and missing values, and moments of log1p in fixed
// point, so that merging in any order gives the same bits.
//
// Not thread-safe. REQUIRES: values >= 0 or NaN (missing).
#pragma once

#include <cmath>
#include <cstdint>
#include <vector>

namespace netflowgen::token {

class Sketch {
 public:
  static constexpr double kGamma = 1.01;
  static constexpr int kLowest = -1850;  // 1.01^-1850 is about 1e-8
  static constexpr int kHighest = 4650;  // 1.01^4650 is about 1e20

  Sketch() : counts_(static_cast<size_t>(kHighest - kLowest + 1)) {}

  void add(float value);
  void merge(const Sketch& other);

  uint64_t missing() const { return missing_; }
  uint64_t zeros() const { return zeros_; }
  uint64_t positives() const { return positives_; }
  uint64_t count() const { return zeros_ + positives_; }
  // Mean and standard deviation of log1p(value) over zeros and positives; 0 and 1 when there are none.
  double log_mean() const;
  double log_deviation() const;

  // Buckets in ascending order of value: bucket b holds values in [lower(b), lower(b + 1)).
  uint64_t bucket(int b) const { return counts_[static_cast<size_t>(b - kLowest)]; }
  static double lower(int b) { return std::pow(kGamma, b - 0.5); }
  static double middle(int b) { return std::pow(kGamma, b); }
  static int bucket_of(double value);
  // The value at quantile q of the positives; 0 when there are none.
  double quantile(double q) const;
  double max() const { return max_; }

  bool operator==(const Sketch&) const = default;

 private:
  std::vector<uint64_t> counts_;
  uint64_t missing_ = 0;
  uint64_t zeros_ = 0;
  uint64_t positives_ = 0;
  int64_t log_sum_ = 0;     // x 2^20
  int64_t log_square_ = 0;  // x 2^16
  double max_ = 0;
};

}  // namespace netflowgen::token

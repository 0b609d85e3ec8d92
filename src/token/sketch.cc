#include "token/sketch.h"

#include <algorithm>

namespace netflowgen::token {
namespace {

constexpr double kSumScale = 1 << 20;
constexpr double kSquareScale = 1 << 16;

}  // namespace

int Sketch::bucket_of(double value) {
  static const double kInverse = 1.0 / std::log(kGamma);
  const double b = std::round(std::log(value) * kInverse);
  return static_cast<int>(std::clamp(b, static_cast<double>(kLowest), static_cast<double>(kHighest)));
}

void Sketch::add(float value) {
  if (std::isnan(value)) {
    ++missing_;
    return;
  }
  const double x = std::log1p(static_cast<double>(value));
  log_sum_ += std::llround(x * kSumScale);
  log_square_ += std::llround(x * x * kSquareScale);
  if (value <= 0) {
    ++zeros_;
    return;
  }
  ++positives_;
  ++counts_[static_cast<size_t>(bucket_of(value) - kLowest)];
  max_ = std::max(max_, static_cast<double>(value));
}

void Sketch::merge(const Sketch& other) {
  for (size_t i = 0; i < counts_.size(); ++i) counts_[i] += other.counts_[i];
  missing_ += other.missing_;
  zeros_ += other.zeros_;
  positives_ += other.positives_;
  log_sum_ += other.log_sum_;
  log_square_ += other.log_square_;
  max_ = std::max(max_, other.max_);
}

double Sketch::log_mean() const {
  return count() == 0 ? 0 : static_cast<double>(log_sum_) / kSumScale / static_cast<double>(count());
}

double Sketch::log_deviation() const {
  if (count() == 0) return 1;
  const double mean = log_mean();
  const double square = static_cast<double>(log_square_) / kSquareScale / static_cast<double>(count());
  const double variance = square - mean * mean;
  return variance > 1e-6 ? std::sqrt(variance) : 1;
}

double Sketch::quantile(double q) const {
  if (positives_ == 0) return 0;
  const auto rank = static_cast<uint64_t>(q * static_cast<double>(positives_ - 1));
  uint64_t seen = 0;
  for (int b = kLowest; b <= kHighest; ++b) {
    seen += bucket(b);
    if (seen > rank) return middle(b);
  }
  return max_;
}

}  // namespace netflowgen::token

#include "detect/usual_vectors.h"

#include <algorithm>
#include <cmath>

#include "base/check.h"
#include "base/nan.h"

namespace netflowgen::detect {
namespace {

constexpr float kRidge = 1e-3f;     // of the mean variance, added to each
constexpr float kFloor = 1e-12f;    // of a variance: what never changed is not infinitely unusual
constexpr float kPastWeight = .5f;  // of older blocks where another one joins them

size_t packed(size_t n) { return n * (n + 1) / 2; }

// Lower Cholesky factor in place, by rows. REQUIRES: positive definite.
void factorize(size_t n, std::span<float> a) {
  for (size_t i = 0; i < n; ++i) {
    float* const row = a.data() + packed(i);
    for (size_t j = 0; j <= i; ++j) {
      const float* const other = a.data() + packed(j);
      double sum = static_cast<double>(row[j]);
      for (size_t k = 0; k < j; ++k) sum -= static_cast<double>(row[k]) * static_cast<double>(other[k]);
      row[j] = static_cast<float>(i == j ? std::sqrt(std::max(sum, static_cast<double>(kFloor)))
                                         : sum / static_cast<double>(other[j]));
    }
  }
}

}  // namespace

UsualVectors::UsualVectors(size_t dimensions)
    : seen_(dimensions),
      mean_(dimensions),
      scatter_(packed(dimensions)),
      past_mean_(dimensions),
      past_scatter_(packed(dimensions)) {}

float UsualVectors::distance(std::span<const float> x) const {
  if (center_.empty()) return base::kNaN;
  const size_t n = dimensions();
  NFG_CHECK(x.size() == n);
  std::vector<float> y(n);
  float sum = 0;
  for (size_t i = 0; i < n; ++i) {
    const float* const row = factor_.data() + packed(i);
    float rest = std::isnan(x[i]) ? 0 : x[i] - center_[i];
    for (size_t k = 0; k < i; ++k) rest -= row[k] * y[k];
    y[i] = rest / row[i];
    sum += y[i] * y[i];
  }
  sum /= static_cast<float>(n);
  return sum < kFarthest ? sum : kFarthest;
}

void UsualVectors::add(std::span<const float> x) {
  const size_t n = dimensions();
  NFG_CHECK(x.size() == n);
  count_ += 1;
  std::vector<float> before(n);
  for (size_t i = 0; i < n; ++i) {
    if (!std::isnan(x[i]) && !seen_[i]) mean_[i] = x[i];
    seen_[i] = seen_[i] || !std::isnan(x[i]);
    before[i] = std::isnan(x[i]) ? 0 : x[i] - mean_[i];
    mean_[i] += before[i] / count_;
  }
  const float weight = (count_ - 1) / count_;  // of the product of two distances from the mean before
  for (size_t i = 0; i < n; ++i) {
    float* const row = scatter_.data() + packed(i);
    for (size_t k = 0; k <= i; ++k) row[k] += weight * before[i] * before[k];
  }
  const auto added = static_cast<size_t>(count_);
  if (past_count_ == 0 && added >= least() && added % kRefit == 0) fit(count_, mean_, scatter_);
}

bool UsualVectors::fits(size_t dimensions) const {
  const size_t triangle = packed(dimensions);
  return mean_.size() == dimensions && past_mean_.size() == dimensions && scatter_.size() == triangle &&
         past_scatter_.size() == triangle && (center_.empty() || center_.size() == dimensions) &&
         factor_.size() == (center_.empty() ? 0 : triangle) && count_ >= 0 && count_ < 1e9f &&
         past_count_ >= 0 && past_count_ < 1e9f;
}

void UsualVectors::end_block() {
  if (count_ < static_cast<float>(least())) return;
  const size_t n = dimensions();
  const float past = past_count_ * kPastWeight;
  const float all = past + count_;
  for (size_t i = 0; i < n; ++i) {
    float* const row = past_scatter_.data() + packed(i);
    const float* const now = scatter_.data() + packed(i);
    for (size_t k = 0; k <= i; ++k) {
      const float between = (mean_[i] - past_mean_[i]) * (mean_[k] - past_mean_[k]) * past * count_ / all;
      row[k] = row[k] * (past_count_ > 0 ? kPastWeight : 0) + now[k] + between;
    }
  }
  for (size_t i = 0; i < n; ++i) past_mean_[i] += (mean_[i] - past_mean_[i]) * count_ / all;
  past_count_ = all;
  count_ = 0;
  seen_.assign(n, false);
  std::ranges::fill(mean_, 0.0f);
  std::ranges::fill(scatter_, 0.0f);
  fit(past_count_, past_mean_, past_scatter_);
}

// Towards its own diagonal the covariance is shrunk as if d more vectors without correlation had been seen.
void UsualVectors::fit(float count, std::span<const float> mean, std::span<const float> scatter) {
  const size_t n = dimensions();
  center_.assign(mean.begin(), mean.end());
  factor_.assign(scatter.begin(), scatter.end());
  const float kept = count / (count + static_cast<float>(n));
  float trace = 0;
  for (size_t i = 0; i < n; ++i) trace += scatter[packed(i) + i] / count;
  const float ridge = kRidge * trace / static_cast<float>(n) + kFloor;
  for (size_t i = 0; i < n; ++i) {
    for (size_t k = 0; k <= i; ++k) {
      float& c = factor_[packed(i) + k];
      c = c / count * (i == k ? 1 : kept) + (i == k ? ridge : 0);
    }
  }
  factorize(n, factor_);
}

}  // namespace netflowgen::detect

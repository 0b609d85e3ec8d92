#include "study/synthetic_rates.h"

#include <gtest/gtest.h>

#include <cmath>
#include <set>

namespace netflowgen::study {
namespace {

SyntheticSpec small() {
  SyntheticSpec s;
  s.networks = 12;
  s.nodes = 10;
  s.positions = 1'000;
  s.weight = 60;
  return s;
}

TEST(SyntheticRates, SameForTheSameSeedAndUnlikeOthers) {
  const auto a = synthetic_rates(small(), 1, 3);
  const auto b = synthetic_rates(small(), 1, 3);
  EXPECT_EQ(a.table.steps, b.table.steps);
  ASSERT_EQ(a.table.values.size(), b.table.values.size());
  const auto same = [](float x, float y) { return x == y || (std::isnan(x) && std::isnan(y)); };
  EXPECT_TRUE(std::equal(a.table.values.begin(), a.table.values.end(), b.table.values.begin(), same));
  for (const auto& other : {synthetic_rates(small(), 1, 4), synthetic_rates(small(), 2, 3)})
    EXPECT_NE(a.table.steps, other.table.steps);
}

TEST(SyntheticRates, GiveRatesAloneAndKeepTheTablesRules) {
  using namespace series;
  std::set<int64_t> steps;
  int with_packets = 0;
  for (int64_t k = 0; k < small().networks; ++k) {
    const auto n = synthetic_rates(small(), 1, k);
    const FrameTable& t = n.table;
    steps.insert(t.step_ms);
    EXPECT_FALSE(n.labelled);
    EXPECT_DOUBLE_EQ(n.weight, 5);
    ASSERT_EQ(t.nodes.size(), 10u);
    ASSERT_EQ(t.offsets.size(), 11u);
    ASSERT_EQ(n.attacks.size(), 10u);
    ASSERT_EQ(t.offsets.back(), t.rows());
    const bool packets = !t.missing[kPacketsIn];
    with_packets += packets ? 1 : 0;
    for (size_t row = 0; row < t.rows(); ++row) {
      const auto frame = t.frame(row);
      ASSERT_GE(t.steps[row], t.first_step);
      ASSERT_LT(t.steps[row], t.end_step);
      ASSERT_TRUE(frame[kBytesIn] > 0 || frame[kBytesOut] > 0);
      for (int f = 0; f < kFeatureCount; ++f) {
        ASSERT_EQ(std::isnan(frame[static_cast<size_t>(f)]),
                  static_cast<bool>(t.missing[static_cast<size_t>(f)]))
            << f;
        if (!std::isnan(frame[static_cast<size_t>(f)])) {
          ASSERT_TRUE(std::isfinite(frame[static_cast<size_t>(f)]));
          ASSERT_GE(frame[static_cast<size_t>(f)], 0);
        }
      }
      if (packets) {
        ASSERT_LE(frame[kPacketsIn], frame[kBytesIn]);
      }
    }
    for (size_t node = 0; node < 10; ++node) {
      for (size_t row = t.offsets[node] + 1; row < t.offsets[node + 1]; ++row)
        ASSERT_LT(t.steps[row - 1], t.steps[row]);
    }
  }
  EXPECT_GT(steps.size(), 2u);
  EXPECT_GT(with_packets, 2);
  EXPECT_LT(with_packets, 10);
}

// Some series are smooth, others jump; some are silent most of the time.
TEST(SyntheticRates, AreOfManyKinds) {
  std::vector<double> changes;
  std::vector<double> presence;
  for (int64_t k = 0; k < small().networks; ++k) {
    const auto n = synthetic_rates(small(), 5, k);
    const auto& t = n.table;
    for (size_t node = 0; node < t.nodes.size(); ++node) {
      double sum = 0;
      size_t pairs = 0;
      for (size_t row = t.offsets[node] + 1; row < t.offsets[node + 1]; ++row) {
        const float a = t.frame(row - 1)[series::kBytesIn];
        const float b = t.frame(row)[series::kBytesIn];
        if (a > 0 && b > 0) sum += std::abs(std::log(b / a)), ++pairs;
      }
      if (pairs > 100) changes.push_back(sum / static_cast<double>(pairs));
      presence.push_back(static_cast<double>(t.offsets[node + 1] - t.offsets[node]) / 1'000);
    }
  }
  const auto quantile = [](std::vector<double> x, double q) {
    std::sort(x.begin(), x.end());
    return x[static_cast<size_t>(q * static_cast<double>(x.size() - 1))];
  };
  EXPECT_LT(quantile(changes, 0.1), 0.1);
  EXPECT_GT(quantile(changes, 0.9), 0.35);
  EXPECT_EQ(quantile(presence, 0.5), 1);
  EXPECT_LT(quantile(presence, 0.05), 0.7);
}

}  // namespace
}  // namespace netflowgen::study

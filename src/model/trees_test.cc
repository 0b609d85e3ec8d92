#include "model/trees.h"

#include <gtest/gtest.h>

#include <array>

#include "base/random.h"
#include "model/trees_reference.h"

namespace netflowgen::model {
namespace {

// x1 < 2 ? (x0 < -1 ? 10 : 20) : 30, and a tree that is one leaf.
const std::vector<base::Tree> kTrees = {
    {{1, 2, 1, 2.0f}, {3, 4, 0, -1.0f}, {-1, -1, 0, 30.0f}, {-1, -1, 0, 10.0f}, {-1, -1, 0, 20.0f}},
    {{-1, -1, 0, 0.5f}}};

TEST(Trees, CompletedOnesSayTheSame) {
  for (const int depth : {2, 3, 5}) {
    const Trees all = complete(kTrees, depth, 4);
    ASSERT_EQ(all.leaves.size(), 2u << depth);
    const auto sum = [&](float x0, float x1) {
      const float z[] = {9, 9, 9, 9, x0, x1};
      return all.view().sum(z);
    };
    EXPECT_EQ(sum(-2, 0), 10.5f);
    EXPECT_EQ(sum(-1, 0), 20.5f);  // equal goes right
    EXPECT_EQ(sum(8, 2), 30.5f);
    EXPECT_EQ(sum(-8, 8), 30.5f);
    EXPECT_EQ(problem(all.view(), 4, 2), "");
  }
  EXPECT_EQ(TreesView().sum(nullptr), 0.0f);
}

TEST(Trees, ManyAbreastSumAsOneAfterAnother) {
  base::Random random(3);
  constexpr size_t kInputs = 11;
  for (const int depth : {1, 3, 6}) {
    for (const int count : {0, 1, 7, 8, 9, 300}) {
      const size_t inner = (size_t{1} << depth) - 1;
      const auto n = static_cast<size_t>(count);
      Trees all{count, depth, std::vector<float>(n * inner), std::vector<float>(n * inner),
                std::vector<float>(n * (inner + 1))};
      const auto value = [&] { return static_cast<float>(random.below(2001)) / 1000 - 1; };
      for (auto& x : all.columns) x = static_cast<float>(random.below(kInputs));
      for (auto& x : all.thresholds) x = value();
      for (auto& x : all.leaves) x = value() / 3;
      for (int i = 0; i < 200; ++i) {
        std::array<float, kInputs> z;
        for (auto& x : z) x = value();
        ASSERT_EQ(all.view().sum(z.data()), reference_sum(all.view(), z.data()))
            << count << " of depth " << depth;
      }
    }
  }
}

TEST(Trees, RefusesColumnsThatAreNotInputs) {
  Trees all = complete(kTrees, 2, 4);
  for (const float wrong : {3.0f, 6.0f, 4.5f, -1.0f, 1e30f}) {
    all.columns[1] = wrong;
    EXPECT_NE(problem(all.view(), 4, 2), "") << wrong;
  }
}

}  // namespace
}  // namespace netflowgen::model

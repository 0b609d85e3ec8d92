#include "study/head_rows.h"

#include <algorithm>

#include "booster/booster.h"

namespace netflowgen::study {
namespace {

constexpr double kNetworkWeight = 1000;  // of all its rows, against the penalty of a leaf

}  // namespace

std::vector<bool> thinned(const RowTruths& t, MostRows most, base::Random& random) {
  size_t attack = 0;
  size_t benign = 0;
  size_t lookalike = 0;
  for (size_t r = 0; r < t.event.size(); ++r) {
    ++(t.event[r] >= 0 ? attack : benign);
    lookalike += t.event[r] == -1 && t.lookalike[r] ? 1 : 0;
  }
  const auto share = [](size_t kept, size_t all) {
    return static_cast<double>(kept) / static_cast<double>(std::max<size_t>(1, all));
  };
  const double keep_attack = share(most.attack, attack);
  const double keep_benign = share(most.benign, benign);
  const double keep_lookalike = share(most.lookalike, lookalike);
  std::vector<bool> keep(t.event.size());
  for (size_t r = 0; r < keep.size(); ++r) {
    if (t.event[r] < -1) continue;
    keep[r] = random.chance(t.event[r] >= 0 ? keep_attack : keep_benign);
    if (t.event[r] == -1 && t.lookalike[r]) keep[r] = keep[r] || random.chance(keep_lookalike);
  }
  return keep;
}

void Rows::add_targets(const RowTruths& truth, const std::vector<size_t>& kept) {
  const RowWeights weights(truth, kept);
  for (const size_t r : kept) {
    y.push_back(truth.event[r] >= 0 ? 1.0f : 0.0f);
    weight.push_back(static_cast<float>(weights.of(truth.event[r]) * kNetworkWeight));
  }
}

model::Trees fit_trees(const Rows& rows, int first, Growth growth, const base::StopFlag& stop) {
  booster::BoosterOptions b;
  b.rounds = growth.trees;
  b.stop = &stop;
  b.bins = 64;
  b.parameters = {{"objective", "binary:logistic"},
                  {"max_depth", std::to_string(growth.depth)},
                  {"eta", "0.1"},
                  {"lambda", "5"},
                  {"subsample", "0.5"},
                  {"colsample_bytree", "0.2"},
                  {"min_child_weight", "5"}};
  const booster::MatrixView x{rows.x.data(), rows.y.size(), rows.columns};
  return model::complete(booster::Booster(x, rows.y, rows.weight, b, growth.seed).trees(), growth.depth,
                         first);
}

}  // namespace netflowgen::study

// Rows of many networks, whose attacks are known, and boosted trees on them. For zero_shot.cc and twin.cc.
#pragma once

#include <cstdint>
#include <vector>

#include "base/random.h"
#include "base/stop.h"
#include "model/trees.h"
#include "study/head_mix.h"

namespace netflowgen::study {

// Of one network, at most.
struct MostRows {
  size_t attack = 1200;
  size_t benign = 2000;
  size_t lookalike = 800;  // benign ones, beside those that are drawn from all
};
// At random as many rows of a kind; [rows of the table].
std::vector<bool> thinned(const RowTruths& truth, MostRows most, base::Random& random);

struct Rows {
  std::vector<float> x;  // [y.size(), columns]
  std::vector<float> y, weight;
  size_t columns = 0;

  // Targets and weights of a network's rows; each network weighs alike, and each of its events.
  void add_targets(const RowTruths& truth, const std::vector<size_t>& kept);
};

struct Growth {
  int trees = 300;
  int depth = 6;
  uint64_t seed = 1;
};
// Their columns are those of the rows, from `first` on. Throws base::Stopped.
model::Trees fit_trees(const Rows& rows, int first, Growth growth, const base::StopFlag& stop);

}  // namespace netflowgen::study

// A head's sum of trees, many abreast, beside one after another: CPU time of each in turns, and the ratio. Exits with 1 when the sums
// differ.
//
//   bench_trees [trees [depth]]     default 300 6
#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <ctime>
#include <vector>

#include "base/random.h"
#include "model/trees_reference.h"

namespace {

using namespace netflowgen;

constexpr size_t kInputs = 200;
constexpr size_t kNodes = 2000;
constexpr int kTurns = 11;

double cpu_seconds() {
  timespec t{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

model::Trees random_trees(int count, int depth, base::Random& random) {
  const size_t inner = (size_t{1} << depth) - 1;
  const auto n = static_cast<size_t>(count);
  model::Trees trees{count, depth, std::vector<float>(n * inner), std::vector<float>(n * inner),
                     std::vector<float>(n * (inner + 1))};
  for (auto& x : trees.columns) x = static_cast<float>(random.below(kInputs));
  for (auto& x : trees.thresholds) x = static_cast<float>(random.below(1000));
  for (auto& x : trees.leaves) x = static_cast<float>(random.below(1000)) / 1000;
  return trees;
}

}  // namespace

int main(int argc, char** argv) {
  const int count = argc > 1 ? std::atoi(argv[1]) : 300;
  const int depth = argc > 2 ? std::clamp(std::atoi(argv[2]), 1, model::kMaxTreeDepth) : 6;
  base::Random random(1);
  const auto trees = random_trees(count, depth, random);
  std::vector<float> z(kNodes * kInputs);
  for (auto& x : z) x = static_cast<float>(random.below(1000));
  std::vector<double> plain, abreast;
  bool same = true;
  for (int turn = 0; turn < kTurns; ++turn) {
    std::vector<float> a(kNodes), b(kNodes);
    const double start = cpu_seconds();
    for (size_t i = 0; i < kNodes; ++i) a[i] = reference_sum(trees.view(), &z[i * kInputs]);
    const double middle = cpu_seconds();
    for (size_t i = 0; i < kNodes; ++i) b[i] = trees.view().sum(&z[i * kInputs]);
    plain.push_back((middle - start) * 1e6 / kNodes);
    abreast.push_back((cpu_seconds() - middle) * 1e6 / kNodes);
    same = same && a == b;
  }
  std::ranges::sort(plain);
  std::ranges::sort(abreast);
  const double p = plain[kTurns / 2];
  const double q = abreast[kTurns / 2];
  fmt::print(
      "{} trees of depth {}: {:.2f} us a node one after another, {:.2f} us abreast, ratio {:.2f}; {}\n",
      count, depth, p, q, q / p, same ? "the same sums" : "DIFFERENT SUMS");
  return same ? 0 : 1;
}

// Training speed: positions a second of pre-training on the demo's traffic (simulated), and the share of the machine's
// matrix product rate (SGEMM) that training reaches. Both are measured in turns in the same run, by wall clock and by
// CPU time (others' work on a shared machine spoils the first, waiting threads that spin spoil the second).
//
// Floating-point operations are counted as matrix products only, forward and backward: 2 for each multiply-add of
// a layer's weights (the embedding is a gather: none; the first layer's inputs need no gradient), and attention over the
// keys that each position really sees. Norms, softmax, rotary positions, the optimiser and encoding count as nothing, so
// that they show as what they cost.
//
// Usage: bench_train [SIZE] [STEPS] (default: micro 12)
#include <cblas.h>
#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "bench/restart.h"
#include "bench/train_demo.h"
#include "learn/pretrain.h"

namespace {

using namespace netflowgen;
using bench::now;
using bench::since;
using bench::Times;

constexpr int64_t kBatch = bench::kTrainBatch;
constexpr int64_t kLength = bench::kTrainLength;
constexpr int64_t kPositions = kBatch * kLength;

// One weight matrix: y [rows, out] = x [rows, in] W^T.
struct Product {
  std::string name;
  int64_t in = 0;
  int64_t out = 0;
  int64_t times = 1;  // layers that have it
  bool input_gradient = true;

  double flops(int64_t rows) const {
    return 2.0 * static_cast<double>(rows * in * out * times) * (input_gradient ? 3 : 2);
  }
};

// Every matrix product of the model but attention, which has no weights.
std::vector<Product> products(const model::ModelSpec& s, const token::Encoder& e) {
  const int64_t d = s.d_model;
  std::vector<Product> all;
  if (e.dense() > 0) all.push_back({"dense inputs", static_cast<int64_t>(e.dense()), d, 1, false});
  all.push_back({"attention: q, k, v", d, int64_t{s.heads + 2 * s.kv_heads} * s.head_dim(), s.layers});
  all.push_back({"attention: out", d, d, s.layers});
  all.push_back({"feed-forward: up", d, 2 * int64_t{s.d_ff}, s.layers});
  all.push_back({"feed-forward: down", s.d_ff, d, s.layers});
  all.push_back({"next-step head", d, static_cast<int64_t>(e.target_vocabulary())});
  const size_t direct = s.input.leads.size() * e.volumes() * s.quantiles.size();
  if (direct > 0) all.push_back({"direct heads", d, static_cast<int64_t>(direct)});
  return all;
}

// Scores and weighted values forward, and their four products backward: 6 x 2 x head_dim for each pair of positions.
double attention_flops(const model::ModelSpec& s) {
  double pairs = 0;
  for (int64_t t = 0; t < kLength; ++t) pairs += static_cast<double>(std::min<int64_t>(t + 1, s.window));
  return 12.0 * s.head_dim() * pairs * static_cast<double>(kBatch) * s.heads * s.layers;
}

// C [m, n] = A [m, k] B [k, n] with either side transposed in memory.
struct Gemm {
  CBLAS_TRANSPOSE ta, tb;
  int64_t m, n, k;
};

class GemmTimer {
 public:
  // Seconds of one product.
  Times time(const Gemm& g) {
    const auto reserve = [](std::vector<float>& x, int64_t n) {
      if (x.size() < static_cast<size_t>(n)) x.assign(static_cast<size_t>(n), 0.5f);
    };
    reserve(a_, g.m * g.k);
    reserve(b_, g.k * g.n);
    reserve(c_, g.m * g.n);
    const auto run = [&] {
      const int64_t lda = g.ta == CblasNoTrans ? g.k : g.m;
      const int64_t ldb = g.tb == CblasNoTrans ? g.n : g.k;
      cblas_sgemm(CblasRowMajor, g.ta, g.tb, static_cast<int>(g.m), static_cast<int>(g.n),
                  static_cast<int>(g.k), 1, a_.data(), static_cast<int>(lda), b_.data(),
                  static_cast<int>(ldb), 0, c_.data(), static_cast<int>(g.n));
    };
    run();
    const double flops = 2.0 * static_cast<double>(g.m * g.n * g.k);
    const int repeats = std::max(1, static_cast<int>(5e9 / flops));
    const Times start = now();
    for (int i = 0; i < repeats; ++i) run();
    const Times t = since(start);
    return {t.wall / repeats, t.cpu / repeats};
  }

 private:
  std::vector<float> a_, b_, c_;
};

constexpr int64_t kSquare = 2048;

// GFLOP/s by wall clock and per CPU second.
struct Rate {
  double wall = 0;
  double cpu = 0;
};

Rate square_rate(GemmTimer& timer) {
  const Times t = timer.time({CblasNoTrans, CblasNoTrans, kSquare, kSquare, kSquare});
  const double flops = 2.0 * kSquare * kSquare * kSquare;
  return {flops / t.wall * 1e-9, flops / t.cpu * 1e-9};
}

// The training step's own products, forward and backward, each as one SGEMM over the whole batch.
Rate shapes_rate(GemmTimer& timer, const std::vector<Product>& all) {
  double flops = 0;
  Times total;
  for (const auto& p : all) {
    std::vector<Gemm> gemms = {{CblasNoTrans, CblasTrans, kPositions, p.out, p.in},   // y = x W^T
                               {CblasTrans, CblasNoTrans, p.out, p.in, kPositions}};  // dW = dy^T x
    if (p.input_gradient)
      gemms.push_back({CblasNoTrans, CblasNoTrans, kPositions, p.in, p.out});  // dx = dy W
    for (const auto& g : gemms) {
      const Times t = timer.time(g);
      total.wall += t.wall * static_cast<double>(p.times);
      total.cpu += t.cpu * static_cast<double>(p.times);
    }
    flops += p.flops(kPositions);
  }
  return {flops / total.wall * 1e-9, flops / total.cpu * 1e-9};
}

int run(const std::string& size, int64_t steps) {
  const base::fs::path folder = base::fs::temp_directory_path() / fmt::format("bench-train-{}", getpid());
  const auto table = bench::demo_frames(folder / "store");
  const auto spec = model::ModelSpec::preset_of("default", size);
  GemmTimer timer;
  // SGEMM before, between and after, the best of each: what the machine can do.
  std::vector<Rate> squares = {square_rate(timer)};
  Times step = bench::step_times(table, spec, steps, folder / "model");
  const model::ModelFolder model(folder / "model");
  const token::Encoder encoder(model.tokenizer(), model.spec().input);
  const auto all = products(model.spec(), encoder);
  std::vector<Rate> shapes = {shapes_rate(timer, all)};
  squares.push_back(square_rate(timer));
  const Times again = bench::step_times(table, spec, steps, folder / "model");
  step = {std::min(step.wall, again.wall), std::min(step.cpu, again.cpu)};
  shapes.push_back(shapes_rate(timer, all));
  squares.push_back(square_rate(timer));
  base::fs::remove_all(folder);

  double flops = attention_flops(model.spec());
  for (const auto& p : all) flops += p.flops(kPositions);
  fmt::print("{}: {} parameters, {} windows of {} positions a step\n", size,
             model::parameter_count(model::tensors(model.spec(), encoder)), kBatch, kLength);
  fmt::print("matrix products of a step, forward and backward: {:.2f} GFLOP\n", flops * 1e-9);
  for (const auto& p : all) {
    fmt::print("  {:<20}{:>5} x {:<5} in {} layer(s){:>8.2f} GFLOP{:>6.1f} %\n", p.name, p.in, p.out, p.times,
               p.flops(kPositions) * 1e-9, 100 * p.flops(kPositions) / flops);
  }
  fmt::print("  {:<20}window of {} positions{:>16.2f} GFLOP{:>6.1f} %\n", "attention: scores",
             model.spec().window, attention_flops(model.spec()) * 1e-9,
             100 * attention_flops(model.spec()) / flops);
  const auto best = [](const std::vector<Rate>& rates, double Rate::*part) {
    double x = 0;
    for (const auto& r : rates) x = std::max(x, r.*part);
    return x;
  };
  const auto line = [&](const char* what, double wall, double cpu) {
    fmt::print("{:<44}{:>10.1f} GFLOP/s{:>10.1f} a CPU second\n", what, wall, cpu);
  };
  line(fmt::format("SGEMM, {0} x {0} x {0}", kSquare).c_str(), best(squares, &Rate::wall),
       best(squares, &Rate::cpu));
  line("SGEMM, the step's product shapes", best(shapes, &Rate::wall), best(shapes, &Rate::cpu));
  line("training", flops / step.wall * 1e-9, flops / step.cpu * 1e-9);
  fmt::print("training: {:.0f} positions/s; a step {:.3f} s, {:.3f} CPU s\n", kPositions / step.wall,
             step.wall, step.cpu);
  const auto share = [&](const char* what, const std::vector<Rate>& rates) {
    fmt::print("share of the SGEMM rate, {:<16}{:>6.1f} % by wall clock{:>8.1f} % by CPU time\n", what,
               100 * flops / step.wall * 1e-9 / best(rates, &Rate::wall),
               100 * flops / step.cpu * 1e-9 / best(rates, &Rate::cpu));
  };
  share("square:", squares);
  share("product shapes:", shapes);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  netflowgen::bench::restart_with_math_environment(argv);
  return run(argc > 1 ? argv[1] : "micro", argc > 2 ? std::atoll(argv[2]) : 12);
}

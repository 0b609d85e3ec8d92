// The streaming engine beside what the machine can do, on one core unless said: node-steps a second, the time that
// OpenBLAS's SGEMM takes for the same weight products (the roofline), all multiplications and additions of a step beside
// a large SGEMM's, LibTorch with a window a step and with cached keys and values, the cost a node as nodes grow, and
// start-up. Rates count CPU time, so that a busy machine does not change what they mean; the lines "wall" count the clock.
// Exits with 1 when LibTorch's hidden states differ from the engine's.
//
//   bench_infer [roofline|torch|scaling|fleet|startup ...]      default: all but fleet
//   bench_infer fleet [nodes [weights]]     default 100000 float32: all stepped and scored, full windows, int8 cache, 2 threads
#include <cblas.h>
#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <ctime>
#include <string>
#include <vector>

#include "bench/restart.h"
#include "infer/testing.h"
#ifdef NETFLOWGEN_BENCH_LEARN
#include "learn/stream.h"
#endif

extern "C" void openblas_set_num_threads(int);

namespace {

using namespace netflowgen;
using infer::Precision;

constexpr int64_t kStart = 28'000'000;
constexpr int kFrames = 512;  // distinct random frames
constexpr int kRounds = 7;
constexpr double kTolerance = 1e-4;  // of hidden states in float32

double seconds(clockid_t clock) {
  timespec t{};
  clock_gettime(clock, &t);
  return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}
double cpu() { return seconds(CLOCK_PROCESS_CPUTIME_ID); }
double wall() { return seconds(CLOCK_MONOTONIC); }

double median(std::vector<double> v) {
  std::sort(v.begin(), v.end());
  return v[v.size() / 2];
}

double resident_gib() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) / (1 << 20);
}

// `micro` of preset default with every feature of the table and one fine-tuned head.
model::ModelSpec micro_spec() {
  auto s = model::ModelSpec::preset_of("default", "micro");
  s.tasks.push_back({"ddos", "hazard", {}, true, true, true, 96});
  return s;
}

struct Setup {
  Setup() : folder(micro_spec(), 1, series::kFeatureCount) {
    base::Random random(2);
    for (int i = 0; i < kFrames; ++i) frames.push_back(infer::testing::random_frame(random));
  }
  const std::vector<float>& frame(uint64_t node, int64_t step) const {
    return frames[base::mix64(node * 7919 + static_cast<uint64_t>(step)) % frames.size()];
  }
  infer::testing::RandomModel folder;
  std::vector<std::vector<float>> frames;
};

// An engine and the number of its steps so far; every node is active at every step.
class Stream {
 public:
  Stream(const Setup& setup, Precision weights, Precision cache, size_t nodes, int threads = 1)
      : setup_(setup),
        engine_(infer::Model::load(setup.folder.path(), {.precision = weights}),
                {.cache = cache, .max_nodes = nodes, .max_bytes = size_t{64} << 30, .threads = threads}),
        items_(nodes) {}

  void step() {
    for (size_t n = 0; n < items_.size(); ++n) {
      items_[n] = {n, kStart + steps_, setup_.frame(n, kStart + steps_), {}, 0};
    }
    ++steps_;
    engine_.step(items_, {}, results_);
  }
  void warm() {
    while (steps_ < engine_.model().spec().window) step();
  }
  const infer::Engine& engine() const { return engine_; }
  const infer::Results& results() const { return results_; }
  int64_t steps() const { return steps_; }

 private:
  const Setup& setup_;
  infer::Engine engine_;
  std::vector<infer::Item> items_;
  infer::Results results_;
  int64_t steps_ = 0;
};

// CPU seconds of the model's weight products for n nodes by SGEMM, each at its best of a few runs, and how many
// multiplications they are.
class Roofline {
 public:
  Roofline(const infer::Model& m, size_t n) : n_(n) {
    const auto add = [&](const infer::PackedMatrix& w) {
      if (w.rows() > 0) shapes_.emplace_back(w.rows(), w.view().cols);
    };
    add(m.dense_in());
    for (const auto& l : m.layers()) {
      for (const auto* w : {&l.qkv, &l.out, &l.up, &l.down}) add(*w);
    }
    for (const auto& g : m.next()) add(g.weights);
    add(m.inject());
    add(m.direct());
    for (const auto& t : m.tasks()) {
      add(t.w1);
      add(t.w2);
    }
    size_t widest = 0;
    for (const auto& [rows, cols] : shapes_) {
      widest = std::max({widest, rows, cols});
      multiplications_ += static_cast<double>(rows * cols);
      weights_.emplace_back(rows * cols, 0.01f);
    }
    x_.assign(n * widest, 0.5f);
    y_.assign(n * widest, 0.0f);
  }
  double multiplications() const { return multiplications_; }

  double run() {
    const double start = cpu();
    for (size_t i = 0; i < shapes_.size(); ++i) {
      const auto [rows, cols] = shapes_[i];
      const auto r = static_cast<int>(rows);
      const auto c = static_cast<int>(cols);
      cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, static_cast<int>(n_), r, c, 1.0f, x_.data(), c,
                  weights_[i].data(), c, 0.0f, y_.data(), r);
    }
    return cpu() - start;
  }

 private:
  size_t n_;
  std::vector<std::pair<size_t, size_t>> shapes_;  // rows, cols
  std::vector<std::vector<float>> weights_;
  std::vector<float> x_, y_;
  double multiplications_ = 0;
};

// G multiplications and additions a CPU second of one large product.
double large_sgemm() {
  constexpr int n = 2048;
  const std::vector<float> a(size_t{n} * n, 0.5f);
  std::vector<float> c(a.size());
  const double start = cpu();
  cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, n, n, n, 1.0f, a.data(), n, a.data(), n, 0.0f,
              c.data(), n);
  return 1e-9 * n * n * n / (cpu() - start);
}

void roofline(const Setup& setup) {
  constexpr size_t kNodes = 1200;
  fmt::print("micro, window 128 full, {} nodes a batch, all heads and surprise, one core, {}; OpenBLAS: {}\n",
             kNodes, name_of(infer::best_isa()), openblas_get_corename());
  fmt::print("{:>8} {:>8} {:>14} {:>12} {:>10} {:>14} {:>12} {:>14} {:>14}\n", "weights", "cache",
             "node-steps/s", "us a node", "GMAC/s", "SGEMM us", "of roofline", "SGEMM 2048^3", "of SGEMM");
  const std::pair<Precision, Precision> kinds[] = {
      {Precision::kFloat32, Precision::kFloat32}, {Precision::kFloat32, Precision::kBFloat16},
      {Precision::kFloat32, Precision::kInt8},    {Precision::kBFloat16, Precision::kInt8},
      {Precision::kInt8, Precision::kInt8},
  };
  for (const auto& [weights, cache] : kinds) {
    Stream stream(setup, weights, cache, kNodes);
    stream.warm();
    Roofline blas(stream.engine().model(), kNodes);
    blas.run();
    std::vector<double> engine_s, blas_s, share, large;
    for (int i = 0; i < kRounds; ++i) {
      const double start = cpu();
      stream.step();
      engine_s.push_back(cpu() - start);
      blas_s.push_back(blas.run());
      share.push_back(blas_s.back() / engine_s.back());
      large.push_back(large_sgemm());
    }
    const double us = median(engine_s) / kNodes * 1e6;
    const double rate = stream.engine().model().multiplications() / us * 1e-3;
    fmt::print(
        "{:>8} {:>8} {:>14.0f} {:>12.2f} {:>10.1f} {:>14.2f} {:>10.0f} % {:>7.1f} GMAC/s {:>12.0f} %\n",
        name_of(weights), name_of(cache), 1e6 / us, us, rate, median(blas_s) / kNodes * 1e6,
        100 * median(share), median(large), 100 * rate / median(large));
    std::fflush(stdout);
  }
}

#ifdef NETFLOWGEN_BENCH_LEARN
// Every node active at every step, as Stream feeds them.
series::FrameTable table_of(const Setup& setup, size_t nodes, int64_t steps) {
  series::FrameTable t;
  t.first_step = kStart;
  t.end_step = kStart + steps;
  t.offsets.push_back(0);
  t.missing.assign(series::kFeatureCount, false);
  for (size_t n = 0; n < nodes; ++n) {
    t.nodes.push_back(fmt::format("{:06}", n));
    for (int64_t s = kStart; s < t.end_step; ++s) {
      t.steps.push_back(s);
      const auto& f = setup.frame(n, s);
      t.values.insert(t.values.end(), f.begin(), f.end());
    }
    t.offsets.push_back(t.steps.size());
  }
  return t;
}

double largest_difference(const std::vector<float>& a, const std::vector<float>& b) {
  double d = a.size() == b.size() ? 0 : 1e9;
  for (size_t i = 0; i < std::min(a.size(), b.size()); ++i)
    d = std::max(d, std::fabs(double{a[i]} - double{b[i]}));
  return d;
}

// False when the hidden states differ by more than the tolerance.
bool torch(const Setup& setup) {
  constexpr size_t kNodes = 1000;
  constexpr size_t kFewNodes = 64;  // a window a step costs window times as much
  constexpr int64_t kWindow = 128;
  constexpr int64_t kPositions = kWindow + 8;
  const learn::Backbone backbone(setup.folder.path(), "cpu", 1);
  learn::TorchStream cached(backbone, table_of(setup, kNodes, kPositions), kPositions);
  learn::TorchStream window(backbone, table_of(setup, kFewNodes, kPositions), kPositions);
  Stream stream(setup, Precision::kFloat32, Precision::kFloat32, kNodes);
  Stream small(setup, Precision::kInt8, Precision::kInt8, kNodes);
  std::vector<double> engine_s, small_s, cached_s, window_s;
  double of_cached = 0;
  double of_window = 0;
  for (int64_t p = 0; p < kPositions; ++p) {
    const double a = cpu();
    stream.step();
    const double b = cpu();
    const auto hidden = cached.step_cached(static_cast<size_t>(p));
    const double c = cpu();
    small.step();
    const double d = cpu();
    of_cached = std::max(of_cached, largest_difference(hidden, stream.results().hidden));
    if (p + 1 < kWindow) continue;
    engine_s.push_back((b - a) / kNodes);
    cached_s.push_back((c - b) / kNodes);
    small_s.push_back((d - c) / kNodes);
    if (window_s.size() >= 3) continue;
    const auto full = window.step_window(static_cast<size_t>(p));
    window_s.push_back((cpu() - d) / kFewNodes);
    // One window is all that there is at this position only: later, layers on layers see further back than it.
    if (p + 1 > kWindow) continue;
    const auto& ours = stream.results().hidden;
    of_window = largest_difference(full, {ours.begin(), ours.begin() + static_cast<long>(full.size())});
  }
  const double e = median(engine_s);
  const double s = median(small_s);
  const auto line = [&](const char* what, double t) {
    fmt::print("  {:<44} {:>10.0f} node-steps/s   engine float32 {:>6.1f} x, int8 {:>6.1f} x\n", what, 1 / t,
               t / e, t / s);
  };
  fmt::print("the same steps by LibTorch, one core, OpenBLAS: {}\n", openblas_get_corename());
  line("engine, float32", e);
  line("engine, int8 weights and cache", s);
  line(fmt::format("LibTorch with a cache, {} nodes a batch", kNodes).c_str(), median(cached_s));
  line(fmt::format("LibTorch, whole window, {} nodes a batch", kFewNodes).c_str(), median(window_s));
  const bool equal = of_cached <= kTolerance && of_window <= kTolerance;
  fmt::print(
      "  largest difference of hidden states, engine float32: {:.1e} with a cache ({} positions), {:.1e} "
      "whole window; "
      "{:.0e} is allowed{}\n",
      of_cached, kPositions, of_window, kTolerance, equal ? "" : ": FAILED");
  return equal;
}
#else
bool torch(const Setup&) {
  fmt::print("LibTorch: not built in\n");
  return true;
}
#endif

void scaling(const Setup& setup) {
  fmt::print("cost a node as nodes grow, float32 weights, int8 cache, full windows, one core\n");
  size_t each = 0;
  for (const size_t nodes : {size_t{100}, size_t{1000}, size_t{10000}}) {
    Stream stream(setup, Precision::kFloat32, Precision::kInt8, nodes);
    stream.warm();
    each = stream.engine().bytes_per_node();
    std::vector<double> s;
    for (int i = 0; i < (nodes < 10000 ? 4 * kRounds : 5); ++i) {
      const double start = cpu();
      stream.step();
      s.push_back(cpu() - start);
    }
    fmt::print("  {:>8} nodes: {:>6.2f} us a node and step, state {:>8.3f} GiB\n", nodes,
               median(s) / static_cast<double>(nodes) * 1e6, static_cast<double>(nodes * each) / (1u << 30));
    std::fflush(stdout);
  }
  fmt::print("  1000000 nodes would take {:.1f} GiB of state (extrapolated, not run)\n",
             static_cast<double>(each) * 1e6 / (1u << 30));
}

void fleet(const Setup& setup, size_t nodes, Precision weights) {
  Stream stream(setup, weights, Precision::kInt8, nodes, 2);
  const double before = wall();
  stream.warm();
  fmt::print("{} active nodes, {} weights, 2 threads: windows filled in {:.0f} s\n", nodes, name_of(weights),
             wall() - before);
  for (int i = 0; i < 3; ++i) {
    const double w = wall();
    const double c = cpu();
    stream.step();
    fmt::print("  one step: wall {:.2f} s, CPU {:.2f} s ({:.2f} us a node), peak resident {:.2f} GiB\n",
               wall() - w, cpu() - c, (cpu() - c) / static_cast<double>(nodes) * 1e6, resident_gib());
    std::fflush(stdout);
  }
}

void startup(const Setup& setup) {
  std::vector<double> ms;
  for (int i = 0; i < kRounds; ++i) {
    const double start = wall();
    Stream stream(setup, Precision::kFloat32, Precision::kInt8, 100000, 2);
    infer::Results results;
    std::vector<infer::Item> one = {{1, kStart, setup.frame(1, kStart), {}, 0}};
    const_cast<infer::Engine&>(stream.engine()).step(one, {}, results);
    ms.push_back(1e3 * (wall() - start));
  }
  fmt::print("start-up, model folder to first step: wall {:.1f} ms (median of {})\n", median(ms), kRounds);
}

}  // namespace

int main(int argc, char** argv) {
  netflowgen::bench::restart_with_math_environment(argv);
  openblas_set_num_threads(1);
  const Setup setup;
  bool passed = true;
  std::vector<std::string> what(argv + 1, argv + argc);
  if (what.empty()) what = {"roofline", "torch", "scaling", "startup"};
  for (size_t i = 0; i < what.size(); ++i) {
    if (what[i] == "roofline") roofline(setup);
    if (what[i] == "torch") passed = torch(setup) && passed;
    if (what[i] == "scaling") scaling(setup);
    if (what[i] == "startup") startup(setup);
    if (what[i] == "fleet") {
      const size_t nodes = i + 1 < what.size() ? std::strtoull(what[++i].c_str(), nullptr, 10) : 100000;
      fleet(setup, nodes, infer::precision_from(i + 1 < what.size() ? what[++i] : "float32"));
    }
    std::fflush(stdout);
  }
  return passed ? 0 : 1;
}

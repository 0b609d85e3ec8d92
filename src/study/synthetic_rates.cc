#include "study/synthetic_rates.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numbers>

#include "base/random.h"
#include "base/time.h"

namespace netflowgen::study {
namespace {

using base::Random;

constexpr int64_t kFirst = 1'640'995'200'000;  // 2022-01-01
constexpr uint64_t kStarts = 2 * 365 * 24;     // hours from then on in which one begins
constexpr double kLargest = 60;                // of the logarithm of a rate, either way

double log_uniform(Random& random, double low, double high) {
  return low * std::exp(random.uniform() * std::log(high / low));
}

// Adds up what a series' logarithm is made of, a part for each call. All of one length.
class LogRate {
 public:
  LogRate(size_t steps, Random& random) : y_(steps, 0), random_(random) {}

  const std::vector<double>& values() const { return y_; }
  double& at(size_t t) { return y_[t]; }

  // Noise with a memory of `memory` steps and a standard deviation of `sigma`.
  void wander(double memory, double sigma) {
    const double keep = std::exp(-1 / memory);
    const double step = sigma * std::sqrt(1 - keep * keep);
    double x = sigma * random_.normal();
    for (double& y : y_) y += x = keep * x + step * random_.normal();
  }
  // A smooth profile that repeats after `period` steps.
  void repeat(double period, double size) {
    std::array<double, 4> a{};
    std::array<double, 4> phase{};
    for (size_t h = 0; h < a.size(); ++h) {
      a[h] = size * random_.normal() / static_cast<double>(h + 1);
      phase[h] = random_.uniform(0, 2 * std::numbers::pi);
    }
    for (size_t t = 0; t < y_.size(); ++t) {
      const double turn = 2 * std::numbers::pi * static_cast<double>(t) / period;
      for (size_t h = 0; h < a.size(); ++h)
        y_[t] += a[h] * std::sin(static_cast<double>(h + 1) * turn + phase[h]);
    }
  }
  // New levels now and then.
  void shift(double every, double size) {
    double level = 0;
    for (double& y : y_) {
      if (random_.chance(1 / every)) level += size * random_.normal();
      y += level;
    }
  }
  // Two states; the second is `size` above the first, or below.
  void switch_over(double first, double second, double size) {
    bool on = random_.chance(first / (first + second));
    for (double& y : y_) {
      if (random_.chance(1 / (on ? second : first))) on = !on;
      if (on) y += size;
    }
  }
  // Jumps that decay, at random or at intervals as jobs run.
  void spike(double every, bool regular, double size, double decay) {
    double x = 0;
    double next = random_.uniform(0, every);
    for (size_t t = 0; t < y_.size(); ++t) {
      x *= std::exp(-1 / decay);
      if (static_cast<double>(t) >= next) {
        x = std::max(x, size * random_.lognormal(0, regular ? 0.1 : 0.6));
        next += regular ? every : -every * std::log(1 - random_.uniform());
      }
      y_[t] += x;
    }
  }
  void jitter(double sigma) {
    for (double& y : y_) y += sigma * random_.normal();
  }
  void ceiling(double quantile) {
    std::vector<double> sorted = y_;
    const auto at =
        sorted.begin() + static_cast<std::ptrdiff_t>(quantile * static_cast<double>(sorted.size() - 1));
    std::nth_element(sorted.begin(), at, sorted.end());
    for (double& y : y_) y = std::min(y, *at);
  }

 private:
  std::vector<double> y_;
  Random& random_;
};

// What one direction of a node does in time.
LogRate draw_rate(Random& random, size_t steps, double steps_a_day) {
  LogRate r(steps, random);
  if (random.chance(0.8)) r.wander(log_uniform(random, 1, 30), log_uniform(random, 0.01, 0.8));
  if (random.chance(0.7)) r.wander(log_uniform(random, 30, 2'000), log_uniform(random, 0.03, 1.2));
  if (steps_a_day > 3 && random.chance(0.6)) r.repeat(steps_a_day, log_uniform(random, 0.05, 1.2));
  if (steps_a_day > 3 && random.chance(0.3)) r.repeat(7 * steps_a_day, log_uniform(random, 0.05, 0.6));
  if (random.chance(0.15)) r.repeat(log_uniform(random, 3, 500), log_uniform(random, 0.05, 1));
  if (random.chance(0.5)) r.shift(log_uniform(random, 50, 3'000), log_uniform(random, 0.1, 1.5));
  if (random.chance(0.3)) {
    const double sign = random.chance(0.7) ? 1 : -1;
    r.switch_over(log_uniform(random, 5, 500), log_uniform(random, 2, 300),
                  sign * log_uniform(random, 0.5, 6));
  }
  for (int i = 0; i < 2; ++i) {
    if (random.chance(0.35)) {
      const bool regular = random.chance(0.6);
      const double every = regular ? std::round(log_uniform(random, 3, 300)) : log_uniform(random, 10, 800);
      r.spike(every, regular, log_uniform(random, 0.3, 5), log_uniform(random, 0.3, 10));
    }
  }
  r.jitter(log_uniform(random, 0.002, 0.4));
  if (random.chance(0.1)) r.ceiling(random.uniform(0.7, 0.98));
  return r;
}

struct Node {
  std::vector<double> in, out;  // bytes a step; 0: nothing
  double packet = 700;          // bytes of one
};

Node draw_node(Random& random, size_t steps, double step_s, double steps_a_day) {
  Node n;
  const double level = std::log(log_uniform(random, 20, 1e8) * step_s);
  LogRate in = draw_rate(random, steps, steps_a_day);
  LogRate out = draw_rate(random, steps, steps_a_day);
  // Requests and answers: the directions mostly move together.
  const double together = random.chance(0.7) ? random.uniform(0.5, 1.1) : 0;
  const double ratio = random.normal() * 1.2;
  const double alone = together > 0 ? log_uniform(random, 0.05, 1) : 1;
  const bool sparse = random.chance(0.25);
  const double least = sparse ? level + random.uniform(-2, 2) : -kLargest;  // below it nothing is seen
  const auto rate = [&](double y) {
    const double x = level + std::clamp(y, -kLargest / 4, kLargest / 4);
    return x < least ? 0 : std::round(std::exp(std::min(x, kLargest / 2)));
  };
  for (size_t t = 0; t < steps; ++t) {
    n.in.push_back(rate(in.at(t)));
    n.out.push_back(rate(ratio + together * in.at(t) + alone * out.at(t)));
  }
  n.packet = log_uniform(random, 80, 1'400);
  return n;
}

}  // namespace

learn::CorpusNetwork synthetic_rates(const SyntheticSpec& spec, uint64_t seed, int64_t index) {
  using namespace series;
  Random random(base::mix64(base::mix64(seed ^ 0x7a7e5) + static_cast<uint64_t>(index)));
  const float unknown = std::numeric_limits<float>::quiet_NaN();
  learn::CorpusNetwork net{fmt::format("s{:04}", index), {}, false, {}, {}, 1};
  net.weight = spec.weight / static_cast<double>(spec.networks);
  FrameTable& table = net.table;
  table.step_ms = spec.steps_ms[random.below(spec.steps_ms.size())];
  table.first_step = (kFirst + static_cast<int64_t>(random.below(kStarts)) * base::kHourMs) / table.step_ms;
  table.end_step = table.first_step + spec.positions;
  const bool packets = random.chance(0.5);
  table.missing.assign(kFeatureCount, true);
  for (const int f : {kBytesIn, kBytesOut}) table.missing[static_cast<size_t>(f)] = false;
  for (const int f : {kPacketsIn, kPacketsOut}) table.missing[static_cast<size_t>(f)] = !packets;
  const auto steps = static_cast<size_t>(spec.positions);
  table.offsets.push_back(0);
  for (int64_t node = 0; node < spec.nodes; ++node) {
    const double step_s = static_cast<double>(table.step_ms) / 1'000;
    const Node n = draw_node(random, steps, step_s, 86'400 / step_s);
    for (size_t t = 0; t < steps; ++t) {
      if (n.in[t] <= 0 && n.out[t] <= 0) continue;
      table.steps.push_back(table.first_step + static_cast<int64_t>(t));
      const size_t at = table.values.size();
      table.values.resize(at + kFeatureCount, unknown);
      float* frame = table.values.data() + at;
      frame[kBytesIn] = static_cast<float>(n.in[t]);
      frame[kBytesOut] = static_cast<float>(n.out[t]);
      if (!packets) continue;
      frame[kPacketsIn] = std::ceil(frame[kBytesIn] / static_cast<float>(n.packet));
      frame[kPacketsOut] = std::ceil(frame[kBytesOut] / static_cast<float>(n.packet));
    }
    table.nodes.push_back(fmt::format("gauge-{}", node));
    table.offsets.push_back(table.steps.size());
  }
  net.attacks.resize(table.nodes.size());
  return net;
}

}  // namespace netflowgen::study

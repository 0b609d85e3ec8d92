// What tests of learning share: a small table, a small model's options, a folder that is gone at the end.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <string>
#include <vector>

#include "base/file.h"
#include "base/random.h"
#include "base/stop.h"
#include "learn/pretrain.h"

namespace netflowgen::learn::testing {

// Nodes with a daily shape, idle nights and noise; hourly steps.
inline series::FrameTable sample_table(uint64_t seed, size_t nodes = 6, int64_t days = 40) {
  series::FrameTable t;
  t.step_ms = 3600000;
  t.first_step = 250000;
  t.end_step = t.first_step + days * 24;
  t.offsets.push_back(0);
  t.missing.assign(series::kFeatureCount, true);
  for (const int f : {series::kBytesIn, series::kFlowsIn, series::kTcpShareIn, series::kTopPortIn})
    t.missing[static_cast<size_t>(f)] = false;
  base::Random random(seed);
  for (size_t n = 0; n < nodes; ++n) {
    t.nodes.push_back("10.0.0." + std::to_string(n));
    for (int64_t s = t.first_step; s < t.end_step; ++s) {
      const auto hour = static_cast<double>(s % 24);
      if (hour < 6 && random.chance(0.9)) continue;
      const double flows = std::ceil((1 + static_cast<double>(n)) * (hour + 1) * random.lognormal(0, 0.2));
      std::vector<float> f(series::kFeatureCount, NAN);
      f[series::kFlowsIn] = static_cast<float>(flows);
      f[series::kBytesIn] = static_cast<float>(std::round(flows * 700));
      f[series::kTcpShareIn] = static_cast<float>(random.uniform());
      f[series::kTopPortIn] = 443;
      t.steps.push_back(s);
      t.values.insert(t.values.end(), f.begin(), f.end());
    }
    t.offsets.push_back(t.steps.size());
  }
  return t;
}

inline PretrainOptions small_options() {
  PretrainOptions o;
  o.spec = model::ModelSpec::preset_of("default", "nano");
  o.spec.d_model = 32;
  o.spec.layers = 2;
  o.spec.d_ff = 64;
  o.spec.window = 24;
  o.spec.input.leads = {1, 6};
  o.steps = 12;
  o.batch = 8;
  o.length = 64;
  o.warmup = 4;
  o.evaluate_every = 4;
  o.validation_windows = 16;
  return o;
}

struct Scratch {
  explicit Scratch(const std::string& name)
      : path(base::fs::path(::testing::TempDir()) / ("nfg_learn_" + name + std::to_string(::getpid()))) {
    base::fs::remove_all(path);
  }
  ~Scratch() { base::fs::remove_all(path); }
  base::fs::path path;
};

inline const base::StopFlag kGo;

}  // namespace netflowgen::learn::testing

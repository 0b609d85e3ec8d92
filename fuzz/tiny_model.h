// The smallest model that has every part, and a stream over it: for the targets of the model folder and of the state
// file, and for their seeds.
#pragma once

#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

#include "detect/alert.h"
#include "detect/calibration.h"
#include "detect/policy.h"
#include "detect/rule_set.h"
#include "detect/streaming_detector.h"
#include "detect/track.h"
#include "infer/testing.h"

namespace netflowgen::fuzz {

inline void require(bool ok) {
  if (!ok) std::abort();
}

inline model::ModelSpec tiny_spec() {
  model::ModelSpec s;
  s.d_model = 8;
  s.layers = 1;
  s.heads = 2;
  s.kv_heads = 1;
  s.d_ff = 8;
  s.window = 4;
  s.input.idle_steps = 2;
  s.input.calendar = token::Calendar::kNone;
  s.input.season_lags = {3};
  s.quantiles = {0.1f, 0.5f, 0.9f};
  s.tasks = {{"ddos", "hazard", {}, true, true, true, 4, 3, 2},
             {"attack-type", "classes", {"syn_flood", "udp_flood"}, true, false, true, 0}};
  return s;
}

inline token::Tokenizer tiny_tokenizer() {
  return infer::testing::random_tokenizer(1, 2, {6, 6, 6, 6, 4, 0, false, true});
}

inline detect::Calibration tiny_calibration() {
  detect::TaskCalibration ddos;
  ddos.name = "ddos";
  ddos.score = "head ddos";
  ddos.timing = {1, 2, 4, 0, 40, 60};
  ddos.thresholds = {{10, -4, 0, false}, {1, -2, 0, false}, {0.1, -1, 0, false}, {0.01, 1, 0, false}};
  detect::TaskCalibration anomaly = ddos;
  anomaly.name = "anomaly";
  anomaly.score = "inject";
  return {{ddos, anomaly}};
}

// A folder that goes with the object.
class Scratch {
 public:
  Scratch() : path_(base::fs::temp_directory_path() / ("nfg_fuzz_" + std::to_string(::getpid()))) {
    base::fs::create_directories(path_);
  }
  ~Scratch() {
    std::error_code ignored;
    base::fs::remove_all(path_, ignored);
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;

  base::fs::path path(const char* name) const { return path_ / name; }
  // Plain: these bytes need not survive a crash.
  void write(const char* name, std::string_view text) const {
    std::ofstream(path(name), std::ios::binary) << text;
  }

 private:
  base::fs::path path_;
};

// A model's stream; alerts are made into JSON and thrown away.
class TinyStream {
 public:
  TinyStream(std::shared_ptr<const infer::Model> model, const detect::Calibration& calibration,
             infer::Precision cache)
      : rules_(policies(), calibration, model->spec().input.step_ms, model->spec().window),
        stream_(model, rules_, options(cache),
                [](const detect::Alert& a) { require(!detect::to_json_line(a).empty()); }) {}

  detect::StreamingDetector& stream() { return stream_; }

  // Steps from `first` on: silence, ordinary frames, floods.
  void drive(int64_t first, int64_t count) {
    base::Random random(7);
    for (int64_t step = first; step < first + count; ++step) {
      for (int n = 0; n < 5; ++n) {
        if (random.chance(0.4)) continue;
        auto frame = infer::testing::random_frame(random, 2);
        if (random.chance(0.2)) frame[series::kBytesIn] = 1e9f;
        if (random.chance(0.05)) frame[series::kBytesIn] = INFINITY;
        stream_.add("10.0.0." + std::to_string(n), step, frame);
      }
      stream_.close(step);
    }
    require(stream_.frames_ledger().balanced() && stream_.nodes_ledger().balanced() &&
            stream_.alerts_ledger().balanced());
  }

 private:
  static const detect::Policies& policies() {
    static const auto parsed = detect::Policies::parse("defaults: {learning: 0s, outage: 5m}", "policy", {});
    return parsed;
  }
  static infer::EngineOptions options(infer::Precision cache) {
    infer::EngineOptions o;
    o.cache = cache;
    o.max_nodes = 4;  // fewer than there are: evictions
    o.max_bytes = size_t{1} << 24;
    return o;
  }
  detect::RuleSet rules_;
  detect::StreamingDetector stream_;
};

}  // namespace netflowgen::fuzz

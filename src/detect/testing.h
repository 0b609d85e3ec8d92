// A detector for tests, fed with scores written by hand: one score a minute for each node, '.' is a minute without a frame.
#pragma once

#include <fmt/format.h>

#include <limits>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/random.h"
#include "detect/band.h"
#include "detect/detector.h"
#include "detect/detector_state.h"
#include "detect/type_model.h"
#include "infer/engine.h"
#include "series/features.h"
#include "series/node.h"
#include "series/rates.h"

namespace netflowgen::detect {

inline constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

inline constexpr float kCrowd = 4000;  // packets of long connections that are answered
inline constexpr float kCopy = 6000;   // of two of them, with one peer

inline std::vector<float> frame_of(float packets) {
  std::vector<float> f(series::kFeatureCount, 0.0f);
  if (packets == kCrowd || packets == kCopy) {
    for (const int offset : {0, int{series::kOutOffset}}) {
      const auto at = [&](int feature) -> float& { return f[static_cast<size_t>(feature + offset)]; };
      at(series::kBytesIn) = packets * 500;
      at(series::kPacketsIn) = packets;
      at(series::kFlowsIn) = packets == kCopy ? 12 : packets / 40;
      at(series::kTopPeerShareIn) = packets == kCopy ? 0.9f : 0.0f;
      at(series::kPacketSizeIn) = 500;
      at(series::kTcpShareIn) = 1;
    }
    return f;
  }
  f[series::kBytesIn] = packets * 50;
  f[series::kPacketsIn] = packets;
  f[series::kFlowsIn] = packets;
  f[series::kPacketSizeIn] = 50;
  f[series::kTcpShareIn] = 1;
  f[series::kSynShareIn] = packets > 100 ? 1 : 0.1f;
  return f;
}

inline token::Encoder encoder() {
  token::TokenFit fit;
  base::Random random(1);
  for (int i = 0; i < 500; ++i) fit.add(frame_of(static_cast<float>(1 + random.below(20))));
  return token::Encoder(fit.finish({}), {});
}

inline Calibration calibration() {
  TaskCalibration t;
  t.name = "ddos";
  t.score = "head ddos";
  t.timing = {1, 2, 3, 0, 20, 60};
  t.thresholds = {{1, 3, 0, false}, {0.1, 5, 0, false}, {0.01, 7, 0, false}, {0.001, 8, 0, false}};
  return {{t}};
}

class World {
 public:
  explicit World(const std::string& yaml = "defaults: {learning: 0s}", const TypeModel* types = nullptr)
      : types_(types),
        encoder_(encoder()),
        rules_(Policies::parse(yaml, "p", {"ddos"}), calibration(), 60'000, 128),
        detector_(rules_, parts(), [this](const Alert& a) { alerts.push_back(a); }) {}

  static float packets_of(char letter) {
    if (letter == '9' || letter == 't') return letter == '9' ? 1000 : 25;
    return letter == 'c' ? kCrowd : letter == 'b' ? kCopy : 10;
  }
  // Scores and, where they differ from 10, packets of each node: '9' is a thousand of them, 't' 25, 'c' those of a flash crowd,
  // 'b' of a backup.
  World& run(const std::map<std::string, std::string>& scores, const std::string& packets = "") {
    size_t length = 0;
    for (const auto& [node, s] : scores) length = std::max(length, s.size());
    for (size_t i = 0; i < length; ++i, ++step_) {
      for (const auto& [node, s] : scores) {
        if (i < s.size() && s[i] != '.')
          update(node, s[i], packets_of(i < packets.size() ? packets[i] : '0'));
      }
      detector_.end_step(step_);
    }
    return *this;
  }

  std::vector<std::string> events() const {
    std::vector<std::string> all;
    for (const auto& a : alerts) {
      all.push_back(fmt::format("{} {} {}", a.node, name_of(a.event), a.event_ms / 60'000 - 1));
    }
    return all;
  }

  // What the open steps would raise, a score a step from the next one on.
  World& foresee(const std::string& node, const std::string& scores, const std::string& packets,
                 int64_t after_ms = 5000) {
    std::vector<int64_t> steps;
    std::vector<std::unique_ptr<Scored>> scored;
    std::vector<NodeScores> seen;
    for (size_t i = 0; i < scores.size(); ++i) {
      steps.push_back(step_ + static_cast<int64_t>(i));
      scored.push_back(std::make_unique<Scored>(encoder_, node, scores[i], packets_of(packets[i])));
      seen.push_back(scored.back()->seen);
    }
    detector_.foresee(steps, seen, step_ * 60'000 + after_ms);
    return *this;
  }

  std::vector<Alert> alerts;
  std::vector<Incident> incidents;
  Detector& detector() { return detector_; }
  // As after a restart: the alert is of a file, and the state is older.
  bool take_back(const Alert& alert) { return DetectorState::take_back(detector_, step_, alert); }

 private:
  DetectorParts parts() {
    DetectorParts p;
    p.encoder = &encoder_;
    p.types = types_;
    p.quantiles = {0.1f, 0.5f, 0.9f};
    p.incidents = [this](const Incident& i) { incidents.push_back(i); };
    p.survival = [](uint64_t, int64_t) { return 1e-4; };
    return p;
  }
  struct Scored {
    Scored(const token::Encoder& encoder, const std::string& name, char letter, float packets)
        : frame(frame_of(packets)),
          score(letter == 'n' ? kNaN : static_cast<float>(letter - '0')),
          surprise(encoder.target_sizes().size(), 0.5f) {
      // Forecast: log1p of the level, 0.1 more at the 90 % quantile.
      for (size_t v = 0; v < encoder.volumes(); ++v) direct.insert(direct.end(), {-0.1f, 0.0f, 0.1f});
      for (const float x : volumes_of(encoder, frame_of(10))) {
        if (level.size() < encoder.volumes()) level.push_back(x);
      }
      seen.node = infer::node_key(name);
      seen.name = name;
      seen.frame = frame;
      seen.scores = {&score, 1};
      seen.surprise = surprise;
      seen.direct = direct;
      seen.level = level;
    }
    std::vector<float> frame;
    float score;
    std::vector<float> surprise;
    std::vector<float> direct;
    std::vector<float> level;
    NodeScores seen;
  };
  void update(const std::string& node, char score, float packets) {
    const Scored scored(encoder_, node, score, packets);
    detector_.update(step_, std::span(&scored.seen, 1));
  }

  const TypeModel* types_;
  token::Encoder encoder_;
  RuleSet rules_;
  Detector detector_;
  int64_t step_ = 0;
};

}  // namespace netflowgen::detect

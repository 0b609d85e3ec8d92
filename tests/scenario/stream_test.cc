// Laws of the live path over random models and series: alerts do not depend on threads, on the order of nodes
// within a step, or on a restart in between; bad state files are refused.
#include "detect/alert.h"
#include "detect/alert_record.h"
#include "detect/calibration.h"
#include "detect/detector_state.h"
#include "detect/policy.h"
#include "detect/rule_set.h"
#include "detect/streaming_detector.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cmath>

#include <fmt/format.h>

#include "base/error.h"
#include "base/file.h"
#include "base/random.h"
#include "infer/testing.h"

namespace netflowgen::detect {
namespace {

using infer::testing::RandomModel;

constexpr int kNodes = 12;
constexpr int64_t kSteps = 160;

model::ModelSpec small_spec() {
  model::ModelSpec s;
  s.d_model = 16;
  s.layers = 2;
  s.heads = 2;
  s.kv_heads = 1;
  s.d_ff = 24;
  s.window = 8;
  s.input.surroundings = true;
  s.tasks = {{"ddos", "hazard", {}, true, true, true, 8}};
  return s;
}

// `anomaly`: where that task's score comes from.
Calibration calibration(const std::string& anomaly_score = "inject") {
  TaskCalibration ddos;
  ddos.name = "ddos";
  ddos.score = "head ddos";
  ddos.timing = {1, 2, 4, 0, 40, 60};
  ddos.thresholds = {{10, -2, 0, false}, {1, -0.3f, 0, false}, {0.1, 0.5f, 0, false}, {0.01, 1.5f, 0, false}};
  TaskCalibration anomaly = ddos;
  anomaly.name = "anomaly";
  anomaly.score = anomaly_score;
  return {{ddos, anomaly}};
}

// Frames by step and node: idle stretches, bursts, now and then a thousandfold volume.
struct Input {
  std::vector<std::vector<std::pair<std::string, std::vector<float>>>> steps;

  explicit Input(uint64_t seed, int64_t count = kSteps) {
    base::Random random(seed);
    std::vector<int> quiet(kNodes, 0);
    steps.resize(static_cast<size_t>(count));
    for (auto& step : steps) {
      for (int n = 0; n < kNodes; ++n) {
        auto& q = quiet[static_cast<size_t>(n)];
        if (q > 0) {
          --q;
          continue;
        }
        if (random.chance(0.1)) q = static_cast<int>(random.below(30));
        auto frame = infer::testing::random_frame(random, 12);
        if (random.chance(0.05)) {
          for (const int f : {series::kBytesIn, series::kPacketsIn, series::kFlowsIn})
            frame[static_cast<size_t>(f)] = 1e7f;
        }
        step.emplace_back("10.0.0." + std::to_string(n), std::move(frame));
      }
    }
  }
};

class Path {
 public:
  Path(const base::fs::path& model, int threads,
       const std::string& yaml = "defaults: {learning: 20m, outage: 10m}",
       const std::string& anomaly_score = "inject")
      : rules_(Policies::parse(yaml, "p", {"ddos", "anomaly"}), calibration(anomaly_score), 60'000, 8),
        stream_(
            infer::Model::load(model), rules_, options(threads),
            [this](const Alert& a) { text += to_json_line(a); },
            [this](const Incident& i) { text += to_json_line(i); }) {}

  Path& play(const Input& input, int64_t from, int64_t to, bool backwards = false) {
    for (int64_t s = from; s < to; ++s) {
      auto frames = input.steps[static_cast<size_t>(s)];
      if (backwards) std::reverse(frames.begin(), frames.end());
      for (const auto& [node, frame] : frames) stream_.add(node, 1000 + s, frame);
      if (!frames.empty()) stream_.close(1000 + s);
    }
    return *this;
  }
  // Each node's flows of a step, seen before its frames, in the order asked for.
  Path& play_with_flows(const Input& input, int64_t to, bool backwards = false) {
    for (int64_t s = 0; s < to; ++s) {
      std::vector<flow::Flow> flows;
      for (const auto& [node, frame] : input.steps[static_cast<size_t>(s)]) {
        const auto address = base::IpAddr::parse(node);
        for (uint32_t i = 0; address && i < 20; ++i) flows.push_back(flow_to(*address, s, i));
      }
      if (backwards) std::reverse(flows.begin(), flows.end());
      stream_.flows(flows);
      play(input, s, s + 1, backwards);
    }
    return *this;
  }
  StreamingDetector& stream() { return stream_; }
  std::string text;

 private:
  static flow::Flow flow_to(const base::IpAddr& node, int64_t s, uint32_t i) {
    flow::Flow f;
    f.src = base::IpAddr::v4(0xcb007100 +
                             static_cast<uint32_t>(base::mix64(static_cast<uint64_t>(s) * 100 + i) % 200));
    f.dst = node;
    f.start_ms = f.end_ms = (1000 + s) * 60'000 + i;
    f.packets = 1 + i;
    f.bytes = 100 * f.packets;
    f.protocol = i % 3 == 0 ? flow::kUdp : flow::kTcp;
    f.src_port = static_cast<uint16_t>(40'000 + i);
    f.dst_port = 443;
    f.known = flow::kKnownAddresses | flow::kKnownPorts | flow::kKnownPackets | flow::kKnownBytes |
              flow::kKnownProtocol;
    return f;
  }
  static infer::EngineOptions options(int threads) {
    infer::EngineOptions o;
    o.threads = threads;
    o.max_nodes = 64;
    return o;
  }
  RuleSet rules_;
  StreamingDetector stream_;
};

class StreamTest : public ::testing::Test {
 protected:
  StreamTest()
      : path_(base::fs::temp_directory_path() /
              ("nfg_stream_" + std::to_string(::getpid()) + ".safetensors")) {}
  ~StreamTest() override { base::fs::remove(path_); }
  base::fs::path path_;
};

TEST_F(StreamTest, ThreadsAndOrderChangeNothing) {
  for (const uint64_t seed : {1u, 2u, 3u}) {
    const RandomModel model(small_spec(), seed);
    const Input input(seed);
    Path one(model.path(), 1);
    one.play(input, 0, kSteps);
    EXPECT_GE(std::count(one.text.begin(), one.text.end(), '\n'), 5);
    EXPECT_NE(one.text.find("\"event\":\"ended\""), std::string::npos);
    EXPECT_EQ(Path(model.path(), 3).play(input, 0, kSteps, true).text, one.text);
    for (const auto& l :
         {one.stream().frames_ledger(), one.stream().nodes_ledger(), one.stream().alerts_ledger()}) {
      EXPECT_TRUE(l.balanced()) << l.stage;
    }
  }
}

TEST_F(StreamTest, RestoredEqualsUninterrupted) {
  for (const uint64_t seed : {4u, 5u, 6u}) {
    const RandomModel model(small_spec(), seed);
    const Input input(seed);
    Path whole(model.path(), 1);
    whole.play(input, 0, kSteps);
    for (const int64_t cut : {int64_t{31}, int64_t{90}}) {
      Path before(model.path(), 1);
      before.play(input, 0, cut);
      DetectorState::save(before.stream(), path_);
      const std::string bytes = base::read_file(path_);
      Path after(model.path(), 1);
      DetectorState::restore(after.stream(), path_);
      DetectorState::save(after.stream(), path_);
      EXPECT_EQ(base::read_file(path_), bytes);
      after.play(input, cut, kSteps);
      EXPECT_EQ(before.text + after.text, whole.text);
    }
  }
}

// The score of what is unlike a node's past: nodes learn for 128 active steps before they have one.
TEST_F(StreamTest, UnusualDoesNotDependOnThreadsOrOnARestart) {
  constexpr int64_t kCount = 420;
  const std::string only = "defaults: {learning: 20m, false_alarms: {anomaly: 10}, thresholds: {ddos: off}}";
  const RandomModel model(small_spec(), 12);
  const Input input(12, kCount);
  Path whole(model.path(), 1, only, "unusual");
  whole.play(input, 0, kCount);
  EXPECT_NE(whole.text.find("\"task\":\"anomaly\""), std::string::npos);
  EXPECT_EQ(Path(model.path(), 3, only, "unusual").play(input, 0, kCount, true).text, whole.text);
  for (const int64_t cut : {int64_t{90}, int64_t{300}}) {
    Path before(model.path(), 1, only, "unusual");
    before.play(input, 0, cut);
    DetectorState::save(before.stream(), path_);
    const std::string bytes = base::read_file(path_);
    Path after(model.path(), 3, only, "unusual");
    DetectorState::restore(after.stream(), path_);
    DetectorState::save(after.stream(), path_);
    EXPECT_EQ(base::read_file(path_), bytes);
    after.play(input, cut, kCount);
    EXPECT_EQ(before.text + after.text, whole.text) << cut;
    // A program whose task has another score reads the rest.
    EXPECT_NO_THROW(DetectorState::restore(Path(model.path(), 1, only).stream(), path_));
  }
}

TEST_F(StreamTest, UsualTrafficDoesNotDependOnOrderAndIsSaved) {
  const RandomModel model(small_spec(), 11);
  const Input input(11);
  Path one(model.path(), 1);
  one.play_with_flows(input, kSteps);
  EXPECT_NE(one.text.find("\"collateral\":0."), std::string::npos);
  EXPECT_EQ(Path(model.path(), 3).play_with_flows(input, kSteps, true).text, one.text);
  DetectorState::save(one.stream(), path_);
  const std::string bytes = base::read_file(path_);
  Path after(model.path(), 1);
  DetectorState::restore(after.stream(), path_);
  DetectorState::save(after.stream(), path_);
  EXPECT_EQ(base::read_file(path_), bytes);
}

TEST_F(StreamTest, StateOfFormat1IsRead) {
  const RandomModel model(small_spec(), 4);
  const Input input(4);
  Path before(model.path(), 1, "defaults: {learning: 20m}\nincidents: off");
  before.play(input, 0, 90);
  DetectorState::save(before.stream(), path_, 1);
  Path after(model.path(), 1, "defaults: {learning: 20m}\nincidents: off");
  DetectorState::restore(after.stream(), path_);
  Path whole(model.path(), 1, "defaults: {learning: 20m}\nincidents: off");
  whole.play(input, 0, kSteps);
  after.play(input, 90, kSteps);
  // The same alerts with the same times; only what format 1 did not keep may differ.
  const auto times = [](const std::string& text) {
    std::string out;
    for (size_t at = 0; at < text.size(); at = text.find('\n', at) + 1) {
      const Alert a = parse_alert_record(text.substr(at, text.find('\n', at) - at), "x");
      out += fmt::format("{} {} {} {}\n", a.id, name_of(a.event), a.event_ms, a.end_ms);
    }
    return out;
  };
  EXPECT_GT(after.text.size(), 0u);
  EXPECT_EQ(times(before.text + after.text), times(whole.text));
}

TEST_F(StreamTest, BadStateIsRefused) {
  const RandomModel model(small_spec(), 7);
  const RandomModel other(small_spec(), 8);
  const Input input(7);
  Path run(model.path(), 1);
  run.play(input, 0, 40);
  DetectorState::save(run.stream(), path_);
  EXPECT_THROW(DetectorState::restore(Path(other.path(), 1).stream(), path_), base::Error);
  EXPECT_THROW(DetectorState::restore(Path(model.path(), 1).stream(), "/nonexistent/state"), base::Error);
  const std::string good = base::read_file(path_);
  const size_t at = good.rfind("10.0.0.");  // inside the detector's own bytes
  ASSERT_NE(at, std::string::npos);
  std::string bad = good;
  bad[at] = '9';
  base::write_file(path_, bad);
  EXPECT_THROW(DetectorState::restore(Path(model.path(), 1).stream(), path_), base::Error);
  base::write_file(path_, good.substr(0, good.size() / 2));
  EXPECT_THROW(DetectorState::restore(Path(model.path(), 1).stream(), path_), base::Error);
}

TEST_F(StreamTest, FullArenaIsCountedAndDoesNotStop) {
  const RandomModel model(small_spec(), 9);
  RuleSet rules({}, calibration(), 60'000, 8);
  infer::EngineOptions options;
  options.max_nodes = 4;
  StreamingDetector stream(infer::Model::load(model.path()), rules, options, [](const Alert&) {});
  const Input input(9);
  for (int64_t s = 0; s < 40; ++s) {
    for (const auto& [node, frame] : input.steps[static_cast<size_t>(s)]) stream.add(node, s, frame);
    stream.close(s);
  }
  EXPECT_TRUE(stream.frames_ledger().balanced());
  EXPECT_GT(stream.frames_ledger().dropped() + stream.nodes_ledger().dropped(), 0u);
}

TEST_F(StreamTest, ACalibrationOfAnotherModelIsRefused) {
  auto spec = small_spec();
  spec.tasks.clear();
  const RandomModel model(spec, 10);
  EXPECT_THROW(Path(model.path(), 1), base::Error);
}

// Before each step its frames are looked at, half of them with more traffic than they will have: alerts that are not early, and
// the state, are those of a stream that never looks.
TEST(Stream, LookingAheadChangesNothing) {
  const RandomModel model(small_spec(), 5);
  const Input input(9);
  // A policy says the severity: by scores of random weights all are low, which are not raised early.
  const std::string policy = "defaults: {learning: 20m, outage: 10m, severity: high}";
  Path plain(model.path(), 1, policy);
  plain.play(input, 0, kSteps);
  Path looking(model.path(), 1, policy);
  for (int64_t s = 0; s < kSteps; ++s) {
    for (const auto& [node, frame] : input.steps[static_cast<size_t>(s)]) {
      std::vector<float> more = frame;
      if (s % 2 == 0) more[series::kBytesIn] = more[series::kPacketsIn] = 1e8f;
      const std::vector<int64_t> steps = {1000 + s};
      looking.stream().foresee(node, steps, more, (1000 + s) * 60'000);
    }
    looking.play(input, s, s + 1);
  }
  std::istringstream lines(looking.text);
  std::string rest;
  std::string early;
  for (std::string line; std::getline(lines, line);) {
    (line.find("\"early\":true") == std::string::npos ? rest : early) += line + "\n";
  }
  EXPECT_FALSE(early.empty());
  std::istringstream all(plain.text);
  size_t shared = 0;
  for (std::string line; std::getline(all, line);)
    shared += looking.text.find(line.substr(0, 60)) != std::string::npos ? 1 : 0;
  EXPECT_GT(shared, 0u);
  const auto folder = base::fs::temp_directory_path();
  const auto a = folder / ("nfg_look_a_" + std::to_string(::getpid()));
  const auto b = folder / ("nfg_look_b_" + std::to_string(::getpid()));
  looking.stream().engine().save(a);
  plain.stream().engine().save(b);
  EXPECT_EQ(base::read_file(a), base::read_file(b));
  base::fs::remove(a);
  base::fs::remove(b);
}

// All scores of a path, as bits: most are NaN while nodes are learnt.
std::vector<uint32_t> scores_of(Path& path, const Input& input, int64_t to, bool look) {
  std::vector<uint32_t> bits;
  path.stream().set_observer([&bits](int64_t, std::span<const NodeScores> seen) {
    for (const auto& s : seen) {
      if (s.frame.empty()) continue;
      for (const float x : s.scores) bits.push_back(std::bit_cast<uint32_t>(x));
    }
  });
  for (int64_t s = 0; s < to; ++s) {
    for (const auto& [node, frame] : input.steps[static_cast<size_t>(s)]) {
      std::vector<float> more = frame;
      more[series::kBytesIn] = more[series::kPacketsIn] = 1e8f;
      if (look && s > 300)
        path.stream().foresee(node, std::vector<int64_t>{1000 + s}, more, (1000 + s) * 60'000);
    }
    path.play(input, s, s + 1);
  }
  return bits;
}

TEST(Stream, LookingAheadTeachesNothing) {
  constexpr int64_t kCount = 420;
  const std::string policy = "defaults: {learning: 20m, false_alarms: {anomaly: 10}, severity: high}";
  const RandomModel model(small_spec(), 14);
  const Input input(14, kCount);
  Path plain(model.path(), 1, policy, "unusual");
  Path looking(model.path(), 1, policy, "unusual");
  const auto bits = scores_of(plain, input, kCount, false);
  EXPECT_EQ(scores_of(looking, input, kCount, true), bits);
  size_t known = 0;  // of task anomaly, the second
  for (size_t i = 1; i < bits.size(); i += 2) known += std::isnan(std::bit_cast<float>(bits[i])) ? 0 : 1;
  EXPECT_GT(known, 100u);
  EXPECT_NE(looking.text.find("\"task\":\"anomaly\""), std::string::npos);
}

}  // namespace
}  // namespace netflowgen::detect

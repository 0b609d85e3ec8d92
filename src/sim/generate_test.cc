// Generated series: reproducible, whole, and with the joint distribution of what they were made after, even where the model's forecast
// knows nothing of it.
#include "sim/generate.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <cstring>
#include <map>

#include "base/error.h"
#include "base/nan.h"
#include "base/random.h"
#include "infer/engine.h"
#include "sim/generate/next_step.h"

namespace netflowgen::sim {
namespace {

using namespace series;
using Made = std::map<std::pair<std::string, int64_t>, std::vector<float>>;

constexpr int64_t kFirst = 28'000'000;  // minutes since the epoch
constexpr int64_t kPast = 1'500;

// A model whose forecast is always the same: all weights are zero but the norms and the biases of the next-step head.
class SameForecast {
 public:
  SameForecast() : path_(base::fs::temp_directory_path() / fmt::format("nfg_generate_{}", ::getpid())) {
    auto spec = model::ModelSpec::preset_of("universal", "nano");
    spec.window = 16;
    const auto tokenizer = token::Tokenizer::universal();
    base::Random random(7);
    std::vector<std::vector<float>> values;
    base::NamedTensors named;
    const auto specs = model::tensors(spec, token::Encoder(tokenizer, spec.input));
    values.reserve(specs.size());
    for (const auto& t : specs) {
      int64_t size = 1;
      for (const auto n : t.shape) size *= n;
      values.emplace_back(static_cast<size_t>(size), t.name.ends_with("norm.weight") ? 1.0f : 0.0f);
      if (t.name == "next.bias") {
        for (auto& x : values.back()) x = static_cast<float>(random.normal());
      }
      named.emplace_back(t.name, base::tensor_view<float>(values.back(), t.shape));
    }
    model::save_model(path_, spec, tokenizer, named, "the same forecast always\n");
  }
  ~SameForecast() { base::fs::remove_all(path_); }
  const base::fs::path& path() const { return path_; }

 private:
  base::fs::path path_;
};

const std::shared_ptr<const infer::Model>& same_forecast() {
  static const SameForecast kFolder;
  static const auto kModel = infer::Model::load(kFolder.path());
  return kModel;
}

// Flows are lognormal, each with 3 packets of 100 bytes, of as many peers; TCP or UDP, in turn. Every third step is idle.
FrameTable past_of(size_t nodes) {
  FrameTable t;
  t.first_step = kFirst;
  t.end_step = kFirst + kPast;
  t.missing.assign(kFeatureCount, true);
  t.offsets.push_back(0);
  base::Random random(5);
  for (size_t n = 0; n < nodes; ++n) {
    t.nodes.push_back(fmt::format("10.0.0.{}", n + 1));
    for (int64_t s = 0; s < kPast; ++s) {
      if (s % 3 == 2) continue;
      std::vector<float> f(kFeatureCount, base::kNaN);
      f[kFlowsIn] = std::round(static_cast<float>(1 + random.lognormal(2, 1)));
      f[kPacketsIn] = 3 * f[kFlowsIn];
      f[kBytesIn] = 100 * f[kPacketsIn];
      f[kPeersIn] = f[kFlowsIn];
      f[kTcpShareIn] = s % 2 == 0 ? 1.0f : 0.0f;
      for (const int i : {kFlowsIn, kPacketsIn, kBytesIn, kPeersIn, kTcpShareIn})
        t.missing[static_cast<size_t>(i)] = false;
      t.steps.push_back(kFirst + s);
      t.values.insert(t.values.end(), f.begin(), f.end());
    }
    t.offsets.push_back(t.steps.size());
  }
  return t;
}

Made generated(const FrameTable& table, GenerateOptions options, GenerateCounts* counts = nullptr) {
  if (options.steps == 0) options.steps = 600;
  Made made;
  const auto visit = [&](const std::string& node, int64_t step, std::span<const float> frame) {
    EXPECT_TRUE(made.emplace(std::pair{node, step}, std::vector<float>(frame.begin(), frame.end())).second);
  };
  base::StopFlag stop;
  const auto found = generate(same_forecast(), table, options, visit, stop, {});
  if (counts != nullptr) *counts = found;
  return made;
}

// Equal to the bit, NaN too.
bool same(const Made& a, const Made& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const auto& x, const auto& y) {
    return x.first == y.first &&
           std::memcmp(x.second.data(), y.second.data(), x.second.size() * sizeof(float)) == 0;
  });
}

double correlation(const Made& made, int a, int b) {
  double n = 0, sa = 0, sb = 0, saa = 0, sbb = 0, sab = 0;
  for (const auto& [key, f] : made) {
    const double x = std::log1p(double{f[static_cast<size_t>(a)]});
    const double y = std::log1p(double{f[static_cast<size_t>(b)]});
    n += 1, sa += x, sb += y, saa += x * x, sbb += y * y, sab += x * y;
  }
  return (n * sab - sa * sb) / std::sqrt((n * saa - sa * sa) * (n * sbb - sb * sb));
}

TEST(Generate, SameSeedSameBitsWhateverTheThreads) {
  const auto table = past_of(5);
  const auto one = generated(table, {.threads = 1});
  ASSERT_GT(one.size(), 1000u);
  EXPECT_TRUE(same(one, generated(table, {.threads = 3})));
  EXPECT_FALSE(same(one, generated(table, {.seed = 2, .threads = 1})));
}

TEST(Generate, ANodeDoesNotDependOnTheOthers) {
  const auto table = past_of(4);
  auto all = generated(table, {});
  std::erase_if(all, [](const auto& x) { return x.first.first != "10.0.0.3"; });
  EXPECT_TRUE(same(all, generated(table, {.nodes = {{2, "10.0.0.3"}}})));
}

TEST(Generate, StepsFollowTheHistoryAndMissingStaysMissing) {
  GenerateCounts counts;
  const auto made = generated(past_of(2), {.steps = 50}, &counts);
  ASSERT_FALSE(made.empty());
  for (const auto& [key, f] : made) {
    EXPECT_GE(key.second, kFirst + kPast);
    EXPECT_LT(key.second, kFirst + kPast + 50);
    EXPECT_TRUE(std::isnan(f[kBytesOut]) && std::isnan(f[kUdpShareIn]) && std::isnan(f[kTopPortIn]));
    EXPECT_FALSE(std::isnan(f[kBytesIn]) || std::isnan(f[kTcpShareIn]));
  }
  EXPECT_EQ(counts.frames, made.size());
  EXPECT_EQ(counts.nodes + counts.silent, 2u);
  EXPECT_GT(counts.learned, 1900u);  // two thirds of 1,500 steps of two nodes, but for the first of each
}

// The distributions and what holds between features come from the node's past, though the forecast knows nothing.
TEST(Generate, FeaturesAreDrawnTogether) {
  const auto table = past_of(4);
  const auto joint = generated(table, {});
  EXPECT_GT(correlation(joint, kFlowsIn, kBytesIn), 0.97);
  EXPECT_GT(correlation(joint, kFlowsIn, kPeersIn), 0.97);
  EXPECT_LT(correlation(generated(table, {.independent = true}), kFlowsIn, kBytesIn), 0.9);
  double log_flows = 0;
  double tcp = 0;
  for (const auto& [key, f] : joint) {
    log_flows += std::log(double{f[kFlowsIn]}) / static_cast<double>(joint.size());
    tcp += f[kTcpShareIn] / static_cast<double>(joint.size());
    EXPECT_TRUE(f[kTcpShareIn] == 0 || f[kTcpShareIn] == 1);
  }
  EXPECT_NEAR(log_flows, 2.1, 0.2);
  EXPECT_NEAR(tcp, 0.5, 0.1);
  EXPECT_NEAR(static_cast<double>(joint.size()) / (4 * 600), 2.0 / 3, 0.1);
}

TEST(Generate, SleepersWakeAsTheyDid) {
  auto table = past_of(1);
  FrameTable sparse = table;  // a step in forty
  sparse.steps.clear();
  sparse.values.clear();
  for (size_t row = 0; row < 600; ++row) {
    sparse.steps.push_back(kFirst + static_cast<int64_t>(row) * 40);
    const auto f = table.frame(row);
    sparse.values.insert(sparse.values.end(), f.begin(), f.end());
  }
  sparse.offsets = {0, 600};
  sparse.end_step = kFirst + 24'000;
  const auto made = generated(sparse, {.steps = 12'000});
  EXPECT_GT(made.size(), 200u);
  EXPECT_LT(made.size(), 450u);
}

TEST(Generate, AFewStepsOfHistoryAreEnough) {
  auto table = past_of(1);
  table.steps.resize(3);
  table.values.resize(3 * kFeatureCount);
  table.offsets = {0, 3};
  table.end_step = table.steps.back() + 1;
  for (const auto& [key, f] : generated(table, {.steps = 2'000})) EXPECT_GE(f[kPacketsIn], f[kFlowsIn]);
}

TEST(Generate, Refusals) {
  auto table = past_of(1);
  EXPECT_THROW(generated(table, {.nodes = {{0, "a"}, {0, "a"}}}), base::Error);
  base::StopFlag stop;
  stop.request();
  EXPECT_THROW(generate(same_forecast(), table, {.steps = 5}, [](const auto&...) {}, stop, {}),
               base::Stopped);
  FrameTable empty;
  empty.offsets = {0};
  EXPECT_THROW(generated(empty, {}), base::Error);
}

TEST(NextStep, RankAndValueAreInverse) {
  const token::Encoder encoder(token::Tokenizer::universal(), [] {
    token::InputSpec spec;
    spec.universal = true;
    spec.scales = {300, 86'400};
    return spec;
  }());
  base::Random random(3);
  std::vector<float> logits(encoder.target_vocabulary());
  for (auto& x : logits) x = static_cast<float>(random.normal());
  OwnValues own(encoder.levels());
  const std::vector<float> values = {1, 1, 1, 2, 3, 7, 7, 40, 1'234, 1'300, 50'000};
  for (const float v : values) own.add(2, v);
  own.sort();
  NextStep forecast(encoder);
  forecast.set(logits, std::vector<uint8_t>(encoder.levels(), 1), Habits(encoder.target_vocabulary()));
  for (int i = 0; i < 200; ++i) {
    const float v = i % 12 == 11 ? 0 : values[static_cast<size_t>(i % 12)];
    EXPECT_EQ(forecast.value(2, forecast.rank(2, v, own, random.uniform()), own), v);
    const auto gap = static_cast<int64_t>(1 + random.below(5'000));
    EXPECT_EQ(forecast.gap(forecast.gap_rank(gap, 0.5), 0), gap);
    EXPECT_GT(forecast.gap(random.uniform(), gap), gap);
  }
  EXPECT_EQ(forecast.rank(2, base::kNaN, own, 0.5), NextStep::kUnknown);
}

std::vector<float> frame_of(std::map<int, float> values) {
  std::vector<float> f(kFeatureCount, base::kNaN);
  for (const auto& [feature, value] : values) f[static_cast<size_t>(feature)] = value;
  return f;
}

TEST(MakeConsistent, MendsWhatCannotBe) {
  auto f = frame_of({{kFlowsIn, 4.4f},
                     {kPacketsIn, 2},
                     {kBytesIn, 1},
                     {kPacketSizeIn, 900},
                     {kPeersIn, 9},
                     {kPortsIn, 3},
                     {kTopPeerShareIn, 0.01f},
                     {kPeerEntropyIn, 0.9f},
                     {kTcpShareIn, 0.5f},
                     {kUdpShareIn, 0.5f},
                     {kIcmpShareIn, 0.5f},
                     {kOtherShareIn, 0},
                     {kBytesOut, 12},
                     {kFlowsOut, 1},
                     {kOutInRatio, 0.1f}});
  ASSERT_TRUE(make_consistent(f));
  EXPECT_EQ(f[kFlowsIn], 4);
  EXPECT_EQ(f[kPacketsIn], 4);
  EXPECT_EQ(f[kBytesIn], 4);
  EXPECT_EQ(f[kPacketSizeIn], 1);
  EXPECT_EQ(f[kPeersIn], 4);
  EXPECT_EQ(f[kTopPeerShareIn], 0.25f);
  EXPECT_FLOAT_EQ(f[kPeerEntropyIn], static_cast<float>(std::log(4) / std::log(64)));
  EXPECT_EQ(f[kTcpShareIn] + f[kUdpShareIn] + f[kIcmpShareIn] + f[kOtherShareIn], 1);
  for (const int s : {kTcpShareIn, kUdpShareIn, kIcmpShareIn})
    EXPECT_EQ(f[static_cast<size_t>(s)] * 4, std::round(f[static_cast<size_t>(s)] * 4));
  EXPECT_EQ(f[kOutInRatio], 0.75f);
}

TEST(MakeConsistent, NoMoreProtocolsThanFlows) {
  auto f = frame_of({{kFlowsIn, 1},
                     {kPacketsIn, 100},
                     {kTcpShareIn, 0.3f},
                     {kUdpShareIn, 0.6f},
                     {kIcmpShareIn, 0.1f},
                     {kOtherShareIn, 0},
                     {kSynShareIn, 1}});
  ASSERT_TRUE(make_consistent(f));
  EXPECT_EQ(f[kUdpShareIn], 1);
  EXPECT_EQ(f[kTcpShareIn], 0);
  EXPECT_EQ(f[kSynShareIn], 0);  // no TCP, so no SYN
}

TEST(MakeConsistent, SilenceIsIdle) {
  auto f = frame_of({{kFlowsIn, 0.2f}, {kPacketsIn, 0}, {kPeersIn, 5}, {kFlowsOut, 0}});
  EXPECT_FALSE(make_consistent(f));
  EXPECT_EQ(f[kPeersIn], 0);
}

}  // namespace
}  // namespace netflowgen::sim

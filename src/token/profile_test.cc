#include "token/profile.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "base/random.h"
#include "token/encoder.h"

namespace netflowgen::token {
namespace {

using Frame = std::array<float, series::kFeatureCount>;

Frame frame_of(float flows, float packets, float bytes, float peers) {
  Frame f;
  f.fill(0);
  f[series::kFlowsIn] = flows;
  f[series::kPacketsIn] = packets;
  f[series::kBytesIn] = bytes;
  f[series::kPeersIn] = peers;
  f[series::kTcpShareIn] = 1;
  return f;
}

InputSpec universal(int64_t step_ms = 60'000) {
  InputSpec s;
  s.universal = true;
  s.step_ms = step_ms;
  s.scales = {300, 1'800, 86'400};
  s.leads = {1, 12};
  return s;
}

struct Encoded {
  std::vector<uint32_t> ids;
  std::vector<float> dense;
  std::vector<Token> target;
};

Encoded encode(const Encoder& e, NodeState& state, int64_t step, std::span<const float> frame) {
  Encoded out{std::vector<uint32_t>(e.slots()), std::vector<float>(e.dense()),
              std::vector<Token>(e.levels())};
  e.encode(state, {step, frame}, {out.ids, out.dense, out.target});
  return out;
}

size_t column_of(const Encoder& e, const std::string& name) {
  const auto columns = e.dense_columns();
  for (size_t c = 0; c < columns.size(); ++c) {
    if (columns[c].name == name) return c;
  }
  ADD_FAILURE() << "no column " << name;
  return 0;
}

TEST(Profile, EveryDenseInputHasAName) {
  for (const int64_t step_ms : {5'000, 60'000, 3'600'000}) {
    const Encoder e(Tokenizer::universal(), universal(step_ms));
    EXPECT_EQ(e.dense_columns().size(), e.dense());
  }
  InputSpec own;
  own.scales = {3, 12};
  own.season_lags = {7};
  own.leads = {1, 4};
  const Encoder e(Tokenizer::universal(), own);
  EXPECT_EQ(e.dense_columns().size(), e.dense());
}

// The same change on a node a thousand times as busy looks alike to what is relative, and differs in what is not.
TEST(Profile, RelativeInputsDoNotDependOnTheLevel) {
  const Encoder e(Tokenizer::universal(), universal());
  base::Random random(3);
  NodeState quiet;
  NodeState busy;
  for (int64_t step = 0; step < 400; ++step) {
    const float x = 200 * static_cast<float>(std::exp(0.3 * random.normal()));
    encode(e, quiet, step, frame_of(x, 10 * x, 5'000 * x, 20));
    encode(e, busy, step, frame_of(1'000 * x, 10'000 * x, 5e6f * x, 20));
  }
  const auto a = encode(e, quiet, 400, frame_of(20'000, 200'000, 1e8f, 20));
  const auto b = encode(e, busy, 400, frame_of(2e7f, 2e8f, 1e11f, 20));
  for (const char* name : {"flows_in against 30 min", "bytes_in against 1 day", "packets_in 0 steps ago"})
    EXPECT_NEAR(a.dense[column_of(e, name)], b.dense[column_of(e, name)], 0.2) << name;
  EXPECT_GT(a.dense[column_of(e, "flows_in against 1 day")], 5);
  EXPECT_NEAR(b.dense[column_of(e, "flows_in")] - a.dense[column_of(e, "flows_in")], std::log(1000) / 4,
              0.01);
}

TEST(Profile, AFeatureIsMissingInIdleStepsUntilTheNodeHadIt) {
  const Encoder e(Tokenizer::universal(), universal());
  NodeState state;
  Frame f = frame_of(3, 30, 3'000, 2);
  f[series::kBytesIn] = NAN;
  encode(e, state, 0, f);
  auto idle = e.idle_frame(state);
  EXPECT_EQ(idle[series::kFlowsIn], 0);
  EXPECT_TRUE(std::isnan(idle[series::kBytesIn]));
  EXPECT_EQ(encode(e, state, 1, {}).target[series::kBytesIn], kMissing);
  f[series::kBytesIn] = 3'000;
  encode(e, state, 2, f);
  EXPECT_EQ(encode(e, state, 3, {}).target[series::kBytesIn], kZero);
}

TEST(Profile, SilenceComesToWhatItsStepsComeTo) {
  for (const int64_t step_ms : {5'000, 60'000, 600'000, 3'600'000}) {
    const ProfileRule rule(step_ms);
    Profile once;
    Profile stepped;
    const Frame f = frame_of(9, 90, 9'000, 4);
    const float x[] = {9, 4, 2, 0, 0, 0};
    for (Profile* p : {&once, &stepped}) {
      for (int64_t step = 0; step < 50; ++step) {
        rule.add(*p, f, ProfileRule::values_of(f));
        rule.add_day(*p, step, x);
      }
    }
    rule.add_silence(once, 50, 700);
    for (int64_t step = 50; step < 750; ++step) rule.add_silence(stepped, step, 1);
    EXPECT_EQ(once.steps, stepped.steps);
    EXPECT_NEAR(once.active[0], stepped.active[0], 1e-2);
    for (size_t part = 0; part < kDayParts; ++part) {
      EXPECT_EQ(once.day_known[part], stepped.day_known[part]) << step_ms << " part " << part;
      EXPECT_NEAR(once.day[0][part], stepped.day[0][part], 0.05) << step_ms << " part " << part;
    }
  }
}

TEST(Profile, TheDayIsKnownAtTheSameTimeTomorrow) {
  const ProfileRule rule(600'000);
  Profile p;
  const Frame f = frame_of(1, 1, 1, 1);
  for (int64_t step = 0; step < 2 * 144; ++step) {
    rule.add(p, f, ProfileRule::values_of(f));
    const float x[] = {static_cast<float>(step % 144), 0, 0, 0, 0, 0};
    rule.add_day(p, step, x);
  }
  for (const int64_t step : {288, 300, 431})
    EXPECT_EQ(rule.day_at(p, step, 0), static_cast<float>(step % 144));
  EXPECT_TRUE(std::isnan(rule.day_at({}, 5, 0)));
}

TEST(Profile, InputsAreFiniteForAnyFrame) {
  const Encoder e(Tokenizer::universal(), universal(1));
  base::Random random(8);
  NodeState state;
  const float extremes[] = {0, 1e-30f, 1, 1e30f, INFINITY, NAN, -5};
  int64_t step = -1'000'000'000'000;
  for (int i = 0; i < 500; ++i) {
    Frame f;
    for (float& x : f) x = extremes[random.below(std::size(extremes))];
    step += random.chance(0.9) ? 1 : static_cast<int64_t>(random.below(1'000'000'000));
    for (const float x : encode(e, state, step, f).dense) ASSERT_TRUE(std::isfinite(x));
  }
}

TEST(UniversalTokenizer, HasOrderedBinsForEveryFeature) {
  const Tokenizer t = Tokenizer::universal();
  EXPECT_EQ(t.levels(), static_cast<size_t>(series::kFeatureCount));
  EXPECT_EQ(Tokenizer::from_json(t.to_json(), "test"), t);
  for (const auto& c : t.channels()) {
    if (c.kind != ChannelKind::kLevel) continue;
    for (size_t i = 0; i < c.values.size(); ++i)
      EXPECT_EQ(c.bin(c.values[i]), kFirstBin + i) << series::kFeatures[static_cast<size_t>(c.feature)].name;
  }
}

}  // namespace
}  // namespace netflowgen::token

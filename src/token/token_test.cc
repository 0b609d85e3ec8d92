#include "token/encoder.h"
#include "token/tokenizer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/random.h"

namespace netflowgen::token {
namespace {

using series::kFeatureCount;

std::vector<float> random_frame(base::Random& random) {
  std::vector<float> f(kFeatureCount, NAN);
  f[series::kBytesIn] = random.chance(0.2) ? 0 : static_cast<float>(std::floor(random.pareto(40, 0.7)));
  f[series::kPacketsIn] = std::ceil(f[series::kBytesIn] / 700);
  f[series::kPeersIn] = static_cast<float>(random.poisson(3));
  f[series::kPeerEntropyIn] = static_cast<float>(random.uniform());
  f[series::kTopPortIn] = static_cast<float>(random.chance(0.5) ? 443 : random.below(60000));
  return f;
}

TokenFit fit_of(uint64_t seed, int rows) {
  TokenFit fit;
  base::Random random(seed);
  for (int i = 0; i < rows; ++i) fit.add(random_frame(random));
  return fit;
}

const Channel& channel_of(const Tokenizer& t, int feature, ChannelKind kind = ChannelKind::kLevel) {
  for (const auto& c : t.channels()) {
    if (c.feature == feature && c.kind == kind) return c;
  }
  throw std::runtime_error("no such channel");
}

TEST(TokenFit, MergingEqualsSequentialExactly) {
  TokenFit whole;
  TokenFit parts[3];
  base::Random random(3);
  for (int i = 0; i < 3000; ++i) {
    const auto f = random_frame(random);
    whole.add(f);
    parts[random.below(3)].add(f);
  }
  parts[2].merge(parts[0]);
  parts[1].merge(parts[2]);
  EXPECT_EQ(parts[1].finish({}), whole.finish({}));
}

TEST(Tokenizer, RoundTripsEveryToken) {
  const Tokenizer t = fit_of(1, 5000).finish({});
  for (const auto& c : t.channels()) {
    if (c.kind == ChannelKind::kRelative) continue;
    const int known = c.kind == ChannelKind::kCategory ? c.vocabulary() - 1 : c.vocabulary();
    for (int token = kFirstBin; token < known; ++token) {
      EXPECT_EQ(c.bin(c.decode_value(static_cast<Token>(token))), token);
    }
  }
}

TEST(Tokenizer, DecodesWithinTheBin) {
  const Tokenizer t = fit_of(1, 20000).finish({});
  const Channel& c = channel_of(t, series::kBytesIn);
  base::Random random(9);
  for (int i = 0; i < 2000; ++i) {
    const auto v = static_cast<float>(std::floor(random.pareto(40, 1.5)));
    // max_bin_ratio 1.5 below the tail, 2 in it; the edges have the sketch's 1 % grain.
    const double ratio = c.decode_value(c.bin(v)) / v;
    EXPECT_GT(ratio, 1 / 2.05) << v;
    EXPECT_LT(ratio, 2.05) << v;
  }
}

TEST(Tokenizer, MissingAndZeroAreTheirOwnTokens) {
  const Tokenizer t = fit_of(1, 1000).finish({});
  std::vector<float> f(kFeatureCount, NAN);
  f[series::kBytesIn] = 0;
  std::vector<Token> tokens(t.levels());
  t.encode(f, tokens);
  for (size_t i = 0; i < t.levels(); ++i) {
    EXPECT_EQ(tokens[i], t.channels()[i].feature == series::kBytesIn ? kZero : kMissing);
  }
  EXPECT_EQ(t.levels(), 5u);  // features that no frame gave have no channel
}

TEST(Tokenizer, AMillionTimesTheLargestStillHasDistinctOrderedTokens) {
  const TokenFit fit = fit_of(1, 1000);
  const Tokenizer t = fit.finish({});
  const Channel& c = channel_of(t, series::kPacketsIn);
  base::Random random(1);
  float largest = 0;
  for (int i = 0; i < 1000; ++i) largest = std::max(largest, random_frame(random)[series::kPacketsIn]);
  Token last = 0;
  for (double v = largest; v <= 1.01 * largest * 1e6; v *= 10) {
    const Token token = c.bin(static_cast<float>(v));
    EXPECT_GT(token, last);
    last = token;
  }
  EXPECT_LT(last, c.vocabulary() - 1);  // not even then the open bin at the end
}

TEST(Tokenizer, LargerValuesNeverGetSmallerTokens) {
  const Tokenizer t = fit_of(4, 4000).finish({});
  for (const auto& c : t.channels()) {
    if (c.kind != ChannelKind::kLevel) continue;
    Token last = 0;
    for (double v = 1e-6; v < 1e15; v *= 1.07) {
      const Token token = c.bin(static_cast<float>(v));
      ASSERT_GE(token, last);
      last = token;
    }
  }
}

TEST(Tokenizer, SmallCountsAreExact) {
  const Tokenizer t = fit_of(4, 4000).finish({});
  const Channel& c = channel_of(t, series::kPeersIn);
  for (int v = 1; v <= 6; ++v) {
    EXPECT_NEAR(c.decode_value(c.bin(static_cast<float>(v))), v, 0.01 * v);
  }
}

TEST(Tokenizer, JsonRoundTripIsByteIdentical) {
  const Tokenizer t = fit_of(2, 3000).finish({});
  const std::string text = t.to_json();
  const Tokenizer back = Tokenizer::from_json(text, "x");
  EXPECT_EQ(back, t);
  EXPECT_EQ(back.to_json(), text);
}

TEST(Tokenizer, RefusesAnotherFeatureTableByName) {
  std::string text = fit_of(2, 100).finish({}).to_json();
  text.replace(text.find(series::schema_hash()), 16, "0123456789abcdef");
  text.replace(text.find("bytes_in,"), 8, "octet_in");
  try {
    Tokenizer::from_json(text, "model/tokens.json");
    FAIL();
  } catch (const base::Error& e) {
    EXPECT_THAT(e.what(), testing::HasSubstr("model/tokens.json"));
    EXPECT_THAT(e.what(), testing::HasSubstr("octet_in"));
  }
  EXPECT_THROW(Tokenizer::from_json("{", "x"), base::Error);
  EXPECT_THROW(Tokenizer::from_json("{}", "x"), base::Error);
}

// Bins and channels that would send an encoder past its tables.
TEST(Tokenizer, RefusesChannelsThatNoFitMakes) {
  const std::string good = fit_of(2, 300).finish({}).to_json();
  const auto json = nlohmann::ordered_json::parse(good);
  const auto refused = [](const nlohmann::ordered_json& j) {
    EXPECT_THROW(Tokenizer::from_json(j.dump(), "tokens.json"), base::Error);
  };
  EXPECT_NO_THROW(Tokenizer::from_json(json.dump(), "tokens.json"));
  auto twice = json;  // a volume twice, for each of many levels: more volumes than a node's state holds
  for (const char* list : {"log_mean", "log_deviation"})
    twice[list].insert(twice[list].begin(), json[list][0]);
  twice["channels"].insert(twice["channels"].begin(), json["channels"][0]);
  twice["levels"] = json["levels"].get<int>() + 1;
  refused(twice);
  auto relative = json;  // of a feature that is no volume
  relative["channels"].back()["feature"] = "peers_in";
  refused(relative);
  auto huge = json;
  huge["channels"][0]["values"][0] = 1e300;
  refused(huge);
  auto deviation = json;
  deviation["log_deviation"][0] = 0;
  refused(deviation);
  for (const auto& number :
       {nlohmann::ordered_json(4.4e106), nlohmann::ordered_json(1.5), nlohmann::ordered_json(-1)}) {
    auto odd = json;  // converted without a check, 1.5 is one level
    odd["levels"] = number;
    refused(odd);
  }
  auto format = json;
  format["format"] = 1.25;
  refused(format);
  auto levels = json;
  levels["levels"] = json["channels"].size();
  refused(levels);
}

TEST(Tokenizer, PaperPresetHasTenBins) {
  const Tokenizer t = fit_of(2, 5000).finish(TokenOptions::paper());
  EXPECT_EQ(channel_of(t, series::kBytesIn).values.size(), 10u);
  EXPECT_EQ(t.relatives(), 0u);
}

TEST(Gap, TokensDouble) {
  EXPECT_EQ(gap_token(1), 1);
  EXPECT_EQ(gap_token(2), 2);
  EXPECT_EQ(gap_token(3), 3);
  EXPECT_EQ(gap_token(4), 3);
  EXPECT_EQ(gap_token(5), 4);
  EXPECT_EQ(gap_token(int64_t{1} << 40), kGapTokens - 1);
}

struct Encoded {
  explicit Encoded(const Encoder& e) : ids(e.slots()), dense(e.dense()), target(e.levels()) {}
  Position position() { return {ids, dense, target}; }
  std::vector<uint32_t> ids;
  std::vector<float> dense;
  std::vector<Token> target;
};

TEST(Encoder, IdleRunsKeepRPositionsAndThenSkip) {
  InputSpec spec;
  spec.idle_steps = 2;
  const Tokenizer t = fit_of(2, 100).finish({});
  const Encoder e(t, spec);
  base::Random random(1);
  const auto frame = random_frame(random);
  NodeState s;
  EXPECT_FALSE(e.is_position(s, 10));  // nothing before the first frame
  e.advance(s, 10, frame);
  EXPECT_TRUE(e.is_position(s, 11));
  e.advance(s, 11, {});
  e.advance(s, 12, {});
  EXPECT_FALSE(e.is_position(s, 13));
  spec.idle_steps = -1;
  EXPECT_TRUE(Encoder(t, spec).is_position(s, 13));
  Encoded out(e);
  e.encode(s, {20, frame}, out.position());
  const size_t gap_slot = t.channels().size();
  Encoded first(e);
  NodeState fresh;
  e.encode(fresh, {20, frame}, first.position());
  EXPECT_EQ(out.ids[gap_slot] - first.ids[gap_slot], gap_token(8));
}

TEST(Encoder, IdsStayInsideTheTableForAnyFrame) {
  InputSpec spec;
  spec.nodes = 3;
  spec.calendar = Calendar::kPaper;
  const Encoder e(fit_of(2, 500).finish({}), spec);
  base::Random random(5);
  NodeState s;
  Encoded out(e);
  for (int64_t step = -5000; step < 5000; step += 1 + static_cast<int64_t>(random.below(40))) {
    auto frame = random_frame(random);
    if (random.chance(0.1)) frame[series::kBytesIn] = INFINITY;
    if (random.chance(0.1)) frame[series::kPacketsIn] = -3;
    e.encode(s, {step, random.chance(0.3) ? std::span<const float>() : frame, {}, {}, 77}, out.position());
    for (const auto id : out.ids) ASSERT_LT(id, e.vocabulary());
    for (const auto x : out.dense) ASSERT_LE(std::fabs(x), 8.0f);
    for (size_t i = 0; i < e.levels(); ++i) ASSERT_LT(out.target[i], e.target_sizes()[i]);
  }
}

InputSpec own_units() {
  InputSpec spec;
  spec.step_ms = 300000;
  spec.scales = {3, 12, 288, 2016};
  return spec;
}

std::vector<float> frame_of(float bytes_in) {
  std::vector<float> f(series::kFeatureCount, NAN);
  f[series::kBytesIn] = bytes_in;
  return f;
}

Tokenizer bytes_tokens() {
  TokenFit fit;
  base::Random random(3);
  for (int i = 0; i < 2000; ++i) fit.add(frame_of(static_cast<float>(std::floor(random.lognormal(9, 2)))));
  return fit.finish({});
}

TEST(OwnUnits, TheReferenceIsTheLongestScaleUpToADay) {
  EXPECT_EQ(own_units().reference_scale(), 2u);
  InputSpec hourly = own_units();
  hourly.step_ms = 3600000;
  EXPECT_EQ(hourly.reference_scale(), 1u);
}

TEST(OwnUnits, TargetsRoundTripAndAreAlikeForEveryLevel) {
  const Encoder e(bytes_tokens(), own_units());
  NodeState small;
  NodeState large;
  EXPECT_TRUE(std::isnan(e.target(small, 0, 1)));
  base::Random random(4);
  for (int64_t s = 0; s < 600; ++s) {
    const auto y = static_cast<float>(random.lognormal(18, 0.5));  // far above the unit, where log1p is log
    e.advance(small, s, frame_of(y));
    e.advance(large, s, frame_of(y * 1000));
  }
  for (const float y : {3e7f, 1e8f, 4e9f, 1e14f}) {
    const float z = e.target(small, 0, std::log1p(y));
    EXPECT_NEAR(e.target(large, 0, std::log1p(y * 1000)), z, 2e-3f * (1 + std::fabs(z)));
    EXPECT_NEAR(e.decode_target(small, 0, z), y, 2e-3f * y);
  }
  EXPECT_EQ(e.decode_target(small, 0, -1e30f), 0);
  EXPECT_TRUE(std::isfinite(e.decode_target(large, 0, 1e30f)));
}

TEST(OwnUnits, MeansOfIdleStepsWithoutAPositionDecayAsWithZeros) {
  InputSpec dense = own_units();
  dense.idle_steps = -1;
  const Tokenizer t = bytes_tokens();
  const Encoder every(t, dense);
  const Encoder sparse(t, own_units());
  NodeState a;
  NodeState b;
  for (int64_t s = 0; s < 3000; ++s) {
    every.advance(a, s, frame_of(5000));
    sparse.advance(b, s, frame_of(5000));
  }
  every.skip_idle(a, 3050);
  every.advance(a, 3051, frame_of(100));
  sparse.advance(b, 3051, frame_of(100));
  for (size_t k = 0; k < 4; ++k) EXPECT_NEAR(a.mean[0][k], b.mean[0][k], 1e-3f) << k;
  for (size_t i = 0; i < kRecent; ++i) EXPECT_EQ(a.recent[0][i], b.recent[0][i]);
}

// A leap of the clock is skipped at once, with the result of that number of idle steps.
TEST(OwnUnits, AnIdleLeapComesToWhatItsStepsComeTo) {
  InputSpec dense = own_units();
  dense.idle_steps = -1;
  const Encoder e(bytes_tokens(), dense);
  NodeState a;
  for (int64_t s = 0; s < 3000; ++s) e.advance(a, s, frame_of(5000));
  NodeState b = a;
  const int64_t end = 3000 + 20000;  // more than are looked at one by one
  e.skip_idle(a, end);
  while (b.last_step < end) e.advance(b, b.last_step + 1, {});
  EXPECT_EQ(a.last_step, b.last_step);
  EXPECT_EQ(a.idle_run, b.idle_run);
  for (size_t k = 0; k < 4; ++k) {
    EXPECT_NEAR(a.mean[0][k], b.mean[0][k], 1e-3f) << k;
    EXPECT_NEAR(a.deviation[0][k], b.deviation[0][k], 1e-3f) << k;
  }
  e.skip_idle(a, int64_t{1} << 50);  // and years of it end at once
  EXPECT_EQ(a.last_step, int64_t{1} << 50);
}

TEST(OwnUnits, DenseInputsAreFiniteForAnyFrame) {
  InputSpec spec = own_units();
  spec.season_lags = {288};
  const Encoder e(fit_of(2, 500).finish({}), spec);
  base::Random random(5);
  NodeState s;
  Encoded out(e);
  std::vector<float> season(e.season());
  for (int64_t step = 0; step < 3000; step += 1 + static_cast<int64_t>(random.below(40))) {
    auto frame = random_frame(random);
    if (random.chance(0.1)) frame[series::kBytesIn] = INFINITY;
    if (random.chance(0.1)) frame[series::kPacketsIn] = -3;
    for (auto& x : season) x = random.chance(0.3) ? NAN : static_cast<float>(random.uniform(0, 40));
    e.encode(s, {step, random.chance(0.3) ? std::span<const float>() : frame, season}, out.position());
    for (const auto x : out.dense) ASSERT_LE(std::fabs(x), 16.0f);
  }
}

TEST(Encoder, CalendarFollowsTheTimeZone) {
  InputSpec spec;
  const Tokenizer t = fit_of(2, 100).finish({});
  const Encoder utc(t, spec);
  spec.timezone = "+02:00";
  const Encoder east(t, spec);
  base::Random random(1);
  const auto frame = random_frame(random);
  Encoded a(utc);
  Encoded b(east);
  NodeState s1;
  NodeState s2;
  const int64_t step = 896861520000 / 60000;  // 1998-06-03 08:12 UTC, a Wednesday
  utc.encode(s1, {step, frame}, a.position());
  east.encode(s2, {step, frame}, b.position());
  const size_t minute = utc.slots() - 2;
  EXPECT_EQ(b.ids[minute] - a.ids[minute], 12u);
  EXPECT_EQ(b.ids[minute + 1], a.ids[minute + 1]);
  EXPECT_EQ(a.ids[minute + 1], utc.vocabulary() - 7 + 2);
}

TEST(Encoder, CalendarFollowsDaylightSavingTime) {
  std::error_code ignored;
  if (!std::filesystem::exists("/usr/share/zoneinfo/Europe/Berlin", ignored)) GTEST_SKIP() << "no tzdata";
  InputSpec spec;
  spec.timezone = "Europe/Berlin";
  const Tokenizer t = fit_of(2, 100).finish({});
  const Encoder e(t, spec);
  base::Random random(1);
  const auto frame = random_frame(random);
  const auto slot_at = [&](const char* time) {
    Encoded out(e);
    NodeState state;
    e.encode(state, {*base::parse_time(time) / 60000, frame}, out.position());
    return out.ids[e.slots() - 2];
  };
  // Twelve o'clock on the wall, in winter and in summer.
  EXPECT_EQ(slot_at("2026-03-28T11:00:00"), slot_at("2026-03-29T10:00:00"));
  EXPECT_EQ(slot_at("2026-03-28T11:00:00") + 6, slot_at("2026-03-29T11:00:00"));
  spec.timezone = "Europe/Berln";
  EXPECT_THROW(Encoder(t, spec), base::Error);
}

}  // namespace
}  // namespace netflowgen::token

#include "sim/network/thinning.h"

#include <gtest/gtest.h>

#include "sim/network/cycle.h"
#include "sim/network/mix.h"
#include "sim/network/noise.h"
#include "sim/testing.h"

namespace netflowgen::sim {
namespace {

TEST(Binomial, MeanAndVarianceBelowAndAboveTheSwitchToNormal) {
  Random random(1);
  for (const auto& [n, p] :
       std::vector<std::pair<uint64_t, double>>{{5, 0.3}, {400, 0.05}, {100'000, 0.01}, {50, 0.9}}) {
    double sum = 0;
    double squares = 0;
    constexpr int kDraws = 40'000;
    for (int i = 0; i < kDraws; ++i) {
      const auto x = static_cast<double>(binomial(random, n, p));
      ASSERT_LE(x, static_cast<double>(n));
      sum += x;
      squares += x * x;
    }
    const double mean = sum / kDraws;
    const double variance = squares / kDraws - mean * mean;
    const double expected = static_cast<double>(n) * p;
    EXPECT_NEAR(mean, expected, 5 * std::sqrt(expected * (1 - p) / kDraws));
    EXPECT_NEAR(variance / (expected * (1 - p)), 1.0, 0.04);
  }
}

TEST(Thinning, ConversationsKeepTheirPacketsInTheMean) {
  const PacketCount request{5, 0.5};
  const PacketCount response{10, 1.1, 0.06, 1.3};
  for (const uint32_t one_in : {1u, 2u, 64u, 1000u}) {
    const Thinning thinning(one_in);
    const ConversationMix mix(request, response, 0.4, thinning);
    Random random(one_in);
    double forward = 0;
    double reverse = 0;
    double forward_squares = 0;
    double reverse_squares = 0;
    constexpr int kDraws = 300'000;
    for (int i = 0; i < kDraws; ++i) {
      const Counts c = mix.draw(random);
      ASSERT_GT(c.seen_forward + c.seen_reverse, 0u);
      ASSERT_LE(c.seen_forward, c.forward);
      ASSERT_LE(c.seen_reverse, c.reverse);
      forward += c.seen_forward;
      reverse += c.seen_reverse;
      forward_squares += static_cast<double>(c.seen_forward) * c.seen_forward;
      reverse_squares += static_cast<double>(c.seen_reverse) * c.seen_reverse;
    }
    // survival() of all conversations leave a record; their sampled packets times N are all packets.
    const double scale = mix.survival() * one_in / kDraws;
    const auto error = [&](double squares) { return 5 * scale * std::sqrt(squares); };
    EXPECT_NEAR(forward * scale, mix.mean_forward(), error(forward_squares)) << one_in;
    EXPECT_NEAR(reverse * scale, mix.mean_reverse(), error(reverse_squares)) << one_in;
  }
}

TEST(Thinning, SurvivalIsOneMinusTheChanceOfNoPacket) {
  EXPECT_NEAR(Thinning(10).survival(3), 1 - 0.9 * 0.9 * 0.9, 1e-12);
  EXPECT_EQ(Thinning(1).survival(1), 1.0);
  EXPECT_EQ(Thinning(1).survival(0), 0.0);
}

TEST(Cycle, MeanOverAWeekIsOneAndOfficesSleep) {
  for (const char* name : {"office", "home", "server", "flat", "night"}) {
    const Cycle* cycle = Cycle::named(name);
    ASSERT_NE(cycle, nullptr);
    double sum = 0;
    for (int64_t m = 0; m < 7 * 1440; ++m) sum += cycle->at(m * kMinuteMs);
    EXPECT_NEAR(sum / (7 * 1440), 1.0, 1e-3) << name;
  }
  const Cycle& office = *Cycle::named("office");
  const auto monday = *base::make_time(2024, 3, 4, 11, 0, 0);
  const auto night = *base::make_time(2024, 3, 4, 3, 0, 0);
  const auto sunday = *base::make_time(2024, 3, 3, 11, 0, 0);
  EXPECT_GT(office.at(monday), 8 * office.at(night));
  EXPECT_GT(office.at(monday), 4 * office.at(sunday));
  EXPECT_EQ(Cycle::named("lunar"), nullptr);
}

TEST(Cycle, UtcOffsets) {
  EXPECT_EQ(parse_utc_offset("+01:00"), 3'600'000);
  EXPECT_EQ(parse_utc_offset("-0330"), -12'600'000);
  EXPECT_EQ(parse_utc_offset("UTC"), 0);
  for (const char* bad : {"", "+", "1", "+1:00", "+25", "+01:75", "Europe/Berlin", "+123"}) {
    EXPECT_FALSE(parse_utc_offset(bad).has_value()) << bad;
  }
}

TEST(Noise, MeanOneAndTheHurstParameterAskedFor) {
  for (const double hurst : {0.6, 0.75, 0.9}) {
    Random random(5);
    LogRateNoise noise(0.4, hurst, random);
    std::vector<double> x(1 << 18);
    double mean = 0;
    for (auto& v : x) mean += (v = noise.next(random)) / static_cast<double>(x.size());
    EXPECT_NEAR(mean, 1.0, 0.1);
    EXPECT_NEAR(hurst_of(x, 16, 2048), hurst, 0.08) << hurst;
  }
}

}  // namespace
}  // namespace netflowgen::sim

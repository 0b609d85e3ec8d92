#include "series/rates.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <map>

#include "base/error.h"
#include "base/random.h"

namespace netflowgen::series {
namespace {

constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();
constexpr base::TimeMs kBase = 1'372'629'600'000;  // a multiple of 300 s

struct Rates {
  explicit Rates(RateOptions options, std::vector<std::string> columns = {"bytes_in", "packet_size_in"})
      : builder(options, columns,
                [this](const std::string& node, int64_t step, std::span<const float> frame) {
                  EXPECT_FALSE(frames.contains({node, step}));
                  std::copy(frame.begin(), frame.end(), frames[{node, step}].begin());
                }) {}
  void add(const std::string& node, int64_t seconds, float bytes, float size = 1) {
    builder.add({kBase + seconds * 1000, node, {bytes, size}});
  }
  const std::array<float, kFeatureCount>& at(const std::string& node, int64_t step) {
    return frames.at({node, kBase / 300'000 + step});
  }
  std::map<std::pair<std::string, int64_t>, std::array<float, kFeatureCount>> frames;
  RateBuilder builder;
};

TEST(Rates, RowsBecomeFeaturesAndTheRestIsMissing) {
  Rates r({.step_ms = 300'000});
  r.add("a", 3, 10, 40);
  r.add("a", 304, 0);
  r.add("b", 1, 7);  // a whole history a node, one after another
  r.builder.finish();
  EXPECT_EQ(r.frames.size(), 3u);
  EXPECT_EQ(r.at("a", 0)[kBytesIn], 10);
  EXPECT_EQ(r.at("a", 0)[kPacketSizeIn], 40);
  EXPECT_EQ(r.at("a", 1)[kBytesIn], 0);  // measured and zero
  EXPECT_EQ(r.at("b", 0)[kBytesIn], 7);
  for (size_t f = 0; f < kFeatureCount; ++f) {
    EXPECT_EQ(std::isnan(r.at("a", 0)[f]), f != kBytesIn && f != kPacketSizeIn) << f;
  }
  EXPECT_TRUE(r.builder.row_ledger().balanced());
}

TEST(Rates, RowsOfOneStepBecomeTheirMeanAndVolumesScaleToTheStep) {
  Rates r({.step_ms = 300'000, .interval_ms = 100'000});
  r.add("a", 0, 10, 100);
  r.add("a", 100, 20, 300);  // the third of the step is missing
  r.builder.finish();
  EXPECT_EQ(r.at("a", 0)[kBytesIn], 45);
  EXPECT_EQ(r.at("a", 0)[kPacketSizeIn], 200);
}

TEST(Rates, WhatWasNotMeasuredIsMissingNotZero) {
  Rates r({.step_ms = 300'000, .max_gap_ms = 900'000});
  r.add("a", 0, 10);
  r.add("a", 1200, 10);    // three steps between
  r.add("a", 3000, kNaN);  // five between: away
  r.builder.finish();
  EXPECT_EQ(r.frames.size(), 6u);
  EXPECT_TRUE(std::isnan(r.at("a", 2)[kBytesIn]));
  EXPECT_TRUE(std::isnan(r.at("a", 10)[kBytesIn]));
  EXPECT_EQ(r.at("a", 10)[kPacketSizeIn], 1);
  EXPECT_EQ(r.builder.unmeasured(), 3u);
}

TEST(Rates, OnlyRowsOfWhatTheStoreHoldsAreLate) {
  Rates r({.step_ms = 300'000, .closed_before = kBase / 300'000});
  r.add("a", -1, 1);
  r.add("a", 600, 1);
  r.add("a", 10, 1);
  r.builder.add({5, "a", {1, 1}});
  r.builder.finish();
  const auto ledger = r.builder.row_ledger();
  EXPECT_TRUE(ledger.balanced());
  EXPECT_EQ(ledger.out, 2u);
  EXPECT_THAT(ledger.drops, testing::ElementsAre(testing::Pair("late", 1u), testing::Pair("bad_time", 1u)));
}

// Rows of a finite file are never late, whatever their order and however little memory there is.
TEST(Rates, RowsInAnyOrderGiveTheSameFrames) {
  struct Row {
    std::string node;
    int64_t seconds;
    float bytes;
  };
  std::vector<Row> rows;
  for (int node = 0; node < 7; ++node) {
    for (int i = 0; i < 200; ++i) {
      if ((i + node) % 3 != 0) rows.push_back({std::to_string(node), i * 100, static_cast<float>(i * node)});
    }
  }
  const RateOptions options{.step_ms = 300'000, .interval_ms = 100'000};
  const auto frames_of = [](const std::vector<Row>& given, const RateOptions& o) {
    Rates r(o);
    for (const Row& row : given) r.add(row.node, row.seconds, row.bytes);
    r.builder.finish();
    EXPECT_EQ(r.builder.row_ledger().out, given.size());
    return r.frames;
  };
  const auto expected = frames_of(rows, options);
  ASSERT_GT(expected.size(), 400u);
  base::Random random(3);
  auto mixed = rows;
  for (size_t i = mixed.size() - 1; i > 0; --i) std::swap(mixed[i], mixed[random.below(i + 1)]);
  for (const size_t buffer : {size_t{64} << 20, size_t{2000}, size_t{0}}) {
    RateOptions small = options;
    small.buffer_bytes = buffer;
    const auto frames = frames_of(mixed, small);
    ASSERT_EQ(frames.size(), expected.size()) << buffer;
    for (const auto& [key, frame] : expected) {
      for (size_t f = 0; f < kFeatureCount; ++f) {
        const float v = frames.at(key)[f];
        ASSERT_TRUE(v == frame[f] || (std::isnan(v) && std::isnan(frame[f])))
            << key.first << " " << key.second;
      }
    }
  }
}

TEST(Rates, AbsentRowsMayMeanThatNothingHappened) {
  Rates r({.step_ms = 300'000, .absent_is_idle = true});
  r.add("a", 0, 10);
  r.add("a", 1200, 10);
  r.builder.finish();
  EXPECT_EQ(r.frames.size(), 2u);
  EXPECT_EQ(r.builder.unmeasured(), 0u);
}

TEST(Rates, AFolderThatCannotBeWrittenIsNamed) {
  Rates r({.step_ms = 300'000, .buffer_bytes = 0, .spill_folder = "/nowhere/at/all"});
  for (int i = 0; i < 16; ++i) r.add("a", i, 1);
  try {
    r.add("a", 99, 1);
    ADD_FAILURE();
  } catch (const base::Error& e) {
    EXPECT_THAT(e.what(), testing::HasSubstr("/nowhere/at/all"));
  }
}

TEST(Rates, RefusesWhatIsNoFeature) {
  EXPECT_THROW(Rates({}, {"octets"}), base::Error);
  EXPECT_THROW(Rates({}, {"bytes_in", "bytes_in"}), base::Error);
  EXPECT_THROW(Rates({.step_ms = 1000, .interval_ms = 4000}), base::UsageError);
}

}  // namespace
}  // namespace netflowgen::series

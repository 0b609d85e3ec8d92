// Chosen features are the same to the bit as where all are computed, and the frames are the same ones.
#include "series/feature_choice.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <cstring>
#include <map>

#include "base/error.h"
#include "series/builder.h"
#include "series/testing.h"

namespace netflowgen::series {
namespace {

using Frame = std::array<float, kFeatureCount>;

class Frames : public FrameSink {
 public:
  void frame(const NodeKey& node, int64_t step, std::span<const float> frame) override {
    std::copy(frame.begin(), frame.end(), all[{node, step}].begin());
  }
  std::map<std::pair<NodeKey, int64_t>, Frame> all;
};

std::vector<flow::Flow> some_flows(base::Random& random) {
  std::vector<flow::Flow> flows;
  for (int maker = 0; maker < 3; ++maker) {
    const FlowMaker make(random);
    for (int i = 0; i < 300; ++i) flows.push_back(make.make(random));
  }
  return flows;
}

Frames frames_of(const std::vector<flow::Flow>& flows, const FeatureChoice& choice, size_t memory_bytes = 0) {
  SeriesOptions options;
  options.memory_bytes = memory_bytes;
  options.spill_folder = testing::TempDir();
  options.step_ms = 5000;
  options.features = choice;
  Frames frames;
  SeriesBuilder builder(options, frames);
  builder.add(flows);
  builder.finish();
  return frames;
}

std::string random_names(base::Random& random) {
  std::string names(kFeatures[random.below(kFeatureCount)].name);
  while (random.chance(0.7)) names.append(",").append(kFeatures[random.below(kFeatureCount)].name);
  return names;
}

// The states of these are a line each.
const std::vector<std::string> kSums = {"bytes,packets,flows", "bytes_in", "packet_size",
                                        "duration,flows_out", "out_in_ratio"};

TEST(FeatureChoice, ChosenFeaturesAreTheSameToTheBit) {
  base::Random random(11);
  for (int round = 0; round < 60; ++round) {
    const auto flows = some_flows(random);
    const std::string names = round < 20 ? kSums[round % kSums.size()] : random_names(random);
    const auto choice = FeatureChoice::parse(names);
    const auto whole = frames_of(flows, {});
    const auto part = frames_of(flows, choice, round % 3 == 0 ? 1 : 0);  // also where steps are spilled
    ASSERT_EQ(part.all.size(), whole.all.size()) << names;
    size_t known = 0;
    for (const auto& [key, expected] : whole.all) {
      const Frame& found = part.all.at(key);
      for (size_t f = 0; f < kFeatureCount; ++f) {
        if (choice.has(f)) {
          EXPECT_EQ(std::memcmp(&found[f], &expected[f], sizeof(float)), 0)
              << names << ": " << kFeatures[f].name << " " << found[f] << " " << expected[f];
          known += std::isnan(found[f]) ? 0 : 1;
        } else {
          EXPECT_TRUE(std::isnan(found[f])) << names << ": " << kFeatures[f].name;
        }
      }
    }
    EXPECT_GT(known, 0u) << names;
  }
}

TEST(FeatureChoice, NamesWithoutADirectionAreBoth) {
  const auto choice = FeatureChoice::parse("bytes,top_port_in,out_in_ratio");
  EXPECT_FALSE(choice.all());
  for (size_t f = 0; f < kFeatureCount; ++f)
    EXPECT_EQ(choice.has(f), f == kBytesIn || f == kBytesOut || f == kTopPortIn || f == kOutInRatio) << f;
  EXPECT_TRUE(FeatureChoice::parse("").all());
  EXPECT_TRUE(FeatureChoice().has(kPeersIn));
}

TEST(FeatureChoice, UnknownNamesAreRefusedWithTheNearest) {
  for (const char* names : {"byte_in", "bytes_in,", "bytes_in, flows_in", "in", "_in"}) {
    EXPECT_THROW(FeatureChoice::parse(names), base::UsageError) << names;
  }
  try {
    FeatureChoice::parse("bytes_im");
    FAIL();
  } catch (const base::UsageError& e) {
    EXPECT_THAT(std::string(e.what()), testing::HasSubstr("bytes_in"));
  }
}

}  // namespace
}  // namespace netflowgen::series

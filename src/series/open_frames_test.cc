#include "series/open_frames.h"

#include <gtest/gtest.h>

#include <cmath>
#include <map>

#include "series/testing.h"

namespace netflowgen::series {
namespace {

struct Collected : FrameSink {
  std::map<std::pair<int64_t, std::string>, std::vector<float>> frames;
  void frame(const NodeKey& node, int64_t step, std::span<const float> values) override {
    frames[{step, name_of(node)}] = {values.begin(), values.end()};
  }
};

SeriesOptions options() {
  SeriesOptions o;
  o.step_ms = 10'000;
  o.lateness_ms = 60'000;
  return o;
}

// What is seen of the open steps is what closing them then gives.
TEST(OpenFrames, AreThoseThatClosingGives) {
  base::Random random(4);
  const FlowMaker maker(random);
  std::vector<flow::Flow> flows;
  for (int i = 0; i < 5000; ++i) flows.push_back(maker.make(random));
  Collected closed;
  SeriesBuilder builder(options(), closed);
  builder.add(flows);
  builder.advance(flows.front().start_ms + 50'000);
  const OpenFrames open(builder);
  std::map<std::pair<int64_t, std::string>, std::vector<float>> seen;
  size_t volumes_compared = 0;
  ASSERT_GE(open.steps().size(), 2u);
  for (const int64_t step : open.steps()) {
    open.each(step, [&](const NodeKey& node, const OpenFrames::Volumes& volumes) {
      std::vector<float> frame(kFeatureCount);
      ASSERT_TRUE(open.frame(step, node, frame));
      const int features[] = {kBytesIn, kPacketsIn, kFlowsIn, kBytesOut, kPacketsOut, kFlowsOut};
      for (size_t v = 0; v < volumes.size(); ++v) {
        const float whole = frame[static_cast<size_t>(features[v])];
        if (std::isnan(whole) || std::isnan(volumes[v])) continue;
        EXPECT_EQ(volumes[v], whole) << name_of(node) << " "
                                     << kFeatures[static_cast<size_t>(features[v])].name;
        ++volumes_compared;
      }
      seen[{step, name_of(node)}] = std::move(frame);
    });
  }
  EXPECT_GT(volumes_compared, 100u);
  const size_t before = closed.frames.size();
  builder.finish();
  ASSERT_GT(closed.frames.size(), before);
  size_t compared = 0;
  for (const auto& [key, frame] : seen) {
    const auto it = closed.frames.find(key);
    ASSERT_NE(it, closed.frames.end());
    for (size_t f = 0; f < frame.size(); ++f) {
      EXPECT_TRUE(frame[f] == it->second[f] || (std::isnan(frame[f]) && std::isnan(it->second[f])));
    }
    ++compared;
  }
  EXPECT_EQ(compared, closed.frames.size() - before);
}

TEST(OpenFrames, KnowsNothingOfOtherStepsAndNodes) {
  Collected closed;
  SeriesBuilder builder(options(), closed);
  const OpenFrames open(builder);
  std::vector<float> frame(kFeatureCount);
  EXPECT_TRUE(open.steps().empty());
  EXPECT_FALSE(open.frame(1, {base::IpAddr::v4(1), 0, NodeKind::kHost}, frame));
  open.each(1, [](const NodeKey&, const OpenFrames::Volumes&) { FAIL(); });
}

}  // namespace
}  // namespace netflowgen::series

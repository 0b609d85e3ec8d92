// A table made in memory is the one that a store gives back.
#include "series/table_sink.h"

#include <gtest/gtest.h>

#include <cstring>

#include "base/error.h"
#include "base/temporary_folder.h"
#include "series/store.h"
#include "series/store_sink.h"
#include "series/testing.h"

namespace netflowgen::series {
namespace {

bool same_bits(const std::vector<float>& a, const std::vector<float>& b) {
  return a.size() == b.size() &&
         (a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0);
}

TEST(TableSink, IsTheStoreToTheBit) {
  const base::TemporaryFolder folder("nfg_table_");
  base::Random random(3);
  std::vector<flow::Flow> flows;
  for (int maker = 0; maker < 3; ++maker) {
    const FlowMaker make(random);
    for (int i = 0; i < 400; ++i) flows.push_back(make.make(random));
  }
  SeriesOptions options;
  options.step_ms = 5000;
  StoreWriter writer(folder.path() / "store", {.step_ms = options.step_ms, .shard_rows = 50});
  TableSink table;
  StoreSink store(writer);
  for (FrameSink* sink : std::initializer_list<FrameSink*>{&store, &table}) {
    SeriesBuilder builder(options, *sink);
    builder.add(flows);
    builder.finish();
    writer.cover(builder.first_step(), builder.end_step());
    table.cover(builder.first_step(), builder.end_step());
  }
  writer.flush();
  const auto expected = load_frames(folder.path() / "store");
  const auto found = table.finish(options.step_ms, "UTC", {});
  EXPECT_GT(found.rows(), 200u);
  EXPECT_EQ(found.nodes, expected.nodes);
  EXPECT_EQ(found.offsets, expected.offsets);
  EXPECT_EQ(found.steps, expected.steps);
  EXPECT_TRUE(same_bits(found.values, expected.values));
  EXPECT_EQ(found.missing, expected.missing);
  EXPECT_EQ(found.first_step, expected.first_step);
  EXPECT_EQ(found.end_step, expected.end_step);
}

TEST(TableSink, RefusesTwoFramesOfAStepAndForgets) {
  const std::vector<float> frame(kFeatureCount, 1);
  TableSink sink;
  sink.add("a", 7, frame);
  sink.add("a", 7, frame);
  EXPECT_THROW(sink.finish(60'000, "UTC", {}), base::Error);
  sink.discard();
  sink.add("b", 2, frame);
  sink.add("a", 9, frame);
  const auto table = sink.finish(60'000, "UTC", {});
  EXPECT_EQ(table.nodes, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(table.steps, (std::vector<int64_t>{9, 2}));
  EXPECT_EQ(table.first_step, 2);
  EXPECT_EQ(table.end_step, 10);
  EXPECT_EQ(sink.rows(), 0u);
}

}  // namespace
}  // namespace netflowgen::series

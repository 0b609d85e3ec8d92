// A table made in memory is the one that a store gives back.
#include "series/table_sink.h"

#include <gtest/gtest.h>

#include <cstring>
#include <limits>
#include <string>

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

// More rows than one chunk has.
TEST(TableSink, RowsInAnyOrderComeByNodeAndStep) {
  base::Random random(5);
  std::vector<std::pair<int, int64_t>> rows;  // node, step
  for (int node = 0; node < 7; ++node) {
    for (int64_t step = 0; step < 1500; ++step) rows.emplace_back(node, step);
  }
  for (size_t i = rows.size() - 1; i > 0; --i) std::swap(rows[i], rows[random.below(i + 1)]);
  TableSink sink;
  std::vector<float> frame(kFeatureCount, std::numeric_limits<float>::quiet_NaN());
  for (const auto& [node, step] : rows) {
    frame[kBytesIn] = static_cast<float>(node * 10'000 + step);
    sink.add("n" + std::to_string(node), step, frame);
  }
  const auto table = sink.finish(60'000, "UTC", {});
  ASSERT_EQ(table.rows(), rows.size());
  for (size_t node = 0; node < 7; ++node) {
    ASSERT_EQ(table.offsets[node], node * 1500);
    for (size_t i = 0; i < 1500; ++i) {
      ASSERT_EQ(table.steps[node * 1500 + i], static_cast<int64_t>(i));
      ASSERT_EQ(table.frame(node * 1500 + i)[kBytesIn], static_cast<float>(node * 10'000 + i));
    }
  }
  EXPECT_FALSE(table.missing[kBytesIn]);
  EXPECT_TRUE(table.missing[kPacketsIn]);
}

TEST(TableSink, KeepsTheChosenFeatures) {
  const auto choice = FeatureChoice::parse("bytes_in,top_port_out");
  TableSink all;
  TableSink chosen(choice);
  std::vector<float> frame(kFeatureCount);
  for (size_t f = 0; f < kFeatureCount; ++f) frame[f] = static_cast<float>(f + 1);
  for (int64_t step = 0; step < 9000; ++step) {  // more than two chunks
    frame[kBytesIn] = static_cast<float>(step);
    for (auto* sink : {&all, &chosen}) sink->add("n" + std::to_string(step % 7), step, frame);
  }
  const auto expected = all.finish(60'000, "UTC", {});
  const auto found = chosen.finish(60'000, "UTC", {});
  ASSERT_EQ(found.steps, expected.steps);
  for (size_t row = 0; row < expected.rows(); ++row) {
    for (size_t f = 0; f < kFeatureCount; ++f) {
      if (choice.has(f)) {
        ASSERT_EQ(found.frame(row)[f], expected.frame(row)[f]);
      } else {
        ASSERT_NE(found.frame(row)[f], found.frame(row)[f]);
      }
    }
  }
  for (size_t f = 0; f < kFeatureCount; ++f) EXPECT_EQ(found.missing[f], !choice.has(f));
}

TEST(TableSink, ColumnsAreThoseOfTheWholeTable) {
  const auto choice = FeatureChoice::parse("bytes,top_port_out");
  TableSink whole(choice);
  TableSink columns(choice);
  std::vector<float> frame(kFeatureCount);
  for (int64_t step = 0; step < 5000; ++step) {
    for (size_t f = 0; f < kFeatureCount; ++f)
      frame[f] = static_cast<float>(f * 10'000) + static_cast<float>(step);
    for (auto* sink : {&whole, &columns}) sink->add("n" + std::to_string(step % 3), step, frame);
  }
  const auto expected = whole.finish(60'000, "UTC", {});
  const auto found = columns.finish_columns(60'000, "UTC", {});
  EXPECT_TRUE(found.frames.values.empty());
  EXPECT_EQ(found.frames.nodes, expected.nodes);
  EXPECT_EQ(found.frames.offsets, expected.offsets);
  EXPECT_EQ(found.frames.missing, expected.missing);
  ASSERT_EQ(found.columns, (std::vector<uint8_t>{kBytesIn, kBytesOut, kTopPortOut}));
  ASSERT_EQ(found.values.size(), 5000u * 3);
  for (size_t row = 0; row < 5000; ++row) {
    for (size_t c = 0; c < 3; ++c)
      ASSERT_EQ(found.values[row * 3 + c], expected.frame(row)[found.columns[c]]) << row;
  }
  EXPECT_TRUE(same_bits(all_features(found).values, expected.values));
}

}  // namespace
}  // namespace netflowgen::series

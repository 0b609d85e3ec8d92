// StoreWriter::remove_oldest(): what is left is a whole store, also over a restart and after a crash.
#include <gtest/gtest.h>

#include <fstream>

#include "base/temporary_folder.h"
#include "series/store.h"

namespace netflowgen::series {
namespace {

constexpr StoreOptions kAppend{.step_ms = 1000, .timezone = "UTC", .choice = {}, .append = true};

class StoreRetention : public testing::Test {
 protected:
  // One shard with the steps [first, end) of one node.
  static void add_shard(StoreWriter& writer, int64_t first, int64_t end) {
    std::vector<float> frame(kFeatureCount, 1.0F);
    for (int64_t step = first; step < end; ++step) {
      frame[0] = static_cast<float>(step);
      writer.add("10.0.0.1", step, frame);
    }
    writer.cover(first, end);
    writer.flush();
  }
  std::vector<int64_t> steps() const {
    std::vector<int64_t> all;
    for (const auto& info : read_store_info(store_).shards) {
      const Shard shard(store_, info);
      all.insert(all.end(), shard.steps().begin(), shard.steps().end());
    }
    return all;
  }
  size_t files() const {
    size_t n = 0;
    for (const auto& entry : fs::directory_iterator(store_)) {
      if (entry.path().extension() == ".safetensors") ++n;
    }
    return n;
  }
  static std::vector<int64_t> range(int64_t first, int64_t end) {
    std::vector<int64_t> all;
    for (; first < end; ++first) all.push_back(first);
    return all;
  }

  base::TemporaryFolder folder_{"netflowgen-test-"};
  fs::path store_ = folder_.path() / "store";
};

TEST_F(StoreRetention, OldShardsGoWholeAndTheRestIsAStore) {
  StoreWriter writer(store_, kAppend);
  for (int64_t i = 0; i < 5; ++i) add_shard(writer, 100 + 10 * i, 110 + 10 * i);
  EXPECT_EQ(writer.remove_oldest(100, 0), 0u);
  EXPECT_EQ(writer.remove_oldest(119, 0), 10u);  // the second shard ends at 120
  EXPECT_EQ(steps(), range(110, 150));
  EXPECT_EQ(read_store_info(store_).first_step, 110);
  EXPECT_EQ(read_store_info(store_).end_step, 150);
  EXPECT_EQ(load_frames(store_).first_step, 110);
}

TEST_F(StoreRetention, FilesStayForOneMoreCall) {
  StoreWriter writer(store_, kAppend);
  for (int64_t i = 0; i < 3; ++i) add_shard(writer, 10 * i, 10 * i + 10);
  const auto before = read_store_info(store_);
  writer.remove_oldest(10, 0);
  EXPECT_EQ(Shard(store_, before.shards.front()).rows(), 10u);  // a reader that had read series.json
  EXPECT_EQ(files(), 3u);
  writer.remove_oldest(10, 0);
  EXPECT_EQ(files(), 2u);
}

TEST_F(StoreRetention, BytesAreBoundedAndTheNewestShardStays) {
  StoreWriter writer(store_, kAppend);
  for (int64_t i = 0; i < 4; ++i) add_shard(writer, 10 * i, 10 * i + 10);
  const auto one = fs::file_size(store_ / "shard-000000.safetensors");
  EXPECT_EQ(writer.remove_oldest(INT64_MIN, 4 * one), 0u);
  EXPECT_EQ(writer.remove_oldest(INT64_MIN, 3 * one - 1), 20u);
  EXPECT_EQ(steps(), range(20, 40));
  add_shard(writer, 40, 50);
  EXPECT_EQ(writer.remove_oldest(INT64_MIN, 2 * one), 10u);
  EXPECT_EQ(writer.remove_oldest(1000, 1), 10u);
  EXPECT_EQ(steps(), range(40, 50));
}

TEST_F(StoreRetention, NumbersGoOnSoThatNoShardIsOverwritten) {
  {
    StoreWriter writer(store_, kAppend);
    for (int64_t i = 0; i < 3; ++i) add_shard(writer, 10 * i, 10 * i + 10);
    writer.remove_oldest(20, 0);
    add_shard(writer, 30, 40);
    EXPECT_EQ(read_store_info(store_).shards.back().file, "shard-000003.safetensors");
  }
  EXPECT_EQ(files(), 4u);  // as a killed run leaves it: two are not listed
  StoreWriter again(store_, kAppend);
  add_shard(again, 40, 50);
  EXPECT_EQ(again.remove_oldest(0, 0), 0u);
  EXPECT_EQ(files(), 3u);
  EXPECT_EQ(steps(), range(20, 50));
}

TEST_F(StoreRetention, WhatWasOpenIsTakenBackAfterARemoval) {
  StoreWriter writer(store_, kAppend);
  for (int64_t i = 0; i < 3; ++i) add_shard(writer, 10 * i, 10 * i + 10);
  writer.remove_oldest(10, 0);
  const size_t shards = writer.info().shards.size();
  add_shard(writer, 30, 35);
  writer.take_back(shards, 30);
  add_shard(writer, 30, 40);
  EXPECT_EQ(steps(), range(10, 40));
}

}  // namespace
}  // namespace netflowgen::series

#include "serve/db/disk_queue.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

namespace netflowgen::serve {
namespace {

class Queue : public testing::Test {
 protected:
  Queue() { std::filesystem::remove(path_); }
  ~Queue() override {
    for (const char* end : {"", "-wal", "-shm"}) std::filesystem::remove(path_.string() + end);
  }

  static std::vector<QueuedRecord> records(size_t count, size_t bytes = 100) {
    std::vector<QueuedRecord> all;
    for (size_t i = 0; i < count; ++i) all.push_back({0, 1, 7, std::vector<uint8_t>(bytes, 1)});
    return all;
  }
  std::vector<uint64_t> in_file() const {
    Sqlite db(path_, Sqlite::Mode::kRead);
    Statement query(db, "SELECT id FROM queue ORDER BY id");
    std::vector<uint64_t> ids;
    while (query.step()) ids.push_back(static_cast<uint64_t>(query.integer(0)));
    return ids;
  }
  static std::vector<uint64_t> ids_of(const std::vector<QueuedRecord>& records) {
    std::vector<uint64_t> ids;
    for (const auto& r : records) ids.push_back(r.id);
    return ids;
  }

  std::filesystem::path path_ =
      std::filesystem::path(testing::TempDir()) / ("nfg_queue_" + std::to_string(::getpid()) + ".db");
};

using Ids = std::vector<uint64_t>;

TEST_F(Queue, WhatIsRemovedLaterCountsNoMoreAndLeavesWithTheNext) {
  DiskQueue queue(path_, 1 << 20);
  ASSERT_TRUE(queue.add(records(3)));
  queue.remove_later(1, 7, 100);
  queue.remove_later(3, 7, 100);
  EXPECT_EQ(queue.records(), 1u);
  EXPECT_EQ(queue.items(), 7u);
  EXPECT_EQ(queue.bytes(), 100u);
  EXPECT_EQ(in_file(), (Ids{1, 2, 3}));
  ASSERT_TRUE(queue.add(records(1)));
  EXPECT_EQ(in_file(), (Ids{2, 4}));
  EXPECT_EQ(queue.last_id(), 4u);
}

TEST_F(Queue, WhatIsReadWasNotRemoved) {
  DiskQueue queue(path_, 1 << 20);
  ASSERT_TRUE(queue.add(records(3)));
  queue.remove_later(1, 7, 100);
  EXPECT_EQ(ids_of(queue.read(0, 1 << 20)), (Ids{2, 3}));
  queue.remove_later(2, 7, 100);
  EXPECT_EQ(ids_of(queue.read_lane(0, 1, 1 << 20)), (Ids{3}));
}

// kill -9 before the next transaction: the record is sent again.
TEST_F(Queue, AnotherStartMayFindWhatWasToBeRemoved) {
  {
    DiskQueue queue(path_, 1 << 20);
    ASSERT_TRUE(queue.add(records(2)));
    queue.remove_later(1, 7, 100);
  }
  DiskQueue again(path_, 1 << 20);
  EXPECT_EQ(again.records(), 2u);
  EXPECT_EQ(again.items(), 14u);
  again.remove_later(1, 7, 100);
  again.sync();
  EXPECT_EQ(in_file(), (Ids{2}));
}

TEST_F(Queue, ManyAreRemovedWithoutWaiting) {
  DiskQueue queue(path_, 64 << 20);
  constexpr size_t kBytes = 3 << 20;
  ASSERT_TRUE(queue.add(records(3, kBytes)));
  queue.remove_later(1, 7, kBytes);
  queue.remove_many();
  EXPECT_EQ(in_file(), (Ids{1, 2, 3}));
  queue.remove_later(2, 7, kBytes);
  queue.remove_later(3, 7, kBytes);
  queue.remove_many();
  EXPECT_EQ(in_file(), Ids{});
}

// The room of what is to be removed is free at once.
TEST_F(Queue, TheBoundIsOfWhatCounts) {
  DiskQueue queue(path_, 250);
  ASSERT_TRUE(queue.add(records(2)));
  EXPECT_FALSE(queue.add(records(1)));
  queue.remove_later(1, 7, 100);
  EXPECT_TRUE(queue.add(records(1)));
  EXPECT_EQ(in_file(), (Ids{2, 3}));
}

}  // namespace
}  // namespace netflowgen::serve

// Records that wait on the disk for the brokers or the database that they go to, so that an outage, a restart or kill -9 loses none
// of them that fit.
//
// One SQLite file. Invariants: 1. Identifiers ascend and are never given twice. 2. What is added together is there as a whole or not
// at all. 3. Beyond the bound new records are refused, so that what waits stays whole. One thread at a time.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "serve/db/sqlite.h"

namespace netflowgen::serve {

struct QueuedRecord {
  uint64_t id = 0;
  int32_t lane = 0;    // of records that keep their order: a partition of a topic, a day of a table
  uint32_t items = 0;  // that it holds, for the ledger: nodes, rows
  std::vector<uint8_t> value;
};

class DiskQueue {
 public:
  // `path` "": in memory. Error: the file cannot be opened.
  DiskQueue(const base::fs::path& path, uint64_t most_bytes);

  // False: they do not fit. Error: disk full; then none is there.
  bool add(std::span<const QueuedRecord> records);
  // Up to `bytes` of the records behind `after`, in their order; one at least where there is one.
  std::vector<QueuedRecord> read(uint64_t after, uint64_t bytes);
  // The oldest of the records whose lane is `kind` modulo `kinds`, and those behind it in its lane.
  std::vector<QueuedRecord> read_lane(int32_t kind, int32_t kinds, uint64_t bytes);
  void remove(std::span<const uint64_t> ids);
  // A record that was read or added, with its `items` and `bytes`: it counts no more, and leaves the file with what is added next,
  // since each transaction of its own costs as much as adding. After kill -9 it may still be there.
  void remove_later(uint64_t id, uint64_t items, uint64_t bytes);
  void remove_many();  // those, once they are many
  void remove_now();   // those
  // On the disk for good, and not only in the file's log.
  void sync();

  uint64_t last_id() const { return last_id_; }  // ever given
  // Forgets what was added after `id`, because the flows of it are read again.
  void take_back(uint64_t id);

  uint64_t records() const { return records_; }
  uint64_t items() const { return items_; }
  uint64_t bytes() const { return bytes_; }
  // Of the topic, as it was known last; 0: never.
  uint32_t partitions() const { return partitions_; }
  void set_partitions(uint32_t partitions);

 private:
  static constexpr uint64_t kMany = uint64_t{8} << 20;  // octets

  void count();
  void erase_gone();
  void forget_gone();
  std::vector<QueuedRecord> rows(Statement& query, uint64_t bytes);

  std::unique_ptr<Sqlite> db_;
  uint64_t most_bytes_;
  uint64_t last_id_ = 0;
  uint64_t records_ = 0;
  uint64_t items_ = 0;
  uint64_t bytes_ = 0;
  uint32_t partitions_ = 0;
  std::vector<uint64_t> gone_;
  uint64_t gone_bytes_ = 0;
};

}  // namespace netflowgen::serve

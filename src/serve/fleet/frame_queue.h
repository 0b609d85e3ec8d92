// Records that wait for the brokers, on the disk: what a collector publishes passes through here, so that an outage, a restart
// or kill -9 loses none of it that fits.
//
// One SQLite file. Invariants: 1. Identifiers ascend and are never given twice. 2. A step's records are added together or not
// at all. 3. Beyond the bound new steps are refused, so that what waits stays whole. One thread.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "serve/db/sqlite.h"

namespace netflowgen::serve {

struct QueuedRecord {
  uint64_t id = 0;
  int32_t partition = 0;
  uint32_t nodes = 0;
  std::vector<uint8_t> value;
};

class FrameQueue {
 public:
  // Error: the file cannot be opened.
  FrameQueue(const base::fs::path& path, uint64_t most_bytes);

  // False: they do not fit. Error: disk full.
  bool add(std::span<const QueuedRecord> records);
  // Up to `bytes` of the records behind `after`, in their order; one at least where there is one.
  std::vector<QueuedRecord> read(uint64_t after, uint64_t bytes);
  void remove(std::span<const uint64_t> ids);
  // On the disk for good, and not only in the file's log.
  void sync();

  uint64_t last_id() const { return last_id_; }  // ever given
  // Forgets what was added after `id`, because the flows of it are read again.
  void take_back(uint64_t id);

  uint64_t records() const { return records_; }
  uint64_t nodes() const { return nodes_; }
  uint64_t bytes() const { return bytes_; }
  // Of the topic, as it was known last; 0: never.
  uint32_t partitions() const { return partitions_; }
  void set_partitions(uint32_t partitions);

 private:
  void count();

  std::unique_ptr<Sqlite> db_;
  uint64_t most_bytes_;
  uint64_t last_id_ = 0;
  uint64_t records_ = 0;
  uint64_t nodes_ = 0;
  uint64_t bytes_ = 0;
  uint32_t partitions_ = 0;
};

}  // namespace netflowgen::serve

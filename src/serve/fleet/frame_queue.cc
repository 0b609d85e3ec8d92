#include "serve/fleet/frame_queue.h"

namespace netflowgen::serve {
namespace {

int64_t number(uint64_t v) { return static_cast<int64_t>(v); }

}  // namespace

FrameQueue::FrameQueue(const base::fs::path& path, uint64_t most_bytes)
    : db_(std::make_unique<Sqlite>(path, Sqlite::Mode::kWrite)), most_bytes_(most_bytes) {
  db_->run(
      "CREATE TABLE IF NOT EXISTS queue(id INTEGER PRIMARY KEY AUTOINCREMENT, topic_partition INTEGER NOT "
      "NULL, "
      "nodes INTEGER NOT NULL, bytes INTEGER NOT NULL, value BLOB NOT NULL)");
  db_->run("CREATE TABLE IF NOT EXISTS meta(key TEXT PRIMARY KEY, value INTEGER NOT NULL)");
  last_id_ = static_cast<uint64_t>(db_->number("SELECT seq FROM sqlite_sequence WHERE name = 'queue'"));
  partitions_ = static_cast<uint32_t>(db_->number("SELECT value FROM meta WHERE key = 'partitions'"));
  count();
}

void FrameQueue::count() {
  records_ = static_cast<uint64_t>(db_->number("SELECT count(*) FROM queue"));
  nodes_ = static_cast<uint64_t>(db_->number("SELECT coalesce(sum(nodes), 0) FROM queue"));
  bytes_ = static_cast<uint64_t>(db_->number("SELECT coalesce(sum(bytes), 0) FROM queue"));
}

bool FrameQueue::add(std::span<const QueuedRecord> records) {
  uint64_t bytes = 0;
  uint64_t nodes = 0;
  for (const auto& r : records) {
    bytes += r.value.size();
    nodes += r.nodes;
  }
  if (bytes_ + bytes > most_bytes_) return false;
  Transaction all(*db_);
  Statement insert(*db_, "INSERT INTO queue(topic_partition, nodes, bytes, value) VALUES(?, ?, ?, ?)");
  for (const auto& r : records) {
    insert.bind(1, int64_t{r.partition}).bind(2, int64_t{r.nodes}).bind(3, number(r.value.size()));
    insert.bind(4, std::span<const uint8_t>(r.value)).run();
  }
  all.commit();
  last_id_ += records.size();
  records_ += records.size();
  nodes_ += nodes;
  bytes_ += bytes;
  return true;
}

std::vector<QueuedRecord> FrameQueue::read(uint64_t after, uint64_t bytes) {
  std::vector<QueuedRecord> found;
  Statement query(*db_, "SELECT id, topic_partition, nodes, value FROM queue WHERE id > ? ORDER BY id");
  query.bind(1, number(after));
  for (uint64_t sum = 0; sum < bytes && query.step(); sum += found.back().value.size()) {
    found.push_back({static_cast<uint64_t>(query.integer(0)), static_cast<int32_t>(query.integer(1)),
                     static_cast<uint32_t>(query.integer(2)), query.bytes(3)});
  }
  return found;
}

void FrameQueue::remove(std::span<const uint64_t> ids) {
  if (ids.empty()) return;
  Transaction all(*db_);
  Statement remove(*db_, "DELETE FROM queue WHERE id = ? RETURNING nodes, bytes");
  for (const uint64_t id : ids) {
    remove.bind(1, number(id));
    while (remove.step()) {
      --records_;
      nodes_ -= static_cast<uint64_t>(remove.integer(0));
      bytes_ -= static_cast<uint64_t>(remove.integer(1));
    }
    remove.reset();
  }
  all.commit();
}

void FrameQueue::sync() { db_->run("PRAGMA wal_checkpoint(FULL)"); }

void FrameQueue::take_back(uint64_t id) {
  Statement remove(*db_, "DELETE FROM queue WHERE id > ?");
  remove.bind(1, number(id)).run();
  count();
}

void FrameQueue::set_partitions(uint32_t partitions) {
  Statement set(*db_, "INSERT OR REPLACE INTO meta(key, value) VALUES('partitions', ?)");
  set.bind(1, int64_t{partitions}).run();
  partitions_ = partitions;
}

}  // namespace netflowgen::serve

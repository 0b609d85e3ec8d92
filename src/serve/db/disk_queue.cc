#include "serve/db/disk_queue.h"

namespace netflowgen::serve {
namespace {

int64_t number(uint64_t v) { return static_cast<int64_t>(v); }

}  // namespace

DiskQueue::DiskQueue(const base::fs::path& path, uint64_t most_bytes)
    : db_(std::make_unique<Sqlite>(path.empty() ? ":memory:" : path, Sqlite::Mode::kWrite)),
      most_bytes_(most_bytes) {
  db_->run(
      "CREATE TABLE IF NOT EXISTS queue(id INTEGER PRIMARY KEY AUTOINCREMENT, topic_partition INTEGER NOT "
      "NULL, "
      "nodes INTEGER NOT NULL, bytes INTEGER NOT NULL, value BLOB NOT NULL)");
  db_->run("CREATE TABLE IF NOT EXISTS meta(key TEXT PRIMARY KEY, value INTEGER NOT NULL)");
  last_id_ = static_cast<uint64_t>(db_->number("SELECT seq FROM sqlite_sequence WHERE name = 'queue'"));
  partitions_ = static_cast<uint32_t>(db_->number("SELECT value FROM meta WHERE key = 'partitions'"));
  count();
}

void DiskQueue::count() {
  records_ = static_cast<uint64_t>(db_->number("SELECT count(*) FROM queue"));
  items_ = static_cast<uint64_t>(db_->number("SELECT coalesce(sum(nodes), 0) FROM queue"));
  bytes_ = static_cast<uint64_t>(db_->number("SELECT coalesce(sum(bytes), 0) FROM queue"));
}

bool DiskQueue::add(std::span<const QueuedRecord> records) {
  uint64_t bytes = 0;
  uint64_t items = 0;
  for (const auto& r : records) {
    bytes += r.value.size();
    items += r.items;
  }
  if (bytes_ + bytes > most_bytes_) return false;
  Transaction all(*db_);
  erase_gone();
  Statement insert(*db_, "INSERT INTO queue(topic_partition, nodes, bytes, value) VALUES(?, ?, ?, ?)");
  for (const auto& r : records) {
    insert.bind(1, int64_t{r.lane}).bind(2, int64_t{r.items}).bind(3, number(r.value.size()));
    insert.bind(4, std::span<const uint8_t>(r.value)).run();
  }
  all.commit();
  forget_gone();
  last_id_ += records.size();
  records_ += records.size();
  items_ += items;
  bytes_ += bytes;
  return true;
}

std::vector<QueuedRecord> DiskQueue::read(uint64_t after, uint64_t bytes) {
  remove_now();
  Statement query(*db_, "SELECT id, topic_partition, nodes, value FROM queue WHERE id > ? ORDER BY id");
  query.bind(1, number(after));
  return rows(query, bytes);
}

std::vector<QueuedRecord> DiskQueue::read_lane(int32_t kind, int32_t kinds, uint64_t bytes) {
  remove_now();
  Statement first(*db_,
                  "SELECT id, topic_partition FROM queue WHERE topic_partition % ? = ? ORDER BY id LIMIT 1");
  first.bind(1, int64_t{kinds}).bind(2, int64_t{kind});
  if (!first.step()) return {};
  Statement query(*db_,
                  "SELECT id, topic_partition, nodes, value FROM queue WHERE id >= ? AND topic_partition = ? "
                  "ORDER BY id");
  query.bind(1, first.integer(0)).bind(2, first.integer(1));
  return rows(query, bytes);
}

std::vector<QueuedRecord> DiskQueue::rows(Statement& query, uint64_t bytes) {
  std::vector<QueuedRecord> found;
  for (uint64_t sum = 0; sum < bytes && query.step(); sum += found.back().value.size()) {
    found.push_back({static_cast<uint64_t>(query.integer(0)), static_cast<int32_t>(query.integer(1)),
                     static_cast<uint32_t>(query.integer(2)), query.bytes(3)});
  }
  return found;
}

void DiskQueue::remove(std::span<const uint64_t> ids) {
  if (ids.empty()) return;
  Transaction all(*db_);
  Statement remove(*db_, "DELETE FROM queue WHERE id = ? RETURNING nodes, bytes");
  for (const uint64_t id : ids) {
    remove.bind(1, number(id));
    while (remove.step()) {
      --records_;
      items_ -= static_cast<uint64_t>(remove.integer(0));
      bytes_ -= static_cast<uint64_t>(remove.integer(1));
    }
    remove.reset();
  }
  all.commit();
}

void DiskQueue::remove_later(uint64_t id, uint64_t items, uint64_t bytes) {
  gone_.push_back(id);
  gone_bytes_ += bytes;
  --records_;
  items_ -= items;
  bytes_ -= bytes;
}

void DiskQueue::remove_many() {
  if (gone_bytes_ >= kMany) remove_now();
}

void DiskQueue::remove_now() {
  if (gone_.empty()) return;
  Transaction all(*db_);
  erase_gone();
  all.commit();
  forget_gone();
}

// Their counts are gone already.
void DiskQueue::erase_gone() {
  if (gone_.empty()) return;
  Statement erase(*db_, "DELETE FROM queue WHERE id = ?");
  for (const uint64_t id : gone_) erase.bind(1, number(id)).run();
}

void DiskQueue::forget_gone() {
  gone_.clear();
  gone_bytes_ = 0;
}

void DiskQueue::sync() {
  remove_now();
  db_->run("PRAGMA wal_checkpoint(FULL)");
}

void DiskQueue::take_back(uint64_t id) {
  remove_now();
  Statement remove(*db_, "DELETE FROM queue WHERE id > ?");
  remove.bind(1, number(id)).run();
  count();
}

void DiskQueue::set_partitions(uint32_t partitions) {
  Statement set(*db_, "INSERT OR REPLACE INTO meta(key, value) VALUES('partitions', ?)");
  set.bind(1, int64_t{partitions}).run();
  partitions_ = partitions;
}

}  // namespace netflowgen::serve

#include <fmt/format.h>

#include "serve/history/history_db.h"

namespace netflowgen::serve {

// A connection for as long as this lives.
class HistoryReader::Use {
 public:
  explicit Use(const HistoryReader& reader) : reader_(reader) {
    const std::lock_guard lock(reader.mutex_);
    if (!reader.idle_.empty()) {
      db_ = std::move(reader.idle_.back());
      reader.idle_.pop_back();
    }
  }
  ~Use() {
    const std::lock_guard lock(reader_.mutex_);
    if (db_ && reader_.idle_.size() < 8) reader_.idle_.push_back(std::move(db_));
  }
  Use(const Use&) = delete;
  Use& operator=(const Use&) = delete;
  Sqlite& db() {
    if (!db_) db_ = std::make_unique<Sqlite>(reader_.path_, Sqlite::Mode::kRead);
    return *db_;
  }

 private:
  const HistoryReader& reader_;
  std::unique_ptr<Sqlite> db_;
};

std::vector<TotalsRow> HistoryReader::totals(Resolution r, base::TimeMs from_ms, base::TimeMs to_ms) const {
  Use use(*this);
  Statement s(
      use.db(),
      "SELECT time_ms, data FROM totals WHERE res = ?1 AND time_ms >= ?2 AND time_ms < ?3 ORDER BY time_ms");
  s.bind(1, static_cast<int64_t>(r)).bind(2, from_ms).bind(3, to_ms);
  std::vector<TotalsRow> out;
  while (s.step()) {
    const auto values = s.floats(1);
    if (values.size() != kVolumeCount * (1 + kQuantiles)) continue;
    TotalsRow row;
    row.time_ms = s.integer(0);
    for (size_t v = 0; v < kVolumeCount; ++v) {
      row.totals[v] = values[v];
      for (size_t q = 0; q < kQuantiles; ++q) row.forecast[v][q] = values[kVolumeCount + v * kQuantiles + q];
    }
    out.push_back(row);
  }
  return out;
}

std::vector<NodeHistoryRow> HistoryReader::node(Resolution r, const std::string& name, base::TimeMs from_ms,
                                                base::TimeMs to_ms) const {
  Use use(*this);
  Statement s(
      use.db(),
      "SELECT time_ms, data FROM frames WHERE res = ?1 AND node = (SELECT id FROM nodes WHERE name = ?2) AND "
      "time_ms >= ?3 AND time_ms < ?4 ORDER BY time_ms");
  s.bind(1, static_cast<int64_t>(r)).bind(2, std::string_view(name)).bind(3, from_ms).bind(4, to_ms);
  std::vector<NodeHistoryRow> out;
  while (s.step()) {
    const auto values = s.floats(1);
    if (values.size() != series::kFeatureCount + kVolumeCount * kQuantiles + 1) continue;
    NodeHistoryRow row;
    row.time_ms = s.integer(0);
    row.frame.assign(values.begin(), values.begin() + series::kFeatureCount);
    for (size_t v = 0; v < kVolumeCount; ++v) {
      for (size_t q = 0; q < kQuantiles; ++q)
        row.forecast[v][q] = values[series::kFeatureCount + v * kQuantiles + q];
    }
    row.bits = values.back();
    out.push_back(std::move(row));
  }
  return out;
}

std::vector<TopRow> HistoryReader::top(Resolution r, Dimension by, base::TimeMs from_ms,
                                       base::TimeMs to_ms) const {
  Use use(*this);
  Statement s(use.db(),
              "SELECT time_ms, name, bytes, packets, flows, known FROM top WHERE res = ?1 AND dimension = ?2 "
              "AND time_ms >= "
              "?3 AND time_ms < ?4 ORDER BY time_ms");
  s.bind(1, static_cast<int64_t>(r)).bind(2, static_cast<int64_t>(by)).bind(3, from_ms).bind(4, to_ms);
  std::vector<TopRow> out;
  while (s.step()) {
    out.push_back(
        {s.integer(0), s.text(1), {s.real(2), s.real(3), s.real(4), static_cast<uint8_t>(s.integer(5))}});
  }
  return out;
}

base::TimeMs HistoryReader::oldest_ms(Resolution r) const {
  Use use(*this);
  Statement s(use.db(), "SELECT min(time_ms) FROM totals WHERE res = ?1");
  s.bind(1, static_cast<int64_t>(r));
  return s.step() && !s.null(0) ? s.integer(0) : INT64_MAX;
}

bool HistoryReader::knows(const std::string& node) const {
  Use use(*this);
  Statement s(use.db(), "SELECT 1 FROM nodes WHERE name = ?1");
  s.bind(1, std::string_view(node));
  return s.step();
}

}  // namespace netflowgen::serve

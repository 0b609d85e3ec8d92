#include "serve/history/history_db.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <unordered_map>

#include "base/error.h"

namespace netflowgen::serve {
namespace {

using base::TimeMs;

constexpr int64_t kFormat = 1;
constexpr int64_t kQuarterMs = 15 * 60'000;
constexpr size_t kListed = 100;  // names of a bucket and dimension
constexpr size_t kFanValues = kVolumeCount * kQuantiles;
constexpr size_t kNodeValues = series::kFeatureCount + kFanValues + 1;
constexpr const char* kSchema = R"(
CREATE TABLE IF NOT EXISTS meta(key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS nodes(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE IF NOT EXISTS totals(res INTEGER, time_ms INTEGER, data BLOB NOT NULL, PRIMARY KEY(res, time_ms)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS frames(res INTEGER, node INTEGER, time_ms INTEGER, data BLOB NOT NULL,
  PRIMARY KEY(res, node, time_ms)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS frames_by_time ON frames(res, time_ms);
CREATE TABLE IF NOT EXISTS top(res INTEGER, dimension INTEGER, time_ms INTEGER, name TEXT, bytes REAL, packets REAL,
  flows REAL, known INTEGER, PRIMARY KEY(res, dimension, time_ms, name)) WITHOUT ROWID;
)";

void append(std::vector<float>& to, const VolumeFans& fans) {
  for (const auto& fan : fans) to.insert(to.end(), fan.begin(), fan.end());
}

int number(Resolution r) { return static_cast<int>(r); }

}  // namespace

int64_t length_ms(Resolution r, int64_t step_ms) {
  return r == Resolution::kStep      ? step_ms
         : r == Resolution::kQuarter ? std::max(step_ms, kQuarterMs)
                                     : base::kDayMs;
}

HistoryDb::HistoryDb(const base::fs::path& path, int64_t step_ms, const HistoryOptions& options)
    : step_ms_(step_ms), options_(options), db_(path, Sqlite::Mode::kWrite, 10'000) {
  const int64_t version = db_.number("PRAGMA user_version");
  if (version > kFormat) {
    throw base::Error("{}: format {} is newer than this program's {}; update netflowgen", path.string(),
                      version, kFormat);
  }
  if (version == 0 && db_.number("SELECT count(*) FROM sqlite_master") > 0) {
    throw base::Error("{}: an SQLite file of something else, not of history", path.string());
  }
  db_.run(kSchema);
  db_.run(fmt::format("PRAGMA user_version={}", kFormat));
  // Rows of another feature table or step mean something else.
  const std::string made_of = fmt::format("{} {}", series::schema_hash(), step_ms);
  Statement old(db_, "SELECT value FROM meta WHERE key = 'made_of'");
  if (old.step() && old.text(0) != made_of)
    db_.run("DELETE FROM totals; DELETE FROM frames; DELETE FROM nodes; DELETE FROM top;");
  old.reset();
  Statement(db_, "INSERT OR REPLACE INTO meta VALUES('made_of', ?1)")
      .bind(1, std::string_view(made_of))
      .run();
}

int64_t HistoryDb::bytes() {
  return db_.number(
      "SELECT (SELECT page_count FROM pragma_page_count) * (SELECT page_size FROM pragma_page_size)");
}

void HistoryDb::add(const StepBlock& block) {
  Transaction transaction(db_);
  add_totals(block);
  add_nodes(block);
  add_top(block);
  transaction.commit();
}

void HistoryDb::add_totals(const StepBlock& block) {
  std::vector<float> values(block.totals.begin(), block.totals.end());
  append(values, block.totals_forecast);
  Statement(db_, "INSERT OR REPLACE INTO totals VALUES(0, ?1, ?2)")
      .bind(1, block.time_ms)
      .bind(2, std::span<const float>(values))
      .run();
}

int64_t HistoryDb::node_id(const std::string& name) {
  Statement find(db_, "SELECT id FROM nodes WHERE name = ?1");
  find.bind(1, std::string_view(name));
  if (find.step()) return find.integer(0);
  Statement(db_, "INSERT INTO nodes(name) VALUES(?1)").bind(1, std::string_view(name)).run();
  return db_.number("SELECT last_insert_rowid()");
}

// The rows with most bytes; a quarter of the places are for the most surprising ones.
void HistoryDb::add_nodes(const StepBlock& block) {
  std::vector<size_t> rows(block.nodes());
  std::iota(rows.begin(), rows.end(), size_t{0});
  const auto first = [&](size_t from, size_t n, const auto& key) {
    n = std::min(n, rows.size() - from);
    std::partial_sort(rows.begin() + static_cast<std::ptrdiff_t>(from),
                      rows.begin() + static_cast<std::ptrdiff_t>(from + n), rows.end(),
                      [&](size_t a, size_t b) { return std::pair(key(a), b) > std::pair(key(b), a); });
    return from + n;
  };
  const auto known = [](float x) { return std::isnan(x) ? -1.0f : x; };
  if (rows.size() > options_.nodes) {
    const size_t surprising = block.bits.empty() ? 0 : options_.nodes / 4;
    size_t n = first(0, options_.nodes - surprising, [&](size_t row) {
      const auto f = block.frame(row);
      return known(f[series::kBytesIn]) + known(f[series::kBytesOut]);
    });
    if (surprising > 0) n = first(n, surprising, [&](size_t row) { return known(block.bits[row]); });
    rows.resize(n);
  }
  Statement insert(db_, "INSERT OR REPLACE INTO frames VALUES(0, ?1, ?2, ?3)");
  std::vector<float> values;
  for (const size_t row : rows) {
    const auto frame = block.frame(row);
    values.assign(frame.begin(), frame.end());
    append(values, block.forecast.empty() ? no_fans() : block.forecast[row]);
    values.push_back(block.bits.empty() ? base::kNaN : block.bits[row]);
    insert.bind(1, node_id(series::name_of(block.keys[row])))
        .bind(2, block.time_ms)
        .bind(3, std::span<const float>(values));
    insert.run();
  }
}

void HistoryDb::add_top(const StepBlock& block) {
  Statement insert(db_, "INSERT OR REPLACE INTO top VALUES(0, ?1, ?2, ?3, ?4, ?5, ?6, ?7)");
  for (size_t d = 0; d < kDimensions; ++d) {
    const auto row = [&](std::string_view name, const Amount& a) {
      insert.bind(1, static_cast<int64_t>(d))
          .bind(2, block.time_ms)
          .bind(3, name)
          .bind(4, a.bytes)
          .bind(5, a.packets);
      insert.bind(6, a.flows).bind(7, int64_t{a.known}).run();
    };
    row("", block.breakdown.total);
    for (const auto& share : block.breakdown.top[d]) row(share.name, share.amount);
  }
}

// Buckets --------------------------------------------------------------------------------------------------------------

void HistoryDb::maintain(TimeMs time_ms) {
  roll(Resolution::kStep, Resolution::kQuarter, time_ms);
  roll(Resolution::kQuarter, Resolution::kDay, time_ms);
  forget(time_ms);
}

void HistoryDb::roll(Resolution from, Resolution to, TimeMs time_ms) {
  const int64_t length = length_ms(to, step_ms_);
  const std::string key = fmt::format("rolled_{}", number(to));
  Statement find(db_, "SELECT value FROM meta WHERE key = ?1");
  find.bind(1, std::string_view(key));
  TimeMs done = find.step() ? std::stoll(find.text(0)) : INT64_MIN;
  find.reset();
  while (true) {
    Statement next(db_,
                   "SELECT time_ms FROM totals WHERE res = ?1 AND time_ms >= ?2 ORDER BY time_ms LIMIT 1");
    next.bind(1, int64_t{number(from)}).bind(2, done);
    if (!next.step()) return;
    const TimeMs begin = base::step_of(next.integer(0), length) * length;
    next.reset();
    if (begin + length > time_ms) return;
    Transaction transaction(db_);
    roll_bucket(from, to, begin, begin + length);
    done = begin + length;
    Statement(db_, "INSERT OR REPLACE INTO meta VALUES(?1, ?2)")
        .bind(1, std::string_view(key))
        .bind(2, std::string_view(std::to_string(done)))
        .run();
    transaction.commit();
  }
}

void HistoryDb::roll_bucket(Resolution from, Resolution to, TimeMs begin, TimeMs end) {
  std::vector<double> sums;
  std::vector<int64_t> counts;
  int64_t steps = 0;
  Statement rows(db_, "SELECT data FROM totals WHERE res = ?1 AND time_ms >= ?2 AND time_ms < ?3");
  rows.bind(1, int64_t{number(from)}).bind(2, begin).bind(3, end);
  while (rows.step()) {
    const auto values = rows.floats(0);
    ++steps;
    sums.resize(std::max(sums.size(), values.size()));
    counts.resize(sums.size());
    for (size_t i = 0; i < values.size(); ++i) {
      if (std::isnan(values[i])) continue;
      sums[i] += static_cast<double>(values[i]);
      ++counts[i];
    }
  }
  std::vector<float> means;
  for (size_t i = 0; i < sums.size(); ++i) {
    means.push_back(counts[i] == 0 ? base::kNaN
                                   : static_cast<float>(sums[i] / static_cast<double>(counts[i])));
  }
  Statement(db_, "INSERT OR REPLACE INTO totals VALUES(?1, ?2, ?3)")
      .bind(1, int64_t{number(to)})
      .bind(2, begin)
      .bind(3, std::span<const float>(means))
      .run();
  roll_nodes(from, to, begin, end, steps);
  Statement top(db_, fmt::format("INSERT OR REPLACE INTO top SELECT {2}, dimension, {0}, name, b, p, f, k "
                                 "FROM (SELECT dimension, name, sum(bytes) AS b, "
                                 "sum(packets) AS p, sum(flows) AS f, max(known) AS k, row_number() OVER "
                                 "(PARTITION BY dimension ORDER BY name = '' DESC, "
                                 "sum(bytes) + 500 * sum(packets) DESC) AS place FROM top WHERE res = {3} "
                                 "AND time_ms >= {0} AND time_ms < {1} GROUP BY "
                                 "dimension, name) WHERE place <= {4}",
                                 begin, end, number(to), number(from), kListed + 1));
  top.run();
}

// Volumes are means over all steps of the bucket, where a node is silent in a step as zero; other features are means of what
// is known; surprise is the largest.
void HistoryDb::roll_nodes(Resolution from, Resolution to, TimeMs begin, TimeMs end, int64_t steps) {
  struct Sums {
    std::vector<double> sum = std::vector<double>(kNodeValues);
    std::vector<int64_t> count = std::vector<int64_t>(kNodeValues);
    float bits = base::kNaN;
  };
  std::map<int64_t, Sums> nodes;
  Statement rows(db_, "SELECT node, data FROM frames WHERE res = ?1 AND time_ms >= ?2 AND time_ms < ?3");
  rows.bind(1, int64_t{number(from)}).bind(2, begin).bind(3, end);
  while (rows.step()) {
    const auto values = rows.floats(1);
    if (values.size() != kNodeValues) continue;
    Sums& s = nodes[rows.integer(0)];
    for (size_t i = 0; i < kNodeValues; ++i) {
      if (std::isnan(values[i])) continue;
      s.sum[i] += static_cast<double>(values[i]);
      ++s.count[i];
    }
    if (!(s.bits > values.back())) s.bits = values.back();
  }
  Statement insert(db_, "INSERT OR REPLACE INTO frames VALUES(?1, ?2, ?3, ?4)");
  std::vector<float> means(kNodeValues);
  for (const auto& [node, s] : nodes) {
    for (size_t i = 0; i < kNodeValues; ++i) {
      const bool volume = i >= series::kFeatureCount || series::kFeatures[i].kind == series::Kind::kVolume;
      const int64_t n = volume ? std::max(steps, s.count[i]) : s.count[i];
      means[i] = s.count[i] == 0 ? base::kNaN : static_cast<float>(s.sum[i] / static_cast<double>(n));
    }
    means.back() = s.bits;
    insert.bind(1, int64_t{number(to)})
        .bind(2, node)
        .bind(3, begin)
        .bind(4, std::span<const float>(means))
        .run();
  }
}

void HistoryDb::forget(TimeMs time_ms) {
  const auto before = [&](size_t r, TimeMs end) {
    int64_t rows = 0;
    for (const char* table : {"totals", "frames", "top"}) {
      db_.run(fmt::format("DELETE FROM {} WHERE res = {} AND time_ms < {}", table, r, end));
      rows += db_.changes();
    }
    return rows;
  };
  for (size_t r = 0; r < kResolutions; ++r) before(r, time_ms - options_.keep_ms[r]);
  db_.run("PRAGMA incremental_vacuum");
  for (size_t r = 0; r < kResolutions && bytes() > options_.most_bytes;) {
    const TimeMs oldest =
        db_.number(fmt::format("SELECT coalesce(min(time_ms), {}) FROM totals WHERE res = {}", INT64_MAX, r));
    const int64_t piece = std::max<int64_t>(base::kHourMs, length_ms(static_cast<Resolution>(r), step_ms_));
    if (oldest > time_ms - 2 * piece) {  // the newest stays, whatever it takes
      ++r;
      continue;
    }
    before(r, oldest + piece);
    db_.run("PRAGMA incremental_vacuum");
  }
  db_.run(
      "DELETE FROM nodes WHERE NOT EXISTS (SELECT 1 FROM frames WHERE frames.node = nodes.id AND frames.res "
      "IN (0, 1, 2))");
}

}  // namespace netflowgen::serve

#include "detect/alert_db.h"

#include <fmt/format.h>
#include <sqlite3.h>

#include <algorithm>
#include <fstream>

#include "base/error.h"

namespace netflowgen::detect {
namespace {

constexpr int kDatabaseFormat = 2;
constexpr size_t kBatch = 1000;  // records a transaction
constexpr const char* kSchema = R"(
CREATE TABLE IF NOT EXISTS alerts(
  id TEXT PRIMARY KEY, node TEXT NOT NULL, task TEXT NOT NULL, type TEXT NOT NULL, probability REAL,
  severity TEXT NOT NULL, start_ms INTEGER NOT NULL, raised_ms INTEGER NOT NULL, end_ms INTEGER,
  score REAL, suppressed TEXT, policy TEXT, event TEXT NOT NULL, event_ms INTEGER NOT NULL, record TEXT NOT NULL,
  incident TEXT);
CREATE INDEX IF NOT EXISTS alerts_by_time ON alerts(raised_ms);
CREATE INDEX IF NOT EXISTS alerts_by_node ON alerts(node, raised_ms);
CREATE TABLE IF NOT EXISTS incidents(
  id TEXT PRIMARY KEY, prefix TEXT NOT NULL, task TEXT NOT NULL, type TEXT NOT NULL, severity TEXT NOT NULL,
  start_ms INTEGER NOT NULL, raised_ms INTEGER NOT NULL, end_ms INTEGER, hosts INTEGER NOT NULL, suppressed TEXT,
  event TEXT NOT NULL, event_ms INTEGER NOT NULL, record TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS history(
  id TEXT NOT NULL, event_ms INTEGER NOT NULL, event TEXT NOT NULL, severity TEXT NOT NULL, score REAL,
  PRIMARY KEY(id, event_ms, event)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS feedback(
  id TEXT NOT NULL, verdict TEXT NOT NULL CHECK(verdict IN ('yes', 'no')), given_ms INTEGER NOT NULL);
)";
// Format 1 had another name for one column and no incidents.
constexpr const char* kFromFormat1 =
    "ALTER TABLE alerts RENAME COLUMN held_back TO suppressed; ALTER TABLE alerts ADD COLUMN incident TEXT;";
constexpr const char* kUpsert =
    "INSERT INTO alerts VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15,?16) ON CONFLICT(id) DO "
    "UPDATE "
    "SET "
    "type=?4, probability=?5, severity=?6, end_ms=?9, score=?10, suppressed=?11, policy=?12, event=?13, "
    "event_ms=?14, record=?15, incident=?16";
constexpr const char* kUpsertIncident =
    "INSERT INTO incidents VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13) ON CONFLICT(id) DO UPDATE SET "
    "severity=?5, start_ms=?6, end_ms=?8, hosts=?9, suppressed=?10, event=?11, event_ms=?12, record=?13";
constexpr const char* kHistory = "INSERT OR IGNORE INTO history VALUES(?1,?2,?3,?4,?5)";

}  // namespace

struct AlertDb::Impl {
  class Statement {
   public:
    Statement(Impl& db, const char* sql) : db_(db) {
      db.check(sqlite3_prepare_v2(db.handle, sql, -1, &statement_, nullptr));
    }
    ~Statement() { sqlite3_finalize(statement_); }
    Statement(const Statement&) = delete;
    Statement& operator=(const Statement&) = delete;

    void text(int at, std::string_view value) {
      db_.check(
          sqlite3_bind_text(statement_, at, value.data(), static_cast<int>(value.size()), SQLITE_TRANSIENT));
    }
    void text_or_null(int at, std::string_view value) {
      if (!value.empty()) text(at, value);
    }
    void integer(int at, int64_t value) { db_.check(sqlite3_bind_int64(statement_, at, value)); }
    void real(int at, double value) { db_.check(sqlite3_bind_double(statement_, at, value)); }
    bool step() {  // true: a row
      const int result = sqlite3_step(statement_);
      if (result != SQLITE_ROW && result != SQLITE_DONE) db_.check(result);
      return result == SQLITE_ROW;
    }
    std::string column(int at) const {
      const auto* const value = reinterpret_cast<const char*>(sqlite3_column_text(statement_, at));
      return value == nullptr ? "" : value;
    }

   private:
    Impl& db_;
    sqlite3_stmt* statement_ = nullptr;
  };

  ~Impl() { sqlite3_close(handle); }

  void check(int result) const {
    if (result == SQLITE_OK) return;
    throw base::Error("{}: {}", path, handle == nullptr ? sqlite3_errstr(result) : sqlite3_errmsg(handle));
  }
  void run(const char* sql) const { check(sqlite3_exec(handle, sql, nullptr, nullptr, nullptr)); }

  // The version of its format; 0: an empty file.
  int64_t open_file(int flags) {
    check(sqlite3_open_v2(path.c_str(), &handle, flags, nullptr));
    sqlite3_busy_timeout(handle, 5000);
    int64_t version = 0;
    int64_t tables = 0;
    {
      Statement s(*this,
                  "SELECT (SELECT user_version FROM pragma_user_version), count(*) FROM sqlite_master");
      if (s.step()) {
        version = std::stoll(s.column(0));
        tables = std::stoll(s.column(1));
      }
    }
    if (version > kDatabaseFormat) {
      throw base::Error("{}: format {} is newer than this program's {}; update netflowgen", path, version,
                        kDatabaseFormat);
    }
    if (version == 0 && tables > 0)
      throw base::Error("{}: an SQLite file of something else, not of alerts", path);
    return version;
  }

  void open(bool create) {
    const int64_t version = open_file(SQLITE_OPEN_READWRITE | (create ? SQLITE_OPEN_CREATE : 0));
    run("PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;");
    if (version == 1)
      run(fmt::format("BEGIN; {} PRAGMA user_version={}; COMMIT;", kFromFormat1, kDatabaseFormat).c_str());
    run(kSchema);
    run(fmt::format("PRAGMA user_version={}", kDatabaseFormat).c_str());
  }

  int64_t number(const std::string& sql) {
    Statement s(*this, sql.c_str());
    return s.step() ? std::stoll(s.column(0)) : 0;
  }

  // Fills `gone` with what remove_oldest() takes from the table.
  void choose_oldest(const char* table, base::TimeMs before_ms, int64_t most) {
    const int64_t rows = number(fmt::format("SELECT count(*) FROM {}", table));
    const int64_t beyond = most > 0 ? std::max<int64_t>(0, rows - most) : 0;
    const std::string ended = fmt::format(
        "SELECT id FROM {} WHERE end_ms IS NOT NULL AND id NOT IN (SELECT id FROM feedback)", table);
    run(fmt::format("INSERT OR IGNORE INTO gone {} ORDER BY raised_ms LIMIT {}", ended,
                    std::min(beyond, kRemovedAtOnce))
            .c_str());
    run(fmt::format("INSERT OR IGNORE INTO gone {} AND end_ms < {} LIMIT {}", ended, before_ms,
                    kRemovedAtOnce)
            .c_str());
  }

  std::string path;
  sqlite3* handle = nullptr;
  size_t open_records = 0;  // of the transaction
};

AlertDb::AlertDb(const base::fs::path& path, Mode mode) : impl_(std::make_unique<Impl>()) {
  impl_->path = path.string();
  if (mode == Mode::kExisting && !base::fs::exists(path)) {
    throw base::Error("{} is not there; netflowgen replay -o {} writes it", path.string(), path.string());
  }
  impl_->open(mode == Mode::kCreate);
}

AlertDb::~AlertDb() {
  try {
    flush();
  } catch (const base::Error&) {
    // Said by whoever flushes before; a destructor cannot.
  }
}

void AlertDb::add(const Alert& a) {
  if (impl_->open_records == 0) impl_->run("BEGIN");
  const std::string record = to_json_line(a);
  {
    Impl::Statement s(*impl_, kUpsert);
    s.text(1, a.id);
    s.text(2, a.node);
    s.text(3, a.task);
    s.text(4, a.guess.type);
    s.real(5, a.guess.probability);
    s.text(6, name_of(a.severity));
    s.integer(7, a.start_ms);
    s.integer(8, a.raised_ms);
    if (a.end_ms != 0) s.integer(9, a.end_ms);
    s.real(10, a.peak);
    s.text_or_null(11, a.sent() ? "" : name_of(a.suppressed));
    s.text_or_null(12, a.policy);
    s.text(13, name_of(a.event));
    s.integer(14, a.event_ms);
    s.text(15, std::string_view(record).substr(0, record.size() - 1));
    s.text_or_null(16, a.incident);
    s.step();
  }
  Impl::Statement s(*impl_, kHistory);
  s.text(1, a.id);
  s.integer(2, a.event_ms);
  s.text(3, name_of(a.event));
  s.text(4, name_of(a.severity));
  s.real(5, a.peak);
  s.step();
  if (++impl_->open_records >= kBatch) flush();
}

void AlertDb::add(const Incident& i) {
  if (impl_->open_records == 0) impl_->run("BEGIN");
  const std::string record = to_json_line(i);
  Impl::Statement s(*impl_, kUpsertIncident);
  s.text(1, i.id);
  s.text(2, i.prefix.to_string());
  s.text(3, i.task);
  s.text(4, i.type);
  s.text(5, name_of(i.severity));
  s.integer(6, i.start_ms);
  s.integer(7, i.raised_ms);
  if (i.end_ms != 0) s.integer(8, i.end_ms);
  s.integer(9, static_cast<int64_t>(i.hosts));
  s.text_or_null(10, i.suppressed == Suppression::kNone ? "" : name_of(i.suppressed));
  s.text(11, name_of(i.event));
  s.integer(12, i.event_ms);
  s.text(13, std::string_view(record).substr(0, record.size() - 1));
  s.step();
  if (++impl_->open_records >= kBatch) flush();
}

void AlertDb::flush() {
  if (impl_->open_records > 0) impl_->run("COMMIT");
  impl_->open_records = 0;
}

size_t AlertDb::remove_oldest(base::TimeMs before_ms, int64_t most) {
  flush();
  impl_->run("BEGIN IMMEDIATE; CREATE TEMP TABLE IF NOT EXISTS gone(id TEXT PRIMARY KEY); DELETE FROM gone");
  size_t removed = 0;
  try {
    for (const char* table : {"alerts", "incidents"}) {
      impl_->choose_oldest(table, before_ms, most);
      removed += static_cast<size_t>(impl_->number("SELECT count(*) FROM gone"));
      impl_->run(fmt::format("DELETE FROM {} WHERE id IN (SELECT id FROM gone)", table).c_str());
      impl_->run("DELETE FROM history WHERE id IN (SELECT id FROM gone); DELETE FROM gone");
    }
    impl_->run("COMMIT");
  } catch (...) {
    sqlite3_exec(impl_->handle, "ROLLBACK", nullptr, nullptr, nullptr);
    throw;
  }
  return removed;
}

std::optional<AlertKey> AlertDb::find(const std::string& id) {
  Impl::Statement s(*impl_, "SELECT record FROM alerts WHERE substr(id, 1, length(?1)) = ?1 LIMIT 2");
  s.text(1, id);
  if (!s.step()) return std::nullopt;
  const AlertKey key = parse_alert(s.column(0), impl_->path);
  if (s.step())
    throw base::Error("{}: more than one alert's id begins with '{}'; give more of it", impl_->path, id);
  return key;
}

void AlertDb::feedback(const std::string& id, bool yes, base::TimeMs given_ms) {
  Impl::Statement s(*impl_, "INSERT INTO feedback VALUES(?1, ?2, ?3)");
  s.text(1, id);
  s.text(2, yes ? "yes" : "no");
  s.integer(3, given_ms);
  s.step();
}

void AlertDb::each_record(const base::fs::path& path, const std::function<void(std::string_view)>& use) {
  Impl impl;
  impl.path = path.string();
  const int64_t version = impl.open_file(SQLITE_OPEN_READONLY);
  if (version == 0) return;
  for (const char* sql : {"SELECT record FROM alerts", "SELECT record FROM incidents"}) {
    if (version == 1 && std::string_view(sql).ends_with("incidents")) continue;
    Impl::Statement s(impl, sql);
    while (s.step()) use(s.column(0));
  }
}

bool AlertDb::is_one(const base::fs::path& path) {
  constexpr std::string_view kMagic("SQLite format 3\0", 16);
  char head[kMagic.size()] = {};
  std::ifstream file(path, std::ios::binary);
  return file.read(head, sizeof head) && std::string_view(head, sizeof head) == kMagic;
}

}  // namespace netflowgen::detect

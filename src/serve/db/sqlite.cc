#include "serve/db/sqlite.h"

#include <sqlite3.h>

#include <cstring>

#include "base/error.h"

namespace netflowgen::serve {
namespace {

// With the system's reason, which "disk I/O error" alone does not tell: a full disk, a read-only one.
std::string reason_of(sqlite3* handle, int result) {
  std::string why = handle == nullptr ? sqlite3_errstr(result) : sqlite3_errmsg(handle);
  const int error = handle == nullptr ? 0 : sqlite3_system_errno(handle);
  const int kind = result & 0xff;
  if (error != 0 && (kind == SQLITE_IOERR || kind == SQLITE_CANTOPEN || kind == SQLITE_FULL))
    why += std::string(" (") + std::strerror(error) + ")";
  return why;
}

}  // namespace

Sqlite::Sqlite(const base::fs::path& path, Mode mode, int busy_ms) : path_(path.string()) {
  const int flags = mode == Mode::kRead ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
  const int result = sqlite3_open_v2(path_.c_str(), &handle_, flags | SQLITE_OPEN_NOMUTEX, nullptr);
  if (result != SQLITE_OK) {
    const std::string why = reason_of(handle_, result);
    sqlite3_close(handle_);
    throw base::Error("{}: {}", path_, why);
  }
  sqlite3_busy_timeout(handle_, busy_ms);
  try {
    if (mode == Mode::kWrite)
      run("PRAGMA auto_vacuum=INCREMENTAL; PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;");
  } catch (...) {
    sqlite3_close(handle_);
    throw;
  }
}

Sqlite::~Sqlite() { sqlite3_close(handle_); }

void Sqlite::check(int result) const {
  if (result == SQLITE_OK || result == SQLITE_ROW || result == SQLITE_DONE) return;
  throw base::Error("{}: {}", path_, reason_of(handle_, result));
}

void Sqlite::run(const std::string& sql) {
  check(sqlite3_exec(handle_, sql.c_str(), nullptr, nullptr, nullptr));
}

int64_t Sqlite::number(const std::string& sql) {
  Statement s(*this, sql);
  return s.step() ? s.integer(0) : 0;
}

int64_t Sqlite::changes() const { return sqlite3_changes64(handle_); }

Statement::Statement(Sqlite& db, const std::string& sql) : db_(db) {
  db_.check(
      sqlite3_prepare_v2(db_.handle(), sql.c_str(), static_cast<int>(sql.size()), &statement_, nullptr));
}

Statement::~Statement() { sqlite3_finalize(statement_); }

Statement& Statement::bind(int at, int64_t value) {
  db_.check(sqlite3_bind_int64(statement_, at, value));
  return *this;
}

Statement& Statement::bind(int at, double value) {
  db_.check(sqlite3_bind_double(statement_, at, value));
  return *this;
}

Statement& Statement::bind(int at, std::string_view value) {
  db_.check(
      sqlite3_bind_text(statement_, at, value.data(), static_cast<int>(value.size()), SQLITE_TRANSIENT));
  return *this;
}

Statement& Statement::bind(int at, std::span<const float> value) {
  db_.check(sqlite3_bind_blob(statement_, at, value.data(), static_cast<int>(value.size_bytes()),
                              SQLITE_TRANSIENT));
  return *this;
}

Statement& Statement::bind(int at, std::span<const uint8_t> value) {
  db_.check(
      sqlite3_bind_blob(statement_, at, value.data(), static_cast<int>(value.size()), SQLITE_TRANSIENT));
  return *this;
}

Statement& Statement::bind_null(int at) {
  db_.check(sqlite3_bind_null(statement_, at));
  return *this;
}

bool Statement::step() {
  const int result = sqlite3_step(statement_);
  if (result != SQLITE_ROW && result != SQLITE_DONE) db_.check(result);
  return result == SQLITE_ROW;
}

void Statement::reset() {
  sqlite3_reset(statement_);
  sqlite3_clear_bindings(statement_);
}

int64_t Statement::integer(int at) const { return sqlite3_column_int64(statement_, at); }
double Statement::real(int at) const { return sqlite3_column_double(statement_, at); }
bool Statement::null(int at) const { return sqlite3_column_type(statement_, at) == SQLITE_NULL; }

std::string Statement::text(int at) const {
  const auto* const value = reinterpret_cast<const char*>(sqlite3_column_text(statement_, at));
  return value == nullptr ? ""
                          : std::string(value, static_cast<size_t>(sqlite3_column_bytes(statement_, at)));
}

std::vector<float> Statement::floats(int at) const {
  const void* const data = sqlite3_column_blob(statement_, at);
  const auto bytes = static_cast<size_t>(sqlite3_column_bytes(statement_, at));
  std::vector<float> values(bytes / sizeof(float));
  if (!values.empty()) std::memcpy(values.data(), data, values.size() * sizeof(float));
  return values;
}

std::vector<uint8_t> Statement::bytes(int at) const {
  const auto* const data = static_cast<const uint8_t*>(sqlite3_column_blob(statement_, at));
  const auto size = static_cast<size_t>(sqlite3_column_bytes(statement_, at));
  return data == nullptr ? std::vector<uint8_t>() : std::vector<uint8_t>(data, data + size);
}

Transaction::~Transaction() {
  if (done_) return;
  sqlite3_exec(db_.handle(), "ROLLBACK", nullptr, nullptr, nullptr);
}

}  // namespace netflowgen::serve

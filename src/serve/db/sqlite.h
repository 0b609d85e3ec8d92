// SQLite for the service's own files: a connection, a statement, errors as base::Error with the file's name.
//
// A connection belongs to one thread. Files are in WAL mode, so that readers never wait for the writer.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.h"

struct sqlite3;
struct sqlite3_stmt;

namespace netflowgen::serve {

class Sqlite {
 public:
  enum class Mode : uint8_t { kWrite, kRead };
  // kWrite makes the file where it is not there. Error: it cannot be opened.
  Sqlite(const base::fs::path& path, Mode mode, int busy_ms = 2000);
  ~Sqlite();
  Sqlite(const Sqlite&) = delete;
  Sqlite& operator=(const Sqlite&) = delete;

  void run(const std::string& sql);
  int64_t number(const std::string& sql);  // the first column of the first row; 0: none
  int64_t changes() const;
  const std::string& path() const { return path_; }
  sqlite3* handle() const { return handle_; }
  void check(int result) const;

 private:
  std::string path_;
  sqlite3* handle_ = nullptr;
};

// A prepared statement. Parameters are numbered from 1, columns from 0.
class Statement {
 public:
  Statement(Sqlite& db, const std::string& sql);
  ~Statement();
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;

  Statement& bind(int at, int64_t value);
  Statement& bind(int at, double value);
  Statement& bind(int at, std::string_view value);
  Statement& bind(int at, std::span<const float> value);    // a blob
  Statement& bind(int at, std::span<const uint8_t> value);  // a blob
  Statement& bind_null(int at);
  bool step();  // true: a row
  void run() {  // to the end, and ready for new parameters
    while (step()) {
    }
    reset();
  }
  void reset();

  int64_t integer(int at) const;
  double real(int at) const;
  bool null(int at) const;
  std::string text(int at) const;
  std::vector<float> floats(int at) const;
  std::vector<uint8_t> bytes(int at) const;

 private:
  Sqlite& db_;
  sqlite3_stmt* statement_ = nullptr;
};

// BEGIN IMMEDIATE now; COMMIT by commit(), else ROLLBACK.
class Transaction {
 public:
  explicit Transaction(Sqlite& db) : db_(db) { db_.run("BEGIN IMMEDIATE"); }
  ~Transaction();
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;
  void commit() {
    db_.run("COMMIT");
    done_ = true;
  }

 private:
  Sqlite& db_;
  bool done_ = false;
};

}  // namespace netflowgen::serve

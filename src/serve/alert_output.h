// Where alerts go: JSON lines in a file or on standard output, an SQLite file, or several of these.
#pragma once

#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "base/file.h"
#include "detect/alert.h"
#include "detect/alert_db.h"
#include "detect/incident.h"

namespace netflowgen::serve {

class AlertOutput {
 public:
  enum class Files : uint8_t {
    kWhole,   // JSON lines files appear at finish(), in place of older ones
    kAppend,  // they grow line by line, after what they hold
  };
  // Files that end in .db, .sqlite or .sqlite3 are SQLite, others JSON lines; none: standard output. Error: one
  // cannot be opened.
  explicit AlertOutput(const std::vector<std::string>& paths, Files files = Files::kWhole);

  // Error: no space, a closed pipe. The record may be in some of the files; adding it again is right for SQLite.
  void add(const detect::Alert& alert) { write(alert); }
  void add(const detect::Incident& incident) { write(incident); }
  // What was added is in SQLite files, too, and in those that are appended to.
  void flush();
  void finish();

  bool to_stdout() const { return files_.empty() && grown_.empty() && databases_.empty(); }
  uint64_t records() const { return records_; }

 private:
  template <typename Record>
  void write(const Record& record);

  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  struct Grown {
    std::string path;
    std::unique_ptr<std::FILE, Close> file;
  };

  std::vector<std::unique_ptr<base::AtomicFile>> files_;
  std::vector<Grown> grown_;
  std::vector<std::unique_ptr<detect::AlertDb>> databases_;
  uint64_t records_ = 0;
};

// The file's name says SQLite.
bool is_database(const std::string& path);

}  // namespace netflowgen::serve

// Where alerts go: JSON lines in a file or on standard output, an SQLite file, or several of these.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/file.h"
#include "detect/detect.h"

namespace netflowgen::cli {

class AlertOutput {
 public:
  // Files that end in .db, .sqlite or .sqlite3 are SQLite, others JSON lines; none: standard output.
  explicit AlertOutput(const std::vector<std::string>& paths);

  void add(const detect::Alert& alert);
  // What was added is in the files. JSON lines files appear only now.
  void finish();

  bool to_stdout() const { return files_.empty() && databases_.empty(); }
  uint64_t records() const { return records_; }

 private:
  std::vector<std::unique_ptr<base::AtomicFile>> files_;
  std::vector<std::unique_ptr<detect::AlertDb>> databases_;
  uint64_t records_ = 0;
};

// The file's name says SQLite.
bool is_database(const std::string& path);

}  // namespace netflowgen::cli

#include "cli/alert_output.h"

#include <cstdio>

#include "base/error.h"

namespace netflowgen::cli {

bool is_database(const std::string& path) {
  const std::string end = base::fs::path(path).extension().string();
  return end == ".db" || end == ".sqlite" || end == ".sqlite3";
}

AlertOutput::AlertOutput(const std::vector<std::string>& paths) {
  for (const auto& path : paths) {
    if (is_database(path)) {
      databases_.push_back(std::make_unique<detect::AlertDb>(path));
    } else {
      files_.push_back(std::make_unique<base::AtomicFile>(path));
    }
  }
}

void AlertOutput::add(const detect::Alert& alert) {
  ++records_;
  for (const auto& db : databases_) db->add(alert);
  if (files_.empty() && !to_stdout()) return;
  const std::string line = detect::to_json_line(alert);
  for (const auto& file : files_) file->write(line);
  if (to_stdout() && std::fwrite(line.data(), 1, line.size(), stdout) != line.size()) {
    throw base::Error("standard output cannot be written to");
  }
}

void AlertOutput::finish() {
  for (const auto& db : databases_) db->flush();
  for (const auto& file : files_) file->commit();
  std::fflush(stdout);
}

}  // namespace netflowgen::cli

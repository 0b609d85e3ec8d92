#include "serve/alert_output.h"

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "base/error.h"

namespace netflowgen::serve {

bool is_database(const std::string& path) {
  const std::string end = base::fs::path(path).extension().string();
  return end == ".db" || end == ".sqlite" || end == ".sqlite3";
}

AlertOutput::AlertOutput(const std::vector<std::string>& paths, Files files) {
  for (const auto& path : paths) {
    if (is_database(path)) {
      databases_.push_back(std::make_unique<detect::AlertDb>(path));
    } else if (files == Files::kAppend) {
      std::FILE* const file = std::fopen(path.c_str(), "ae");
      if (file == nullptr)
        throw base::Error("{}: cannot be opened for alerts: {}", path, std::strerror(errno));
      // No buffer: a line is one write, so a reader never sees half of one and what failed is not written later.
      std::setvbuf(file, nullptr, _IONBF, 0);
      grown_.push_back({path, std::unique_ptr<std::FILE, Close>(file)});
    } else {
      files_.push_back(std::make_unique<base::AtomicFile>(path));
    }
  }
}

template <typename Record>
void AlertOutput::write(const Record& record) {
  for (const auto& db : databases_) db->add(record);
  if (!files_.empty() || !grown_.empty() || to_stdout()) {
    const std::string line = detect::to_json_line(record);
    for (const auto& file : files_) file->write(line);
    for (const auto& [path, file] : grown_) {
      if (std::fwrite(line.data(), 1, line.size(), file.get()) != line.size()) {
        throw base::Error("{}: an alert cannot be written: {}", path, std::strerror(errno));
      }
    }
    if (to_stdout() && std::fwrite(line.data(), 1, line.size(), stdout) != line.size()) {
      throw base::Error("standard output cannot be written to");
    }
  }
  ++records_;
}

template void AlertOutput::write(const detect::Alert& record);
template void AlertOutput::write(const detect::Incident& record);

void AlertOutput::flush() {
  for (const auto& db : databases_) db->flush();
  std::fflush(stdout);
}

void AlertOutput::finish() {
  flush();
  for (const auto& file : files_) file->commit();
}

}  // namespace netflowgen::serve

// alerts.db as the API reads it: pages with filters, one alert with its history, feedback. Any thread.
#pragma once

#include <array>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "detect/rule.h"
#include "serve/db/sqlite.h"

namespace netflowgen::serve {

struct AlertFilter {
  enum class State : uint8_t { kAll, kOpen, kEnded };
  State state = State::kAll;
  std::string node;  // a name, or a prefix: all nodes inside
  std::optional<detect::Severity> at_least;
  std::string type;
  bool suppressed = true;            // false: leave them out
  base::TimeMs from_ms = INT64_MIN;  // that were up in [from, to)
  base::TimeMs to_ms = INT64_MAX;
  std::string incident;
  bool open_first = false;  // else by the time of raising alone, newest first
  size_t offset = 0;
  size_t limit = 50;
};

struct AlertRow {
  std::string record;   // JSON, docs/formats.md
  std::string verdict;  // "confirmed", "rejected"; "": none
};

struct AlertEventRow {
  std::string event;
  base::TimeMs time_ms = 0;
  std::string severity;
  double score = 0;
};

struct FeedbackRow {
  bool confirmed = false;
  base::TimeMs given_ms = 0;
};

class AlertReader {
 public:
  explicit AlertReader(base::fs::path path) : path_(std::move(path)) {}

  std::vector<AlertRow> alerts(const AlertFilter& filter, size_t& total) const;
  std::optional<AlertRow> alert(const std::string& id) const;
  std::vector<AlertEventRow> history(const std::string& id) const;
  std::vector<FeedbackRow> feedback(const std::string& id) const;
  std::vector<std::string> incidents(size_t offset, size_t limit, size_t& total) const;
  // Open alerts by severity, low first; suppressed ones too.
  std::array<int64_t, 4> open_by_severity() const;
  int64_t open_at(const std::string& node) const;

 private:
  class Use;
  base::fs::path path_;
  mutable std::mutex mutex_;
  mutable std::vector<std::unique_ptr<Sqlite>> idle_;
};

}  // namespace netflowgen::serve

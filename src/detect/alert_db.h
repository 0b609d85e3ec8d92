// Alerts, their history and what operators said of them, in one SQLite file (docs/formats.md has the schema).
//
// One thread. Writing the same records again changes nothing, so a replay may be repeated into one file.
// Records since the last flush() are lost in a crash, never half of one.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.h"
#include "detect/alert.h"
#include "detect/incident.h"

namespace netflowgen::detect {

class AlertDb {
 public:
  enum class Mode : uint8_t { kCreate, kExisting };
  // Error: not a database of alerts, a newer format, no permission; kExisting: the file is not there.
  explicit AlertDb(const base::fs::path& path, Mode mode = Mode::kCreate);
  ~AlertDb();
  AlertDb(const AlertDb&) = delete;
  AlertDb& operator=(const AlertDb&) = delete;

  void add(const Alert& alert);
  void add(const Incident& incident);
  void flush();
  // The alert whose id begins with `id`; nullopt: none. Error: more than one.
  std::optional<AlertKey> find(const std::string& id);
  // `given_ms`: when it was said.
  void feedback(const std::string& id, bool yes, base::TimeMs given_ms);

  // Removes the oldest alerts and incidents that have ended: those before `before_ms`, and those beyond `most` rows of a table
  // (0: no bound), kRemovedAtOnce in a call. Open ones stay, and those that an operator has judged. Returns how many went.
  static constexpr int64_t kRemovedAtOnce = 20'000;
  size_t remove_oldest(base::TimeMs before_ms, int64_t most);

  // Calls `use` with the record of every alert and incident of the file, which is not changed. Error: as
  // above.
  static void each_record(const base::fs::path& path, const std::function<void(std::string_view)>& use);

  // Its first bytes are those of an SQLite file.
  static bool is_one(const base::fs::path& path);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace netflowgen::detect

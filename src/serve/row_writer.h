// Frames, scores and alerts as rows of tables of ClickHouse (docs/clickhouse.md), for the service and for commands.
//
// What is added is encoded, queued on the disk (or in memory, for commands), and inserted from there by a thread of its own until the
// server has it. Invariants: 1. Rows: in = out + held + drops, over restarts too. 2. A row that is sent twice replaces itself:
// (source, node, task, step) or (source, id, event, time) is the table's key. 3. One insert is of one partition of one table. 4. Whatever
// the server answers, rows are tried again: no state of a server makes a row wrong. Beyond the bound new rows are dropped and counted.
//
// seen(), frame() and close() are for one thread; the rest is for any.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.h"
#include "base/ledger.h"
#include "detect/detector.h"
#include "serve/live_detector.h"

namespace netflowgen::serve {

struct StepBlock;

struct RowOptions {
  std::string url;     // clickhouse://HOST:PORT/DATABASE?OPTION=VALUE; "": no rows are written
  std::string source;  // a column of every row: tells apart what several networks write
  bool frames = true;
  bool scores = true;
  bool alerts = true;
  int64_t keep_ms = 0;         // frames and scores of partitions (days) that are older go; 0: no bound
  int64_t keep_alerts_ms = 0;  // alerts, by the month
  base::fs::path queue;        // the file; "": in memory
  uint64_t queue_bytes = uint64_t{1} << 30;
  // Of a command: add() waits where the queue is full; where the server takes nothing for give_up_ms, adding and finish() end in Error.
  bool wait = false;
  int64_t give_up_ms = 60'000;
};

// UsageError: no such URL, an option that is for reading, a step of parts of a second.
void check_rows(const RowOptions& options, int64_t step_ms);

// The statements that make the tables, one a line block, each with its semicolon.
std::string create_statements(const RowOptions& options);

enum class RowDrop : uint8_t {
  kQueueFull,
  kNotWritten,  // the queue's file could not be written
  kBehind,      // the disk does not keep up
  kCount
};
constexpr std::string_view name_of(RowDrop reason) {
  constexpr std::string_view kNames[] = {"queue_full", "not_written", "behind"};
  return kNames[static_cast<size_t>(reason)];
}

struct RowCounts {
  base::LedgerView rows;
  uint64_t failures = 0;  // inserts that failed and are made again
  uint64_t queue_bytes = 0;
  std::string problem;  // why the last insert failed; "": it did not
};

class RowWriter {
 public:
  using Log = std::function<void(const std::string&)>;

  // Error: the queue's file cannot be opened. The server need not be there.
  RowWriter(const RowOptions& options, int64_t step_ms, Log log);
  ~RowWriter();  // what waits stays in the queue's file

  // A closed step with all that is known of it. Never waits: where the disk does not keep up, the oldest step is dropped.
  void add(std::shared_ptr<const StepBlock> step);
  // Until add() of a step drops nothing, for who reads the past faster than the disk takes it.
  void wait_for_room();
  void add(const AlertRecord& record);

  // The same from a detector's observer: `tasks` names the scores. Idle positions are no rows.
  void seen(int64_t step, std::span<const detect::NodeScores> nodes, std::span<const std::string> tasks);
  void frame(std::string_view node, int64_t step, std::span<const float> frame);
  // What seen() and frame() took is passed on. Waits for the disk.
  void close();

  // What was added is in the queue. Error, of a command: the server takes nothing.
  void settle();
  // Inserts what waits, for so long at most. True: nothing waits any more. Error, of a command: the server takes nothing.
  bool finish(int64_t grace_ms);

  RowCounts counts() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace netflowgen::serve

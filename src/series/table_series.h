// A table of flows in ClickHouse -> frames, with the sums made by the server: the frames of reading the flows one by one, to the
// bit, where the flows have no duration (what a table of Akvorado or goflow2 holds).
//
// Invariants: 1. Steps ascend, nodes ascend within. 2. flows: in = out + drops, by the server's own counts. 3. Memory is that of the
// nodes in one slice of time, whose flows are bounded (slice=N). One thread.
#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "base/ledger.h"
#include "base/stop.h"
#include "series/builder.h"

namespace netflowgen::series {

struct TableOutcome {
  std::vector<base::LedgerView> ledgers;
  std::vector<std::pair<std::string_view, uint64_t>> notes;
  uint64_t flows = 0;
  uint64_t bytes = 0;      // of the server's answers
  int64_t first_step = 0;  // of accepted flows, [first, end)
  int64_t end_step = 0;
  std::string failure;  // of the server, after the first frames; "": none
  bool stopped = false;
};

struct TableRun {
  const base::StopFlag* stop = nullptr;
  std::function<void(uint64_t flows, uint64_t total)> report;  // after each slice
};

// Whether the server can sum the flows of the URL for these options; else they are read row by row. Error: as parse_clickhouse_url().
bool sums_on_server(const std::string& url);
// Error: no server, no such table, options that need the flows themselves.
TableOutcome read_table(const std::string& url, const SeriesOptions& options, const TableRun& run,
                        FrameSink& sink);

}  // namespace netflowgen::series

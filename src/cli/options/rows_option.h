// --clickhouse: what a command makes, as rows of ClickHouse too (docs/clickhouse.md).
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "cli/command.h"
#include "cli/commands.h"
#include "detect/streaming_detector.h"
#include "series/store.h"
#include "serve/row_writer.h"

namespace netflowgen::cli {

struct RowArgs {
  std::string url;
  std::string source;
};

// `what` begins the help of the option. `group` null: that of options without one.
void add_rows_option(Command& command, RowArgs& args, const std::string& what, const char* group);

// null: none are wanted. UsageError: no such URL.
std::unique_ptr<serve::RowWriter> open_rows(const RowArgs& args, int64_t step_ms);

// What the detector sees from here on. `rows` must outlive it.
void write_rows(detect::StreamingDetector& stream, std::vector<std::string> tasks, serve::RowWriter& rows);
// The frames of the store's shards from number `first` on, to the end. Error: the server does not take them.
void copy_rows(const std::string& store, const series::StoreInfo& info, size_t first, serve::RowWriter& rows,
               const Context& context);
// Until the server has all of them, or the user stops it. Error: it does not take them.
void finish_rows(serve::RowWriter& rows, const Context& context);

}  // namespace netflowgen::cli

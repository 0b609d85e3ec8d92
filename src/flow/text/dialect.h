// Text dialects as data: which columns a file of a named tool or data set has, and what each means. One small
// file a dialect (dialect_NAME.cc), one list of all (dialect.cc). A header, or for files without one the
// fixed list of columns, is compiled with it into a RowPlan (row.h).
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "flow/text/row.h"

namespace netflowgen::flow {

struct ColumnRule {
  std::string_view
      names;  // of the column, "a|b|c": the first that a header has; case and outer spaces do not count
  Field field;
  Need need = Need::kOptional;
  CellParser parse = nullptr;  // nullptr: the field's own
  double scale = 1;
  std::string_view time_format = "iso";
};

struct Dialect {
  std::string_view name;
  std::string_view what;  // completes "expected ..."
  std::span<const ColumnRule> columns;
  char separator = ',';  // of files without a header; a header may have comma, semicolon, tab or bar instead
  char quote = '"';
  char comment = '\0';
  std::string_view null = {};  // a cell that means "nothing"
  // The header is the line that begins so, then with the separator, and may come again; empty: the first line.
  std::string_view header_prefix = {};
  // For files without a header: its columns in order, and the test of the first row's cells.
  std::span<const std::string_view> fixed_columns = {};
  bool (*is_row)(std::span<const std::string_view> cells) = nullptr;
  void (*finish)(RowValues& row) = nullptr;
  uint32_t finish_knows = 0;  // bits of Known that finish() may set
  // The same where that depends on the columns, given as bits of Field; nullptr: it does not.
  uint32_t (*finish_knows_of)(uint64_t have) = nullptr;
  // Of a line that is no good row: how many lines from it on are no rows at all (a summary), 0 when it is
  // one.
  size_t (*not_rows)(std::string_view line) = nullptr;
  bool only_known_columns = false;  // a header with other columns is another dialect's
  bool as_given = false;
};

extern const Dialect kFlowsDialect;
extern const Dialect kNfdumpDialect;
extern const Dialect kBinetflowDialect;
extern const Dialect kUgr16Dialect;
extern const Dialect kCiddsDialect;
extern const Dialect kCicFlowMeterDialect;
extern const Dialect kPythonCicFlowMeterDialect;
extern const Dialect kNfstreamDialect;
extern const Dialect kAwsVpcDialect;
extern const Dialect kGcpVpcDialect;
extern const Dialect kAzureNsgDialect;
extern const Dialect kAzureVnetDialect;
extern const Dialect kPmacctDialect;
extern const Dialect kUnswDialect;
extern const Dialect kNfDialect;
extern const Dialect kZeekDialect;

std::span<const Dialect* const> all_dialects();
const Dialect* find_dialect(std::string_view name);  // nullptr: none

struct PlanOptions {
  int utc_offset_minutes = 0;
  std::optional<TimeMs> assume_time;
};

// How one file is read.
struct Layout {
  RowPlan plan;
  bool has_header = false;
  std::string header;  // the line, to know it again where files were joined
};

// The layout of a file that begins with `head` if it is of this dialect. Otherwise nullopt, and `why` says
// what is missing.
std::optional<Layout> recognise(const Dialect& dialect, std::string_view head, const PlanOptions& options,
                                std::string& why);
// Whether a line is a header that has the dialect's prefix.
bool is_header(const Dialect& dialect, std::string_view line);
// What a file is that a tool printed for people, and how to write it for programs. Empty: no known print.
std::string advice(std::string_view head);
// "nearly binetflow: it lacks Dur, SrcBytes": the dialect whose needed columns a header has most of, and what differs.
// Empty where no dialect has half of them.
std::string near_miss(std::string_view head);
// The plan for a header line that came later in a file (Dialect::header_prefix).
std::optional<Layout> layout_of_header(const Dialect& dialect, std::string_view header,
                                       const PlanOptions& options, std::string& why);

// The plan of the dialect's fixed columns, for rows of exactly as many. REQUIRES: fixed_columns not empty.
RowPlan fixed_plan(const Dialect& dialect, const PlanOptions& options);

// Column names of a header line: lower case, without quotes and outer spaces.
std::vector<std::string> header_names(std::string_view line, char separator, char quote);
// First line of `head` that is not blank and does not begin with `comment`.
std::string_view first_line(std::string_view head, char comment = '\0');

}  // namespace netflowgen::flow

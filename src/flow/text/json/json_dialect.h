// JSON dialects as data: which key paths the objects of a named tool have, and what each means. The rules are those of
// text dialects (dialect.h); a name is a path "a.b", nested objects or one key with dots in it. One small file a dialect
// (dialects/NAME.cc), one list of all (json_dialect.cc).
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "flow/text/column_map.h"
#include "flow/text/dialect.h"
#include "flow/text/json/json_cells.h"
#include "flow/text/json/json_plan.h"

namespace netflowgen::flow {

// Strings inside an object that are rows: where they are, and their forms by the number of cells.
struct TupleRule {
  std::string_view path;  // through arrays as if they were not there
  std::span<const Dialect* const> forms;
};

struct JsonDialect {
  std::string_view name;
  std::string_view what;  // completes "expected ..."
  std::string_view
      signature;  // "a|b,c": paths that one of a file's first objects has, alternatives with bars
  const Dialect* like = nullptr;  // rules, finish() and null of the text dialect with the same fields
  const Dialect* finishes_like =
      nullptr;  // finish() of the text dialect whose rules it shares, but not its columns
  std::span<const ColumnRule> rules = {};  // before those of `like`
  std::string_view null = {};              // a value that means "nothing", beside null and ""
  void (*finish)(RowValues& row) = nullptr;
  uint32_t finish_knows = 0;
  std::span<const TupleRule> tuples = {};
  bool as_given = false;
};

extern const JsonDialect kFlowsJson;
extern const JsonDialect kZeekJson;
extern const JsonDialect kSuricataJson;
extern const JsonDialect kNfdumpJson;
extern const JsonDialect kGoflow2Json;
extern const JsonDialect kPmacctJson;
extern const JsonDialect kAwsJson;
extern const JsonDialect kCloudWatchJson;
extern const JsonDialect kGcpJson;
extern const JsonDialect kAzureJson;

std::span<const JsonDialect* const> all_json_dialects();
const JsonDialect* find_json_dialect(std::string_view name);  // nullptr: none

// Whether a file that begins so is JSON: the first character that is no white space is a brace or a bracket with an
// object, an array's end or nothing behind it.
bool is_json(std::string_view head);

// Whether a file that begins so is an array without a member, or such an array in the object that wraps it.
bool is_empty_json_array(std::string_view head);

JsonPlan compile(const JsonDialect& dialect, const PlanOptions& options);
// Error when a path of the map is refused (too many).
JsonPlan compile(const ColumnMap& map, const PlanOptions& options);

// What the first objects of a file have: which dialect's they are. REQUIRES: kDocumentPadding bytes after `head`.
const JsonDialect* detect_json(std::string_view head);
// The parts of the signature that no object in `head` has, as a list; empty: it is of this dialect.
std::string missing_keys(const JsonDialect& dialect, std::string_view head);
// The dialect whose signature the first objects fill best, where at least half of it is there; nullptr: none.
const JsonDialect* nearest_json(std::string_view head);

}  // namespace netflowgen::flow

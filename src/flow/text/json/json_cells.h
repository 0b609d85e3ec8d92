// Reads the values that a plan names out of one JSON object. Two implementations: read_cells_reference() is simdjson, and
// decides what is JSON; ShapeReader (json_shape.h) is the fast path for objects that look like earlier ones. A test and
// a fuzz target compare them.
#pragma once

#include <simdjson.h>

#include <string_view>
#include <vector>

#include "flow/text/json/json_plan.h"

namespace netflowgen::flow {

inline constexpr size_t kMaxJsonDepth = 64;
inline constexpr size_t kMaxDocument = size_t{16} << 20;
// Bytes past the end of a document that may be read (not used).
inline constexpr size_t kDocumentPadding = 64;
static_assert(kDocumentPadding >= simdjson::SIMDJSON_PADDING);

// A string that is a row, and the form's index in JsonPlan::tuples.
struct JsonTuple {
  std::string_view text;
  uint16_t tuples = 0;
};

// simdjson's two parsers and their buffers. One thread.
class JsonParser {
 public:
  // BadRow::kNone; kJson where simdjson finds no single valid object, kJsonDepth, kJsonKey for a mapped key that comes
  // twice. Cells and tuples stay valid until the next call. REQUIRES: kDocumentPadding readable bytes after `document`.
  BadRow read_cells(std::string_view document, const JsonPlan& plan, JsonCells& cells);
  const std::vector<JsonTuple>& tuples() const { return tuples_; }

 private:
  BadRow walk(simdjson::ondemand::object object, const JsonPlan& plan, uint16_t parent, JsonCells& cells);
  BadRow value(simdjson::ondemand::value value, const JsonPlan& plan, uint16_t key, JsonCells& cells);

  simdjson::dom::parser validator_;
  simdjson::ondemand::parser parser_;
  std::vector<JsonTuple> tuples_;
};

}  // namespace netflowgen::flow

// From one JSON object to a Flow: the key paths that a dialect names, compiled into a tree of keys and a list of steps.
//
// The tree finds a value's column while an object is walked; the steps then read the columns as the cells of a CSV row
// are read (row.h), in the order of the dialect's rules. A plan is made once per file. Immutable after that: any
// thread.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "flow/text/dialect.h"
#include "flow/text/row.h"

namespace netflowgen::flow {

inline constexpr size_t kMaxJsonColumns = 128;
inline constexpr uint16_t kNoColumn = UINT16_MAX;
inline constexpr uint16_t kNoKey = UINT16_MAX;

// A key of the tree; the root is the object itself.
struct JsonKey {
  std::string name;
  uint16_t column = kNoColumn;     // of a scalar value
  uint16_t tuples = kNoColumn;     // of strings that are rows: index in JsonPlan::tuples
  std::vector<uint16_t> children;  // indices in JsonPlan::keys
};

// The values of one object, by column: text of strings without quotes and escapes, numbers and words as they stand.
// Valid as long as the document and the parser that read it are not touched.
struct JsonCells {
  std::array<std::string_view, kMaxJsonColumns> cell;
  std::array<uint64_t, kMaxJsonColumns / 64> present{};

  void clear() { present = {}; }
  bool has(size_t column) const { return (present[column / 64] >> (column % 64) & 1) != 0; }
  // False: the column has come before.
  bool set(size_t column, std::string_view text) {
    const uint64_t mask = uint64_t{1} << (column % 64);
    uint64_t& word = present[column / 64];
    if ((word & mask) != 0) return false;
    word |= mask;
    cell[column] = text;
    return true;
  }
};

struct JsonStep {
  static constexpr size_t kMaxColumns = 8;

  Step step;
  std::array<uint16_t, kMaxColumns> columns{};  // the first one with a value is read
  uint16_t count = 0;
};

// A condition on a value as text; a value that is not there is empty.
struct JsonFilter {
  JsonStep value;
  RowFilter filter;
};

// Strings inside an object that are rows themselves, with the plan of each form. The number of cells tells the form.
struct JsonTuples {
  std::vector<RowPlan> forms;
};

struct JsonPlan {
  RowPlan row;  // what parse_row() and finish_row() need beside the steps
  std::vector<JsonStep> steps;
  std::vector<JsonFilter> keep;  // all must hold, or the object is no flow
  std::vector<JsonKey> keys{1};
  std::vector<JsonTuples> tuples;  // not empty: rows come from these, and `steps` are not used
  size_t columns = 0;

  uint16_t child(uint16_t parent, std::string_view name) const {
    if (parent == kNoKey) return kNoKey;
    for (const uint16_t k : keys[parent].children) {
      if (keys[k].name == name) return k;
    }
    return kNoKey;
  }
};

// The key at a path, "a.b.c", made where it is not there yet.
uint16_t add_key(JsonPlan& plan, std::string_view path);

// Adds the columns of "a.b|c", alternatives in order, to a step. A path with dots means nested objects or one key with
// dots in it, as flattened logs have. Error when the plan or the step is full.
void add_columns(JsonPlan& plan, std::string_view paths, JsonStep& step);

// Reads the cells of one object into up to two flows, as parse_row() does for a line.
Flows parse_cells(const JsonCells& cells, const JsonPlan& plan, Flow* slots);

// parse_cells() for many objects with the same columns: which steps have a value is found once for each set of columns
// (a form). A test compares both. One thread.
class JsonSteps {
 public:
  // `plan` must live as long.
  explicit JsonSteps(const JsonPlan& plan) : plan_(plan) {}
  Flows parse(const JsonCells& cells, Flow* slots);

 private:
  struct Bound {
    const JsonStep* step;
    uint16_t column;  // kNoColumn: none or several have a value
  };
  struct Form {
    std::array<uint64_t, kMaxJsonColumns / 64> present{};
    std::vector<Bound> steps;  // empty: not made yet
  };
  static constexpr size_t kForms = 16;           // by hash
  static constexpr uint64_t kMaxBound = 10'000;  // forms made; a file with more is read by parse_cells()

  void bind(Form& form, const JsonCells& cells);

  const JsonPlan& plan_;
  std::array<Form, kForms> forms_;
  uint64_t bound_ = 0;
};

}  // namespace netflowgen::flow

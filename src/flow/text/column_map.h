// A YAML column map: how to read a text file of no named dialect, as flows or as rates. docs/formats.md,
// "Column maps"; examples in configs/maps/.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "flow/text/dialect.h"

namespace netflowgen::flow {

// What an address's cell may hold beside an address.
enum class NameRule : uint8_t {
  kNumbered,  // names that end in two digits or more, as anonymised data sets have them: Comp364445
  kAll,       // any word that begins with a letter
  kNone,
};

// Which part of a file's path is the node's name.
enum class FilePart : uint8_t { kName, kFolder };  // without all extensions; the folder that it lies in

struct MapColumn {
  std::string name;             // of the column, lower case; empty: by index, a constant, or of the file
  std::string path;             // the same as written: a key path where the map is of JSON
  std::optional<size_t> index;  // from 0
  std::optional<std::string> constant;
  std::optional<FilePart> file;
  std::shared_ptr<const TimeFormat> time_format;  // nullptr: iso
  double scale = 1;
  bool optional = false;  // its cell may be empty
  NameRule names = NameRule::kNumbered;
};

// Rows that are no flows, or no rates: those whose cell is none (negate: one) of the values.
struct MapFilter {
  MapColumn column;
  bool negate = false;
  std::vector<std::string> values;
};

struct ColumnMap {
  std::string path;  // for messages
  bool rates = false;
  bool json = false;  // objects, whose columns are key paths (json/json_dialect.h)
  bool header = true;
  char separator = ',';
  char quote = '"';
  char comment = '\0';
  std::string missing;    // a cell that means "nothing", beside the empty one
  size_t skip_lines = 0;  // before the header or the first row
  size_t columns = 0;     // of a whole row; 0: the header's, or at least the last one used
  std::optional<int> utc_offset_minutes;
  std::string files;               // only files whose name matches this pattern of the shell; empty: all
  std::vector<MapFilter> filters;  // all must hold
  std::vector<std::pair<Field, MapColumn>> fields;  // of flows
  std::vector<MapColumn> node;                      // of rates: joined with `join`
  std::string join = "#";
  MapColumn time;
  std::vector<std::pair<std::string, MapColumn>> rates_of;  // feature name, column
  int64_t interval_ms = 0;      // of rates: the time that a row covers; 0: as long as a step
  bool absent_is_idle = false;  // of rates: a step without a row is one in which nothing happened
};

// Error, with the file's name and the key, for anything that is not a map.
ColumnMap load_column_map(const std::string& path);
ColumnMap parse_column_map(const std::string& text, const std::string& name);

// Error when a column of the map is not in the header.
Layout layout_of_map(const ColumnMap& map, std::string_view head, const std::string& file,
                     const PlanOptions& options);

// The step of a field, without its column, and what a constant gives to every row.
Step step_of_map(Field field, const MapColumn& column, int utc_offset_minutes);
void apply_constant(const ColumnMap& map, Field field, const MapColumn& column, const Step& step,
                    RowPlan& plan);
// The filters for a file with this header. Error as above.
std::vector<RowFilter> filters_of_map(const ColumnMap& map, const std::vector<std::string>& header,
                                      const std::string& file);
// What a node that is named after its file is called.
std::string name_of_file(FilePart part, const std::string& path);

// The place of each column, by index or by its name in the header. Error as above.
size_t place_of(const ColumnMap& map, const MapColumn& column, const std::vector<std::string>& header,
                const std::string& file);
// The header line of a file of this map (after skip_lines and comments); empty when it has none.
std::string_view header_of_map(const ColumnMap& map, std::string_view head);

}  // namespace netflowgen::flow

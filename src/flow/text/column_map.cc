#include "flow/text/column_map.h"

#include <algorithm>
#include <filesystem>

#include "base/error.h"
#include "base/file.h"
#include "base/time.h"
#include "base/words.h"
#include "base/yaml.h"
#include "flow/io/inputs.h"
#include "flow/text/line_reader.h"
#include "flow/text/split.h"
#include "flow/text/text_parse.h"

namespace netflowgen::flow {
namespace {

using Yaml = base::YamlValue;

constexpr size_t kMaxTimes = size_t{1} << 24;

// A file of times by index: its first column is the index, its second the time. A line that is none (the header) is
// passed over.
std::vector<TimeMs> read_times(const std::string& path) {
  LineReader lines(Inputs({path}).open(0));
  std::vector<TimeMs> times;
  std::string_view line;
  while (lines.next(line)) {
    uint32_t ends[2] = {};
    uint64_t index = 0;
    TimeMs time = 0;
    bool zoned = false;
    if (split_cells(line, ',', '"', 2, ends) < 2 || !parse_u64(cell_at(line, ends, 0, '"'), index) ||
        index >= kMaxTimes || !TimeFormat().parse(cell_at(line, ends, 1, '"'), time, zoned)) {
      continue;
    }
    if (index >= times.size()) times.resize(index + 1, TimeFormat::kNoTime);
    times[index] = time;
  }
  lines.check();
  if (times.empty()) throw base::Error("{}: no line of it is an index and a time", path);
  return times;
}

double unit_of(const std::string& unit, const Yaml& at) {
  constexpr std::pair<std::string_view, double> kUnits[] = {
      {"B", 1},         {"kB", 1e3},   {"MB", 1e6},   {"GB", 1e9},     {"KiB", 1024},
      {"MiB", 1048576}, {"bit", .125}, {"kbit", 125}, {"Mbit", 125e3}, {"Gbit", 125e6},
      {"s", 1},         {"ms", 1e-3},  {"us", 1e-6},  {"ns", 1e-9},    {"min", 60},
  };
  for (const auto& [name, factor] : kUnits) {
    if (name == unit) return factor;
  }
  at.fail("unknown unit '{}'; known: B kB MB GB KiB MiB bit kbit Mbit Gbit s ms us ns min", unit);
}

std::string lower(std::string text) {
  for (char& c : text) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  }
  return text;
}

void set_column(const Yaml& at, MapColumn& column) {
  const auto text = at.as<std::string>("a column's name or its index from 0");
  if (!text.empty() && text.size() <= 4 &&
      std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; }) &&
      !at.quoted()) {  // a quoted "3" is a name
    column.index = std::stoul(text);
    if (*column.index >= kMaxColumns)
      at.fail("column {} is past the limit of {}", *column.index, kMaxColumns);
  } else {
    column.name = lower(text);
    column.path = text;
  }
}

TimeMs parse_start(const Yaml& at) {
  const auto text = at.as<std::string>("a time such as 2023-10-09T00:00:00Z");
  TimeMs time = 0;
  bool zoned = false;
  if (!TimeFormat().parse(text, time, zoned)) at.fail("'{}' is not a time", text);
  return time;  // without a zone: UTC
}

int64_t parse_interval(const Yaml& at) {
  const auto text = at.as<std::string>("a duration such as 5m");
  const int64_t ms = base::parse_duration(text).value_or(0);
  if (ms <= 0) at.fail("expected a duration such as 5m, not '{}'", text);
  return ms;
}

// How the cells of a time are read: a format, an index with its start and interval, or a file of times.
void set_time(const Yaml& at, MapColumn& column) {
  if (const Yaml format = at["format"]) {
    try {
      column.time_format = std::make_shared<TimeFormat>(format.as<std::string>("a time format"));
    } catch (const base::Error& e) {
      format.fail("{}", e.what());
    }
  }
  if (const Yaml file = at["times"]) {
    const auto path = std::filesystem::path(at.file()).parent_path() / file.as<std::string>("a file");
    column.time_format = std::make_shared<TimeFormat>(TimeFormat::table(read_times(path.string())));
  }
  if (at["start"].given() != at["interval"].given()) at.fail("an index needs both start and interval");
  if (!at["start"]) return;
  column.time_format = std::make_shared<TimeFormat>(
      TimeFormat::index(parse_start(at["start"]), parse_interval(at["interval"])));
}

FilePart parse_file_part(const Yaml& at) {
  const auto text = at.as<std::string>("name or folder");
  if (text != "name" && text != "folder") at.fail("expected name or folder, not '{}'", text);
  return text == "name" ? FilePart::kName : FilePart::kFolder;
}

// 3, name, or {column: ..., constant: ..., file: ..., format: ..., start: ..., interval: ..., times: ..., unit: ...,
// scale: ..., optional: ..., names: ...}.
MapColumn parse_column(const Yaml& at) {
  MapColumn column;
  if (at.scalar()) {
    set_column(at, column);
    return column;
  }
  at.keys({"column", "constant", "file", "format", "start", "interval", "times", "unit", "scale", "optional",
           "names"});
  if (at["column"]) set_column(at["column"], column);
  if (at["constant"]) column.constant = at["constant"].as<std::string>("a value");
  if (at["file"]) column.file = parse_file_part(at["file"]);
  if (int{at["column"].given()} + int{at["constant"].given()} + int{at["file"].given()} != 1) {
    at.fail("give either column, constant or file");
  }
  set_time(at, column);
  if (at["unit"]) column.scale = unit_of(at["unit"].as<std::string>("a unit"), at["unit"]);
  if (at["scale"]) column.scale *= at["scale"].as<double>("a number");
  if (!(column.scale > 0)) at.fail("scale must be above 0");
  if (at["optional"]) column.optional = at["optional"].as<bool>("true or false");
  if (at["names"]) column.names = at["names"].as<bool>("true or false") ? NameRule::kAll : NameRule::kNone;
  return column;
}

// A mapping of columns to a value or a list of values.
void parse_filters(const Yaml& at, bool negate, ColumnMap& map) {
  if (!at) return;
  if (!at.map()) at.fail("expected a mapping of columns to values");
  for (const auto& [key, value] : at.entries()) {
    MapFilter filter;
    filter.negate = negate;
    set_column(key, filter.column);
    if (value.list()) {
      for (const Yaml& item : value.items()) filter.values.push_back(item.as<std::string>("a value"));
    } else {
      filter.values = {value.as<std::string>("a value or a list of values")};
    }
    map.filters.push_back(std::move(filter));
  }
}

char parse_char(const Yaml& at) {
  const auto text = at.as<std::string>("one character");
  if (text == "tab") return '\t';
  if (text == "space") return ' ';
  if (text == "none") return '\0';
  if (text.size() != 1) at.fail("expected one character, tab, space or none, not '{}'", text);
  return text[0];
}

int parse_offset(const Yaml& at) {
  const auto text = at.as<std::string>("an offset such as \"+02:00\"");
  const bool shape = text.size() == 6 && (text[0] == '+' || text[0] == '-') && text[3] == ':';
  const auto digit = [&](size_t i) { return text[i] >= '0' && text[i] <= '9'; };
  if (!shape || !digit(1) || !digit(2) || !digit(4) || !digit(5)) at.fail("expected +hh:mm, not '{}'", text);
  const int minutes = std::stoi(text.substr(1, 2)) * 60 + std::stoi(text.substr(4, 2));
  return text[0] == '-' ? -minutes : minutes;
}

// "; did you mean 'src'?", or nothing.
std::string near_field(const std::string& name) {
  std::vector<std::string> known;
  for (size_t i = 0; i < static_cast<size_t>(Field::kCount); ++i)
    known.emplace_back(info_of(static_cast<Field>(i)).name);
  const std::string meant = base::nearest(name, known);
  return meant.empty() ? "" : "; did you mean '" + meant + "'?";
}

void parse_flows(const Yaml& root, ColumnMap& map) {
  const Yaml fields = root["fields"];
  if (!fields.map()) fields.fail("expected a mapping of fields to columns");
  bool has_time = false;
  for (const auto& [key, column] : fields.entries()) {
    const Field field = find_field(key.text());
    if (field == Field::kCount) key.fail("there is no field '{}'{}", key.text(), near_field(key.text()));
    has_time = has_time || field == Field::kStart || field == Field::kEnd;
    map.fields.emplace_back(field, parse_column(column));
    if (map.json && map.fields.back().second.index)
      column.fail("JSON has no columns by index: give a key path");
    if (map.fields.back().second.file) column.fail("a file's name is for the node of rates");
  }
  if (!has_time) fields.fail("a flow needs a start or an end");
  const auto maps = [&](Field field) {
    return std::ranges::any_of(map.fields, [&](const auto& mapped) { return mapped.first == field; });
  };
  if (maps(Field::kSrc) != maps(Field::kDst)) {
    const std::string_view lacking = maps(Field::kSrc) ? "dst" : "src";
    fields.fail(
        "a flow has two addresses, and {} is missing; where the rows have none, give one to all: "
        "{}: {{constant: 0.0.0.0}}",
        lacking, lacking);
  }
}

void parse_rates(const Yaml& root, ColumnMap& map) {
  const Yaml node = root["node"];
  if (!node) root.fail("rates need a node");
  if (node.list()) {
    for (const auto& part : node.items()) map.node.push_back(parse_column(part));
  } else {
    map.node.push_back(parse_column(node));
  }
  if (map.node.empty()) node.fail("rates need a node");
  if (root["join"]) map.join = root["join"].as<std::string>("text");
  if (!root["time"]) root.fail("rates need a time");
  map.time = parse_column(root["time"]);
  if (map.time.constant || map.time.file) root["time"].fail("must be a column");
  if (root["interval"]) map.interval_ms = parse_interval(root["interval"]);
  if (const Yaml absent = root["absent"]) {
    const auto text = absent.as<std::string>("idle or unknown");
    if (text != "idle" && text != "unknown") absent.fail("expected idle or unknown, not '{}'", text);
    map.absent_is_idle = text == "idle";
  }
  const Yaml rates = root["rates"];
  if (!rates.map() || rates.entries().empty()) rates.fail("expected a mapping of features to columns");
  for (const auto& [key, value] : rates.entries()) {
    auto column = parse_column(value);
    if (column.constant || column.file) value.fail("must be a column");
    map.rates_of.emplace_back(key.text(), std::move(column));
  }
}

bool parse_format(const Yaml& at) {
  const auto text = at.as<std::string>("text or json");
  if (text != "text" && text != "json") at.fail("expected text or json, not '{}'", text);
  return text == "json";
}

void parse_shape(const Yaml& root, ColumnMap& map) {
  if (root["header"]) map.header = root["header"].as<bool>("true or false");
  if (root["separator"]) map.separator = parse_char(root["separator"]);
  if (root["quote"]) map.quote = parse_char(root["quote"]);
  if (root["comment"]) map.comment = parse_char(root["comment"]);
  if (root["missing"]) map.missing = root["missing"].as<std::string>("text");
  if (root["skip_lines"]) map.skip_lines = root["skip_lines"].as<unsigned>("a number");
  if (root["columns"]) map.columns = root["columns"].as<unsigned>("a number");
  if (root["utc_offset"]) map.utc_offset_minutes = parse_offset(root["utc_offset"]);
  if (root["only_files"]) map.files = root["only_files"].as<std::string>("a pattern such as *.csv");
  parse_filters(root["keep_rows"], false, map);
  parse_filters(root["skip_rows"], true, map);
  if (map.separator == '\0') root["separator"].fail("there must be one");
}

}  // namespace

ColumnMap parse_column_map(const std::string& text, const std::string& name) {
  ColumnMap map;
  map.path = name;
  const Yaml root = Yaml::parse(text, name);
  if (!root.map()) root.fail("expected a mapping (docs/formats.md, Column maps)");
  const Yaml kind = root["kind"];
  const std::string what = kind ? kind.text() : "flows";
  if (what != "flows" && what != "rates") kind.fail("expected flows or rates, not '{}'", what);
  map.rates = what == "rates";
  std::vector<std::string> known = {"kind",       "header",     "separator",  "quote",
                                    "comment",    "missing",    "skip_lines", "columns",
                                    "utc_offset", "only_files", "keep_rows",  "skip_rows"};
  if (map.rates) {
    known.insert(known.end(), {"node", "join", "time", "rates", "interval", "absent"});
  } else {
    known.emplace_back("fields");
    known.emplace_back("format");
  }
  root.keys(known);
  parse_shape(root, map);
  if (const Yaml format = root["format"]) map.json = parse_format(format);
  map.rates ? parse_rates(root, map) : parse_flows(root, map);
  for (const MapFilter& filter : map.filters) {
    if (map.json && filter.column.index) root.fail("JSON has no columns by index: give key paths");
  }
  return map;
}

ColumnMap load_column_map(const std::string& path) { return parse_column_map(base::read_file(path), path); }

}  // namespace netflowgen::flow

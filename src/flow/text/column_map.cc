#include "flow/text/column_map.h"

#include <algorithm>

#include "base/error.h"
#include "base/file.h"
#include "base/time.h"
#include "base/words.h"
#include "base/yaml.h"
#include "flow/text/split.h"

namespace netflowgen::flow {
namespace {

using Yaml = base::YamlValue;

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

// 3, name, or {column: ..., constant: ..., format: ..., unit: ..., scale: ..., optional: ...}.
MapColumn parse_column(const Yaml& at) {
  MapColumn column;
  if (at.scalar()) {
    set_column(at, column);
    return column;
  }
  at.keys({"column", "constant", "format", "unit", "scale", "optional"});
  if (at["column"]) set_column(at["column"], column);
  if (at["constant"]) column.constant = at["constant"].as<std::string>("a value");
  if (at["column"].given() == column.constant.has_value()) at.fail("give either column or constant");
  if (at["format"]) column.time_format = at["format"].as<std::string>("a time format");
  if (at["unit"]) column.scale = unit_of(at["unit"].as<std::string>("a unit"), at["unit"]);
  if (at["scale"]) column.scale *= at["scale"].as<double>("a number");
  if (!(column.scale > 0)) at.fail("scale must be above 0");
  if (at["optional"]) column.optional = at["optional"].as<bool>("true or false");
  try {
    const TimeFormat checked(column.time_format);
  } catch (const base::Error& e) {
    at.fail("{}", e.what());
  }
  return column;
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
  }
  if (!has_time) fields.fail("a flow needs a start or an end");
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
  if (map.time.constant) root["time"].fail("must be a column");
  if (const Yaml interval = root["interval"]) {
    const auto text = interval.as<std::string>("a duration such as 5m");
    map.interval_ms = base::parse_duration(text).value_or(0);
    if (map.interval_ms <= 0) interval.fail("expected a duration such as 5m, not '{}'", text);
  }
  const Yaml rates = root["rates"];
  if (!rates.map() || rates.entries().empty()) rates.fail("expected a mapping of features to columns");
  for (const auto& [key, value] : rates.entries()) {
    auto column = parse_column(value);
    if (column.constant) value.fail("must be a column");
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
  std::vector<std::string> known = {"kind",    "header",     "separator", "quote",     "comment",
                                    "missing", "skip_lines", "columns",   "utc_offset"};
  if (map.rates) {
    known.insert(known.end(), {"node", "join", "time", "rates", "interval"});
  } else {
    known.emplace_back("fields");
    known.emplace_back("format");
  }
  root.keys(known);
  parse_shape(root, map);
  if (const Yaml format = root["format"]) map.json = parse_format(format);
  map.rates ? parse_rates(root, map) : parse_flows(root, map);
  return map;
}

// Reads a constant once, into what every row starts from.
void apply_constant(const ColumnMap& map, Field field, const MapColumn& column, const Step& step,
                    RowPlan& plan) {
  RowValues& row = plan.constant_values;
  row.flow = &plan.constants;
  if (step.parse(*column.constant, step, row) != BadRow::kNone) {
    throw base::Error("column map {}: fields.{}: the constant '{}' is not one", map.path, info_of(field).name,
                      *column.constant);
  }
  row.have |= step.have;
  row.flow->known |= step.known;
  row.flow = nullptr;
}

Step step_of_map(Field field, const MapColumn& column, int utc_offset_minutes) {
  const FieldInfo& info = info_of(field);
  Step step;
  step.need = column.optional ? Need::kColumn : Need::kCell;
  step.known = info.known;
  step.have = bit(field);
  step.parse = info.parse;
  step.scale = column.scale;
  step.utc_offset_ms = int64_t{utc_offset_minutes} * 60000;
  step.time_format = std::make_shared<const TimeFormat>(column.time_format);
  return step;
}

ColumnMap load_column_map(const std::string& path) { return parse_column_map(base::read_file(path), path); }

std::string_view header_of_map(const ColumnMap& map, std::string_view head) {
  if (!map.header) return {};
  for (size_t i = 0; i < map.skip_lines; ++i) {
    head.remove_prefix(std::min(std::min(head.find('\n'), head.size()) + 1, head.size()));
  }
  return first_line(head, map.comment);
}

size_t place_of(const ColumnMap& map, const MapColumn& column, const std::vector<std::string>& header,
                const std::string& file) {
  if (column.index) return *column.index;
  const auto at = std::find(header.begin(), header.end(), column.name);
  if (at != header.end()) return static_cast<size_t>(at - header.begin());
  std::string names;
  for (const auto& name : header) names += (names.empty() ? "" : ", ") + name;
  if (names.size() > 300) names = names.substr(0, 300) + " ...";
  throw base::Error("{}: the column map {} expects a column '{}', but the columns here are: {}", file,
                    map.path, column.name, names.empty() ? "none, for the map says header: false" : names);
}

Layout layout_of_map(const ColumnMap& map, std::string_view head, const std::string& file,
                     const PlanOptions& options) {
  const std::string_view line = header_of_map(map, head);
  const auto header = header_names(line, map.separator, map.quote);
  Layout layout;
  layout.has_header = map.header;
  layout.header = line;
  RowPlan& plan = layout.plan;
  plan.separator = map.separator;
  plan.quote = map.quote;
  plan.comment = map.comment;
  plan.null = map.missing;
  plan.columns = map.columns != 0 ? map.columns : line.empty() ? 0 : header.size();
  for (const auto& [field, column] : map.fields) {
    Step step = step_of_map(field, column, map.utc_offset_minutes.value_or(options.utc_offset_minutes));
    if (column.constant) {
      apply_constant(map, field, column, step, plan);
      continue;
    }
    step.column = static_cast<uint16_t>(std::min(place_of(map, column, header, file), kMaxColumns - 1));
    plan.steps.push_back(std::move(step));
  }
  complete(plan);
  return layout;
}

}  // namespace netflowgen::flow

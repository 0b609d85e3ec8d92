#include "flow/text/column_map.h"

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <initializer_list>

#include "base/error.h"
#include "base/file.h"
#include "base/time.h"
#include "flow/text/split.h"

namespace netflowgen::flow {
namespace {

// A node of the YAML file and where it stands, so that every message can say so.
struct Place {
  const ColumnMap& map;
  std::string key;

  template <typename... Args>
  [[noreturn]] void fail(fmt::format_string<Args...> format, Args&&... args) const {
    throw base::Error("column map {}: {}: {} (docs/formats.md, Column maps)", map.path, key,
                      fmt::format(format, std::forward<Args>(args)...));
  }
  Place at(const std::string& name) const { return {map, key + "." + name}; }
};

template <typename T>
T as(const YAML::Node& node, const Place& place, const char* what) {
  try {
    return node.as<T>();
  } catch (const YAML::Exception&) {
    place.fail("expected {}", what);
  }
}

void check_keys(const YAML::Node& node, const Place& place, std::initializer_list<std::string_view> known) {
  if (!node.IsMap()) place.fail("expected a mapping");
  for (const auto& entry : node) {
    const auto key = as<std::string>(entry.first, place, "a text key");
    if (std::find(known.begin(), known.end(), key) != known.end()) continue;
    std::string list;
    for (const auto name : known) list += (list.empty() ? "" : ", ") + std::string(name);
    place.fail("unknown key '{}'; known: {}", key, list);
  }
}

double unit_of(const std::string& unit, const Place& place) {
  constexpr std::pair<std::string_view, double> kUnits[] = {
      {"B", 1},         {"kB", 1e3},   {"MB", 1e6},   {"GB", 1e9},     {"KiB", 1024},
      {"MiB", 1048576}, {"bit", .125}, {"kbit", 125}, {"Mbit", 125e3}, {"Gbit", 125e6},
      {"s", 1},         {"ms", 1e-3},  {"us", 1e-6},  {"ns", 1e-9},    {"min", 60},
  };
  for (const auto& [name, factor] : kUnits) {
    if (name == unit) return factor;
  }
  place.fail("unknown unit '{}'; known: B kB MB GB KiB MiB bit kbit Mbit Gbit s ms us ns min", unit);
}

std::string lower(std::string text) {
  for (char& c : text) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  }
  return text;
}

void set_column(const YAML::Node& node, const Place& place, MapColumn& column) {
  const auto text = as<std::string>(node, place, "a column's name or its index from 0");
  if (!text.empty() && text.size() <= 4 &&
      std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; }) &&
      node.Tag() != "!") {  // a quoted "3" is a name
    column.index = std::stoul(text);
    if (*column.index >= kMaxColumns)
      place.fail("column {} is past the limit of {}", *column.index, kMaxColumns);
  } else {
    column.name = lower(text);
  }
}

// 3, name, or {column: ..., constant: ..., format: ..., unit: ..., scale: ..., optional: ...}.
MapColumn parse_column(const YAML::Node& node, const Place& place) {
  MapColumn column;
  if (node.IsScalar()) {
    set_column(node, place, column);
    return column;
  }
  check_keys(node, place, {"column", "constant", "format", "unit", "scale", "optional"});
  if (node["column"]) set_column(node["column"], place.at("column"), column);
  if (node["constant"]) column.constant = as<std::string>(node["constant"], place.at("constant"), "a value");
  if (node["column"].IsDefined() == column.constant.has_value()) place.fail("give either column or constant");
  if (node["format"])
    column.time_format = as<std::string>(node["format"], place.at("format"), "a time format");
  if (node["unit"])
    column.scale = unit_of(as<std::string>(node["unit"], place.at("unit"), "a unit"), place.at("unit"));
  if (node["scale"]) column.scale *= as<double>(node["scale"], place.at("scale"), "a number");
  if (!(column.scale > 0)) place.fail("scale must be above 0");
  if (node["optional"]) column.optional = as<bool>(node["optional"], place.at("optional"), "true or false");
  try {
    const TimeFormat checked(column.time_format);
  } catch (const base::Error& e) {
    place.fail("{}", e.what());
  }
  return column;
}

char parse_char(const YAML::Node& node, const Place& place) {
  const auto text = as<std::string>(node, place, "one character");
  if (text == "tab") return '\t';
  if (text == "space") return ' ';
  if (text == "none") return '\0';
  if (text.size() != 1) place.fail("expected one character, tab, space or none, not '{}'", text);
  return text[0];
}

int parse_offset(const YAML::Node& node, const Place& place) {
  const auto text = as<std::string>(node, place, "an offset such as \"+02:00\"");
  const bool shape = text.size() == 6 && (text[0] == '+' || text[0] == '-') && text[3] == ':';
  const auto digit = [&](size_t i) { return text[i] >= '0' && text[i] <= '9'; };
  if (!shape || !digit(1) || !digit(2) || !digit(4) || !digit(5))
    place.fail("expected +hh:mm, not '{}'", text);
  const int minutes = std::stoi(text.substr(1, 2)) * 60 + std::stoi(text.substr(4, 2));
  return text[0] == '-' ? -minutes : minutes;
}

void parse_flows(const YAML::Node& root, const Place& place, ColumnMap& map) {
  const Place at = place.at("fields");
  if (!root["fields"] || !root["fields"].IsMap()) at.fail("expected a mapping of fields to columns");
  bool has_time = false;
  for (const auto& entry : root["fields"]) {
    const auto name = as<std::string>(entry.first, at, "a field's name");
    const Field field = find_field(name);
    if (field == Field::kCount) at.fail("there is no field '{}'", name);
    has_time = has_time || field == Field::kStart || field == Field::kEnd;
    map.fields.emplace_back(field, parse_column(entry.second, at.at(name)));
  }
  if (!has_time) at.fail("a flow needs a start or an end");
}

void parse_rates(const YAML::Node& root, const Place& place, ColumnMap& map) {
  if (!root["node"]) place.fail("rates need a node");
  if (root["node"].IsSequence()) {
    for (const auto& part : root["node"]) map.node.push_back(parse_column(part, place.at("node")));
  } else {
    map.node.push_back(parse_column(root["node"], place.at("node")));
  }
  if (map.node.empty()) place.fail("rates need a node");
  if (root["join"]) map.join = as<std::string>(root["join"], place.at("join"), "text");
  if (!root["time"]) place.fail("rates need a time");
  map.time = parse_column(root["time"], place.at("time"));
  if (map.time.constant) place.at("time").fail("must be a column");
  if (root["interval"]) {
    const auto text = as<std::string>(root["interval"], place.at("interval"), "a duration such as 5m");
    map.interval_ms = base::parse_duration(text).value_or(0);
    if (map.interval_ms <= 0) place.at("interval").fail("expected a duration such as 5m, not '{}'", text);
  }
  const Place at = place.at("rates");
  if (!root["rates"] || !root["rates"].IsMap() || root["rates"].size() == 0) {
    at.fail("expected a mapping of features to columns");
  }
  for (const auto& entry : root["rates"]) {
    const auto name = as<std::string>(entry.first, at, "a feature's name");
    auto column = parse_column(entry.second, at.at(name));
    if (column.constant) at.at(name).fail("must be a column");
    map.rates_of.emplace_back(name, std::move(column));
  }
}

void parse_shape(const YAML::Node& root, const Place& place, ColumnMap& map) {
  if (root["header"]) map.header = as<bool>(root["header"], place.at("header"), "true or false");
  if (root["separator"]) map.separator = parse_char(root["separator"], place.at("separator"));
  if (root["quote"]) map.quote = parse_char(root["quote"], place.at("quote"));
  if (root["comment"]) map.comment = parse_char(root["comment"], place.at("comment"));
  if (root["missing"]) map.missing = as<std::string>(root["missing"], place.at("missing"), "text");
  if (root["skip_lines"])
    map.skip_lines = as<unsigned>(root["skip_lines"], place.at("skip_lines"), "a number");
  if (root["columns"]) map.columns = as<unsigned>(root["columns"], place.at("columns"), "a number");
  if (root["utc_offset"]) map.utc_offset_minutes = parse_offset(root["utc_offset"], place.at("utc_offset"));
  if (map.separator == '\0') place.at("separator").fail("there must be one");
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

Step step_of(Field field, const MapColumn& column, int utc_offset_minutes) {
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

}  // namespace

ColumnMap parse_column_map(const std::string& text, const std::string& name) {
  ColumnMap map;
  map.path = name;
  YAML::Node root;
  try {
    root = YAML::Load(text);
  } catch (const YAML::Exception& e) {
    throw base::Error("column map {}: not YAML: {}", name, e.what());
  }
  const Place place{map, "map"};
  if (!root.IsMap()) place.fail("expected a mapping");
  const auto kind =
      root["kind"] ? as<std::string>(root["kind"], place.at("kind"), "flows or rates") : "flows";
  if (kind != "flows" && kind != "rates") place.at("kind").fail("expected flows or rates, not '{}'", kind);
  map.rates = kind == "rates";
  if (map.rates) {
    check_keys(root, place,
               {"kind", "header", "separator", "quote", "comment", "missing", "skip_lines", "columns",
                "utc_offset", "node", "join", "time", "rates", "interval"});
  } else {
    check_keys(root, place,
               {"kind", "header", "separator", "quote", "comment", "missing", "skip_lines", "columns",
                "utc_offset", "fields"});
  }
  parse_shape(root, place, map);
  map.rates ? parse_rates(root, place, map) : parse_flows(root, place, map);
  return map;
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
    Step step = step_of(field, column, map.utc_offset_minutes.value_or(options.utc_offset_minutes));
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

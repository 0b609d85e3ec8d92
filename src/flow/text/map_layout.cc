// A column map and a file's header -> how its rows are read.
#include <algorithm>
#include <filesystem>

#include "base/error.h"
#include "base/words.h"
#include "flow/text/column_map.h"
#include "flow/text/digits.h"
#include "flow/text/split.h"

namespace netflowgen::flow {
namespace {

// "Comp364445", "User007".
bool is_numbered(std::string_view cell) {
  size_t digits = 0;
  while (digits < cell.size() && cell[cell.size() - 1 - digits] >= '0' &&
         cell[cell.size() - 1 - digits] <= '9') {
    ++digits;
  }
  return digits >= 2 && digits < cell.size() && cell.find_first_of(".: ") == std::string_view::npos;
}

template <Field kField>
BadRow parse_address_or_numbered(std::string_view cell, const Step& step, RowValues& row) {
  const BadRow bad = info_of(kField).parse(cell, step, row);
  if (bad == BadRow::kNone || !is_numbered(cell)) return bad;
  return kField == Field::kSrc ? parse_src_or_name(cell, step, row) : parse_dst_or_name(cell, step, row);
}

CellParser parser_of(Field field, NameRule names) {
  const bool all = names == NameRule::kAll;
  if (field == Field::kSrcPort) return parse_src_port_or_name;
  if (field == Field::kDstPort) return parse_dst_port_or_name;
  if (names == NameRule::kNone) return info_of(field).parse;
  if (field == Field::kSrc) return all ? parse_src_or_name : parse_address_or_numbered<Field::kSrc>;
  if (field == Field::kDst) return all ? parse_dst_or_name : parse_address_or_numbered<Field::kDst>;
  return info_of(field).parse;
}

}  // namespace

// Reads a constant once, into what every row starts from.
void apply_constant(const ColumnMap& map, Field field, const MapColumn& column, const Step& step,
                    RowPlan& plan) {
  RowValues& row = plan.constant_values;
  row.flow = &plan.constants;
  const std::string padded = *column.constant + std::string(kCellPadding, '\0');
  if (step.parse(std::string_view(padded).substr(0, column.constant->size()), step, row) != BadRow::kNone) {
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
  step.parse = parser_of(field, column.names);
  step.scale = column.scale;
  step.utc_offset_ms = int64_t{utc_offset_minutes} * 60000;
  step.time_format =
      column.time_format != nullptr ? column.time_format : std::make_shared<const TimeFormat>();
  return step;
}

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
  const std::string nearest = base::nearest(column.name, header);
  if (!map.node.empty() && column.name == "file") {
    throw base::Error(
        "{}: the column map {} expects a column 'file', which is not there; to take the node from the name "
        "of the file write node: {{file: name}}, or {{file: folder}} for its folder",
        file, map.path);
  }
  throw base::Error("{}: the column map {} expects a column '{}', but the columns here are: {}{}", file,
                    map.path, column.name, names.empty() ? "none, for the map says header: false" : names,
                    nearest.empty() ? "" : fmt::format(" (did you mean '{}'?)", nearest));
}

std::vector<RowFilter> filters_of_map(const ColumnMap& map, const std::vector<std::string>& header,
                                      const std::string& file) {
  std::vector<RowFilter> filters;
  for (const MapFilter& filter : map.filters) {
    const size_t place = std::min(place_of(map, filter.column, header, file), kMaxColumns - 1);
    filters.push_back({static_cast<uint16_t>(place), filter.negate, filter.values});
  }
  return filters;
}

std::string name_of_file(FilePart part, const std::string& path) {
  const std::filesystem::path file(path);
  const std::string name =
      part == FilePart::kName ? file.filename().string() : file.parent_path().filename().string();
  const size_t dot = part == FilePart::kName ? name.find('.', 1) : std::string::npos;
  return name.substr(0, dot);
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
  plan.keep = filters_of_map(map, header, file);
  complete(plan);
  return layout;
}

}  // namespace netflowgen::flow

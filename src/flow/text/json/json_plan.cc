#include "flow/text/json/json_plan.h"

#include <algorithm>

#include "base/error.h"

namespace netflowgen::flow {
namespace {

uint16_t child_or_new(JsonPlan& plan, uint16_t parent, std::string_view name) {
  if (const uint16_t known = plan.child(parent, name); known != kNoKey) return known;
  const auto fresh = static_cast<uint16_t>(plan.keys.size());
  plan.keys.push_back({std::string(name), kNoColumn, kNoColumn, {}});
  plan.keys[parent].children.push_back(fresh);
  return fresh;
}

void add_column(JsonPlan& plan, uint16_t key, JsonStep& step) {
  uint16_t& column = plan.keys[key].column;
  if (column == kNoColumn) {
    if (plan.columns == kMaxJsonColumns) throw base::Error("more than {} key paths", kMaxJsonColumns);
    column = static_cast<uint16_t>(plan.columns++);
  }
  if (step.count == JsonStep::kMaxColumns) throw base::Error("more than {} paths of one field", step.count);
  step.columns[step.count++] = column;
}

std::string_view cell_of(const JsonCells& cells, const JsonStep& step, std::string_view null) {
  for (size_t i = 0; i < step.count; ++i) {
    const size_t c = step.columns[i];
    if (!cells.has(c)) continue;
    const std::string_view cell = cells.cell[c];
    if (!cell.empty() && cell != null) return cell;
  }
  return {};
}

}  // namespace

uint16_t add_key(JsonPlan& plan, std::string_view path) {
  uint16_t at = 0;
  while (true) {
    const size_t dot = std::min(path.find('.'), path.size());
    at = child_or_new(plan, at, path.substr(0, dot));
    if (dot == path.size()) return at;
    path.remove_prefix(dot + 1);
  }
}

void add_columns(JsonPlan& plan, std::string_view paths, JsonStep& step) {
  while (!paths.empty()) {
    const size_t bar = std::min(paths.find('|'), paths.size());
    const std::string_view path = paths.substr(0, bar);
    add_column(plan, add_key(plan, path), step);
    if (path.find('.') != std::string_view::npos) add_column(plan, child_or_new(plan, 0, path), step);
    paths.remove_prefix(std::min(bar + 1, paths.size()));
  }
}

Flows parse_cells(const JsonCells& cells, const JsonPlan& plan, Flow* slots) {
  for (const JsonFilter& f : plan.keep) {
    if (!keeps(f.filter, cell_of(cells, f.value, plan.row.null))) return {BadRow::kNoFlow};
  }
  slots[0] = plan.row.constants;
  RowValues row = plan.row.constant_values;
  row.flow = slots;
  for (const JsonStep& s : plan.steps) {
    const Step& step = s.step;
    if (step.have != 0 && (row.have & step.have) == step.have) continue;  // an earlier rule gave it
    const std::string_view cell = cell_of(cells, s, plan.row.null);
    if (cell.empty()) {
      if (step.need == Need::kCell) return {BadRow::kMissing};
      continue;
    }
    row.unknown = false;
    if (const BadRow bad = step.parse(cell, step, row); bad != BadRow::kNone) return {bad};
    if (row.unknown) continue;
    row.have |= step.have;
    slots[0].known |= step.known;
  }
  return finish_row(plan.row, row, slots);
}

}  // namespace netflowgen::flow

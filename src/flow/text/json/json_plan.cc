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

namespace {

bool keeps_all(const JsonCells& cells, const JsonPlan& plan) {
  return std::ranges::all_of(plan.keep, [&](const JsonFilter& f) {
    return keeps(f.filter, cell_of(cells, f.value, plan.row.null));
  });
}

// Reads one cell; kNone also where it is empty and need not be there.
inline BadRow read_step(const Step& step, std::string_view cell, std::string_view null, RowValues& row) {
  if (step.have != 0 && (row.have & step.have) == step.have) return BadRow::kNone;  // an earlier rule gave it
  if (cell.empty() || cell == null) return step.need == Need::kCell ? BadRow::kMissing : BadRow::kNone;
  row.unknown = false;
  const BadRow bad = step.parse(cell, step, row);
  if (bad != BadRow::kNone || row.unknown) return bad;
  row.have |= step.have;
  row.flow->known |= step.known;
  return BadRow::kNone;
}

}  // namespace

Flows parse_cells(const JsonCells& cells, const JsonPlan& plan, Flow* slots) {
  if (!keeps_all(cells, plan)) return {BadRow::kNoFlow};
  slots[0] = plan.row.constants;
  RowValues row = plan.row.constant_values;
  row.flow = slots;
  for (const JsonStep& s : plan.steps) {
    const BadRow bad = read_step(s.step, cell_of(cells, s, plan.row.null), plan.row.null, row);
    if (bad != BadRow::kNone) return {bad};
  }
  return finish_row(plan.row, row, slots);
}

void JsonSteps::bind(Form& form, const JsonCells& cells) {
  form.present = cells.present;
  form.steps.clear();
  for (const JsonStep& s : plan_.steps) {
    const std::span columns(s.columns.data(), s.count);
    const auto present = std::ranges::count_if(columns, [&](uint16_t c) { return cells.has(c); });
    if (present == 0 && s.step.need != Need::kCell) continue;
    const auto first = std::ranges::find_if(columns, [&](uint16_t c) { return cells.has(c); });
    form.steps.push_back({&s, present == 1 ? *first : kNoColumn});
  }
}

Flows JsonSteps::parse(const JsonCells& cells, Flow* slots) {
  const uint64_t hash = (cells.present[0] ^ cells.present[1] * 31) * 0x9e3779b97f4a7c15u;
  Form& form = forms_[hash >> 60];
  if (form.steps.empty() || form.present != cells.present) [[unlikely]] {
    if (bound_ == kMaxBound) return parse_cells(cells, plan_, slots);
    ++bound_;
    bind(form, cells);
  }
  if (!keeps_all(cells, plan_)) return {BadRow::kNoFlow};
  slots[0] = plan_.row.constants;
  RowValues row = plan_.row.constant_values;
  row.flow = slots;
  const std::string_view null = plan_.row.null;
  for (const auto& [s, column] : form.steps) {
    const std::string_view cell = column == kNoColumn ? cell_of(cells, *s, null) : cells.cell[column];
    if (const BadRow bad = read_step(s->step, cell, null, row); bad != BadRow::kNone) return {bad};
  }
  return finish_row(plan_.row, row, slots);
}

}  // namespace netflowgen::flow

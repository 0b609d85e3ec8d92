#include "flow/text/json/json_dialect.h"

#include <algorithm>
#include <array>
#include <bit>
#include <memory>
#include <vector>

#include "base/error.h"
#include "flow/text/json/json_scan.h"

namespace netflowgen::flow {
namespace {

constexpr std::array<const JsonDialect*, 10> kDialects{
    &kFlowsJson,  &kZeekJson, &kSuricataJson,   &kNfdumpJson, &kGoflow2Json,
    &kPmacctJson, &kAwsJson,  &kCloudWatchJson, &kGcpJson,    &kAzureJson,
};
constexpr size_t kFirstObjects = 32;

// Calls `each` with the first objects of `head`, as far as they are whole, until it returns true.
template <typename Each>
bool any_object(std::string_view head, Each each) {
  for (size_t n = 0; n < kFirstObjects; ++n) {
    while (!head.empty() && is_json_separator(head.front())) head.remove_prefix(1);
    const size_t start = head.find('{');
    if (start == std::string_view::npos) return false;
    head.remove_prefix(start);
    JsonScan scan;
    const auto state = scan.run(head);
    if (state == JsonScan::State::kMore) return false;
    if (state == JsonScan::State::kEnd && each(head.substr(0, scan.position()))) return true;
    head.remove_prefix(std::max<size_t>(scan.position(), 1));
  }
  return false;
}

// "a|b,c" -> {"a|b", "c"}
std::vector<std::string_view> parts_of(std::string_view list) {
  std::vector<std::string_view> parts;
  while (!list.empty()) {
    const size_t comma = std::min(list.find(','), list.size());
    parts.push_back(list.substr(0, comma));
    list.remove_prefix(std::min(comma + 1, list.size()));
  }
  return parts;
}

// The signature as a plan: a step a part.
JsonPlan signature_plan(const JsonDialect& dialect) {
  JsonPlan plan;
  for (const std::string_view part : parts_of(dialect.signature)) {
    plan.steps.emplace_back();
    add_columns(plan, part, plan.steps.back());
  }
  for (const TupleRule& rule : dialect.tuples) {
    plan.keys[add_key(plan, rule.path)].tuples = static_cast<uint16_t>(plan.tuples.size());
    plan.tuples.emplace_back();
  }
  return plan;
}

// Whether a string has as many cells as a row of one of the dialect's tuples.
bool is_tuple(const JsonTuple& tuple, const JsonDialect& dialect) {
  const auto forms = dialect.tuples[tuple.tuples].forms;
  return std::any_of(forms.begin(), forms.end(), [&](const Dialect* form) {
    return static_cast<size_t>(std::count(tuple.text.begin(), tuple.text.end(), form->separator)) + 1 ==
           form->fixed_columns.size();
  });
}

// Bits of the parts that the object has. A dialect of tuples whose object has none has no part of its signature.
uint64_t parts_in(std::string_view object, const JsonDialect& dialect, const JsonPlan& plan,
                  JsonParser& parser, JsonCells& cells) {
  if (parser.read_cells(object, plan, cells) != BadRow::kNone) return 0;
  const auto& tuples = parser.tuples();
  const auto fits = [&](const JsonTuple& tuple) { return is_tuple(tuple, dialect); };
  if (!plan.tuples.empty() && std::none_of(tuples.begin(), tuples.end(), fits)) return 0;
  uint64_t parts = 0;
  for (size_t i = 0; i < plan.steps.size(); ++i) {
    const JsonStep& step = plan.steps[i];
    const bool has = std::any_of(step.columns.begin(), step.columns.begin() + step.count,
                                 [&](uint16_t c) { return cells.has(c); });
    parts |= uint64_t{has} << i;
  }
  return parts;
}

// The most parts of the signature that one of the first objects has.
uint64_t best_parts(const JsonDialect& dialect, std::string_view head) {
  const JsonPlan plan = signature_plan(dialect);
  JsonParser parser;
  auto cells = std::make_unique<JsonCells>();
  const uint64_t all = (uint64_t{1} << plan.steps.size()) - 1;
  uint64_t best = 0;
  any_object(head, [&](std::string_view object) {
    const uint64_t parts = parts_in(object, dialect, plan, parser, *cells);
    if (std::popcount(parts) > std::popcount(best)) best = parts;
    return best == all;
  });
  return best;
}

RowPlan row_plan(const PlanOptions& options) {
  RowPlan plan;
  plan.assume_time = options.assume_time.has_value();
  plan.assumed_time_ms = options.assume_time.value_or(0);
  return plan;
}

void add_rule(const ColumnRule& rule, const PlanOptions& options, JsonPlan& plan) {
  const FieldInfo& info = info_of(rule.field);
  JsonStep s;
  s.step.need = rule.need;
  s.step.known = info.known;
  s.step.have = rule.field == Field::kLabel ? 0 : bit(rule.field);
  s.step.parse = rule.parse != nullptr ? rule.parse : info.parse;
  s.step.scale = rule.scale;
  s.step.utc_offset_ms = int64_t{options.utc_offset_minutes} * 60000;
  // Loggers write one time as a number or as text, by their settings.
  s.step.time_format =
      std::make_shared<const TimeFormat>(rule.time_format == "unix" ? "iso" : rule.time_format);
  add_columns(plan, rule.names, s);
  plan.steps.push_back(std::move(s));
}

// What complete() settles for rows of cells: which groups there can be, and whether rows are two-way.
void complete_row(JsonPlan& plan) {
  for (const JsonStep& s : plan.steps) plan.row.steps.push_back(s.step);
  complete(plan.row);
  plan.row.steps.clear();
}

// {"records":[]}: what logs of an interval without flows are.
bool is_empty_wrapper(std::string_view head) {
  std::string text;
  for (const char c : head) {
    if (c != ' ' && c != '\t' && c != '\n' && c != '\r') text += c;
    if (text.size() > 64) return false;
  }
  if (!text.starts_with("{\"") || !text.ends_with("\":[]}")) return false;
  return is_json_wrapper(std::string_view(text).substr(2, text.size() - 7));
}

}  // namespace

std::span<const JsonDialect* const> all_json_dialects() { return kDialects; }

const JsonDialect* find_json_dialect(std::string_view name) {
  const auto it =
      std::find_if(kDialects.begin(), kDialects.end(), [&](const JsonDialect* d) { return d->name == name; });
  return it == kDialects.end() ? nullptr : *it;
}

bool is_empty_json_array(std::string_view head) {
  if (head.starts_with("\xef\xbb\xbf")) head.remove_prefix(3);
  if (is_empty_wrapper(head)) return true;
  return head.find('[') != std::string_view::npos && std::all_of(head.begin(), head.end(), is_json_separator);
}

bool is_json(std::string_view head) {
  if (head.starts_with("\xef\xbb\xbf")) head.remove_prefix(3);
  const auto pass = [&] {
    while (!head.empty() && (is_json_separator(head.front()) && head.front() != '[' && head.front() != ','))
      head.remove_prefix(1);
  };
  pass();
  if (!head.empty() && head.front() == '[') {
    head.remove_prefix(1);
    pass();
  }
  if (head.empty() || head.front() != '{') return false;
  head.remove_prefix(1);
  pass();
  return head.empty() || head.front() == '"' || head.front() == '}';
}

JsonPlan compile(const JsonDialect& dialect, const PlanOptions& options) {
  JsonPlan plan;
  plan.row = row_plan(options);
  plan.row.null = dialect.like != nullptr ? dialect.like->null : dialect.null;
  const Dialect* finisher = dialect.like != nullptr ? dialect.like : dialect.finishes_like;
  plan.row.finish = dialect.finish != nullptr ? dialect.finish
                    : finisher != nullptr     ? finisher->finish
                                              : nullptr;
  plan.row.as_given = dialect.as_given;
  for (const ColumnRule& rule : dialect.rules) add_rule(rule, options, plan);
  if (dialect.like != nullptr) {
    for (const ColumnRule& rule : dialect.like->columns) add_rule(rule, options, plan);
  }
  complete_row(plan);
  plan.row.known |= dialect.finish_knows | (finisher != nullptr ? finisher->finish_knows : 0u);
  for (const TupleRule& rule : dialect.tuples) {
    plan.keys[add_key(plan, rule.path)].tuples = static_cast<uint16_t>(plan.tuples.size());
    plan.tuples.emplace_back();
    for (const Dialect* form : rule.forms) {
      plan.tuples.back().forms.push_back(fixed_plan(*form, options));
      plan.row.known |= plan.tuples.back().forms.back().known;
    }
  }
  return plan;
}

JsonPlan compile(const ColumnMap& map, const PlanOptions& options) {
  JsonPlan plan;
  plan.row = row_plan(options);
  plan.row.null = map.missing;
  for (const auto& [field, column] : map.fields) {
    JsonStep s;
    s.step = step_of_map(field, column, map.utc_offset_minutes.value_or(options.utc_offset_minutes));
    if (column.constant) {
      apply_constant(map, field, column, s.step, plan.row);
      continue;
    }
    add_columns(plan, column.path, s);
    plan.steps.push_back(std::move(s));
  }
  for (const MapFilter& filter : map.filters) {
    plan.keep.push_back({{}, {0, filter.negate, filter.values}});
    add_columns(plan, filter.column.path, plan.keep.back().value);
  }
  complete_row(plan);
  return plan;
}

const JsonDialect* detect_json(std::string_view head) {
  for (const JsonDialect* dialect : kDialects) {
    if (missing_keys(*dialect, head).empty()) return dialect;
  }
  return nullptr;
}

std::string missing_keys(const JsonDialect& dialect, std::string_view head) {
  const auto parts = parts_of(dialect.signature);
  const uint64_t best = best_parts(dialect, head);
  std::string missing;
  for (size_t i = 0; i < parts.size(); ++i) {
    if ((best >> i & 1) != 0) continue;
    missing += (missing.empty() ? "" : ", ") + std::string(parts[i].substr(0, parts[i].find('|')));
  }
  return missing;
}

const JsonDialect* nearest_json(std::string_view head) {
  const JsonDialect* nearest = nullptr;
  double most = 0.499;
  for (const JsonDialect* dialect : kDialects) {
    const auto share = static_cast<double>(std::popcount(best_parts(*dialect, head))) /
                       static_cast<double>(parts_of(dialect->signature).size());
    if (share > most) {
      most = share;
      nearest = dialect;
    }
  }
  return nearest;
}

}  // namespace netflowgen::flow

#include "flow/text/json/json_source.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/error.h"
#include "flow/text/split.h"

namespace netflowgen::flow {
namespace {

std::string names_of_json_dialects() {
  std::string names;
  for (const JsonDialect* dialect : all_json_dialects())
    names += (names.empty() ? "" : ", ") + std::string(dialect->name);
  return names;
}

const JsonDialect* detected(std::string_view head, const std::string& file) {
  if (const JsonDialect* dialect = detect_json(head); dialect != nullptr) return dialect;
  std::string near;
  if (const JsonDialect* dialect = nearest_json(head); dialect != nullptr) {
    near = fmt::format(" The nearest is {}, but no object here has {}.", dialect->name,
                       missing_keys(*dialect, head));
  }
  throw base::Error(
      "{}: JSON, but not of a known kind: {}.{} Known JSON dialects: {}; for other JSON give a column map "
      "with "
      "format: json (--map FILE, docs/formats.md)",
      file, describe_head(head), near, names_of_json_dialects());
}

void expect(const JsonDialect& dialect, std::string_view head, const std::string& file) {
  if (!is_json(head)) {
    throw base::Error("{}: expected {}: {}; but it is not JSON: {}", file, dialect.name, dialect.what,
                      describe_head(head));
  }
  const std::string missing = missing_keys(dialect, head);
  if (missing.empty()) return;
  const JsonDialect* other = detect_json(head);
  throw base::Error("{}: expected {}: {}; but no object at its beginning has {}{}", file, dialect.name,
                    dialect.what, missing,
                    other == nullptr ? "" : fmt::format("; it looks like {}", other->name));
}

bool has_times_of_json(const JsonPlan& plan) {
  if (plan.row.assume_time || !plan.tuples.empty()) return true;
  uint64_t have = plan.row.constant_values.have;
  for (const JsonStep& s : plan.steps) have |= s.step.have;
  return (have & (bit(Field::kStart) | bit(Field::kEnd))) != 0;
}

}  // namespace

JsonSource::JsonSource(std::unique_ptr<Inputs> inputs, JsonOptions options)
    : rows_(std::move(inputs), options.strict, options.map ? options.map->files : std::string(),
            open_rows<JsonReader>),
      options_(std::move(options)) {
  if (!open_next()) rows_.finish();
}

bool JsonSource::open_next() {
  do {
    if (!rows_.next_file()) {
      done_ = true;
      return false;
    }
  } while (is_empty_json_array(reader().head()));
  const std::string_view head = reader().head();
  if (!options_.map) {
    if (options_.dialect == nullptr) options_.dialect = detected(head, rows_.file());
    expect(*options_.dialect, head, rows_.file());
  }
  if (!shape_)
    start(options_.map ? compile(*options_.map, options_.plan) : compile(*options_.dialect, options_.plan));
  return true;
}

void JsonSource::start(JsonPlan plan) {
  plan_ = std::move(plan);
  if (!has_times_of_json(plan_)) {
    throw base::Error("{}: its objects have no times, so they cannot be placed in a series (--assume-time)",
                      rows_.file());
  }
  shape_.emplace(plan_);
  steps_.emplace(plan_);
  size_t wanted = 0;
  for (const JsonTuples& tuples : plan_.tuples) {
    for (const RowPlan& form : tuples.forms) wanted = std::max(wanted, form.wanted());
  }
  ends_.resize(wanted);
}

// The next object by the fast path; false: next() has to find it.
bool JsonSource::read_shape() {
  if (!options_.fast || !plan_.tuples.empty()) return false;
  const std::string_view window = reader().window();
  if (window.empty()) return false;
  const size_t size = shape_->read(window, cells_);
  if (size == 0 || !reader().may_end(size)) return false;
  document_ = window.substr(0, size);
  reader().take(size);
  return true;
}

void JsonSource::settle_into(Flow& flow) {
  known_ |= flow.known;
  settle(flow, settled_);
  known_ |= flow.known;
}

// Puts a row's flows where the caller wants them and enters the row into the account.
size_t JsonSource::store(const Flows& flows, Flow* slots, std::span<Flow> out, std::string_view row) {
  rows_.enter();
  if (flows.bad != BadRow::kNone) [[unlikely]] {
    rows_.drop(flows.bad, row);
    return 0;
  }
  rows_.emit();
  if (flows.connection != 0) [[unlikely]]
    connections_.follow(flows, slots);
  if (flows.forward) settle_into(slots[0]);
  if (flows.reply) settle_into(slots[1]);
  if (!flows.forward) slots[0] = slots[1];
  if (slots != out.data()) {
    out[0] = slots[0];
    if (flows.forward && flows.reply) pending_ = slots[1];
    return 1;
  }
  return flows.forward && flows.reply ? 2 : 1;
}

size_t JsonSource::read_document(std::span<Flow> out) {
  Flow* slots = out.size() >= 2 ? out.data() : spare_.data();
  if (read_shape()) return store(steps_->parse(cells_, slots), slots, out, document_);
  if (!reader().next(document_)) {
    if (!open_next()) rows_.finish();
    return 0;
  }
  const BadRow bad = reader().cut() ? BadRow::kTooLong : parser_.read_cells(document_, plan_, cells_);
  if (bad != BadRow::kNone) return store({bad}, slots, out, document_);
  if (!plan_.tuples.empty()) {
    tuple_ = 0;
    if (parser_.tuples().empty()) return store({BadRow::kEvent}, slots, out, document_);
    return 0;
  }
  if (options_.fast) shape_->learn(document_);
  return store(parse_cells(cells_, plan_, slots), slots, out, document_);
}

Flows JsonSource::parse_tuple(const JsonTuple& tuple, Flow* slots) {
  line_.assign(tuple.text.begin(), tuple.text.end());
  line_.resize(tuple.text.size() + kLinePadding);
  const std::string_view line(line_.data(), tuple.text.size());
  const auto& forms = plan_.tuples[tuple.tuples].forms;
  const size_t cells = split_cells(line, forms.front().separator, '\0', 0, nullptr);
  for (const RowPlan& form : forms) {
    if (form.columns == cells) return parse_row(line, form, slots, ends_.data());
  }
  return {BadRow::kColumns};
}

size_t JsonSource::read_tuples(std::span<Flow> out) {
  Flow* slots = out.size() >= 2 ? out.data() : spare_.data();
  const JsonTuple& tuple = parser_.tuples()[tuple_++];
  return store(parse_tuple(tuple, slots), slots, out, tuple.text);
}

// Fills `out` from `n` on; an Error leaves `n` at what was read before it.
void JsonSource::fill(std::span<Flow> out, size_t& n) {
  if (pending_ && n < out.size()) {
    out[n++] = *pending_;
    pending_.reset();
  }
  while (n < out.size() && !done_) {
    const bool inside = tuple_ < parser_.tuples().size();
    n += inside ? read_tuples(out.subspan(n)) : read_document(out.subspan(n));
  }
}

size_t JsonSource::read(std::span<Flow> out) {
  if (error_) std::rethrow_exception(error_);
  size_t n = 0;
  try {
    fill(out, n);
  } catch (const base::Error&) {
    error_ = std::current_exception();
    if (n == 0) throw;  // otherwise what was read first, and the error with the next call
  }
  return n;
}

}  // namespace netflowgen::flow

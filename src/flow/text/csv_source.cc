#include "flow/text/csv_source.h"

#include <array>
#include <utility>

#include "base/error.h"
#include "flow/text/split.h"

namespace netflowgen::flow {
namespace {

// The dialect that a file's first lines show; nullptr: none.
const Dialect* detect(std::string_view head, const PlanOptions& plan, std::optional<Layout>& layout) {
  for (const Dialect* dialect : all_dialects()) {
    std::string why;
    layout = recognise(*dialect, head, plan, why);
    if (layout) return dialect;
  }
  return nullptr;
}

std::string names_of_dialects() {
  std::string names;
  for (const Dialect* dialect : all_dialects())
    names += (names.empty() ? "" : ", ") + std::string(dialect->name);
  return names;
}

Layout detected_layout(std::string_view head, const std::string& file, TextOptions& options) {
  std::optional<Layout> layout;
  options.dialect = detect(head, options.plan, layout);
  if (options.dialect == nullptr) {
    const std::string print = advice(head);
    const std::string nearly = print.empty() ? near_miss(head) : print;
    throw base::Error(
        "{}: not a flow file of a known kind: {}{}. Known text dialects: {}; for any other text file give a "
        "column map "
        "(--map FILE, docs/formats.md)",
        file, describe_head(head), nearly.empty() ? "" : "; it is " + nearly, names_of_dialects());
  }
  return std::move(*layout);
}

Layout expected_layout(const Dialect& dialect, std::string_view head, const std::string& file,
                       const PlanOptions& plan) {
  std::string why;
  auto layout = recognise(dialect, head, plan, why);
  if (layout) return std::move(*layout);
  std::optional<Layout> other;
  const Dialect* looks_like = detect(head, plan, other);
  throw base::Error("{}: expected {}: {}; but {}{}{}", file, dialect.name, dialect.what, describe_head(head),
                    why.empty() ? "" : ", " + why,
                    looks_like == nullptr ? "" : fmt::format("; it looks like {}", looks_like->name));
}

bool has_times(const RowPlan& plan) {
  uint64_t have = plan.constant_values.have;
  for (const Step& step : plan.steps) have |= step.have;
  return plan.assume_time || (have & (bit(Field::kStart) | bit(Field::kEnd))) != 0;
}

}  // namespace

CsvSource::CsvSource(std::unique_ptr<Inputs> inputs, TextOptions options)
    : rows_(std::move(inputs), options.strict, options.map ? options.map->files : std::string()),
      options_(std::move(options)) {
  if (!open_next()) rows_.finish();
}

bool CsvSource::open_next() {
  if (!rows_.next_file()) {
    done_ = true;
    return false;
  }
  const std::string_view head = rows_.lines().head();
  if (options_.map) {
    use(layout_of_map(*options_.map, head, rows_.file(), options_.plan));
    skip_ = options_.map->skip_lines;
  } else {
    use(options_.dialect == nullptr ? detected_layout(head, rows_.file(), options_)
                                    : expected_layout(*options_.dialect, head, rows_.file(), options_.plan));
    skip_ = 0;
  }
  const bool prefixed = options_.dialect != nullptr && !options_.dialect->header_prefix.empty();
  header_ahead_ = layout_.has_header && !prefixed;
  return true;
}

void CsvSource::use(Layout layout) {
  if (!has_times(layout.plan)) {
    throw base::Error(
        "{}: its rows have no times, so they cannot be placed in a series; give one for all of them "
        "(--assume-time)",
        rows_.file());
  }
  layout_ = std::move(layout);
  known_ |= layout_.plan.known;
  ends_.resize(layout_.plan.wanted());
  first_row_ = true;
}

// Whether the line is a row at all: not blank, a comment, a header, or a line to be skipped.
bool CsvSource::is_row(std::string_view line) {
  if (skip_ > 0) [[unlikely]] {
    --skip_;
    return false;
  }
  if (line.empty()) return false;
  const RowPlan& plan = layout_.plan;
  if (plan.comment != '\0' && line.front() == plan.comment) {
    const bool header = options_.dialect != nullptr && is_header(*options_.dialect, line);
    if (header && line != layout_.header) {
      std::string why;
      auto layout = layout_of_header(*options_.dialect, line, options_.plan, why);
      if (!layout) {
        throw base::Error("{}:{}: another header than the first, and {}", rows_.file(),
                          rows_.lines().line_number(), why);
      }
      use(std::move(*layout));
    }
    return false;
  }
  if (header_ahead_) [[unlikely]] {
    header_ahead_ = false;
    return false;
  }
  return true;
}

// A line that is no good row may be the header again, where files were joined, or a summary.
bool CsvSource::joined_header_or_summary(std::string_view line) {
  if (layout_.has_header && line == layout_.header) return true;
  if (options_.dialect == nullptr || options_.dialect->not_rows == nullptr) return false;
  const size_t lines = options_.dialect->not_rows(line);
  if (lines > 0) skip_ = lines - 1;
  return lines > 0;
}

Flows CsvSource::parse(std::string_view line, Flow* slots) {
  RowPlan& plan = layout_.plan;
  Flows flows = parse_row(line, plan, slots, ends_.data());
  if (flows.bad == BadRow::kColumns && first_row_ && layout_.has_header) {
    // Some tools write one cell more or less in rows than in the header, but then in all rows.
    plan.other_columns = split_cells(line, plan.separator, plan.quote, 0, nullptr);
    flows = parse_row(line, plan, slots, ends_.data());
    if (flows.bad != BadRow::kNone) plan.other_columns = 0;
  }
  return flows;
}

size_t CsvSource::store(const Flows& flows, Flow* slots, std::span<Flow> out) {
  if (flows.forward) settle(slots[0], settled_);
  if (flows.reply) settle(slots[1], settled_);
  if (!flows.forward) slots[0] = slots[1];
  if (slots != out.data()) {
    out[0] = slots[0];
    if (flows.forward && flows.reply) pending_ = slots[1];
    return 1;
  }
  return flows.forward && flows.reply ? 2 : 1;
}

size_t CsvSource::read_row(std::string_view line, std::span<Flow> out) {
  Flow* slots = out.size() >= 2 ? out.data() : spare_.data();
  const Flows flows = rows_.lines().cut() ? Flows{BadRow::kTooLong} : parse(line, slots);
  if (flows.bad != BadRow::kNone) [[unlikely]] {
    if (joined_header_or_summary(line)) return 0;
    rows_.enter();
    rows_.drop(flows.bad, line);
    return 0;
  }
  first_row_ = false;
  rows_.enter();
  rows_.emit();
  if (flows.connection != 0) [[unlikely]]
    connections_.follow(flows, slots);
  return store(flows, slots, out);
}

// Fills `out` from `n` on; an Error leaves `n` at what was read before it.
void CsvSource::fill(std::span<Flow> out, size_t& n) {
  if (pending_ && n < out.size()) {
    out[n++] = *pending_;
    pending_.reset();
  }
  std::string_view line;
  while (n < out.size() && !done_) {
    if (rows_.lines().next(line)) {
      if (is_row(line)) n += read_row(line, out.subspan(n));
    } else if (!open_next()) {
      rows_.finish();
    }
  }
}

size_t CsvSource::read(std::span<Flow> out) {
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

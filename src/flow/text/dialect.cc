#include "flow/text/dialect.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <memory>

#include "base/error.h"
#include "flow/text/split.h"
#include "flow/text/text_parse.h"

namespace netflowgen::flow {
namespace {

constexpr std::array<const Dialect*, 16> kDialects{
    &kFlowsDialect,    &kNfdumpDialect, &kZeekDialect,   &kBinetflowDialect,    &kCiddsDialect,
    &kNfDialect,       &kUnswDialect,   &kUgr16Dialect,  &kCicFlowMeterDialect, &kPythonCicFlowMeterDialect,
    &kNfstreamDialect, &kAwsVpcDialect, &kGcpVpcDialect, &kAzureNsgDialect,     &kAzureVnetDialect,
    &kPmacctDialect,
};

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  }
  return out;
}

// The place of the first of "a|b|c" in the header.
std::optional<size_t> find_column(std::string_view names, const std::vector<std::string>& header) {
  while (!names.empty()) {
    const size_t bar = std::min(names.find('|'), names.size());
    const auto at = std::find(header.begin(), header.end(), lower(names.substr(0, bar)));
    if (at != header.end()) return static_cast<size_t>(at - header.begin());
    names.remove_prefix(std::min(bar + 1, names.size()));
  }
  return std::nullopt;
}

std::shared_ptr<const TimeFormat> time_format(const ColumnRule& rule) {
  return std::make_shared<const TimeFormat>(rule.time_format);
}

std::optional<TimeMs> day_of(const PlanOptions& options) {
  constexpr TimeMs kDay = 86'400'000;
  if (!options.assume_time) return std::nullopt;
  const TimeMs since_midnight = (*options.assume_time % kDay + kDay) % kDay;
  return *options.assume_time - since_midnight;
}

RowPlan plan_of(const Dialect& dialect, char separator, const PlanOptions& options) {
  RowPlan plan;
  plan.separator = separator;
  plan.quote = dialect.quote;
  plan.comment = dialect.comment;
  plan.null = dialect.null;
  plan.finish = dialect.finish;
  plan.as_given = dialect.as_given;
  plan.assume_time = options.assume_time.has_value();
  plan.assumed_time_ms = options.assume_time.value_or(0);
  return plan;
}

// Compiles the rules against a header; the names of the needed columns that it lacks go to `missing`.
RowPlan compile(const Dialect& dialect, const std::vector<std::string>& header, char separator,
                const PlanOptions& options, std::string& missing) {
  RowPlan plan = plan_of(dialect, separator, options);
  uint64_t have = 0;
  for (const ColumnRule& rule : dialect.columns) {
    const auto column = find_column(rule.names, header);
    if (!column || *column >= kMaxColumns) {
      if (rule.need == Need::kOptional) continue;
      missing += (missing.empty() ? "" : ", ") + std::string(rule.names.substr(0, rule.names.find('|')));
      continue;
    }
    const FieldInfo& info = info_of(rule.field);
    Step step;
    step.column = static_cast<uint16_t>(*column);
    step.need = rule.need;
    step.known = info.known;
    step.have = bit(rule.field);
    step.parse = rule.parse != nullptr ? rule.parse : info.parse;
    step.scale = rule.scale;
    step.utc_offset_ms = int64_t{options.utc_offset_minutes} * 60000;
    step.day = day_of(options);
    step.time_format = time_format(rule);
    have |= step.have;
    plan.steps.push_back(std::move(step));
  }
  complete(plan);
  plan.known |= dialect.finish_knows;
  if (dialect.finish_knows_of != nullptr) plan.known |= dialect.finish_knows_of(have);
  return plan;
}

// A column that no rule of the dialect names; empty: none.
std::string foreign_column(const Dialect& dialect, const std::vector<std::string>& header) {
  for (const std::string& name : header) {
    const bool known =
        std::any_of(dialect.columns.begin(), dialect.columns.end(),
                    [&](const ColumnRule& rule) { return find_column(rule.names, {name}).has_value(); });
    if (!known) return name;
  }
  return {};
}

// The separators that a header line may have: the dialect's own first, then what users choose instead (ra -c,
// spreadsheets). A prefix is followed by it (Zeek's LogAscii::separator).
std::string separators_of(const Dialect& dialect, std::string_view header) {
  if (is_header(dialect, header)) return {header[dialect.header_prefix.size()]};
  std::string separators(1, dialect.separator);
  for (const char c : {',', ';', '\t', '|'}) {
    if (c != dialect.separator && header.find(c) != std::string_view::npos) separators += c;
  }
  return separators;
}

std::vector<std::string> names_of(const Dialect& dialect, std::string_view header, char separator) {
  if (is_header(dialect, header)) header.remove_prefix(dialect.header_prefix.size() + 1);
  return header_names(header, separator, dialect.quote);
}

std::string_view header_line(const Dialect& dialect, std::string_view head) {
  if (dialect.header_prefix.empty()) return first_line(head, dialect.comment);
  size_t at = 0;
  while (at < head.size()) {
    const std::string_view line = first_line(head.substr(at));
    if (is_header(dialect, line)) return line;
    if (line.empty()) break;
    at = static_cast<size_t>(line.data() - head.data()) + line.size();
  }
  return {};
}

std::vector<std::string_view> cells_of(std::string_view line, char separator, char quote) {
  std::vector<uint32_t> ends(kMaxColumns);
  const size_t count = split_cells_slow(line, separator, quote, kMaxColumns, ends.data());
  std::vector<std::string_view> cells;
  if (count == kUnclosedQuote) return cells;
  for (size_t i = 0; i < std::min(count, kMaxColumns); ++i)
    cells.push_back(cell_at(line, ends.data(), i, quote));
  return cells;
}

// How much of what a dialect needs a header has.
struct Likeness {
  size_t needed = 0;
  size_t found = 0;  // of those
  size_t other = 0;  // optional columns
};

Likeness likeness(const Dialect& dialect, std::string_view line) {
  std::vector<std::string> header;
  for (const char separator : separators_of(dialect, line)) {
    auto names = names_of(dialect, line, separator);
    if (names.size() > header.size()) header = std::move(names);
  }
  Likeness like;
  for (const ColumnRule& rule : dialect.columns) {
    const bool found = find_column(rule.names, header).has_value();
    const bool needed = rule.need != Need::kOptional;
    like.needed += needed;
    like.found += needed && found;
    like.other += !needed && found;
  }
  return like;
}

std::optional<Layout> fixed_layout(const Dialect& dialect, std::string_view line,
                                   const PlanOptions& options) {
  const auto cells = cells_of(line, dialect.separator, dialect.quote);
  if (dialect.is_row == nullptr || !dialect.is_row(cells)) return std::nullopt;
  std::string missing;
  std::vector<std::string> names(dialect.fixed_columns.begin(), dialect.fixed_columns.end());
  names.resize(std::min(names.size(), cells.size()));
  Layout layout{compile(dialect, names, dialect.separator, options, missing), false, {}};
  layout.plan.columns = cells.size();
  return layout;
}

}  // namespace

RowPlan fixed_plan(const Dialect& dialect, const PlanOptions& options) {
  std::string missing;
  RowPlan plan = compile(dialect, {dialect.fixed_columns.begin(), dialect.fixed_columns.end()},
                         dialect.separator, options, missing);
  plan.columns = dialect.fixed_columns.size();
  return plan;
}

std::span<const Dialect* const> all_dialects() { return kDialects; }

const Dialect* find_dialect(std::string_view name) {
  for (const Dialect* dialect : kDialects) {
    if (dialect->name == name) return dialect;
  }
  return nullptr;
}

std::vector<std::string> header_names(std::string_view line, char separator, char quote) {
  std::vector<std::string> names;
  for (const std::string_view cell : cells_of(line, separator, quote)) names.push_back(lower(trimmed(cell)));
  return names;
}

std::string_view first_line(std::string_view head, char comment) {
  while (!head.empty()) {
    const size_t newline = std::min(head.find('\n'), head.size());
    std::string_view line = head.substr(0, newline);
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (!line.empty() && (comment == '\0' || line.front() != comment)) return line;
    head.remove_prefix(std::min(newline + 1, head.size()));
  }
  return {};
}

namespace {

std::optional<Layout> layout_of_names(const Dialect& dialect, std::string_view header, char separator,
                                      const std::vector<std::string>& names, const PlanOptions& options,
                                      std::string& why) {
  std::string missing;
  Layout layout{compile(dialect, names, separator, options, missing), true, std::string(header)};
  if (!missing.empty()) {
    why = "it lacks " + missing;
    return std::nullopt;
  }
  if (dialect.only_known_columns) {
    const std::string foreign = foreign_column(dialect, names);
    if (!foreign.empty()) {
      why = "'" + foreign + "' is not one of its columns (docs/formats.md)";
      return std::nullopt;
    }
  }
  layout.plan.columns = names.size();
  return layout;
}

}  // namespace

bool is_header(const Dialect& dialect, std::string_view line) {
  const std::string_view prefix = dialect.header_prefix;
  return !prefix.empty() && line.size() > prefix.size() && line.starts_with(prefix) &&
         std::isalnum(static_cast<unsigned char>(line[prefix.size()])) == 0;
}

std::optional<Layout> layout_of_header(const Dialect& dialect, std::string_view header,
                                       const PlanOptions& options, std::string& why) {
  size_t most = 0;
  for (const char separator : separators_of(dialect, header)) {
    const auto names = names_of(dialect, header, separator);
    if (names.size() <= most) continue;
    most = names.size();
    auto layout = layout_of_names(dialect, header, separator, names, options, why);
    if (layout) return layout;
  }
  return std::nullopt;
}

std::optional<Layout> recognise(const Dialect& dialect, std::string_view head, const PlanOptions& options,
                                std::string& why) {
  const std::string_view line = header_line(dialect, head);
  if (line.empty()) {
    why = "there is no line that begins with " + std::string(trimmed(dialect.header_prefix));
    return std::nullopt;
  }
  auto layout = layout_of_header(dialect, line, options, why);
  if (!layout && dialect.is_row != nullptr) layout = fixed_layout(dialect, line, options);
  return layout;
}

std::string advice(std::string_view head) {
  struct Print {
    std::string_view first_words;
    std::string_view advice;
  };
  constexpr Print kPrints[] = {
      {"Date first seen  ", "nfdump's print for people; write it with nfdump -o csv"},
      {"Date flow start  ", "nfdump's print for people; write it with nfdump -o csv"},
      {"SRC_IP  ", "pmacct's print for people; write it with print_output: csv or json"},
      {"StartTime  ", "Argus's print for people; write it with ra -c , -n -u"},
  };
  std::string_view line = trimmed(first_line(head));
  for (const Print& print : kPrints) {
    if (line.starts_with(print.first_words)) return std::string(print.advice);
  }
  return {};
}

std::string near_miss(std::string_view head) {
  const Dialect* best = nullptr;
  size_t most = 0;
  for (const Dialect* dialect : kDialects) {
    const Likeness like = likeness(*dialect, first_line(head));
    if (like.found + like.other < 3 || 2 * like.found < like.needed) continue;
    const size_t score = like.found * 100 / like.needed + like.other;
    if (score > most) best = dialect;
    most = std::max(most, score);
  }
  if (best == nullptr) return {};
  std::string why;
  if (recognise(*best, head, {}, why)) return {};
  return "nearly " + std::string(best->name) + ": " + why;
}

}  // namespace netflowgen::flow

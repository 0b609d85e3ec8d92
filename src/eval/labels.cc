#include "eval/labels.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <initializer_list>
#include <map>
#include <optional>
#include <unordered_map>

#include "base/error.h"
#include "base/ip.h"
#include "flow/text_table.h"

namespace netflowgen::eval {
namespace {

enum class Reason {
  kUnreadable,
  kFewColumns,
  kBadTime,
  kEndBeforeStart,
  kUnknownNode,
  kSaysNothing,
  kOverlap,
  kOutsideArchive,
  kFiltered,
  kCount
};

constexpr std::string_view name_of(Reason r) {
  switch (r) {
    case Reason::kUnreadable:
      return "unclosed quote, or a line too long";
    case Reason::kFewColumns:
      return "too few columns";
    case Reason::kBadTime:
      return "not a time";
    case Reason::kEndBeforeStart:
      return "end before start";
    case Reason::kUnknownNode:
      return "unknown node";
    case Reason::kSaysNothing:
      return "background, which says neither attack nor benign";
    case Reason::kOverlap:
      return "overlaps an earlier label";
    case Reason::kOutsideArchive:
      return "outside the archive's time";
    case Reason::kFiltered:
      return "filtered by option";
    case Reason::kCount:
      break;
  }
  return "";
}

std::string lower(std::string text) {
  for (char& c : text) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  }
  return text;
}

bool is_one_of(const std::string& cell, std::initializer_list<std::string_view> words) {
  return std::find(words.begin(), words.end(), lower(cell)) != words.end();
}

// How data sets say that there was no attack: CIC BENIGN, NF-* Benign, UNSW and KDD Normal, CTU LEGITIMATE, IoT-23 "-".
bool says_benign(const std::string& cell) {
  return is_one_of(cell, {kBenignType, "benigntraffic", "normal", "legitimate", "clean", "none", "no attack",
                          "no", "-", "0", "0.0", "false", "f"});
}

// ... and that there was one, of no type.
bool says_attack(const std::string& cell) {
  return is_one_of(cell, {"attack", "malicious", "anomaly", "yes", "1", "1.0", "true", "t"});
}

// Column numbers of one of the two forms; -1: absent.
struct Columns {
  int node = 0;
  int start = 1;
  int end = 2;
  int type = 3;
  int verdict = -1;  // whether it is an attack: 0, 1, true, Benign ...
  int flows = -1;
  int internal = -1;
  bool whole_minutes = false;  // the end's minute belongs to the event
  bool header = false;

  int last() const { return std::max({node, start, end}); }
};

// `cells`: of the first row.
Columns columns_of(const std::vector<std::string>& cells, const flow::TextTable& file) {
  const auto find = [&](std::string_view column) {
    const auto it =
        std::find_if(cells.begin(), cells.end(), [&](const auto& c) { return lower(c) == column; });
    return it == cells.end() ? -1 : static_cast<int>(it - cells.begin());
  };
  const auto first_of = [&](std::initializer_list<std::string_view> names) {
    const auto it = std::find_if(names.begin(), names.end(), [&](auto name) { return find(name) >= 0; });
    return it == names.end() ? -1 : find(*it);
  };
  Columns c;
  if (find("start") < 0) {  // no header: node,start,end[,type]
    if (cells.size() < 3 || !flow::parse_time_cell(cells[1])) {
      throw base::Error(
          "{}: expected labels with the columns node,start,end,type (or attack,victim,start,end,...); the "
          "first line is: {}",
          file.name(), file.row().substr(0, 200));
    }
    return c;
  }
  c.header = true;
  c.whole_minutes = find("victim") >= 0;
  c.node = c.whole_minutes ? find("victim") : std::max(find("node"), find("prefix"));
  c.start = find("start");
  c.end = find("end");
  c.type = c.whole_minutes ? find("attack")
                           : first_of({"type", "attack_type", "attack_cat", "category", "class", "attack"});
  c.verdict = first_of({"label", "is_attack", "malicious"});
  c.flows = find("flows");
  c.internal = find("victim_internal");
  if (c.node < 0 || c.end < 0) {
    throw base::Error(
        "{}: labels need the columns node (or prefix, or victim), start and end; the header is: {}",
        file.name(), file.row().substr(0, 200));
  }
  return c;
}

class Parser {
 public:
  Parser(const FrameTable& table, const LabelOptions& options) : table_(table), options_(options) {
    for (size_t n = 0; n < table.nodes.size(); ++n) by_name_.emplace(table.nodes[n], n);
  }

  void begin(const std::string& name, const Columns& columns) {
    name_ = name;
    columns_ = columns;
  }

  void row(const std::vector<std::string>& parts, const flow::TextTable& file) {
    ledger_.enter();
    std::optional<Reason> problem = parts.empty() ? Reason::kUnreadable : read(parts);
    if (!problem) {
      ledger_.emit();
      return;
    }
    ledger_.drop(*problem);
    auto& p = problems_[static_cast<size_t>(*problem)];
    if (p.count++ == 0) {
      p.line = file.line();
      p.file = name_;
      p.reason = name_of(*problem);
      const auto node = static_cast<size_t>(columns_.node);
      p.example = node < parts.size() ? parts[node] : std::string(file.row().substr(0, 80));
    }
  }

  LabelSet finish() {
    LabelSet set;
    set.events = std::move(events_);
    set.benign = std::move(benign_);
    group_incidents(set.events, options_);
    set.ledger = ledger_.view("labels");
    for (auto& p : problems_) {
      if (p.count > 0) set.problems.push_back(std::move(p));
    }
    return set;
  }

 private:
  std::optional<Reason> read(const std::vector<std::string>& parts) {
    const auto part = [&](int column) -> const std::string& { return parts[static_cast<size_t>(column)]; };
    const int size = static_cast<int>(parts.size());
    if (size <= columns_.last()) return Reason::kFewColumns;
    if (filtered(parts)) return Reason::kFiltered;
    const auto start = flow::parse_time_cell(part(columns_.start));
    auto end = flow::parse_time_cell(part(columns_.end));
    if (!start || !end) return Reason::kBadTime;
    if (*end < *start) return Reason::kEndBeforeStart;
    if (columns_.whole_minutes) *end += 60'000;
    if (*end == *start) *end += table_.step_ms;
    Event event{0, *start, *end, type_of(parts), 0, false};
    if (lower(event.type) == "background") return Reason::kSaysNothing;
    if (event.last_step(table_.step_ms) < table_.first_step ||
        event.first_step(table_.step_ms) >= table_.end_step) {
      return Reason::kOutsideArchive;
    }
    const auto nodes = nodes_of(part(columns_.node));
    if (nodes.empty()) return Reason::kUnknownNode;
    return add(event, nodes);
  }

  // The type, else what the verdict says. The types of attacks are kept as they are written.
  std::string type_of(const std::vector<std::string>& parts) const {
    const auto cell = [&](int column) {
      const bool has = column >= 0 && static_cast<size_t>(column) < parts.size();
      return has ? parts[static_cast<size_t>(column)] : std::string();
    };
    const std::string type = cell(columns_.type);
    const std::string verdict = cell(columns_.verdict);
    if (says_benign(type) || says_benign(verdict)) return std::string(kBenignType);
    const std::string& word = type.empty() ? verdict : type;
    return word.empty() || says_attack(word) ? "attack" : word;
  }

  bool filtered(const std::vector<std::string>& parts) const {
    const auto has = [&](int column) { return column >= 0 && static_cast<size_t>(column) < parts.size(); };
    if (options_.internal_only && has(columns_.internal)) {
      const auto v = lower(parts[static_cast<size_t>(columns_.internal)]);
      if (v != "true" && v != "1") return true;
    }
    if (options_.min_flows > 0 && has(columns_.flows)) {
      const auto& v = parts[static_cast<size_t>(columns_.flows)];
      uint64_t flows = 0;
      std::from_chars(v.data(), v.data() + v.size(), flows);
      return flows < options_.min_flows;
    }
    return false;
  }

  // The nodes that a label's name means: the node itself, or every node inside a prefix.
  const std::vector<size_t>& nodes_of(std::string_view text) {
    auto [it, fresh] = nodes_of_.try_emplace(std::string(text));
    if (!fresh) return it->second;
    std::vector<size_t>& found = it->second;
    if (const auto exact = by_name_.find(it->first); exact != by_name_.end()) {
      found.push_back(exact->second);
    } else if (const auto address = base::IpAddr::parse(text)) {
      if (const auto n = by_name_.find(address->to_string()); n != by_name_.end()) found.push_back(n->second);
    } else if (const auto prefix = base::Prefix::parse(text)) {
      for (size_t n = 0; n < table_.nodes.size(); ++n) {
        const auto a = base::IpAddr::parse(table_.nodes[n]);
        if (a && prefix->contains(*a)) found.push_back(n);
      }
    }
    return found;
  }

  // A node may be under two types of attack at once, but one type twice at once is a mistake in the file.
  std::optional<Reason> add(Event event, const std::vector<size_t>& nodes) {
    bool added = false;
    for (const size_t node : nodes) {
      auto& seen = spans_[{node, event.type}];
      const bool clash = std::any_of(seen.begin(), seen.end(), [&](const auto& s) {
        return event.start_ms < s.second && s.first < event.end_ms;
      });
      if (clash) continue;
      seen.emplace_back(event.start_ms, event.end_ms);
      event.node = node;
      (event.type == kBenignType ? benign_ : events_).push_back(event);
      added = true;
    }
    return added ? std::nullopt : std::optional(Reason::kOverlap);
  }

  const FrameTable& table_;
  const LabelOptions& options_;
  std::string name_;
  Columns columns_;
  std::unordered_map<std::string, size_t> by_name_;
  std::unordered_map<std::string, std::vector<size_t>> nodes_of_;
  std::map<std::pair<size_t, std::string>, std::vector<std::pair<TimeMs, TimeMs>>> spans_;
  std::vector<Event> events_;
  std::vector<Event> benign_;
  base::Ledger<Reason> ledger_;
  std::array<LabelProblem, static_cast<size_t>(Reason::kCount)> problems_;
};

}  // namespace

namespace {

void parse_into(Parser& parser, flow::TextTable& file) {
  bool first = true;
  std::vector<std::string> cells;
  while (file.next(cells)) {
    if (first) {
      first = false;
      const Columns columns = columns_of(cells, file);
      parser.begin(file.name(), columns);
      if (columns.header) continue;
    }
    parser.row(cells, file);
  }
  if (first) throw base::Error("{}: no labels: the file is empty", file.name());
}

}  // namespace

LabelSet parse_labels(std::string_view text, const std::string& name, const FrameTable& table,
                      const LabelOptions& options) {
  Parser parser(table, options);
  flow::TextTable file(text, name);
  parse_into(parser, file);
  return parser.finish();
}

LabelSet load_labels(const std::vector<std::string>& paths, const FrameTable& table,
                     const LabelOptions& options) {
  Parser parser(table, options);
  for (const auto& path : paths) {
    flow::TextTable file(path);
    parse_into(parser, file);
  }
  return parser.finish();
}

LabelSet load_labels(const std::string& path, const FrameTable& table, const LabelOptions& options) {
  return load_labels(std::vector<std::string>{path}, table, options);
}

void group_incidents(std::vector<Event>& events, const LabelOptions& options) {
  std::stable_sort(events.begin(), events.end(), [](const Event& a, const Event& b) {
    return std::tie(a.start_ms, a.node) < std::tie(b.start_ms, b.node);
  });
  struct Open {
    size_t incident;
    TimeMs last_start;
  };
  std::map<std::string, Open> open;  // by type
  std::vector<std::vector<size_t>> nodes;
  for (Event& e : events) {
    const auto it = open.find(e.type);
    if (it != open.end() && e.start_ms - it->second.last_start <= options.incident_gap_ms) {
      e.incident = it->second.incident;
    } else {
      e.incident = nodes.size();
      nodes.emplace_back();
    }
    nodes[e.incident].push_back(e.node);
    open[e.type] = {e.incident, e.start_ms};
  }
  for (auto& n : nodes) {
    std::sort(n.begin(), n.end());
    n.erase(std::unique(n.begin(), n.end()), n.end());
  }
  for (Event& e : events) e.sweep = nodes[e.incident].size() >= options.sweep_victims;
}

std::string LabelSet::summary() const {
  const uint64_t left_out = ledger.dropped();
  if (left_out == 0) return "";
  std::string text = fmt::format("{} of {} labels left out:", left_out, ledger.in);
  for (const auto& p : problems) {
    text += fmt::format(" {} {} (first on line {} of {}: {});", p.count, p.reason, p.line, p.file, p.example);
  }
  text.pop_back();
  return text;
}

}  // namespace netflowgen::eval

#include "eval/classes/node_classes.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <initializer_list>
#include <map>
#include <optional>
#include <unordered_map>

#include "base/error.h"
#include "base/ip.h"
#include "base/words.h"
#include "flow/text_table.h"

namespace netflowgen::eval {
namespace {

enum class Reason { kUnreadable, kFewColumns, kUnknownNode, kNoClass, kRepeated, kCount };

constexpr std::string_view name_of(Reason r) {
  switch (r) {
    case Reason::kUnreadable:
      return "unclosed quote, or a line too long";
    case Reason::kFewColumns:
      return "too few columns";
    case Reason::kUnknownNode:
      return "unknown node";
    case Reason::kNoClass:
      return "no class";
    case Reason::kRepeated:
      return "repeats an earlier row";
    case Reason::kCount:
      break;
  }
  return "";
}

// The column of that name, else the first of `usual`. Error: neither is there.
size_t column_of(const std::vector<std::string>& header, const std::string& wanted,
                 std::initializer_list<std::string_view> usual, const std::string& file) {
  const auto find = [&](std::string_view name) { return std::find(header.begin(), header.end(), name); };
  if (!wanted.empty()) {
    if (const auto it = find(wanted); it != header.end()) return static_cast<size_t>(it - header.begin());
    throw base::Error("{}: no column '{}'{}", file, wanted, base::suggestion(wanted, header));
  }
  for (const auto name : usual) {
    if (const auto it = find(name); it != header.end()) return static_cast<size_t>(it - header.begin());
  }
  throw base::Error(
      "{}: expected a header with the columns node and class; it is: {} (name others with --node-column and "
      "--class-column)",
      file, base::joined(header));
}

struct Row {
  std::string label;
  uint64_t line = 0;
};

class Parser {
 public:
  Parser(const FrameTable& table, const NodeClassOptions& options) : table_(table), options_(options) {
    for (size_t n = 0; n < table.nodes.size(); ++n) by_name_.emplace(table.nodes[n], n);
  }

  NodeClasses parse(flow::TextTable& file) {
    std::vector<std::string> cells;
    if (!file.next(cells)) throw base::Error("{}: no classes: the file is empty", file.name());
    node_ = column_of(cells, options_.node_column, {"node", "host", "address", "ip"}, file.name());
    class_ = column_of(cells, options_.class_column, {"class", "role", "type"}, file.name());
    while (file.next(cells)) {
      ledger_.enter();
      const auto problem = cells.empty() ? std::optional(Reason::kUnreadable) : row(cells, file);
      problem ? leave_out(*problem, cells, file) : ledger_.emit();
    }
    return finish(file.name());
  }

 private:
  std::optional<Reason> row(const std::vector<std::string>& cells, const flow::TextTable& file) {
    if (cells.size() <= std::max(node_, class_)) return Reason::kFewColumns;
    const auto nodes = nodes_of(cells[node_]);
    if (nodes.empty()) return Reason::kUnknownNode;
    if (cells[class_].empty()) return Reason::kNoClass;
    bool fresh = false;
    for (const size_t n : nodes) {
      const auto [it, added] = rows_.try_emplace(n, Row{cells[class_], file.line()});
      fresh |= added;
      if (it->second.label == cells[class_]) continue;
      throw base::Error("{}: node {} has two classes: '{}' on line {} and '{}' on line {}; keep one",
                        file.name(), table_.nodes[n], it->second.label, it->second.line, cells[class_],
                        file.line());
    }
    return fresh ? std::nullopt : std::optional(Reason::kRepeated);
  }

  // The node itself, or every node inside a prefix.
  std::vector<size_t> nodes_of(const std::string& text) const {
    if (const auto it = by_name_.find(text); it != by_name_.end()) return {it->second};
    if (const auto address = base::IpAddr::parse(text)) {
      const auto it = by_name_.find(address->to_string());
      return it == by_name_.end() ? std::vector<size_t>{} : std::vector<size_t>{it->second};
    }
    std::vector<size_t> found;
    const auto prefix = base::Prefix::parse(text);
    for (size_t n = 0; prefix && n < table_.nodes.size(); ++n) {
      const auto a = base::IpAddr::parse(table_.nodes[n]);
      if (a && prefix->contains(*a)) found.push_back(n);
    }
    return found;
  }

  void leave_out(Reason reason, const std::vector<std::string>& cells, const flow::TextTable& file) {
    ledger_.drop(reason);
    auto& p = problems_[static_cast<size_t>(reason)];
    if (p.count++ > 0) return;
    p.reason = name_of(reason);
    p.file = file.name();
    p.line = file.line();
    p.example = node_ < cells.size() ? cells[node_] : std::string(file.row().substr(0, 80));
  }

  NodeClasses finish(const std::string& file) {
    NodeClasses c;
    c.of.assign(table_.nodes.size(), NodeClasses::kNone);
    c.ledger = ledger_.view("classes");
    for (auto& p : problems_) {
      if (p.count > 0) c.problems.push_back(p);
    }
    for (const auto& [node, row] : rows_) c.names.push_back(row.label);
    std::sort(c.names.begin(), c.names.end());
    c.names.erase(std::unique(c.names.begin(), c.names.end()), c.names.end());
    for (const auto& [node, row] : rows_) {
      c.of[node] =
          static_cast<int>(std::lower_bound(c.names.begin(), c.names.end(), row.label) - c.names.begin());
    }
    if (c.names.empty()) {
      const std::string why = c.summary();
      throw base::Error("{}: no class can be used{}", file, why.empty() ? ": there is no row" : ": " + why);
    }
    if (c.names.size() < 2) {
      throw base::Error("{}: all {} nodes are of one class, '{}'; at least two classes are needed", file,
                        c.labelled(), c.names[0]);
    }
    return c;
  }

  const FrameTable& table_;
  const NodeClassOptions& options_;
  size_t node_ = 0;
  size_t class_ = 0;
  std::unordered_map<std::string, size_t> by_name_;
  std::map<size_t, Row> rows_;  // by node
  base::Ledger<Reason> ledger_;
  std::array<LabelProblem, static_cast<size_t>(Reason::kCount)> problems_;
};

}  // namespace

size_t NodeClasses::labelled() const {
  return static_cast<size_t>(std::count_if(of.begin(), of.end(), [](int c) { return c != kNone; }));
}

std::vector<size_t> NodeClasses::nodes_of(int label) const {
  std::vector<size_t> nodes;
  for (size_t n = 0; n < of.size(); ++n) {
    if (of[n] == label) nodes.push_back(n);
  }
  return nodes;
}

std::string NodeClasses::summary() const {
  uint64_t count = 0;
  std::string list;
  for (const auto& p : problems) {
    count += p.count;
    list += fmt::format("{}{} {} (first on line {} of {}: {})", list.empty() ? "" : ", ", p.count, p.reason,
                        p.line, p.file, p.example);
  }
  return count == 0 ? "" : fmt::format("{} row{} left out: {}", count, count == 1 ? "" : "s", list);
}

NodeClasses parse_node_classes(std::string_view text, const std::string& name, const FrameTable& table,
                               const NodeClassOptions& options) {
  flow::TextTable file(text, name);
  return Parser(table, options).parse(file);
}

NodeClasses load_node_classes(const std::string& path, const FrameTable& table,
                              const NodeClassOptions& options) {
  flow::TextTable file(path);
  return Parser(table, options).parse(file);
}

}  // namespace netflowgen::eval

// Classes of nodes: what kind of host each is. Read from CSV, tied to a table's nodes (docs/tasks.md).
//
// The file has a header. Of its columns `node` and `class` are read, or others that the options name. A row of an unknown
// node, without a class, or that repeats an earlier one is counted by reason with its first line, never fatal here.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "eval/labels.h"

namespace netflowgen::eval {

struct NodeClassOptions {
  // Empty: `node` (or host, address, ip), and `class` (or role, type).
  std::string node_column;
  std::string class_column;
};

struct NodeClasses {
  static constexpr int kNone = -1;

  std::vector<std::string> names;      // of the classes, in byte order
  std::vector<int> of;                 // [nodes] index of the class, or kNone
  base::LedgerView ledger;             // in = rows, out = rows kept (a prefix's row is one)
  std::vector<LabelProblem> problems;  // what was left out

  size_t labelled() const;
  std::vector<size_t> nodes_of(int label) const;
  // As LabelSet::summary().
  std::string summary() const;
};

// Error: a file cannot be read or lacks a column; a node has two classes; no row can be used; there is only one class.
NodeClasses load_node_classes(const std::string& path, const FrameTable& table,
                              const NodeClassOptions& options);
// The same from text; `name` is used in messages.
NodeClasses parse_node_classes(std::string_view text, const std::string& name, const FrameTable& table,
                               const NodeClassOptions& options);

}  // namespace netflowgen::eval

// The nodes that a flow belongs to, as SQL: what NodeSelector says in C++.
//
// A rule is one kind of node: hosts, prefixes of one length, interfaces, ASes. Of each end of a flow it gives at most one node.
// Addresses are two UInt64 in host order. Pure functions.
#pragma once

#include <string>
#include <vector>

#include "series/node.h"

namespace netflowgen::series {

// Names of columns: the own end's address as (high, low), interface and AS; the exporter's address.
struct EndColumns {
  std::string high;
  std::string low;
  std::string interface;
  std::string as;
};

struct NodeRule {
  NodeKind kind = NodeKind::kHost;
  unsigned length = 128;            // of prefixes, in the 128-bit form
  std::vector<base::Prefix> among;  // hosts in these, or these prefixes alone; empty: all
  int family = 0;                   // 4, 6; 0: both

  bool of_address() const { return kind == NodeKind::kHost || kind == NodeKind::kPrefix; }
  // Whether the end is one of the rule's nodes, and the node's key.
  std::string condition(const EndColumns& end) const;
  std::string high(const EndColumns& end) const;
  std::string low(const EndColumns& end) const;
  std::string number(const EndColumns& end) const;
};

// `known`: flow::Known of the table; a rule whose groups are not known has no nodes and is left out. UsageError: counting points.
std::vector<NodeRule> node_rules(const NodeOptions& options, uint32_t known);

}  // namespace netflowgen::series

// Which nodes a store's flows were accounted to, in the words of --nodes, --prefixes, --interfaces and --as. Kept in
// series.json, and from there in a detector's detect.json, so that replay and collect can take the same nodes.
#pragma once

#include <string>

namespace netflowgen::series {

struct NodeOptions;

struct NodeChoice {
  std::string hosts;  // "all", "none" or CIDR,...; "": not known (rates name their own nodes; older stores)
  std::string prefixes;  // "/24,/48,CIDR,..."; "": none
  bool interfaces = false;
  bool as = false;

  bool known() const { return !hosts.empty(); }
  // "--nodes 10.0.0.0/8 --interfaces"; "" where not known.
  std::string text() const;
  bool operator==(const NodeChoice&) const = default;
};

// Counting points are not part of it. Prefixes are as the options have them: anonymised where the store is.
NodeChoice choice_of(const NodeOptions& options);
// Both: what a store holds after it was appended to. Not known where one of them is not.
NodeChoice joined(const NodeChoice& a, const NodeChoice& b);
// Sets hosts, prefixes, interfaces and as. UsageError: the choice does not read as options. REQUIRES: known().
void apply(const NodeChoice& choice, NodeOptions& options);

}  // namespace netflowgen::series

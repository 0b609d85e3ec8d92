#include "series/node_choice.h"

#include <algorithm>
#include <sstream>
#include <vector>

#include "series/node.h"

namespace netflowgen::series {
namespace {

void add_item(std::string& list, const std::string& item) {
  if (!list.empty()) list += ',';
  list += item;
}

std::string union_of(const std::string& a, const std::string& b) {
  std::vector<std::string> items;
  for (const auto& list : {a, b}) {
    std::istringstream in(list);
    for (std::string item; std::getline(in, item, ',');) {
      if (!item.empty() && std::find(items.begin(), items.end(), item) == items.end()) items.push_back(item);
    }
  }
  std::string all;
  for (const auto& item : items) add_item(all, item);
  return all;
}

}  // namespace

std::string NodeChoice::text() const {
  if (!known()) return "";
  std::string out;
  const bool others = interfaces || as || !prefixes.empty();
  if (hosts != "none" || !others) out += " --nodes " + hosts;
  if (!prefixes.empty()) out += " --prefixes " + prefixes;
  if (interfaces) out += " --interfaces";
  if (as) out += " --as";
  return out.substr(1);
}

NodeChoice choice_of(const NodeOptions& options) {
  NodeChoice c;
  if (options.all_hosts) c.hosts = "all";
  if (!options.all_hosts && options.hosts.empty()) c.hosts = "none";
  if (!options.all_hosts) {
    for (const auto& p : options.hosts) add_item(c.hosts, p.to_string());
  }
  for (const auto n : options.v4_lengths) add_item(c.prefixes, "/" + std::to_string(n));
  for (const auto n : options.v6_lengths) add_item(c.prefixes, "/" + std::to_string(n));
  for (const auto& p : options.prefixes) add_item(c.prefixes, p.to_string());
  c.interfaces = options.interfaces;
  c.as = options.as;
  return c;
}

NodeChoice joined(const NodeChoice& a, const NodeChoice& b) {
  if (!a.known() || !b.known()) return {};
  NodeChoice c;
  if (a.hosts == "all" || b.hosts == "all") {
    c.hosts = "all";
  } else if (a.hosts == "none" || b.hosts == "none") {
    c.hosts = a.hosts == "none" ? b.hosts : a.hosts;
  } else {
    c.hosts = union_of(a.hosts, b.hosts);
  }
  c.prefixes = union_of(a.prefixes, b.prefixes);
  c.interfaces = a.interfaces || b.interfaces;
  c.as = a.as || b.as;
  return c;
}

void apply(const NodeChoice& choice, NodeOptions& options) {
  options.hosts.clear();
  options.prefixes.clear();
  options.v4_lengths.clear();
  options.v6_lengths.clear();
  parse_hosts(choice.hosts, options);
  parse_prefixes(choice.prefixes, options);
  options.interfaces = choice.interfaces;
  options.as = choice.as;
}

}  // namespace netflowgen::series

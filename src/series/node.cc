#include "series/node.h"

#include <algorithm>
#include <charconv>

#include "base/error.h"

namespace netflowgen::series {
namespace {

using base::IpAddr;
using base::Prefix;
using base::UsageError;

IpAddr last_of(const Prefix& p) {
  const IpAddr ones = [] {
    IpAddr a;
    a.bytes.fill(0xff);
    return a;
  }();
  const IpAddr bits = base::mask(ones, p.length);
  IpAddr last = p.address;
  for (size_t i = 0; i < 16; ++i) last.bytes[i] |= static_cast<uint8_t>(~bits.bytes[i]);
  return last;
}

IpAddr and_of(const IpAddr& a, const IpAddr& b) {
  uint64_t x[2];
  uint64_t y[2];
  std::memcpy(x, a.bytes.data(), 16);
  std::memcpy(y, b.bytes.data(), 16);
  x[0] &= y[0];
  x[1] &= y[1];
  IpAddr out;
  std::memcpy(out.bytes.data(), x, 16);
  return out;
}

std::vector<std::string> split(const std::string& text) {
  std::vector<std::string> items;
  size_t begin = 0;
  while (begin <= text.size()) {
    const size_t end = std::min(text.find(',', begin), text.size());
    if (end > begin) items.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return items;
}

Prefix parse_cidr(const std::string& item, const char* flag) {
  const auto p = Prefix::parse(item);
  if (!p) throw UsageError("{} {}: expected an address or a prefix such as 10.0.0.0/8", flag, item);
  return *p;
}

}  // namespace

std::string name_of(const NodeKey& node) {
  switch (node.kind) {
    case NodeKind::kHost:
      return node.address.to_string();
    case NodeKind::kPrefix:
      return Prefix{node.address, static_cast<uint8_t>(node.number)}.to_string();
    case NodeKind::kInterface:
      return node.address.to_string() + "#" + std::to_string(node.number);
    case NodeKind::kAs:
      return "AS" + std::to_string(node.number);
    case NodeKind::kNone:
      break;
  }
  return "";
}

AddressSet::AddressSet(std::vector<Prefix> prefixes) {
  // Prefixes are nested or disjoint: in order of (address, length) one that is contained follows its
  // container.
  std::sort(prefixes.begin(), prefixes.end());
  for (const auto& p : prefixes) {
    if (!ranges_.empty() && p.address <= ranges_.back().last) continue;
    ranges_.push_back({p.address, last_of(p)});
  }
}

bool AddressSet::contains(const IpAddr& a) const {
  const auto after = std::upper_bound(ranges_.begin(), ranges_.end(), a,
                                      [](const IpAddr& x, const Range& r) { return x < r.first; });
  return after != ranges_.begin() && a <= std::prev(after)->last;
}

void parse_counting_point(const std::string& text, NodeOptions& options) {
  const size_t equals = text.find('=');
  const auto exporter = IpAddr::parse(std::string_view(text).substr(0, equals));
  const auto items =
      equals == std::string::npos ? std::vector<std::string>{} : split(text.substr(equals + 1));
  if (!exporter || items.empty()) {
    throw UsageError("--count-at {}: expected EXPORTER=CIDR,... such as 192.0.2.1=10.0.0.0/8", text);
  }
  for (const auto& item : items)
    options.counting_points.push_back({parse_cidr(item, "--count-at"), *exporter});
}

void parse_hosts(const std::string& text, NodeOptions& options) {
  options.all_hosts = text == "all";
  if (text == "all" || text == "none") return;
  for (const auto& item : split(text)) options.hosts.push_back(parse_cidr(item, "--nodes"));
  if (options.hosts.empty()) throw UsageError("--nodes is empty: expected all, none or CIDRs");
}

void parse_prefixes(const std::string& text, NodeOptions& options) {
  for (const auto& item : split(text)) {
    if (item.front() != '/') {
      options.prefixes.push_back(parse_cidr(item, "--prefixes"));
      continue;
    }
    unsigned length = 0;
    const auto [end, error] = std::from_chars(item.data() + 1, item.data() + item.size(), length);
    if (error != std::errc() || end != item.data() + item.size() || length > 128) {
      throw UsageError("--prefixes {}: expected a length such as /24 (IPv4) or /48 (IPv6, above 32)", item);
    }
    (length <= 32 ? options.v4_lengths : options.v6_lengths).push_back(static_cast<uint8_t>(length));
  }
}

NodeSelector::NodeSelector(const NodeOptions& options) : options_(options), hosts_(options.hosts) {
  IpAddr ones;
  ones.bytes.fill(0xff);
  const auto add_mask = [&](unsigned length, bool listed, bool v4) {
    masks_.push_back({base::mask(ones, length), static_cast<uint8_t>(length), listed, v4});
  };
  for (const auto n : options.v4_lengths) add_mask(96u + n, false, true);
  for (const auto n : options.v6_lengths) add_mask(n, false, false);
  std::vector<uint8_t> lengths;
  for (const auto& p : options.prefixes) {
    prefixes_.insert(p);
    lengths.push_back(p.length);
  }
  std::sort(lengths.begin(), lengths.end());
  lengths.erase(std::unique(lengths.begin(), lengths.end()), lengths.end());
  for (const auto n : lengths) add_mask(n, true, false);
  addresses_ = options.all_hosts || !options.hosts.empty() || !masks_.empty();
}

void NodeSelector::select_address(const IpAddr& a, Direction direction, std::vector<FlowEnd>& ends) const {
  if (options_.all_hosts || hosts_.contains(a)) ends.push_back({{a, 0, NodeKind::kHost}, direction});
  for (const auto& m : masks_) {
    if (!m.listed && m.v4 != a.is_v4()) continue;
    const Prefix p{and_of(a, m.bits), m.length};
    // A prefix of the same length that was asked for twice (as a length and by name) is one node.
    if (m.listed && !prefixes_.contains(p)) continue;
    const NodeKey node{p.address, p.length, NodeKind::kPrefix};
    const bool twice = std::any_of(ends.begin(), ends.end(), [&](const FlowEnd& e) {
      return e.direction == direction && e.node == node;
    });
    if (!twice) ends.push_back({node, direction});
  }
}

// The points with the longest prefix that holds the address decide; without one, every exporter counts.
bool NodeSelector::counted_here(const IpAddr& a, const IpAddr& exporter) const {
  int longest = -1;
  bool here = true;
  for (const auto& point : options_.counting_points) {
    const int length = point.prefix.length;
    if (length < longest || !point.prefix.contains(a)) continue;
    here = (length == longest && here) || point.exporter == exporter;
    longest = length;
  }
  return here;
}

bool NodeSelector::select(const flow::Flow& f, std::vector<FlowEnd>& ends) const {
  bool elsewhere = false;
  if (addresses_ && f.has(flow::kKnownAddresses)) {
    if (options_.counting_points.empty()) {
      select_address(f.dst, kIn, ends);
      select_address(f.src, kOut, ends);
    } else {
      const bool dst = counted_here(f.dst, f.exporter);
      const bool src = counted_here(f.src, f.exporter);
      if (dst) select_address(f.dst, kIn, ends);
      if (src) select_address(f.src, kOut, ends);
      elsewhere = !dst || !src;
    }
  }
  if (options_.interfaces && f.has(flow::kKnownInterfaces)) {
    if (f.in_if != 0) ends.push_back({{f.exporter, f.in_if, NodeKind::kInterface}, kIn});
    if (f.out_if != 0) ends.push_back({{f.exporter, f.out_if, NodeKind::kInterface}, kOut});
  }
  if (options_.as && f.has(flow::kKnownAs)) {
    if (f.dst_as != 0) ends.push_back({{{}, f.dst_as, NodeKind::kAs}, kIn});
    if (f.src_as != 0) ends.push_back({{{}, f.src_as, NodeKind::kAs}, kOut});
  }
  return elsewhere;
}

}  // namespace netflowgen::series

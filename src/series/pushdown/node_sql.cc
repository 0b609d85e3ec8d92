#include "series/pushdown/node_sql.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "base/cursor.h"
#include "base/error.h"

namespace netflowgen::series {
namespace {

constexpr const char* kExporterHigh = "nfg_xh";
constexpr const char* kExporterLow = "nfg_xl";
// The first 96 bits of ::ffff:a.b.c.d.
constexpr const char* kIsV4 = "({} = 0 AND bitShiftRight({}, 32) = 65535)";

struct Halves {
  uint64_t high;
  uint64_t low;
};
Halves halves(const base::IpAddr& a) {
  return {base::load_be64(a.bytes.data()), base::load_be64(a.bytes.data() + 8)};
}
Halves mask_of(unsigned length) {
  base::IpAddr ones;
  ones.bytes.fill(0xff);
  return halves(base::mask(ones, length));
}
std::string masked(const std::string& column, uint64_t mask) {
  if (mask == ~uint64_t{0}) return column;
  return mask == 0 ? "toUInt64(0)" : fmt::format("bitAnd({}, {})", column, mask);
}

std::string in_prefix(const EndColumns& end, const base::Prefix& prefix) {
  const auto m = mask_of(prefix.length);
  const auto p = halves(prefix.address);
  return fmt::format("({} = {} AND {} = {})", masked(end.high, m.high), p.high, masked(end.low, m.low),
                     p.low);
}

std::string any_of(const std::vector<std::string>& conditions) {
  return "(" + fmt::format("{}", fmt::join(conditions, " OR ")) + ")";
}

}  // namespace

std::string NodeRule::condition(const EndColumns& end) const {
  if (kind == NodeKind::kInterface) return end.interface + " != 0";
  if (kind == NodeKind::kAs) return end.as + " != 0";
  std::string text = "nfg_ak = 1";
  if (family != 0)
    text += std::string(family == 4 ? " AND " : " AND NOT ") +
            fmt::format(fmt::runtime(kIsV4), end.high, end.low);
  std::vector<std::string> in;
  for (const auto& p : among) in.push_back(in_prefix(end, p));
  return in.empty() ? text : text + " AND " + any_of(in);
}

std::string NodeRule::high(const EndColumns& end) const {
  if (kind == NodeKind::kInterface) return kExporterHigh;
  return of_address() ? masked(end.high, mask_of(length).high) : "toUInt64(0)";
}

std::string NodeRule::low(const EndColumns& end) const {
  if (kind == NodeKind::kInterface) return kExporterLow;
  return of_address() ? masked(end.low, mask_of(length).low) : "toUInt64(0)";
}

std::string NodeRule::number(const EndColumns& end) const {
  if (kind == NodeKind::kInterface) return end.interface;
  if (kind == NodeKind::kAs) return end.as;
  return fmt::format("toUInt32({})", kind == NodeKind::kPrefix ? length : 0u);
}

std::vector<NodeRule> node_rules(const NodeOptions& o, uint32_t known) {
  if (!o.counting_points.empty())
    throw base::UsageError("--count-at needs the flows themselves: add format=rows to the clickhouse:// URL");
  std::vector<NodeRule> rules;
  if ((known & flow::kKnownAddresses) != 0) {
    if (o.all_hosts || !o.hosts.empty())
      rules.push_back({NodeKind::kHost, 128, o.all_hosts ? std::vector<base::Prefix>{} : o.hosts, 0});
    const auto lengths = [&rules](std::vector<uint8_t> all, unsigned base, int family) {
      std::sort(all.begin(), all.end());
      all.erase(std::unique(all.begin(), all.end()), all.end());
      for (const auto n : all) rules.push_back({NodeKind::kPrefix, base + n, {}, family});
    };
    lengths(o.v4_lengths, 96, 4);
    lengths(o.v6_lengths, 0, 6);
    std::map<unsigned, std::vector<base::Prefix>> listed;
    for (const auto& p : o.prefixes) {
      // A prefix that was asked for by its length as well is one node.
      const bool v4 = p.length >= 96 && base::mask(p.address, 96) == base::mask(base::IpAddr::v4(0), 96);
      const auto& same = v4 ? o.v4_lengths : o.v6_lengths;
      const auto n = static_cast<uint8_t>(v4 ? p.length - 96 : p.length);
      if (std::find(same.begin(), same.end(), n) == same.end()) listed[p.length].push_back(p);
    }
    for (const auto& [length, prefixes] : listed) rules.push_back({NodeKind::kPrefix, length, prefixes, 0});
  }
  if (o.interfaces && (known & flow::kKnownInterfaces) != 0)
    rules.push_back({NodeKind::kInterface, 0, {}, 0});
  if (o.as && (known & flow::kKnownAs) != 0) rules.push_back({NodeKind::kAs, 0, {}, 0});
  return rules;
}

}  // namespace netflowgen::series

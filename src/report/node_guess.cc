#include "report/node_guess.h"

#include <algorithm>
#include <queue>
#include <unordered_map>
#include <unordered_set>

namespace netflowgen::report {
namespace {

using base::IpAddr;
using base::Prefix;

constexpr unsigned kV4 = 96;            // bits before those of an IPv4 address
constexpr double kEnoughPrivate = 0.2;  // share of flows from which private addresses are own
constexpr double kSomeFlows = 0.0005;   // share of flows of a private block that is own
constexpr double kSomeAnswered = 0.05;  // share of flows of answered pairs from which they decide
constexpr double kNearlyAll = 0.98;     // share of flows with an end inside at which the search ends
constexpr double kLeastCovered = 0.5;   // below it nothing is guessed
constexpr uint64_t kFewNetworks = 2;    // that a block outside may talk to
constexpr double kMostlyOwn = 0.75;     // of the active blocks of a prefix, for it to stand for all of them
constexpr double kPartlyOwn = 0.25;     // of private ones: what is not chosen has hardly been seen
constexpr unsigned kShortestV4 = kV4 + 12;
constexpr unsigned kShortestV6 = 29;

unsigned block_length(const IpAddr& a) { return a.is_v4() ? kV4 + 24 : 48; }
IpAddr block_of(const IpAddr& a) { return base::mask(a, block_length(a)); }
uint64_t network_of(const IpAddr& a) { return base::mask(a, a.is_v4() ? kV4 + 16 : 32).hash(); }

bool in(const IpAddr& a, const char* prefix) { return Prefix::parse(prefix)->contains(a); }

struct Edge {
  IpAddr a;
  IpAddr b;
  uint64_t flows = 0;
  bool both = false;  // in both directions
  bool explained = false;
};

// Blocks and the sampled pairs that touch them.
class Blocks {
 public:
  // `answered`: only pairs with flows in both directions.
  Blocks(const Survey& survey, bool answered) {
    for (const auto& [pair, flows] : survey.pairs()) {
      if (answered && (flows.up == 0 || flows.down == 0)) continue;
      edges_.push_back({pair.low, pair.high, flows.up + flows.down, flows.up > 0 && flows.down > 0, false});
      flows_ += flows.up + flows.down;
    }
    std::sort(edges_.begin(), edges_.end(),
              [](const Edge& x, const Edge& y) { return x.a != y.a ? x.a < y.a : x.b < y.b; });
    for (size_t e = 0; e < edges_.size(); ++e) {
      touching_[block_of(edges_[e].a)].push_back(e);
      if (block_of(edges_[e].a) != block_of(edges_[e].b)) touching_[block_of(edges_[e].b)].push_back(e);
    }
  }

  double covered() const {
    return flows_ == 0 ? 0 : static_cast<double>(explained_) / static_cast<double>(flows_);
  }
  const std::vector<Edge>& edges() const { return edges_; }
  const std::unordered_map<IpAddr, std::vector<size_t>>& touching() const { return touching_; }
  bool any() const { return !edges_.empty(); }

  // The share of flows with a private end.
  double private_share() const {
    uint64_t flows = 0;
    for (const auto& e : edges_) flows += is_private(e.a) || is_private(e.b) ? e.flows : 0;
    return flows_ == 0 ? 0 : static_cast<double>(flows) / static_cast<double>(flows_);
  }

  // Whether the block has several pairs in both directions, or one with enough flows.
  bool answers(const IpAddr& block) const {
    uint64_t flows = 0;
    size_t both = 0;
    for (const size_t e : touching_.at(block)) {
      flows += edges_[e].flows;
      both += edges_[e].both ? 1 : 0;
    }
    return both > 1 || (both == 1 && static_cast<double>(flows) >= kSomeFlows * static_cast<double>(flows_));
  }

  uint64_t flows() const { return flows_; }

  void take(const IpAddr& block, std::unordered_set<IpAddr>& own) {
    own.insert(block);
    const auto it = touching_.find(block);
    if (it == touching_.end()) return;
    for (const size_t e : it->second) {
      if (!edges_[e].explained) explained_ += edges_[e].flows;
      edges_[e].explained = true;
    }
  }

  // Other networks that the block talks to in flows that are not explained; then such pairs.
  std::pair<uint64_t, uint64_t> reach(const IpAddr& block) const {
    std::unordered_set<uint64_t> networks;
    uint64_t pairs = 0;
    for (const size_t e : touching_.at(block)) {
      if (edges_[e].explained) continue;
      ++pairs;
      networks.insert(network_of(block_of(edges_[e].a) == block ? edges_[e].b : edges_[e].a));
    }
    return {networks.size(), pairs};
  }

 private:
  std::vector<Edge> edges_;
  std::unordered_map<IpAddr, std::vector<size_t>> touching_;
  uint64_t flows_ = 0;
  uint64_t explained_ = 0;
};

struct Candidate {
  uint64_t networks;
  uint64_t pairs;
  IpAddr block;
  bool operator<(const Candidate& o) const {
    if (networks != o.networks) return networks < o.networks;
    if (pairs != o.pairs) return pairs < o.pairs;
    if (is_private(block) != is_private(o.block)) return is_private(o.block);
    return block < o.block;
  }
};

// Greedy cover with lazy values: a block's reach only falls as others are taken.
void take_far_reaching(Blocks& blocks, std::unordered_set<IpAddr>& own) {
  std::priority_queue<Candidate> queue;
  for (const auto& [block, edges] : blocks.touching()) {
    if (own.contains(block) || is_special(block)) continue;
    const auto [networks, pairs] = blocks.reach(block);
    queue.push({networks, pairs, block});
  }
  while (!queue.empty() && blocks.covered() < kNearlyAll) {
    const Candidate top = queue.top();
    queue.pop();
    const auto [networks, pairs] = blocks.reach(top.block);
    if (networks == 0) continue;
    if (networks != top.networks || pairs != top.pairs) {
      queue.push({networks, pairs, top.block});
      continue;
    }
    if (networks <= kFewNetworks && blocks.covered() >= kLeastCovered) break;
    blocks.take(top.block, own);
  }
}

// Private blocks that answer. Forged sources and routers on the way have private addresses, too; they do not.
void take_private(Blocks& blocks, std::unordered_set<IpAddr>& own) {
  std::vector<IpAddr> found;
  for (const auto& [block, edges] : blocks.touching()) {
    if (is_private(block) && blocks.answers(block)) found.push_back(block);
  }
  for (const auto& block : found) blocks.take(block, own);
}

// Finds the own blocks. What is answered decides first, so that a scanner, who reaches far and is hardly answered, is not taken
// for the network; all pairs count where few are answered, as under coarse sampling. True: some are private.
bool take_own(const Survey& survey, Blocks& all, std::unordered_set<IpAddr>& own) {
  Blocks answered(survey, true);
  if (all.private_share() >= kEnoughPrivate) take_private(answered, own);
  const bool by_private = !own.empty();
  if (static_cast<double>(answered.flows()) >= kSomeAnswered * static_cast<double>(all.flows()) &&
      answered.covered() < kNearlyAll) {
    take_far_reaching(answered, own);
  }
  const auto found = own;
  for (const auto& block : found) all.take(block, own);
  if (all.covered() < kLeastCovered) take_far_reaching(all, own);
  return by_private;
}

// Where the active addresses of a block lie.
struct Extent {
  IpAddr first;
  IpAddr last;
  uint64_t flows = 0;
  bool own = false;
};

using Extents = std::vector<std::pair<IpAddr, Extent>>;  // by block

Extents extents_of(const Survey& survey, const std::unordered_set<IpAddr>& own) {
  std::unordered_map<IpAddr, Extent> found;
  for (const auto& [address, volume] : survey.addresses()) {
    if (is_special(address)) continue;
    const auto [it, fresh] = found.try_emplace(block_of(address), Extent{address, address, 0, false});
    it->second.first = std::min(it->second.first, address);
    it->second.last = std::max(it->second.last, address);
    it->second.flows += volume.flows();
  }
  Extents extents(found.begin(), found.end());
  for (auto& [block, extent] : extents) extent.own = own.contains(block);
  std::sort(extents.begin(), extents.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  return extents;
}

unsigned common_bits(const IpAddr& a, const IpAddr& b) {
  for (unsigned byte = 0; byte < 16; ++byte) {
    const unsigned differ = static_cast<unsigned>(a.bytes[byte] ^ b.bytes[byte]);
    if (differ != 0) return byte * 8 + static_cast<unsigned>(__builtin_clz(differ)) - 24;
  }
  return 128;
}

struct Found {
  Prefix prefix;
  uint64_t flows = 0;
};

// Own blocks among extents [begin, end) become prefixes: one, where most active blocks between the first and the last own one
// are own, else those of two halves.
void merge(const Extents& all, size_t begin, size_t end, std::vector<Found>& out) {
  while (begin < end && !all[begin].second.own) ++begin;
  while (end > begin && !all[end - 1].second.own) --end;
  if (begin == end) return;
  const unsigned bits = common_bits(all[begin].second.first, all[end - 1].second.last);
  const bool v4 = all[begin].first.is_v4() && all[end - 1].first.is_v4();
  const Prefix prefix{base::mask(all[begin].second.first, bits), static_cast<uint8_t>(bits)};
  uint64_t flows = 0;
  size_t own = 0;
  for (size_t i = begin; i < end; ++i) {
    own += all[i].second.own ? 1 : 0;
    flows += all[i].second.own ? all[i].second.flows : 0;
  }
  // Active blocks of the prefix, also those before the first own one.
  const auto from = std::lower_bound(all.begin(), all.end(), prefix.address,
                                     [](const auto& e, const IpAddr& a) { return e.first < block_of(a); });
  size_t active = 0;
  for (auto it = from; it != all.end() && prefix.contains(it->second.first); ++it) ++active;
  const bool private_ends = is_private(all[begin].first) && is_private(all[end - 1].first);
  const bool wide = bits >= (v4 ? kShortestV4 : kShortestV6) || (private_ends && bits >= kV4 + 8);
  const double needed = private_ends ? kPartlyOwn : kMostlyOwn;
  if (end - begin == 1 ||
      (wide && static_cast<double>(own) >= needed * static_cast<double>(std::max(active, own)))) {
    out.push_back({prefix, flows});
    return;
  }
  // The halves of the common prefix.
  IpAddr half = prefix.address;
  half.bytes[bits / 8] = static_cast<uint8_t>(half.bytes[bits / 8] | (0x80u >> (bits % 8)));
  size_t middle = begin;
  while (middle < end && all[middle].first < half) ++middle;
  if (middle == begin || middle == end) middle = begin + 1;
  merge(all, begin, middle, out);
  merge(all, middle, end, out);
}

void count_addresses(const Survey& survey, NodeGuess& guess) {
  for (const auto& [address, volume] : survey.addresses()) {
    for (auto& own : guess.prefixes) {
      if (!own.prefix.contains(address)) continue;
      ++own.addresses;
      ++guess.addresses;
      guess.both_ways += volume.in.flows > 0 && volume.out.flows > 0 ? 1 : 0;
      break;
    }
  }
}

void measure_cover(const Blocks& blocks, NodeGuess& guess) {
  uint64_t all = 0;
  uint64_t inside = 0;
  const auto own = [&](const IpAddr& a) {
    return std::any_of(guess.prefixes.begin(), guess.prefixes.end(),
                       [&](const OwnPrefix& p) { return p.prefix.contains(a); });
  };
  for (const auto& e : blocks.edges()) {
    all += e.flows;
    if (own(e.a) || own(e.b)) inside += e.flows;
  }
  guess.covered = all == 0 ? 0 : static_cast<double>(inside) / static_cast<double>(all);
}

}  // namespace

bool is_private(const IpAddr& a) {
  if (!a.is_v4()) return (a.bytes[0] & 0xfe) == 0xfc;
  const uint32_t v = a.v4_host_order();
  return (v >> 24) == 10 || (v >> 20) == 0xac1 || (v >> 16) == 0xc0a8 || (v >> 22) == 0x64400000u >> 22;
}

bool is_special(const IpAddr& a) {
  if (a.is_v4()) {
    const uint32_t v = a.v4_host_order();
    return (v >> 24) == 0 || (v >> 24) == 127 || (v >> 28) >= 14 || (v >> 16) == 0xa9fe;
  }
  return a.bytes[0] == 0xff || in(a, "fe80::/10") || base::mask(a, 104).is_zero();
}

NodeGuess guess_nodes(const Survey& survey) {
  NodeGuess guess;
  Blocks all(survey, false);
  if (!all.any()) return guess;
  std::unordered_set<IpAddr> own;
  guess.by_private = take_own(survey, all, own);
  if (all.covered() < kLeastCovered) return guess;
  const Extents extents = extents_of(survey, own);
  std::vector<Found> found;
  const auto v6 = std::partition_point(extents.begin(), extents.end(),
                                       [](const auto& e) { return e.first < IpAddr::v4(0); });
  const auto v6_end = static_cast<size_t>(v6 - extents.begin());
  const auto v4_end = static_cast<size_t>(
      std::partition_point(v6, extents.end(), [](const auto& e) { return e.first.is_v4(); }) -
      extents.begin());
  merge(extents, 0, v6_end, found);
  merge(extents, v6_end, v4_end, found);
  merge(extents, v4_end, extents.size(), found);
  std::stable_sort(found.begin(), found.end(),
                   [](const Found& a, const Found& b) { return a.flows > b.flows; });
  if (found.size() > kMostPrefixes) {
    guess.left_out = found.size() - kMostPrefixes;
    found.resize(kMostPrefixes);
  }
  std::sort(found.begin(), found.end(), [](const Found& a, const Found& b) { return a.prefix < b.prefix; });
  for (const auto& f : found) guess.prefixes.push_back({f.prefix, 0});
  count_addresses(survey, guess);
  measure_cover(all, guess);
  return guess;
}

NodeGuess describe_nodes(const Survey& survey, const std::vector<Prefix>& prefixes) {
  NodeGuess guess;
  for (const auto& p : prefixes) guess.prefixes.push_back({p, 0});
  count_addresses(survey, guess);
  measure_cover(Blocks(survey, false), guess);
  return guess;
}

}  // namespace netflowgen::report

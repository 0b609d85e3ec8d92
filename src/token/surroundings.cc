#include "token/surroundings.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <numeric>

#include "base/check.h"
#include "base/ip.h"
#include "base/random.h"
#include "base/time.h"

namespace netflowgen::token {
namespace {

constexpr int64_t kWakeMs = 30 * 60'000;
constexpr float kBend = 3;               // large deviations are bent by asinh
constexpr float kFloor = 0.1f;           // of a deviation, in log1p
constexpr float kNodeRate = 1.0f / 128;  // of a node's usual, once it had as many active steps
constexpr int8_t kHigh = 32;             // two deviations
constexpr float kFew = 2;                // calm nodes that a mean over the others counts besides
constexpr double kMostTotal = 1e18;
constexpr int64_t kBefore = INT64_MIN;
constexpr uint32_t kMostSeen = 1u << 20;

int8_t quantised(float x) {
  if (std::isnan(x)) return 0;
  return static_cast<int8_t>(std::lround(std::clamp(x / kSurroundUnit, -127.0f, 127.0f)));
}

float log_of(float x) { return std::log1p(std::clamp(x, 0.0f, 1e30f)); }
float log_of(uint64_t x) { return static_cast<float>(std::log1p(static_cast<double>(x))); }

uint64_t whole(float x) {
  return x > 0 ? static_cast<uint64_t>(std::min(std::round(double{x}), kMostTotal)) : 0;
}

uint64_t added(uint64_t a, uint64_t b) {
  return std::min(a + b, static_cast<uint64_t>(kMostTotal) * 8);  // of at most 2^64 / 1e18 = 18 such sums
}

float mean_of_others(int64_t sum, int8_t own, uint64_t others) {
  return static_cast<float>(sum - own) * kSurroundUnit / (static_cast<float>(others) + kFew);
}

// The key of a node's parent, which differs from those of the network and of no parent.
uint64_t parent_of(std::string_view name, uint64_t none) {
  const auto key = [](std::string_view text) {
    uint64_t hash = base::mix64(text.size());
    for (const char c : text) hash = base::mix64(hash ^ static_cast<uint8_t>(c));
    return hash | 2;
  };
  if (const size_t at = name.find('#'); at != std::string_view::npos) return key(name.substr(0, at));
  const auto address = base::IpAddr::parse(name);
  if (!address) return none;
  const auto prefix = base::mask(*address, address->is_v4() ? 96 + 24 : 64);
  return base::mix64(prefix.hash()) | 2;
}

class Writer {
 public:
  template <typename T>
  void put(const T& x) {
    static_assert(std::is_trivially_copyable_v<T>);
    const auto* const at = reinterpret_cast<const uint8_t*>(&x);
    bytes.insert(bytes.end(), at, at + sizeof x);
  }
  std::vector<uint8_t> bytes;
};

class Reader {
 public:
  explicit Reader(std::span<const uint8_t> bytes) : bytes_(bytes) {}
  template <typename T>
  T take() {
    T x{};
    if (bytes_.size() < sizeof x) {
      bad_ = true;
      return x;
    }
    std::memcpy(&x, bytes_.data(), sizeof x);
    bytes_ = bytes_.subspan(sizeof x);
    return x;
  }
  bool good_end() const { return !bad_ && bytes_.empty(); }
  bool bad() const { return bad_; }

 private:
  std::span<const uint8_t> bytes_;
  bool bad_ = false;
};

template <typename Map>
std::vector<uint64_t> keys_of(const Map& map) {
  std::vector<uint64_t> keys;
  for (const auto& entry : map) keys.push_back(entry.first);
  std::sort(keys.begin(), keys.end());
  return keys;
}

}  // namespace

std::vector<std::string> surround_names() {
  constexpr const char* kGroups[kSurroundGroups] = {"prefix", "network"};
  constexpr const char* kWhat[kSurroundOfGroup] = {"others active",
                                                   "active against its usual",
                                                   "others that were silent",
                                                   "others' flows_in",
                                                   "others' packets_in",
                                                   "others' bytes_in",
                                                   "others' flows_out",
                                                   "others with high flows_in",
                                                   "others with high bytes_in",
                                                   "flows_in against its usual",
                                                   "packets_in against its usual",
                                                   "bytes_in against its usual",
                                                   "share of flows_in",
                                                   "share of bytes_in"};
  std::vector<std::string> names;
  for (const char* group : kGroups) {
    for (const char* what : kWhat) names.push_back(std::string(group) + ": " + what);
  }
  return names;
}

void Surroundings::Running::add(float x, float rate, bool first) {
  const float error = x - mean;
  mean += rate * error;
  if (!first) deviation += rate * (std::fabs(error) - deviation);
}

float Surroundings::Running::standard(float x) const {
  return kBend * std::asinh((x - mean) / (deviation + kFloor) / kBend);
}

Surroundings::Surroundings(int64_t step_ms)
    : wake_steps_(std::max<int64_t>(1, kWakeMs / step_ms)),
      day_rate_(1 / static_cast<float>(std::max<int64_t>(8, base::kDayMs / step_ms))),
      last_step_(kBefore) {}

Surroundings::Values Surroundings::values_of(std::span<const float> frame) {
  return {frame[series::kFlowsIn], frame[series::kPacketsIn], frame[series::kBytesIn],
          frame[series::kFlowsOut]};
}

Surroundings::Own Surroundings::own_of(const Member& member, int64_t step) const {
  const auto it = nodes_.find(member.node);
  Own own{it == nodes_.end() ? parent_of(member.name, kNoParent) : it->second.parent, {}, true, {}};
  if (it != nodes_.end()) own.woke = step - it->second.last_step > wake_steps_;
  for (size_t f = 0; f < kOwn; ++f) {
    const float value = member.values[f];
    if (f < kTotals) own.totals[f] = whole(value);
    if (it == nodes_.end() || std::isnan(value)) continue;
    own.z[f] = quantised(it->second.usual[f].standard(log_of(value)));
  }
  return own;
}

// What zeros in the steps between do to a group's usual.
void Surroundings::pass_silence(Group& group, int64_t step) const {
  const int64_t idle = step - group.last_step - 1;
  if (group.seen == 0 || idle <= 0) return;
  group.seen = static_cast<uint32_t>(std::min<int64_t>(group.seen + idle, kMostSeen));
  const float rate = std::max(day_rate_, 1 / static_cast<float>(group.seen));
  const float keep = std::pow(1 - rate, static_cast<float>(idle));
  for (Running& r : group.usual) {
    r.deviation += (1 - keep) * (r.mean * (1 + keep) / 2 - r.deviation);
    r.mean *= keep;
  }
}

void Surroundings::find(int64_t step, std::span<const Member> members, std::vector<Own>& own,
                        SumsOfGroups& sums) const {
  own.clear();
  for (const Member& m : members) {
    own.push_back(own_of(m, step));
    const Own& o = own.back();
    for (const uint64_t group : {o.parent, kNetwork}) {
      if (group == kNoParent) continue;
      Sums& s = sums[group];
      ++s.nodes;
      s.woke += o.woke ? 1 : 0;
      for (size_t f = 0; f < kOwn; ++f) s.z[f] += o.z[f];
      s.high[0] += o.z[0] > kHigh ? 1 : 0;
      s.high[1] += o.z[2] > kHigh ? 1 : 0;
      for (size_t f = 0; f < kTotals; ++f) s.totals[f] = added(s.totals[f], o.totals[f]);
    }
  }
  find_unusual(step, sums);
}

void Surroundings::find_unusual(int64_t step, SumsOfGroups& sums) const {
  for (auto& [key, s] : sums) {
    const auto it = groups_.find(key);
    if (it == groups_.end() || it->second.seen == 0) continue;
    Group group = it->second;
    pass_silence(group, step);
    for (size_t f = 0; f < kTotals; ++f) s.unusual[f] = group.usual[f].standard(log_of(s.totals[f]));
    s.unusual[kTotals] = group.usual[kTotals].standard(log_of(s.nodes));
  }
}

void Surroundings::write(const std::vector<Own>& own, const SumsOfGroups& sums, std::vector<Surround>& out) {
  out.assign(own.size(), Surround{});
  for (size_t i = 0; i < own.size(); ++i) {
    const Own& o = own[i];
    size_t n = 0;
    for (const uint64_t key : {o.parent, kNetwork}) {
      const auto it = sums.find(key);
      if (key == kNoParent || it->second.nodes < 2) {
        n += kSurroundOfGroup;
        continue;
      }
      const Sums& s = it->second;
      const uint64_t others = s.nodes - 1;
      const auto share = [&](uint64_t count, bool self) {
        return 4 * static_cast<float>(count - (self ? 1 : 0)) / (static_cast<float>(others) + kFew);
      };
      out[i][n++] = quantised(log_of(others) / 2);
      out[i][n++] = quantised(s.unusual[kTotals]);
      out[i][n++] = quantised(log_of(s.woke - (o.woke ? 1 : 0)) / 2);
      for (size_t f = 0; f < kOwn; ++f) out[i][n++] = quantised(mean_of_others(s.z[f], o.z[f], others));
      out[i][n++] = quantised(share(s.high[0], o.z[0] > kHigh));
      out[i][n++] = quantised(share(s.high[1], o.z[2] > kHigh));
      for (size_t f = 0; f < kTotals; ++f) out[i][n++] = quantised(s.unusual[f]);
      out[i][n++] = quantised((log_of(o.totals[0]) - log_of(s.totals[0])) / 2);
      out[i][n++] = quantised((log_of(o.totals[2]) - log_of(s.totals[2])) / 2);
    }
  }
}

void Surroundings::keep_nodes(int64_t step, std::span<const Member> members, std::span<const Own> own) {
  for (size_t i = 0; i < members.size(); ++i) {
    const auto [it, is_new] = nodes_.try_emplace(members[i].node);
    Node& node = it->second;
    if (is_new) {
      node.parent = own[i].parent;
      if (node.parent != kNoParent) ++groups_[node.parent].members;
      ++groups_[kNetwork].members;
    }
    node.last_step = step;
    const bool first = node.seen == 0;
    node.seen = std::min(node.seen + 1, kMostSeen);
    const float rate = std::max(kNodeRate, 1 / static_cast<float>(node.seen));
    for (size_t f = 0; f < kOwn; ++f) {
      const float value = members[i].values[f];
      if (!std::isnan(value)) node.usual[f].add(log_of(value), rate, first);
    }
  }
}

void Surroundings::keep_groups(int64_t step, const SumsOfGroups& sums) {
  for (const auto& [key, s] : sums) {
    Group& group = groups_[key];
    pass_silence(group, step);
    const bool first = group.seen == 0;
    group.seen = std::min(group.seen + 1, kMostSeen);
    const float rate = std::max(day_rate_, 1 / static_cast<float>(group.seen));
    for (size_t f = 0; f < kTotals; ++f) group.usual[f].add(log_of(s.totals[f]), rate, first);
    group.usual[kTotals].add(log_of(s.nodes), rate, first);
    group.last_step = step;
  }
}

void Surroundings::close(int64_t step, std::span<const Member> members, std::vector<Surround>& out) {
  if (last_step_ != kBefore && step <= last_step_) return out.assign(members.size(), Surround{});
  std::vector<Own> own;
  SumsOfGroups sums;
  find(step, members, own, sums);
  write(own, sums, out);
  keep_nodes(step, members, own);
  keep_groups(step, sums);
  last_step_ = step;
}

void Surroundings::look(int64_t step, std::span<const Member> members, std::vector<Surround>& out) const {
  if (last_step_ != kBefore && step <= last_step_) return out.assign(members.size(), Surround{});
  std::vector<Own> own;
  SumsOfGroups sums;
  find(step, members, own, sums);
  write(own, sums, out);
}

void Surroundings::forget(uint64_t node) {
  const auto it = nodes_.find(node);
  if (it == nodes_.end()) return;
  for (const uint64_t key : {it->second.parent, kNetwork}) {
    if (key == kNoParent) continue;
    const auto group = groups_.find(key);
    if (key != kNetwork && --group->second.members == 0) groups_.erase(group);
  }
  nodes_.erase(it);
}

std::vector<uint8_t> Surroundings::bytes() const {
  Writer w;
  w.put(last_step_);
  w.put(static_cast<uint64_t>(nodes_.size()));
  for (const uint64_t key : keys_of(nodes_)) {
    const Node& n = nodes_.at(key);
    w.put(key);
    w.put(n.last_step);
    w.put(n.parent);
    w.put(n.seen);
    w.put(n.usual);
  }
  w.put(static_cast<uint64_t>(groups_.size()));
  for (const uint64_t key : keys_of(groups_)) {
    const Group& g = groups_.at(key);
    w.put(key);
    w.put(g.last_step);
    w.put(g.seen);
    w.put(g.usual);
  }
  return std::move(w.bytes);
}

bool Surroundings::restore(std::span<const uint8_t> bytes) {
  Reader r(bytes);
  bool fits = true;
  const auto possible = [&](const auto& usual) {
    for (const Running& x : usual)
      fits &= std::isfinite(x.mean) && x.deviation >= 0 && std::isfinite(x.deviation);
  };
  Surroundings found = *this;
  found.nodes_.clear();
  found.groups_.clear();
  found.last_step_ = r.take<int64_t>();
  const auto step_fits = [&](int64_t step) { fits &= step <= found.last_step_ && step > kBefore / 4; };
  for (uint64_t n = r.take<uint64_t>(); n > 0 && !r.bad() && fits; --n) {
    const auto key = r.take<uint64_t>();
    Node node;
    node.last_step = r.take<int64_t>();
    node.parent = r.take<uint64_t>();
    node.seen = r.take<uint32_t>();
    node.usual = r.take<decltype(node.usual)>();
    step_fits(node.last_step);
    possible(node.usual);
    fits &= node.seen > 0 && node.seen <= kMostSeen && node.parent != kNetwork &&
            found.nodes_.emplace(key, node).second;
    if (node.parent != kNoParent) ++found.groups_[node.parent].members;
    ++found.groups_[kNetwork].members;
  }
  const uint64_t groups = r.take<uint64_t>();
  fits &= groups == found.groups_.size();
  for (uint64_t n = groups; n > 0 && !r.bad() && fits; --n) {
    const auto it = found.groups_.find(r.take<uint64_t>());
    if (it == found.groups_.end()) return false;
    it->second.last_step = r.take<int64_t>();
    it->second.seen = r.take<uint32_t>();
    it->second.usual = r.take<decltype(it->second.usual)>();
    step_fits(it->second.last_step);
    possible(it->second.usual);
    fits &= it->second.seen <= kMostSeen;
  }
  if (!r.good_end() || !fits) return false;
  *this = std::move(found);
  return true;
}

std::vector<Surround> surround_rows(const series::FrameTable& table, int64_t from_step, int64_t to_step) {
  std::vector<Surround> all(table.rows(), Surround{});
  std::vector<uint32_t> node_of(table.rows());
  for (size_t n = 0; n < table.nodes.size(); ++n)
    std::fill(node_of.begin() + static_cast<std::ptrdiff_t>(table.offsets[n]),
              node_of.begin() + static_cast<std::ptrdiff_t>(table.offsets[n + 1]), static_cast<uint32_t>(n));
  Surroundings surroundings(table.step_ms);
  std::vector<Surroundings::Member> members;
  std::vector<Surround> found;
  const auto rows = series::rows_by_step(table);
  for (size_t i = 0; i < rows.size();) {
    const int64_t step = table.steps[rows[i]];
    size_t end = i;
    members.clear();
    for (; end < rows.size() && table.steps[rows[end]] == step; ++end)
      members.push_back({node_of[rows[end]], table.nodes[node_of[rows[end]]],
                         Surroundings::values_of(table.frame(rows[end]))});
    if (step >= from_step && step < to_step) {
      surroundings.close(step, members, found);
      for (size_t k = i; k < end; ++k) all[rows[k]] = found[k - i];
    }
    i = end;
  }
  return all;
}

}  // namespace netflowgen::token

#include "eval/holdout.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <span>
#include <sstream>
#include <unordered_map>

#include "base/error.h"
#include "base/file.h"
#include "base/random.h"
#include "base/time.h"
#include "eval/attacks/baselines.h"

namespace netflowgen::eval {
namespace {

using base::kHourMs;

// Hourly means of log1p of each volume over the period, each centred, all of unit length; empty without variation.
std::vector<float> profile(const FrameTable& table, size_t node, const std::vector<int>& features,
                           Period period) {
  const auto hours = static_cast<size_t>((period.to_ms - period.from_ms + kHourMs - 1) / kHourMs);
  const double steps = std::max(1.0, static_cast<double>(kHourMs) / static_cast<double>(table.step_ms));
  std::vector<float> x(hours * features.size(), 0.0f);
  for (size_t row = table.offsets[node]; row < table.offsets[node + 1]; ++row) {
    const TimeMs t = table.steps[row] * table.step_ms;
    if (!period.contains(t)) continue;
    const auto hour = static_cast<size_t>((t - period.from_ms) / kHourMs);
    for (size_t f = 0; f < features.size(); ++f) {
      const float v = table.frame(row)[static_cast<size_t>(features[f])];
      if (v > 0) x[f * hours + hour] += static_cast<float>(std::log1p(v) / steps);
    }
  }
  double square = 0;
  for (size_t f = 0; f < features.size(); ++f) {  // each centred alone: two levels would make all nodes alike
    const auto own = std::span(x).subspan(f * hours, hours);
    const double sum = std::accumulate(own.begin(), own.end(), 0.0);
    for (auto& v : own) {
      v -= static_cast<float>(sum / static_cast<double>(hours));
      square += double{v} * double{v};
    }
  }
  if (square < 1e-9) return {};
  for (auto& v : x) v /= static_cast<float>(std::sqrt(square));
  return x;
}

size_t root_of(std::vector<size_t>& parent, size_t n) {
  while (parent[n] != n) n = parent[n] = parent[parent[n]];
  return n;
}

}  // namespace

std::vector<size_t> look_alikes(const FrameTable& table, const HoldoutOptions& options) {
  const auto features = volume_features(table, false);
  std::vector<std::vector<float>> profiles;
  for (size_t n = 0; n < table.nodes.size(); ++n)
    profiles.push_back(profile(table, n, features, options.period));
  std::vector<size_t> parent(table.nodes.size());
  std::iota(parent.begin(), parent.end(), size_t{0});
  for (size_t a = 0; a < profiles.size(); ++a) {
    for (size_t b = a + 1; b < profiles.size(); ++b) {
      if (profiles[a].empty() || profiles[b].empty()) continue;
      const float r = std::inner_product(profiles[a].begin(), profiles[a].end(), profiles[b].begin(), 0.0f);
      if (r < static_cast<float>(options.correlation)) continue;
      const size_t x = root_of(parent, a);
      const size_t y = root_of(parent, b);
      parent[std::max(x, y)] = std::min(x, y);
    }
  }
  for (size_t n = 0; n < parent.size(); ++n) parent[n] = root_of(parent, n);
  return parent;
}

std::vector<bool> draw_holdout(const FrameTable& table, const HoldoutOptions& options) {
  const auto cluster = look_alikes(table, options);
  std::vector<size_t> size(cluster.size(), 0);
  std::vector<size_t> order;
  for (const size_t c : cluster) ++size[c];
  for (size_t c = 0; c < size.size(); ++c) {
    if (size[c] > 0) order.push_back(c);
  }
  base::Random random(options.seed);
  for (size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[random.below(i)]);
  const auto most = static_cast<size_t>(std::floor(options.share * static_cast<double>(cluster.size())));
  std::vector<bool> chosen(cluster.size(), false);
  size_t held = 0;
  for (const size_t c : order) {
    if (held + size[c] > most) continue;
    chosen[c] = true;
    held += size[c];
  }
  std::vector<bool> result(cluster.size());
  for (size_t n = 0; n < cluster.size(); ++n) result[n] = chosen[cluster[n]];
  return result;
}

std::vector<bool> read_holdout(const std::string& path, const FrameTable& table) {
  std::unordered_map<std::string, size_t> index;
  for (size_t n = 0; n < table.nodes.size(); ++n) index.emplace(table.nodes[n], n);
  std::vector<bool> result(table.nodes.size(), false);
  std::istringstream lines(base::read_file(path));
  size_t number = 0;
  for (std::string line; std::getline(lines, line);) {
    ++number;
    if (!line.empty() && line.back() == '\r') line.pop_back();
    if (line.empty() || line[0] == '#') continue;
    const auto it = index.find(line);
    if (it == index.end()) {
      throw base::Error("{}: line {} names '{}', which the store does not have (see `netflowgen inspect`)",
                        path, number, line);
    }
    result[it->second] = true;
  }
  return result;
}

std::string holdout_text(const FrameTable& table, const std::vector<bool>& held_out) {
  std::string out;
  for (size_t n = 0; n < held_out.size(); ++n) {
    if (held_out[n]) out += table.nodes[n] + "\n";
  }
  return out;
}

}  // namespace netflowgen::eval

#include "report/unusual.h"

#include <algorithm>
#include <cmath>

#include "base/nan.h"

namespace netflowgen::report {
namespace {

constexpr uint32_t kMeanFrames = 64;  // of the running means

}  // namespace

Unusual::Unusual(const token::Encoder& encoder, std::vector<float> quantiles)
    : encoder_(encoder), quantiles_(std::move(quantiles)) {}

void Unusual::update(int64_t step, std::span<const detect::NodeScores> seen) {
  for (const auto& s : seen) {
    if (s.frame.empty()) {
      if (const auto it = nodes_.find(s.node); it != nodes_.end()) keep_band(s, it->second);
      continue;
    }
    const auto [it, fresh] = nodes_.try_emplace(s.node);
    if (fresh) {
      it->second.name = s.name;
      it->second.usual.fill(base::kNaN);
      for (auto& b : it->second.band) b.fill(base::kNaN);
    }
    update_node(step, s, it->second);
    keep_band(s, it->second);
  }
}

void Unusual::update_node(int64_t step, const detect::NodeScores& s, Node& node) const {
  double sum = 0;
  size_t known = 0;
  for (size_t c = 0; c < std::min(encoder_.levels(), s.surprise.size()); ++c) {
    const auto feature = static_cast<size_t>(encoder_.tokenizer().channels()[c].feature);
    if (std::isnan(s.frame[feature])) continue;
    sum += static_cast<double>(s.surprise[c]) / std::log(2.0);
    ++known;
  }
  const double bits = known == 0 ? 0 : sum / static_cast<double>(known);
  if (node.frames >= kWarmFrames && bits - node.usual_bits > node.most.excess()) take(step, s, bits, node);
  ++node.frames;
  const double rate = 1.0 / std::min(node.frames, kMeanFrames);
  node.usual_bits += rate * (bits - node.usual_bits);
  for (size_t f = 0; f < s.frame.size(); ++f) {
    if (std::isnan(s.frame[f])) continue;
    const bool category = series::kFeatures[f].kind == series::Kind::kCategory;
    node.usual[f] = std::isnan(node.usual[f]) || category
                        ? s.frame[f]
                        : node.usual[f] + static_cast<float>(rate) * (s.frame[f] - node.usual[f]);
  }
}

void Unusual::take(int64_t step, const detect::NodeScores& s, double bits, Node& node) const {
  SurprisingStep& most = node.most;
  most.node = node.name;
  most.step = step;
  most.bits = bits;
  most.usual = node.usual_bits;
  most.features.clear();
  for (size_t c = 0; c < std::min(encoder_.levels(), s.surprise.size()); ++c) {
    SurprisingFeature f;
    f.feature = encoder_.tokenizer().channels()[c].feature;
    const auto index = static_cast<size_t>(f.feature);
    if (std::isnan(s.frame[index])) continue;
    f.seen = static_cast<double>(s.frame[index]);
    f.bits = static_cast<double>(s.surprise[c]) / std::log(2.0);
    f.middle = static_cast<double>(node.usual[index]);
    for (size_t v = 0; v < encoder_.volumes(); ++v) {
      if (encoder_.volume_feature(v) != f.feature || std::isnan(node.band[v][2])) continue;
      f.low = std::max(0.0, std::expm1(static_cast<double>(node.band[v][0])));
      f.middle = std::max(0.0, std::expm1(static_cast<double>(node.band[v][1])));
      f.high = std::max(0.0, std::expm1(static_cast<double>(node.band[v][2])));
    }
    most.features.push_back(f);
  }
  std::stable_sort(most.features.begin(), most.features.end(),
                   [](const auto& a, const auto& b) { return a.bits > b.bits; });
  if (most.features.size() > kReasons) most.features.resize(kReasons);
}

void Unusual::keep_band(const detect::NodeScores& s, Node& node) const {
  const size_t q = quantiles_.size();
  for (size_t v = 0; v < encoder_.volumes() && v < node.band.size(); ++v) {
    const bool known = q > 0 && s.direct.size() >= (v + 1) * q && v < s.level.size();
    const auto at = [&](size_t i) { return known ? s.direct[v * q + i] + s.level[v] : base::kNaN; };
    node.band[v] = {at(0), at(q / 2), at(q == 0 ? 0 : q - 1)};
  }
}

std::vector<SurprisingStep> Unusual::most(size_t count) const {
  std::vector<SurprisingStep> all;
  for (const auto& [key, node] : nodes_) {
    if (!node.most.node.empty()) all.push_back(node.most);
  }
  const auto before = [](const SurprisingStep& a, const SurprisingStep& b) {
    return a.excess() != b.excess() ? a.excess() > b.excess() : a.node < b.node;
  };
  const size_t n = std::min(count, all.size());
  std::partial_sort(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(n), all.end(), before);
  all.resize(n);
  return all;
}

}  // namespace netflowgen::report

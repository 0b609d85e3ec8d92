#include "learn/heads/head_data.h"

#include <algorithm>
#include <map>
#include <set>

#include "base/check.h"
#include "base/error.h"

namespace netflowgen::learn {

using torch::Tensor;

std::vector<std::pair<int64_t, int64_t>> columns_of(const FeatureCache& cache, const model::HeadSpec& spec) {
  const auto h = static_cast<int64_t>(cache.hidden);
  const auto s = static_cast<int64_t>(cache.surprise);
  const auto d = static_cast<int64_t>(cache.dense);
  std::vector<std::pair<int64_t, int64_t>> ranges;
  if (spec.use_hidden) ranges.emplace_back(0, h);
  if (spec.use_surprise) ranges.emplace_back(h, h + s);
  if (spec.use_dense && d > 0) ranges.emplace_back(h + s, h + s + d);
  return ranges;
}

Tensor select_columns(const Tensor& z, const std::vector<std::pair<int64_t, int64_t>>& ranges) {
  std::vector<Tensor> parts;
  for (const auto& [a, b] : ranges) parts.push_back(z.narrow(1, a, b - a));
  return torch::cat(parts, 1);
}

bool Side::both() const {
  return z.defined() && z.size(0) > 0 && target.max().item<float>() > 0 && target.min().item<float>() < 1;
}

void require_both(const Side& side) {
  if (side.both()) return;
  const bool attack = side.z.size(0) > 0 && side.target.max().item<float>() > 0;
  throw base::Error(
      "no labelled {} step to learn from in the training period: check the labels' nodes and times",
      attack ? "benign" : "attack");
}

size_t count_incidents(std::span<const Example> examples) {
  std::set<std::pair<int64_t, int32_t>> known;
  for (const auto& e : examples) {
    if (e.group >= 0) known.emplace(e.incident, e.incident < 0 ? e.group : -1);
  }
  return known.size();
}

Side make_side(const FeatureCache& cache, std::vector<Example> examples, const HeadOptions& o) {
  std::stable_sort(examples.begin(), examples.end(),
                   [](const Example& a, const Example& b) { return a.group < b.group; });
  std::map<int32_t, size_t> sizes;
  for (const auto& e : examples) ++sizes[e.group];
  const double benign = static_cast<double>(sizes.count(-1) != 0 ? sizes[-1] : 0);
  const double events = static_cast<double>(sizes.size()) - (benign > 0 ? 1 : 0);
  Side side;
  const auto n = static_cast<int64_t>(examples.size());
  side.z = torch::empty({n, static_cast<int64_t>(cache.width())});
  side.target = torch::empty({n});
  side.weight = torch::empty({n});
  for (int64_t k = 0; k < n; ++k) {
    const Example& e = examples[static_cast<size_t>(k)];
    const int64_t at = cache.kept[e.row];
    NFG_CHECK(at >= 0);
    std::copy_n(cache.z.data() + static_cast<size_t>(at) * cache.width(), cache.width(),
                side.z.data_ptr<float>() + k * static_cast<int64_t>(cache.width()));
    const bool attack = e.group >= 0;
    side.target.data_ptr<float>()[k] = attack ? 1 : 0;
    // Each event counts the same, however long it was.
    side.weight.data_ptr<float>()[k] =
        static_cast<float>(attack ? o.positive_share / events / static_cast<double>(sizes[e.group])
                                  : (1 - o.positive_share) / benign);
    if (attack && (side.events.empty() || examples[static_cast<size_t>(k - 1)].group != e.group))
      side.events.emplace_back(k, k);
    if (attack) side.events.back().second = k + 1;
  }
  side.event_weight = o.positive_share / std::max(1.0, static_cast<double>(side.events.size()));
  return side;
}

namespace {

// Survival loss of Xatu (CoNEXT 2022, section 4.3): with hazard l = softplus(logit) a step, an event wants
// 1 - exp(-sum of l over its steps up to the reference alert) large, a benign step wants exp(-l) large.
Tensor safe_loss(const Tensor& logits, const Side& side) {
  const Tensor hazard = torch::softplus(logits);
  Tensor loss = (hazard * side.weight * (1 - side.target)).sum();
  for (const auto& [begin, end] : side.events) {
    const Tensor sum = hazard.narrow(0, begin, end - begin).sum();
    loss = loss - side.event_weight * torch::log(-torch::expm1(-sum) + 1e-8);
  }
  return loss;
}

}  // namespace

Tensor loss_of(const Tensor& logits, const Side& side, std::string_view loss) {
  if (loss == "safe") return safe_loss(logits, side);
  return (torch::binary_cross_entropy_with_logits(logits, side.target, {}, {}, at::Reduction::None) *
          side.weight)
      .sum();
}

}  // namespace netflowgen::learn

#include "learn/head.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/check.h"
#include "base/error.h"
#include "base/random.h"
#include "learn/heads/head_data.h"
#include "learn/heads/head_linear.h"
#include "learn/heads/head_refine.h"
#include "learn/heads/head_trees.h"
#include "learn/network/adamw.h"
#include "learn/network/torch.h"

namespace netflowgen::learn {
namespace {

using torch::Tensor;

std::vector<float> to_vector(const Tensor& t) {
  const Tensor c = t.detach().contiguous();
  return {c.data_ptr<float>(), c.data_ptr<float>() + c.numel()};
}

// A small network whose output is added to the linear part's.
struct Member {
  Tensor w1, b1, w2, b2;
  Tensor correction(const Tensor& z) const {
    return torch::linear(torch::silu(torch::linear(z, w1, b1)), w2, b2).squeeze(-1);
  }
  std::vector<Tensor> all() const { return {w1, b1, w2, b2}; }
};

Member make_member(int64_t inputs, int64_t width, base::Random& random) {
  const auto normal = [&](at::IntArrayRef shape, double scale) {
    Tensor t = torch::empty(shape);
    for (int64_t i = 0; i < t.numel(); ++i)
      t.data_ptr<float>()[i] = static_cast<float>(scale * random.normal());
    return t;
  };
  Member m;
  m.w1 = normal({width, inputs}, 1 / std::sqrt(static_cast<double>(inputs)));
  m.b1 = torch::zeros({width});
  m.w2 = normal({1, width}, 0.1 / std::sqrt(static_cast<double>(width)));
  m.b2 = torch::zeros({1});
  for (const auto& t : m.all()) const_cast<Tensor&>(t).set_requires_grad(true);
  return m;
}

Member train_member(const Side& train, const Side& validation, const HeadOptions& o, uint64_t seed) {
  base::Random random(seed);
  torch::manual_seed(seed);  // dropout
  Member m = make_member(train.z.size(1), o.spec.hidden, random);
  AdamW optimiser(m.all(), {.weight_decay = o.weight_decay});
  std::vector<Tensor> best;
  double best_loss = INFINITY;
  int bad = 0;
  for (int epoch = 0; epoch < o.epochs; ++epoch) {
    const Tensor z = o.dropout > 0 ? torch::dropout(train.z, o.dropout, true) : train.z;
    loss_of(train.offset + m.correction(z), train, o.loss).backward();
    optimiser.step(scheduled_rate(epoch, 10, o.epochs, o.learning_rate, 0.1), 1.0);
    if (!validation.both()) continue;
    torch::NoGradGuard no_grad;
    const double loss =
        loss_of(validation.offset + m.correction(validation.z), validation, o.loss).item<double>();
    if (loss < best_loss) {
      best_loss = loss;
      bad = 0;
      best.clear();
      for (const auto& t : m.all()) best.push_back(t.detach().clone());
    } else if (++bad >= o.patience) {
      break;
    }
  }
  if (!best.empty()) {
    torch::NoGradGuard no_grad;
    const auto all = m.all();
    for (size_t i = 0; i < all.size(); ++i) const_cast<Tensor&>(all[i]).copy_(best[i]);
  }
  return m;
}

// Linear part and the mean of the members' logits as one hidden layer: u = silu(u) - silu(-u), so that a linear
// function takes two units; the members' layers are side by side with them.
HeadWeights merge(const LinearPart& linear, const std::vector<Member>& members, const HeadOptions& o) {
  HeadWeights head;
  head.spec = o.spec;
  if (members.empty()) {
    head.spec.hidden = 0;
    head.w2 = to_vector(linear.weight);
    head.b2 = {linear.bias};
    return head;
  }
  const double scale = 1.0 / static_cast<double>(members.size());
  std::vector<Tensor> w1 = {torch::stack({linear.weight, -linear.weight})};
  std::vector<Tensor> b1 = {torch::zeros({2})};
  std::vector<Tensor> w2 = {torch::tensor({{1.0f, -1.0f}})};
  Tensor b2 = torch::full({1}, linear.bias);
  for (const auto& m : members) {
    w1.push_back(m.w1.detach());
    b1.push_back(m.b1.detach());
    w2.push_back(m.w2.detach() * scale);
    b2 += m.b2.detach() * scale;
  }
  head.w1 = to_vector(torch::cat(w1, 0));
  head.b1 = to_vector(torch::cat(b1, 0));
  head.w2 = to_vector(torch::cat(w2, 1));
  head.b2 = to_vector(b2);
  head.spec.hidden = static_cast<int>(head.b1.size());
  return head;
}

// The mean of the trees' logit, which counts `share`, and of the rest's, which counts 1.
void average(HeadWeights& head, double share) {
  const auto rest = static_cast<float>(1 / (1 + share));
  for (auto* values : {&head.w2, &head.b2}) {
    for (float& v : *values) v *= rest;
  }
  for (float& leaf : head.trees.leaves) leaf *= static_cast<float>(share) * rest;
}

}  // namespace

HeadWeights train_head(const FeatureCache& cache, std::span<const Example> examples,
                       const HeadOptions& options) {
  if (options.start) return refine_head(cache, examples, options);
  if (options.members > 0 && options.spec.hidden == 0)
    throw base::UsageError("members of a head need a hidden layer; give it a width, or no members");
  Side all = make_side(cache, {examples.begin(), examples.end()}, options);
  require_both(all);
  std::vector<Example> sides[2];
  for (const auto& e : examples) sides[e.validation ? 1 : 0].push_back(e);
  Side train = make_side(cache, sides[0], options);
  Side validation = make_side(cache, sides[1], options);
  if (!train.both()) {  // every label lies in the validation period
    train = all;
    validation = make_side(cache, {}, options);
  }
  const auto ranges = columns_of(cache, options.spec);
  for (Side* side : {&all, &train, &validation}) side->z = select_columns(side->z, ranges);
  const Tensor mean = all.z.mean(0);
  const Tensor deviation = (all.z.var(0, false) + 1e-4).sqrt();
  for (Side* side : {&all, &train, &validation})
    side->z = ((side->z - mean) / deviation).clamp(-model::kMaxStandard, model::kMaxStandard);

  // The linear part needs no validation, so it learns from all rows.
  const LinearPart linear = fit_linear(cache, all, priors_of(cache, options, mean, deviation), options);
  for (Side* side : {&train, &validation}) side->offset = torch::mv(side->z, linear.weight) + linear.bias;
  std::vector<Member> members;
  for (int k = 0; k < options.members; ++k) {
    members.push_back(
        train_member(train, validation, options, options.seed * 1000 + static_cast<uint64_t>(k)));
  }
  HeadWeights head = merge(linear, members, options);
  if (options.trees > 0 && options.spec.use_dense && cache.dense > 0) {
    const auto inputs = all.z.size(1);
    head.trees =
        fit_trees(all, {inputs - static_cast<int64_t>(cache.dense), inputs}, options, options.tree_depth);
    average(head, std::min(1.0, static_cast<double>(count_incidents(examples)) / options.tree_incidents));
  }
  head.spec.trees = head.trees.count;
  head.spec.tree_depth = head.trees.depth;
  head.mean = to_vector(mean);
  head.deviation = to_vector(deviation);
  return head;
}

std::vector<float> apply_head(const FeatureCache& cache, const HeadWeights& head) {
  torch::NoGradGuard no_grad;
  const auto tensor = [](const std::vector<float>& v, at::IntArrayRef shape) {
    return torch::from_blob(const_cast<float*>(v.data()), shape, torch::kFloat);
  };
  const auto inputs = static_cast<int64_t>(head.mean.size());
  const auto ranges = columns_of(cache, head.spec);
  std::vector<float> out;
  const auto n = static_cast<int64_t>(cache.count());
  constexpr int64_t kRows = 65536;
  for (int64_t first = 0; first < n; first += kRows) {
    const int64_t rows = std::min(kRows, n - first);
    Tensor z =
        torch::from_blob(const_cast<float*>(cache.z.data()) + first * static_cast<int64_t>(cache.width()),
                         {rows, static_cast<int64_t>(cache.width())}, torch::kFloat);
    z = ((select_columns(z, ranges) - tensor(head.mean, {inputs})) / tensor(head.deviation, {inputs}))
            .clamp(-model::kMaxStandard, model::kMaxStandard);
    const Tensor input = z.contiguous();
    if (head.spec.hidden > 0) {
      z = torch::silu(
          torch::linear(z, tensor(head.w1, {head.spec.hidden, inputs}), tensor(head.b1, {head.spec.hidden})));
    }
    auto logits =
        to_vector(torch::linear(z, tensor(head.w2, {1, z.size(1)}), tensor(head.b2, {1})).squeeze(-1));
    const model::TreesView trees = head.trees.view();
    for (int64_t i = 0; i < rows; ++i)
      logits[static_cast<size_t>(i)] += trees.sum(input.data_ptr<float>() + i * inputs);
    out.insert(out.end(), logits.begin(), logits.end());
  }
  return out;
}

HeadWeights load_head(const model::ModelFolder& folder, const std::string& name) {
  const model::HeadSpec* spec = folder.spec().task(name);
  if (spec == nullptr) throw base::Error("{} has no task head '{}'", folder.path().string(), name);
  const auto values = [&](const char* tensor) {
    const auto v = folder.weights().values<float>("heads." + name + "." + tensor);
    return std::vector<float>(v.begin(), v.end());
  };
  HeadWeights head;
  head.spec = *spec;
  head.mean = values("mean");
  head.deviation = values("deviation");
  if (spec->hidden > 0) {
    head.w1 = values("w1");
    head.b1 = values("b1");
  }
  head.w2 = values("w2");
  head.b2 = values("b2");
  if (spec->trees > 0)
    head.trees = {spec->trees, spec->tree_depth, values("trees.column"), values("trees.threshold"),
                  values("trees.leaf")};
  return head;
}

void add_head(const base::fs::path& folder, const HeadWeights& head, const std::string& card_lines) {
  const model::ModelFolder old(folder);
  model::ModelSpec spec = old.spec();
  std::erase_if(spec.tasks, [&](const auto& t) { return t.name == head.spec.name; });
  spec.tasks.push_back(head.spec);
  const token::Encoder encoder(old.tokenizer(), spec.input);
  const std::string at = "heads." + head.spec.name + ".";
  const std::pair<std::string, const std::vector<float>*> own[] = {
      {at + "mean", &head.mean},
      {at + "deviation", &head.deviation},
      {at + "w1", &head.w1},
      {at + "b1", &head.b1},
      {at + "w2", &head.w2},
      {at + "b2", &head.b2},
      {at + "trees.column", &head.trees.columns},
      {at + "trees.threshold", &head.trees.thresholds},
      {at + "trees.leaf", &head.trees.leaves}};
  base::NamedTensors named;
  for (const auto& t : model::tensors(spec, encoder)) {
    const auto it =
        std::find_if(std::begin(own), std::end(own), [&](const auto& o) { return o.first == t.name; });
    named.emplace_back(t.name, it == std::end(own) ? old.weights().tensor(t.name)
                                                   : base::tensor_view<float>(*it->second, t.shape));
  }
  model::save_model(folder, spec, old.tokenizer(), named, base::read_file(folder / "card.md") + card_lines);
}

}  // namespace netflowgen::learn

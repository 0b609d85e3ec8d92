#include "learn/head.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "base/check.h"
#include "base/error.h"
#include "base/random.h"
#include "learn/adamw.h"
#include "learn/torch.h"

namespace netflowgen::learn {
namespace {

using torch::Tensor;

// The part of z that a head reads, as [begin, end) column ranges.
std::vector<std::pair<int64_t, int64_t>> columns_of(const Bank& bank, const model::HeadSpec& spec) {
  const auto h = static_cast<int64_t>(bank.hidden);
  const auto s = static_cast<int64_t>(bank.surprise);
  const auto d = static_cast<int64_t>(bank.dense);
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

std::vector<float> to_vector(const Tensor& t) {
  const Tensor c = t.detach().contiguous();
  return {c.data_ptr<float>(), c.data_ptr<float>() + c.numel()};
}

// The labelled rows of one side (train or validation) as tensors.
struct Side {
  Tensor z;                                         // [N, Z]
  Tensor target;                                    // [N] 1 attack
  Tensor weight;                                    // [N], sums to 1
  std::vector<std::pair<int64_t, int64_t>> events;  // [begin, end) of each event's rows, which stand together
  bool both() const {
    return z.defined() && z.size(0) > 0 && target.max().item<float>() > 0 && target.min().item<float>() < 1;
  }
};

Side make_side(const Bank& bank, std::vector<Example> examples, const HeadOptions& o) {
  std::stable_sort(examples.begin(), examples.end(),
                   [](const Example& a, const Example& b) { return a.group < b.group; });
  std::map<int32_t, size_t> sizes;
  for (const auto& e : examples) ++sizes[e.group];
  const double benign = static_cast<double>(sizes.count(-1) != 0 ? sizes[-1] : 0);
  const double events = static_cast<double>(sizes.size()) - (benign > 0 ? 1 : 0);
  Side side;
  const auto n = static_cast<int64_t>(examples.size());
  side.z = torch::empty({n, static_cast<int64_t>(bank.width())});
  side.target = torch::empty({n});
  side.weight = torch::empty({n});
  for (int64_t k = 0; k < n; ++k) {
    const Example& e = examples[static_cast<size_t>(k)];
    const int64_t at = bank.kept[e.row];
    NFG_CHECK(at >= 0);
    std::copy_n(bank.z.data() + static_cast<size_t>(at) * bank.width(), bank.width(),
                side.z.data_ptr<float>() + k * static_cast<int64_t>(bank.width()));
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
  return side;
}

// Survival loss of Xatu (CoNEXT 2022, section 4.3): with hazard l = softplus(logit) a step, an event wants
// 1 - exp(-sum of l over its steps up to the reference alert) large, a benign step wants exp(-l) large.
Tensor safe_loss(const Tensor& logits, const Side& side, const HeadOptions& o) {
  const Tensor hazard = torch::softplus(logits);
  Tensor loss = (hazard * side.weight * (1 - side.target)).sum();
  const double each = o.positive_share / static_cast<double>(std::max<size_t>(1, side.events.size()));
  for (const auto& [begin, end] : side.events) {
    const Tensor sum = hazard.narrow(0, begin, end - begin).sum();
    loss = loss - each * torch::log(-torch::expm1(-sum) + 1e-8);
  }
  return loss;
}

Tensor loss_of(const Tensor& logits, const Side& side, const HeadOptions& o) {
  if (o.loss == "safe") return safe_loss(logits, side, o);
  return (torch::binary_cross_entropy_with_logits(logits, side.target, {}, {}, at::Reduction::None) *
          side.weight)
      .sum();
}

struct Member {
  Tensor w1, b1, w2, b2;
  Tensor logits(const Tensor& z) const {
    if (!w1.defined()) return torch::linear(z, w2, b2).squeeze(-1);
    return torch::linear(torch::silu(torch::linear(z, w1, b1)), w2, b2).squeeze(-1);
  }
  std::vector<Tensor> all() const {
    return w1.defined() ? std::vector<Tensor>{w1, b1, w2, b2} : std::vector<Tensor>{w2, b2};
  }
};

Member make_member(int64_t inputs, int64_t width, base::Random& random) {
  const auto normal = [&](at::IntArrayRef shape, double scale) {
    Tensor t = torch::empty(shape);
    for (int64_t i = 0; i < t.numel(); ++i)
      t.data_ptr<float>()[i] = static_cast<float>(scale * random.normal());
    return t;
  };
  Member m;
  if (width > 0) {
    m.w1 = normal({width, inputs}, 1 / std::sqrt(static_cast<double>(inputs)));
    m.b1 = torch::zeros({width});
  }
  const int64_t in = width > 0 ? width : inputs;
  m.w2 = normal({1, in}, 0.5 / std::sqrt(static_cast<double>(in)));
  m.b2 = torch::full({1}, -2.0);
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
    loss_of(m.logits(z), train, o).backward();
    optimiser.step(scheduled_rate(epoch, 10, o.epochs, o.learning_rate, 0.1), 1.0);
    if (!validation.both()) continue;
    torch::NoGradGuard no_grad;
    const double loss = loss_of(m.logits(validation.z), validation, o).item<double>();
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

// The mean of the members' logits is one head: hidden layers side by side, output weights divided by their
// number.
HeadWeights merge_members(const std::vector<Member>& members, const HeadOptions& o) {
  HeadWeights head;
  head.spec = o.spec;
  const double scale = 1.0 / static_cast<double>(members.size());
  std::vector<Tensor> w1, b1, w2;
  Tensor b2 = torch::zeros({1});
  for (const auto& m : members) {
    if (m.w1.defined()) {
      w1.push_back(m.w1.detach());
      b1.push_back(m.b1.detach());
    }
    w2.push_back(m.w2.detach() * scale);
    b2 += m.b2.detach() * scale;
  }
  if (o.spec.hidden > 0) {
    head.spec.hidden = o.spec.hidden * static_cast<int>(members.size());
    head.w1 = to_vector(torch::cat(w1, 0));
    head.b1 = to_vector(torch::cat(b1, 0));
    head.w2 = to_vector(torch::cat(w2, 1));
  } else {
    head.w2 = to_vector(torch::stack(w2, 0).sum(0));
  }
  head.b2 = to_vector(b2);
  return head;
}

}  // namespace

HeadWeights train_head(const Bank& bank, std::span<const Example> examples, const HeadOptions& options) {
  std::vector<Example> sides[2];
  for (const auto& e : examples) sides[e.validation ? 1 : 0].push_back(e);
  Side train = make_side(bank, sides[0], options);
  if (!train.both()) {
    const bool attack = train.z.size(0) > 0 && train.target.max().item<float>() > 0;
    throw base::Error(
        "no labelled {} step to learn from in the training period: check the labels' nodes and times",
        attack ? "benign" : "attack");
  }
  Side validation = make_side(bank, sides[1], options);
  const auto ranges = columns_of(bank, options.spec);
  train.z = select_columns(train.z, ranges);
  validation.z = select_columns(validation.z, ranges);
  const Tensor mean = train.z.mean(0);
  const Tensor deviation = (train.z.var(0, false) + 1e-4).sqrt();
  train.z = ((train.z - mean) / deviation).clamp(-model::kMaxStandard, model::kMaxStandard);
  validation.z = ((validation.z - mean) / deviation).clamp(-model::kMaxStandard, model::kMaxStandard);
  std::vector<Member> members;
  for (int k = 0; k < options.members; ++k) {
    members.push_back(
        train_member(train, validation, options, options.seed * 1000 + static_cast<uint64_t>(k)));
  }
  HeadWeights head = merge_members(members, options);
  head.mean = to_vector(mean);
  head.deviation = to_vector(deviation);
  return head;
}

std::vector<float> apply_head(const Bank& bank, const HeadWeights& head) {
  torch::NoGradGuard no_grad;
  const auto tensor = [](const std::vector<float>& v, at::IntArrayRef shape) {
    return torch::from_blob(const_cast<float*>(v.data()), shape, torch::kFloat);
  };
  const auto inputs = static_cast<int64_t>(head.mean.size());
  const auto ranges = columns_of(bank, head.spec);
  std::vector<float> out;
  const auto n = static_cast<int64_t>(bank.count());
  constexpr int64_t kRows = 65536;
  for (int64_t first = 0; first < n; first += kRows) {
    const int64_t rows = std::min(kRows, n - first);
    Tensor z =
        torch::from_blob(const_cast<float*>(bank.z.data()) + first * static_cast<int64_t>(bank.width()),
                         {rows, static_cast<int64_t>(bank.width())}, torch::kFloat);
    z = ((select_columns(z, ranges) - tensor(head.mean, {inputs})) / tensor(head.deviation, {inputs}))
            .clamp(-model::kMaxStandard, model::kMaxStandard);
    if (head.spec.hidden > 0) {
      z = torch::silu(
          torch::linear(z, tensor(head.w1, {head.spec.hidden, inputs}), tensor(head.b1, {head.spec.hidden})));
    }
    const auto logits =
        to_vector(torch::linear(z, tensor(head.w2, {1, z.size(1)}), tensor(head.b2, {1})).squeeze(-1));
    out.insert(out.end(), logits.begin(), logits.end());
  }
  return out;
}

void add_head(const base::fs::path& folder, const HeadWeights& head, const std::string& card_lines) {
  const model::ModelFolder old(folder);
  model::ModelSpec spec = old.spec();
  std::erase_if(spec.tasks, [&](const auto& t) { return t.name == head.spec.name; });
  spec.tasks.push_back(head.spec);
  const token::Encoder encoder(old.tokenizer(), spec.input);
  const std::string at = "heads." + head.spec.name + ".";
  const std::pair<std::string, const std::vector<float>*> own[] = {
      {at + "mean", &head.mean}, {at + "deviation", &head.deviation},
      {at + "w1", &head.w1},     {at + "b1", &head.b1},
      {at + "w2", &head.w2},     {at + "b2", &head.b2}};
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

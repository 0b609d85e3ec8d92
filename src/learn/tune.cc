#include "learn/tune.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <memory>

#include "base/error.h"
#include "base/nan.h"
#include "learn/heads/head_data.h"
#include "learn/network/adamw.h"
#include "learn/network/backbone.h"
#include "learn/network/objective.h"
#include "learn/network/slices.h"
#include "learn/network/window_sampler.h"

namespace netflowgen::learn {
namespace {

using torch::Tensor;

constexpr double kInjectChance = 0.3;
constexpr double kProbeRate = 1e-2;
constexpr double kAdapterRate = 2e-3;
constexpr double kFullRate = 3e-4;
constexpr int64_t kValidationBatches = 8;
constexpr int32_t kUnlabelled = -2;

// Windows around labelled rows: half around attacks, each event as often as any other, half around benign rows.
class LabelSampler {
 public:
  LabelSampler(const Positions& positions, const std::vector<Example>& examples, size_t length)
      : positions_(positions), length_(length), group_(positions.table().rows(), kUnlabelled) {
    std::map<int32_t, std::vector<size_t>> events;
    for (const auto& e : examples) {
      group_[e.row] = e.group;
      (e.group >= 0 ? events[e.group] : benign_).push_back(e.row);
    }
    for (auto& [id, rows] : events) events_.push_back(std::move(rows));
    at_.assign(positions.table().rows(), {});
    for (size_t i = 0; i < positions.nodes(); ++i) {
      for (size_t p = 0; p < positions.count(i); ++p) {
        if (positions.row(i, p) >= 0) at_[static_cast<size_t>(positions.row(i, p))] = {i, p};
      }
    }
  }

  bool usable() const { return !events_.empty() && !benign_.empty(); }

  std::vector<WindowPlan> plan(base::Random& random, size_t windows) const {
    std::vector<WindowPlan> plans(windows);
    for (size_t w = 0; w < windows; ++w) {
      const auto& rows = w % 2 == 0 ? events_[random.below(events_.size())] : benign_;
      const auto [node, p] = at_[rows[random.below(rows.size())]];
      const size_t before = std::min(p, random.below(length_));
      plans[w].node = node;
      plans[w].first = p - before;
    }
    return plans;
  }

  // Event of each position of a batch: its index, -1 benign, kUnlabelled.
  std::vector<int32_t> groups_of(const WindowBatch& batch) const {
    std::vector<int32_t> groups(batch.rows.size(), kUnlabelled);
    for (size_t n = 0; n < groups.size(); ++n) {
      if (batch.valid[n] != 0 && batch.rows[n] >= 0) groups[n] = group_[static_cast<size_t>(batch.rows[n])];
    }
    return groups;
  }

 private:
  struct At {
    size_t node = 0;
    size_t position = 0;
  };
  const Positions& positions_;
  size_t length_;
  std::vector<int32_t> group_;  // [rows]
  std::vector<std::vector<size_t>> events_;
  std::vector<size_t> benign_;
  std::vector<At> at_;  // [rows]
};

// The labelled positions of a slice, and their places in it.
struct Labelled {
  std::vector<int64_t> index;
  Side side;
};

std::vector<Labelled> label_slices(const LabelSampler& sampler, const std::vector<WindowBatch>& slices,
                                   double positive_share) {
  std::vector<Labelled> all(slices.size());
  std::vector<std::vector<float>> target(slices.size());
  double attack = 0;
  double benign = 0;
  double events = 0;
  for (size_t s = 0; s < slices.size(); ++s) {
    const auto groups = sampler.groups_of(slices[s]);
    int32_t last = kUnlabelled;
    for (size_t n = 0; n < groups.size(); ++n) {
      if (n % slices[s].length == 0) last = kUnlabelled;  // an event ends with its window
      if (groups[n] == kUnlabelled) continue;
      const auto k = static_cast<int64_t>(all[s].index.size());
      all[s].index.push_back(static_cast<int64_t>(n));
      target[s].push_back(groups[n] >= 0 ? 1.0f : 0.0f);
      if (groups[n] >= 0) {
        if (groups[n] != last) all[s].side.events.emplace_back(k, k);
        all[s].side.events.back().second = k + 1;
        ++attack;
      } else {
        ++benign;
      }
      last = groups[n];
    }
    events += static_cast<double>(all[s].side.events.size());
  }
  for (size_t s = 0; s < slices.size(); ++s) {
    Side& side = all[s].side;
    side.target = torch::tensor(target[s]);
    side.weight = side.target * (positive_share / std::max(1.0, attack)) +
                  (1 - side.target) * ((1 - positive_share) / std::max(1.0, benign));
    side.event_weight = positive_share / std::max(1.0, events);
  }
  return all;
}

// A matrix and what is added to it.
struct Adapter {
  size_t weight = 0;  // of the network
  Tensor base, down, up;
};

bool is_adapted(const model::TensorSpec& t) { return t.name.starts_with("layers.") && t.shape.size() == 2; }

class Tuner {
 public:
  Tuner(Network& network, const Positions& positions, const TuneOptions& o)
      : network_(network),
        options_(o),
        positions_(positions),
        flooded_(positions, static_cast<size_t>(o.length), network.spec().inject ? kInjectChance : 0),
        plain_(positions, static_cast<size_t>(o.length), 0),
        random_(o.seed ^ 0x7e57) {
    torch::NoGradGuard no_grad;
    // The injection head knows floods already.
    if (network.spec().inject) {
      probe_ = {network.weight("inject.weight").detach().clone().reshape({1, -1}),
                network.weight("inject.bias").detach().clone().reshape({1})};
    } else {
      const auto options = torch::TensorOptions().device(network.device());
      probe_ = {torch::zeros({1, network.spec().d_model}, options), torch::zeros({1}, options)};
    }
    for (auto& t : probe_) t.set_requires_grad(true);
  }

  TuneResult run(const std::vector<Example>& examples, const base::StopFlag& stop,
                 const base::ProgressFn& progress) {
    split(examples);
    TuneResult r;
    const int64_t total = options_.probe_steps + options_.steps;
    const auto report = [&](int64_t done) {
      if (stop.requested()) throw base::Stopped("stopped while the model was tuned; nothing was written");
      if (progress)
        progress({"steps", static_cast<uint64_t>(done), static_cast<uint64_t>(total),
                  fmt::format("label loss {:.4f}", label_loss_)});
    };
    AdamW probe(probe_, {.weight_decay = 0});
    for (int64_t k = 0; k < options_.probe_steps; ++k) {
      gradients(false);
      probe.step(scheduled_rate(k, 5, options_.probe_steps, kProbeRate, 0.1), 1.0);
      report(k + 1);
    }
    const Losses before = validate();
    r.before = r.best = before.label;
    double best = before.total;
    int64_t bad = 0;
    start_training(r);
    std::vector<Tensor> kept = snapshot();
    AdamW optimiser(trained_, {.weight_decay = options_.what == "all" ? 0.05 : 0.0});
    const double rate = options_.learning_rate > 0 ? options_.learning_rate
                        : options_.what == "all"   ? kFullRate
                                                   : kAdapterRate;
    while (r.steps < options_.steps && bad < options_.patience) {
      gradients(true);
      const double norm = optimiser.step(scheduled_rate(r.steps, 20, options_.steps, rate, 0.05), 1.0);
      if (!std::isfinite(norm))
        throw base::Error("tuning diverged at step {}: use a lower rate", r.steps + 1);
      merge();
      ++r.steps;
      report(options_.probe_steps + r.steps);
      if (!validating_) continue;
      if (r.steps % options_.evaluate_every != 0 && r.steps != options_.steps) continue;
      const Losses l = validate();
      if (l.total < best) {
        best = l.total;
        r.best = l.label;
        r.kept = r.steps;
        kept = snapshot();
        bad = 0;
      } else {
        ++bad;
      }
    }
    if (validating_)
      restore(kept);
    else
      r.kept = r.steps;
    for (auto& w : network_.weights()) w.set_requires_grad(false);
    return r;
  }

  std::vector<model::LowRank> adapters() const {
    std::vector<model::LowRank> parts;
    for (const auto& a : adapters_) {
      model::LowRank p;
      p.matrix = network_.tensors()[a.weight].name;
      p.rank = a.down.size(0);
      const auto values = [](const Tensor& t) {
        const Tensor c = t.detach().to(torch::kCPU).contiguous();
        return std::vector<float>(c.data_ptr<float>(), c.data_ptr<float>() + c.numel());
      };
      p.down = values(a.down);
      p.up = values(a.up);
      parts.push_back(std::move(p));
    }
    return parts;
  }

 private:
  struct Losses {
    double label = base::kNaN;
    double total = base::kNaN;
  };

  void split(const std::vector<Example>& examples) {
    std::vector<Example> sides[2];
    for (const auto& e : examples) sides[e.validation ? 1 : 0].push_back(e);
    const auto length = static_cast<size_t>(options_.length);
    labels_ = std::make_unique<LabelSampler>(positions_, sides[0], length);
    if (!labels_->usable()) labels_ = std::make_unique<LabelSampler>(positions_, examples, length);
    if (!labels_->usable())
      throw base::Error("no labelled attack and benign steps to tune on in the training period");
    validation_labels_ = std::make_unique<LabelSampler>(positions_, sides[1], length);
    validating_ = validation_labels_->usable();
  }

  template <typename Sampler>
  std::vector<WindowBatch> encode(const Sampler& sampler, base::Random& random, bool targets) {
    const auto plans = sampler.plan(random, static_cast<size_t>(options_.batch));
    const auto cuts = cut_slices(options_.batch, options_.length, network_.device());
    std::vector<WindowBatch> slices(cuts.size());
    for_slices(static_cast<int64_t>(cuts.size()), network_.device(), [&](int64_t s) {
      const auto [a, b] = cuts[static_cast<size_t>(s)];
      WindowBatch& batch = slices[static_cast<size_t>(s)];
      batch.resize(static_cast<size_t>(b - a), static_cast<size_t>(options_.length), positions_.encoder());
      for (int64_t w = a; w < b; ++w) {
        const auto& p = plans[static_cast<size_t>(w)];
        fill_window(positions_, p.node, p.first, p.inject ? &p.flood : nullptr, targets,
                    static_cast<size_t>(w - a), batch);
      }
    });
    return slices;
  }

  Tensor label_loss(const WindowBatch& slice, const Labelled& labelled) const {
    const Tensor h =
        network_.hidden(to_inputs(slice, network_.spec(), network_.encoder(), network_.device()));
    const Tensor index = torch::tensor(labelled.index, torch::kLong).to(network_.device());
    const Tensor rows = h.reshape({-1, h.size(2)}).index_select(0, index);
    Side side = labelled.side;
    side.target = side.target.to(network_.device());
    side.weight = side.weight.to(network_.device());
    return loss_of(torch::linear(rows, probe_[0], probe_[1]).squeeze(-1), side, options_.loss);
  }

  // Adds the gradients of one step's loss to what is trained; the Transformer's too, or the probe's alone.
  void gradients(bool whole) {
    const auto around = encode(*labels_, random_, false);
    const auto labels = label_slices(*labels_, around, options_.positive_share);
    std::vector<WindowBatch> keep;
    TargetCounts counts;
    if (whole && options_.keep > 0) {
      keep = encode(flooded_, random_, true);
      for (const auto& b : keep) counts += count_targets(b);
    }
    std::vector<double> parts(around.size());
    const auto loss = [&](int64_t s) {
      const auto k = static_cast<size_t>(s);
      if (k < around.size()) {
        const Tensor l = label_loss(around[k], labels[k]);
        parts[k] = l.template item<double>();
        return l;
      }
      return objective(network_, keep[k - around.size()], counts, ObjectiveOptions{}).total * options_.keep;
    };
    std::vector<Tensor> weights = probe_;
    if (whole) weights.insert(weights.end(), matrices_.begin(), matrices_.end());
    add_gradients(static_cast<int64_t>(around.size() + keep.size()), loss, weights);
    label_loss_ = 0;
    for (const double p : parts) label_loss_ += p;
    if (whole) chain();
  }

  // Each on one thread, as slices are: products of many threads differ with their number.
  void for_adapters(const std::function<void(Adapter&)>& task) {
    torch::NoGradGuard no_grad;
    for_slices(static_cast<int64_t>(adapters_.size()), network_.device(),
               [&](int64_t k) { task(adapters_[static_cast<size_t>(k)]); });
  }

  // From a whole matrix's gradient to those of what is added to it.
  void chain() {
    for_adapters([&](Adapter& a) {
      Tensor& w = network_.weights()[a.weight];
      const Tensor g = w.grad();
      if (!g.defined()) return;
      a.down.mutable_grad() = torch::mm(a.up.t(), g);
      a.up.mutable_grad() = torch::mm(g, a.down.t());
      w.mutable_grad() = Tensor();
    });
  }

  void merge() {
    for_adapters([&](Adapter& a) { network_.weights()[a.weight].copy_(a.base + torch::mm(a.up, a.down)); });
  }

  void start_training(TuneResult& r) {
    base::Random random(options_.seed ^ 0xada9);
    for (size_t i = 0; i < network_.tensors().size(); ++i) {
      const auto& spec = network_.tensors()[i];
      Tensor& w = network_.weights()[i];
      if (options_.what == "all" ? spec.name.starts_with("heads.") : !is_adapted(spec)) continue;
      w.set_requires_grad(true);
      matrices_.push_back(w);
      if (options_.what == "all") {
        trained_.push_back(w);
        r.trained += w.numel();
        continue;
      }
      const int64_t rank = std::min({options_.rank, spec.shape[0], spec.shape[1]});
      Tensor down = torch::empty({rank, spec.shape[1]});
      const double scale = 1 / std::sqrt(static_cast<double>(spec.shape[1]));
      for (int64_t k = 0; k < down.numel(); ++k)
        down.data_ptr<float>()[k] = static_cast<float>(scale * random.normal());
      Adapter a{i, w.detach().clone(), down.to(network_.device()),
                torch::zeros({spec.shape[0], rank}, torch::TensorOptions().device(network_.device()))};
      for (Tensor* t : {&a.down, &a.up}) {
        t->set_requires_grad(true);
        trained_.push_back(*t);
        r.trained += t->numel();
      }
      adapters_.push_back(std::move(a));
    }
    trained_.insert(trained_.end(), probe_.begin(), probe_.end());
  }

  Losses validate() {
    if (!validating_) return {};
    torch::NoGradGuard no_grad;
    base::Random random(7);  // the same windows every time
    Losses sum{0, 0};
    for (int64_t k = 0; k < kValidationBatches; ++k) {
      const auto around = encode(*validation_labels_, random, false);
      const auto labels = label_slices(*validation_labels_, around, options_.positive_share);
      const auto keep = encode(plain_, random, true);
      TargetCounts counts;
      for (const auto& b : keep) counts += count_targets(b);
      std::vector<double> label(around.size());
      std::vector<double> kept(keep.size());
      for_slices(static_cast<int64_t>(around.size()), network_.device(), [&](int64_t s) {
        const auto i = static_cast<size_t>(s);
        label[i] = label_loss(around[i], labels[i]).item<double>();
        if (options_.keep > 0)
          kept[i] = objective(network_, keep[i], counts, ObjectiveOptions{}).total.item<double>();
      });
      for (size_t i = 0; i < label.size(); ++i) {
        sum.label += label[i] / kValidationBatches;
        sum.total += (label[i] + options_.keep * kept[i]) / kValidationBatches;
      }
    }
    return sum;
  }

  std::vector<Tensor> snapshot() const {
    std::vector<Tensor> copies;
    for (const auto& t : trained_) copies.push_back(t.detach().clone());
    return copies;
  }

  void restore(const std::vector<Tensor>& copies) {
    {
      torch::NoGradGuard no_grad;
      for (size_t i = 0; i < copies.size(); ++i) trained_[i].copy_(copies[i]);
    }
    merge();
  }

  Network& network_;
  TuneOptions options_;
  const Positions& positions_;
  WindowSampler flooded_;  // as in pre-training
  WindowSampler plain_;
  base::Random random_;
  std::unique_ptr<LabelSampler> labels_;
  std::unique_ptr<LabelSampler> validation_labels_;
  bool validating_ = false;
  std::vector<Tensor> probe_;     // [1, d] and [1]
  std::vector<Tensor> matrices_;  // weights of the network that get gradients
  std::vector<Tensor> trained_;   // what the optimiser changes
  std::vector<Adapter> adapters_;
  double label_loss_ = 0;
};

}  // namespace

TuneResult tune(Backbone& backbone, const series::FrameTable& table, std::span<const Example> examples,
                const TuneOptions& options, const base::StopFlag& stop, const base::ProgressFn& progress) {
  auto& impl = backbone.impl();
  if (options.what != "adapters" && options.what != "all")
    throw base::UsageError("cannot tune '{}'; known: adapters, all", options.what);
  if (options.what == "adapters" && (impl.tuned || !impl.folder.adapters().merged().empty())) {
    throw base::Error("{} has adapters already; tune the model that it was made from, or all of it",
                      impl.folder.path().string());
  }
  // Windows come from the labelled time alone: nothing of later periods is seen.
  StepRange range{INT64_MAX, INT64_MIN};
  for (const auto& e : examples) {
    range.from = std::min(range.from, table.steps[e.row]);
    range.to = std::max(range.to, table.steps[e.row] + 1);
  }
  const Positions positions(table, impl.encoder, range.from, range.to, {});
  Tuner tuner(impl.network, positions, options);
  const TuneResult r = tuner.run({examples.begin(), examples.end()}, stop, progress);
  impl.adapters = tuner.adapters();
  impl.tuned = true;
  return r;
}

void save_tuned(const Backbone& backbone, const base::fs::path& folder, const std::string& card_lines) {
  const auto& impl = backbone.impl();
  const model::ModelFolder old(folder);
  model::ModelSpec spec = old.spec();
  spec.tasks.clear();
  std::vector<Tensor> storage;
  base::NamedTensors named;
  const auto tuned = impl.network.save(storage);
  for (const auto& t : model::tensors(spec, impl.encoder)) {
    const auto it =
        std::find_if(tuned.begin(), tuned.end(), [&](const auto& n) { return n.first == t.name; });
    named.emplace_back(t.name, impl.adapters.empty() ? it->second : old.weights().tensor(t.name));
  }
  model::save_model(folder, spec, old.tokenizer(), named, base::read_file(folder / "card.md") + card_lines);
  if (impl.adapters.empty())
    base::fs::remove(folder / model::kAdaptersFile);
  else
    model::save_adapters(folder / model::kAdaptersFile, impl.adapters);
}

}  // namespace netflowgen::learn

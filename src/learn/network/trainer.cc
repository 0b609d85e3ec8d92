#include "learn/network/trainer.h"

#include <fmt/format.h>

#include <array>
#include <chrono>
#include <cmath>
#include <cstring>

#include "base/error.h"
#include "learn/network/objective.h"
#include "learn/network/slices.h"

namespace netflowgen::learn {

using torch::Tensor;
using Json = nlohmann::ordered_json;

namespace {

// Adds one to the count of each target token of the batch's next steps.
void count_tokens(const WindowBatch& batch, const token::Encoder& encoder, std::vector<double>& counts) {
  for (size_t at = 0; at < batch.valid.size(); ++at) {
    size_t offset = 0;
    for (size_t c = 0; c <= encoder.levels(); ++c) {
      const int32_t token = batch.next[at * (encoder.levels() + 1) + c];
      if (token >= 0) counts[offset + static_cast<size_t>(token)] += 1;
      offset += static_cast<size_t>(encoder.target_sizes()[c]);
    }
  }
}

}  // namespace

Trainer::Trainer(const PretrainOptions& options, const token::Tokenizer& tokenizer, const TrainingData& data,
                 const base::fs::path& out)
    : options_(options),
      out_(out),
      encoder_(tokenizer, options.spec.input),
      device_(options.device),
      network_(options.spec, encoder_, device_),
      data_(data),
      random_(options.seed ^ 0x5eed),
      feed_(options_, encoder_, device_) {
  if (options.shard && options.group != nullptr) options.group->links().add_at_once();
  network_.initialise(options.seed);
  if (options.from.empty())
    set_marginals();
  else
    network_.load(model::ModelFolder(options.from, options.spec.input.step_ms));
  for (auto& w : network_.weights()) w.set_requires_grad(true);
  optimiser_ =
      std::make_unique<AdamW>(network_.weights(), AdamWOptions{.weight_decay = options.weight_decay});
  average_ = std::make_unique<WeightAverage>(network_.weights(), options.average);
}

// The next-step head starts at the tokens' marginal frequencies, so that the first steps need not learn them.
void Trainer::set_marginals() {
  constexpr double kBegin = 0.1;
  base::Random random(options_.seed ^ 0xb1a5);
  const bool sharded = data_.train->sharded();
  std::vector<double> counts(encoder_.target_vocabulary(), sharded ? 0 : kBegin);
  WindowBatch batch;
  for (int i = 0; i < 4; ++i) {
    auto plans = data_.train->plan(random, 32);
    if (sharded) std::erase_if(plans, [&](const auto& p) { return data_.train->owner(p) != rank(); });
    batch.resize(plans.size(), data_.train->length(), encoder_);
    for (size_t b = 0; b < plans.size(); ++b) data_.train->fill_one(plans[b], b, batch);
    count_tokens(batch, encoder_, counts);
  }
  if (sharded) {
    if (options_.group != nullptr) options_.group->links().sum(counts);
    for (double& c : counts) c += kBegin;
  }
  torch::NoGradGuard no_grad;
  Tensor bias = torch::empty({static_cast<int64_t>(counts.size())});
  size_t offset = 0;
  for (const int n : encoder_.target_sizes()) {
    double sum = 0;
    for (size_t i = 0; i < static_cast<size_t>(n); ++i) sum += counts[offset + i];
    for (size_t i = 0; i < static_cast<size_t>(n); ++i) {
      bias.data_ptr<float>()[offset + i] = static_cast<float>(std::log(counts[offset + i] / sum));
    }
    offset += static_cast<size_t>(n);
  }
  network_.weight("next.bias").copy_(bias);
}

Losses Trainer::losses(const OwnBatch& own, double weight, bool train) {
  TrainingGroup* const group = options_.group.get();
  std::array<double, 3> all_counts = {own.counts.next, own.counts.inject, own.counts.direct};
  if (group != nullptr) group->links().sum(all_counts);
  const TargetCounts counts{all_counts[0], all_counts[1], all_counts[2]};
  std::vector<Tensor> results(own.slices.size());
  const auto loss = [&](int64_t s) {
    const Objective o = objective(network_, own.slices[static_cast<size_t>(s)], counts,
                                  {options_.inject_weight, options_.direct_weight});
    results[static_cast<size_t>(s)] = o.parts.detach();
    return o.total * weight;
  };
  const auto n = static_cast<int64_t>(own.slices.size());
  if (train) {
    add_gradients(n, loss, network_.weights(), group);
  } else {
    torch::NoGradGuard no_grad;
    for_slices(n, device_, loss);
  }
  std::vector<Losses> parts(own.all);  // of each slice: all processes add them in the same order
  for (size_t s = 0; s < results.size(); ++s) {
    const Tensor p = results[s].to(torch::kCPU, torch::kDouble);
    const double* const v = p.data_ptr<double>();
    parts[own.first + s] = {v[0], v[1], v[2], v[3]};
  }
  static_assert(sizeof(Losses) == 4 * sizeof(double));
  if (group != nullptr) group->links().sum({&parts[0].total, 4 * parts.size()});
  Losses sum;
  for (const auto& p : parts) sum.add(p, 1);
  return sum;
}

// What the losses depend on, beside the windows.
std::string Trainer::fingerprint() const {
  const PretrainOptions& o = options_;
  return fmt::format("{} {} {} {} {} {} {} {} {} {} {} {} {} {} {} {} {} {}", o.spec.to_json(), data_.card,
                     o.from.filename().string(), o.steps, o.batch, o.accumulate, o.length, o.learning_rate,
                     o.final_rate, o.warmup, o.weight_decay, o.clip, o.inject_chance, o.inject_weight,
                     o.direct_weight, o.evaluate_every, o.validation_windows, o.patience) +
         fmt::format(" {} {} {}", o.seed, o.hide_inputs, o.shard) + fmt::format(" {}", o.average);
}

void Trainer::agree() {
  TrainingGroup* const group = options_.group.get();
  if (group == nullptr) return;
  const auto mine = static_cast<int64_t>(std::hash<std::string>()(fingerprint()));
  std::array<int64_t, 1> theirs = {mine};
  group->links().broadcast(std::span<int64_t>(theirs), 0);
  if (group->any(theirs[0] != mine)) {
    throw base::Error(
        "the processes that train together were given different options or data: start all with the same "
        "command and the same files");
  }
  share_state(group->links());
}

// All go on from what the first one has, which may come from a checkpoint.
void Trainer::share_state(TrainingGroup::Links& links) {
  std::array<int64_t, 7> numbers = {step_, optimiser_->count(), bad_};
  auto random = random_.state();
  std::memcpy(&numbers[3], random.data(), sizeof random);
  links.broadcast(std::span<int64_t>(numbers), 0);
  step_ = numbers[0];
  optimiser_->count() = numbers[1];
  bad_ = numbers[2];
  std::memcpy(random.data(), &numbers[3], sizeof random);
  random_.set_state(random);
  std::array<double, 2> best = {0, 0};
  if (first()) best = {best_, best_bits_};
  links.sum(best);
  best_ = best[0];
  best_bits_ = best[1];
  std::vector<Tensor> tensors = network_.weights();
  for (const auto* more : {&optimiser_->first(), &optimiser_->second(), &average_->tensors()})
    tensors.insert(tensors.end(), more->begin(), more->end());
  links.broadcast(tensors, 0);
}

double Trainer::train_step() {
  Losses sum;
  line_ = Json{{"step", step_ + 1}};
  const double weight = 1 / static_cast<double>(options_.accumulate);
  for (int64_t k = 0; k < options_.accumulate; ++k) {
    const bool more = k + 1 < options_.accumulate || step_ + 1 < options_.steps;
    OwnBatch own = feed_.next(*data_.train, random_, more);
    sum.add(losses(own, weight, true), weight);
    feed_.recycle(std::move(own));
  }
  const double rate =
      scheduled_rate(step_, options_.warmup, options_.steps, options_.learning_rate, options_.final_rate);
  const double norm = optimiser_->step(rate, options_.clip);
  if (!std::isfinite(sum.total) || !std::isfinite(norm)) {
    throw base::Error(
        "training diverged at step {} (loss {}): use a lower --learning-rate; the last checkpoint in {} "
        "is from before",
        step_ + 1, sum.total, out_.string());
  }
  ++step_;
  average_->add(network_.weights(), step_);
  line_["loss"] = sum.total;
  line_["next"] = sum.next;
  line_["inject"] = sum.inject;
  line_["direct"] = sum.direct;
  line_["rate"] = rate;
  line_["norm"] = norm;
  return sum.total;
}

void Trainer::evaluate() {
  const WeightAverage::InUse mean(*average_, network_.weights());
  base::Random random(7);  // the same windows every time
  Losses all;
  const int64_t rounds = std::max<int64_t>(1, options_.validation_windows / options_.batch);
  for (int64_t k = 0; k < rounds; ++k) {
    OwnBatch own = feed_.draw(*data_.validation, random);
    all.add(losses(own, 1, false), 1 / static_cast<double>(rounds));
    feed_.recycle(std::move(own));
  }
  line_["val_loss"] = all.total;
  line_["val_bits"] = all.next / std::log(2.0);
  line_["val_inject"] = all.inject;
  line_["val_direct"] = all.direct;
  if (all.total < best_) {
    best_ = all.total;
    best_bits_ = all.next / std::log(2.0);
    bad_ = 0;
    if (first()) save_best();
  } else {
    ++bad_;
  }
}

std::string Trainer::card() const {
  return fmt::format(
      "# Model card\n\n"
      "- preset `{}`, size `{}`: {} parameters, window {} positions, {} idle steps kept\n"
      "{}"
      "- optimiser steps {}, seed {}\n"
      "- validation: loss {:.4f}, next step {:.4f} bits a feature\n"
      "- feature table {}\n",
      options_.spec.preset, options_.spec.size, model::parameter_count(network_.tensors()),
      options_.spec.window, options_.spec.input.idle_steps, data_.card, step_, options_.seed, best_,
      best_bits_, series::schema_hash());
}

void Trainer::save_best() const {
  std::vector<Tensor> storage;
  const auto weights = network_.save(storage);
  model::save_model(out_, options_.spec, encoder_.tokenizer(), weights, card());
}

void Trainer::save_checkpoint() const {
  std::vector<Tensor> storage;
  base::NamedTensors named = network_.save(storage);
  const auto add = [&](const char* prefix, const std::vector<Tensor>& tensors) {
    for (size_t i = 0; i < tensors.size(); ++i) {
      storage.push_back(tensors[i].detach().to(torch::kCPU).contiguous());
      const auto& t = storage.back();
      named.emplace_back(prefix + network_.tensors()[i].name,
                         base::tensor_view<float>({t.data_ptr<float>(), static_cast<size_t>(t.numel())},
                                                  network_.tensors()[i].shape));
    }
  };
  add("adam.first.", optimiser_->first());
  add("adam.second.", optimiser_->second());
  add("average.", average_->tensors());
  const base::Random cursor = feed_.cursor(random_);
  const auto& state = cursor.state();
  named.emplace_back("random", base::tensor_view<uint64_t>(state, {4}));
  const double numbers[] = {best_, best_bits_};
  named.emplace_back("best", base::tensor_view<double>(numbers, {2}));
  const int64_t counts[] = {step_, optimiser_->count(), bad_};
  named.emplace_back("counts", base::tensor_view<int64_t>(counts, {3}));
  base::save_safetensors(out_ / "checkpoint.safetensors", named,
                         {{"config", options_.spec.to_json()}, {"schema", series::schema_hash()}});
}

bool Trainer::load_checkpoint() {
  const auto path = out_ / "checkpoint.safetensors";
  if (!base::fs::exists(path)) return false;
  const base::SafetensorsFile file(path);
  if (file.metadata("config") != options_.spec.to_json()) {
    throw base::Error(
        "{} is of another model than the options ask for; give the same options, or another output "
        "folder",
        path.string());
  }
  network_.load(file);
  torch::NoGradGuard no_grad;
  const auto load = [&](const char* prefix, std::vector<Tensor>& tensors) {
    for (size_t i = 0; i < tensors.size(); ++i) {
      const auto values = file.values<float>(prefix + network_.tensors()[i].name);
      tensors[i].copy_(
          torch::from_blob(const_cast<float*>(values.data()), network_.tensors()[i].shape, torch::kFloat));
    }
  };
  load("adam.first.", optimiser_->first());
  load("adam.second.", optimiser_->second());
  if (file.has("average." + network_.tensors()[0].name))
    load("average.", average_->tensors());
  else
    average_->restart(network_.weights());  // a checkpoint of a run without
  const auto state = file.values<uint64_t>("random");
  const auto best = file.values<double>("best");
  const auto counts = file.values<int64_t>("counts");
  if (state.size() != 4 || best.size() != 2 || counts.size() != 3)
    throw base::Error("{} is damaged", path.string());
  random_.set_state({state[0], state[1], state[2], state[3]});
  best_ = best[0];
  best_bits_ = best[1];
  step_ = counts[0];
  optimiser_->count() = counts[1];
  bad_ = counts[2];
  return true;
}

void Trainer::log(const Json& line) {
  log_ << line.dump() << '\n';
  log_.flush();
}

bool Trainer::goes_on(const base::StopFlag& stop) const {
  if (step_ >= options_.steps || (options_.patience > 0 && bad_ >= options_.patience)) return false;
  return !any(stop.requested());
}

PretrainResult Trainer::run(const base::StopFlag& stop, const base::ProgressFn& progress) {
  bool resumed = false;
  if (first()) {
    base::fs::create_directories(out_);
    resumed = options_.resume && load_checkpoint();
    log_.open(out_ / "training.jsonl", resumed ? std::ios::app : std::ios::trunc);
  }
  agree();
  const auto start = std::chrono::steady_clock::now();
  const int64_t begun = step_;
  while (goes_on(stop)) {
    const double loss = train_step();
    const bool due = step_ == options_.steps || step_ % options_.evaluate_every == 0;
    if (due) evaluate();
    if (!first()) continue;
    log(line_);
    if (due) save_checkpoint();
    if (progress) {
      progress({"steps", static_cast<uint64_t>(step_), static_cast<uint64_t>(options_.steps),
                fmt::format("loss {:.4f}, best validation {:.4f}", loss, best_)});
    }
  }
  const bool stopped = any(stop.requested());
  if (stopped) {
    if (!std::isfinite(best_)) evaluate();  // nothing saved yet: keep what there is
    if (first()) save_checkpoint();
  }
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  const double positions =
      static_cast<double>((step_ - begun) * options_.batch * options_.accumulate * options_.length);
  return {step_,
          model::parameter_count(network_.tensors()),
          best_,
          best_bits_,
          stopped,
          positions / std::max(seconds, 1e-9),
          feed_.waited() / std::max(seconds, 1e-9)};
}

}  // namespace netflowgen::learn

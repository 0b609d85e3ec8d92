// netflowgen pretrain: a series store -> a model, without labels.
#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <functional>
#include <thread>

#include "cli/commands.h"
#include "cli/learn/learn_options.h"
#include "learn/pretrain.h"
#include "series/frame_table.h"
#include "series/store.h"
#include "study/zero_shot.h"

namespace netflowgen::cli {
namespace {

struct PretrainOptions {
  std::string store;
  std::string corpus;
  std::string networks;  // folder of the corpus' simulated networks
  std::string from;      // model to start from
  study::ZeroShotOptions head;
  std::string out;
  std::string preset = "default";
  std::string size = "micro";
  std::string train;
  std::string validation;
  std::vector<std::string> horizons;
  std::vector<std::string> season;
  std::vector<std::string> scales;
  std::string exclude_nodes;
  uint64_t min_flows = 0;
  double min_active = 0;
  int idle_steps = -2;
  int window = 0;
  bool surroundings = false;
  bool distributed = false;
  std::string backend = "auto";  // of the processes' sums
  bool preset_given = false;     // --preset
  bool rate_given = false;       // --learning-rate
  bool floods_given = false;     // --inject-chance
  learn::PretrainOptions pretrain;

  // Of the processes that train together the first one prints, and writes.
  bool first() const { return pretrain.group == nullptr || pretrain.group->first(); }
  base::ProgressFn progress(const Context& context, const char* what) const {
    return first() ? progress_printer(context, what) : base::ProgressFn{};
  }
};

void join_group(PretrainOptions& o) {
  if (!o.distributed) {
    if (o.backend != "auto")
      throw base::UsageError("--backend is of processes that train together: --distributed");
    return;
  }
  const learn::GroupPlace place = learn::group_place([](const char* name) { return std::getenv(name); });
  if (o.pretrain.threads == 0) {
    const int cores = static_cast<int>(std::thread::hardware_concurrency());
    o.pretrain.threads = std::max(1, cores / place.local_size);
  }
  if (o.pretrain.device == "cuda") o.pretrain.device = fmt::format("cuda:{}", place.local_rank);
  const auto backend = learn::choose_backend(o.backend, o.pretrain.device != "cpu");
  o.pretrain.group = learn::TrainingGroup::join(place, backend, o.pretrain.device);
}

void report(const learn::PretrainResult& result, const PretrainOptions& o) {
  if (o.first()) {
    fmt::print(
        "{} parameters, {} steps, {:.0f} positions/s; best validation loss {:.4f}, next step {:.4f} bits a "
        "feature\n",
        result.parameters, result.steps, result.positions_per_second, result.best_validation,
        result.validation_bits);
    if (o.pretrain.device != "cpu")
      fmt::print("the device waited {:.0f} % of the time for windows\n", 100 * result.waiting);
  }
  if (result.stopped) {
    throw base::Stopped(
        "stopped after step {}; the best model so far and a checkpoint are in {} (continue with --resume)",
        result.steps, o.out);
  }
}

base::fs::path networks_folder(const PretrainOptions& o) {
  return o.networks.empty() ? base::fs::path(o.out) / "networks" : base::fs::path(o.networks);
}

// Each process reads its share, and simulates what is missing of it.
study::Corpus load_share(const PretrainOptions& o, const study::CorpusSpec& spec, const Context& context) {
  const auto* const group = o.pretrain.group.get();
  const study::CorpusShare share{group == nullptr ? 0 : group->rank(), group == nullptr ? 1 : group->size(),
                                 true};
  if (share.size > spec.networks)
    throw base::UsageError("--shard: {} processes, and {} has {} networks to learn from; start fewer",
                           share.size, o.corpus, spec.networks);
  return study::load_corpus(spec, networks_folder(o), context.stop, o.progress(context, "networks"), share);
}

study::Corpus load_networks(const PretrainOptions& o, const study::CorpusSpec& spec, const Context& context) {
  const auto load = [&] {
    return study::load_corpus(spec, networks_folder(o), context.stop, o.progress(context, "networks"));
  };
  if (o.first()) {
    auto corpus = load();
    if (o.pretrain.group != nullptr) o.pretrain.group->wait();
    return corpus;
  }
  o.pretrain.group->wait();  // the first one draws the networks that are not there yet
  return load();
}

// REQUIRES: --corpus. Its networks have steps, periods and nodes of their own.
void refuse_options_of_a_store(const PretrainOptions& o) {
  for (const auto& [option, given] : {std::pair{"--from", !o.from.empty()},
                                      {"--season", !o.season.empty()},
                                      {"--horizons", !o.horizons.empty()},
                                      {"--train", !o.train.empty()},
                                      {"--validation", !o.validation.empty()},
                                      {"--exclude-nodes", !o.exclude_nodes.empty()},
                                      {"--min-flows", o.min_flows > 0},
                                      {"--min-active", o.min_active > 0}}) {
    if (given) throw base::UsageError("{} is for one store, not for --corpus", option);
  }
  if (o.preset_given && o.preset != "universal")
    throw base::UsageError("--corpus makes a model of preset universal, not {}", o.preset);
}

constexpr int64_t kScaleUnitMs = 1000;  // a universal model's scales are in seconds

void check_scales(const token::InputSpec& input) {
  if (std::is_sorted(input.scales.begin(), input.scales.end(), std::less_equal<>()) &&
      input.scales.size() <= token::kMaxScales && (input.scales.empty() || input.dense)) {
    return;
  }
  throw base::UsageError("--scales: at most {} in ascending order, and not with preset paper",
                         token::kMaxScales);
}

// Many networks: the Transformer, then the head that needs no labels.
void run_corpus(const PretrainOptions& o, const Context& context) {
  if (!o.store.empty()) throw base::UsageError("pretrain takes a store or --corpus, not both");
  refuse_options_of_a_store(o);
  learn::PretrainOptions p = o.pretrain;
  p.spec = model::ModelSpec::preset_of("universal", o.size);
  if (o.idle_steps != -2) p.spec.input.idle_steps = o.idle_steps;
  if (o.window > 0) p.spec.window = o.window;
  p.spec.input.surroundings = o.surroundings;
  if (!o.scales.empty()) p.spec.input.scales = parse_steps(o.scales, kScaleUnitMs, "--scales");
  check_scales(p.spec.input);
  const auto spec = study::load_corpus_spec(o.corpus);
  auto corpus = p.shard ? load_share(o, spec, context) : load_networks(o, spec, context);
  report(learn::pretrain_corpus(corpus.train, corpus.validation, p, o.out, context.stop,
                                o.progress(context, "pretrain")),
         o);
  if (!o.first()) return;
  if (p.shard) {  // the head learns from all simulated networks
    corpus = {};
    corpus = study::load_corpus(spec, networks_folder(o), context.stop, o.progress(context, "networks"),
                                {0, 1, false});
  }
  study::ZeroShotOptions head = o.head;
  head.threads = p.threads;
  head.seed = p.seed;
  const auto result =
      study::fit_zero_shot(o.out, corpus, head, context.stop, progress_printer(context, "attack head"));
  fmt::print("attacks without labels, event-weighted AUPRC on networks not learnt from:\n");
  fmt::print("{:<10} {:>12} {:>8} {:>8}\n", "network", "Transformer", "trees", "head");
  for (const auto& s : result.scores)
    fmt::print("{:<10} {:>12.3f} {:>8.3f} {:>8.3f}\n", s.network, s.transformer, s.trees, s.both);
  fmt::print("model written to {}\n", o.out);
}

constexpr double kRateFrom = 5e-4;  // learning rate where a model goes on: a quarter of the usual one

// A model goes on learning what comes next on one network. Its heads are of its old weights and stay behind.
void start_from(const PretrainOptions& o, const series::FrameTable& table, learn::PretrainOptions& p) {
  for (const auto& [option, given] : {std::pair{"--scales", !o.scales.empty()},
                                      {"--season", !o.season.empty()},
                                      {"--horizons", !o.horizons.empty()},
                                      {"--window", o.window > 0},
                                      {"--idle-steps", o.idle_steps != -2},
                                      {"--surroundings", o.surroundings}}) {
    if (given) throw base::UsageError("{} cannot be changed: --from takes the inputs of {}", option, o.from);
  }
  p.from = o.from;
  if (!o.rate_given) p.learning_rate = kRateFrom;
  if (!o.floods_given) p.inject_chance = p.inject_weight = 0;
  p.spec = model::ModelFolder(o.from, table.step_ms).spec();
  p.spec.tasks.clear();
  p.spec.input.step_ms = table.step_ms;
  p.spec.input.timezone = table.timezone;
}

// REQUIRES: p.train is set.
void start_anew(const PretrainOptions& o, const series::FrameTable& table, learn::PretrainOptions& p) {
  p.spec = model::ModelSpec::preset_of(o.preset, o.size);
  p.tokens = model::ModelSpec::token_options(o.preset);
  if (o.idle_steps != -2) p.spec.input.idle_steps = o.idle_steps;
  if (o.window > 0) p.spec.window = o.window;
  token::InputSpec& input = p.spec.input;
  input.surroundings = o.surroundings;
  input.timezone = table.timezone;
  input.season_lags = parse_steps(o.season, table.step_ms, "--season");
  if (!o.scales.empty()) input.scales = parse_steps(o.scales, table.step_ms, "--scales");
  check_scales(input);
  if (!o.horizons.empty())
    input.leads = parse_steps(o.horizons, table.step_ms, "--horizons");
  else if (o.preset == "default")  // paper forecasts the next step
    input.leads = learn::default_horizons(table, p);
}

void run_pretrain(const PretrainOptions& o, const Context& context) {
  if (!o.corpus.empty()) return run_corpus(o, context);
  if (o.pretrain.shard) throw base::UsageError("--shard shares out the networks of --corpus");
  if (o.store.empty())
    throw base::UsageError("pretrain needs a series store, or --corpus FILE for many networks");
  learn::PretrainOptions p = o.pretrain;
  series::FrameFilter filter;
  filter.min_flows = o.min_flows;
  const auto table = series::load_frames(o.store, filter);
  p.train = parse_range(o.train, table.step_ms, "--train");
  p.validation = parse_range(o.validation, table.step_ms, "--validation");
  if (!o.exclude_nodes.empty()) p.nodes = study::nodes_not_in(table, o.exclude_nodes);
  if (o.min_active > 0) p.nodes = active_nodes(table, p.nodes, p.train, o.min_active);
  if (o.from.empty())
    start_anew(o, table, p);
  else
    start_from(o, table, p);
  if (o.first()) {
    for (const auto& w : learn::training_warnings(table, p)) fmt::print(stderr, "warning: {}\n", w);
  }
  const auto result = learn::pretrain(table, p, o.out, context.stop, o.progress(context, "pretrain"));
  report(result, o);
  if (o.first()) fmt::print("model written to {}\n", o.out);
}

}  // namespace

void add_pretrain(Command& app, Context& context) {
  auto o = std::make_shared<PretrainOptions>();
  auto* c = app.add_subcommand("pretrain", kPretrainHelp);
  c->add_option("store", o->store, "Series store (netflowgen series)");
  c->add_option("--corpus", o->corpus,
                "corpus.yaml: many networks instead of a store, for a model of any network");
  c->add_option(
       "--networks", o->networks,
       "Folder of the corpus' simulated networks, which is filled where it is not (default: OUT/networks)")
      ->group(kAdvancedGroup);
  c->add_option("-o,--out", o->out, "Model folder to write")->required();
  c->add_option(
      "--from", o->from,
      "Model folder whose weights it starts from, with its size and inputs: forecasts fine-tuned on a store");
  c->add_option("--preset", o->preset, "default, paper or universal")->capture_default_str();
  c->add_option("--size", o->size, "nano, micro, small, base or large")->capture_default_str();
  c->add_option("--train", o->train,
                "Period FROM/TO, e.g. 1998-06-01/1998-06-22 (default: all but --validation)");
  c->add_option("--validation", o->validation, "Later period FROM/TO (default: the last tenth of --train)");
  c->add_option(
       "--horizons", o->horizons,
       "Forecast horizons of the direct heads, e.g. 60s,1h,4h (default: 1, 5, 15 steps, 1h and 4h, as far as "
       "the training period is long enough)")
      ->delimiter(',');
  c->add_option("--season", o->season, "Seasonal lags given as inputs, e.g. 1d,7d (default: none)")
      ->delimiter(',');
  c->add_option("--scales", o->scales,
                "Time constants of running means and deviations given as inputs, e.g. 15m,1h,4h,1d,7d; the "
                "direct heads then forecast in each node's own units (default: none; with --corpus "
                "5m,30m,4h,1d,7d)")
      ->delimiter(',');
  c->add_option("--exclude-nodes", o->exclude_nodes,
                "File of nodes to leave out of training, one name a line")
      ->group(kAdvancedGroup);
  c->add_option("--min-active", o->min_active,
                "Skip nodes that are active in less than this share of the training period")
      ->check(in_range(0.0, 1.0))
      ->group(kAdvancedGroup);
  c->add_option("--min-flows", o->min_flows, "Leave out nodes with fewer flows (in + out)")
      ->group(kAdvancedGroup);
  c->add_option("--idle-steps", o->idle_steps,
                "Idle steps kept as positions after an active one (R); -1: all")
      ->group(kAdvancedGroup);
  c->add_flag("--surroundings", o->surroundings,
              "A node is told what its prefix and network do in the same step")
      ->group(kAdvancedGroup);
  c->add_option("--window", o->window, "Positions that a layer attends over");
  auto& p = o->pretrain;
  c->add_option("--steps", p.steps, "Optimiser steps")->capture_default_str()->check(kPositive);
  c->add_option("--batch", p.batch, "Windows a micro-batch")->capture_default_str()->check(kPositive);
  c->add_option("--accumulate", p.accumulate, "Micro-batches an optimiser step")
      ->capture_default_str()
      ->check(kPositive)
      ->group(kAdvancedGroup);
  c->add_option("--length", p.length, "Positions a window")->capture_default_str()->check(in_range(2, 65536));
  c->add_option("--learning-rate", p.learning_rate, "Peak of the cosine")
      ->capture_default_str()
      ->check(kPositive);
  c->add_option("--warmup", p.warmup, "Steps of linear warm-up")
      ->capture_default_str()
      ->check(kPositive)
      ->group(kAdvancedGroup);
  c->add_option("--weight-decay", p.weight_decay, "Of matrices")
      ->capture_default_str()
      ->check(kNonNegative)
      ->group(kAdvancedGroup);
  c->add_option("--average", p.average,
                "Validate and keep the running mean of the weights, with this decay a step (.998); 0: the "
                "last weights")
      ->capture_default_str()
      ->check(in_range(0.0, 0.99999))
      ->group(kAdvancedGroup);
  c->add_option("--inject-chance", p.inject_chance, "Share of windows that carry a flood")
      ->capture_default_str()
      ->check(in_range(0.0, 1.0))
      ->group(kAdvancedGroup);
  c->add_option("--inject-weight", p.inject_weight, "Weight of the injection loss")
      ->capture_default_str()
      ->check(kNonNegative)
      ->group(kAdvancedGroup);
  c->add_option("--direct-weight", p.direct_weight, "Weight of the direct heads' loss")
      ->capture_default_str()
      ->check(kNonNegative)
      ->group(kAdvancedGroup);
  c->add_option("--evaluate-every", p.evaluate_every, "Steps between validations and checkpoints")
      ->capture_default_str()
      ->check(kPositive);
  c->add_option("--hide-inputs", p.hide_inputs,
                "Of a corpus' windows, the share that hides features; all have another time of day. -1: none")
      ->capture_default_str()
      ->check(in_range(-1.0, 1.0))
      ->group(kAdvancedGroup);
  c->add_option("--validation-windows", p.validation_windows, "Windows that a validation looks at")
      ->capture_default_str()
      ->check(kPositive)
      ->group(kAdvancedGroup);
  c->add_option("--patience", p.patience, "Validations without improvement before it stops; 0: never")
      ->capture_default_str();
  c->add_option("--seed", p.seed, "Seed of weights and windows")->capture_default_str();
  c->add_option("--device", p.device, "cpu, cuda or cuda:N")->capture_default_str();
  c->add_option("--threads", p.threads, "0: all cores")->capture_default_str();
  c->add_flag("--resume", p.resume, "Continue from the checkpoint in --out");
  c->add_flag("--distributed", o->distributed,
              "One of several processes that torchrun, mpirun or Slurm started (docs/distributed.md)")
      ->group(kAdvancedGroup);
  c->add_option("--backend", o->backend,
                "Of --distributed: gloo, nccl, or auto: nccl where it is built in and --device is cuda")
      ->capture_default_str()
      ->group(kAdvancedGroup);
  c->add_flag("--shard", p.shard, "Each process reads its share of the corpus' networks alone")
      ->group(kAdvancedGroup);
  c->footer("Example: netflowgen pretrain store --train 1998-06-01/1998-06-22 --size micro -o model");
  c->callback([o, c, &context] {
    o->preset_given = c->count("--preset") > 0;
    o->rate_given = c->count("--learning-rate") > 0;
    o->floods_given = c->count("--inject-chance") > 0;
    join_group(*o);
    run_pretrain(*o, context);
  });
}

}  // namespace netflowgen::cli

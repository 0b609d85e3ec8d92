// netflowgen demo-train: the whole training loop on the embedded scenario. Simulated flows -> series -> pre-training without labels ->
// detection with few labels beside the baselines -> one report page. Everything in it can be done by the other commands.
#include <fmt/format.h>

#include <chrono>

#include "base/error.h"
#include "base/file.h"
#include "cli/commands.h"
#include "cli/learn/learn_options.h"
#include "eval/attacks/baselines.h"
#include "eval/attacks/ddos_eval.h"
#include "eval/attacks/protocol.h"
#include "eval/labels.h"
#include "eval/report/report.h"
#include "eval/results.h"
#include "learn/pretrain.h"
#include "series/frame_table.h"
#include "series/store.h"
#include "study/attack_methods.h"
#include "study/boosted_method.h"
#include "study/demo.h"
#include "study/simulated_store.h"

namespace netflowgen::cli {
namespace {

// Benign rows that the trees learn from: as many as our own heads do, and the demo ends in minutes.
constexpr size_t kTreeRows = 30'000;

struct DemoOptions {
  std::string out = "demo-out";
  std::string scenario = "demo";
  std::string size = "nano";
  int64_t steps = 250;
  size_t label_seeds = 2;
};

class Clock {
 public:
  void done(const char* what) {
    const auto now = std::chrono::steady_clock::now();
    fmt::print("{}: {:.0f} s\n", what, std::chrono::duration<double>(now - last_).count());
    std::fflush(stdout);
    last_ = now;
  }

 private:
  std::chrono::steady_clock::time_point last_ = std::chrono::steady_clock::now();
};

void make_series(const DemoOptions& o, Context& context, const base::fs::path& store,
                 const base::fs::path& labels) {
  const auto r = study::simulate_store(sim::load_scenario(o.scenario), {store, labels, {}}, context.stop,
                                       progress_printer(context, "simulate and count"));
  fmt::print("{} flows, {} frames of {} hosts, {} attacks, {} benign events that look like attacks\n",
             r.flows, r.frames, r.hosts, r.attacks, r.benign_events);
}

void pretrain_model(const DemoOptions& o, Context& context, const series::FrameTable& table,
                    const eval::DdosOptions& p, const base::fs::path& model) {
  auto spec = model::ModelSpec::preset_of("default", o.size);
  spec.input.timezone = table.timezone;
  const auto r = learn::pretrain(table, study::demo_pretraining(spec, o.steps, table, p), model, context.stop,
                                 progress_printer(context, "pretrain"));
  if (r.stopped) throw base::Stopped("stopped; the model so far is in {}", model.string());
  fmt::print("{} parameters, {:.0f} positions/s, next step {:.3f} bits a feature on validation\n",
             r.parameters, r.positions_per_second, r.validation_bits);
}

void run_demo(const DemoOptions& o, Context& context) {
  const base::fs::path out(o.out);
  const auto store = out / "store";
  const auto labels = out / "labels.csv";
  const auto model = out / "model";
  base::fs::remove_all(store);
  base::fs::create_directories(out);
  Clock clock;
  make_series(o, context, store, labels);
  clock.done("simulated flows to series");
  const auto table = series::load_frames(store);
  eval::DdosRunOptions run_options;
  run_options.protocol = study::demo_periods(table);
  pretrain_model(o, context, table, run_options.protocol, model);
  clock.done("pre-training");

  run_options.budgets = {*eval::Budget::parse("full"), *eval::Budget::parse("clean:10%"),
                         *eval::Budget::parse("incomplete:10%")};
  run_options.label_seeds = o.label_seeds;
  const auto set = eval::load_labels(labels.string(), table, {});
  study::BoostedDetectorOptions trees;
  trees.most_benign = kTreeRows;
  trees.booster.stop = &context.stop;
  auto detectors = eval::label_free_baselines(table);
  detectors.push_back(study::boosted_trees(trees));
  study::LearnedOptions learned;
  learned.model = model.string();
  for (auto& d : study::learned_detectors(learned, context.stop, progress_printer(context, "walk")))
    detectors.push_back(std::move(d));
  const auto result = eval::evaluate_ddos(table, set.events, {}, run_options, detectors,
                                          progress_printer(context, "fine-tune and evaluate"), &context.stop);
  fmt::print("{}", eval::ddos_table(result));
  clock.done("fine-tuning, baselines, evaluation");
  base::write_file(out / "ddos.json", eval::ddos_json(result));
  eval::ReportInput report;
  report.title = "NetFlowGen demo: early detection of attacks";
  report.facts = {
      "All traffic here is simulated by the embedded scenario (docs/simulation.md): it shows the program at "
      "work and proves nothing about real networks. Figures on real and emulated data: docs/results.md.",
      "Labels are seen in the first 60 % of the time. Thresholds come from the same time, each part scored "
      "by a "
      "fit on the others. All figures come from the other 40 %.",
      "All methods that learn from labels see at most 30,000 benign steps, drawn at random."};
  report.logs = {eval::read_training_log((model / "training.jsonl").string(), "pre-training")};
  report.ddos = &result;
  eval::write_report((out / "report.html").string(), report);
  clock.done("report");
  fmt::print("report: {}\n", base::fs::absolute(out / "report.html").string());
}

}  // namespace

void add_demo_train(Command& app, Context& context) {
  auto o = std::make_shared<DemoOptions>();
  auto* c = app.add_subcommand("demo-train", kDemoTrainHelp);
  c->add_option("-o,--out", o->out, "Folder to write")->capture_default_str();
  c->add_option("--scenario", o->scenario, "Built-in scenario or file")->capture_default_str();
  c->add_option("--size", o->size, "Model size")->capture_default_str();
  c->add_option("--steps", o->steps, "Pre-training steps")->capture_default_str()->check(kPositive);
  c->add_option("--label-seeds", o->label_seeds, "Draws of each label budget")
      ->capture_default_str()
      ->check(kPositive);
  c->footer("Example: netflowgen demo-train -o demo-out");
  c->callback([o, &context] { run_demo(*o, context); });
}

}  // namespace netflowgen::cli

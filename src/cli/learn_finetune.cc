// netflowgen finetune: a pre-trained model and few labels -> the same model with a task head.
#include <fmt/format.h>

#include <map>

#include "base/base.h"
#include "cli/commands.h"
#include "cli/learn_methods.h"
#include "cli/learn_options.h"
#include "eval/eval.h"
#include "learn/learn.h"
#include "series/series.h"

namespace netflowgen::cli {
namespace {

struct Options {
  std::string store;
  std::string model;
  std::string labels;
  std::string out;
  std::string task = "ddos";
  std::string train;
  std::string validation;
  std::string budget = "full";
  eval::LabelOptions label_options;
  uint64_t min_flows = 0;
  bool strict = false;
  learn::HeadOptions head = default_ddos_head();
  std::string device = "cpu";
  int threads = 0;
};

eval::Period period_of(const learn::StepRange& r, const series::FrameTable& table) {
  return {std::max(r.from, table.first_step) * table.step_ms, std::min(r.to, table.end_step) * table.step_ms};
}

eval::DdosOptions protocol_of(const Options& o, const series::FrameTable& table) {
  eval::DdosOptions p;
  p.min_flows = o.min_flows;
  if (table.missing[series::kFlowsIn]) p.scored_feature.clear();
  p.train = period_of(parse_range(o.train, table.step_ms, "--train"), table);
  p.validation = {p.train.to_ms - (p.train.to_ms - p.train.from_ms) / 4, p.train.to_ms};
  if (!o.validation.empty())
    p.validation = period_of(parse_range(o.validation, table.step_ms, "--validation"), table);
  p.test = p.validation;  // nothing is tested here
  return p;
}

void copy_model(const std::string& from, const std::string& to) {
  if (base::fs::exists(to) && base::fs::equivalent(from, to)) return;
  base::fs::create_directories(to);
  for (const char* name : {"model.safetensors", "config.json", "tokens.json", "card.md"}) {
    base::write_file(base::fs::path(to) / name, base::read_file(base::fs::path(from) / name));
  }
}

void run(const Options& o, Context& context) {
  if (o.task != "ddos") throw base::UsageError("--task {}: known tasks: ddos", o.task);
  const auto table = series::load_frames(o.store);
  const auto labels = eval::load_labels(o.labels, table, o.label_options);
  for (const auto& p : labels.problems) {
    if (o.strict && p.reason != "filtered by option") throw base::Error("{}: {}", o.labels, labels.summary());
  }
  if (const std::string s = labels.summary(); !s.empty()) fmt::print(stderr, "{}: {}\n", o.labels, s);
  const eval::DdosOptions protocol = protocol_of(o, table);
  const auto budget = eval::Budget::parse(o.budget);
  if (!budget)
    throw base::UsageError("--budget {}: expected full, clean:10%, clean:5, incomplete:10% or incidents:2",
                           o.budget);
  const auto data = eval::prepare_ddos(table, labels.events, {}, protocol);
  const auto task = eval::with_budget(eval::full_task(data, protocol), *budget, o.head.seed);
  const auto banks = std::make_shared<BankCache>(learn::Backbone(o.model, o.device, o.threads), context.stop,
                                                 progress_printer(context, "walk"));
  FrozenDetector detector("netflowgen", banks, o.head);
  detector.fit(task, o.head.seed);
  const std::string out = o.out.empty() ? o.model : o.out;
  copy_model(o.model, out);
  learn::add_head(out, detector.head(),
                  fmt::format("- task head `ddos`: {} labelled events, budget {}, loss {}, frozen backbone\n",
                              task.events.size(), budget->name(), o.head.loss));
  fmt::print("head ddos trained on {} events; model written to {}\n", task.events.size(), out);
}

}  // namespace

void add_finetune(CLI::App& app, Context& context) {
  auto o = std::make_shared<Options>();
  auto* c = app.add_subcommand("finetune", "Teach a pre-trained model a task with few labels");
  c->add_option("store", o->store, "Series store")->required();
  c->add_option("--model", o->model, "Pre-trained model folder")->required();
  c->add_option("--labels", o->labels, "CSV: node or prefix, start, end, type")->required();
  c->add_option("-o,--out", o->out, "Model folder to write (default: into --model)");
  c->add_option("--task", o->task, "ddos")->capture_default_str();
  c->add_option("--train", o->train, "Labelled period FROM/TO, validation included (default: all)");
  c->add_option("--validation", o->validation, "Its late part (default: the last quarter)");
  c->add_option("--budget", o->budget,
                "Use only so many labels: full, clean:10%, incomplete:10%, incidents:2")
      ->capture_default_str();
  c->add_option("--min-flows", o->min_flows, "Leave out nodes with fewer flows in the labelled period");
  c->add_flag("--internal-only", o->label_options.internal_only, "Only labels whose victim_internal is True");
  c->add_option("--min-label-flows", o->label_options.min_flows, "Only labels with so many flows");
  c->add_flag("--strict", o->strict, "A bad label is an error");
  auto& h = o->head;
  c->add_option("--loss", h.loss, "bce (a step at a time) or safe (survival, as in Xatu)")
      ->check(CLI::IsMember({"bce", "safe"}))
      ->capture_default_str();
  static const std::map<std::string, learn::Prior> kPriors = {{"none", learn::Prior::kNone},
                                                              {"volume", learn::Prior::kVolume},
                                                              {"injection", learn::Prior::kInjection}};
  c->add_option("--prior", h.prior, "Score before any label: none, volume or injection")
      ->transform(CLI::CheckedTransformer(kPriors, CLI::ignore_case).description(""))
      ->default_str("volume");
  c->add_option("--ridge", h.ridge, "Penalty of what labels change: larger for few or doubtful labels")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  c->add_option("--members", h.members, "Small networks beside the linear head")
      ->check(CLI::Range(0, 64))
      ->capture_default_str();
  c->add_option("--hidden", h.spec.hidden, "Width of each one's hidden layer")
      ->check(CLI::Range(1, 1024))
      ->capture_default_str();
  c->add_option("--epochs", h.epochs, "Passes at most")->check(CLI::PositiveNumber)->capture_default_str();
  c->add_option("--learning-rate", h.learning_rate, "Peak")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  c->add_option("--weight-decay", h.weight_decay, "")->check(CLI::NonNegativeNumber)->capture_default_str();
  c->add_option("--seed", h.seed, "")->capture_default_str();
  c->add_option("--device", o->device, "cpu, cuda or cuda:N")->capture_default_str();
  c->add_option("--threads", o->threads, "0: all cores")->capture_default_str();
  c->footer("Example: netflowgen finetune store --model model --labels labels.csv -o detector");
  c->callback([o, &context] { run(*o, context); });
}

}  // namespace netflowgen::cli

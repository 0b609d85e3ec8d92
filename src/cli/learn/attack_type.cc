// netflowgen finetune --task attack-type and netflowgen evaluate attack-type.
#include <fmt/format.h>

#include <memory>

#include "base/error.h"
#include "base/file.h"
#include "cli/evaluate_tasks.h"
#include "cli/learn/finetune_attack_type.h"
#include "cli/learn/learn_options.h"
#include "cli/options/detect_options.h"
#include "model/spec.h"
#include "study/finetune.h"

namespace netflowgen::cli {
namespace {

study::TypeExamples examples_of(const std::string& store, const std::string& labels,
                                const study::TypeExampleOptions& options, Context& context) {
  const auto stores = study::labelled_stores(store, labels);
  auto examples = study::type_examples(stores, options, context.stop, progress_printer(context, "read"));
  if (const auto text = examples.summary(); !text.empty()) fmt::print(stderr, "{}: {}\n", store, text);
  return examples;
}

struct TypeArguments {
  std::string store;
  std::string labels;
  std::string train;
  std::string train_labels;
  std::string model;
  std::string out;
  bool fast = false;
  study::TypeExampleOptions examples;
  study::TypeFit fit;
};

void evaluate_attack_type(const TypeArguments& a, Context& context) {
  if (a.train.empty() && a.model.empty())
    throw base::UsageError("give --train STORE to learn from, or --model FOLDER with a file {}",
                           detect::kTypeFile);
  if (!a.train.empty() && !a.model.empty())
    throw base::UsageError("--train learns the types anew: leave --model out");
  study::TypeStudy study;
  std::optional<detect::TypeModel> model;
  std::optional<study::TypeExamples> train;
  if (!a.model.empty()) {
    const auto folder = model_or_shipped(a.model);
    model = detect::TypeModel::load(folder);
    if (!model)
      throw base::Error("{} has no {}: make it with `netflowgen finetune --task attack-type`", folder,
                        detect::kTypeFile);
    study.model = &*model;
  } else {
    train = examples_of(a.train, a.train_labels, a.examples, context);
    study.train = &*train;
  }
  const auto test = examples_of(a.store, a.labels, a.examples, context);
  study.test = &test;
  study.fit = a.fit;
  study.leave_out = !a.fast;
  const auto result = study::evaluate_types(study, context.stop, progress_printer(context, "evaluate"));
  fmt::print("{}", result.table());
  if (!a.out.empty()) base::write_file(a.out, result.json());
}

}  // namespace

void run_finetune_attack_type(const TypeFinetune& a, Context& context) {
  if (a.labels.size() > 1) throw base::UsageError("--task attack-type: give one --labels FILE");
  const model::ModelFolder folder(a.model);  // that it is one
  const auto examples = examples_of(a.store, a.labels.empty() ? "" : a.labels.front(), a.examples, context);
  study::TypeFit fit;
  fit.seed = a.examples.seed;
  const auto types = study::fit_types(examples, fit, context.stop);
  study::copy_whole_model(a.model, a.out);
  types.save(a.out);
  fmt::print("attack-type: {} types from {} attacks on {} network{}; written to {}\n", types.classes.size(),
             examples.events, examples.networks, examples.networks == 1 ? "" : "s",
             (base::fs::path(a.out) / detect::kTypeFile).string());
}

void add_evaluate_attack_type(Command& evaluate, Context& context) {
  auto a = std::make_shared<TypeArguments>();
  auto* c = evaluate.add_subcommand("attack-type",
                                    "Name the types of labelled attacks, and find types never learnt");
  c->add_option("STORE", a->store, "Store, or folder of networks: NAME/store and NAME/labels.csv")
      ->required();
  c->add_option("--labels", a->labels, "CSV: node (or prefix), start, end, type; of a store");
  c->add_option("--train", a->train, "Store or folder of networks to learn from; adds XGBoost");
  c->add_option("--train-labels", a->train_labels, "Labels of --train, where it is a store");
  c->add_option("--model", a->model, "Model folder that knows types, or default, in place of --train");
  c->add_option("--without-types", a->examples.without, "Types of labels that are none")
      ->delimiter(',')
      ->capture_default_str();
  c->add_flag("--fast", a->fast, "Do not leave out each type in turn");
  c->add_option("-o,--out", a->out, "JSON file of the figures");
  c->add_option("--seed", a->fit.seed, "Of the fit")->capture_default_str()->group(kAdvancedGroup);
  c->footer(
      "Example: netflowgen evaluate attack-type networks/test --train networks/train\n"
      "Definitions of all figures: docs/evaluation.md");
  c->callback([a, &context] { evaluate_attack_type(*a, context); });
}

}  // namespace netflowgen::cli

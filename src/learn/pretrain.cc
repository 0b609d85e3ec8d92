#include "learn/pretrain.h"

#include <fmt/format.h>

#include "base/error.h"
#include "base/time.h"
#include "learn/corpus.h"
#include "learn/network/corpus_windows.h"
#include "learn/network/slices.h"
#include "learn/network/trainer.h"
#include "learn/network/window_sampler.h"

namespace netflowgen::learn {
namespace {

token::Tokenizer fit_tokens(const series::FrameTable& table, const PretrainOptions& o) {
  token::TokenFit fit;
  const auto add_node = [&](size_t n) {
    for (size_t r = table.lower_bound(n, o.train.from);
         r < table.offsets[n + 1] && table.steps[r] < o.train.to; ++r) {
      fit.add(table.frame(r));
    }
  };
  if (o.nodes.empty()) {
    for (size_t n = 0; n < table.nodes.size(); ++n) add_node(n);
  } else {
    for (const size_t n : o.nodes) add_node(n);
  }
  return fit.finish(o.tokens);
}

token::Tokenizer tokenizer_of(const series::FrameTable& table, const PretrainOptions& o) {
  if (!o.from.empty()) return model::ModelFolder(o.from, table.step_ms).tokenizer();
  return o.spec.input.universal ? token::Tokenizer::universal() : fit_tokens(table, o);
}

std::string card_of(const PretrainOptions& o, const Positions& train) {
  const auto time_of = [&](int64_t step) { return base::format_time(step * o.spec.input.step_ms); };
  return (o.from.empty() ? std::string() : fmt::format("- begun with the weights of {}\n", o.from.string())) +
         fmt::format(
             "- pre-trained without labels on {} to {} in steps of {:g} s, {} positions of {} nodes; "
             "validated on "
             "{} to {}\n",
             time_of(o.train.from), time_of(o.train.to), static_cast<double>(o.spec.input.step_ms) / 1000,
             train.total(), train.nodes(), time_of(o.validation.from), time_of(o.validation.to));
}

}  // namespace

PretrainResult pretrain(const series::FrameTable& table, const PretrainOptions& options,
                        const base::fs::path& out, const base::StopFlag& stop,
                        const base::ProgressFn& progress) {
  PretrainOptions o = options;
  const TrainingPeriods periods = training_periods(table, options);
  o.train = periods.train;
  o.validation = periods.validation;
  o.spec.input.step_ms = table.step_ms;
  set_threads(o.threads);
  check_device(o.device);
  const token::Tokenizer tokenizer = tokenizer_of(table, o);
  const token::Encoder encoder(tokenizer, o.spec.input);
  const Positions train(table, encoder, o.train.from, o.train.to, o.nodes);
  const Positions validation(table, encoder, o.validation.from, o.validation.to, o.nodes);
  const auto length = static_cast<size_t>(o.length);
  const WindowSampler sampler(train, length, o.spec.inject ? o.inject_chance : 0);
  const WindowSampler validation_sampler(validation, length, 0);
  const TrainingData data{&sampler, &validation_sampler, card_of(o, train)};
  return Trainer(o, tokenizer, data, out).run(stop, progress);
}

PretrainResult pretrain_corpus(const std::vector<CorpusNetwork>& train,
                               const std::vector<CorpusNetwork>& validation, const PretrainOptions& o,
                               const base::fs::path& out, const base::StopFlag& stop,
                               const base::ProgressFn& progress) {
  if (!o.spec.input.universal)
    throw base::UsageError("many networks need a universal model: preset universal, not {}", o.spec.preset);
  set_threads(o.threads);
  check_device(o.device);
  const token::Tokenizer tokenizer = token::Tokenizer::universal();
  const auto length = static_cast<size_t>(o.length);
  std::optional<double> hidden;
  if (o.hide_inputs >= 0) hidden = o.hide_inputs;
  TrainingGroup* const group = o.group.get();
  const CorpusSampler sampler(train, tokenizer, o.spec.input, {length, hidden, o.shard, group});
  const CorpusSampler validation_sampler(validation, tokenizer, o.spec.input,
                                         {length, std::nullopt, o.shard, group});
  const TrainingData data{
      &sampler, &validation_sampler,
      fmt::format("- pre-trained on {} networks: {} positions of {} nodes; validated on {} others\n",
                  train.size(), sampler.positions(), sampler.nodes(), validation.size())};
  return Trainer(o, tokenizer, data, out).run(stop, progress);
}

}  // namespace netflowgen::learn

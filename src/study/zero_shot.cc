#include "study/zero_shot.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/error.h"
#include "base/random.h"
#include "detect/calibration.h"
#include "eval/attacks/operating.h"
#include "learn/dense_rows.h"
#include "learn/head.h"
#include "model/evidence.h"
#include "model/spec.h"
#include "study/head_mix.h"
#include "study/head_rows.h"
#include "study/twin.h"

namespace netflowgen::study {
namespace {

using learn::CorpusNetwork;

constexpr const char* kHead = "ddos";
constexpr size_t kAllRows = 2'560'000;  // of 640 networks all that may be taken; each twice, of a kilobyte
constexpr int64_t kStepMs = 60'000;     // of the networks that thresholds come from
constexpr float kNoScore = std::numeric_limits<float>::quiet_NaN();

// What trees may read: all that is relative, and plain counts of flows, peers and ports. Bytes and packets depend on the
// sampling, which a network need not tell. All nodes of a network share its surroundings in a step: trees learn the training networks'
// steps from them (docs/results.md), and the Transformer's logit has them already.
std::vector<bool> usable_columns(const token::Encoder& encoder) {
  std::vector<bool> usable;
  for (const auto& c : encoder.dense_columns()) {
    const bool counted =
        c.name.starts_with("flows_") || c.name.starts_with("peers_") || c.name.starts_with("ports_");
    usable.push_back((c.relative || counted) && !c.of_others);
  }
  return usable;
}

// Networks that are not sampled as connection counts, the hardest source; the others as one of the rest, in turn.
CorpusNetwork as_poorer_source(const Corpus& corpus, const CorpusNetwork& network, size_t index) {
  CorpusNetwork poor = network;
  if (network.sampled)
    hide_features(other_source(index), poor.table);
  else
    count_connections(corpus.kinds, poor);
  return poor;
}

Growth growth_of(const ZeroShotOptions& o) { return {o.trees, o.tree_depth, o.seed}; }

void add_rows(const CorpusNetwork& n, const token::Encoder& encoder, const std::vector<bool>& usable,
              const ZeroShotOptions& o, bool alone, base::Random& random, Rows& rows) {
  const RowTruths t = truths_of(n);
  if (t.events == 0) return;
  const std::vector<bool> keep = thinned(t, o.most, random);
  std::vector<float> x = learn::dense_rows(n.table, encoder, keep, alone);
  std::vector<size_t> kept;
  for (size_t r = 0; r < keep.size(); ++r) {
    if (keep[r]) kept.push_back(r);
  }
  rows.add_targets(t, kept);
  for (size_t i = 0; i < x.size(); ++i) {
    // As the head sees them: standardised and clipped. What is not relative is hidden from the trees.
    const float z = std::clamp(x[i] / kDenseDeviation, -model::kMaxStandard, model::kMaxStandard);
    x[i] = usable[i % encoder.dense()] ? z : 0;
  }
  rows.x.insert(rows.x.end(), x.begin(), x.end());
  rows.columns = encoder.dense();
}

// All rows are in memory at once: of very many networks fewer are taken of each.
MostRows of_each(MostRows most, const Corpus& corpus) {
  const auto labelled = static_cast<size_t>(std::ranges::count_if(corpus.train, &CorpusNetwork::labelled));
  const size_t all = std::max<size_t>(1, labelled) * (most.attack + most.benign + most.lookalike);
  const double fits = std::min(1.0, static_cast<double>(kAllRows) / static_cast<double>(all));
  for (size_t* n : {&most.attack, &most.benign, &most.lookalike})
    *n = static_cast<size_t>(static_cast<double>(*n) * fits);
  return most;
}

// Of every network of the corpus: as it is, and as a source with fewer features sees it.
Rows gather_rows(const learn::Backbone& backbone, const Corpus& corpus, const ZeroShotOptions& o,
                 const base::StopFlag& stop, const base::ProgressFn& progress) {
  const std::vector<bool> usable = usable_columns(backbone.encoder());
  base::Random random(o.seed);
  Rows rows;
  size_t most = 0;
  for (const auto& n : corpus.train)
    most += 2 * std::min(n.table.rows(), o.most.attack + o.most.benign + o.most.lookalike);
  rows.x.reserve(most * backbone.encoder().dense());  // it is gigabytes: growing would copy them
  for (size_t k = 0; k < corpus.train.size(); ++k) {
    if (stop.requested()) throw base::Stopped("stopped while trees' rows were gathered; nothing was written");
    token::InputSpec input = backbone.spec().input;
    input.step_ms = corpus.train[k].table.step_ms;
    const token::Encoder encoder(backbone.tokenizer(), input);
    if (corpus.train[k].labelled) {
      add_rows(corpus.train[k], encoder, usable, o, false, random, rows);
      CorpusNetwork partial = as_poorer_source(corpus, corpus.train[k], k);
      if (k % 5 == 0) keep_inbound(partial.table);
      add_rows(partial, encoder, usable, o, k % 4 == 1, random, rows);
    }
    if (progress) progress({"networks", k + 1, corpus.train.size(), fmt::format("{} rows", rows.y.size())});
  }
  return rows;
}

learn::HeadWeights head_of(const learn::Backbone& backbone, const std::vector<float>& inject,
                           model::Trees trees, const Mix& mix) {
  learn::HeadWeights head;
  head.spec.name = kHead;
  head.spec.kind = "hazard";
  head.spec.use_surprise = false;
  head.spec.hidden = 0;
  const auto d = static_cast<size_t>(backbone.spec().d_model);
  const size_t dense = backbone.encoder().dense();
  head.mean.assign(d + dense, 0);
  head.deviation.assign(d, 1);
  head.deviation.resize(d + dense, kDenseDeviation);
  head.w2.assign(d + dense, 0);
  for (size_t i = 0; i < d; ++i) head.w2[i] = static_cast<float>(mix.transformer) * inject[i];
  // The dense input is (log1p(flows_in) - mean) / deviation.
  const auto& columns = backbone.encoder().dense_columns();
  const auto flows = std::ranges::find(columns, "flows_in", &token::DenseColumn::name);
  const double mean = backbone.tokenizer().log_mean()[series::kFlowsIn];
  const double deviation = backbone.tokenizer().log_deviation()[series::kFlowsIn];
  head.w2[d + static_cast<size_t>(flows - columns.begin())] =
      static_cast<float>(mix.flows * deviation * kDenseDeviation);
  head.b2 = {
      static_cast<float>(mix.transformer * static_cast<double>(inject[d]) + mix.flows * mean + mix.bias)};
  for (float& leaf : trees.leaves) leaf *= static_cast<float>(mix.trees);
  head.spec.trees = trees.count;
  head.spec.tree_depth = trees.depth;
  head.trees = std::move(trees);
  return head;
}

// All validation networks of one step length as one table of scores; thresholds by the rate of false alarms there.
detect::TaskCalibration calibrate(const std::string& name, const std::string& score, const Corpus& corpus,
                                  const std::vector<Parts>& parts, const Mix& mix, const ZeroShotOptions& o) {
  detect::TaskCalibration c;
  c.name = name;
  c.score = score;
  c.scored = "flows_in";
  c.default_rate = o.rate;
  detect::ScoreTable table;
  std::vector<detect::RowTruth> truth;
  c.timing = eval::timing_of({}, kStepMs);
  for (size_t k = 0; k < parts.size(); ++k) {
    const auto& n = corpus.validation[k].table;
    if (n.step_ms != kStepMs || n.missing[series::kFlowsIn]) continue;
    std::vector<float> scores(n.rows(), kNoScore);
    for (size_t i = 0; i < parts[k].rows.size(); ++i) scores[parts[k].rows[i]] = parts[k].score(mix, i);
    for (size_t node = 0; node < n.nodes.size(); ++node) {
      for (size_t r = n.offsets[node]; r < n.offsets[node + 1]; ++r) {
        table.steps.push_back(n.steps[r]);
        table.scores.push_back(scores[r]);
        truth.push_back(parts[k].truth.event[r] >= 0 ? detect::RowTruth::kAttack : detect::RowTruth::kBenign);
      }
      table.offsets.push_back(table.steps.size());
    }
    c.node_days += static_cast<double>(n.nodes.size()) * static_cast<double>(n.end_step - n.first_step) *
                   kStepMs / 86'400'000.0;
  }
  if (table.scores.empty())
    throw base::Error("no validation network has steps of a minute and flows: thresholds need one");
  c.thresholds = detect::calibrate(table, truth, c.node_days, c.timing, eval::rates_with(o.rate, 2));
  return c;
}

std::vector<float> inject_weights(const model::ModelFolder& folder) {
  const auto w = folder.values("inject.weight");
  std::vector<float> all(w.begin(), w.end());
  all.push_back(folder.values("inject.bias")[0]);
  return all;
}

std::string card_lines(const ZeroShotResult& r, const Corpus& corpus) {
  std::string text = fmt::format(
      "- head `ddos`: learnt from the truth of {} simulated networks, no labels of yours; logit = {:.3f} x "
      "the "
      "Transformer's + {:.3f} x the trees' + {:.3f} x log(1 + flows_in)\n\n"
      "Event-weighted AUPRC without labels on simulated networks that were not learnt from:\n\n"
      "| network | threshold on flows_in | trees | Transformer | head | the same head on random weights |\n"
      "|---|---|---|---|---|---|\n",
      std::ranges::count_if(corpus.train, &CorpusNetwork::labelled), r.transformer_weight, r.trees_weight,
      r.flows_weight);
  const auto add = [&](const ZeroShotScore& x) {
    text += fmt::format("| {} | {:.3f} | {:.3f} | {:.3f} | {:.3f} | {:.3f} |\n", x.network, x.threshold,
                        x.trees, x.transformer, x.both, x.twin);
  };
  for (const auto& x : r.scores) {
    if (!std::isnan(x.both)) add(x);
  }
  add(r.mean());
  return text;
}

model::Evidence evidence_of(const ZeroShotResult& r) {
  const ZeroShotScore m = r.mean();
  const auto known = std::ranges::count_if(r.scores, [](const auto& s) { return !std::isnan(s.both); });
  return {static_cast<int>(known), m.threshold, m.trees, m.transformer, m.twin, m.both};
}

}  // namespace

ZeroShotScore ZeroShotResult::mean() const {
  ZeroShotScore m{"mean"};
  double n = 0;
  for (const auto& s : scores) {
    if (std::isnan(s.both)) continue;
    ++n;
    m.transformer += s.transformer;
    m.trees += s.trees;
    m.both += s.both;
    m.threshold += s.threshold;
    m.twin += s.twin;
  }
  for (double* x : {&m.transformer, &m.trees, &m.both, &m.threshold, &m.twin}) *x /= n;
  return m;
}

ZeroShotResult fit_zero_shot(const base::fs::path& model, const Corpus& corpus,
                             const ZeroShotOptions& options, const base::StopFlag& stop,
                             const base::ProgressFn& progress) {
  ZeroShotOptions o = options;
  o.most = of_each(o.most, corpus);
  const learn::Backbone backbone(model, "cpu", o.threads);
  if (!backbone.spec().input.universal || !backbone.spec().inject)
    throw base::Error("{} is not a universal model with an attack logit (netflowgen pretrain --corpus)",
                      model.string());
  Rows rows = gather_rows(backbone, corpus, o, stop, progress);
  const int first = backbone.spec().d_model;
  model::Trees trees = fit_trees(rows, first, growth_of(o), stop);
  rows = {};
  std::vector<Parts> parts;
  std::vector<Parts> poor;  // the same networks as poorer sources see them
  for (const auto& n : corpus.validation) {
    parts.push_back(parts_of(n, backbone, trees, stop));
    poor.push_back(parts_of(as_poorer_source(corpus, n, parts.size()), backbone, trees, stop));
    if (progress) progress({"validation networks", parts.size(), corpus.validation.size(), ""});
  }
  for (const auto& p : parts) poor.push_back(p);
  const Mix mix = fit_mix(poor);
  ZeroShotResult result{mix.transformer, mix.trees, mix.flows, {}};
  const Twin twin = twin_of(model, corpus, parts, {growth_of(o), o.most, o.threads}, stop, progress);
  for (size_t k = 0; k < parts.size(); ++k) {
    const Parts& p = parts[k];
    result.scores.push_back({p.name, p.auprc({1, 0, 0, 0}), p.auprc({0, 1, 0, 0}), p.auprc(mix),
                             p.auprc({0, 0, 1, 0}), twin.parts[k].auprc(twin.mix)});
  }
  const model::ModelFolder folder(model);
  detect::Calibration calibration;
  calibration.step_ms = kStepMs;
  calibration.tasks.push_back(
      calibrate(kHead, std::string(detect::kHeadScore) + kHead, corpus, parts, mix, o));
  calibration.tasks.push_back(
      calibrate("anomaly", std::string(detect::kInjectScore), corpus, parts, {1, 0, 0, 0}, o));
  calibration.tasks.back().enabled = false;
  learn::add_head(model, head_of(backbone, inject_weights(folder), std::move(trees), mix),
                  card_lines(result, corpus));
  base::write_file(model / detect::kCalibrationFile, calibration.to_json());
  base::write_file(model / model::kEvidenceFile, evidence_of(result).to_json());
  return result;
}

}  // namespace netflowgen::study

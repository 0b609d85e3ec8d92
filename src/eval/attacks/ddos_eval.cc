#include "eval/attacks/ddos_eval.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <map>

#include <fmt/format.h>

#include "base/error.h"
#include "base/nan.h"
#include "base/random.h"
#include "eval/attacks/baselines.h"
#include "eval/attacks/operating.h"

namespace netflowgen::eval {
namespace {

using base::kDayMs;
using base::kNaN;
constexpr size_t kCurvePoints = 200;
constexpr std::string_view kAll = "all";
constexpr std::string_view kNoSweeps = "without sweeps";
constexpr std::string_view kOthersBenign = "other attacks benign";
constexpr std::string_view kTypePrefix = "type ";

bool in_slice(std::string_view slice, const Event& e) {
  if (slice == kNoSweeps) return !e.sweep;
  if (slice.starts_with(kTypePrefix)) return e.type == slice.substr(kTypePrefix.size());
  return true;
}

std::vector<Slice> make_slices(const DdosData& data, const DdosOptions& options) {
  std::vector<Slice> slices = {{std::string(kAll)}};
  std::vector<std::string> types;
  bool sweeps = false;
  for (const Event& e : data.events) {
    if (!options.test.contains(e.start_ms)) continue;
    sweeps |= e.sweep;
    if (std::find(types.begin(), types.end(), e.type) == types.end()) types.push_back(e.type);
  }
  if (sweeps) slices.push_back({std::string(kNoSweeps)});
  if (std::find(data.excluded.begin(), data.excluded.end(), true) != data.excluded.end()) {
    slices.push_back({std::string(kOthersBenign)});
  }
  std::sort(types.begin(), types.end());
  for (const auto& type : types) {
    if (types.size() < 2) break;
    slices.push_back({std::string(kTypePrefix) + type});
    slices.back().summarized = false;
  }
  return slices;
}

class Runner {
 public:
  Runner(DdosResult& result, const std::vector<std::unique_ptr<AttackMethod>>& detectors,
         const base::ProgressFn& progress, const base::StopFlag* stop)
      : result_(result), detectors_(detectors), progress_(progress), stop_(stop) {
    full_ = full_task(result.data, result.options.protocol);
    for (size_t s = 0; s < result.slices.size(); ++s) truths_.push_back(result.truth(s));
  }

  void run() {
    if (full_.events.empty()) result_.notes.emplace_back("the training period has no labelled event");
    total_ = count_runs();
    for (const auto& detector : detectors_) {
      by_time(*detector);
      if (!detector->uses_labels()) continue;
      if (result_.options.unseen_folds > 1) unseen_nodes(*detector);
      if (result_.options.leave_type_out) without_types(*detector);
    }
  }

 private:
  struct Ranks {
    double auprc = 0;
    double auprc_step = 0;
    double auroc_step = 0;
    double recall_at_rate = 0;
  };

  size_t seeds(const Budget& b) const {
    return b.kind == Budget::Kind::kFull ? 1 : std::max<size_t>(1, result_.options.label_seeds);
  }

  size_t count_runs() const {
    size_t n = 0;
    for (const Budget& b : result_.options.budgets) n += seeds(b) * detectors_.size();
    return n;
  }

  void tick(const AttackMethod& detector) {
    if (stop_ != nullptr && stop_->requested()) throw base::Stopped("stopped before {}", detector.name());
    if (progress_)
      progress_({"runs", result_.runs.size(), std::max(total_, result_.runs.size() + 1), detector.name()});
  }

  void by_time(AttackMethod& detector) {
    std::vector<float> kept;  // a method without labels scores once for all budgets
    std::vector<Ranks> ranks;
    for (const Budget& budget : result_.options.budgets) {
      for (size_t s = 0; s < seeds(budget); ++s) {
        tick(detector);
        const DdosTask task = with_budget(full_, budget, result_.options.seed + s);
        DdosRun run = start(detector, budget, s, task);
        const auto begin = std::chrono::steady_clock::now();
        if (detector.uses_labels() || kept.empty()) {
          detector.fit(task, run.seed);
          kept = detector.score(*task.table);
          ranks = rank(kept);
        }
        const CrossFit fit = cross_fit(detector, task, kept, run.seed);
        run.in_sample_threshold = fit.in_sample;
        run.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
        run.scores = kept;
        finish(std::move(run), ranks, threshold(fit, detector), detector);
      }
    }
  }

  DdosRun start(const AttackMethod& detector, const Budget& budget, size_t s, const DdosTask& task) const {
    DdosRun run;
    run.method = detector.name();
    run.budget = budget.name();
    run.split = "time";
    run.seed = result_.options.seed + s;
    run.labelled_events = task.events.size();
    run.labelled = detector.uses_labels();
    return run;
  }

  // Calibrated on the training period with scores of rows that the fit did not see, where there are labels for that.
  detect::Threshold threshold(const CrossFit& fit, AttackMethod& detector) const {
    const auto rates = rates_with(result_.options.rate);
    const bool any =
        std::any_of(fit.scores.begin(), fit.scores.end(), [](float x) { return std::isfinite(x); });
    if (!any) return {};
    try {
      return detect::threshold_for(calibrate(fit, result_.options.protocol, &detector, rates),
                                   result_.options.rate);
    } catch (const base::Error&) {
      return {};  // no benign score: nothing is ever raised
    }
  }

  std::vector<Ranks> rank(const std::vector<float>& scores) const {
    std::vector<Ranks> ranks;
    for (size_t s = 0; s < truths_.size(); ++s) {
      const auto rows = result_.scored_rows(s, scores);
      const Ranking by_event(rows, truths_[s].events.size());
      const Ranking by_step(rows, truths_[s].events.size(), false);
      const auto curve = operating_curve(truths_[s], scores, kCurvePoints);
      ranks.push_back(
          {by_event.auprc(), by_step.auprc(), by_step.auroc(), at_rate(curve, result_.options.rate).recall});
    }
    return ranks;
  }

  // Tracks run over all of the archive, as they would live: an alert may be up when the test period begins.
  void finish(DdosRun run, const std::vector<Ranks>& ranks, const detect::Threshold& threshold,
              AttackMethod& detector) {
    const FrameTable& table = result_.data.table;
    const Period all = {table.first_step * table.step_ms, table.end_step * table.step_ms};
    const auto alerts = detect::alerts_of(score_table(table, all, run.scores, &detector), threshold,
                                          timing_of(result_.options.protocol, table.step_ms));
    for (size_t s = 0; s < truths_.size(); ++s) {
      run.slices.push_back({ranks[s].auprc, ranks[s].auprc_step, ranks[s].auroc_step,
                            judge_alerts(truths_[s], alerts, threshold.on), ranks[s].recall_at_rate});
    }
    result_.runs.push_back(std::move(run));
  }

  // Every node's rows are scored by a fit that never saw the node; folds are pooled.
  void unseen_nodes(AttackMethod& detector) {
    const size_t nodes = result_.data.table.nodes.size();
    const size_t folds = std::min(result_.options.unseen_folds, nodes);
    for (const Budget& budget : result_.options.budgets) {
      for (size_t s = 0; s < seeds(budget); ++s) {
        tick(detector);
        const DdosTask task = with_budget(full_, budget, result_.options.seed + s);
        DdosRun run = start(detector, budget, s, task);
        run.split = "unseen nodes";
        run.scores.assign(result_.data.table.rows(), kNaN);
        for (size_t fold = 0; fold < folds; ++fold) score_fold(detector, task, run, fold, folds);
        const auto limit = threshold({task, run.scores, false}, detector);
        const auto ranks = rank(run.scores);
        finish(std::move(run), ranks, limit, detector);
      }
    }
  }

  void score_fold(AttackMethod& detector, const DdosTask& task, DdosRun& run, size_t fold,
                  size_t folds) const {
    const auto& table = result_.data.table;
    std::vector<bool> hidden(table.nodes.size());
    for (size_t n = 0; n < hidden.size(); ++n) hidden[n] = base::mix64(n ^ (run.seed << 32)) % folds == fold;
    const DdosTask rest = without_nodes(task, hidden);
    if (detector.uses_labels() && !teaches(rest)) {
      ++run.folds_without_labels;
      return;
    }
    detector.fit(rest, run.seed);
    const std::vector<float> scores = detector.score(table);
    for (size_t n = 0; n < hidden.size(); ++n) {
      for (size_t row = table.offsets[n]; hidden[n] && row < table.offsets[n + 1]; ++row)
        run.scores[row] = scores[row];
    }
  }

  // One type's events hidden from the fit; figures of that type's slice are how well it is found unseen.
  void without_types(AttackMethod& detector) {
    for (const Slice& slice : result_.slices) {
      if (!slice.name.starts_with(kTypePrefix)) continue;
      const std::string type = slice.name.substr(kTypePrefix.size());
      tick(detector);
      const DdosTask task = without_type(full_, type);
      if (detector.uses_labels() && !teaches(task)) continue;  // it is the only type in training
      DdosRun run = start(detector, Budget{}, 0, task);
      run.split = "without " + type;
      detector.fit(task, run.seed);
      run.scores = detector.score(*task.table);
      const CrossFit fit = cross_fit(detector, task, run.scores, run.seed);
      run.in_sample_threshold = fit.in_sample;
      const auto ranks = rank(run.scores);
      finish(std::move(run), ranks, threshold(fit, detector), detector);
    }
  }

  DdosResult& result_;
  const std::vector<std::unique_ptr<AttackMethod>>& detectors_;
  const base::ProgressFn& progress_;
  const base::StopFlag* stop_;
  DdosTask full_;
  std::vector<Truth> truths_;
  size_t total_ = 0;
};

template <typename Get>
MeanDeviation over(const std::vector<const DdosRun*>& runs, size_t slice, Get get) {
  std::vector<double> values;
  for (const DdosRun* r : runs) values.push_back(get(r->slices[slice]));
  return mean_deviation(values);
}

Interval auprc_interval(const DdosResult& result, const std::vector<const DdosRun*>& runs, size_t slice) {
  std::vector<Ranking> rankings;
  const size_t events = result.truth(slice).events.size();
  for (const DdosRun* r : runs) {
    if (!rankings.empty() && r->scores == runs[0]->scores) continue;  // a method without labels
    rankings.emplace_back(result.scored_rows(slice, r->scores), events);
  }
  const auto days = static_cast<size_t>(std::ceil(result.options.protocol.test.days()));
  return resample_days(days, result.options.resamples, result.options.seed,
                       [&](std::span<const uint32_t> weights) {
                         double sum = 0;
                         for (const Ranking& r : rankings) sum += r.auprc(weights);
                         return sum / static_cast<double>(rankings.size());
                       });
}

void summarize(DdosResult& result) {
  std::vector<std::vector<const DdosRun*>> groups;
  std::map<std::string, size_t> group_of;
  for (const DdosRun& r : result.runs) {
    const auto [it, fresh] = group_of.try_emplace(r.method + '\0' + r.budget + '\0' + r.split, groups.size());
    if (fresh) groups.emplace_back();
    groups[it->second].push_back(&r);
  }
  for (const auto& runs : groups) {
    for (size_t s = 0; s < result.slices.size(); ++s) {
      const bool left_out =
          runs[0]->split == "without " + result.slices[s].name.substr(
                                             std::min(kTypePrefix.size(), result.slices[s].name.size()));
      if (runs[0]->split.starts_with("without ") ? !left_out : !result.slices[s].summarized) continue;
      DdosSummary m{
          runs[0]->method, runs[0]->budget, runs[0]->split, s, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}};
      m.auprc = over(runs, s, [](const SliceFigures& f) { return f.auprc; });
      m.auprc_interval = auprc_interval(result, runs, s);
      m.auprc_step = over(runs, s, [](const SliceFigures& f) { return f.auprc_step; });
      m.auroc_step = over(runs, s, [](const SliceFigures& f) { return f.auroc_step; });
      m.recall = over(runs, s, [](const SliceFigures& f) { return f.alarms.recall; });
      m.false_per_node_day = over(runs, s, [](const SliceFigures& f) { return f.alarms.false_per_node_day; });
      m.recall_at_rate = over(runs, s, [](const SliceFigures& f) { return f.recall_at_rate; });
      m.median_delay_min = over(runs, s, [](const SliceFigures& f) { return f.alarms.median_delay_min; });
      m.restricted_delay_min =
          over(runs, s, [](const SliceFigures& f) { return f.alarms.restricted_delay_min; });
      m.effectiveness = over(runs, s, [](const SliceFigures& f) { return f.alarms.mean_effectiveness; });
      m.overhead = over(runs, s, [](const SliceFigures& f) { return f.alarms.overhead; });
      result.summaries.push_back(std::move(m));
    }
  }
}

void add_notes(DdosResult& result) {
  const auto& d = result.data;
  if (d.nodes_left_out > 0) {
    result.notes.push_back(fmt::format("{} nodes left out: fewer than {} flows in training; {} remain",
                                       d.nodes_left_out, result.options.protocol.min_flows,
                                       d.table.nodes.size()));
  }
  if (d.events_left_out > 0) {
    result.notes.push_back(fmt::format("{} events left out with them", d.events_left_out));
  }
}

}  // namespace

Truth DdosResult::truth(size_t slice) const {
  const std::string& name = slices[slice].name;
  const DdosOptions& o = options.protocol;
  Truth t;
  t.table = &data.table;
  t.period = o.test;
  t.merge_gap_ms = o.merge_gap_ms;
  t.timing = timing_of(o, data.table.step_ms);
  t.lead_ms = o.lead_ms;
  t.volume_feature = volume_feature;
  std::vector<int32_t> index(data.events.size(), Truth::kIgnored);
  for (size_t i = 0; i < data.events.size(); ++i) {
    if (!o.test.contains(data.events[i].start_ms) || !in_slice(name, data.events[i])) continue;
    index[i] = static_cast<int32_t>(t.events.size());
    t.events.push_back(data.events[i]);
  }
  t.rows.assign(data.table.rows(), Truth::kIgnored);
  for (size_t row = 0; row < t.rows.size(); ++row) {
    if (!o.test.contains(data.time_of(row))) continue;
    const int32_t event = data.event_of_row[row];
    if (event >= 0) {
      t.rows[row] = index[static_cast<size_t>(event)];
    } else if (!data.excluded[row] || name == kOthersBenign) {
      t.rows[row] = Truth::kBenign;
    }
  }
  return t;
}

std::vector<ScoredRow> DdosResult::scored_rows(size_t slice, const std::vector<float>& scores) const {
  const Truth t = truth(slice);
  std::vector<ScoredRow> rows;
  for (size_t row = 0; row < scores.size(); ++row) {
    if (t.rows[row] == Truth::kIgnored || !data.scored[row]) continue;
    const auto day = static_cast<int32_t>((data.time_of(row) - options.protocol.test.from_ms) / kDayMs);
    rows.push_back({scores[row], t.rows[row] == Truth::kBenign ? -1 : t.rows[row], day});
  }
  return rows;
}

DdosResult evaluate_ddos(const FrameTable& table, const std::vector<Event>& events,
                         const std::vector<Event>& excluded, const DdosRunOptions& options,
                         const std::vector<std::unique_ptr<AttackMethod>>& detectors,
                         const base::ProgressFn& progress, const base::StopFlag* stop) {
  DdosResult result;
  result.options = options;
  if (options.protocol.test.empty()) throw base::UsageError("the test period is empty");
  result.data = prepare_ddos(table, events, excluded, options.protocol);
  const auto volumes = volume_features(result.data.table, true);
  if (volumes.empty()) throw base::Error("the store gives no incoming volume (bytes, packets or flows)");
  result.volume_feature = volumes[0];
  result.slices = make_slices(result.data, options.protocol);
  for (size_t s = 0; s < result.slices.size(); ++s) {
    const auto rows = result.scored_rows(s, std::vector<float>(result.data.table.rows()));
    result.slices[s].events = result.truth(s).events.size();
    for (const ScoredRow& r : rows)
      ++(r.event >= 0 ? result.slices[s].attack_rows : result.slices[s].benign_rows);
  }
  if (result.slices[0].events == 0) throw base::Error("no labelled event starts in the test period");
  add_notes(result);
  Runner(result, detectors, progress, stop).run();
  summarize(result);
  return result;
}

}  // namespace netflowgen::eval

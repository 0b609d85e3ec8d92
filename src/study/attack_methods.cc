#include "study/attack_methods.h"

#include <limits>

#include "base/random.h"
#include "detect/band.h"

namespace netflowgen::study {
namespace {

constexpr size_t kMostBenign = 30000;
// Weight of a row that an operator denied, at most; and of all of them together, at most, as a share of the benign rows.
constexpr size_t kMostRepeats = 100;
constexpr double kDeniedShare = 0.05;
constexpr float kNoScore = std::numeric_limits<float>::quiet_NaN();

std::vector<float> by_row(const learn::FeatureCache& cache, const std::vector<float>& kept_scores) {
  std::vector<float> scores(cache.kept.size(), kNoScore);
  for (size_t r = 0; r < scores.size(); ++r) {
    if (cache.kept[r] >= 0) scores[r] = kept_scores[static_cast<size_t>(cache.kept[r])];
  }
  return scores;
}

}  // namespace

const learn::FeatureCache& FeatureCaches::of(const series::FrameTable& table) {
  const auto key = std::pair(&table, table.rows());
  const auto it = caches_.find(key);
  if (it != caches_.end()) return it->second;
  learn::ScanOptions options;
  options.before = true;
  if (!table.missing[series::kFlowsIn]) {
    options.keep.resize(table.rows());
    for (size_t r = 0; r < table.rows(); ++r) options.keep[r] = table.frame(r)[series::kFlowsIn] > 0;
  }
  return caches_.emplace(key, backbone_.scan(table, options, *stop_, progress_)).first->second;
}

void FeatureCaches::latch(const series::FrameTable& table, detect::ScoreTable& scores) {
  const auto& cache = of(table);
  if (cache.before_level.empty()) return;
  const auto& encoder = backbone_.encoder();
  const auto& quantiles = backbone_.spec().quantiles;
  const size_t volumes = encoder.volumes();
  scores.bands.assign(table.rows(), detect::Band::none());
  scores.seen.resize(table.rows());
  for (size_t r = 0; r < table.rows(); ++r) {
    scores.seen[r] = detect::volumes_of(encoder, table.frame(r));
    if (cache.kept[r] < 0) continue;
    const auto at = static_cast<size_t>(cache.kept[r]);
    scores.bands[r] = detect::band_of(
        std::span(cache.before_direct).subspan(at * volumes * quantiles.size(), volumes * quantiles.size()),
        std::span(cache.before_level).subspan(at * volumes, volumes), quantiles);
  }
}

std::vector<learn::Example> examples_of(const eval::DdosTask& task, const learn::FeatureCache& cache,
                                        size_t most_benign, uint64_t seed) {
  const auto usable = [&](size_t r) {
    return task.scored[r] && task.in_train(r) && task.labels[r] != eval::RowLabel::kUnlabelled &&
           cache.kept[r] >= 0;
  };
  size_t benign = 0;
  size_t validation_attacks = 0;
  for (size_t r = 0; r < cache.kept.size(); ++r) {
    if (!usable(r)) continue;
    if (task.labels[r] == eval::RowLabel::kBenign)
      ++benign;
    else if (task.in_validation(r))
      ++validation_attacks;
  }
  const double share =
      benign == 0 ? 1 : std::min(1.0, static_cast<double>(most_benign) / static_cast<double>(benign));
  size_t denied = 0;
  for (size_t r = 0; r < task.denied.size(); ++r) denied += task.denied[r] && usable(r) ? 1 : 0;
  const double kept = share * static_cast<double>(benign);
  const auto repeats =
      static_cast<size_t>(std::clamp(kDeniedShare * kept / static_cast<double>(std::max<size_t>(1, denied)),
                                     1.0, static_cast<double>(kMostRepeats)));
  base::Random random(seed);
  std::vector<learn::Example> examples;
  for (size_t r = 0; r < cache.kept.size(); ++r) {
    if (!usable(r)) continue;
    const bool attack = task.labels[r] == eval::RowLabel::kAttack;
    if (!attack && !random.chance(share) && (task.denied.empty() || !task.denied[r])) continue;
    // Validation rows are kept apart only when they hold attacks to validate on.
    const int32_t event = attack ? task.event_of_row[r] : -1;
    const learn::Example example{
        r, event, validation_attacks > 0 && task.in_validation(r),
        attack ? static_cast<int64_t>(task.events[static_cast<size_t>(event)].incident) : -1};
    examples.insert(examples.end(), !task.denied.empty() && task.denied[r] ? repeats : 1, example);
  }
  return examples;
}

void FrozenDetector::fit(const eval::DdosTask& task, uint64_t seed) {
  const auto& cache = caches_->of(*task.table);
  learn::HeadOptions options = options_;
  options.seed = seed;
  head_ = learn::train_head(cache, examples_of(task, cache, kMostBenign, seed), options);
}

std::vector<float> FrozenDetector::score(const series::FrameTable& table) {
  const auto& cache = caches_->of(table);
  return by_row(cache, learn::apply_head(cache, head_));
}

std::vector<learn::Example> tuning_examples(const eval::DdosTask& task, const learn::FeatureCache& cache,
                                            uint64_t seed) {
  auto examples = examples_of(task, cache, kMostBenign, seed);
  for (auto& e : examples) e.validation = task.in_validation(e.row);
  return examples;
}

void TunedDetector::fit(const eval::DdosTask& task, uint64_t seed) {
  learn::Backbone backbone(folder_, device_, threads_);
  auto options = tune_;
  options.seed = seed;
  learn::tune(backbone, *task.table, tuning_examples(task, frozen_->of(*task.table), seed), options, *stop_,
              progress_);
  tuned_ = std::make_unique<FrozenDetector>(
      name(), std::make_shared<FeatureCaches>(std::move(backbone), *stop_, progress_), head_);
  tuned_->fit(task, seed);
}

std::vector<float> FixedHead::score(const series::FrameTable& table) {
  const auto& cache = caches_->of(table);
  return by_row(cache, learn::apply_head(cache, head_));
}

std::vector<float> InjectionDetector::score(const series::FrameTable& table) {
  const auto& cache = caches_->of(table);
  return by_row(cache, cache.inject);
}

learn::HeadOptions default_ddos_head() {
  learn::HeadOptions h;
  h.spec.name = "ddos";
  h.spec.kind = "hazard";
  return h;
}

void start_from(const model::ModelFolder& folder, learn::HeadOptions& head) {
  if (!folder.spec().input.universal || folder.spec().task(head.spec.name) == nullptr) return;
  head.start = std::make_shared<const learn::HeadWeights>(learn::load_head(folder, head.spec.name));
}

std::vector<std::unique_ptr<eval::AttackMethod>> learned_detectors(const LearnedOptions& o,
                                                                   const base::StopFlag& stop,
                                                                   const base::ProgressFn& progress) {
  std::vector<std::unique_ptr<eval::AttackMethod>> all;
  const auto trained =
      std::make_shared<FeatureCaches>(learn::Backbone(o.model, o.device, o.threads), stop, progress);
  learn::Backbone random(o.model, o.device, o.threads);
  random.randomise(1);
  const auto untrained = std::make_shared<FeatureCaches>(std::move(random), stop, progress);
  const model::ModelFolder folder(o.model);
  learn::HeadOptions head = o.head;
  start_from(folder, head);
  all.push_back(std::make_unique<FrozenDetector>("netflowgen", trained, head));
  if (head.start) all.push_back(std::make_unique<FixedHead>(trained, *head.start));
  if (trained->backbone().spec().inject) all.push_back(std::make_unique<InjectionDetector>(trained));
  all.push_back(std::make_unique<FrozenDetector>("netflowgen untrained", untrained, o.head));
  for (const auto& what : o.tune) {
    learn::TuneOptions tune;
    tune.what = what;
    tune.loss = o.head.loss;
    all.push_back(
        std::make_unique<TunedDetector>(o.model, o.device, o.threads, trained, tune, o.head, stop, progress));
  }
  return all;
}

}  // namespace netflowgen::study

// A pre-trained model as a method of the evaluation: the frozen model's cache, with a head trained on the task's labels.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/stop.h"
#include "detect/calibrate.h"
#include "eval/attacks/attack_method.h"
#include "learn/feature_cache.h"
#include "learn/head.h"
#include "learn/tune.h"

namespace netflowgen::study {

// Feature caches of one backbone by table, walked once for all label budgets.
class FeatureCaches {
 public:
  FeatureCaches(learn::Backbone backbone, const base::StopFlag& stop, base::ProgressFn progress)
      : backbone_(std::move(backbone)), stop_(&stop), progress_(std::move(progress)) {}

  // The cache of the rows with flows_in > 0 (where the table has it), else of all rows.
  const learn::FeatureCache& of(const series::FrameTable& table);
  // The forecast made before each row, as the detector's band; nothing without direct heads.
  void latch(const series::FrameTable& table, detect::ScoreTable& scores);
  const learn::Backbone& backbone() const { return backbone_; }

 private:
  learn::Backbone backbone_;
  const base::StopFlag* stop_;
  base::ProgressFn progress_;
  std::map<std::pair<const series::FrameTable*, size_t>, learn::FeatureCache> caches_;
};

// Labelled rows of a task that the cache keeps. Benign rows are thinned to `most_benign`, deterministically by seed.
std::vector<learn::Example> examples_of(const eval::DdosTask& task, const learn::FeatureCache& cache,
                                        size_t most_benign, uint64_t seed);

class FrozenDetector : public eval::AttackMethod {
 public:
  FrozenDetector(std::string name, std::shared_ptr<FeatureCaches> caches, learn::HeadOptions options)
      : name_(std::move(name)), caches_(std::move(caches)), options_(std::move(options)) {}

  std::string name() const override { return name_; }
  void fit(const eval::DdosTask& task, uint64_t seed) override;
  std::vector<float> score(const series::FrameTable& table) override;
  void latch(const series::FrameTable& table, detect::ScoreTable& scores) override {
    caches_->latch(table, scores);
  }
  const learn::HeadWeights& head() const { return head_; }

 private:
  std::string name_;
  std::shared_ptr<FeatureCaches> caches_;
  learn::HeadOptions options_;
  learn::HeadWeights head_;
};

// Labelled rows to tune the Transformer on: as for a head, but those of the validation period are for choosing,
// so that thresholds come from labels that it did not learn from.
std::vector<learn::Example> tuning_examples(const eval::DdosTask& task, const learn::FeatureCache& cache,
                                            uint64_t seed);

// The same with the Transformer itself fine-tuned before: a model of its own for every fit.
class TunedDetector : public eval::AttackMethod {
 public:
  // `frozen`: caches of the same model as `folder`.
  TunedDetector(std::string folder, std::string device, int threads, std::shared_ptr<FeatureCaches> frozen,
                learn::TuneOptions tune, learn::HeadOptions head, const base::StopFlag& stop,
                base::ProgressFn progress)
      : folder_(std::move(folder)),
        device_(std::move(device)),
        threads_(threads),
        frozen_(std::move(frozen)),
        tune_(std::move(tune)),
        head_(std::move(head)),
        stop_(&stop),
        progress_(std::move(progress)) {}

  std::string name() const override { return "netflowgen " + tune_.what + " tuned"; }
  void fit(const eval::DdosTask& task, uint64_t seed) override;
  std::vector<float> score(const series::FrameTable& table) override { return tuned_->score(table); }
  void latch(const series::FrameTable& table, detect::ScoreTable& scores) override {
    tuned_->latch(table, scores);
  }

 private:
  std::string folder_, device_;
  int threads_;
  std::shared_ptr<FeatureCaches> frozen_;
  learn::TuneOptions tune_;
  learn::HeadOptions head_;
  const base::StopFlag* stop_;
  base::ProgressFn progress_;
  std::unique_ptr<FrozenDetector> tuned_;
};

// A head of the model's own, as it is: it learns nothing.
class FixedHead : public eval::AttackMethod {
 public:
  FixedHead(std::shared_ptr<FeatureCaches> caches, learn::HeadWeights head)
      : caches_(std::move(caches)), head_(std::move(head)) {}

  std::string name() const override { return "netflowgen head " + head_.spec.name; }
  bool uses_labels() const override { return false; }
  void fit(const eval::DdosTask&, uint64_t) override {}
  std::vector<float> score(const series::FrameTable& table) override;
  void latch(const series::FrameTable& table, detect::ScoreTable& scores) override {
    caches_->latch(table, scores);
  }

 private:
  std::shared_ptr<FeatureCaches> caches_;
  learn::HeadWeights head_;
};

// The injection head's logit: what pre-training alone says, no label at all.
class InjectionDetector : public eval::AttackMethod {
 public:
  explicit InjectionDetector(std::shared_ptr<FeatureCaches> caches) : caches_(std::move(caches)) {}

  std::string name() const override { return "netflowgen zero-label"; }
  bool uses_labels() const override { return false; }
  void fit(const eval::DdosTask&, uint64_t) override {}
  std::vector<float> score(const series::FrameTable& table) override;
  void latch(const series::FrameTable& table, detect::ScoreTable& scores) override {
    caches_->latch(table, scores);
  }

 private:
  std::shared_ptr<FeatureCaches> caches_;
};

// The defaults of the ddos head, chosen on validation periods (docs/results.md).
learn::HeadOptions default_ddos_head();
// A universal model's own head of that name is what the labels correct.
void start_from(const model::ModelFolder& folder, learn::HeadOptions& head);

// The model as "netflowgen", its injection head as "netflowgen zero-label", and the same Transformer with random weights
// as "netflowgen untrained"; for each of `tune` ("adapters", "all") the model tuned that way.
struct LearnedOptions {
  std::string model;
  std::string device = "cpu";
  int threads = 0;
  std::vector<std::string> tune;
  learn::HeadOptions head = default_ddos_head();
};
std::vector<std::unique_ptr<eval::AttackMethod>> learned_detectors(const LearnedOptions& options,
                                                                   const base::StopFlag& stop,
                                                                   const base::ProgressFn& progress);

}  // namespace netflowgen::study

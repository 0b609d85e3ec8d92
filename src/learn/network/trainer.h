// Optimises a model's weights on windows, whatever they come from: steps, validation, the checkpoint that a stopped run
// continues from. Private to this folder.
#pragma once

#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "learn/network/adamw.h"
#include "learn/network/batch_feed.h"
#include "learn/network/group_links.h"
#include "learn/network/network.h"
#include "learn/network/weight_average.h"
#include "learn/network/window_source.h"
#include "learn/pretrain.h"

namespace netflowgen::learn {

struct TrainingData {
  const WindowSource* train = nullptr;
  const WindowSource* validation = nullptr;
  std::string card;  // what it is, as lines of the model card
};

// Parts of a batch's loss, summed over its slices.
struct Losses {
  double total = 0;
  double next = 0;
  double inject = 0;
  double direct = 0;

  void add(const Losses& o, double weight) {
    total += weight * o.total;
    next += weight * o.next;
    inject += weight * o.inject;
    direct += weight * o.direct;
  }
};

class Trainer {
 public:
  // `data` must outlive it.
  Trainer(const PretrainOptions& options, const token::Tokenizer& tokenizer, const TrainingData& data,
          const base::fs::path& out);

  PretrainResult run(const base::StopFlag& stop, const base::ProgressFn& progress);

 private:
  void set_marginals();
  // The loss of a batch; with `train`, `weight` of its gradient is added to the weights'.
  Losses losses(const OwnBatch& own, double weight, bool train);
  double train_step();
  int rank() const { return options_.group == nullptr ? 0 : options_.group->rank(); }
  std::string fingerprint() const;
  void agree();  // with the other processes, on what they start from
  void share_state(TrainingGroup::Links& links);
  bool first() const { return options_.group == nullptr || options_.group->first(); }
  bool any(bool mine) const { return options_.group == nullptr ? mine : options_.group->any(mine); }
  bool goes_on(const base::StopFlag& stop) const;
  void evaluate();
  void save_checkpoint() const;
  bool load_checkpoint();
  void save_best() const;
  void log(const nlohmann::ordered_json& line);
  std::string card() const;

  PretrainOptions options_;
  base::fs::path out_;
  token::Encoder encoder_;
  torch::Device device_;
  Network network_;
  TrainingData data_;
  base::Random random_;  // of the windows
  BatchFeed feed_;
  std::unique_ptr<AdamW> optimiser_;
  std::unique_ptr<WeightAverage> average_;
  std::ofstream log_;
  int64_t step_ = 0;
  double best_ = INFINITY;
  double best_bits_ = 0;
  int64_t bad_ = 0;
  nlohmann::ordered_json line_;
};

}  // namespace netflowgen::learn

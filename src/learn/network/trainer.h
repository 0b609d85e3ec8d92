// Optimises a model's weights on windows, whatever they come from: steps, validation, the checkpoint that a stopped run
// continues from. Private to this folder.
#pragma once

#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "learn/network/adamw.h"
#include "learn/network/group_links.h"
#include "learn/network/network.h"
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
  // The loss of newly drawn windows; with `train`, `weight` of its gradient is added to the weights'.
  Losses losses(const WindowSource& source, base::Random& random, double weight, bool train);
  double train_step();
  // What this process computes of a batch.
  struct OwnBatch {
    size_t all = 0;    // slices of the batch
    size_t first = 0;  // own ones: from here on
    std::vector<WindowBatch> slices;
  };
  OwnBatch draw(const WindowSource& source, base::Random& random) const;
  OwnBatch draw_sharded(const WindowSource& source, const std::vector<WindowPlan>& plans) const;
  // Room for windows `plans` in slices of them, filled.
  void fill(const WindowSource& source, const std::vector<WindowPlan>& plans,
            const std::vector<std::pair<int64_t, int64_t>>& slices, OwnBatch& own) const;
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
  base::Random random_;  // the data cursor
  std::unique_ptr<AdamW> optimiser_;
  std::ofstream log_;
  int64_t step_ = 0;
  double best_ = INFINITY;
  double best_bits_ = 0;
  int64_t bad_ = 0;
  nlohmann::ordered_json line_;
};

}  // namespace netflowgen::learn

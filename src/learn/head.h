// Task heads on a frozen model's cache. Few labels, so: the score starts as a prior that needs none, a ridge correction
// is fitted to the labels, and where asked an ensemble of small networks to what that leaves. Boosted trees learn the same
// labels by themselves, and the two opinions' logits are averaged; the more incidents the labels hold, the more the trees'
// counts. In the end it is one hidden layer and a sum of trees, which is what model/spec.h and infer know.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "learn/feature_cache.h"

namespace netflowgen::learn {

// One labelled row for training.
struct Example {
  size_t row = 0;      // of the table; must be kept in the cache
  int32_t group = -1;  // event it belongs to, -1: benign (or the class index for kind "classes")
  bool validation = false;
  int64_t incident = -1;  // that event's; events of one incident are one lesson. -1: an incident of its own
};

// The score before any label. Each is linear in the head's input and left out where that lacks what it needs.
enum class Prior : uint8_t {
  kNone,
  kVolume,  // more traffic in, and less of it answered, than steps usually have: 2 (mean z in - mean z out)
  kInjection,  // the injection head's logit; kVolume where the model has no such head
  kBoth,       // the mean of the two
};

struct HeadWeights;

struct HeadOptions {
  model::HeadSpec spec;      // what it reads; hidden is the width of each member
  std::string loss = "bce";  // "bce" per step, or "safe": the survival loss of Xatu
  Prior prior = Prior::kBoth;
  double ridge = 0.1;        // penalty of a linear weight's square, inputs standardised
  double hidden_ridge = 10;  // times that for the hidden state's, which are many
  int members = 0;           // networks that correct the linear part further
  int epochs = 120;          // full passes at most
  int patience = 20;         // epochs without improvement on validation
  double learning_rate = 3e-3;
  double weight_decay = 0.05;
  double dropout = 0.2;         // of inputs, while training
  double positive_share = 0.3;  // of the total weight that attacks carry
  // Trees, on the dense inputs (head_trees.h); 0: none.
  int trees = 60;
  int tree_depth = 4;
  double tree_trust =
      30;  // weight of an event, against a leaf's penalty of 1: small where labels are few or doubtful
  // Number of incidents from which on the trees' logit has its full weight; proportionally less with fewer.
  double tree_incidents = 5;
  uint64_t seed = 1;
  // A head that the model came with: the labels correct it, and what it reads is read. `spec`, `prior` and `members` are then
  // not used. nullptr: none.
  std::shared_ptr<const HeadWeights> start = nullptr;
};

struct HeadWeights {
  model::HeadSpec spec;  // hidden: members times the member's width
  std::vector<float> mean, deviation, w1, b1, w2, b2;
  model::Trees trees;  // spec.trees of them
};

// REQUIRES: at least one positive and one benign example, else base::Error says which is missing.
HeadWeights train_head(const FeatureCache& cache, std::span<const Example> examples,
                       const HeadOptions& options);

// Logit of each kept row (kind "hazard" and "binary"), [cache.count()].
std::vector<float> apply_head(const FeatureCache& cache, const HeadWeights& head);

// A task head of a model folder, as apply_head takes it. Error: the model has no such head.
HeadWeights load_head(const model::ModelFolder& folder, const std::string& name);

// Adds or replaces the head in a model folder: config.json, model.safetensors and card.md.
void add_head(const base::fs::path& folder, const HeadWeights& head, const std::string& card_lines);

}  // namespace netflowgen::learn

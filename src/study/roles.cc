#include "study/roles.h"

#include <fmt/format.h>

#include <algorithm>
#include <span>
#include <utility>

#include "base/error.h"
#include "booster/booster.h"
#include "learn/head.h"
#include "study/class_head.h"
#include "study/finetune.h"
#include "study/node_pool.h"

namespace netflowgen::study {
namespace {

constexpr size_t kMostExamples = 3000;  // the regression is solved in their space

// Rows of one matrix [nodes, width], and how they become comparable.
class NodeMatrix {
 public:
  explicit NodeMatrix(const NodePool& pool)
      : values_(pool.mean), width_(pool.width), hidden_(pool.hidden), within_(pool.within) {
    for (const uint64_t steps : pool.steps) known_.push_back(steps > 0);
  }
  explicit NodeMatrix(const NodeSummaries& s)
      : values_(s.values.begin(), s.values.end()), width_(s.columns.size()) {
    for (size_t n = 0; n < values_.size() / width_; ++n)
      known_.push_back(of(n)[0] > 0);  // share of active steps
  }

  std::span<const double> of(size_t node) const { return {values_.data() + node * width_, width_}; }
  size_t width() const { return width_; }
  ClassHeadOptions head_options(double ridge) const { return {.ridge = ridge, .hidden = hidden_}; }

  // Of the nodes that have a step.
  InputScale scale() const {
    std::vector<double> known;
    for (size_t n = 0; n < known_.size(); ++n) {
      if (known_[n]) known.insert(known.end(), of(n).begin(), of(n).end());
    }
    auto scale = scale_of(known, width_);
    if (!within_.empty()) ignore(scale, within_);
    return scale;
  }

  ClassExamples examples(const eval::LabelledNodes& train) const {
    ClassExamples e{width_, {}, train.labels};
    for (const size_t n : train.nodes) e.x.insert(e.x.end(), of(n).begin(), of(n).end());
    return e;
  }

 private:
  std::vector<double> values_;
  size_t width_;
  size_t hidden_ = 0;
  std::vector<bool> known_;     // [nodes] has a step
  std::vector<double> within_;  // empty: not known
};

class RidgeClasses : public eval::ClassMethod {
 public:
  RidgeClasses(std::string name, NodeMatrix matrix, double ridge)
      : name_(std::move(name)), matrix_(std::move(matrix)), scale_(matrix_.scale()), ridge_(ridge) {}
  std::string name() const override { return name_; }
  std::vector<int> predict(const eval::LabelledNodes& train, std::span<const size_t> nodes,
                           uint64_t) override {
    const auto w =
        train_class_weights(matrix_.examples(train), train.classes, scale_, matrix_.head_options(ridge_));
    std::vector<int> said;
    for (const size_t n : nodes) {
      const auto p = w.probabilities(matrix_.of(n));
      said.push_back(static_cast<int>(std::max_element(p.begin(), p.end()) - p.begin()));
    }
    return said;
  }

 private:
  std::string name_;
  NodeMatrix matrix_;
  InputScale scale_;
  double ridge_;
};

// One ensemble a class against the others; a class counts as much as all others together. XGBoost's default weight of a leaf
// (1) would leave five examples a class without a split.
class BoostedClasses : public eval::ClassMethod {
 public:
  BoostedClasses(NodeSummaries summaries, int threads) : summaries_(std::move(summaries)) {
    booster_.rounds = 100;
    booster_.parameters = {{"objective", "binary:logistic"},
                           {"max_depth", "4"},
                           {"eta", "0.1"},
                           {"min_child_weight", "0.1"},
                           {"colsample_bytree", "0.5"},
                           {"base_score", "0.5"},
                           {"nthread", std::to_string(std::max(threads, 0))}};
  }
  std::string name() const override { return "XGBoost on summaries"; }
  std::vector<int> predict(const eval::LabelledNodes& train, std::span<const size_t> nodes,
                           uint64_t seed) override {
    const auto x = rows(train.nodes);
    const auto test = rows(nodes);
    const size_t width = summaries_.columns.size();
    std::vector<float> best(nodes.size(), -1);
    std::vector<int> said(nodes.size(), 0);
    for (size_t c = 0; c < train.classes; ++c) {
      std::vector<float> y;
      for (const int label : train.labels) y.push_back(label == static_cast<int>(c) ? 1.0f : 0.0f);
      const auto positive = static_cast<float>(std::count(y.begin(), y.end(), 1.0f));
      const auto size = static_cast<float>(y.size());
      std::vector<float> weights;
      for (const float v : y) weights.push_back(size / 2 / (v > 0 ? positive : size - positive));
      const booster::Booster trees({x.data(), y.size(), width}, y, weights, booster_, seed);
      const auto p = trees.predict({test.data(), nodes.size(), width});
      for (size_t i = 0; i < p.size(); ++i) {
        if (p[i] <= best[i]) continue;
        best[i] = p[i];
        said[i] = static_cast<int>(c);
      }
    }
    return said;
  }

 private:
  std::vector<float> rows(std::span<const size_t> nodes) const {
    std::vector<float> x;
    for (const size_t n : nodes) x.insert(x.end(), summaries_.of(n).begin(), summaries_.of(n).end());
    return x;
  }

  NodeSummaries summaries_;
  booster::BoosterOptions booster_;
};

// The labelled nodes with a step, at most so many of a class that all together are few enough; evenly spaced.
eval::LabelledNodes examples_of(const NodePool& pool, const eval::NodeClasses& classes, RoleResult& result) {
  eval::LabelledNodes chosen;
  chosen.classes = classes.names.size();
  const size_t most = std::max<size_t>(1, kMostExamples / chosen.classes);
  for (size_t c = 0; c < chosen.classes; ++c) {
    auto nodes = classes.nodes_of(static_cast<int>(c));
    result.silent += std::erase_if(nodes, [&](size_t n) { return pool.steps[n] == 0; });
    if (nodes.empty())
      throw base::Error(
          "class {} has no node with a step in the period; label others, or leave the class out",
          classes.names[c]);
    const size_t count = std::min(most, nodes.size());
    for (size_t i = 0; i < count; ++i) {
      chosen.nodes.push_back(nodes[i * nodes.size() / count]);
      chosen.labels.push_back(static_cast<int>(c));
    }
    result.nodes.push_back(count);
  }
  return chosen;
}

}  // namespace

RoleResult finetune_roles(const RoleOptions& o, const series::FrameTable& table,
                          const eval::NodeClasses& classes, const base::StopFlag& stop,
                          const base::ProgressFn& progress) {
  const learn::Backbone backbone(o.model, o.device, o.threads);
  const auto pool = pool_nodes(backbone, table, o.range, stop, progress);
  RoleResult result;
  const auto train = examples_of(pool, classes, result);
  const NodeMatrix matrix(pool);
  const auto weights = train_class_weights(matrix.examples(train), train.classes, matrix.scale(),
                                           matrix.head_options(o.ridge));
  result.left_out_accuracy = weights.left_out_accuracy;
  copy_whole_model(o.model, o.out);
  learn::add_head(o.out, as_head(kRoleTask, classes.names, weights, pool.deviation, pool.width > pool.hidden),
                  fmt::format("- task head `role`: {} classes, {} labelled nodes, frozen backbone\n",
                              train.classes, train.nodes.size()));
  return result;
}

std::vector<std::unique_ptr<eval::ClassMethod>> role_methods(const RoleOptions& o,
                                                             const series::FrameTable& table,
                                                             const base::StopFlag& stop,
                                                             const base::ProgressFn& progress) {
  std::vector<std::unique_ptr<eval::ClassMethod>> all;
  const auto add_model = [&](const learn::Backbone& backbone, const char* name) {
    all.push_back(std::make_unique<RidgeClasses>(
        name, NodeMatrix(pool_nodes(backbone, table, o.range, stop, progress)), o.ridge));
  };
  if (!o.model.empty()) {
    learn::Backbone backbone(o.model, o.device, o.threads);
    add_model(backbone, "netflowgen");
    backbone.randomise(1);
    add_model(backbone, "netflowgen untrained");
  }
  const auto summaries = summarise_nodes(table, o.range);
  all.push_back(std::make_unique<BoostedClasses>(summaries, o.threads));
  all.push_back(std::make_unique<RidgeClasses>("ridge on summaries", NodeMatrix(summaries), o.ridge));
  return all;
}

}  // namespace netflowgen::study

// Windows of many networks. Of those of a labelled network some lie around an attack, each type as often as any other, and some
// around what looks like one, each kind as often as any other.
// Private to this folder.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "learn/corpus.h"
#include "learn/network/disguise.h"
#include "learn/network/window_source.h"
#include "learn/training_group.h"

namespace netflowgen::learn {

// One network's positions with its encoder, whose step is the network's own.
class CorpusPart {
 public:
  // `alone`: what the other nodes do is hidden. `own_order`: the draws do not depend on how the corpus numbers types.
  CorpusPart(const CorpusNetwork& network, const token::Tokenizer& tokenizer, token::InputSpec input,
             bool alone, bool own_order);

  const CorpusNetwork& network() const { return *network_; }
  const Positions& positions() const { return *positions_; }
  bool usable() const { return cumulative_.back() > 0; }  // a node has two positions

  WindowPlan plan(base::Random& random, size_t length) const;
  // Sets batch.inject of window `b`, which fill_window has filled from `plan`.
  void label(const WindowPlan& plan, size_t b, WindowBatch& batch) const;
  const Disguise& disguise() const { return *disguise_; }

 private:
  struct Start {
    size_t node;      // index into positions_.nodes()
    size_t position;  // the span's first
    auto operator<=>(const Start&) const = default;
  };
  using Starts = std::vector<std::vector<Start>>;  // by type, of those that are there

  // `spans`: [nodes of the table]; or empty.
  Starts starts_of(const std::vector<std::vector<AttackSpan>>& spans) const;

  const CorpusNetwork* network_;
  bool own_order_;
  std::unique_ptr<token::Encoder> encoder_;
  std::unique_ptr<Positions> positions_;
  std::unique_ptr<Disguise> disguise_;
  std::vector<double> cumulative_;  // by node, the square root of its rows
  Starts attacks_;
  Starts lookalikes_;
};

// Sharded, each process draws the same networks for a batch's windows, as often as their weights ask for, and each window has
// random numbers of its own. So a window does not depend on who computes it.
struct CorpusSampling {
  size_t length = 0;  // positions a window
  std::optional<double>
      hidden{};  // windows of labelled networks are disguised, and this share of them hides features
  bool sharded = false;
  TrainingGroup* group = nullptr;  // of those that share the networks; nullptr: this process alone
};

class CorpusSampler final : public WindowSource {
 public:
  // Error: no network has anything to learn from. The networks must outlive it. Sharded: all processes must call it.
  CorpusSampler(const std::vector<CorpusNetwork>& networks, const token::Tokenizer& tokenizer,
                const token::InputSpec& input, const CorpusSampling& sampling);

  size_t length() const override { return sampling_.length; }
  bool sharded() const override { return sampling_.sharded; }
  int owner(const WindowPlan& plan) const override { return owners_[plan.network]; }
  std::vector<WindowPlan> plan(base::Random& random, size_t windows) const override;
  void fill_one(const WindowPlan& plan, size_t b, WindowBatch& batch) const override;
  size_t positions() const { return positions_; }  // of all processes
  size_t nodes() const { return nodes_; }

 private:
  std::vector<WindowPlan> plan_sharded(base::Random& random, size_t windows) const;
  bool disguises(const CorpusPart& part) const { return sampling_.hidden && part.network().labelled; }

  std::vector<std::unique_ptr<CorpusPart>> parts_;  // nullptr: elsewhere
  std::vector<int> owners_;
  std::vector<double> cumulative_;
  CorpusSampling sampling_;
  size_t positions_ = 0;
  size_t nodes_ = 0;
};

}  // namespace netflowgen::learn

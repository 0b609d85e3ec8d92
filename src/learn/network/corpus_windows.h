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

namespace netflowgen::learn {

// One network's positions with its encoder, whose step is the network's own.
class CorpusPart {
 public:
  // `alone`: what the other nodes do is hidden.
  CorpusPart(const CorpusNetwork& network, const token::Tokenizer& tokenizer, token::InputSpec input,
             bool alone);

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
  };
  using Starts = std::vector<std::vector<Start>>;  // by type, of those that are there

  // `spans`: [nodes of the table]; or empty.
  Starts starts_of(const std::vector<std::vector<AttackSpan>>& spans) const;

  const CorpusNetwork* network_;
  std::unique_ptr<token::Encoder> encoder_;
  std::unique_ptr<Positions> positions_;
  std::unique_ptr<Disguise> disguise_;
  std::vector<double> cumulative_;  // by node, the square root of its rows
  Starts attacks_;
  Starts lookalikes_;
};

struct CorpusSampling {
  size_t length = 0;  // positions a window
  std::optional<double>
      hidden{};  // windows of labelled networks are disguised, and this share of them hides features
};

class CorpusSampler final : public WindowSource {
 public:
  // Error: no network has anything to learn from. The networks must outlive it.
  CorpusSampler(const std::vector<CorpusNetwork>& networks, const token::Tokenizer& tokenizer,
                const token::InputSpec& input, const CorpusSampling& sampling);

  size_t length() const override { return sampling_.length; }
  std::vector<WindowPlan> plan(base::Random& random, size_t windows) const override;
  void fill_one(const WindowPlan& plan, size_t b, WindowBatch& batch) const override;
  size_t positions() const;
  size_t nodes() const;

 private:
  std::vector<CorpusPart> parts_;
  std::vector<double> cumulative_;
  CorpusSampling sampling_;
};

}  // namespace netflowgen::learn

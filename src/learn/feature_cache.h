// A frozen model's view of a table: it walks every series once, exactly as the stream would, and keeps what
// heads and forecasts need. Heads are then trained and applied on the cache alone, so that many label budgets
// cost one walk.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/file.h"
#include "base/stop.h"
#include "learn/pretrain.h"
#include "model/spec.h"
#include "series/frame_table.h"

namespace netflowgen::learn {

// For each kept row of a table, in row order.
struct FeatureCache {
  size_t hidden = 0;  // widths of the three parts of z
  size_t surprise = 0;
  size_t dense = 0;
  std::vector<int64_t> kept;         // [rows of the table] index into the arrays below, or -1
  std::vector<float> z;              // [kept, hidden + surprise + dense]: a head's input, not standardised
  std::vector<float> inject;         // [kept] logit of the injection head; empty without one
  std::vector<float> inject_weight;  // [hidden + 1] that head, bias last
  // Columns of z with the standardised log of an incoming or outgoing volume.
  std::vector<size_t> volumes_in;
  std::vector<size_t> volumes_out;
  std::vector<float>
      direct;  // [kept, leads, volumes, quantiles] values in the features' units; empty unless asked
  // What the position before the row forecast for it, of the first lead; empty unless asked.
  std::vector<float> before_direct;  // [kept, volumes, quantiles] log1p minus level
  std::vector<float> before_level;   // [kept, volumes] NaN: nothing came before
  std::vector<int32_t> likely;  // [kept, surprise] most probable target after this row; empty unless asked

  size_t width() const { return hidden + surprise + dense; }
  size_t count() const { return width() == 0 ? 0 : z.size() / width(); }
};

struct ScanOptions {
  StepRange range;            // steps to walk; history before it is not seen
  std::vector<size_t> nodes;  // empty: all
  std::vector<bool> keep;     // [rows]; empty: all
  bool direct = false;
  bool before = false;  // needs direct heads
  bool likely = false;
};

// A pre-trained model, or the same Transformer untrained, to look at tables with. Not thread-safe.
class Backbone {
 public:
  // Error: see model::ModelFolder.
  Backbone(const base::fs::path& folder, const std::string& device, int threads);
  ~Backbone();
  Backbone(Backbone&&) noexcept;

  const model::ModelSpec& spec() const;
  const token::Tokenizer& tokenizer() const;
  const token::Encoder& encoder() const;
  // Replaces the weights by random ones: the baseline "without pre-training".
  void randomise(uint64_t seed);
  // Throws base::Stopped when asked to stop.
  FeatureCache scan(const series::FrameTable& table, const ScanOptions& options, const base::StopFlag& stop,
                    const base::ProgressFn& progress) const;

  struct Impl;
  Impl& impl() const { return *impl_; }

 private:
  std::unique_ptr<Impl> impl_;
};

}  // namespace netflowgen::learn

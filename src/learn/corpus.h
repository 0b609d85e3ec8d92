// Many networks to learn from at once: their series, and where it is known what was an attack.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "learn/pretrain.h"
#include "series/frame_table.h"

namespace netflowgen::learn {

// Steps [from, to) of one node that carry an attack of a type, or of which nothing is said.
struct AttackSpan {
  static constexpr int kUnknown = -1;
  int64_t from = 0;
  int64_t to = 0;
  int type = 0;  // an index of the corpus' types, or kUnknown: neither attack nor benign is learnt from
};

struct CorpusNetwork {
  std::string name;
  series::FrameTable table;
  bool labelled = true;                          // false: nothing is known about attacks
  std::vector<std::vector<AttackSpan>> attacks;  // [nodes], by start
  std::vector<size_t> nodes = {};                // of the table, to learn from; empty: all
  double weight = 1;                             // how often its windows are drawn, beside the others'
  bool sampled = false;                          // its routers sample packets
  float least_attack =
      0;  // flows_in of a step of an attack; a step that has fewer is neither attack nor benign
  // [nodes], by start: what is no attack and looks like one (scans, flash crowds, backups); AttackSpan::type is a kind of
  // them. Empty: nothing is known.
  std::vector<std::vector<AttackSpan>> lookalikes = {};
  bool elsewhere = false;  // another process has it (PretrainOptions::shard); no table

  // The type of the attack on the node at a step; kUnknown, or kNone.
  static constexpr int kNone = -2;
  int attack_at(size_t node, int64_t step) const;
  bool too_weak(size_t row) const { return table.frame(row)[series::kFlowsIn] < least_attack; }
};

// Pre-trains a universal model: next step, quantiles ahead, and under "inject" whether a step is part of an attack. Validates
// on networks that it never learns from. options.train, validation and nodes are not used. Errors: as pretrain();
// UsageError where the spec is not universal.
PretrainResult pretrain_corpus(const std::vector<CorpusNetwork>& train,
                               const std::vector<CorpusNetwork>& validation, const PretrainOptions& options,
                               const base::fs::path& out, const base::StopFlag& stop,
                               const base::ProgressFn& progress);

}  // namespace netflowgen::learn

// The parts of the shipped head's logit on networks whose attacks are known, and the weights that they get. For zero_shot.cc.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "base/stop.h"
#include "learn/corpus.h"
#include "learn/feature_cache.h"
#include "model/trees.h"

namespace netflowgen::study {

inline constexpr double kPositiveShare = 0.3;  // of the total weight that attacks carry
inline constexpr float kDenseDeviation = 2;    // the head's clip is wider than the dense inputs' own

// What is known of a network's rows.
struct RowTruths {
  std::vector<int32_t> event;   // index of the attack, -1 benign, -2 not learnt from
  std::vector<bool> lookalike;  // benign, and looks like an attack
  size_t events = 0;
};
RowTruths truths_of(const learn::CorpusNetwork& network);

// How many rows each event and all benign rows have, among some. A row's weight makes every event count alike.
struct RowWeights {
  RowWeights(const RowTruths& truth, const std::vector<size_t>& rows);
  double of(int32_t event) const;  // all of them together weigh 1

  std::vector<size_t> size;  // [events]
  size_t events = 0;         // with a row
  size_t benign = 0;
};

// Weights of the head's parts: the Transformer's logit, the trees', and log1p(flows_in), which ranks what both are sure of by
// how much evidence there is. On connection counts alone that decides.
struct Mix {
  double transformer = 0, trees = 0, flows = 0, bias = 0;
};

// The parts on one network, by kept row.
struct Parts {
  std::string name;
  RowTruths truth;
  std::vector<size_t> rows;  // of the table
  std::vector<float> transformer, trees, flows;

  float score(const Mix& mix, size_t i) const;
  double auprc(const Mix& mix) const;  // by events
};
// `trees` read the columns of the head's input: the hidden state, then the dense inputs. Throws base::Stopped.
Parts parts_of(const learn::CorpusNetwork& network, const learn::Backbone& backbone,
               const model::Trees& trees, const base::StopFlag& stop);

// Logistic regression over all networks, each event alike. A network that is not understood is still ranked by size: flows
// weigh at least a half.
Mix fit_mix(const std::vector<Parts>& networks);

}  // namespace netflowgen::study

// The random-weights twin of the shipped head: the same Transformer without pre-training, whose hidden state boosted trees turn
// into a logit, learnt from the same truth, in place of the pre-trained one's. What pre-training is worth is the head's
// distance from it. For zero_shot.cc.
#pragma once

#include <vector>

#include "base/file.h"
#include "base/stop.h"
#include "study/corpus.h"
#include "study/head_mix.h"
#include "study/head_rows.h"

namespace netflowgen::study {

struct TwinOptions {
  Growth growth;
  MostRows most;
  int threads = 0;
};
struct Twin {
  std::vector<Parts> parts;  // of the validation networks; `transformer` is the twin's logit
  Mix mix;
};
// `parts`: those of the pre-trained model on the validation networks. Throws base::Stopped.
Twin twin_of(const base::fs::path& model, const Corpus& corpus, const std::vector<Parts>& parts,
             const TwinOptions& options, const base::StopFlag& stop, const base::ProgressFn& progress);

}  // namespace netflowgen::study

// The forecast of the whole network's traffic: its totals are one more node, of a model's engine of its own, so that they
// change nothing for the nodes that are scored and are in no store.
#pragma once

#include <memory>

#include "infer/engine.h"
#include "serve/history/step_block.h"

namespace netflowgen::serve {

class NetworkForecast {
 public:
  NetworkForecast(std::shared_ptr<const infer::Model> model, std::shared_ptr<const ScoreLayout> layout);

  // The totals of a step; steps ascend, and one that does not is left out. Returns the forecast of the next step; NaN: none.
  VolumeFans add(int64_t step, const Totals& totals);
  // That the last forecast is for.
  int64_t next_step() const { return next_step_; }

 private:
  std::shared_ptr<const infer::Model> model_;
  std::shared_ptr<const ScoreLayout> layout_;
  infer::Engine engine_;
  infer::Results results_;
  int64_t next_step_ = INT64_MIN;
};

}  // namespace netflowgen::serve

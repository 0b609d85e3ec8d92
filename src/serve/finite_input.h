// Finite flow input through the Pipeline so that nothing of it is late: input that is not in the order of time is read a
// second time, with the plan of the first reading (series/arrival.h).
//
// Input that is in order enough is read once. The first reading builds the series; the first flow that comes too late for
// its step ends that, and the rest is read for its order alone. One thread. A second reading must give the same flows, so
// it is for files, not for pipes.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "serve/pipeline.h"

namespace netflowgen::serve {

using OpenSource = std::function<std::unique_ptr<flow::FlowSource>()>;

// Files, folders and topics with fixed offsets can; standard input, pipes and devices cannot.
bool can_be_read_twice(const std::vector<std::string>& paths);

struct FiniteInput {
  OpenSource open;  // called once a reading
  PipelineOptions options;
  base::fs::path spill_folder;  // for open steps that memory does not hold
  const base::StopFlag* stop = nullptr;
  std::function<void(const flow::FlowSource&, uint64_t flows, bool end)> report;  // after each batch
};

// The order of all flows. Error: the source's first, if it gives no flow at all. Stopped.
std::shared_ptr<const series::ArrivalPlan> read_order(const FiniteInput& input);
// The options with the plan, and with a bound on the memory of open steps.
series::SeriesOptions with_plan(const FiniteInput& input, std::shared_ptr<const series::ArrivalPlan> plan);

struct FiniteRun {
  std::unique_ptr<Pipeline> pipeline;  // of the reading that counts, finished
  InputOutcome outcome;
};
// Builds the series of the whole input in one reading; late flows are dropped and counted.
FiniteRun run_once(const FiniteInput& input, series::FrameSink& sink);
// Builds the series of the whole input, in one or two readings. `again` is called between them, with what was late: the sink
// must then forget all frames that it was given. Stopped.
FiniteRun run_in_any_order(FiniteInput input, series::FrameSink& sink,
                           const std::function<void(const series::LateFlows&)>& again);

}  // namespace netflowgen::serve

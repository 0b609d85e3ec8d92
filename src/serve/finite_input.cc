#include "serve/finite_input.h"

#include <utility>

#include "base/error.h"
#include "flow/open.h"
#include "series/arrival.h"

namespace netflowgen::serve {
namespace {

constexpr size_t kOpenStepsBytes = size_t{1} << 30;
constexpr size_t kBatch = 1024;

// The rest of a source. An error of it ends the reading: the next one meets it again.
void measure(flow::FlowSource& source, series::ArrivalMeter& meter, const FiniteInput& input,
             uint64_t flows) {
  std::vector<flow::Flow> batch(kBatch);
  InputOutcome outcome;
  read_until_end(*input.stop, outcome, [&] {
    const size_t n = source.read(batch);
    meter.add({batch.data(), n});
    flows += n;
    const bool more = n > 0 || source.waiting();
    input.report(source, flows, !more);
    return more;
  });
  if (outcome.stopped)
    throw base::Stopped("stopped while the order of the input was read; nothing was written");
}

}  // namespace

bool can_be_read_twice(const std::vector<std::string>& paths) {
  for (const auto& path : paths) {
    if (flow::is_pinned_topic(path)) continue;
    std::error_code ignored;
    const auto status = base::fs::status(path, ignored);
    if (path == "-" || !(base::fs::is_regular_file(status) || base::fs::is_directory(status))) return false;
  }
  return true;
}

series::SeriesOptions with_plan(const FiniteInput& input, std::shared_ptr<const series::ArrivalPlan> plan) {
  auto series = input.options.series;
  series.plan = std::move(plan);
  series.memory_bytes = kOpenStepsBytes;
  series.spill_folder = input.spill_folder;
  return series;
}

std::shared_ptr<const series::ArrivalPlan> read_order(const FiniteInput& input) {
  const auto source = input.open();
  series::ArrivalMeter meter(input.options.series);
  measure(*source, meter, input, 0);
  return std::make_shared<const series::ArrivalPlan>(meter.finish());
}

FiniteRun run_once(const FiniteInput& input, series::FrameSink& sink) {
  FiniteRun run;
  run.pipeline = std::make_unique<Pipeline>(input.open(), input.options, sink);
  run.outcome = run_to_end(*run.pipeline, *input.stop, [&](bool end) {
    input.report(run.pipeline->source(), run.pipeline->flows(), end);
  });
  return run;
}

FiniteRun run_in_any_order(FiniteInput input, series::FrameSink& sink,
                           const std::function<void(const series::LateFlows&)>& again) {
  FiniteRun run;
  series::ArrivalMeter meter(input.options.series);
  run.pipeline = std::make_unique<Pipeline>(input.open(), input.options, sink,
                                            [&](std::span<const flow::Flow> flows) { meter.add(flows); });
  const auto late = [&] { return run.pipeline->builder().late(); };
  read_until_end(*input.stop, run.outcome, [&] {
    const bool more = run.pipeline->read() != Pipeline::Read::kEnd;
    input.report(run.pipeline->source(), run.pipeline->flows(), !more);
    return more && !late().any();
  });
  if (!late().any()) run.pipeline->finish();
  if (!late().any() || run.outcome.stopped) {
    if (late().any()) run.pipeline->finish();
    note_end(*run.pipeline, run.outcome);
    return run;
  }
  measure(run.pipeline->source(), meter, input, run.pipeline->flows());
  const series::LateFlows seen = late();
  run.pipeline.reset();
  again(seen);
  input.options.series = with_plan(input, std::make_shared<const series::ArrivalPlan>(meter.finish()));
  return run_once(input, sink);
}

}  // namespace netflowgen::serve

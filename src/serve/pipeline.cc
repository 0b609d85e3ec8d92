#include "serve/pipeline.h"

#include <utility>

#include "base/error.h"

namespace netflowgen::serve {
namespace {

constexpr int kMaxPauses = 20;  // of a fifth of a second

}  // namespace

Pipeline::Pipeline(std::unique_ptr<flow::FlowSource> source, const PipelineOptions& options,
                   series::FrameSink& sink, FlowTap tap)
    : source_(std::move(source)),
      tap_(std::move(tap)),
      builder_(options.series, sink),
      batch_(options.batch),
      full_batches_(options.full_batches) {}

size_t Pipeline::fill() {
  const std::span<flow::Flow> batch(batch_);
  size_t n = source_->read(batch);
  // A source that waits for a broker is asked again, but not for ever: the user may want to stop.
  for (int pauses = 0; full_batches_ && n < batch.size() && pauses < kMaxPauses;) {
    const size_t more = source_->read(batch.subspan(n));
    if (more == 0 && !source_->waiting()) break;
    pauses += more == 0 ? 1 : 0;
    n += more;
  }
  return n;
}

Pipeline::Read Pipeline::read() {
  const size_t n = fill();
  if (n == 0 && !source_->waiting()) return Read::kEnd;
  const std::span<const flow::Flow> flows(batch_.data(), n);
  if (n > 0 && tap_) tap_(flows);
  if (n > 0) builder_.add(flows);
  flows_ += n;
  // By what was received, so that a backlog is not late; by the clock when there is none.
  if (const auto time = source_->time()) builder_.advance(*time);
  return n > 0 ? Read::kFlows : Read::kNothing;
}

std::vector<base::LedgerView> Pipeline::ledgers() const {
  auto views = source_->ledgers();
  views.push_back(builder_.flow_ledger());
  views.push_back(builder_.frame_ledger());
  return views;
}

void read_until_end(const base::StopFlag& stop, InputOutcome& outcome,
                    const std::function<bool()>& read_some) {
  try {
    while (!stop.requested()) {
      if (!read_some()) return;
    }
    outcome.stopped = true;
  } catch (const base::Error& e) {
    outcome.failure = e.what();
  }
}

void note_end(const Pipeline& pipeline, InputOutcome& outcome) {
  outcome.ledgers = pipeline.ledgers();
  outcome.bad_lines = pipeline.source().bad_lines();
  outcome.warnings = pipeline.source().warnings();
  outcome.flows = pipeline.flows();
  outcome.late = pipeline.builder().late();
}

InputOutcome run_to_end(Pipeline& pipeline, const base::StopFlag& stop,
                        const std::function<void(bool end)>& report) {
  InputOutcome outcome;
  read_until_end(stop, outcome, [&] {
    const bool more = pipeline.read() != Pipeline::Read::kEnd;
    report(!more);
    return more;
  });
  pipeline.finish();
  note_end(pipeline, outcome);
  return outcome;
}

}  // namespace netflowgen::serve

// Flows to closed steps, the same for `series`, `replay` and `collect`: a batch of the source goes to the tap (the
// detector's sample of flows), then to the series builder, whose frames go to the sink.
//
// One thread. Invariants: 1. The tap has seen a flow before the sink gets a frame that the flow is part of. 2. No clock is
// read: steps close by the flows' own times, and by the source's time where it is live.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/ledger.h"
#include "base/stop.h"
#include "flow/source.h"
#include "series/builder.h"

namespace netflowgen::serve {

using FlowTap = std::function<void(std::span<const flow::Flow>)>;

struct PipelineOptions {
  series::SeriesOptions series;
  size_t batch = 1024;  // flows read at once, at most
  // Batches are full but for the last one, however the source cuts its input: what a tap samples then depends on the
  // flows alone. Not for live sources, which would wait.
  bool full_batches = false;
};

class Pipeline {
 public:
  enum class Read : uint8_t { kFlows, kNothing, kEnd };  // kNothing: a live source has nothing at the moment

  // `sink` must outlive the pipeline.
  Pipeline(std::unique_ptr<flow::FlowSource> source, const PipelineOptions& options, series::FrameSink& sink,
           FlowTap tap = {});

  // One batch. Error: the source's.
  Read read();
  // Closes all open steps. What was read before an error of the source counts.
  void finish() { builder_.finish(); }

  flow::FlowSource& source() { return *source_; }
  const flow::FlowSource& source() const { return *source_; }
  series::SeriesBuilder& builder() { return builder_; }
  const series::SeriesBuilder& builder() const { return builder_; }
  uint64_t flows() const { return flows_; }
  // The source's stages, then "flows" and "frames" of the builder.
  std::vector<base::LedgerView> ledgers() const;

 private:
  size_t fill();

  std::unique_ptr<flow::FlowSource> source_;
  FlowTap tap_;
  series::SeriesBuilder builder_;
  std::vector<flow::Flow> batch_;
  bool full_batches_;
  uint64_t flows_ = 0;
};

// How reading a whole input ended. What was read before an error or a stop is kept.
struct InputOutcome {
  std::vector<base::LedgerView> ledgers;
  std::vector<flow::FirstBadLine> bad_lines;
  std::vector<std::string> source_notes;  // FlowSource::notes()
  std::string failure;                    // the source's error; empty: none
  bool stopped = false;
};

// Calls read_some until it returns false, the user stops, or it throws base::Error, which becomes outcome.failure.
void read_until_end(const base::StopFlag& stop, InputOutcome& outcome,
                    const std::function<bool()>& read_some);

// All of a finite source through the pipeline, then finish(). `report` is called after each batch.
InputOutcome run_to_end(Pipeline& pipeline, const base::StopFlag& stop,
                        const std::function<void(bool end)>& report);

}  // namespace netflowgen::serve

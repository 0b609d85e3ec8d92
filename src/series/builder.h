// Flows -> frames: accumulates each node's flows step by step and hands a step's frames on when it closes.
//
// Time is event time only. The watermark is the latest start of an accepted flow; a step closes when the
// watermark less `lateness` has passed its end. A flow longer than a step is spread over the steps that it
// covers, in proportion and to the unit; what belongs to closed steps goes to the oldest open one, what
// belongs to the future waits its turn. A flow that lies wholly in closed steps is dropped as late.
//
// Invariants: 1. flows: in = out + held + drops; frames: in (opened) = out (closed) + held (open). 2. The
// sums of bytes, packets and flows over all frames of a node equal those of its accepted flows, to the unit.
// 3. Memory depends on the nodes active within the open steps and on the flows that wait, never on how
// long the input is. 4. Frames depend on the flows and their order only: same input, same frames, in the same
// order (steps ascend, nodes ascend within). One thread.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <span>
#include <vector>

#include "base/ledger.h"
#include "series/accumulate/step_table.h"
#include "series/node.h"

namespace netflowgen::series {

enum class FlowDrop : uint8_t {
  kLate,         // wholly before the oldest open step
  kBadTime,      // before min_time, after max_time, or end before start
  kAhead,        // far ahead of the flows around it
  kTooLong,      // longer than max_duration
  kNotSelected,  // belongs to no node that was asked for
  kElsewhere,    // its nodes are counted at another exporter
  kCount
};
std::string_view name_of(FlowDrop reason);

enum class FrameDrop : uint8_t { kCount };  // frames are never dropped
std::string_view name_of(FrameDrop reason);

struct SeriesOptions {
  int64_t step_ms = 60'000;
  int64_t lateness_ms = 120'000;               // flows may start so much before the latest start seen
  int64_t max_duration_ms = 86'400'000;        // longer flows are taken for errors
  int64_t max_jump_ms = 3'600'000;             // a start further ahead needs company before it is believed
  base::TimeMs min_time_ms = 631'152'000'000;  // 1990-01-01: routers without a clock say 1970
  base::TimeMs max_time_ms = 253'402'300'799'000;  // 9999-12-31; a command sets now + 1 day
  int64_t closed_before = INT64_MIN;               // steps before this one are closed from the start (append)
  NodeOptions nodes = {};
  HashSeed seed = {};  // set at random where input is hostile; results do not depend on it
};

class FrameSink {
 public:
  virtual ~FrameSink() = default;
  // The frame is valid during the call. [kFeatureCount]
  virtual void frame(const NodeKey& node, int64_t step, std::span<const float> frame) = 0;
  virtual void step_closed(int64_t) {}
};

class SeriesBuilder {
 public:
  // Error when an option makes no sense. The sink must outlive the builder.
  SeriesBuilder(const SeriesOptions& options, FrameSink& sink);
  ~SeriesBuilder();

  void add(std::span<const flow::Flow> flows);
  // Moves the watermark without a flow: on a live collector time goes on when nothing arrives.
  void advance(base::TimeMs time);
  // The end of the input: decides about what is held and closes every step. add() may not follow.
  void finish();

  base::LedgerView flow_ledger() const;
  base::LedgerView frame_ledger() const;
  uint64_t spread() const { return spread_; }    // flows over more than one step
  uint64_t clamped() const { return clamped_; }  // of which a part fell in closed steps
  size_t memory_bytes() const { return pool_.bytes(); }
  // Steps that accepted flows cover so far, [first, end).
  int64_t first_step() const { return first_step_; }
  int64_t end_step() const { return end_step_; }
  // Steps before this one are closed.
  int64_t oldest_open() const { return oldest_; }

 private:
  friend class OpenSteps;  // saves and restores what is open (open_steps.h)

  struct Update {
    NodeKey node;
    uint64_t hash;
    OpenStep* step;
    DirectionState* state;
    End end;
    uint16_t part;  // index into parts_
    Direction direction;
  };

  void admit(const flow::Flow& flow);
  void hold(const flow::Flow& flow);
  void release_held();
  void drop_held();
  void account(const flow::Flow& flow);
  void spread_flow(const flow::Flow& flow, const Part& whole, int64_t from, uint64_t before);
  void resume(const flow::Flow& flow, int64_t step);
  void add_part(const flow::Flow& flow, const Part& part, int64_t step);
  void apply();
  void move_watermark(base::TimeMs time);
  void close_before(int64_t step);
  void close_front();
  OpenStep& open(int64_t step);
  int64_t last_step_of(const flow::Flow& flow) const;

  SeriesOptions options_;
  FrameSink& sink_;
  NodeSelector selector_;
  ChunkPool pool_;
  std::deque<std::unique_ptr<OpenStep>> open_;  // open_[i] is step oldest_ + i, or null
  std::vector<std::unique_ptr<OpenStep>> spare_;
  int64_t oldest_;
  base::TimeMs watermark_;
  bool started_ = false;
  int64_t cached_step_ = INT64_MIN;
  OpenStep* cached_ = nullptr;
  std::vector<flow::Flow> held_;
  uint64_t regular_ = 0;                             // flows accepted since the first of held_
  std::map<int64_t, std::vector<flow::Flow>> rest_;  // flows that go on in a future step
  std::vector<FlowEnd> ends_;
  std::vector<Part> parts_;
  std::vector<Update> updates_;
  base::Ledger<FlowDrop> flows_;
  base::Ledger<FrameDrop> frames_;
  uint64_t spread_ = 0;
  uint64_t clamped_ = 0;
  int64_t first_step_ = 0;
  int64_t end_step_ = 0;
};

}  // namespace netflowgen::series

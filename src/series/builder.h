// Flows -> frames: accumulates each node's flows step by step and hands a step's frames on when it closes.
//
// Time is event time only. The watermark is the latest start of an accepted flow (its receipt where that is
// earlier); a step closes when the watermark less `lateness` has passed its end. A flow longer than a step is
// spread over the steps that it covers, in proportion and to the unit; what belongs to closed steps goes to the
// oldest open one, what belongs to the future waits its turn. A flow wholly in closed steps is dropped as late.
//
// Invariants: 1. flows: in = out + held + drops; frames: in (opened) = out (closed) + held (open). 2. The
// sums of bytes, packets and flows over all frames of a node equal those of its accepted flows, to the unit.
// 3. Memory depends on the nodes active within the open steps and on the flows that wait, never on how
// long the input is. 4. Frames depend on the flows and their order only: same input, same frames, in the same
// order (steps ascend, nodes ascend within). One thread.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "base/file.h"
#include "base/ledger.h"
#include "flow/settle.h"
#include "series/accumulate/spill.h"
#include "series/accumulate/step_table.h"
#include "series/feature_choice.h"
#include "series/node.h"
#include "series/refusals.h"

namespace netflowgen::series {

struct ArrivalPlan;

enum class FrameDrop : uint8_t { kCount };  // frames are never dropped
std::string_view name_of(FrameDrop reason);

struct SeriesOptions {
  int64_t step_ms = 60'000;
  int64_t lateness_ms = 120'000;               // flows may start so much before the latest start seen
  int64_t max_duration_ms = 86'400'000;        // longer flows are taken for errors
  int64_t max_jump_ms = 3'600'000;             // a start further ahead needs company before it is accepted
  base::TimeMs min_time_ms = 631'152'000'000;  // 1990-01-01: routers without a clock say 1970
  base::TimeMs max_time_ms = 253'402'300'799'000;  // 9999-12-31; a command sets now + 1 day
  int64_t closed_before = INT64_MIN;               // steps before this one are closed from the start (append)
  NodeOptions nodes = {};
  FeatureChoice features =
      {};  // the others are missing in every frame. REQUIRES: all, where open steps are saved
  // The order of the input, of a first reading with these options. add() must then be given the same flows again.
  std::shared_ptr<const ArrivalPlan> plan = nullptr;
  // Open steps beyond so much memory go to a file in spill_folder; 0: all stay in memory. A step has 2 MiB at least.
  size_t memory_bytes = 0;
  base::fs::path spill_folder = {};
  HashSeed seed = {};  // set at random where input is hostile; results do not depend on it
};

// The options with their bounds checked and completed. Error when one makes no sense.
SeriesOptions checked(SeriesOptions options);

// Why no flow like this is accepted whatever the flows around it are; kCount: it is.
inline FlowDrop refusal(const flow::Flow& f, const SeriesOptions& o) {
  if (const auto role = flow::role_of(f); role != flow::FlowRole::kTraffic) [[unlikely]]
    return role == flow::FlowRole::kEvent ? FlowDrop::kEvent : FlowDrop::kRepeat;
  if (f.start_ms < o.min_time_ms || f.end_ms > o.max_time_ms || f.end_ms < f.start_ms) [[unlikely]]
    return FlowDrop::kBadTime;
  return f.end_ms - f.start_ms > o.max_duration_ms ? FlowDrop::kTooLong : FlowDrop::kCount;
}

// Flows that came when their steps, or some of them, were closed already.
struct LateFlows {
  uint64_t dropped = 0;  // all of their steps were
  uint64_t moved = 0;    // some were: that part went to the oldest open step
  int64_t most_ms = 0;   // the lateness that would have dropped and moved none

  bool any() const { return dropped + moved > 0; }
};

class FrameSink {
 public:
  virtual ~FrameSink() = default;
  // The frame is valid during the call. [kFeatureCount]
  virtual void frame(const NodeKey& node, int64_t step, std::span<const float> frame) = 0;
  virtual void step_closed(int64_t) {}
};

// Sees the accumulators of a step that closes, before its frames are made.
using StepTap = std::function<void(int64_t step, const OpenStep& nodes)>;
// Sees those of one node of a step that closes, by node, when its frame is made of them. They are valid during the call.
using NodeTap =
    std::function<void(int64_t step, const StepSlot& slot, const StateView& in, const StateView& out)>;

class SeriesBuilder {
 public:
  // Error when an option makes no sense. The sink must outlive the builder.
  SeriesBuilder(const SeriesOptions& options, FrameSink& sink);
  ~SeriesBuilder();

  void add(std::span<const flow::Flow> flows);
  // Moves the watermark without a flow: on a live collector time advances when nothing arrives.
  void advance(base::TimeMs time);
  // The end of the input: decides about what is held and closes every step. add() may not follow.
  void finish();
  void set_step_tap(StepTap tap) { step_tap_ = std::move(tap); }
  void set_node_tap(NodeTap tap) { node_tap_ = std::move(tap); }

  base::LedgerView flow_ledger() const;
  base::LedgerView frame_ledger() const;
  uint64_t spread() const { return spread_; }    // flows over more than one step
  uint64_t clamped() const { return clamped_; }  // of which a part fell in closed steps
  // Those that more lateness would have helped; steps that `closed_before` closes are another matter.
  const LateFlows& late() const { return late_; }
  uint64_t spilled_bytes() const { return spill_ ? spill_->bytes() : 0; }
  size_t memory_bytes() const { return pool_.bytes(); }
  // Steps that accepted flows cover so far, [first, end).
  int64_t first_step() const { return first_step_; }
  int64_t end_step() const { return end_step_; }
  // Steps before this one are closed.
  int64_t oldest_open() const { return oldest_; }

 private:
  friend class OpenSteps;   // saves and restores what is open (open_steps.h)
  friend class OpenFrames;  // reads what is open (open_frames.h)

  struct Update {
    NodeKey node;
    uint64_t hash;
    OpenStep* step;
    StepSlot* slot;
    LoggedPart logged;
    End end;
    uint16_t part;  // index into parts_
    Direction direction;
    bool fits;  // else it goes to the state at once, as `part` and `end`
  };

  struct Open {
    std::unique_ptr<OpenStep> nodes;  // null: all of it is in spill_
    uint64_t touched = 0;             // when it was opened or looked up last, in look-ups
  };

  void admit(const flow::Flow& flow);
  void refuse(FlowDrop reason, const flow::Flow& flow);
  void add_planned(std::span<const flow::Flow> flows);
  void note_late(const flow::Flow& flow, bool dropped);
  int64_t closable(base::TimeMs time) const;
  void spill_quiet_steps();
  void hold(const flow::Flow& flow);
  void release_held();
  void drop_held();
  void account(const flow::Flow& flow);
  Part needed_part_of(const flow::Flow& flow) const;
  std::unique_ptr<OpenStep> new_step();
  void spread_flow(const flow::Flow& flow, const Part& whole, int64_t from, uint64_t before);
  void resume(const flow::Flow& flow, int64_t step);
  void add_part(const flow::Flow& flow, const Part& part, int64_t step);
  void apply();
  void trim_full();
  void move_watermark(base::TimeMs time);
  void close_before(int64_t step);
  void close_front();
  void emit_frames(OpenStep& step, int64_t number);
  void finish_node(const OpenStep& step, int64_t number, const StepSlot& slot, std::span<float> frame);
  OpenStep& open(int64_t step);
  int64_t last_step_of(const flow::Flow& flow) const;

  SeriesOptions options_;
  FrameSink& sink_;
  StepTap step_tap_;
  NodeTap node_tap_;
  NodeSelector selector_;
  uint16_t groups_;  // that the chosen features need
  bool sums_alone_;  // in the open steps
  ChunkPool pool_;
  std::map<int64_t, Open> open_;  // by step, none below oldest_
  std::unique_ptr<StepSpill> spill_;
  std::vector<std::unique_ptr<OpenStep>> spare_;
  Scratch scratch_;
  int64_t oldest_;
  base::TimeMs watermark_;
  bool started_ = false;
  int64_t cached_step_ = INT64_MIN;
  OpenStep* cached_ = nullptr;
  std::vector<flow::Flow> held_;
  uint64_t regular_ = 0;                             // flows accepted since the first of held_
  std::map<int64_t, std::vector<flow::Flow>> rest_;  // flows that continue in a future step
  std::vector<FlowEnd> ends_;
  std::vector<Part> parts_;
  std::vector<Update> updates_;
  std::vector<const Update*> full_;  // whose logs have to be trimmed
  base::Ledger<FlowDrop> flows_;
  base::Ledger<FrameDrop> frames_;
  Refusals refusals_;
  LateFlows late_;
  uint64_t added_ = 0;      // flows, with a plan
  size_t next_stair_ = 0;   // of the plan
  size_t next_astray_ = 0;  // of the plan
  uint64_t lookups_ = 0;    // of open()
  uint64_t spread_ = 0;
  uint64_t clamped_ = 0;
  int64_t first_step_ = 0;
  int64_t end_step_ = 0;
};

}  // namespace netflowgen::series

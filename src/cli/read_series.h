// Any input that flow::open_flows or open_rates takes, to frames: what `netflowgen series` and the Python package share.
#pragma once

#include <functional>
#include <string>

#include "base/stop.h"
#include "cli/options/input_options.h"
#include "cli/options/series_options.h"
#include "series/builder.h"
#include "series/node_choice.h"
#include "serve/finite_input.h"

namespace netflowgen::cli {

struct SeriesSettings {
  InputArgs input;
  SeriesArgs series;
  std::string features;  // comma-separated; "": all
};

// INPUT..., and the options of inputs, nodes and steps.
void add_series_settings(Command& command, SeriesSettings& settings);
// --features alone.
void add_feature_option(Command& command, SeriesSettings& settings);

// Length of the steps, and which nodes are asked for: those of rates name themselves. UsageError: a value makes no sense; it
// is thrown before anything is read.
struct SeriesShape {
  int64_t step_ms = 60'000;
  series::NodeChoice choice;
};
SeriesShape shape_of(const SeriesSettings& settings);

// Where the frames go. Steps do not ascend where the source is rates.
class FrameTarget {
 public:
  virtual ~FrameTarget() = default;
  virtual series::FrameSink& sink() = 0;
  virtual void add(const std::string& node, int64_t step, std::span<const float> frame) = 0;
  // The series covers [first_step, end_step) although its edges may be idle.
  virtual void cover(int64_t first_step, int64_t end_step) = 0;
  virtual void discard() = 0;                                  // forgets all frames
  virtual int64_t closed_before() const { return INT64_MIN; }  // steps before it are there already
  virtual std::string spill_folder() const = 0;                // for what memory does not hold
};

struct SeriesRun {
  const base::StopFlag& stop;
  base::ProgressFn progress;
  std::function<void(const std::string&)> note;  // a line for the user, without a newline
};

struct SeriesOutcome : serve::InputOutcome {
  std::string notes;  // lines
};

// Reads all of the input. What was read before an error of the source or a stop is in the target, and the outcome says so.
// Error, UsageError: the input cannot be opened, or options that do not fit it.
SeriesOutcome read_series(const SeriesSettings& settings, const SeriesRun& run, FrameTarget& target);

}  // namespace netflowgen::cli

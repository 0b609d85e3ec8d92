#include "serve/replay.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <thread>
#include <unordered_map>
#include <utility>

#include "base/error.h"
#include "series/features.h"
#include "series/rates.h"
#include "series/store.h"

namespace netflowgen::serve {
namespace {

// Holds steps back until their time has come.
class Pace {
 public:
  Pace(const ReplayOptions& options, int64_t step_ms)
      : speed_(options.speed), step_ms_(step_ms), stop_(*options.stop) {}

  void wait_for(int64_t step) {
    if (speed_ <= 0) return;
    if (first_ == INT64_MIN) first_ = step;
    const double ms = static_cast<double>((step - first_) * step_ms_) / speed_;
    const auto until = start_ + std::chrono::microseconds(static_cast<int64_t>(ms * 1000));
    while (!stop_.requested() && Clock::now() < until) {
      std::this_thread::sleep_for(
          std::min<Clock::duration>(until - Clock::now(), std::chrono::milliseconds(50)));
    }
  }

 private:
  using Clock = std::chrono::steady_clock;
  double speed_;
  int64_t step_ms_;
  const base::StopFlag& stop_;
  int64_t first_ = INT64_MIN;
  Clock::time_point start_ = Clock::now();
};

class PacedSink : public series::FrameSink {
 public:
  PacedSink(detect::StreamingDetector& stream, Pace& pace, const ReplayOptions& options)
      : stream_(stream), pace_(pace), options_(options) {}
  void frame(const series::NodeKey& node, int64_t step, std::span<const float> frame) override {
    stream_.frame(node, step, frame);
  }
  void step_closed(int64_t step) override {
    pace_.wait_for(step);
    stream_.step_closed(step);
    if (options_.nodes_known) options_.nodes_known(stream_.engine().nodes());
  }

 private:
  detect::StreamingDetector& stream_;
  Pace& pace_;
  const ReplayOptions& options_;
};

// Frames that come node by node, played step by step.
class StepOrder {
 public:
  void add(const std::string& node, int64_t step, std::span<const float> frame) {
    steps_[step].push_back({index_.try_emplace(node, names_.size()).first->second, values_.size()});
    if (names_.size() < index_.size()) names_.push_back(node);
    values_.insert(values_.end(), frame.begin(), frame.end());
  }

  void play(const ReplayOptions& options, Pace& pace, detect::StreamingDetector& stream) const {
    uint64_t done = 0;
    for (const auto& [step, rows] : steps_) {
      if (options.stop->requested()) return;
      for (const auto& [node, at] : rows) {
        stream.add(names_[node], step, {values_.data() + at, series::kFeatureCount});
      }
      pace.wait_for(step);
      stream.close(step);
      if (options.nodes_known) options.nodes_known(stream.engine().nodes());
      options.progress({"steps", ++done, steps_.size(), ""});
    }
  }

 private:
  std::map<int64_t, std::vector<std::pair<size_t, size_t>>> steps_;  // (name, offset of the frame)
  std::unordered_map<std::string, size_t> index_;
  std::vector<std::string> names_;
  std::vector<float> values_;
};

}  // namespace

InputOutcome replay_flows(std::unique_ptr<flow::FlowSource> source, series::SeriesOptions series,
                          const ReplayOptions& options, detect::StreamingDetector& stream) {
  if (stream.last_step() != detect::kNoStep) series.closed_before = stream.last_step() + 1;
  Pace pace(options, series.step_ms);
  PacedSink sink(stream, pace, options);
  Pipeline pipeline(std::move(source), {.series = series, .full_batches = true}, sink,
                    [&](std::span<const flow::Flow> flows) { stream.flows(flows); });
  auto outcome = run_to_end(pipeline, *options.stop, [&](bool) {
    const auto& s = pipeline.source();
    options.progress(
        {"kB", s.bytes_done() / 1000, s.bytes_total() / 1000 + 1, fmt::format("{} flows", pipeline.flows())});
  });
  const auto& builder = pipeline.builder();
  if (builder.end_step() > builder.first_step()) stream.finish(builder.end_step() - 1);
  return outcome;
}

InputOutcome replay_rates(std::unique_ptr<flow::RateSource> source, int64_t step_ms,
                          const ReplayOptions& options, detect::StreamingDetector& stream) {
  StepOrder order;
  series::RateOptions rates;
  rates.step_ms = step_ms;
  rates.interval_ms = source->interval_ms();
  if (stream.last_step() != detect::kNoStep) rates.closed_before = stream.last_step() + 1;
  series::RateBuilder builder(rates, source->columns(),
                              [&](const std::string& node, int64_t step, std::span<const float> frame) {
                                order.add(node, step, frame);
                              });
  InputOutcome outcome;
  flow::RateRow row;
  read_until_end(*options.stop, outcome, [&] {
    const bool more = source->read(row);
    if (more) builder.add(row);
    return more;
  });
  builder.finish();
  Pace pace(options, step_ms);
  order.play(options, pace, stream);
  outcome.ledgers = source->ledgers();
  outcome.ledgers.push_back(builder.row_ledger());
  outcome.bad_lines = source->bad_lines();
  return outcome;
}

InputOutcome replay_store(const std::string& store, int64_t step_ms, const ReplayOptions& options,
                          detect::StreamingDetector& stream) {
  return replay_table(series::load_frames(store), store, step_ms, options, stream);
}

InputOutcome replay_table(const series::FrameTable& table, const std::string& name, int64_t step_ms,
                          const ReplayOptions& options, detect::StreamingDetector& stream) {
  if (table.step_ms != step_ms) {
    throw base::Error(
        "{} has steps of {} ms, the model was trained on {} ms; make the series with --step {}ms", name,
        table.step_ms, step_ms, step_ms);
  }
  StepOrder order;
  uint64_t done = 0;  // frames of steps that the state has seen
  for (size_t n = 0; n < table.nodes.size(); ++n) {
    for (size_t r = table.offsets[n]; r < table.offsets[n + 1]; ++r) {
      if (table.steps[r] <= stream.last_step()) {
        ++done;
        continue;
      }
      order.add(table.nodes[n], table.steps[r], table.frame(r));
    }
  }
  Pace pace(options, step_ms);
  order.play(options, pace, stream);
  stream.finish(table.end_step - 1);
  base::LedgerView frames{"frames", table.rows(), stream.frames_ledger().in, 0, {}};
  if (done > 0) frames.drops.emplace_back("late", done);
  if (frames.in > frames.out + done) frames.drops.emplace_back("stopped", frames.in - frames.out - done);
  InputOutcome outcome;
  outcome.ledgers.push_back(std::move(frames));
  return outcome;
}

}  // namespace netflowgen::serve

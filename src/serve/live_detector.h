// Detection beside the collector's store: every closed step is written, then scored by the same detect::StreamingDetector that
// replay drives. Failures here never stop the collector: unwritable alerts are
// queued and tried again, and an incompatible state file is logged and ignored.
//
// One thread, the collector's. Invariant: a step that the store takes is scored once, also over a restart; the part
// of a step that is open at the end is not scored until the next run has the whole.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "detect/alert.h"
#include "detect/streaming_detector.h"
#include "infer/snapshot.h"
#include "serve/alert_output.h"
#include "serve/detect_setup.h"
#include "serve/early_watch.h"

namespace netflowgen::serve {

using AlertRecord = std::variant<detect::Alert, detect::Incident>;

struct LiveDetectorOptions {
  std::shared_ptr<DetectSetup> setup;
  std::vector<std::string> alerts;  // files
  base::fs::path state;
  std::function<void(AlertRecord)> records = {};            // takes what is raised; then no files are written
  detect::StreamingDetector::Observer tap = {};             // sees all scores
  std::function<std::shared_ptr<DetectSetup>()> load = {};  // reads model, calibration and policies again
};

class LiveDetector : public series::FrameSink {
 public:
  using Log = std::function<void(const std::string&)>;

  // Continues from the state file where it exists. `store` gets every frame and must outlive this. Error: an alert
  // file cannot be opened.
  LiveDetector(const LiveDetectorOptions& options, series::FrameSink& store, Log log);

  // Flows that the builder is about to get.
  void flows(std::span<const flow::Flow> flows) { stream_->flows(flows); }
  void frame(const series::NodeKey& node, int64_t step, std::span<const float> frame) override;
  void step_closed(int64_t step) override;

  // Of a detector that knows nothing yet: it begins with this step. Those before are the store's alone.
  void begin_with(int64_t step) { first_ = step; }
  // So many nodes are in a step that will close.
  void expect(size_t nodes) { stream_->engine().expect(nodes); }
  // Examines the open steps and raises what is strong enough already. Between two batches of flows.
  void tick(const series::SeriesBuilder& builder, base::TimeMs now_ms);
  // Writes what was raised since the last call.
  void deliver();
  // Starts to write the state, by a copy of the process, unless the last one is still being written.
  void save();
  // As save(), and waits until the file is in place. Error where it is not.
  void save_now();
  // Reads model, calibration and policies again and continues with them: nodes, alerts that are up and the sample of flows
  // stay. What cannot be read or does not fit is logged, and those in force stay. Between steps. True: it was done.
  bool reload();
  // Why the last reload() was refused, or what it did.
  const std::string& reload_text() const { return reload_text_; }
  // From here on frames are the store's alone.
  void stop() { scoring_ = false; }
  // After stop(): the state and the alerts are on the disk. Error where not.
  void finish();

  void say_start() const;
  std::string status() const;  // for the collector's log line
  std::vector<base::LedgerView> ledgers() const;
  int64_t step_ms() const { return setup_->step_ms(); }
  detect::StreamingDetector& stream() { return *stream_; }
  const DetectSetup& setup() const { return *setup_; }
  std::chrono::milliseconds last_cost() const { return last_cost_; }

 private:
  std::unique_ptr<detect::StreamingDetector> new_stream(DetectSetup& setup);
  void log_record(const detect::Alert& alert) const;
  void log_record(const detect::Incident& incident) const;

  std::shared_ptr<DetectSetup> setup_;
  series::FrameSink& store_;
  Log log_;
  std::optional<AlertOutput> output_;  // none: records_ takes what is raised
  std::function<void(AlertRecord)> records_;
  detect::StreamingDetector::Observer tap_;
  base::fs::path state_;
  std::function<std::shared_ptr<DetectSetup>()> load_;
  std::unique_ptr<detect::StreamingDetector> stream_;
  std::vector<AlertRecord> raised_;  // not yet written
  infer::Snapshot snapshot_;
  bool scored(int64_t step) const {
    return scoring_ && step > stream_->last_step() &&
           (stream_->last_step() != detect::kNoStep || step >= first_);
  }

  bool scoring_ = true;
  int64_t first_ = INT64_MIN;
  bool continued_ = false;
  NodeWatch watch_;
  EarlyWatch early_;
  std::string reload_text_;
  bool failing_ = false;                    // the last delivery failed, and it was said
  std::chrono::milliseconds last_cost_{0};  // of scoring one step
};

}  // namespace netflowgen::serve

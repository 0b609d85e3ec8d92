// One partition of a topic of partial frames: merges them, scores each step that closes, and keeps what is raised until it is saved
// together with the state that raised it.
//
// Law (tests/fleet): whoever owned the partition when, and whatever was killed in between, the alerts are those of one process
// that read all of it. Invariants: 1. The outcome depends on the records alone. 2. Alerts leave only by save(), so an alert
// that an output has was raised by a state that is on the disk. One thread.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "detect/streaming_detector.h"
#include "flow/kafka/consumer.h"
#include "series/frame_merger.h"
#include "serve/detect_setup.h"
#include "serve/fleet/partition_folder.h"
#include "serve/live_detector.h"
#include "serve/row_writer.h"

namespace netflowgen::serve {

class PartitionDetector : private series::FrameSink {
 public:
  // Continues from the folder where it holds a state. Error: it is damaged, or of another model.
  PartitionDetector(std::unique_ptr<PartitionFolder> folder, DetectSetup& setup,
                    const infer::EngineOptions& engine, const series::MergeOptions& options);
  ~PartitionDetector() override;

  void take(const flow::KafkaRecord& record);
  // The first offset that was not taken.
  int64_t next() const { return next_; }
  // Where there is no state: where reading begins.
  void begin_at(int64_t offset) { next_ = offset; }

  // Gets frames and scores of each step that closes; null: none.
  void set_rows(RowWriter* rows, std::vector<std::string> tasks);

  // Records were taken since the last save().
  bool changed() const { return changed_; }
  // Alerts wait for save().
  bool raised() const { return !lines_.empty(); }
  // State and alerts to the folder; then `deliver` gets what was raised. Error: the folder cannot be written.
  using Deliver = std::function<void(AlertRecord)>;
  void save(const Deliver& deliver);
  // What a killed owner saved and may not have delivered.
  void deliver_rest(const Deliver& deliver);
  void note_delivered() { folder_->note_delivered(); }

  const series::FrameMerger& merger() const { return merger_; }
  detect::StreamingDetector& stream() { return *stream_; }

 private:
  void frame(const series::NodeKey& node, int64_t step, std::span<const float> frame) override;
  void step_closed(int64_t step) override;
  template <typename Record>
  void keep(const Record& record);

  std::unique_ptr<PartitionFolder> folder_;
  std::unique_ptr<detect::StreamingDetector> stream_;
  series::FrameMerger merger_;
  RowWriter* rows_ = nullptr;
  int64_t next_ = 0;
  bool changed_ = false;
  std::string lines_;
  std::vector<AlertRecord> raised_;
};

}  // namespace netflowgen::serve

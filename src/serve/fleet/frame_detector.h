// The loop of a detector that reads partial frames: the partitions that are its own, by a consumer group or by the URL, each with a
// detector and a folder of its own.
//
// A partition is read when its folder is locked and its state restored, from the offset that the state has; the offsets that the
// group knows follow behind and only show the lag. When the group takes partitions away they are saved, and let go as soon as it
// is known that they are not given back. One thread.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/stop.h"
#include "flow/kafka/consumer.h"
#include "serve/detect_setup.h"
#include "serve/fleet/partition_detector.h"
#include "serve/fleet_options.h"
#include "serve/row_writer.h"

namespace netflowgen::serve {

struct FrameDetectorOptions {
  ReadFramesOptions frames;
  DetectOptions detect;  // `threads` 0: one. `max_nodes` is of all partitions of the topic
  int64_t save_ms = 30'000;
  RowWriter* rows = nullptr;  // gets what is scored; outlives the detector
};

// Counts that outlive the partitions which they are of.
struct FrameCounts {
  std::vector<base::LedgerView> ledgers;
  uint64_t nodes = 0;
  uint64_t capacity = 0;
  uint64_t open_alerts = 0;
  uint64_t open_steps = 0;
  uint64_t forced_steps = 0;
  int64_t lag = 0;  // records that are on this side and not read, and more that are not known of
  std::vector<int32_t> partitions;  // that are read
  std::vector<int32_t> waiting;     // that are this worker's and that another process still has
};

class FrameDetector : private flow::KafkaGroupObserver {
 public:
  using Log = std::function<void(const std::string&)>;

  // Loads the model and asks the brokers. `deliver` gets alerts that are saved. Error, UsageError.
  FrameDetector(FrameDetectorOptions options, PartitionDetector::Deliver deliver, Log log);
  ~FrameDetector() override;

  // Some records of each partition, or a short wait where there are none. Error: a folder cannot be written, which means that
  // nothing may be scored.
  void turn();
  // Everything that was read is saved and committed.
  void finish();
  // The outputs have everything that was delivered.
  void note_delivered();

  const DetectSetup& setup() const { return setup_; }
  // Of each partition that is read, the first offset that was not.
  std::map<int32_t, int64_t> positions() const;
  FrameCounts counts();
  // Lines that are new: collectors whose clocks are off, folders that are taken, brokers that are down.
  void report();

 private:
  using Clock = std::chrono::steady_clock;

  std::map<int32_t, int64_t> assigned(const std::map<int32_t, int64_t>& committed) override;
  void revoked(const std::vector<int32_t>& partitions) override;
  bool open(int32_t partition, int64_t fallback);
  void open_waiting();
  bool open_all();
  void save(int32_t id, PartitionDetector& partition);
  void save_due();
  void commit();
  void let_go(int32_t id);
  void count(PartitionDetector& partition, std::vector<base::LedgerView>& to) const;
  void report_collectors(int32_t id, const series::FrameMerger& merger);
  void report_brokers();
  void say_once(const std::string& about, const std::string& line);

  FrameDetectorOptions options_;
  PartitionDetector::Deliver deliver_;
  Log log_;
  DetectSetup setup_;
  flow::KafkaUrl url_;
  std::unique_ptr<flow::KafkaConsumer> consumer_;
  uint32_t partitions_ = 0;                                     // of the topic
  std::map<int32_t, std::unique_ptr<PartitionDetector>> mine_;  // that are read
  std::map<int32_t, int64_t> waiting_;  // that another process has; where to begin without a state
  bool revoked_ = false;                // mine_ is kept until the group says who has it
  uint64_t assignments_ = 0;            // that the group has made or taken back
  bool uncommitted_ = false;
  bool commit_failing_ = false;
  std::vector<base::LedgerView> past_;  // of partitions that went to others
  std::set<std::string> told_;
  Clock::time_point next_save_;
  Clock::time_point next_try_;
  Clock::time_point waiting_since_;
  bool down_ = false;
};

}  // namespace netflowgen::serve

// A collector's partial frames to a topic (docs/frames.md): each step that closes is encoded, queued on the disk, and sent from
// there until the brokers have it.
//
// One thread, the collector's. Failures here never stop the collector: what cannot be sent waits in the queue, and what does not
// fit there is dropped and counted. Invariant: partial frames in = out + held + drops, over restarts too: what a run leaves in the
// queue the next one begins with.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/ledger.h"
#include "flow/kafka/producer.h"
#include "series/partial_frames.h"
#include "serve/db/disk_queue.h"
#include "serve/fleet_options.h"

namespace netflowgen::serve {

enum class PublishDrop : uint8_t {
  kQueueFull,
  kNotWritten,  // the queue's file could not be written
  kRefused,     // by the brokers, for good
  kCount
};
constexpr std::string_view name_of(PublishDrop reason) {
  constexpr std::string_view kNames[] = {"queue_full", "not_written", "refused"};
  return kNames[static_cast<size_t>(reason)];
}

class FramePublisher {
 public:
  using Log = std::function<void(const std::string&)>;

  // Asks the brokers for the topic's partitions. What was queued after `mark` is taken back: its flows are read again. Error: no
  // such topic; no broker answers, and none ever has.
  FramePublisher(const PublishOptions& options, int64_t step_ms, std::optional<uint64_t> mark, Log log);
  ~FramePublisher();

  // A node of a step that closes, as SeriesBuilder's node tap has it. Steps ascend. A step has all of its nodes when one of another
  // step comes, or any other call.
  void node(int64_t step, const series::StepSlot& slot, const series::StateView& in,
            const series::StateView& out);
  // All steps before this one are closed, although nothing may have been active in them.
  void closed_before(int64_t step);
  // Sends what waits, as far as it is taken, and notes what has arrived.
  void pump();
  // What was queued is on the disk. The mark for it. Error: disk full.
  uint64_t sync();
  // No step is taken any more; gives the brokers so long to take what waits.
  void finish(int64_t grace_ms);

  base::LedgerView ledger() const;
  std::string status() const;  // for the collector's log line

 private:
  static constexpr uint64_t kOnTheWay = uint64_t{16} << 20;  // bytes that the brokers have not confirmed
  struct Sent {
    uint32_t nodes;
    uint64_t bytes;
  };

  bool send_some();
  void take_deliveries(int wait_ms);
  void watch_brokers();
  void keep_record(const series::PartialHeader& header, base::Bytes value, uint32_t nodes);
  void close_step();
  void queue_step();
  void send_directly();
  void drop(PublishDrop reason, uint64_t nodes, const std::string& text);

  PublishOptions options_;
  Log log_;
  DiskQueue queue_;
  std::unique_ptr<flow::KafkaProducer> producer_;
  std::unique_ptr<series::PartialEncoder> encoder_;
  series::PartialEncoder::Out keep_;
  std::optional<int64_t> step_;             // that closes
  std::vector<QueuedRecord> step_records_;  // of it
  uint64_t step_nodes_ = 0;
  std::deque<QueuedRecord> next_;  // in the queue, and not sent
  std::map<uint64_t, Sent> on_the_way_;
  uint64_t bytes_on_the_way_ = 0;
  uint64_t read_up_to_ = 0;        // id of the last one that was sent or is in next_
  int64_t next_step_ = INT64_MIN;  // the first that was not published
  bool finished_ = false;
  bool resend_ =
      false;  // when nothing is on the way any more: from the oldest on, so that a partition's order stays
  base::Ledger<PublishDrop> ledger_;
  std::set<PublishDrop> told_;
  bool down_ = false;
};

}  // namespace netflowgen::serve

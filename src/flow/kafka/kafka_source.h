// Flows from a topic of Kafka, in the order of the flows' times across partitions. docs/kafka.md is the guide.
//
// Invariants: 1. Flows are merged by the partitions' watermarks (partition.h): the one that lags most is read first, and one
// that has more to give is waited for. A partition that is at its end, or that gave nothing for kIdle in an input that is
// followed, stops nobody. 2. Of an input that ends, the same records give the same flows in the same order. 3. positions() is
// how far flows were handed out, to the flow: who continues there reads each flow once. 4. Records: in = out + held + drops,
// and so for messages and flows. 5. Nothing is committed but by commit(). One thread calls all of it, but stop().
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "flow/input_options.h"
#include "flow/kafka/consumer.h"
#include "flow/kafka/kafka_position.h"
#include "flow/kafka/partition.h"
#include "flow/kafka/payload.h"
#include "flow/source.h"

namespace netflowgen::flow {

enum class KafkaDrop : uint8_t { kTombstone, kNoMessage, kUnknownFormat, kTooLong, kCount };
// A record of many small messages takes many times its size.
inline constexpr size_t kMaxKafkaValue = size_t{8} << 20;
constexpr std::string_view name_of(KafkaDrop reason) {
  constexpr std::string_view kNames[] = {"tombstone", "no_message", "unknown_format", "too_long"};
  return kNames[static_cast<size_t>(reason)];
}
enum class KafkaFlowDrop : uint8_t {
  kCounted,  // an earlier run counted them: the first flows of the record at which it stopped
  kRevoked,  // of partitions that another member of the group reads now
  kCount
};
constexpr std::string_view name_of(KafkaFlowDrop reason) {
  constexpr std::string_view kNames[] = {"counted_before", "revoked"};
  return kNames[static_cast<size_t>(reason)];
}

class KafkaSource : public FlowSource, private KafkaGroupObserver {
 public:
  // Asks the brokers for the partitions and their bounds. Where `start` names a partition, it begins there or where the group
  // goes on, whichever is later. Error: no broker answers, no such topic.
  KafkaSource(std::unique_ptr<KafkaConsumer> consumer, KafkaUrl url, const InputOptions& options,
              std::vector<KafkaPosition> start = {});
  ~KafkaSource() override;

  size_t read(std::span<Flow> out) override;
  bool waiting() const override { return !ended_; }
  std::optional<TimeMs> time() const override { return time_; }
  // No further record is read: what is followed ends.
  void stop() { stopping_.store(true, std::memory_order_relaxed); }

  const KafkaUrl& url() const { return url_; }
  std::vector<KafkaPosition> positions() const;
  // The positions to the group, where there is one. Error.
  void commit();
  // Called before partitions are given away, while positions() still has them.
  void on_revoke(std::function<void()> call) { on_revoke_ = std::move(call); }

  std::vector<base::LedgerView> ledgers() const override;
  std::vector<std::pair<std::string_view, uint64_t>> notes() const override;
  std::vector<SourceWarning> warnings() const override { return warnings_; }
  uint32_t known() const override { return known_; }
  uint64_t bytes_done() const override { return bytes_; }
  // First and end offsets of what is read, by partition.
  std::map<int32_t, std::pair<int64_t, int64_t>> ranges() const;

 private:
  static constexpr std::chrono::milliseconds kIdle{3'000};
  static constexpr int kWait_ms = 200;
  static constexpr size_t kRecent = 255;

  std::map<int32_t, int64_t> assigned(const std::map<int32_t, int64_t>& committed) override;
  void revoked(const std::vector<int32_t>& partitions) override;
  KafkaPartition& add(int32_t id, int64_t begin, const KafkaBounds& bounds);
  int64_t begin_of(int32_t id, const KafkaBounds& bounds);
  int64_t end_of(int32_t id, const KafkaBounds& bounds);
  void open_all();

  KafkaPartition* choose(bool& must_wait);
  bool load(KafkaPartition& p);
  bool decode(KafkaPartition& p, const KafkaRecord& record);
  void make_format(const KafkaRecord& record);
  size_t hand_out(KafkaPartition& p, std::span<Flow> out);
  void pass_time(bool idle);
  void watch_brokers();
  bool all_done() const;

  KafkaUrl url_;
  InputOptions options_;
  std::unique_ptr<KafkaConsumer> consumer_;
  std::map<int32_t, KafkaPartition> partitions_;
  std::map<int32_t, KafkaPosition> start_;
  KafkaPartition* present_ = nullptr;  // whose flows are handed out
  TimeMs bound_ = INT64_MIN;           // up to this watermark the present one goes on
  std::unique_ptr<Payload> payload_;
  std::function<void()> on_revoke_;
  base::Ledger<KafkaDrop> records_;
  base::Ledger<KafkaFlowDrop> flows_;
  std::vector<SourceWarning> warnings_;
  std::array<TimeMs, kRecent> recent_{};  // times of the last flows
  uint64_t handed_out_ = 0;
  uint64_t bytes_ = 0;
  uint64_t gaps_ = 0;  // offsets without a record
  uint64_t outages_ = 0;
  bool down_ = false;
  std::chrono::steady_clock::time_point down_since_;
  std::chrono::steady_clock::time_point idle_since_;
  bool idle_ = false;
  TimeMs idle_time_ = 0;
  std::optional<TimeMs> time_;
  uint32_t known_ = 0;
  std::atomic<bool> stopping_{false};
  bool ended_ = false;
};

// A topic that is followed, from `start` on. Error, UsageError.
std::unique_ptr<KafkaSource> follow_kafka(const std::string& text, std::vector<KafkaPosition> start);

// open.h's pinned().
std::string pinned_kafka(const std::string& text);

// The only path of `options`, kafka://...
std::unique_ptr<FlowSource> open_kafka(const InputOptions& options);

}  // namespace netflowgen::flow

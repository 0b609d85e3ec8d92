// The records of a topic, partition by partition: librdkafka behind an interface that neither its headers nor its threads pass.
// Without NETFLOWGEN_KAFKA open_consumer() is an Error.
//
// Invariants: 1. Records of a partition come in the order of their offsets, each once. 2. Nothing is committed but by
// commit(). 3. A broker that is down is no error: librdkafka tries again with growing pauses, and problem() says what is
// wrong. 4. Memory is bounded: librdkafka fetches ahead up to its queued.max.messages.kbytes. One thread.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/cursor.h"
#include "flow/kafka/kafka_url.h"

namespace netflowgen::flow {

struct KafkaRecord {
  int64_t offset = 0;
  TimeMs timestamp_ms = -1;  // of the producer or the broker; -1: none
  base::Bytes value;         // valid until the next take() of the partition
  bool tombstone = false;    // no value at all
};

struct KafkaBounds {
  int64_t begin = 0;  // of the first record
  int64_t end = 0;    // behind the last one
};

// What a group gave or took. Called inside wait() and take().
class KafkaGroupObserver {
 public:
  virtual ~KafkaGroupObserver() = default;
  // Returns the offset at which each begins, given what the group has committed (-1: nothing).
  virtual std::map<int32_t, int64_t> assigned(const std::map<int32_t, int64_t>& committed) = 0;
  // The last moment to commit what they carried.
  virtual void revoked(const std::vector<int32_t>& partitions) = 0;
};

class KafkaConsumer {
 public:
  enum class Take : uint8_t { kRecord, kNothing, kEnd };  // kEnd: everything there is was taken

  virtual ~KafkaConsumer() = default;
  // All of these ask a broker. Error: none answers in time, or there is no such topic.
  virtual std::vector<int32_t> partitions() = 0;
  virtual KafkaBounds bounds(int32_t partition) = 0;
  // Of the first record of that time or later; the end where there is none.
  virtual int64_t offset_of(int32_t partition, TimeMs time) = 0;
  virtual std::map<int32_t, int64_t> committed(const std::vector<int32_t>& partitions) = 0;  // -1: nothing

  // One of them, once: partitions with the offsets at which they begin, or a member of the group.
  virtual void assign(const std::map<int32_t, int64_t>& begin) = 0;
  virtual void subscribe(KafkaGroupObserver& observer) = 0;

  // The next record, without waiting.
  virtual Take take(int32_t partition, KafkaRecord& record) = 0;
  // Until something may have come, or for so long.
  virtual void wait(int timeout_ms) = 0;
  // Where the group goes on. Error: it was not taken.
  virtual void commit(const std::map<int32_t, int64_t>& next) = 0;
  // What keeps the brokers from answering; "": nothing.
  virtual std::string problem() const = 0;
  // Records that came to this side and were not taken.
  virtual uint64_t held() const = 0;
};

// UsageError: librdkafka refuses a property.
std::unique_ptr<KafkaConsumer> open_consumer(const KafkaUrl& url);

}  // namespace netflowgen::flow

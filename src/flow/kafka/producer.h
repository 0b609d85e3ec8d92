// Records to a topic: librdkafka's idempotent producer behind an interface that neither its headers nor its threads pass.
// Without NETFLOWGEN_KAFKA open_producer() is an Error.
//
// Invariants: 1. Records of a partition are written in the order of send(), each once, however often the connection breaks.
// 2. A broker that is down is no error: records wait, and problem() says what is wrong. 3. Of every record that send() took,
// poll() tells once what became of it. One thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/cursor.h"
#include "flow/kafka/kafka_url.h"

namespace netflowgen::flow {

struct KafkaDelivery {
  enum class Outcome : uint8_t {
    kTaken,    // the brokers have it
    kRefused,  // the brokers will never take it: too large, not allowed
    kAgain,    // send it again
  };
  uint64_t id = 0;
  Outcome outcome = Outcome::kTaken;
  std::string reason;
};

class KafkaProducer {
 public:
  virtual ~KafkaProducer() = default;
  // How many the topic has. 0: no broker answered within `wait_ms`. Error: there is no such topic, or it is not allowed.
  virtual uint32_t partitions(int wait_ms) = 0;
  // False: too much is on the way already.
  virtual bool send(uint64_t id, int32_t partition, std::string_view key, base::Bytes value) = 0;
  // What became of records, after `wait_ms` at most.
  virtual std::vector<KafkaDelivery> poll(int wait_ms) = 0;
  // What keeps the brokers from answering; "": nothing.
  virtual std::string problem() const = 0;
};

// UsageError: librdkafka refuses a property, or the URL has an option of readers.
std::unique_ptr<KafkaProducer> open_producer(const KafkaUrl& url);

}  // namespace netflowgen::flow

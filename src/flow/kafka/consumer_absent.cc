// Of programs that were built without librdkafka.
#ifndef NETFLOWGEN_KAFKA
#include "base/error.h"
#include "flow/kafka/consumer.h"
#include "flow/kafka/producer.h"

namespace netflowgen::flow {
namespace {

[[noreturn]] void fail(const KafkaUrl& url) {
  throw base::Error(
      "{}: this program was built without Kafka; install librdkafka-dev (scripts/setup kafka) and build "
      "again with -DNETFLOWGEN_KAFKA=ON",
      url.name());
}

}  // namespace

std::unique_ptr<KafkaConsumer> open_consumer(const KafkaUrl& url) { fail(url); }
std::unique_ptr<KafkaProducer> open_producer(const KafkaUrl& url) { fail(url); }

}  // namespace netflowgen::flow
#endif

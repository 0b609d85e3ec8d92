// Of programs that were built without librdkafka.
#ifndef NETFLOWGEN_KAFKA
#include "base/error.h"
#include "flow/kafka/consumer.h"

namespace netflowgen::flow {

std::unique_ptr<KafkaConsumer> open_consumer(const KafkaUrl& url) {
  throw base::Error(
      "{}: this program was built without Kafka; install librdkafka-dev (scripts/setup kafka) and build "
      "again with -DNETFLOWGEN_KAFKA=ON",
      url.name());
}

}  // namespace netflowgen::flow
#endif

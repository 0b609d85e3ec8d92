// One property of librdkafka's configuration, set. For consumer.cc and producer.cc.
#pragma once
#ifdef NETFLOWGEN_KAFKA

#include <librdkafka/rdkafka.h>

#include <string>

#include "base/error.h"
#include "flow/kafka/kafka_url.h"

namespace netflowgen::flow {

// UsageError where librdkafka refuses it. Its own text repeats the value, which may be a secret, and is not shown.
inline void set_property(rd_kafka_conf_t* conf, const KafkaUrl& url, const std::string& name,
                         const std::string& value) {
  char text[512];
  if (rd_kafka_conf_set(conf, name.c_str(), value.c_str(), text, sizeof text) == RD_KAFKA_CONF_OK) return;
  throw base::UsageError("{}: librdkafka refuses the property {}: {}", url.name(), name,
                         rd_kafka_version_str() + std::string(" has no such property, or not this value"));
}

}  // namespace netflowgen::flow
#endif

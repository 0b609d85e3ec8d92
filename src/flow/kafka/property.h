// What consumer.cc and producer.cc have in common: one property of librdkafka's configuration, set, and what its errors leave out.
#pragma once
#ifdef NETFLOWGEN_KAFKA

#include <fmt/format.h>
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

// What librdkafka says of the brokers, and what it does not know about itself: its SCRAM repeats the client's nonce before 2.6.1, which Kafka
// 4 refuses as it does a wrong password (RFC 5802, 5.1).
inline std::string explained(std::string text, int version = rd_kafka_version()) {
  constexpr int kScramMended = 0x020601ff;
  if (version < kScramMended && text.find("SCRAM") != std::string::npos)
    text += fmt::format(
        "; Kafka 4 refuses the SCRAM of librdkafka {}.{}.{}, whatever the password: use PLAIN over TLS, a "
        "client certificate, or librdkafka 2.6.1",
        version >> 24, version >> 16 & 0xff, version >> 8 & 0xff);
  return text;
}

}  // namespace netflowgen::flow
#endif

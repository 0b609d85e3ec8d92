// A topic as an input: kafka://BROKER[:PORT],.../TOPIC?OPTION=VALUE&... docs/kafka.md lists the options. Everything with a dot
// in its name is a property of librdkafka; a file of properties keeps secrets out of the command line. Pure functions but
// for that file.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/time.h"

namespace netflowgen::flow {

using base::TimeMs;

// Where to begin or to end in each partition.
struct KafkaPlace {
  enum class Kind : uint8_t {
    kGroup,  // what the group has committed, else the beginning
    kBegin,
    kEnd,      // as of when it is asked
    kTime,     // the first record of that time or later
    kOffsets,  // of each partition by itself
  };
  Kind kind = Kind::kBegin;
  TimeMs time_ms = 0;
  std::map<int32_t, int64_t> offsets;
};

struct KafkaUrl {
  std::string brokers;
  std::string topic;
  std::string format;  // "": told from the first records
  std::string group;
  KafkaPlace from;
  KafkaPlace until = {KafkaPlace::Kind::kEnd, 0, {}};
  bool follow = false;                            // goes on behind the end, and `until` has no meaning
  std::vector<int32_t> partitions;                // empty: all
  int64_t timeout_ms = 60'000;                    // without any broker, before an input that ends is given up
  std::map<std::string, std::string> properties;  // of librdkafka

  // For messages: without options, which may hold secrets.
  std::string name() const { return "kafka://" + brokers + "/" + topic; }
};

bool is_kafka_url(std::string_view text);
// UsageError: an option or value that is none. Error: the properties file cannot be read.
KafkaUrl parse_kafka_url(const std::string& text);
// The URL with the places as offsets, so that a second reading gives the same records.
std::string with_offsets(const std::string& text,
                         const std::map<int32_t, std::pair<int64_t, int64_t>>& offsets);
// Whether both places are offsets: it gives the same records each time.
bool is_pinned(const KafkaUrl& url);

}  // namespace netflowgen::flow

// How far a topic was read: what is stored beside the series, so that a restart continues to the flow.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace netflowgen::flow {

struct KafkaPosition {
  int32_t partition = 0;
  int64_t offset = 0;  // of the first record that was not read whole
  uint32_t flows = 0;  // of that record, that were read

  bool operator==(const KafkaPosition&) const = default;
};

// "kafka://BROKERS/TOPIC 0:1234:0 1:900:2"; Error: no such text, or of another topic than `name`.
std::string positions_text(std::string_view name, const std::vector<KafkaPosition>& positions);
std::vector<KafkaPosition> parse_positions(std::string_view name, std::string_view text);

}  // namespace netflowgen::flow

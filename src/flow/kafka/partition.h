// One partition of a topic as it is read: its next record, decoded, and how far its flows' times have come (its watermark).
// Plain state; one thread.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <vector>

#include "flow/record.h"

namespace netflowgen::flow {

struct KafkaPartition {
  using Clock = std::chrono::steady_clock;

  int32_t id = 0;
  int64_t next = 0;         // offset of the first record that was not handed out whole
  int64_t end = INT64_MAX;  // reading ends before it
  uint32_t resume = 0;      // flows of the record `next` that an earlier run has counted
  bool loaded = false;      // `flows` holds those of the record `offset`
  int64_t offset = 0;
  std::vector<Flow> flows;
  size_t at = 0;            // of the next flow to hand out
  bool caught_up = false;   // everything there is was taken
  Clock::time_point heard;  // when it last gave a record, or was found at its end
  TimeMs watermark = INT64_MIN;
  TimeMs last = INT64_MIN;  // of the last record's flows

  bool done() const { return !loaded && next >= end; }
  // A record's time. One record with a wrong clock does not move the watermark: a leap takes two in a row.
  void advance(TimeMs time) {
    constexpr int64_t kLeap_ms = 3'600'000;
    const bool leap = last != INT64_MIN && time - last > kLeap_ms;
    watermark = std::max(watermark, leap ? last : time);
    last = time;
  }
};

}  // namespace netflowgen::flow

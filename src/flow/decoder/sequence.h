// Loss by sequence number of one stream, for any unit (v5 flows, v9 packets, IPFIX records, sFlow samples).
//
// Invariants: 1. What comes late fills its hole, so reordering is no loss. 2. A restart or a jump too wide to
// be loss is a reset and costs nothing. 3. Constant memory.
#pragma once

#include <array>
#include <cstdint>

namespace netflowgen::flow {

class SequenceTracker {
 public:
  // A datagram with number `seq` that carries `count` units. `exact` is false when it may carry more than is
  // known (data without template); the gap after it is then not counted.
  void add(uint32_t seq, uint32_t count, bool exact = true);
  // The exporter was restarted: the next number is taken as it comes.
  void restart();

  // Whether `seq` could be this stream's next number, give or take a little loss or reordering.
  bool near(uint32_t seq) const;

  uint64_t received() const { return received_; }
  uint64_t lost() const { return lost_; }
  uint64_t reordered() const { return reordered_; }
  uint64_t duplicates() const { return duplicates_; }
  uint64_t resets() const { return resets_; }

 private:
  struct Hole {
    uint32_t first = 0;
    uint32_t size = 0;
  };
  static constexpr int32_t kMaxGap = 1 << 24;
  static constexpr int32_t kMaxLate = 1 << 16;
  static constexpr int32_t kNear = 1 << 12;
  static constexpr uint32_t kLateRun = 16;

  void late(uint32_t seq, uint32_t count);
  void open_hole(uint32_t first, uint32_t size);

  std::array<Hole, 8> holes_{};
  uint32_t next_hole_ = 0;
  uint32_t expected_ = 0;
  uint32_t late_run_ = 0;  // second copies in a row
  bool started_ = false;
  bool exact_ = true;  // expected_ is
  uint64_t received_ = 0;
  uint64_t lost_ = 0;
  uint64_t reordered_ = 0;
  uint64_t duplicates_ = 0;
  uint64_t resets_ = 0;
};

}  // namespace netflowgen::flow

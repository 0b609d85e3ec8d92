// Loss by sequence number of one stream, for any unit (v5 flows, v9 packets, IPFIX records, sFlow samples).
// What a number counts is convention.h's business.
//
// Invariants: 1. What comes late fills its hole, so reordering is no loss. 2. A restart or a jump too wide to
// be loss is a reset and costs nothing. 3. Constant memory.
#pragma once

#include <array>
#include <cstdint>

namespace netflowgen::flow {

struct SequenceCounts {
  uint64_t received = 0;
  uint64_t lost = 0;        // after what came late was taken off again
  uint64_t reordered = 0;   // datagrams that came late
  uint64_t duplicates = 0;  // datagrams that came twice
  uint64_t resets = 0;

  void add(const SequenceCounts& other) {
    received += other.received;
    lost += other.lost;
    reordered += other.reordered;
    duplicates += other.duplicates;
    resets += other.resets;
  }
};

// The units that one message carries: `count` of them from number `first` on. An end that is not exact is not
// known (data without template), and the gap at it is not counted.
struct SequenceSpan {
  uint32_t first = 0;
  uint32_t count = 0;
  bool first_exact = true;
  bool last_exact = true;
};

class SequenceTracker {
 public:
  // True: the message is exactly the next one.
  bool add(const SequenceSpan& span) {
    if (!started_ || !exact_ || !span.first_exact || span.first != expected_) return add_other(span);
    late_run_ = 0;
    exact_ = span.last_exact;
    expected_ += span.count;
    counts_.received += span.count;
    return true;
  }
  // The exporter was restarted: the next number is taken as it comes.
  void restart();
  // The counts so far, which begin at zero again; what is expected next stays.
  SequenceCounts take_counts();

  // Whether `seq` could be this stream's next number, give or take a little loss or reordering.
  bool near(uint32_t seq) const;
  bool started() const { return started_; }
  const SequenceCounts& counts() const { return counts_; }

 private:
  struct Hole {
    uint32_t first = 0;
    uint32_t size = 0;
  };
  static constexpr int32_t kMaxGap = 1 << 24;
  static constexpr int32_t kMaxLate = 1 << 16;
  static constexpr int32_t kNear = 1 << 12;
  static constexpr uint32_t kLateRun = 16;

  bool add_other(const SequenceSpan& span);
  void late(const SequenceSpan& span);
  void open_hole(uint32_t first, uint32_t size);

  std::array<Hole, 8> holes_{};
  uint32_t next_hole_ = 0;
  uint32_t expected_ = 0;
  uint32_t late_run_ = 0;  // second copies in a row
  bool started_ = false;
  bool exact_ = true;  // expected_ is
  SequenceCounts counts_;
};

}  // namespace netflowgen::flow

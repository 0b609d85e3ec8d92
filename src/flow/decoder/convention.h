// What an exporter's sequence number counts, learnt from its first messages. The protocols prescribe one
// convention each (v5: flows before the message; v9, RFC 3954 section 5.1: packets; IPFIX, RFC 7011 section 3.1: data records
// before the message), and real exporters use others: docs/exporters.md, "Sequence numbers".
//
// All conventions that are possible are followed at once, each with a tracker of its own. The one that foresees the
// most numbers is the exporter's, so that its loss is exact from the first message on. Conventions that fall far behind
// are given up. When the one that was learnt fails more often than loss explains, learning begins again.
//
// Invariants: 1. Without evidence it is the protocol's own. 2. Bounded memory. 3. No clock.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "flow/decoder/sequence.h"

namespace netflowgen::flow {

// What one message holds.
struct MessageCount {
  uint32_t records = 0;    // of data, those of options included
  uint32_t options = 0;    // of these, the option records
  uint32_t templates = 0;  // template records
  bool exact = true;       // false: there may be more (data without template, a message that is cut)
};

enum class SequenceUnit : uint8_t {
  kRecords,      // data and option records
  kFlowRecords,  // data records without options
  kAllRecords,   // data, option and template records
  kMessages,
  kNothing,  // the number does not change
};

struct SequenceConvention {
  SequenceUnit unit = SequenceUnit::kRecords;
  bool through = false;  // the message itself is counted in its number
  bool operator==(const SequenceConvention&) const = default;
};

// The protocol's own first. `version` as Flow::version.
std::span<const SequenceConvention> conventions_of(uint8_t version);

// For people: "packets", "flows" ...
std::string_view unit_name(uint8_t version, SequenceUnit unit);
// What differs from the protocol, for people; empty: nothing does.
std::string_view convention_text(uint8_t version, const SequenceConvention& convention);

// The sequence numbers of one stream.
class SequenceMeter {
 public:
  explicit SequenceMeter(uint8_t version);

  void add(uint32_t seq, const MessageCount& message);
  // The exporter was restarted: its next number is taken as it comes.
  void restart();
  bool near(uint32_t seq) const { return best().tracker.near(seq); }

  // In the convention's unit; `received` counts option records also where the convention leaves them out.
  SequenceCounts counts() const;
  const SequenceConvention& convention() const { return best().convention; }
  uint64_t foreseen() const { return foreseen_; }  // messages whose number was exactly the expected one
  size_t memory_bytes() const { return candidates_.capacity() * sizeof(Candidate); }

 private:
  struct Candidate {
    SequenceConvention convention;
    int32_t score = 0;
    uint64_t unnumbered = 0;  // option records that the convention leaves out
    SequenceTracker tracker;
  };
  static constexpr int32_t kGiveUp = 16;  // a convention that is so far behind is not the exporter's
  // A miss weighs as much as this many hits: a wrong convention may foresee every second number by chance. Learning once
  // more costs nothing but time, as what was learnt is kept until another convention is better.
  static constexpr uint32_t kMiss = 2;
  static constexpr uint32_t kRelearn = 48;
  static constexpr int32_t kFirstNumber = 2;  // the first number fits a stream's beginning
  static constexpr int32_t kHandicap = 4;     // of kNothing: second copies of a datagram look like it

  const Candidate& best() const { return candidates_[best_]; }
  void learn_again();
  void choose();

  uint8_t version_;
  std::vector<Candidate> candidates_;  // in the order of conventions_of()
  size_t best_ = 0;
  bool sure_ = true;     // the records of the message before were counted
  uint32_t misses_ = 0;  // weighed, less the hits
  uint64_t foreseen_ = 0;
  SequenceCounts done_;  // before learning began again
};

}  // namespace netflowgen::flow

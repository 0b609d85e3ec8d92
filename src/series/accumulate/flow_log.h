// A flow's part as the log of a quiet node keeps it: what DirectionState adds, in 20 octets. Most nodes have a few flows a
// step, and these take less room and fewer cache lines than the sums and sets that they would be added to.
//
// Law (step_table_test.cc): adding logged parts to a state equals adding the parts themselves. What does not fit is not
// logged: log_part() says so.
#pragma once

#include <cstdint>

#include "series/accumulate/arena.h"
#include "series/accumulate/part.h"
#include "series/accumulate/state.h"

namespace netflowgen::series {

// Words: peer's hash | own port, peer's port | bytes | duration (27 bits), class (2), service port is the own (1), bits 0 and 1
// of Part::bits | packets (20 bits), groups (7), bits 2 to 6 of Part::bits.
struct LoggedPart {
  uint32_t words[5];
};

// A cache line of a log. Lines are chained, the newest first; behind the oldest stands the node's DirectionState, if any.
struct LogLine {
  static constexpr unsigned kParts = 3;
  Arena::Ref next;
  LoggedPart parts[kParts];
};
static_assert(sizeof(LogLine) == kLine);

// What both ends of a flow log alike. fits: false where a number is too large, or the part stands for several flows.
struct PartCode {
  uint32_t bytes = 0;
  uint32_t duration = 0;  // word 3 without the service's bit
  uint32_t packets = 0;   // word 4
  bool fits = false;
};
PartCode encode(const Part& part);

// False: it cannot be logged. REQUIRES: `code` is encode(part).
bool log_part(const PartCode& code, const Part& part, const End& end, LoggedPart& to);

void add(DirectionState& state, const LoggedPart& part, Arena& arena);

// The parts' contribution to the volumes, without the sets.
struct LoggedVolumes {
  uint64_t bytes;
  uint64_t packets;
  uint64_t starts;
  uint16_t groups;
};
LoggedVolumes volumes_of(const LoggedPart& part);

}  // namespace netflowgen::series

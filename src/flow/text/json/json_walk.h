// The walk over an object whose form is known (json_shape.h): the graph of the literals between values, and the pass.
// Pure functions beside the guesses in the graph. Speed: bench/json.cc.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace netflowgen::flow {

inline constexpr size_t kMaxLiteral = 128;
inline constexpr size_t kMaxEdges = 8;
inline constexpr size_t kWalkBlock = 16;         // bytes that are looked at together
inline constexpr uint16_t kUnread = UINT16_MAX;  // WalkState::column of a value that nobody reads

struct WalkState;

// What is between two values.
struct WalkEdge {
  WalkState* to = nullptr;
  uint32_t bytes = 0;  // bit i: byte i of the block counts; of a literal of one block
  uint16_t size = 0;
  char literal[kMaxLiteral + kWalkBlock] = {};
};

// One value, by its key's path.
struct WalkState {
  uint64_t columns[2] = {0, 0};  // the bit of its column in JsonCells::present
  uint16_t column = kUnread;
  uint8_t edges = 0;
  uint8_t oldest = 0;  // the edge to replace when all are taken
  // Of the last text. The walk guesses that the next one is as long: where that is right, the processor goes on before it
  // has found the end.
  uint8_t length = 0;
  uint8_t wrong = 0;  // guesses; after kMaxWrong there are no more
  WalkEdge edge[kMaxEdges];
};
inline constexpr uint8_t kMaxWrong = 64;

struct WalkResult {
  size_t size = 0;  // of the object; 0: the parser has to look
  uint64_t present[2] = {0, 0};
};

// Walks from `start` to `last`. `cells`: by column. REQUIRES: a NUL behind the bytes that is no part of them, and two blocks
// of readable bytes from there on.
WalkResult walk(WalkState* start, const WalkState* last, const char* bytes, std::string_view* cells);

// Behind any value at p that the walk takes: a plain string, a number, a word, an array of these. nullptr: none.
const char* pass_json_value(const char* p);

namespace walk_internal {
// One character a line, in memory and out of the compiler's sight: it would make each anew from the byte that was compared
// with it, and a block would wait for that byte.
struct WalkBytes {
  alignas(kWalkBlock) char quotes[kWalkBlock];
  char escapes[kWalkBlock];
  char blanks[kWalkBlock];
  char zeros[kWalkBlock];
  char nines[kWalkBlock];
};
extern const WalkBytes kWalkBytes;  // json_shape.cc
}  // namespace walk_internal

}  // namespace netflowgen::flow

// The fast path for JSON objects: most files repeat one object with other values. What is between two values (commas,
// braces, keys, white space) is learnt as one literal from objects that the parser found valid; an object that consists
// of known literals and plain values is then read in one pass, without looking at its structure again. Everything else
// (an unknown literal, an escape, a byte that is not ASCII, an odd number) is left to the parser (json_cells.h).
//
// Invariants: 1. What read() accepts, JsonParser::read_cells() accepts with the same cells. A state is of one key
// path, so a literal between two states opens and closes the same containers wherever it is found. 2. Memory is bounded:
// kMaxStates states with kMaxEdges literals of kMaxLiteral bytes each; a file of more forms than that is read by the
// parser. 3. Plans with tuples have no fast path. One thread. Speed: bench/json.cc.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "flow/text/json/json_plan.h"

namespace netflowgen::flow {

class JsonShape {
 public:
  static constexpr size_t kMaxStates = 512;
  static constexpr size_t kMaxEdges = 8;
  static constexpr size_t kMaxLiteral = 120;
  static constexpr int kMaxDepth = 12;

  explicit JsonShape(const JsonPlan& plan) : plan_(plan) { reset(); }

  // The size of the object that `bytes` begins with, its values in `cells`; 0: the parser has to look. REQUIRES:
  // kDocumentPadding readable bytes after `bytes`.
  size_t read(std::string_view bytes, JsonCells& cells);
  // Learns the literals of an object. REQUIRES: the parser accepted it.
  void learn(std::string_view document);

 private:
  struct Edge {
    uint8_t size = 0;  // 0: none
    uint16_t to = 0;
    char literal[kMaxLiteral + 16];
  };
  struct State {
    uint16_t column = kNoColumn;
    uint8_t edges = 0;
    uint8_t oldest = 0;  // the edge to replace when all are taken
    Edge edge[kMaxEdges];
  };
  struct Known {  // which state a key in a container has, and which container a key opens
    uint16_t container;
    std::string key;
    uint16_t state;
    uint16_t inner;
  };
  class Learner;

  void reset();
  const Edge* next_edge(State& state, const char* p, const char* end);
  uint16_t find(uint16_t container, std::string_view key, bool opens);
  void add_edge(uint16_t from, std::string_view literal, uint16_t to);

  const JsonPlan& plan_;
  std::vector<State> states_;  // 0: the start of an object, 1: its end
  std::vector<Known> known_;
  uint16_t containers_ = 1;
  std::vector<uint16_t> key_of_container_;  // in the plan's tree
  uint64_t learnt_ = 0;
};

}  // namespace netflowgen::flow

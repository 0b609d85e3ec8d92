// The fast path for JSON objects: most files repeat one object with other values. What is between two values (commas,
// braces, keys, white space) is learnt as one literal from objects that the parser found valid; an object that consists
// of known literals and plain values is then read in one pass, without looking at its structure again. Everything else
// (an unknown literal, an escape, a byte that is not ASCII, an odd number) is left to the parser (json_cells.h). The pass itself is json_walk.h.
//
// Invariants: 1. What read() accepts, JsonParser::read_cells() accepts with the same cells. A state is of one key
// path, so a literal between two states opens and closes the same containers wherever it is found. 2. Memory is bounded:
// kMaxStates states with kMaxEdges literals of kMaxLiteral bytes each; a file of more forms than that is read by the
// parser. 3. Plans with tuples have no fast path. One thread. Speed: bench/json.cc.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "flow/text/json/json_plan.h"
#include "flow/text/json/json_walk.h"

namespace netflowgen::flow {

class JsonShape {
 public:
  static constexpr size_t kMaxStates = 512;
  static constexpr int kMaxDepth = 12;

  explicit JsonShape(const JsonPlan& plan) : plan_(plan) { reset(); }

  // The size of the object that `bytes` begins with, its values in `cells`; 0: the parser has to look. REQUIRES: a NUL
  // behind `bytes`, and kDocumentPadding readable bytes in all.
  size_t read(std::string_view bytes, JsonCells& cells);
  // Learns the literals of an object. REQUIRES: the parser accepted it, and there is a NUL somewhere behind it.
  void learn(std::string_view document);

 private:
  struct Known {  // which state a key in a container has, and which container a key opens
    uint16_t container;
    std::string key;
    uint16_t state;
    uint16_t inner;
  };
  class Learner;

  void reset();
  uint16_t find(uint16_t container, std::string_view key, bool opens);
  void add_edge(uint16_t from, std::string_view literal, uint16_t to);

  const JsonPlan& plan_;
  std::vector<WalkState> states_;  // 0: the start of an object, 1: its end; never moved
  std::vector<Known> known_;
  uint16_t containers_ = 1;
  std::vector<uint16_t> key_of_container_;  // in the plan's tree
  uint64_t learnt_ = 0;
};

}  // namespace netflowgen::flow

// Open steps on the disk: when more steps are open than memory may hold, what the quietest of them have gathered is appended
// to one file, and merged again when the step closes. Accumulators merge exactly (state.h), so the frames are the same.
//
// Invariants: 1. A step may be written several
// times; merge_into() takes all pieces of it and gives their room back. 2. Words that are zero take a bit, so a node of few
// flows takes some 150 bytes. One thread.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "base/file.h"
#include "series/accumulate/nameless_file.h"
#include "series/accumulate/step_table.h"

namespace netflowgen::series {

class StepSpill {
 public:
  // `folder` is where the file is made; Error when that fails.
  explicit StepSpill(base::fs::path folder) : file_(std::move(folder)) {}

  // Error: disk full.
  void write(int64_t step, const OpenStep& from);
  // Adds what was written of the step and forgets it. Error: the file cannot be read.
  void merge_into(int64_t step, OpenStep& into, HashSeed seed);

  bool holds(int64_t step) const { return pieces_.contains(step); }
  uint64_t nodes() const { return nodes_; }        // written and not merged yet; a node counts once a piece
  uint64_t bytes() const { return file_.size(); }  // ever written

 private:
  struct Piece {
    uint64_t at;
    uint64_t bytes;
    uint64_t nodes;
  };

  NamelessFile file_;
  std::map<int64_t, std::vector<Piece>> pieces_;
  std::vector<uint64_t> buffer_;
  ChunkPool pool_;  // of sketches on their way back
  uint64_t nodes_ = 0;
};

}  // namespace netflowgen::series

// Streaming state as one safetensors file; docs/formats.md (Streaming state) is its definition.
//
// Invariants: 1. Rows are ordered from the longest idle node to the least, so that save - restore - save gives the
// same bytes. 2. write() makes system calls only and allocates nothing: it may run in a forked child of a
// program with many threads. 3. A file that is refused leaves the arena as it was.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "base/safetensors.h"
#include "infer/state/hash.h"
#include "infer/state/node_states.h"

namespace netflowgen::infer {

inline constexpr int kStateVersion = 1;

// The checksum of all that a file holds of one node. `field(c)` is where column c of the node is.
template <typename Field>
uint64_t state_check(uint64_t key, uint32_t awake, std::span<const NodeStates::Column> columns,
                     const Field& field) {
  uint64_t hash = base::mix64(key ^ base::mix64(awake));
  for (size_t c = 0; c < columns.size(); ++c) hash = hash_bytes({field(c), columns[c].bytes}, hash);
  return hash;
}

// What the file holds beside the arena.
struct StreamState {
  int64_t clock = token::kNever;  // the latest step of all items
  std::vector<uint32_t> awake;    // slots, in the engine's order
};

class StateWriter {
 public:
  // Prepares everything that write() needs. The arena and the bytes of `extra` must not change until then.
  // REQUIRES: names of `extra` and keys of `metadata` do not begin with "infer.".
  StateWriter(const base::fs::path& path, const Model& model, NodeStates& arena, const StreamState& stream,
              const base::NamedTensors& extra, const base::Metadata& metadata);

  // Writes to a temporary file, syncs, renames. 0, or errno; an older file stays then.
  int write();

 private:
  // A tensor of the file: rows of a column, or, where stride is 0, `bytes` bytes from `data`.
  struct Part {
    const uint8_t* data;
    size_t bytes;
    size_t stride;
  };
  void add_check();
  int write_to(int fd);
  int put(int fd, const uint8_t* data, size_t size);
  int flush(int fd);

  std::string path_;
  std::string temporary_;
  std::string folder_;
  std::string header_;
  std::vector<uint32_t> rows_;  // slots in the order of the file
  std::vector<uint64_t> keys_;
  std::vector<uint64_t> check_;
  std::vector<uint32_t> awake_;
  std::vector<NodeStates::Column> columns_;
  std::vector<Part> parts_;
  std::vector<uint8_t> buffer_;
  size_t buffered_ = 0;
};

// Reads a file into an arena that is emptied first. Where it holds more nodes than the arena has slots, the
// least idle are kept; returns how many were left out.
// Error: not a state file, damaged, of another model, or with another cache type.
size_t restore_state(const base::fs::path& path, const Model& model, NodeStates& arena, StreamState& stream);

}  // namespace netflowgen::infer

// Partial frames: what one collector has seen of the nodes of one step, as bytes that another program merges with those of other
// collectors. docs/partial_frames.proto is the schema and docs/frames.md the guide.
//
// Law (partial_frames_test.cc): the frames of merged partial frames are those of one builder that was given all flows, to the
// bit. Invariants: 1. A record is of one collector, step and partition; a step's records are numbered from 0, and the last one
// says so. 2. A node's partition depends on the node and the number of partitions alone. 3. Decoding is bounded: a record of
// kMaxPartialBytes takes some 40 MiB, whatever its bytes are. One thread.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/cursor.h"
#include "series/accumulate/step_table.h"
#include "series/node.h"

namespace netflowgen::series {

inline constexpr uint32_t kPartialVersion = 1;
inline constexpr size_t kMaxPartialBytes =
    size_t{900} << 10;  // brokers refuse 1 MB and more unless they are told otherwise
inline constexpr size_t kMaxCollectorName = 128;

struct PartialHeader {
  std::string collector;  // its name; it stays over restarts
  uint64_t run = 0;       // of the process that made it
  int64_t step = 0;
  int64_t step_ms = 60'000;
  uint32_t partitions = 1;  // of the topic, when the collector asked
  uint32_t partition = 0;
  uint32_t chunk = 0;  // of the step in the partition, from 0
  bool last = false;   // there is no later chunk
};

// Nodes of one IPv4 /24 or IPv6 /48 have one partition, prefixes inside it too, so that an incident is seen whole; the interfaces
// of an exporter have one.
uint32_t partition_of(const NodeKey& node, uint32_t partitions);

class PartialEncoder {
 public:
  using Out = std::function<void(const PartialHeader& header, base::Bytes record, uint32_t nodes)>;

  // `common`: collector, run, step_ms and partitions of all records. `bytes`: of a record, at which the next one begins.
  explicit PartialEncoder(PartialHeader common, size_t bytes = size_t{256} << 10);

  // A node of `step`, as SeriesBuilder's node tap has it. Its record goes to `out` when the next node of the partition does not
  // fit. REQUIRES: the step before is closed, and `step` was not encoded before.
  void add(int64_t step, const StepSlot& slot, const StateView& in, const StateView& out_state,
           const Out& out);
  // The step has no more nodes: the last record of each partition, one at least.
  void close(int64_t step, const Out& out);
  // Both, for all nodes of a step.
  void encode(int64_t step, const OpenStep& nodes, const Out& out);

 private:
  struct Part {
    std::vector<uint8_t> record;  // empty: not begun
    uint32_t chunk = 0;
    uint32_t nodes = 0;  // of the record
  };

  void begin(uint32_t partition);
  void finish(uint32_t partition, bool last, const Out& out);

  PartialHeader header_;
  size_t bytes_;
  std::vector<Part> parts_;  // by partition
  Scratch scratch_;
};

enum class PartialFault : uint8_t {
  kNone,
  kNotFrames,  // something else
  kNewer,      // of a version that this program does not know
  kDamaged,
};

struct PartialNode {
  NodeKey node;
  Arena::Ref state[2] = {};  // by Direction, in the decoder's arena; 0: none
};

class PartialDecoder {
 public:
  PartialDecoder() : arena_(pool_) {}

  PartialFault decode(base::Bytes record);
  // Of the last record that was decoded without fault, until the next decode().
  const PartialHeader& header() const { return header_; }
  const std::vector<PartialNode>& nodes() const { return nodes_; }
  StateView view(const PartialNode& node, Direction d) const {
    return node.state[d] == 0 ? StateView{} : StateView{&arena_.at<DirectionState>(node.state[d]), &arena_};
  }

 private:
  bool read_header(base::Bytes record, uint64_t& version, bool& frames);
  bool read_node(base::Bytes bytes);

  ChunkPool pool_;
  Arena arena_;
  PartialHeader header_;
  std::vector<base::Bytes> found_;
  std::vector<PartialNode> nodes_;
};

}  // namespace netflowgen::series

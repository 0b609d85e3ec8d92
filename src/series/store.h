// The series store: a folder of safetensors shards and series.json. docs/formats.md documents every byte.
//
// Invariants: 1. A shard counts only when series.json lists it, and both are written atomically, so that a
// crash leaves the store as it was after the last flush. 2. A shard is self-contained: it has its own node names,
// so nothing in memory grows with the archive. 3. A (node, step) has one row in the whole store. 4. The bytes
// of a store depend only on the frames and on where it is flushed, not on the order within a flush.
// A StoreWriter belongs to one thread; readers may run beside it and see the store as of the last flush.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.h"
#include "base/ledger.h"
#include "base/safetensors.h"
#include "series/features.h"
#include "series/frame_table.h"
#include "series/node.h"

namespace netflowgen::series {

namespace fs = std::filesystem;

struct ShardInfo {
  std::string file;  // name within the folder
  uint64_t rows = 0;
  uint64_t nodes = 0;
  int64_t first_step = 0;  // steps since the epoch, [first_step, end_step)
  int64_t end_step = 0;
};

// A counter of a run, as kept in series.json.
struct StageCounts {
  std::string stage;
  uint64_t in = 0;
  uint64_t out = 0;
  uint64_t held = 0;
  std::vector<std::pair<std::string, uint64_t>> drops;
};

// What series.json says.
struct StoreInfo {
  int64_t step_ms = 60000;
  std::string timezone = "UTC";
  NodeChoice choice = {};  // which nodes were asked for, by all runs together
  int64_t first_step = 0;  // of the archive, idle steps included; first == end: empty
  int64_t end_step = 0;
  std::vector<bool> missing = std::vector<bool>(kFeatureCount, true);  // never given by the source
  std::vector<ShardInfo> shards;
  std::vector<std::vector<StageCounts>> runs;  // one entry a command that wrote to the store

  uint64_t rows() const;
};

// True when the folder holds a series.json.
bool is_store(const fs::path& store);

// Error: not a store, damaged, a newer format, or another feature table (with the two lists' difference).
StoreInfo read_store_info(const fs::path& store);

// One shard, mapped and checked: every node index is in range, steps strictly increase within a node.
class Shard {
 public:
  Shard(const fs::path& store, const ShardInfo& info);

  size_t rows() const { return steps_.size(); }
  const std::vector<std::string_view>& names() const { return names_; }
  std::span<const uint32_t> nodes() const { return nodes_; }  // [rows], index into names()
  std::span<const int64_t> steps() const { return steps_; }   // [rows]
  // Value of a feature; NaN when the shard does not hold it.
  float value(size_t row, size_t feature) const;
  void frame(size_t row, std::span<float> out) const;  // [kFeatureCount]

 private:
  void read_names();
  void read_columns();
  void check_order(const ShardInfo& info) const;

  base::SafetensorsFile file_;
  std::vector<std::string_view> names_;
  std::span<const uint32_t> nodes_;
  std::span<const int64_t> steps_;
  std::span<const float> values_;  // [rows, columns]
  std::vector<int> columns_;       // column -> feature
  std::vector<int> column_of_;     // feature -> column or -1
};

// Reads a store into memory by node and time. Nodes are in byte order of their names. Error as
// read_store_info, for damaged shards, and for a (node, step) that occurs twice.
FrameTable load_frames(const fs::path& store, const FrameFilter& filter = {});

// Whether the filter's list of nodes keeps this one.
bool matches(const FrameFilter& filter, std::string_view node);

class NodeNames;

struct StoreOptions {
  int64_t step_ms = 60000;
  std::string timezone = "UTC";
  NodeChoice choice = {};               // what this run asks for
  bool append = false;                  // false: the folder must not hold a store yet
  size_t shard_rows = size_t{1} << 20;  // frames buffered before they are written (at 156 B each)
};

class StoreWriter {
 public:
  // Creates the folder if need be. Error: it holds a store and append is false; append to another step,
  // time zone or feature table; another process writes to it.
  StoreWriter(fs::path store, StoreOptions options);
  // Does not flush: frames since the last flush are lost, as in a crash. A folder that the writer made and wrote
  // nothing to is removed.
  ~StoreWriter();
  StoreWriter(const StoreWriter&) = delete;
  StoreWriter& operator=(const StoreWriter&) = delete;

  // REQUIRES: frame has kFeatureCount values; (node, step) was not added before.
  void add(std::string_view node, int64_t step, std::span<const float> frame);
  void add(const NodeKey& node, int64_t step,
           std::span<const float> frame);  // by its name
  // The archive covers [first_step, end_step) although its edges may be idle.
  void cover(int64_t first_step, int64_t end_step);
  // Counters of this run, replaced by each call.
  void set_counts(std::vector<StageCounts> counts);
  // Writes what is buffered and series.json; the store is then complete up to here.
  void flush();
  // Takes back the shards from number `shards` on and the steps from `end_step` on: those of steps that were still
  // open when a collector stopped, and that come again. series.json is written at once.
  void take_back(size_t shards, int64_t end_step);

  // Removes the oldest shards: those that end at or before `before_step`, and those beyond `most_bytes` in all (0: no bound).
  // The newest shard stays. series.json is written at once; the files go with the next call, so that a reader that has just read
  // it finds them. Returns the rows removed. REQUIRES: nothing is to be taken back.
  uint64_t remove_oldest(int64_t before_step, uint64_t most_bytes);

  // Forgets all that this writer was given, also what it wrote: the store is as the writer found it.
  void discard();

  const StoreInfo& info() const { return info_; }
  uint64_t frames() const { return frames_; }  // added by this writer

 private:
  void add_row(uint32_t node, int64_t step, std::span<const float> frame);
  const float* row(size_t i) const { return chunks_[i / kChunkRows].get() + i % kChunkRows * kFeatureCount; }
  std::vector<uint32_t> rows_in_order(std::span<const uint32_t> rank, size_t names) const;
  std::vector<size_t> present_features() const;
  std::string next_file() const;
  void write_shard();
  void remove_files();
  uint64_t bytes_of(const ShardInfo& shard) const;
  void clear_rows();

  // Rows lie in chunks that stay from shard to shard: growing would copy them all, and new memory has to be cleared.
  static constexpr size_t kChunkRows = 4096;

  fs::path store_;
  StoreOptions options_;
  StoreInfo info_;
  StoreInfo found_;  // info_ at the start, with this run
  bool continued_ = false;
  int lock_ = -1;
  uint64_t frames_ = 0;
  bool created_ = false;              // the folder was made by this writer
  std::optional<uint64_t> bytes_;     // of all shards; not set: not added up yet
  std::vector<std::string> removed_;  // not listed any more, their files go with the next remove_oldest()
  size_t run_;                        // index of this run in info_.runs
  std::unique_ptr<NodeNames> names_;
  std::vector<uint32_t> nodes_;  // [buffered rows], numbers of names_
  std::vector<int64_t> steps_;
  std::vector<std::unique_ptr<float[]>> chunks_;  // of [kChunkRows, kFeatureCount]
};

std::vector<StageCounts> to_counts(std::span<const base::LedgerView> views);

}  // namespace netflowgen::series

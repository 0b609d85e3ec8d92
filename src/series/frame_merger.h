// Partial frames of several collectors -> the frames of whole steps: what a detector does for each partition of a topic that it
// owns.
//
// Time is that of the collectors' steps. A step closes when every collector that is heard has completed it. A collector is
// waited for until nothing was heard of it for `patience`, measured by the time stamps of the records, each collector's by
// itself, so that neither an outage of the brokers nor a wrong clock shortens it. A collector whose steps are far from those of
// the others (a clock that is a day off) is left out: its partial frames are dropped and counted, and nobody waits for it.
//
// Invariants: 1. The outcome depends on the records and their order alone: who reads the same partition again gets the same
// frames. No clock is read. 2. A record counts once, however often it is sent. 3. Partial frames: in = out + held + drops; the
// same for records. 4. Memory is bounded: beyond `memory_bytes` the oldest step closes early. 5. save() and restore() at any
// record change nothing. One thread.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/ledger.h"
#include "series/builder.h"
#include "series/partial_frames.h"

namespace netflowgen::series {

struct MergeOptions {
  int64_t step_ms = 60'000;
  uint32_t partitions = 1;
  uint32_t partition = 0;
  uint32_t collectors = 1;                // at the start, so many are waited for, for as long as `patience`
  int64_t patience_ms = 180'000;          // without a record of a collector
  int64_t max_ahead_ms = 3'600'000;       // a collector that leaps further ahead of the others is left out
  size_t memory_bytes = size_t{1} << 30;  // of records that wait for their step to close
};

enum class FrameRecordDrop : uint8_t {
  kTombstone,
  kTooLong,
  kNotFrames,
  kNewer,
  kDamaged,
  kOtherStep,        // of steps of another length
  kOtherPartitions,  // the collector knows another number of partitions, or it is in the wrong one
  kTooMany,          // of more collectors than kMaxCollectors
  kRepeated,         // sent again by a collector that was killed
  kCount
};
constexpr std::string_view name_of(FrameRecordDrop reason) {
  constexpr std::string_view kNames[] = {"tombstone", "too_long",   "not_frames",       "newer_version",
                                         "damaged",   "other_step", "other_partitions", "too_many_collectors",
                                         "repeated"};
  return kNames[static_cast<size_t>(reason)];
}
enum class PartialDrop : uint8_t {
  kLate,   // of steps that are closed
  kAhead,  // of a collector that is far ahead of the others
  kCount
};
constexpr std::string_view name_of(PartialDrop reason) {
  constexpr std::string_view kNames[] = {"late", "ahead"};
  return kNames[static_cast<size_t>(reason)];
}

class FrameMerger {
 public:
  static constexpr size_t kMaxCollectors = 4096;

  // What is known of a collector.
  struct Member {
    uint64_t run = 0;
    int64_t step = 0;        // the first that it has not completed
    uint32_t chunk = 0;      // of that step, the next
    base::TimeMs stamp = 0;  // of its last record
    int64_t heard = 0;       // log time of that
    bool astray = false;     // its clock is far from the others'
    uint64_t dropped = 0;    // partial frames: late or ahead
  };

  // `sink` gets the frames and must outlive the merger.
  FrameMerger(const MergeOptions& options, FrameSink& sink);
  ~FrameMerger();

  // The value of a record and its time stamp. What is no record of partial frames is counted and passed over.
  void add(base::Bytes value, base::TimeMs stamp_ms);
  // A record without a value.
  void add_tombstone();

  // The open steps, the collectors and the time that closed steps have reached. Error: damaged.
  std::vector<uint8_t> save() const;
  // REQUIRES: nothing was added yet.
  void restore(base::Bytes saved, const std::string& where);

  base::LedgerView record_ledger() const { return records_.view("frame records"); }
  base::LedgerView partial_ledger() const;
  const std::map<std::string, Member>& collectors() const { return members_; }
  bool started() const { return started_; }
  int64_t closed_before() const { return closed_before_; }  // REQUIRES: started()
  size_t open_steps() const { return open_.size(); }
  uint64_t forced() const { return forced_; }  // steps that closed early for want of memory

 private:
  struct Open {
    std::vector<std::vector<uint8_t>> records;
    uint64_t rows = 0;  // partial frames in them
  };

  bool accept(const PartialHeader& header);
  void hear(Member& member, base::TimeMs stamp_ms);
  bool is_heard(const Member& member) const { return log_ms_ - member.heard <= options_.patience_ms; }
  bool is_ahead(const Member& member, int64_t step) const;
  bool take(Member& member, int64_t step, bool leaps);
  void keep(int64_t step, base::Bytes record);
  void bound_memory();
  void close_ready();
  void close_before(int64_t step);
  void close_front();
  void merge_decoded();
  int64_t steps_of(int64_t ms) const { return (ms + options_.step_ms - 1) / options_.step_ms; }

  MergeOptions options_;
  FrameSink& sink_;
  PartialDecoder decoder_;
  ChunkPool pool_;
  HashSeed seed_;
  OpenStep closing_;  // the step that closes; empty in between
  Scratch scratch_;
  std::map<int64_t, Open> open_;
  uint64_t bytes_ = 0;  // of the records in it
  std::map<std::string, Member> members_;
  bool started_ = false;
  int64_t closed_before_ = 0;
  int64_t told_before_ = INT64_MIN;  // steps that the sink knows are closed
  int64_t log_ms_ = 0;               // time that the records' stamps show to have passed
  base::Ledger<FrameRecordDrop> records_;
  base::Ledger<PartialDrop> partials_;
  uint64_t forced_ = 0;
};

}  // namespace netflowgen::series

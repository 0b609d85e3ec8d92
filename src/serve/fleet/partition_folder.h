// What one partition's detector leaves behind for the next owner, in a folder that all workers share (a network file system): the
// state as of one offset, and the alerts up to it.
//
//   STATE/partition-7/partition.json         the offset, the generation in force, how many octets of alerts.jsonl count
//   STATE/partition-7/detector-N.safetensors, steps-N    of generation N
//   STATE/partition-7/alerts.jsonl           every alert record, once
//   STATE/partition-7/delivered              octets of it that outputs were given
//
// Invariants: 1. One process has the folder: a lock that ends with the process, so that a killed owner holds nobody up, and one
// that was only thought dead cannot write. 2. partition.json is replaced when the rest is on the disk; what a killed owner
// wrote behind it does not count and is cut off. One thread.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/file.h"

namespace netflowgen::serve {

class PartitionFolder {
 public:
  // nullptr: another process has it. Error: it cannot be made or read, or is of another topic.
  static std::unique_ptr<PartitionFolder> take(const base::fs::path& state, const std::string& topic,
                                               int32_t partition);
  ~PartitionFolder();
  PartitionFolder(const PartitionFolder&) = delete;
  PartitionFolder& operator=(const PartitionFolder&) = delete;

  bool saved() const { return generation_ > 0; }
  int64_t offset() const { return offset_; }  // the first that is not part of the state; REQUIRES: saved()
  base::fs::path detector() const;
  std::vector<uint8_t> steps() const;
  // The alert records that were saved and that outputs may not have, as JSON lines.
  std::string undelivered() const;

  // A new generation. `write_detector` writes the file that it is given. `alerts`: JSON lines that came since the last call.
  // Error: disk full; the last generation stays in force.
  void save(int64_t offset, const std::vector<uint8_t>& steps, const std::string& alerts,
            const std::function<void(const base::fs::path&)>& write_detector);
  // Outputs have everything that is saved.
  void note_delivered();

  const base::fs::path& path() const { return path_; }

 private:
  PartitionFolder(base::fs::path path, int lock) : path_(std::move(path)), lock_(lock) {}
  void load(const std::string& topic);
  void append(const std::string& lines);
  base::fs::path file(const char* kind, uint64_t generation, const char* end) const;

  base::fs::path path_;
  int lock_;
  std::string topic_;
  uint64_t generation_ = 0;
  int64_t offset_ = -1;
  uint64_t alerts_ = 0;     // octets of alerts.jsonl that count
  uint64_t delivered_ = 0;  // of them
};

}  // namespace netflowgen::serve

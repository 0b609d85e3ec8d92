// What is too much for memory, on the disk: bytes that are appended, and read again by this process only. The file has no name: it goes
// when the process ends, however it ends. One thread.
#pragma once

#include <cstdint>
#include <span>

#include "base/file.h"

namespace netflowgen::series {

class NamelessFile {
 public:
  // `folder` is where it is made. Error: it cannot be.
  explicit NamelessFile(base::fs::path folder);
  ~NamelessFile();
  NamelessFile(const NamelessFile&) = delete;
  NamelessFile& operator=(const NamelessFile&) = delete;

  // Error: disk full.
  void append(std::span<const uint8_t> bytes);
  uint64_t size() const { return size_; }  // of all that was appended
  // Error: it cannot be read. REQUIRES: at + to.size() <= size().
  void read(uint64_t at, std::span<uint8_t> to) const;
  // These bytes are not read again; gives their room back where the file system can.
  void give_back(uint64_t at, uint64_t bytes);

 private:
  base::fs::path folder_;
  int fd_ = -1;
  uint64_t size_ = 0;
};

}  // namespace netflowgen::series

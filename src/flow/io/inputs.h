// The files that the user named: paths, folders (all files below, in name order; hidden ones are left out)
// and
// "-" for standard input, each opened through its decompression. One thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "flow/io/byte_stream.h"

namespace netflowgen::flow {

class Inputs {
 public:
  // Error: a path that does not exist, a folder without files, "-" twice, or no path at all.
  explicit Inputs(const std::vector<std::string>& paths);
  // One stream that is open already: what does not come from a file.
  Inputs(std::unique_ptr<ByteStream> stream, std::string name);

  size_t size() const { return files_.size(); }
  const std::string& path(size_t i) const { return files_[i].path; }  // "-": standard input
  // Sum of the files' sizes, before decompression; 0 where one of them has no size (a pipe).
  uint64_t total_bytes() const { return total_bytes_; }

  // The first bytes after decompression, at most `n`: fewer when the file is shorter or broken, which open()
  // will then say. What cannot be opened twice is kept, and open() starts at its beginning all the same.
  std::vector<uint8_t> peek(size_t i, size_t n);
  // The whole file. REQUIRES: a pipe is opened only once.
  std::unique_ptr<ByteStream> open(size_t i);
  // Changes the order, e.g. to that of time: `order[k]` is the present place of the file that comes k-th.
  void reorder(const std::vector<size_t>& order);

 private:
  struct File {
    std::string path;
    bool regular = true;  // can be opened twice
    std::unique_ptr<ByteStream> kept;
  };
  void add(const std::string& path);
  void add_folder(const std::string& path);

  std::vector<File> files_;
  uint64_t total_bytes_ = 0;
  bool sized_ = true;
};

}  // namespace netflowgen::flow

// Where generated files go: a path, written whole or not at all (base::AtomicFile), or "-" for standard
// output. Compressed when the path ends in .zst or .gz.
#pragma once

#include <memory>
#include <string>
#include <string_view>

namespace netflowgen::flow {

// Writers hand over their text in pieces of this many bytes.
inline constexpr size_t kFlushBytes = size_t{1} << 18;

class ByteSink {
 public:
  virtual ~ByteSink() = default;
  virtual void write(std::string_view bytes) = 0;  // Error: the disk is full, the pipe closed, ...
  virtual void close() = 0;  // ends the compression, syncs, renames. Without it a file is not there.
};

std::unique_ptr<ByteSink> open_sink(const std::string& path);

}  // namespace netflowgen::flow

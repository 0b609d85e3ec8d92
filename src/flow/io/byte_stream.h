// Bytes of a file, a pipe or standard input, decompressed on the way: zstd (windows to 2 GiB, so --long=27
// too), gzip, xz, bzip2 or plain, told apart by content, never by name. Concatenated members are one stream.
//
// Invariants: 1. Every byte that can be decoded is handed out before an error is thrown: a truncated or
// corrupt stream first gives what was readable, then read() throws Error with the file's name and the reason,
// and does so again on each later call. 2. Memory is bounded by the codec's window, not by the file. 3. One
// thread.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>

namespace netflowgen::flow {

class ByteStream {
 public:
  virtual ~ByteStream() = default;
  // Fills a prefix of `out` (REQUIRES: not empty) and returns its length; 0 is the end.
  virtual size_t read(std::span<uint8_t> out) = 0;
  // Bytes taken from the file so far, before decompression.
  virtual uint64_t consumed() const = 0;
};

// Reads `out` full unless the stream ends. An error after some bytes is kept for the next call.
size_t read_full(ByteStream& stream, std::span<uint8_t> out);

// "-" is standard input. Error when it cannot be opened.
std::unique_ptr<ByteStream> open_bytes(const std::string& path);

// The same over an open file descriptor, which it closes unless it is standard input; `name` is for messages.
std::unique_ptr<ByteStream> open_bytes(int fd, std::string name);

}  // namespace netflowgen::flow

// Lines of a byte stream, without copying. Used by the text readers alone.
//
// Invariants: 1. A line is valid until the next call; kLinePadding bytes after it may be read. 2. Memory is
// one buffer of kLineBufferBytes whatever the file holds: a longer line is cut and says so. 3. When the
// stream fails, all whole lines before are given first, the one that was cut off is not, and then check()
// throws.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "flow/io/byte_stream.h"

namespace netflowgen::flow {

// What the rows of a text file are read from.
class RowReader {
 public:
  virtual ~RowReader() = default;
  virtual std::string_view head() = 0;
  virtual uint64_t line_number() = 0;  // of the last row, from 1
  virtual void check() const = 0;      // throws the stream's error, once there is no row left
  virtual uint64_t consumed() const = 0;
};

class LineReader final : public RowReader {
 public:
  explicit LineReader(std::unique_ptr<ByteStream> stream);

  // The next line without its "\n" or "\r\n"; false at the end.
  bool next(std::string_view& line);
  uint64_t line_number() override { return line_number_; }  // of the last line, from 1
  bool cut() const { return cut_; }                         // the last line was longer than the buffer
  void check() const override;
  uint64_t consumed() const override { return stream_->consumed(); }

  // Passes over a byte order mark. The first lines (some 16 of them, fewer when the file is shorter or they
  // fill the buffer), as next() will give them; kLinePadding holds here too. REQUIRES: before the first
  // next().
  std::string_view head() override;

 private:
  bool refill();
  const char* find_end();
  std::string_view take(const char* newline);

  std::unique_ptr<ByteStream> stream_;
  std::unique_ptr<char[]> buffer_;  // not cleared: a small file should not pay for it
  const char* at_;
  const char* end_;
  uint64_t line_number_ = 0;
  bool ended_ = false;
  bool cut_ = false;
  bool skipping_ = false;  // the rest of a cut line is still to be passed over
  std::string error_;
};

inline constexpr size_t kLineBufferBytes = size_t{1} << 20;

}  // namespace netflowgen::flow

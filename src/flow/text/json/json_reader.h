// JSON objects of a byte stream: one a line, pretty-printed one after another, as elements of an array ("[{...}, ...]"),
// or as elements of an array inside an object that wraps it ({"records": [...]}). Used by JsonSource alone.
//
// Invariants: 1. A document is valid until the next call; kDocumentPadding bytes after it may be read. 2. Memory is one
// buffer that grows with the document at hand, to kMaxDocument: a longer one is passed over and cut() is true. 3.
// Whether a file has an object a line is told from its beginning. Then a line is a row, and a damaged line costs nothing
// but itself. Otherwise objects are found by their braces, and behind a damaged one the reader looks for the next line
// that starts with a brace in the same column. 4. When the stream fails, all whole documents before are given first, and
// then check() throws.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "flow/io/byte_stream.h"
#include "flow/text/json/json_cells.h"
#include "flow/text/json/json_scan.h"
#include "flow/text/line_reader.h"

namespace netflowgen::flow {

class JsonReader final : public RowReader {
 public:
  explicit JsonReader(std::unique_ptr<ByteStream> stream);

  // The next document, or what is in its place and is none; false at the end.
  bool next(std::string_view& document);
  bool cut() const { return cut_; }  // the last one was longer than kMaxDocument

  // The fast path: what is in the buffer from the start of the next document on, with a NUL behind it; empty where
  // next() has to look. A caller that finds the document's end there, and may_end(), passes it with take().
  std::string_view window();
  bool may_end(size_t size) const;
  void take(size_t size);

  uint64_t line_number() override;  // of the last document's first line, from 1
  void check() const override;
  uint64_t consumed() const override { return stream_->consumed(); }
  // Passes over a byte order mark and tells whether an object is a line. REQUIRES: before the first next().
  std::string_view head() override;

 private:
  bool refill();
  bool pass_separators();
  bool next_line(std::string_view& document);
  bool next_object(std::string_view& document);
  bool give(size_t size, std::string_view& document);
  bool damaged(size_t size, std::string_view& document);
  void pass_to_next_object();
  bool pass_wrapper_end();
  void start_row(const char* row);
  void count_lines(const char* to);
  size_t left() const { return static_cast<size_t>(end_ - at_); }

  std::unique_ptr<ByteStream> stream_;
  size_t capacity_;
  std::unique_ptr<char[]> buffer_;
  const char* at_;
  const char* end_;
  const char* row_;        // where the last document starts
  const char* counted_;    // where objects are no lines: newlines before it are in newlines_
  uint64_t newlines_ = 0;  // passed; where an object is a line, those before at_
  uint64_t row_newlines_ = 0;
  JsonScan scan_;      // of the document at at_
  size_t column_ = 0;  // of the first object that starts a line
  bool lines_ = false;
  bool ended_ = false;
  bool cut_ = false;
  bool resync_ = false;
  bool in_wrapper_ = false;
  std::string error_;
};

}  // namespace netflowgen::flow

// Bytes of a file or stream, looked at in place before they are passed: what the pcap and nfcapd readers
// stand on. Not thread-safe.
//
// Invariants: 1. peek() never shows more than was asked for, and less only at the end. 2. A stream's buffer
// grows with the bytes that came, never with the number asked for, so a length field that lies costs nothing.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "base/cursor.h"
#include "base/file.h"

namespace netflowgen::flow {

using base::Bytes;

class ByteInput {
 public:
  virtual ~ByteInput() = default;
  // The next n bytes, contiguous; fewer at the end. Valid until the next call of any method.
  virtual Bytes peek(size_t n) = 0;
  // Passes n bytes, or all that are left.
  virtual void skip(size_t n) = 0;
  virtual uint64_t position() const = 0;  // bytes passed
  virtual uint64_t size() const = 0;      // 0: unknown
};

// Over memory that outlives it.
class MemoryInput : public ByteInput {
 public:
  explicit MemoryInput(Bytes bytes) : bytes_(bytes) {}
  Bytes peek(size_t n) override { return bytes_.subspan(at_, std::min(n, bytes_.size() - at_)); }
  void skip(size_t n) override { at_ += std::min(n, bytes_.size() - at_); }
  uint64_t position() const override { return at_; }
  uint64_t size() const override { return bytes_.size(); }

 private:
  Bytes bytes_;
  size_t at_ = 0;
};

// A mapped file. Error when it cannot be read.
std::unique_ptr<ByteInput> map_input(const base::fs::path& path);

// Over a function that fills a buffer and returns how much it wrote, 0 at the end (a decompressor, stdin).
class StreamInput : public ByteInput {
 public:
  using ReadFn = std::function<size_t(std::span<uint8_t>)>;
  explicit StreamInput(ReadFn read) : read_(std::move(read)) {}
  Bytes peek(size_t n) override;
  void skip(size_t n) override;
  uint64_t position() const override { return position_; }
  uint64_t size() const override { return 0; }

 private:
  void fill(size_t n);

  ReadFn read_;
  std::vector<uint8_t> buffer_;  // [begin_, end_) holds bytes not yet passed
  size_t begin_ = 0;
  size_t end_ = 0;
  uint64_t position_ = 0;
  bool finished_ = false;
};

}  // namespace netflowgen::flow

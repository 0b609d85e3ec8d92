#include "flow/io/byte_input.h"

#include <algorithm>
#include <cstring>

namespace netflowgen::flow {
namespace {

constexpr size_t kChunk = size_t{256} * 1024;

class MappedInput : public MemoryInput {
 public:
  explicit MappedInput(base::MappedFile file) : MemoryInput(file.bytes()), file_(std::move(file)) {}

 private:
  base::MappedFile file_;
};

}  // namespace

std::unique_ptr<ByteInput> map_input(const base::fs::path& path) {
  return std::make_unique<MappedInput>(base::MappedFile(path));
}

void StreamInput::fill(size_t n) {
  if (begin_ > 0 && begin_ + n > buffer_.size()) {
    std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
  }
  while (!finished_ && end_ - begin_ < n) {
    // Doubles as bytes come: at most twice what was read, plus a chunk.
    if (end_ == buffer_.size()) buffer_.resize(std::max(kChunk, buffer_.size() * 2));
    const size_t got = read_({buffer_.data() + end_, buffer_.size() - end_});
    finished_ = got == 0;
    end_ += got;
  }
}

Bytes StreamInput::peek(size_t n) {
  if (end_ - begin_ < n) fill(n);
  return {buffer_.data() + begin_, std::min(n, end_ - begin_)};
}

void StreamInput::skip(size_t n) {
  while (n > 0) {
    const size_t have = peek(1).empty() ? 0 : std::min(n, end_ - begin_);
    if (have == 0) return;
    begin_ += have;
    position_ += have;
    n -= have;
  }
}

}  // namespace netflowgen::flow

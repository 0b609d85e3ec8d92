#include "flow/text/line_reader.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/error.h"
#include "flow/text/split.h"

namespace netflowgen::flow {

LineReader::LineReader(std::unique_ptr<ByteStream> stream)
    : stream_(std::move(stream)),
      buffer_(std::make_unique_for_overwrite<char[]>(kLineBufferBytes + kLinePadding)),
      at_(buffer_.get()),
      end_(at_) {}

std::string_view LineReader::head() {
  constexpr int kLines = 16;
  const auto bytes = [this] { return std::string_view(at_, static_cast<size_t>(end_ - at_)); };
  while (std::count(at_, end_, '\n') < kLines && refill()) {
  }
  if (bytes().starts_with("\xef\xbb\xbf")) at_ += 3;
  return bytes();
}

// Moves what is left to the front and reads on; false when nothing was added.
bool LineReader::refill() {
  const auto left = static_cast<size_t>(end_ - at_);
  const size_t room = kLineBufferBytes - left;
  if (ended_ || room == 0) return false;
  std::memmove(buffer_.get(), at_, left);
  at_ = buffer_.get();
  end_ = at_ + left;
  size_t n = 0;
  try {
    n = stream_->read({reinterpret_cast<uint8_t*>(buffer_.get()) + left, room});
  } catch (const base::Error& e) {
    error_ = e.what();
    // The line that was cut off is not one.
    const auto* newline = static_cast<const char*>(::memrchr(at_, '\n', left));
    end_ = newline == nullptr ? at_ : newline + 1;
  }
  ended_ = n == 0;
  end_ += n;
  return n > 0;
}

// The line that ends at `newline`, which is passed.
std::string_view LineReader::take(const char* newline) {
  const char* begin = at_;
  at_ = std::min(newline + 1, end_);
  ++line_number_;
  if (newline > begin && newline[-1] == '\r') --newline;
  return {begin, static_cast<size_t>(newline - begin)};
}

// Where the line ends: its newline, the end of the file, or the end of a full buffer (then cut_ is set).
// nullptr: nothing is left.
const char* LineReader::find_end() {
  size_t searched = 0;
  while (true) {
    const auto left = static_cast<size_t>(end_ - at_);
    searched = std::min(searched, left);
    const auto* newline = static_cast<const char*>(std::memchr(at_ + searched, '\n', left - searched));
    if (newline != nullptr) return newline;
    searched = left;
    if (refill()) continue;
    if (at_ == end_) return nullptr;
    cut_ = !ended_;
    return end_;
  }
}

bool LineReader::next(std::string_view& line) {
  while (true) {
    cut_ = false;
    const char* end = find_end();
    if (end == nullptr) return false;
    const bool tail = skipping_;
    skipping_ = cut_;
    if (!tail) {
      line = take(end);
      return true;
    }
    at_ = std::min(end + 1, end_);  // more of a line whose beginning was given
  }
}

void LineReader::check() const {
  if (!error_.empty()) throw base::Error(error_);
}

}  // namespace netflowgen::flow

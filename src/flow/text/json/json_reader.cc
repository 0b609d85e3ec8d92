#include "flow/text/json/json_reader.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/error.h"

namespace netflowgen::flow {
namespace {

constexpr size_t kFirstCapacity = size_t{256} << 10;  // stays in a core's cache: bench/json.cc
constexpr size_t kHead = size_t{64} << 10;
constexpr size_t kMaxGarbage = 4096;  // bytes that are no object, as one row

std::string_view without_separators(std::string_view line) {
  while (!line.empty() && is_json_separator(line.front())) line.remove_prefix(1);
  while (!line.empty() && is_json_separator(line.back())) line.remove_suffix(1);
  return line;
}

// Whether the first line that is not blank holds a whole object and nothing else, and no wrapper.
bool is_object_a_line(std::string_view head) {
  while (!head.empty()) {
    const size_t newline = std::min(head.find('\n'), head.size());
    const std::string_view line = without_separators(head.substr(0, newline));
    head.remove_prefix(std::min(newline + 1, head.size()));
    if (line.empty()) continue;
    JsonScan scan;
    if (line.front() != '{') return true;  // no object at all: a bad row
    return scan.run(line) == JsonScan::State::kEnd && scan.position() == line.size();
  }
  return false;
}

}  // namespace

JsonReader::JsonReader(std::unique_ptr<ByteStream> stream)
    : stream_(std::move(stream)),
      capacity_(kFirstCapacity),
      buffer_(std::make_unique_for_overwrite<char[]>(capacity_ + kDocumentPadding)),
      at_(buffer_.get()),
      end_(at_),
      row_(at_),
      counted_(at_) {}

// Moves what is left to the front, makes room where it fills the buffer, and reads on; false when nothing was added.
bool JsonReader::refill() {
  if (ended_) return false;
  const size_t rest = left();
  if (rest == capacity_ && capacity_ == kMaxDocument) return false;
  if (!lines_) count_lines(at_);
  if (rest == capacity_) {
    capacity_ = std::min(capacity_ * 4, kMaxDocument);
    auto larger = std::make_unique_for_overwrite<char[]>(capacity_ + kDocumentPadding);
    std::memcpy(larger.get(), at_, rest);
    buffer_ = std::move(larger);
  } else {
    std::memmove(buffer_.get(), at_, rest);
  }
  row_ = counted_ = at_ = buffer_.get();
  end_ = at_ + rest;
  size_t n = 0;
  try {
    n = stream_->read({reinterpret_cast<uint8_t*>(buffer_.get()) + rest, capacity_ - rest});
  } catch (const base::Error& e) {
    error_ = e.what();
  }
  ended_ = n == 0;
  end_ += n;
  buffer_[static_cast<size_t>(end_ - buffer_.get())] = '\0';
  return n > 0;
}

std::string_view JsonReader::head() {
  const auto bytes = [this] { return std::string_view(at_, left()); };
  while (left() < kHead && refill()) {
  }
  if (bytes().starts_with("\xef\xbb\xbf")) row_ = counted_ = at_ += 3;
  const size_t start = std::min(bytes().find_first_not_of("[, \t\r\n\x1e"), left());
  JsonScan scan;
  // A first object of any length is looked at whole.
  while (start < left() && scan.run(bytes().substr(start)) == JsonScan::State::kMore && refill()) {
  }
  lines_ = is_object_a_line(bytes());
  const size_t line = start == 0 ? 0 : bytes().rfind('\n', start - 1) + 1;
  column_ = start - std::min(line, start);
  return bytes();
}

void JsonReader::start_row(const char* row) {
  row_ = row;
  row_newlines_ = newlines_;
}

uint64_t JsonReader::line_number() {
  if (lines_) return row_newlines_ + 1;
  if (row_ > counted_) count_lines(row_);
  return newlines_ + 1;
}

void JsonReader::count_lines(const char* to) {
  newlines_ += static_cast<uint64_t>(std::count(counted_, to, '\n'));
  counted_ = to;
}

void JsonReader::check() const {
  if (!error_.empty()) throw base::Error(error_);
}

// Passes what is between documents; false at the end of the input.
bool JsonReader::pass_separators() {
  while (true) {
    while (at_ != end_ && is_json_separator(*at_)) {
      const bool wrapper_ends = in_wrapper_ && *at_ == ']';
      ++at_;
      if (wrapper_ends && !pass_wrapper_end()) return false;
    }
    if (at_ != end_) return true;
    if (!refill()) return false;
  }
}

// What follows the array of a wrapper, to its closing brace.
bool JsonReader::pass_wrapper_end() {
  in_wrapper_ = false;
  scan_.enter_rest_of_wrapper();
  while (true) {
    const auto state = scan_.run({at_, left()});
    if (state != JsonScan::State::kMore) break;
    if (!refill()) {
      at_ = end_;
      scan_.reset();
      return false;
    }
  }
  at_ += scan_.position();
  scan_.reset();
  return true;
}

std::string_view JsonReader::window() {
  if (resync_ || at_ == end_) return {};
  if (!lines_ && !pass_separators()) return {};
  if (lines_) {
    for (; at_ != end_ && is_json_separator(*at_); ++at_) newlines_ += *at_ == '\n' ? 1u : 0u;
  }
  return {at_, left()};
}

bool JsonReader::may_end(size_t size) const {
  const char* p = at_ + size;
  while (p != end_ && lines_ && is_json_separator(*p) && *p != '\n') ++p;
  return p == end_ ? ended_ : *p == '\n' || !lines_;
}

void JsonReader::take(size_t size) {
  start_row(at_);
  cut_ = false;
  at_ += size;
}

bool JsonReader::next(std::string_view& document) {
  cut_ = false;
  if (resync_) pass_to_next_object();
  return lines_ ? next_line(document) : next_object(document);
}

bool JsonReader::next_line(std::string_view& document) {
  size_t searched = 0;
  while (true) {
    const auto* newline = static_cast<const char*>(std::memchr(at_ + searched, '\n', left() - searched));
    if (newline == nullptr) {
      searched = left();
      if (refill()) continue;
      if (at_ == end_ || !error_.empty()) return false;  // a line that a damaged stream cut off is none
      newline = end_;
      cut_ = !ended_;
    }
    const std::string_view line(at_, static_cast<size_t>(newline - at_));
    start_row(at_);
    newlines_ += newline < end_ ? 1u : 0u;
    at_ = std::min(newline + 1, end_);
    searched = 0;
    if (cut_) {
      document = line;
      resync_ = true;
      return true;
    }
    document = without_separators(line);
    if (!document.empty()) return true;
  }
}

bool JsonReader::give(size_t size, std::string_view& document) {
  document = {at_, size};
  start_row(at_);
  at_ += size;
  scan_.reset();
  return true;
}

// A row that is no object, `size` bytes long; the next one is looked for behind it.
bool JsonReader::damaged(size_t size, std::string_view& document) {
  resync_ = true;
  return give(std::max<size_t>(size, 1), document);
}

bool JsonReader::next_object(std::string_view& document) {
  while (true) {
    if (!pass_separators()) return false;
    if (*at_ != '{') {
      const std::string_view rest(at_, std::min(left(), kMaxGarbage));
      return damaged(std::min(rest.find('\n'), rest.size()), document);
    }
    JsonScan::State state;
    while ((state = scan_.run({at_, left()})) == JsonScan::State::kMore && refill()) {
    }
    switch (state) {
      case JsonScan::State::kEnd:
        return give(scan_.position(), document);
      case JsonScan::State::kWrapper:
        at_ += scan_.position();
        scan_.reset();
        in_wrapper_ = true;
        break;
      case JsonScan::State::kDamaged:
        return damaged(scan_.position(), document);
      case JsonScan::State::kMore:
        cut_ = !ended_;
        if (!error_.empty()) return false;  // what a damaged stream cut off is no row
        return damaged(left(), document);
    }
  }
}

// Behind a damaged document: the next line that starts with an object in the column of the first one; behind a line
// that was too long, its end. On the damaged document's own line, the next brace where an object may start.
void JsonReader::pass_to_next_object() {
  resync_ = false;
  if (!lines_ && at_ != end_ && *at_ == '{') return;
  while (true) {
    const auto* newline = static_cast<const char*>(std::memchr(at_, '\n', left()));
    if (newline == nullptr) {
      at_ = end_;
      if (!refill()) return;
      continue;
    }
    at_ = newline + 1;
    if (lines_) {
      ++newlines_;
      return;
    }
    while (left() <= column_ && refill()) {
    }
    if (left() > column_ && at_[column_] == '{' && std::all_of(at_, at_ + column_, is_json_separator)) return;
  }
}

}  // namespace netflowgen::flow

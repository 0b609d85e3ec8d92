#include "flow/text/json/json_scan.h"

#include <algorithm>
#include <array>

namespace netflowgen::flow {
namespace {

// Keys of arrays of records in objects that wrap them: Azure ("records"), CloudWatch Logs ("logEvents" in
// subscriptions, "events" in the output of filter-log-events).
constexpr std::array<std::string_view, 4> kWrapperKeys{"records", "Records", "logEvents", "events"};

}  // namespace

bool is_json_wrapper(std::string_view key) {
  return std::find(kWrapperKeys.begin(), kWrapperKeys.end(), key) != kWrapperKeys.end();
}

JsonScan::State JsonScan::run(std::string_view bytes) {
  while (at_ < bytes.size()) {
    if (in_string_) {
      if (const State state = string(bytes); state != State::kMore || in_string_) return state;
      continue;
    }
    const char c = bytes[at_];
    if (is_json_blank(c)) {
      ++at_;
      continue;
    }
    if (pending_wrapper_) {
      pending_wrapper_ = false;
      if (c == '{') return State::kWrapper;
    }
    const State state = structural(c, bytes);
    if (state != State::kMore) return state;
    ++at_;
  }
  return State::kMore;
}

// One character outside strings; at_ still points at it.
JsonScan::State JsonScan::structural(char c, std::string_view bytes) {
  const bool in_array = depth_ > 0 && (arrays_ >> (depth_ - 1) & 1) != 0;
  switch (c) {
    case '"':
      in_string_ = true;
      key_at_ = depth_ == 1 ? at_ + 1 : key_at_;
      break;
    case '{':
    case '[': {
      const bool fits = before_ == ':' || (in_array && (before_ == ',' || before_ == '['));
      if (!fits || depth_ == kMaxDepth) return State::kDamaged;
      const uint64_t mask = uint64_t{1} << depth_;
      arrays_ = c == '[' ? arrays_ | mask : arrays_ & ~mask;
      ++depth_;
      if (c == '[' && depth_ == 2 && seeks_wrapper_) {
        const std::string_view key = bytes.substr(key_at_, key_size_);
        pending_wrapper_ = is_json_wrapper(key);
      }
      break;
    }
    case '}':
    case ']':
      if (in_array != (c == ']')) return State::kDamaged;
      if (--depth_ == 0) {
        ++at_;
        return State::kEnd;
      }
      break;
    default:
      break;
  }
  before_ = c == ':' || c == ',' || c == '[' || c == '{' ? c : 'v';
  return State::kMore;
}

JsonScan::State JsonScan::string(std::string_view bytes) {
  for (; at_ < bytes.size(); ++at_) {
    const char c = bytes[at_];
    if (c == '"') {
      in_string_ = false;
      if (depth_ == 1) key_size_ = at_ - key_at_;
      ++at_;
      return State::kMore;
    }
    if (c == '\n') return State::kDamaged;
    if (c == '\\') {
      if (at_ + 1 == bytes.size()) return State::kMore;  // with the next piece
      ++at_;
    }
  }
  return State::kMore;
}

void JsonScan::enter_rest_of_wrapper() {
  reset();
  depth_ = 1;
  before_ = 'v';
  seeks_wrapper_ = false;
}

}  // namespace netflowgen::flow

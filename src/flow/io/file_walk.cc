#include "flow/io/file_walk.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "base/check.h"
#include "base/error.h"
#include "flow/io/codec.h"

namespace netflowgen::flow {
namespace {

constexpr size_t kMaxProblems = 1000;  // sentences kept; all are counted

}  // namespace

ByteInput* FileWalk::next() {
  done_ += here();
  input_.reset();
  stream_.reset();
  stream_error_.clear();
  if (at_ >= inputs_->size()) return nullptr;
  path_ = inputs_->path(at_);
  open(at_++);
  files_.enter();
  return input_.get();
}

void FileWalk::open(size_t i) {
  std::error_code error;
  if (base::fs::is_regular_file(path_, error)) {
    auto mapped = map_input(path_);
    if (!find_codec(mapped->peek(kCodecMagicBytes))) {
      input_ = std::move(mapped);
      return;
    }
  }
  stream_ = inputs_->open(i);
  input_ = std::make_unique<StreamInput>([this](std::span<uint8_t> out) -> size_t {
    try {
      return stream_->read(out);
    } catch (const base::Error& e) {  // cut or corrupt: all before it was handed out
      stream_error_ = e.what();
      return 0;
    }
  });
}

void FileWalk::unreadable(const std::string& problem) {
  const bool empty = stream_error_.empty() && input_->position() == 0 && input_->peek(1).empty();
  files_.drop(empty ? FileDrop::kEmpty : FileDrop::kUnreadable);
  report(stream_error_.empty() ? problem : stream_error_, 1);
}

void FileWalk::ended(uint64_t lost) {
  files_.emit();
  if (!stream_error_.empty()) report(stream_error_, 1);
  if (lost > 0) report("damaged or cut short: parts of it cannot be read", lost);
}

void FileWalk::report(const std::string& reason, uint64_t count) {
  // Messages of the decompression layer name the file themselves.
  const std::string bare = reason.starts_with(path_ + ": ") ? reason.substr(path_.size() + 2) : reason;
  if (strict_) throw base::Error("{}: {}", path_, bare);
  if (problems_.size() < kMaxProblems) problems_.push_back({bare, path_, 0, count});
}

void FileWalk::nothing_readable() const {
  NFG_CHECK(!problems_.empty());
  const auto& first = problems_.front();
  throw base::Error("{}: {}{}", first.file, first.reason,
                    inputs_->size() > 1
                        ? fmt::format(" (nor can any of the other {} files be read)", inputs_->size() - 1)
                        : "");
}

void sort_files(Inputs& inputs, const std::vector<std::string>& keys) {
  std::vector<size_t> order(keys.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    if (keys[a].empty() || keys[b].empty()) return !keys[a].empty() && keys[b].empty();
    return keys[a] < keys[b];
  });
  inputs.reorder(order);
}

}  // namespace netflowgen::flow

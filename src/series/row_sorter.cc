#include "series/row_sorter.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <queue>

#include "base/check.h"
#include "base/error.h"

namespace netflowgen::series {
namespace {

constexpr size_t kRunBufferBytes = size_t{1} << 18;
constexpr size_t kHeadBytes = sizeof(uint32_t) + sizeof(int64_t);
constexpr size_t kMinRows = 16;

}  // namespace

// The rows of one run, read from the file in pieces.
class RowSorter::Reader {
 public:
  Reader(int file, const Run& run, size_t columns)
      : file_(file),
        offset_(run.offset),
        left_(run.rows),
        row_bytes_(kHeadBytes + columns * sizeof(float)),
        values_(columns) {
    bytes_.resize(std::max(kRunBufferBytes / row_bytes_, size_t{1}) * row_bytes_);
  }
  // False at the end.
  bool next() {
    if (at_ == end_ && !refill()) return false;
    const char* p = bytes_.data() + at_;
    std::memcpy(&node_, p, sizeof node_);
    std::memcpy(&step_, p + sizeof node_, sizeof step_);
    std::memcpy(values_.data(), p + kHeadBytes, row_bytes_ - kHeadBytes);
    at_ += row_bytes_;
    return true;
  }
  uint32_t node() const { return node_; }
  int64_t step() const { return step_; }
  std::span<const float> values() const { return values_; }

 private:
  bool refill() {
    const size_t rows = std::min<uint64_t>(left_, bytes_.size() / row_bytes_);
    if (rows == 0) return false;
    at_ = 0;
    end_ = rows * row_bytes_;
    for (size_t done = 0; done < end_;) {
      const ssize_t n = ::pread(file_, bytes_.data() + done, end_ - done, static_cast<off_t>(offset_ + done));
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0)
        throw base::Error("cannot read the temporary file of sorted rows: {}", std::strerror(errno));
      done += static_cast<size_t>(n);
    }
    offset_ += end_;
    left_ -= rows;
    return true;
  }

  int file_;
  uint64_t offset_;
  uint64_t left_;
  size_t row_bytes_;
  std::vector<char> bytes_;
  size_t at_ = 0;
  size_t end_ = 0;
  uint32_t node_ = 0;
  int64_t step_ = 0;
  std::vector<float> values_;
};

RowSorter::RowSorter(size_t columns, size_t buffer_bytes, std::string folder)
    : columns_(columns),
      max_rows_(
          std::clamp<size_t>(buffer_bytes / (sizeof(Key) + columns * sizeof(float)), kMinRows, UINT32_MAX)),
      folder_(std::move(folder)) {}

RowSorter::~RowSorter() {
  if (file_ >= 0) ::close(file_);
}

void RowSorter::add(uint32_t node, int64_t step, std::span<const float> values) {
  NFG_CHECK(values.size() == columns_);
  if (keys_.size() == max_rows_) spill();
  keys_.push_back({step, node, static_cast<uint32_t>(keys_.size())});
  values_.insert(values_.end(), values.begin(), values.end());
}

void RowSorter::sort() {
  if (!std::is_sorted(keys_.begin(), keys_.end())) std::sort(keys_.begin(), keys_.end());
}

void RowSorter::open_file() {
  const auto folder =
      folder_.empty() ? std::filesystem::temp_directory_path() : std::filesystem::path(folder_);
  std::string name = (folder / "rows-XXXXXX").string();
  file_ = ::mkstemp(name.data());
  if (file_ < 0) {
    throw base::Error("cannot create a temporary file in {} for rows that do not fit in memory: {}",
                      folder.string(), std::strerror(errno));
  }
  ::unlink(name.c_str());
}

void RowSorter::write(const std::vector<char>& bytes) {
  for (size_t done = 0; done < bytes.size();) {
    const ssize_t n =
        ::pwrite(file_, bytes.data() + done, bytes.size() - done, static_cast<off_t>(file_size_));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) throw base::Error("cannot write the temporary file of sorted rows: {}", std::strerror(errno));
    done += static_cast<size_t>(n);
    file_size_ += static_cast<uint64_t>(n);
  }
}

void RowSorter::spill() {
  if (file_ < 0) open_file();
  sort();
  runs_.push_back({file_size_, keys_.size()});
  std::vector<char> bytes;
  for (const Key& key : keys_) {
    const auto append = [&](const void* p, size_t n) {
      bytes.insert(bytes.end(), static_cast<const char*>(p), static_cast<const char*>(p) + n);
    };
    append(&key.node, sizeof key.node);
    append(&key.step, sizeof key.step);
    append(values_of(key).data(), columns_ * sizeof(float));
    if (bytes.size() >= kRunBufferBytes) {
      write(bytes);
      bytes.clear();
    }
  }
  write(bytes);
  keys_.clear();
  values_.clear();
}

void RowSorter::drain(const Row& row) {
  if (runs_.empty()) {
    sort();
    for (const Key& key : keys_) row(key.node, key.step, values_of(key));
    return;
  }
  if (!keys_.empty()) spill();
  keys_ = {};
  values_ = {};
  std::vector<Reader> readers;
  readers.reserve(runs_.size());
  for (const Run& run : runs_) readers.emplace_back(file_, run, columns_);
  const auto after = [&](size_t a, size_t b) {
    if (readers[a].node() != readers[b].node()) return readers[a].node() > readers[b].node();
    return readers[a].step() != readers[b].step() ? readers[a].step() > readers[b].step() : a > b;
  };
  std::priority_queue<size_t, std::vector<size_t>, decltype(after)> heads(after);
  for (size_t i = 0; i < readers.size(); ++i) {
    if (readers[i].next()) heads.push(i);
  }
  while (!heads.empty()) {
    const size_t i = heads.top();
    heads.pop();
    row(readers[i].node(), readers[i].step(), readers[i].values());
    if (readers[i].next()) heads.push(i);
  }
}

}  // namespace netflowgen::series

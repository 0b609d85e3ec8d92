#include "flow/io/inputs.h"

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <utility>

#include "base/check.h"
#include "base/error.h"

namespace netflowgen::flow {
namespace {

namespace fs = std::filesystem;

// Bytes that were read ahead, then the rest of the stream they came from.
class PeekedStream : public ByteStream {
 public:
  PeekedStream(std::vector<uint8_t> head, std::unique_ptr<ByteStream> rest)
      : head_(std::move(head)), rest_(std::move(rest)) {}
  size_t read(std::span<uint8_t> out) override {
    if (at_ == head_.size()) return rest_->read(out);
    const size_t n = std::min(head_.size() - at_, out.size());
    std::memcpy(out.data(), head_.data() + at_, n);
    at_ += n;
    return n;
  }
  uint64_t consumed() const override { return rest_->consumed(); }

 private:
  std::vector<uint8_t> head_;
  size_t at_ = 0;
  std::unique_ptr<ByteStream> rest_;
};

std::vector<uint8_t> read_head(ByteStream& stream, size_t n) {
  std::vector<uint8_t> head(n);
  size_t got = 0;
  try {
    got = read_full(stream, head);
  } catch (const base::Error&) {  // thrown again when the file is read
  }
  head.resize(got);
  return head;
}

}  // namespace

Inputs::Inputs(const std::vector<std::string>& paths) {
  if (paths.empty()) throw base::UsageError("no input: name files, folders, or - for standard input");
  if (std::count(paths.begin(), paths.end(), "-") > 1) {
    throw base::UsageError("standard input (-) can be read only once");
  }
  for (const auto& path : paths) {
    std::error_code error;
    if (path != "-" && fs::is_directory(path, error)) {
      add_folder(path);
    } else {
      add(path);
    }
  }
  if (!sized_) total_bytes_ = 0;
}

Inputs::Inputs(std::unique_ptr<ByteStream> stream, std::string name) {
  files_.push_back({std::move(name), false, std::move(stream)});
}

void Inputs::add(const std::string& path) {
  std::error_code error;
  const auto status = path == "-" ? fs::file_status(fs::file_type::fifo) : fs::status(path, error);
  if (!fs::exists(status)) throw base::Error("cannot open {}: there is no such file or folder", path);
  const bool regular = fs::is_regular_file(status);
  const uintmax_t bytes = regular ? fs::file_size(path, error) : 0;
  sized_ = sized_ && regular && !error;
  total_bytes_ += bytes;
  files_.push_back({path, regular, nullptr});
}

void Inputs::add_folder(const std::string& path) {
  std::vector<std::string> found;
  try {
    for (auto it = fs::recursive_directory_iterator(path); it != fs::recursive_directory_iterator(); ++it) {
      const bool hidden = it->path().filename().string().starts_with('.');
      if (hidden && it->is_directory()) it.disable_recursion_pending();
      if (!hidden && it->is_regular_file()) found.push_back(it->path().string());
    }
  } catch (const fs::filesystem_error& e) {
    throw base::Error("cannot read the folder {}: {}", path, e.code().message());
  }
  if (found.empty()) throw base::Error("the folder {} holds no files", path);
  std::sort(found.begin(), found.end());
  for (const auto& file : found) add(file);
}

std::vector<uint8_t> Inputs::peek(size_t i, size_t n) {
  File& file = files_[i];
  auto stream = open(i);
  auto head = read_head(*stream, n);
  if (!file.regular) file.kept = std::make_unique<PeekedStream>(head, std::move(stream));
  return head;
}

std::unique_ptr<ByteStream> Inputs::open(size_t i) {
  File& file = files_[i];
  if (file.kept) return std::move(file.kept);
  return open_bytes(file.path);
}

void Inputs::reorder(const std::vector<size_t>& order) {
  NFG_CHECK(order.size() == files_.size());
  std::vector<File> files;
  files.reserve(order.size());
  for (const size_t i : order) files.push_back(std::move(files_[i]));
  files_ = std::move(files);
}

}  // namespace netflowgen::flow

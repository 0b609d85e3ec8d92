#include "infer/state/state_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/check.h"
#include "base/leftovers.h"

namespace netflowgen::infer {
namespace {

using base::DType;

constexpr size_t kBuffer = size_t{4} << 20;

template <typename T>
std::span<const uint8_t> bytes_of(std::span<const T> values) {
  return {reinterpret_cast<const uint8_t*>(values.data()), values.size_bytes()};
}

}  // namespace

StateWriter::StateWriter(const base::fs::path& path, const Model& model, NodeStates& arena,
                         const StreamState& stream, const base::NamedTensors& extra,
                         const base::Metadata& metadata)
    : path_(path.string()),
      temporary_(fmt::format("{}.{}{}", path_, ::getpid(), base::kTemporaryEnding)),
      folder_(path.has_parent_path() ? path.parent_path().string() : "."),
      rows_(arena.by_idleness()),
      columns_(arena.columns()),
      buffer_(kBuffer) {
  const size_t n = rows_.size();
  check_.resize(n);
  std::vector<uint32_t> rank(n, 0);  // by slot
  for (size_t i = 0; i < stream.awake.size(); ++i) rank[stream.awake[i]] = static_cast<uint32_t>(i + 1);
  for (const uint32_t slot : rows_) {
    keys_.push_back(arena.key(slot));
    awake_.push_back(rank[slot]);
  }
  std::vector<base::TensorHead> heads;
  const auto nodes = static_cast<int64_t>(n);
  const auto add = [&](std::string name, DType dtype, base::Shape shape, Part part) {
    heads.push_back({std::move(name), dtype, std::move(shape)});
    parts_.push_back(part);
  };
  const auto whole = [](std::span<const uint8_t> b) { return Part{b.data(), b.size(), 0}; };
  for (const size_t size : {8, 4, 2, 1}) {
    if (size == 8) {
      add("infer.key", DType::kU64, {nodes}, whole(bytes_of<uint64_t>(keys_)));
      add("infer.check", DType::kU64, {nodes}, whole(bytes_of<uint64_t>(check_)));
    }
    if (size == 4) add("infer.awake", DType::kU32, {nodes}, whole(bytes_of<uint32_t>(awake_)));
    for (const auto& c : columns_) {
      if (base::size_of(c.dtype) != size) continue;
      base::Shape shape = c.shape;
      shape.insert(shape.begin(), nodes);
      add(std::string("infer.") + c.name, c.dtype, std::move(shape), {c.data, c.bytes, c.stride});
    }
    for (const auto& [name, t] : extra) {
      NFG_CHECK(!name.starts_with("infer."));
      if (base::size_of(t.dtype) == size) add(name, t.dtype, t.shape, whole(t.data));
    }
  }
  base::Metadata all = metadata;
  for (const auto& [key, value] : metadata) NFG_CHECK(!key.starts_with("infer."));
  all["format"] = "netflowgen-state";
  all["infer.version"] = std::to_string(kStateVersion);
  all["infer.model"] = model.backbone_hash();
  all["infer.schema"] = series::schema_hash();
  all["infer.cache"] = name_of(arena.cache());
  all["infer.precision"] = name_of(model.options().precision);
  all["infer.isa"] = name_of(model.options().isa);
  all["infer.clock"] = std::to_string(stream.clock);
  header_ = base::safetensors_header(heads, all);
}

void StateWriter::add_check() {
  for (size_t r = 0; r < rows_.size(); ++r) {
    check_[r] = state_check(keys_[r], awake_[r], columns_,
                            [&](size_t c) { return columns_[c].data + rows_[r] * columns_[c].stride; });
  }
}

int StateWriter::flush(int fd) {
  size_t done = 0;
  while (done < buffered_) {
    const ssize_t n = ::write(fd, buffer_.data() + done, buffered_ - done);
    if (n < 0 && errno != EINTR) return errno;
    if (n > 0) done += static_cast<size_t>(n);
  }
  buffered_ = 0;
  return 0;
}

int StateWriter::put(int fd, const uint8_t* data, size_t size) {
  while (size > 0) {
    const size_t n = std::min(size, buffer_.size() - buffered_);
    std::memcpy(buffer_.data() + buffered_, data, n);
    buffered_ += n;
    data += n;
    size -= n;
    if (buffered_ < buffer_.size()) continue;
    if (const int error = flush(fd)) return error;
  }
  return 0;
}

int StateWriter::write_to(int fd) {
  add_check();
  if (const int error = put(fd, reinterpret_cast<const uint8_t*>(header_.data()), header_.size()))
    return error;
  for (const auto& part : parts_) {
    const size_t rows = part.stride == 0 ? 1 : rows_.size();
    for (size_t r = 0; r < rows; ++r) {
      const size_t at = part.stride == 0 ? 0 : rows_[r] * part.stride;
      if (const int error = put(fd, part.data + at, part.bytes)) return error;
    }
  }
  if (const int error = flush(fd)) return error;
  return ::fsync(fd) == 0 ? 0 : errno;
}

int StateWriter::write() {
  const int fd = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (fd < 0) return errno;
  int error = write_to(fd);
  if (::close(fd) != 0 && error == 0) error = errno;
  if (error == 0 && ::rename(temporary_.c_str(), path_.c_str()) != 0) error = errno;
  if (error != 0) {
    ::unlink(temporary_.c_str());
    return error;
  }
  const int dir = ::open(folder_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (dir >= 0) {
    ::fsync(dir);  // best effort: some file systems refuse to sync a folder
    ::close(dir);
  }
  return 0;
}

}  // namespace netflowgen::infer

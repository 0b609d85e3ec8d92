#include "flow/io/byte_stream.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <optional>
#include <utility>
#include <vector>

#include "base/error.h"
#include "flow/io/codec.h"

namespace netflowgen::flow {
namespace {

constexpr size_t kWindowBytes = size_t{256} << 10;  // of compressed input held at a time

// A file descriptor, raw.
class FdStream : public ByteStream {
 public:
  FdStream(int fd, std::string name) : fd_(fd), name_(std::move(name)) {
    ::posix_fadvise(fd_, 0, 0, POSIX_FADV_SEQUENTIAL);  // a hint: a pipe refuses it
  }
  ~FdStream() override {
    if (fd_ != STDIN_FILENO) ::close(fd_);
  }
  FdStream(const FdStream&) = delete;
  FdStream& operator=(const FdStream&) = delete;

  size_t read(std::span<uint8_t> out) override {
    while (true) {
      const ssize_t n = ::read(fd_, out.data(), out.size());
      if (n >= 0) {
        consumed_ += static_cast<uint64_t>(n);
        return static_cast<size_t>(n);
      }
      if (errno != EINTR) throw base::Error("cannot read {}: {}", name_, std::strerror(errno));
    }
  }
  uint64_t consumed() const override { return consumed_; }

 private:
  int fd_;
  std::string name_;
  uint64_t consumed_ = 0;
};

// A window over the raw stream, through a codec where the first bytes call for one.
class DecodedStream : public ByteStream {
 public:
  DecodedStream(std::unique_ptr<ByteStream> raw, std::string name)
      : raw_(std::move(raw)), name_(std::move(name)), window_(kWindowBytes) {}

  size_t read(std::span<uint8_t> out) override {
    if (!error_.empty()) throw base::Error(error_);
    if (!started_) start();
    if (!codec_) return plain(out);
    while (!done_) {
      refill();
      const bool last = left() == 0 && raw_ended_;
      const Codec::Step s = last ? codec_->finish(out) : codec_->step({window_.data() + begin_, left()}, out);
      begin_ += s.taken;
      if (s.taken > 0 || s.given > 0) between_ = s.between;
      settle(s, last);
      if (s.given > 0) return s.given;
      if (!error_.empty()) throw base::Error(error_);
    }
    return 0;
  }
  uint64_t consumed() const override { return raw_->consumed() - left(); }

 private:
  size_t left() const { return end_ - begin_; }

  void start() {
    started_ = true;
    end_ = read_full(*raw_, std::span(window_).first(kCodecMagicBytes));
    codec_ = find_codec({window_.data(), end_});
  }
  size_t plain(std::span<uint8_t> out) {
    if (left() == 0) return raw_->read(out);
    const size_t n = std::min(left(), out.size());
    std::memcpy(out.data(), window_.data() + begin_, n);
    begin_ += n;
    return n;
  }
  void refill() {
    if (left() > 0 || raw_ended_) return;
    begin_ = 0;
    end_ = 0;
    end_ = raw_->read(window_);
    raw_ended_ = end_ == 0;
  }
  // What a step found at the end: none yet, a clean one, an early one, or corrupt data.
  void settle(const Codec::Step& s, bool last) {
    if (s.bad != nullptr) {
      error_ =
          fmt::format("{}: bad {} data ({}); everything before it was used", name_, codec_->name(), s.bad);
    } else if (last && s.given == 0) {
      done_ = true;
      if (!between_ && !s.between) {
        error_ = fmt::format("{}: the {} data end early, the file is truncated; everything before was used",
                             name_, codec_->name());
      }
    } else if (!last && s.taken == 0 && s.given == 0 && left() > 0) {
      error_ = fmt::format("{}: bad {} data (no progress)", name_, codec_->name());
    }
  }

  std::unique_ptr<ByteStream> raw_;
  std::string name_;
  std::vector<uint8_t> window_;
  size_t begin_ = 0;
  size_t end_ = 0;
  std::unique_ptr<Codec> codec_;
  bool started_ = false;
  bool raw_ended_ = false;
  bool between_ = false;
  bool done_ = false;
  std::string error_;
};

}  // namespace

size_t read_full(ByteStream& stream, std::span<uint8_t> out) {
  size_t n = 0;
  while (n < out.size()) {
    size_t got = 0;
    try {
      got = stream.read(out.subspan(n));
    } catch (const base::Error&) {
      if (n == 0) throw;
      return n;  // thrown again by the next call
    }
    if (got == 0) break;
    n += got;
  }
  return n;
}

std::unique_ptr<ByteStream> open_bytes(int fd, std::string name) {
  auto raw = std::make_unique<FdStream>(fd, name);
  return std::make_unique<DecodedStream>(std::move(raw), std::move(name));
}

std::unique_ptr<ByteStream> open_bytes(const std::string& path) {
  if (path == "-") return open_bytes(STDIN_FILENO, "standard input");
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) throw base::Error("cannot open {}: {}", path, std::strerror(errno));
  struct stat info {};
  if (::fstat(fd, &info) == 0 && S_ISDIR(info.st_mode)) {
    ::close(fd);
    throw base::Error("cannot read {}: it is a folder", path);
  }
  return open_bytes(fd, path);
}

}  // namespace netflowgen::flow

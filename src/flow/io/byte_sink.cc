#include "flow/io/byte_sink.h"

#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include <cerrno>
#include <cstring>
#include <new>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/file.h"

namespace netflowgen::flow {
namespace {

class FileSink : public ByteSink {
 public:
  explicit FileSink(const std::string& path) : file_(path) {}
  void write(std::string_view bytes) override { file_.write(bytes); }
  void close() override { file_.commit(); }

 private:
  base::AtomicFile file_;
};

class OutputSink : public ByteSink {
 public:
  void write(std::string_view bytes) override {
    while (!bytes.empty()) {
      const ssize_t n = ::write(STDOUT_FILENO, bytes.data(), bytes.size());
      if (n < 0 && errno != EINTR)
        throw base::Error("cannot write standard output: {}", std::strerror(errno));
      if (n > 0) bytes.remove_prefix(static_cast<size_t>(n));
    }
  }
  void close() override {}
};

class ZstdSink : public ByteSink {
 public:
  explicit ZstdSink(std::unique_ptr<ByteSink> next)
      : next_(std::move(next)), stream_(ZSTD_createCStream()), out_(ZSTD_CStreamOutSize()) {
    if (stream_ == nullptr) throw std::bad_alloc();
    ZSTD_CCtx_setParameter(stream_, ZSTD_c_checksumFlag, 1);
  }
  ~ZstdSink() override { ZSTD_freeCStream(stream_); }
  ZstdSink(const ZstdSink&) = delete;
  ZstdSink& operator=(const ZstdSink&) = delete;

  void write(std::string_view bytes) override { run(bytes, ZSTD_e_continue); }
  void close() override {
    run({}, ZSTD_e_end);
    next_->close();
  }

 private:
  void run(std::string_view bytes, ZSTD_EndDirective end) {
    ZSTD_inBuffer in{bytes.data(), bytes.size(), 0};
    while (true) {
      ZSTD_outBuffer out{out_.data(), out_.size(), 0};
      const size_t left = ZSTD_compressStream2(stream_, &out, &in, end);
      if (ZSTD_isError(left) != 0) throw base::Error("zstd: {}", ZSTD_getErrorName(left));
      next_->write({out_.data(), out.pos});
      if (end == ZSTD_e_end ? left == 0 : in.pos == in.size) return;
    }
  }

  std::unique_ptr<ByteSink> next_;
  ZSTD_CStream* stream_;
  std::vector<char> out_;
};

class GzipSink : public ByteSink {
 public:
  explicit GzipSink(std::unique_ptr<ByteSink> next) : next_(std::move(next)), out_(size_t{1} << 16) {
    if (deflateInit2(&stream_, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK) throw std::bad_alloc();
  }
  ~GzipSink() override { deflateEnd(&stream_); }
  GzipSink(const GzipSink&) = delete;
  GzipSink& operator=(const GzipSink&) = delete;

  void write(std::string_view bytes) override {
    constexpr size_t kPiece = size_t{1} << 30;  // zlib counts in 32 bits
    for (; bytes.size() > kPiece; bytes.remove_prefix(kPiece)) run(bytes.substr(0, kPiece), Z_NO_FLUSH);
    run(bytes, Z_NO_FLUSH);
  }
  void close() override {
    run({}, Z_FINISH);
    next_->close();
  }

 private:
  void run(std::string_view bytes, int flush) {
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
    stream_.avail_in = static_cast<uInt>(bytes.size());
    do {
      stream_.next_out = reinterpret_cast<Bytef*>(out_.data());
      stream_.avail_out = static_cast<uInt>(out_.size());
      deflate(&stream_, flush);
      next_->write({out_.data(), out_.size() - stream_.avail_out});
    } while (stream_.avail_out == 0);
  }

  std::unique_ptr<ByteSink> next_;
  z_stream stream_{};
  std::vector<char> out_;
};

}  // namespace

std::unique_ptr<ByteSink> open_sink(const std::string& path) {
  if (path == "-") return std::make_unique<OutputSink>();
  auto file = std::make_unique<FileSink>(path);
  if (path.ends_with(".zst")) return std::make_unique<ZstdSink>(std::move(file));
  if (path.ends_with(".gz")) return std::make_unique<GzipSink>(std::move(file));
  return file;
}

}  // namespace netflowgen::flow

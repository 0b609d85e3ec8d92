#include "flow/io/codec.h"

#include <bzlib.h>
#include <lzma.h>
#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <climits>
#include <cstring>
#include <new>
#include <string_view>

namespace netflowgen::flow {
namespace {

using namespace std::string_view_literals;

unsigned clip(size_t n) { return static_cast<unsigned>(std::min<size_t>(n, UINT_MAX)); }

class ZstdCodec : public Codec {
 public:
  ZstdCodec() : stream_(ZSTD_createDStream()) {
    if (stream_ == nullptr) throw std::bad_alloc();
    ZSTD_DCtx_setParameter(stream_, ZSTD_d_windowLogMax, sizeof(size_t) == 8 ? 31 : 30);
  }
  ~ZstdCodec() override { ZSTD_freeDStream(stream_); }
  ZstdCodec(const ZstdCodec&) = delete;
  ZstdCodec& operator=(const ZstdCodec&) = delete;

  const char* name() const override { return "zstd"; }
  Step step(std::span<const uint8_t> in, std::span<uint8_t> out) override {
    ZSTD_inBuffer input{in.data(), in.size(), 0};
    ZSTD_outBuffer output{out.data(), out.size(), 0};
    const size_t left = ZSTD_decompressStream(stream_, &output, &input);
    if (ZSTD_isError(left) != 0) return {input.pos, output.pos, false, ZSTD_getErrorName(left)};
    return {input.pos, output.pos, left == 0, nullptr};
  }

 private:
  ZSTD_DStream* stream_;
};

class GzipCodec : public Codec {
 public:
  GzipCodec() {
    if (inflateInit2(&stream_, 15 + 16) != Z_OK) throw std::bad_alloc();
  }
  ~GzipCodec() override { inflateEnd(&stream_); }
  GzipCodec(const GzipCodec&) = delete;
  GzipCodec& operator=(const GzipCodec&) = delete;

  const char* name() const override { return "gzip"; }
  Step step(std::span<const uint8_t> in, std::span<uint8_t> out) override {
    if (between_) {
      between_ = false;
      inflateReset(&stream_);
    }
    stream_.next_in = const_cast<uint8_t*>(in.data());
    stream_.avail_in = clip(in.size());
    stream_.next_out = out.data();
    stream_.avail_out = clip(out.size());
    const int code = inflate(&stream_, Z_NO_FLUSH);
    between_ = code == Z_STREAM_END;
    Step s{static_cast<size_t>(stream_.next_in - in.data()),
           static_cast<size_t>(stream_.next_out - out.data()), between_, nullptr};
    if (code != Z_OK && code != Z_STREAM_END && code != Z_BUF_ERROR) {
      s.bad = stream_.msg != nullptr ? stream_.msg : "invalid data";
    }
    return s;
  }

 private:
  z_stream stream_{};
  bool between_ = false;
};

class XzCodec : public Codec {
 public:
  XzCodec() {
    if (lzma_stream_decoder(&stream_, UINT64_MAX, LZMA_CONCATENATED) != LZMA_OK) throw std::bad_alloc();
  }
  ~XzCodec() override { lzma_end(&stream_); }
  XzCodec(const XzCodec&) = delete;
  XzCodec& operator=(const XzCodec&) = delete;

  const char* name() const override { return "xz"; }
  Step step(std::span<const uint8_t> in, std::span<uint8_t> out) override { return run(in, out, LZMA_RUN); }
  Step finish(std::span<uint8_t> out) override { return run({}, out, LZMA_FINISH); }

 private:
  Step run(std::span<const uint8_t> in, std::span<uint8_t> out, lzma_action action) {
    stream_.next_in = in.data();
    stream_.avail_in = in.size();
    stream_.next_out = out.data();
    stream_.avail_out = out.size();
    const lzma_ret code = lzma_code(&stream_, action);
    Step s{in.size() - stream_.avail_in, out.size() - stream_.avail_out, code == LZMA_STREAM_END, nullptr};
    if (code == LZMA_MEM_ERROR) s.bad = "not enough memory for its dictionary";
    if (code == LZMA_OPTIONS_ERROR) s.bad = "options that this version does not know";
    if (code == LZMA_FORMAT_ERROR || code == LZMA_DATA_ERROR) s.bad = "invalid data";
    return s;
  }

  lzma_stream stream_ = LZMA_STREAM_INIT;
};

class Bzip2Codec : public Codec {
 public:
  Bzip2Codec() { start(); }
  ~Bzip2Codec() override { BZ2_bzDecompressEnd(&stream_); }
  Bzip2Codec(const Bzip2Codec&) = delete;
  Bzip2Codec& operator=(const Bzip2Codec&) = delete;

  const char* name() const override { return "bzip2"; }
  Step step(std::span<const uint8_t> in, std::span<uint8_t> out) override {
    if (between_) {
      BZ2_bzDecompressEnd(&stream_);
      start();
    }
    stream_.next_in = const_cast<char*>(reinterpret_cast<const char*>(in.data()));
    stream_.avail_in = clip(in.size());
    stream_.next_out = reinterpret_cast<char*>(out.data());
    stream_.avail_out = clip(out.size());
    const unsigned in_before = stream_.avail_in;
    const unsigned out_before = stream_.avail_out;
    const int code = BZ2_bzDecompress(&stream_);
    between_ = code == BZ_STREAM_END;
    Step s{in_before - stream_.avail_in, out_before - stream_.avail_out, between_, nullptr};
    if (code != BZ_OK && code != BZ_STREAM_END) s.bad = "invalid data";
    return s;
  }

 private:
  void start() {
    stream_ = {};
    between_ = false;
    if (BZ2_bzDecompressInit(&stream_, 0, 0) != BZ_OK) throw std::bad_alloc();
  }

  bz_stream stream_{};
  bool between_ = false;
};

bool starts(std::span<const uint8_t> head, std::string_view magic) {
  return head.size() >= magic.size() && std::memcmp(head.data(), magic.data(), magic.size()) == 0;
}

}  // namespace

std::unique_ptr<Codec> find_codec(std::span<const uint8_t> head) {
  const bool skippable =
      head.size() >= 4 && (head[0] & 0xf0) == 0x50 && starts(head.subspan(1), "\x2a\x4d\x18"sv);
  if (skippable || starts(head, "\x28\xb5\x2f\xfd"sv)) return std::make_unique<ZstdCodec>();
  if (starts(head, "\x1f\x8b\x08"sv)) return std::make_unique<GzipCodec>();
  if (starts(head, "\xfd\x37zXZ\0"sv)) return std::make_unique<XzCodec>();
  // "BZh", the level, then a block's or the end's magic: text may begin with "BZh" too.
  if (starts(head, "BZh"sv) && head.size() >= 10 &&
      (starts(head.subspan(4), "\x31\x41\x59\x26\x53\x59"sv) ||
       starts(head.subspan(4), "\x17\x72\x45\x38\x50\x90"sv))) {
    return std::make_unique<Bzip2Codec>();
  }
  return nullptr;
}

}  // namespace netflowgen::flow

#include "flow/nfcapd/block.h"

#include <bzlib.h>
#include <lz4.h>
#include <lzo/lzo1x.h>
#include <zstd.h>

#include <algorithm>
#include <cstring>

#include "base/check.h"

namespace netflowgen::flow::nfcapd {
namespace {

constexpr size_t kFirstCapacity = size_t{1} << 20;
// Neither LZO1X nor LZ4 makes more than 255 bytes of one.
constexpr size_t kMaxRatio = 255;
constexpr size_t kSlack = 4096;
constexpr int kMaxZstdWindowLog = 24;

size_t ratio_limit(size_t packed) { return std::min(kMaxBlock, packed * kMaxRatio + kSlack); }

}  // namespace

void BlockUnpacker::FreeZstd::operator()(ZSTD_DCtx_s* context) const { ZSTD_freeDCtx(context); }

bool BlockUnpacker::grow(size_t limit) {
  if (capacity_ >= limit) return false;
  make_room(std::min(limit, std::max(kFirstCapacity, capacity_ * 2)), capacity_);
  return true;
}

// The first octets are kept. Pages that nobody writes to take no memory.
void BlockUnpacker::make_room(size_t capacity, size_t kept) {
  auto buffer = std::make_unique_for_overwrite<uint8_t[]>(capacity);
  if (kept > 0) std::memcpy(buffer.get(), buffer_.get(), kept);
  buffer_ = std::move(buffer);
  capacity_ = capacity;
}

Unpacked BlockUnpacker::unpack(Compression compression, base::Bytes packed) {
  if (compression != Compression::kNone && capacity_ == 0) grow(kFirstCapacity);
  switch (compression) {
    case Compression::kNone:
      return {packed, true};
    case Compression::kLzo:
      return unpack_lzo(packed);
    case Compression::kBz2:
      return unpack_bz2(packed);
    case Compression::kLz4:
      return unpack_lz4(packed);
    case Compression::kZstd:
      return unpack_zstd(packed);
    case Compression::kCount:
      break;
  }
  return {{}, false};
}

Unpacked BlockUnpacker::unpack_lzo(base::Bytes packed) {
  [[maybe_unused]] static const bool ready = lzo_init() == LZO_E_OK;
  NFG_CHECK(ready);
  while (true) {
    lzo_uint size = capacity_;
    const int code = lzo1x_decompress_safe(packed.data(), packed.size(), buffer_.get(), &size, nullptr);
    if (code == LZO_E_OUTPUT_OVERRUN && grow(ratio_limit(packed.size()))) continue;
    return {{buffer_.get(), std::min<size_t>(size, capacity_)}, code == LZO_E_OK};
  }
}

Unpacked BlockUnpacker::unpack_lz4(base::Bytes packed) {
  const auto* in = reinterpret_cast<const char*>(packed.data());
  auto* out = reinterpret_cast<char*>(buffer_.get());
  const int in_size = static_cast<int>(std::min<size_t>(packed.size(), INT32_MAX));
  int size = LZ4_decompress_safe(in, out, in_size, static_cast<int>(capacity_));
  // The library does not tell whether the output was too small or the data bad: try the bound once.
  if (size < 0 && capacity_ < ratio_limit(packed.size())) {
    make_room(ratio_limit(packed.size()), 0);
    out = reinterpret_cast<char*>(buffer_.get());
    size = LZ4_decompress_safe(in, out, in_size, static_cast<int>(capacity_));
  }
  if (size >= 0) return {{buffer_.get(), static_cast<size_t>(size)}, true};
  // -size - 1 is where in the input the damage was met: the bytes before it may still decode.
  const int good = std::min(in_size, -size - 1);
  size = LZ4_decompress_safe_partial(in, out, good, static_cast<int>(capacity_), static_cast<int>(capacity_));
  return {{buffer_.get(), static_cast<size_t>(std::max(size, 0))}, false};
}

Unpacked BlockUnpacker::unpack_bz2(base::Bytes packed) {
  bz_stream stream{};
  NFG_CHECK(BZ2_bzDecompressInit(&stream, 0, 0) == BZ_OK);
  stream.next_in = const_cast<char*>(reinterpret_cast<const char*>(packed.data()));
  stream.avail_in = static_cast<unsigned>(std::min<size_t>(packed.size(), UINT32_MAX));
  size_t size = 0;
  int code = BZ_OK;
  while (code == BZ_OK) {
    if (size == capacity_ && !grow(kMaxBlock)) break;
    stream.next_out = reinterpret_cast<char*>(buffer_.get() + size);
    stream.avail_out = static_cast<unsigned>(capacity_ - size);
    const unsigned in_before = stream.avail_in;
    code = BZ2_bzDecompress(&stream);
    const size_t made = capacity_ - size - stream.avail_out;
    size += made;
    if (code == BZ_OK && made == 0 && stream.avail_in == in_before) break;  // cut short
  }
  BZ2_bzDecompressEnd(&stream);
  return {{buffer_.get(), size}, code == BZ_STREAM_END};
}

Unpacked BlockUnpacker::unpack_zstd(base::Bytes packed) {
  if (!zstd_) {
    zstd_.reset(ZSTD_createDCtx());
    NFG_CHECK(zstd_ != nullptr);
    // nfdump compresses blocks of at most 5 MiB, so a frame that asks for a wider window is not its own.
    ZSTD_DCtx_setParameter(zstd_.get(), ZSTD_d_windowLogMax, kMaxZstdWindowLog);
  }
  ZSTD_DCtx_reset(zstd_.get(), ZSTD_reset_session_only);
  ZSTD_inBuffer in{packed.data(), packed.size(), 0};
  size_t size = 0;
  while (true) {
    if (size == capacity_ && !grow(kMaxBlock)) return {{buffer_.get(), size}, false};
    ZSTD_outBuffer out{buffer_.get(), capacity_, size};
    const size_t in_before = in.pos;
    const size_t code = ZSTD_decompressStream(zstd_.get(), &out, &in);
    const bool moved = out.pos > size || in.pos > in_before;
    size = out.pos;
    if (ZSTD_isError(code) != 0 || (!moved && code != 0)) return {{buffer_.get(), size}, false};
    if (code == 0) return {{buffer_.get(), size}, true};
  }
}

}  // namespace netflowgen::flow::nfcapd

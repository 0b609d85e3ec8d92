// Decompression of nfcapd blocks: none, LZO1X, bzip2, LZ4, zstd.
//
// Invariants: 1. A damaged or cut block gives the bytes that were decoded before the damage, with whole =
// false.
// 2. The buffer grows with what is decoded, never above kMaxBlock. 3. One a thread; the span is valid until
// the next call.
#pragma once

#include <cstdint>
#include <memory>

#include "base/cursor.h"
#include "flow/nfcapd/format.h"

struct ZSTD_DCtx_s;

namespace netflowgen::flow::nfcapd {

inline constexpr size_t kMaxBlock = size_t{64} << 20;  // nfdump's own blocks end at 5 MiB

struct Unpacked {
  base::Bytes bytes;
  bool whole = true;
};

class BlockUnpacker {
 public:
  Unpacked unpack(Compression compression, base::Bytes packed);

 private:
  Unpacked unpack_lzo(base::Bytes packed);
  Unpacked unpack_lz4(base::Bytes packed);
  Unpacked unpack_bz2(base::Bytes packed);
  Unpacked unpack_zstd(base::Bytes packed);
  bool grow(size_t limit);  // doubles the buffer, keeping its bytes; false at the limit
  void make_room(size_t capacity, size_t kept);

  struct FreeZstd {
    void operator()(ZSTD_DCtx_s* context) const;
  };
  std::unique_ptr<ZSTD_DCtx_s, FreeZstd> zstd_;
  std::unique_ptr<uint8_t[]> buffer_;
  size_t capacity_ = 0;
};

}  // namespace netflowgen::flow::nfcapd

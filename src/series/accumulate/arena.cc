#include "series/accumulate/arena.h"

#include <sys/mman.h>

#include <cstdlib>
#include <cstring>
#include <new>

#include "base/check.h"

namespace netflowgen::series {

void* allocate_huge(size_t bytes) {
  constexpr size_t kHuge = size_t{2} << 20;
  const size_t alignment = bytes < kHuge ? kLine : kHuge;
  const size_t whole = (bytes + alignment - 1) / alignment * alignment;
  void* p = std::aligned_alloc(alignment, whole);
  if (p == nullptr) throw std::bad_alloc();
  if (bytes >= kHuge) madvise(p, whole, MADV_HUGEPAGE);
  return p;
}

ChunkPool::~ChunkPool() {
  for (std::byte* chunk : all_) std::free(chunk);
}

std::byte* ChunkPool::take() {
  if (!free_.empty()) {
    std::byte* chunk = free_.back();
    free_.pop_back();
    return chunk;
  }
  all_.reserve(all_.size() + 1);
  free_.reserve(all_.size() + 1);  // give() then never allocates
  auto* chunk = static_cast<std::byte*>(allocate_huge(kChunkBytes));
  all_.push_back(chunk);
  return chunk;
}

Arena::Ref Arena::place(uint32_t lines) {
  if (chunks_.empty() || next_ % kLinesPerChunk + lines > kLinesPerChunk || next_ % kLinesPerChunk == 0) {
    if (!chunks_.empty()) next_ = static_cast<uint32_t>(chunks_.size()) * kLinesPerChunk;
    NFG_CHECK(chunks_.size() < UINT32_MAX / kLinesPerChunk);  // 256 GiB in one step
    chunks_.push_back(pool_->take());
  }
  const Ref ref = next_;
  next_ += lines;
  return ref;
}

Arena::Ref Arena::allocate(uint32_t lines) {
  const Ref ref = place(lines);
  std::memset(chunks_[ref / kLinesPerChunk] + ref % kLinesPerChunk * kLine, 0, lines * kLine);
  return ref;
}

void Arena::clear() {
  for (std::byte* chunk : chunks_) pool_->give(chunk);
  chunks_.clear();
  next_ = 1;
  free_line_ = 0;
}

void Arena::rewind() {
  while (chunks_.size() > 1) {
    pool_->give(chunks_.back());
    chunks_.pop_back();
  }
  next_ = 1;
  free_line_ = 0;
}

}  // namespace netflowgen::series

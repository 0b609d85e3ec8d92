// Memory of the accumulators: bump allocation in 2 MiB chunks, freed a step at a time and reused.
//
// Invariants: 1. An allocation is a multiple of 64 bytes, aligned to a cache line, zeroed (but for take_line()), and never moves.
// 2. A reference counts lines of 64 bytes from the arena's start; 0 is none. 3. Chunks are never given back
// before the pool dies: the peak is what the busiest moment needed. One thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <vector>

namespace netflowgen::series {

inline constexpr size_t kLine = 64;

// For large tables that are touched at random: from 2 MiB on they lie on huge pages where the kernel has them
// (madvise), so that a touch does not also miss the TLB (bench/series.cc).
void* allocate_huge(size_t bytes);  // std::bad_alloc when there is no memory
template <typename T>
struct HugeAllocator {
  using value_type = T;
  HugeAllocator() = default;
  template <typename U>
  explicit HugeAllocator(const HugeAllocator<U>&) {}
  T* allocate(size_t n) { return static_cast<T*>(allocate_huge(n * sizeof(T))); }
  void deallocate(T* p, size_t) { std::free(p); }
  bool operator==(const HugeAllocator&) const { return true; }
};

class ChunkPool {
 public:
  static constexpr size_t kChunkBytes = size_t{2} << 20;

  ChunkPool() = default;
  ~ChunkPool();
  ChunkPool(const ChunkPool&) = delete;
  ChunkPool& operator=(const ChunkPool&) = delete;

  std::byte* take();  // uninitialised; std::bad_alloc when there is no memory
  void give(std::byte* chunk) { free_.push_back(chunk); }
  size_t bytes() const { return all_.size() * kChunkBytes; }
  size_t used_bytes() const { return (all_.size() - free_.size()) * kChunkBytes; }

 private:
  std::vector<std::byte*> all_;
  std::vector<std::byte*> free_;
};

class Arena {
 public:
  using Ref = uint32_t;

  explicit Arena(ChunkPool& pool) : pool_(&pool) {}
  ~Arena() { clear(); }
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;

  template <typename T>
  Ref make() {
    static_assert(sizeof(T) % kLine == 0 && alignof(T) <= kLine && sizeof(T) <= ChunkPool::kChunkBytes / 8);
    return allocate(sizeof(T) / kLine);
  }
  template <typename T>
  T& at(Ref ref) const {
    return *reinterpret_cast<T*>(chunks_[ref / kLinesPerChunk] + ref % kLinesPerChunk * kLine);
  }
  // A line with whatever was in it, and back: lines are reused before new ones are taken.
  Ref take_line() {
    if (free_line_ == 0) return place(1);
    const Ref ref = free_line_;
    free_line_ = at<uint32_t>(ref);
    return ref;
  }
  void give_line(Ref ref) {
    at<uint32_t>(ref) = free_line_;
    free_line_ = ref;
  }
  void clear();
  void rewind();  // clear(), but keeps a chunk
  size_t bytes() const { return chunks_.size() * ChunkPool::kChunkBytes; }

 private:
  static constexpr uint32_t kLinesPerChunk = ChunkPool::kChunkBytes / kLine;
  Ref place(uint32_t lines);     // not zeroed
  Ref allocate(uint32_t lines);  // zeroed

  ChunkPool* pool_;
  std::vector<std::byte*> chunks_;
  Ref free_line_ = 0;  // each holds the next one's reference
  uint32_t next_ = 1;  // line 0 is never handed out
};

}  // namespace netflowgen::series

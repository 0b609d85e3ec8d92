// Zeroed memory from the system, aligned to pages, in huge pages where the system has them. Pages that are
// never written take no memory.
#pragma once

#include <cstddef>
#include <utility>

namespace netflowgen::infer {

class Buffer {
 public:
  Buffer() = default;
  explicit Buffer(size_t bytes);  // Error: the system has not that much
  ~Buffer();
  Buffer(Buffer&& other) noexcept { swap(other); }
  Buffer& operator=(Buffer&& other) noexcept {
    swap(other);
    return *this;
  }
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;

  size_t size() const { return size_; }
  // Takes the pages of [first, last) from the system now, as a first write would; nothing changes in them. Beside threads that
  // write there. False: the system cannot, or has no more. REQUIRES: first <= last <= size().
  bool populate(size_t first, size_t last) const;
  template <typename T>
  T* as() {
    return static_cast<T*>(data_);
  }
  template <typename T>
  const T* as() const {
    return static_cast<const T*>(data_);
  }

 private:
  void swap(Buffer& other) {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
  }
  void* data_ = nullptr;
  size_t size_ = 0;
};

}  // namespace netflowgen::infer

#include "infer/buffer.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>

#include "base/error.h"

namespace netflowgen::infer {

Buffer::Buffer(size_t bytes) : size_(bytes) {
  if (bytes == 0) return;
  void* const p =
      ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (p == MAP_FAILED) {
    throw base::Error("cannot reserve {} MiB of memory: {}", bytes >> 20, std::strerror(errno));
  }
  data_ = p;
  ::madvise(data_, bytes, MADV_HUGEPAGE);  // a wish: systems without huge pages refuse it
}

bool Buffer::populate(size_t first, size_t last) const {
  // Linux before 5.14 refuses it.
  const auto page = static_cast<size_t>(::sysconf(_SC_PAGESIZE));
  first = first / page * page;
  if (last <= first) return true;
  return ::madvise(static_cast<uint8_t*>(data_) + first, last - first, MADV_POPULATE_WRITE) == 0;
}

Buffer::~Buffer() {
  if (data_ != nullptr) ::munmap(data_, size_);
}

}  // namespace netflowgen::infer

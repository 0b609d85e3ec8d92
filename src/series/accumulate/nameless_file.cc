#include "series/accumulate/nameless_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/error.h"

namespace netflowgen::series {

using base::Error;

NamelessFile::NamelessFile(base::fs::path folder) : folder_(std::move(folder)) {
  if (folder_.empty()) folder_ = ".";
  fd_ = ::open(folder_.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  if (fd_ < 0) {  // a file system without nameless files
    std::string name = (folder_ / ".open-steps-XXXXXX").string();
    fd_ = ::mkostemp(name.data(), O_CLOEXEC);
    if (fd_ >= 0) ::unlink(name.c_str());
  }
  if (fd_ < 0) throw Error("cannot keep open steps in {}: {}", folder_.string(), std::strerror(errno));
}

NamelessFile::~NamelessFile() { ::close(fd_); }

void NamelessFile::append(std::span<const uint8_t> bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::pwrite(fd_, bytes.data(), bytes.size(), static_cast<off_t>(size_));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) throw Error("cannot keep open steps in {}: {}", folder_.string(), std::strerror(errno));
    size_ += static_cast<uint64_t>(n);
    bytes = bytes.subspan(static_cast<size_t>(n));
  }
}

void NamelessFile::read(uint64_t at, std::span<uint8_t> to) const {
  while (!to.empty()) {
    const ssize_t n = ::pread(fd_, to.data(), to.size(), static_cast<off_t>(at));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) throw Error("open steps kept in {} cannot be read", folder_.string());
    at += static_cast<uint64_t>(n);
    to = to.subspan(static_cast<size_t>(n));
  }
}

void NamelessFile::give_back([[maybe_unused]] uint64_t at, [[maybe_unused]] uint64_t bytes) {
#ifdef FALLOC_FL_PUNCH_HOLE
  ::fallocate(fd_, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, static_cast<off_t>(at),
              static_cast<off_t>(bytes));  // where the file system cannot, the room stays taken
#endif
}

}  // namespace netflowgen::series

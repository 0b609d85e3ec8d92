// A state file being written by a copy of the process (fork), so that the engine continues at once: the system
// copies what the engine changes meanwhile, page by page. For the thread that owns the engine.
#pragma once

#include <sys/types.h>

#include <utility>

#include "base/file.h"

namespace netflowgen::infer {

class Snapshot {
 public:
  Snapshot() = default;  // of nothing: not running, wait() returns at once
  Snapshot(base::fs::path path, pid_t writer) : path_(std::move(path)), writer_(writer) {}
  ~Snapshot();  // waits
  Snapshot(Snapshot&& other) noexcept { swap(other); }
  Snapshot& operator=(Snapshot&& other) noexcept {
    swap(other);
    return *this;
  }
  Snapshot(const Snapshot&) = delete;
  Snapshot& operator=(const Snapshot&) = delete;

  // False once the file is in place, or will never be: wait() then says which, at once.
  bool running();
  // Error: the file was not written, and why; an older one stays.
  void wait();

 private:
  void swap(Snapshot& other) {
    std::swap(path_, other.path_);
    std::swap(writer_, other.writer_);
    std::swap(status_, other.status_);
  }
  void reap(int flags);

  base::fs::path path_;
  pid_t writer_ = -1;  // -1: none is running
  int status_ = 0;     // of waitpid
};

}  // namespace netflowgen::infer

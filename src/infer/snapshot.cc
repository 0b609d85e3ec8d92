#include "infer/snapshot.h"

#include <sys/wait.h>

#include <cerrno>
#include <cstring>

#include "base/error.h"

namespace netflowgen::infer {

Snapshot::~Snapshot() { reap(0); }

void Snapshot::reap(int flags) {
  if (writer_ < 0) return;
  pid_t got = 0;
  do got = ::waitpid(writer_, &status_, flags);
  while (got < 0 && errno == EINTR);
  if (got == 0) return;
  // Someone else took the exit status: what became of the file is not known.
  if (got < 0) status_ = W_EXITCODE(ECHILD, 0);
  writer_ = -1;
}

bool Snapshot::running() {
  reap(WNOHANG);
  return writer_ >= 0;
}

void Snapshot::wait() {
  reap(0);
  const int status = std::exchange(status_, 0);
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return;
  if (WIFEXITED(status)) {
    throw base::Error("cannot write the state {}: {}", path_.string(), std::strerror(WEXITSTATUS(status)));
  }
  throw base::Error("cannot write the state {}: its writer was ended by signal {}", path_.string(),
                    WTERMSIG(status));
}

}  // namespace netflowgen::infer

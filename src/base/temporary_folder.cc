#include "base/temporary_folder.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <ctime>
#include <system_error>

#include "base/error.h"

namespace netflowgen::base {
namespace {

constexpr const char* kLock = ".lock";
constexpr int64_t kYoung_s = 10;  // between the folder's making and its lock

fs::path system_folder() {
  std::error_code error;
  const auto folder = fs::temp_directory_path(error);
  return error ? fs::path("/tmp") : folder;
}

// A folder of this user whose lock nobody holds.
bool abandoned(const fs::path& folder) {
  struct stat status {};
  if (::lstat(folder.c_str(), &status) != 0 || !S_ISDIR(status.st_mode) || status.st_uid != ::geteuid())
    return false;
  const int fd = ::open((folder / kLock).c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW);
  if (fd < 0) return false;
  const bool old = ::fstat(fd, &status) == 0 && status.st_mtime + kYoung_s < ::time(nullptr);
  const bool free = old && ::flock(fd, LOCK_EX | LOCK_NB) == 0;
  ::close(fd);
  return free;
}

void remove_abandoned(const std::string& prefix, const fs::path& parent) {
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(parent, error)) {
    const std::string name = entry.path().filename().string();
    std::error_code ignored;
    if (name.size() == prefix.size() + 6 && name.starts_with(prefix) && abandoned(entry.path()))
      fs::remove_all(entry.path(), ignored);
  }
}

}  // namespace

TemporaryFolder::TemporaryFolder(const std::string& prefix) : TemporaryFolder(prefix, system_folder()) {}

TemporaryFolder::TemporaryFolder(const std::string& prefix, const fs::path& parent) {
  remove_abandoned(prefix, parent);
  std::string name = (parent / (prefix + "XXXXXX")).string();
  if (::mkdtemp(name.data()) == nullptr)
    throw Error("no temporary folder can be made in {}: {}; set TMPDIR to a folder that this user may write",
                parent.string(), std::generic_category().message(errno));
  path_ = name;
  lock_ = ::open((path_ / kLock).c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (lock_ >= 0) ::flock(lock_, LOCK_EX | LOCK_NB);
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
  if (lock_ >= 0) ::close(lock_);
}

}  // namespace netflowgen::base

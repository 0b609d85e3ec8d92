// A folder of its own for what a run needs and leaves nothing of. A run that was killed cannot remove it: the next one with the
// same prefix does.
#pragma once

#include <string>

#include "base/file.h"

namespace netflowgen::base {

class TemporaryFolder {
 public:
  // In the system's folder of temporary files, named PREFIX and six characters. Error: it cannot be made.
  explicit TemporaryFolder(const std::string& prefix);
  // The same in another folder.
  TemporaryFolder(const std::string& prefix, const fs::path& parent);
  ~TemporaryFolder();  // removes it with all that is in it
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
  int lock_ = -1;  // held while the run lives
};

}  // namespace netflowgen::base

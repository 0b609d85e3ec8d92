// Where training windows come from. Private to this folder.
#pragma once

#include <cstddef>
#include <vector>

#include "base/random.h"
#include "learn/network/windows.h"

namespace netflowgen::learn {

class WindowSource {
 public:
  virtual ~WindowSource() = default;
  virtual size_t length() const = 0;  // positions a window
  // Quick and sequential: all that is random.
  virtual std::vector<WindowPlan> plan(base::Random& random, size_t windows) const = 0;
  // The windows are computed by the processes that have them.
  virtual bool sharded() const { return false; }
  // The process that has the window. REQUIRES: sharded().
  virtual int owner(const WindowPlan&) const { return 0; }
  // One of them, as window `b` of a batch that has its size, with targets. Thread-safe, for other `b` in the same batch too.
  virtual void fill_one(const WindowPlan& plan, size_t b, WindowBatch& batch) const = 0;
};

}  // namespace netflowgen::learn

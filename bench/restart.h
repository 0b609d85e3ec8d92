// A benchmark that is linked with LibTorch or OpenBLAS has loaded them before main: it starts anew, once, with the environment
// that the program sets before it loads them (base/math_libraries.h).
#pragma once

#include <unistd.h>

#include "base/math_libraries.h"

namespace netflowgen::bench {

inline void restart_with_math_environment(char** argv) {
  if (base::set_math_environment()) execv("/proc/self/exe", argv);  // returns only when it failed: then slower
}

}  // namespace netflowgen::bench

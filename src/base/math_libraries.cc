#include "base/math_libraries.h"

#include <dlfcn.h>
#include <unistd.h>

#include <cstdlib>
#include <string_view>

namespace netflowgen::base {
namespace {

bool wait_without_spinning() {
  if (std::getenv("OMP_WAIT_POLICY") != nullptr || std::getenv("GOMP_SPINCOUNT") != nullptr) return false;
  return setenv("OMP_WAIT_POLICY", "passive", 1) == 0;
}

// The widest of OpenBLAS's kernels that the machine runs, where OpenBLAS took those without AVX.
bool name_processor() {
#if defined(__x86_64__)
  if (std::getenv("OPENBLAS_CORETYPE") != nullptr) return false;
  // Looked up by name: another BLAS has no such call.
  const auto core = reinterpret_cast<const char* (*)()>(dlsym(RTLD_DEFAULT, "openblas_get_corename"));
  if (core == nullptr || std::string_view(core()) != "Prescott") return false;
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq")) {
    return setenv("OPENBLAS_CORETYPE", "SkylakeX", 1) == 0;
  }
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
    return setenv("OPENBLAS_CORETYPE", "Haswell", 1) == 0;
#endif
  return false;
}

}  // namespace

void tune_math_libraries(char** argv) {
  const bool waits = wait_without_spinning();
  const bool named = name_processor();
  if (waits || named) execv("/proc/self/exe", argv);  // returns only when it failed: then it goes on, slower
}

}  // namespace netflowgen::base

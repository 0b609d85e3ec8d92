#include "base/math_libraries.h"

#include <dlfcn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <string_view>

namespace netflowgen::base {
namespace {

bool wait_without_spinning() {
  if (std::getenv("OMP_WAIT_POLICY") != nullptr || std::getenv("GOMP_SPINCOUNT") != nullptr) return false;
  return setenv("OMP_WAIT_POLICY", "passive", 1) == 0;
}

#if defined(__x86_64__)
// OpenBLAS's name of its kernels without AVX.
bool is_without_avx(void* library) {
  // Looked up by name: another BLAS has no such call.
  const auto core = reinterpret_cast<const char* (*)()>(dlsym(library, "openblas_get_corename"));
  return core != nullptr && std::string_view(core()) == "Prescott";
}

// What OpenBLAS would take if it were loaded now. Once loaded it cannot be told, hence the child.
bool openblas_is_without_avx() {
  const pid_t child = fork();
  if (child < 0) return false;
  if (child == 0) {
    setenv("OPENBLAS_NUM_THREADS", "1", 1);
    void* library = dlopen("libblas.so.3", RTLD_LAZY | RTLD_LOCAL);
    if (library == nullptr) library = dlopen("libopenblas.so.0", RTLD_LAZY | RTLD_LOCAL);
    _exit(library != nullptr && is_without_avx(library) ? 1 : 0);
  }
  int status = 0;
  return waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 1;
}
#endif

// The widest of OpenBLAS's kernels that the machine runs, where OpenBLAS takes those without AVX.
bool name_processor() {
#if defined(__x86_64__)
  if (std::getenv("OPENBLAS_CORETYPE") != nullptr) return false;
  const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  if (!avx2 || !openblas_is_without_avx()) return false;
  const bool avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                      __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq");
  return setenv("OPENBLAS_CORETYPE", avx512 ? "SkylakeX" : "Haswell", 1) == 0;
#else
  return false;
#endif
}

}  // namespace

bool set_math_environment() {
  const bool waits = wait_without_spinning();
  const bool named = name_processor();
  return waits || named;
}

}  // namespace netflowgen::base

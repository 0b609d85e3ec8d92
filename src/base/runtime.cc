#include "base/runtime.h"

#include <dlfcn.h>
#include <unistd.h>

#include <cstdlib>
#include <string_view>

namespace netflowgen::base {
namespace {

constexpr const char* kSettled = "NETFLOWGEN_SETTLED";

// The kernels that suit this processor, where OpenBLAS took those of one without AVX; else null.
const char* better_kernels() {
#if defined(__x86_64__)
  using NameFn = char* (*)();
  const auto name = reinterpret_cast<NameFn>(dlsym(RTLD_DEFAULT, "openblas_get_corename"));
  if (name == nullptr) return nullptr;
  const std::string_view taken = name();
  constexpr std::string_view kOld[] = {"Prescott", "Core2",  "Penryn",  "Dunnington",
                                       "Nehalem",  "Athlon", "Opteron", "Generic"};
  bool old = false;
  for (const auto o : kOld) old = old || taken == o;
  if (!old) return nullptr;
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl"))
    return "SkylakeX";
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return "Haswell";
#endif
  return nullptr;
}

}  // namespace

void settle_libraries(char** argv) {
  if (std::getenv(kSettled) != nullptr) return;
  const bool spins = std::getenv("OMP_WAIT_POLICY") == nullptr && std::getenv("GOMP_SPINCOUNT") == nullptr;
  const char* const kernels = std::getenv("OPENBLAS_CORETYPE") == nullptr ? better_kernels() : nullptr;
  if (!spins && kernels == nullptr) return;
  setenv(kSettled, "1", 1);
  if (spins) setenv("OMP_WAIT_POLICY", "passive", 1);
  if (kernels != nullptr) setenv("OPENBLAS_CORETYPE", kernels, 1);
  execv("/proc/self/exe", argv);
}

}  // namespace netflowgen::base

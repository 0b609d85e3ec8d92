#include "learn/network/torch.h"

#include <dlfcn.h>
#ifdef _OPENMP
#include <omp.h>
#endif

#include <thread>

#include "base/error.h"
#include "learn/pretrain.h"

namespace netflowgen::learn {

void set_threads(int threads) {
  const int n = threads > 0 ? threads : static_cast<int>(std::thread::hardware_concurrency());
  torch::set_num_threads(n);
#ifdef _OPENMP
  omp_set_num_threads(n);  // LibTorch may come with an OpenMP library of its own
#endif
}

// OpenBLAS's own calls, found at run time: LibTorch may come with another BLAS. Debian's LibTorch asks libblas.so.3,
// which is OpenBLAS under the name that the alternatives system gives it.
SingleThreadedBlas::SingleThreadedBlas() {
  static const auto get = reinterpret_cast<int (*)()>(dlsym(RTLD_DEFAULT, "openblas_get_num_threads"));
  static const auto set = reinterpret_cast<void (*)(int)>(dlsym(RTLD_DEFAULT, "openblas_set_num_threads"));
  if (get == nullptr || set == nullptr) return;
  before_ = get();
  set(1);
}

SingleThreadedBlas::~SingleThreadedBlas() {
  if (before_ == 0) return;
  static const auto set = reinterpret_cast<void (*)(int)>(dlsym(RTLD_DEFAULT, "openblas_set_num_threads"));
  set(before_);
}

void check_device(const std::string& device) {
  if (device == "cpu") return;
  if (device.rfind("cuda", 0) != 0)
    throw base::UsageError("unknown device '{}'; known: cpu, cuda, cuda:N", device);
  if (!torch::cuda::is_available()) {
    throw base::Error(
        "no CUDA device: this LibTorch ({}) {}", NETFLOWGEN_TORCH_VERSION,
        "was built without CUDA or sees no GPU; build against a CUDA LibTorch, or use --device cpu");
  }
  at::globalContext().setFloat32MatmulPrecision("high");  // TF32: products of float at 8 times the rate
}

std::string torch_description() {
  return fmt::format("{}{}", NETFLOWGEN_TORCH_VERSION, torch::cuda::is_available() ? " with CUDA" : " (CPU)");
}

}  // namespace netflowgen::learn

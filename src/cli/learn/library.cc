// What libnetflowgen_learn.so gives the program: its commands, and the description of the libraries that it brings along.
#include <dlfcn.h>
#include <fmt/format.h>

#include <filesystem>
#include <string>

#include "build_version.h"
#include "cli/commands.h"
#include "cli/learn_library.h"
#include "learn/pretrain.h"

namespace netflowgen::cli {
namespace {

// The resolved path of the library that serves sgemm_, e.g. /usr/lib/.../openblas-pthread/libblas.so.3.
std::string blas_path() {
  void* symbol = dlsym(RTLD_DEFAULT, "sgemm_");
  Dl_info info{};
  if (symbol == nullptr || dladdr(symbol, &info) == 0 || info.dli_fname == nullptr) return "none";
  std::error_code error;
  const auto path = std::filesystem::canonical(info.dli_fname, error);
  return error ? std::string(info.dli_fname) : path.string();
}

std::string blas_text() {
  const std::string path = blas_path();
  if (path == "none") return "BLAS: none loaded";
  using ConfigFn = char* (*)();
  // Looked up by name: only OpenBLAS has it.
  const auto config = reinterpret_cast<ConfigFn>(dlsym(RTLD_DEFAULT, "openblas_get_config"));
  if (path.find("openblas") != std::string::npos) {
    const auto core = reinterpret_cast<ConfigFn>(dlsym(RTLD_DEFAULT, "openblas_get_corename"));
    return fmt::format("BLAS: {}, kernels {} ({})", config != nullptr ? config() : "OpenBLAS",
                       core != nullptr ? core() : "unknown", path);
  }
  if (path.find("mkl") != std::string::npos) return fmt::format("BLAS: MKL ({})", path);
  if (path.find("libtorch") != std::string::npos) return fmt::format("BLAS: LibTorch's own ({})", path);
  return fmt::format(
      "BLAS: {}\nwarning: this looks like the reference BLAS, many times slower than OpenBLAS; "
      "install libopenblas0-pthread (scripts/setup does)",
      path);
}

std::string describe() { return fmt::format("LibTorch: {}\n{}", learn::torch_description(), blas_text()); }

constexpr AddCommand kAdd[] = {add_demo_train, add_pretrain, add_finetune, add_calibrate, add_evaluate};

}  // namespace
}  // namespace netflowgen::cli

extern "C" {
[[gnu::visibility("default")]] extern const netflowgen::cli::LearnLibrary netflowgen_learn_library;
const netflowgen::cli::LearnLibrary netflowgen_learn_library = {
    NETFLOWGEN_VERSION " (" NETFLOWGEN_COMMIT ")", netflowgen::cli::kAdd, netflowgen::cli::describe};
}

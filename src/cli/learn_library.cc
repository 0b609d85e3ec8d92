#include "cli/learn_library.h"

#include <dlfcn.h>

#include <string_view>

#include "base/error.h"
#include "base/math_libraries.h"
#include "cli/version.h"

namespace netflowgen::cli {
namespace {

constexpr const char* kFile = "libnetflowgen_learn.so";

const LearnLibrary& load() {
  base::set_math_environment();
  // Found by the program's own RUNPATH, which names $ORIGIN. Global: MKL looks for its parts among the global symbols.
  void* library = dlopen(kFile, RTLD_LAZY | RTLD_GLOBAL);
  if (library == nullptr) {
    throw base::Error(
        "this command needs {} beside the program or in ../lib/netflowgen, and the libraries it names: {}",
        kFile, dlerror());
  }
  const auto* found = static_cast<const LearnLibrary*>(dlsym(library, kLearnLibrarySymbol));
  if (found == nullptr || std::string_view(found->build) != build_text())
    throw base::Error("{} is of another build than this program; install both from the same one", kFile);
  return *found;
}

}  // namespace

const LearnLibrary& learn_library() {
  static const LearnLibrary& library = load();
  return library;
}

}  // namespace netflowgen::cli

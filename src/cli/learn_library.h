// The commands that learn lie in a shared library of their own, so that all others start without LibTorch, OpenBLAS and
// XGBoost. The library is loaded when one of its commands is called, after the environment that OpenMP and OpenBLAS read has
// been set: no command executes itself a second time.
#pragma once

#include <span>
#include <string>

#include "cli/command.h"

namespace netflowgen::cli {

// The library's only symbol is of this type.
struct LearnLibrary {
  const char* build;  // version and commit; must be the program's own
  std::span<const AddCommand> commands;
  std::string (
      *describe)();  // LibTorch and the BLAS in use, with a warning when that is the slow reference BLAS
};
inline constexpr const char* kLearnLibrarySymbol = "netflowgen_learn_library";

// Loads it at the first call. Error: it is not beside the program nor in ../lib/netflowgen, it cannot be loaded, or it is of
// another build.
const LearnLibrary& learn_library();

}  // namespace netflowgen::cli

#pragma once
#include <string>

namespace netflowgen::cli {

// Version, commit, LibTorch and the BLAS in use, with a warning when that is the slow reference BLAS.
std::string version_text();

}  // namespace netflowgen::cli

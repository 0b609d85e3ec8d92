// What OpenMP and OpenBLAS read from the environment once, when they are loaded, and choose badly by themselves.
#pragma once

namespace netflowgen::base {

// Sets what follows where the user has not. To be called while the process has one thread and before the libraries are
// loaded, which read it then. Returns whether anything was set.
// OMP_WAIT_POLICY=passive: LibTorch's OpenMP threads spin while they wait, on the cores that OpenBLAS's threads need:
// measured, two thirds of a small model's training time.
// OPENBLAS_CORETYPE: an OpenBLAS older than the processor takes kernels of 2004, without AVX (Debian 12's 0.3.21 on Intel's
// Emerald Rapids: SGEMM 16 instead of 77 G multiplications and additions a second; bench/infer.cc prints the rate). Which
// kernels OpenBLAS takes is asked of OpenBLAS itself, in a child process that ends at once: a table of processors here would
// have to repeat its own. Where it takes kernels with AVX, nothing is set.
bool set_math_environment();

}  // namespace netflowgen::base

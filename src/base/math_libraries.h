// What OpenMP and OpenBLAS read from the environment once, when they are loaded, and choose badly by themselves.
#pragma once

namespace netflowgen::base {

// Sets what follows where the user has not, and starts the program again if that changed anything; to be called first in
// main, before there are threads or open files.
// OMP_WAIT_POLICY=passive: LibTorch's OpenMP threads spin while they wait, on the cores that OpenBLAS's threads need:
// measured, two thirds of a small model's training time.
// OPENBLAS_CORETYPE: an OpenBLAS older than the processor takes kernels of 2004, without AVX (Debian 12's 0.3.21 on Intel's
// Emerald Rapids: SGEMM 16 instead of 77 G multiplications and additions a second; bench/infer.cc prints the rate).
void tune_math_libraries(char** argv);

}  // namespace netflowgen::base

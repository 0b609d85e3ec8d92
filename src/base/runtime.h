// What the numeric libraries read once, when they are loaded, and get wrong by themselves.
#pragma once

namespace netflowgen::base {

// Starts the program again with better settings in its environment, at most once; returns where nothing is to be bettered, or
// exec failed: everything works then, slower. What the user has set stays. Call first in main.
//   OMP_WAIT_POLICY=passive  LibTorch's OpenMP threads spin while they wait, on the cores that OpenBLAS's own threads need:
//                            two thirds of the time of a small model's training.
//   OPENBLAS_CORETYPE        OpenBLAS knows processors by model number and takes one that is newer than itself for the oldest:
//                            a fifth of the speed (bench/infer.cc prints which kernels it took).
void settle_libraries(char** argv);

}  // namespace netflowgen::base

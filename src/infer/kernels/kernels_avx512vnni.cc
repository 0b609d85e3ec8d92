// kernels_avx512.cc with the dot products of 16-bit pairs in one instruction; the sums are the same.
#include "infer/kernels/kernels.h"

#if defined(__AVX512F__) && defined(__AVX512DQ__) && defined(__AVX512VNNI__)
#include "simd/avx512.h"
#define NFG_TILE_ROWS 12  // 12 x 2 sums in 32 registers
#include "infer/kernels/kernels_impl.h"
namespace netflowgen::infer {
extern const Kernels kAvx512VnniKernels = make_kernels(Isa::kAvx512Vnni);
}
#else
namespace netflowgen::infer {
extern const Kernels kAvx512VnniKernels = {};
}
#endif

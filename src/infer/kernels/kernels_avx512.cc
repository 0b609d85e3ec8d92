// kernels_impl.h with sixteen lanes; CMake gives this file its flags where the compiler has them.
#include "infer/kernels/kernels.h"

#if defined(__AVX512F__) && defined(__AVX512DQ__)
#include "simd/avx512.h"
#define NFG_TILE_ROWS 12  // 12 x 2 sums in 32 registers
#include "infer/kernels/kernels_impl.h"
namespace netflowgen::infer {
extern const Kernels kAvx512Kernels = make_kernels(Isa::kAvx512);
}
#else
namespace netflowgen::infer {
extern const Kernels kAvx512Kernels = {};
}
#endif

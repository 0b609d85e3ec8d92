// kernels_impl.h with eight lanes; CMake gives this file its flags where the compiler has them.
#include "infer/kernels/kernels.h"

#if defined(__AVX2__) && defined(__FMA__)
#include "simd/avx2.h"
#define NFG_TILE_ROWS 6  // 6 x 2 sums in 16 registers
#include "infer/kernels/kernels_impl.h"
namespace netflowgen::infer {
extern const Kernels kAvx2Kernels = make_kernels(Isa::kAvx2);
}
#else
namespace netflowgen::infer {
extern const Kernels kAvx2Kernels = {};
}
#endif

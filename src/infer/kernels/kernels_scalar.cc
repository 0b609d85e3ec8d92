// kernels_impl.h with one lane: the reference implementation of the others, and the fallback.
#include "infer/kernels/kernels.h"
#include "simd/scalar.h"
#define NFG_TILE_ROWS 4
#include "infer/kernels/kernels_impl.h"

namespace netflowgen::infer {
extern const Kernels kScalarKernels = make_kernels(Isa::kScalar);
}

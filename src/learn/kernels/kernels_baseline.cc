#include "simd/portable.h"
#define NFG_KERNELS kernels_baseline
#include "learn/kernels/kernels_impl.h"

#if defined(__x86_64__)
#include "simd/avx512.h"
#define NFG_KERNELS kernels_avx512
#include "learn/kernels/kernels_impl.h"
#endif

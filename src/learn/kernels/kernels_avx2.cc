#if defined(__x86_64__)
#include "simd/avx2.h"
#define NFG_KERNELS kernels_avx2
#include "learn/kernels/kernels_impl.h"
#endif

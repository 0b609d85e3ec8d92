#if defined(__x86_64__)
#define NFG_LANES 8
#define NFG_KERNELS kernels_avx2
#include "learn/kernels/kernels_impl.h"
#endif

#if defined(__x86_64__)
#define NFG_LANES 16
#define NFG_KERNELS kernels_avx512
#include "learn/kernels/kernels_impl.h"
#endif

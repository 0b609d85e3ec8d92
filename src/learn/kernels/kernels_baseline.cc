#define NFG_LANES 4
#define NFG_KERNELS kernels_baseline
#include "learn/kernels/kernels_impl.h"

#include "simd/portable.h"
#define NFG_SUITE PortableMath
#include "simd/math_test_impl.h"

#include "simd/scalar.h"
#define NFG_SUITE ScalarMath
#include "simd/math_test_impl.h"

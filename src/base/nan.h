// NaN is how values that are missing are written.
#pragma once

#include <limits>

namespace netflowgen::base {

inline constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

}  // namespace netflowgen::base

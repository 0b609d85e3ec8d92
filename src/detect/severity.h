// How severe an alert is: as rare as its score and as large as its traffic, whichever is less. Pure
// functions.
//
//   low       raised at all
//   medium    the score is one of a tenth of the false alarms, and some volume is 3 times what was expected
//   high      ... of a hundredth, and 10 times
//   critical  ... of a thousandth, and 30 times
#pragma once

#include <array>
#include <span>

#include "detect/rule.h"
#include "detect/track.h"

namespace netflowgen::detect {

inline constexpr double kSevereTimes[] = {3, 10, 30};  // medium, high, critical

// The largest ratio of what is seen to what was expected, over volumes above their band; 0: none is above,
// NaN: nothing was expected. Expected is the band's middle, but at least a third of its top (a host that is
// mostly silent is expected to have its bursts) and at least 1; where there is no forecast, `usual` (the
// feature's unit, NaN: not known).
double times_expected(const Band& baseline, std::span<const double> usual,
                      const std::array<float, kMaxVolumes>& seen);

// The same of one volume, in its unit, with its forecast; 0: it is not above its band.
double times_expected(double seen, double middle, double upper);

// Where times_expected is NaN, medium at most.
Severity severity_of(double peak, const Threshold& threshold, double times_expected);

}  // namespace netflowgen::detect

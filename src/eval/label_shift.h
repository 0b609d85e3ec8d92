// Labels whose clock is not the flows': local times read as UTC, or daylight-saving time forgotten. Attacks mostly bring
// traffic, so the labelled steps are compared with the same steps shifted by whole hours, and by whole hours with
// daylight-saving time: where far more attacks stand out at another time than at the labels' own, the labels are in doubt.
//
// An attack stands out when, on average over its steps (idle ones are zero), one of bytes_in, packets_in and flows_in of its
// node is at least kStandsOut robust deviations above that node's median, in log1p; events of one incident are one case,
// their mean. A shift is reported when (1) at least three attacks stand out with it, and more than twice as many as at the
// labels' times; (2) that number is improbable by chance, where chance is the share that stands out at all other shifts.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "eval/labels.h"

namespace netflowgen::eval {

inline constexpr int kMostShiftHours = 14;
inline constexpr double kStandsOut = 3;

struct LabelShift {
  int hours = 0;  // to add to the labels' times, in winter where `daylight`
  bool daylight =
      false;  // one hour less in summer: the labels are local times of a place with daylight-saving time
  size_t attacks = 0;    // incidents compared
  size_t stand_out = 0;  // of them, at the labels' times
  size_t stand_out_shifted = 0;
  double rise =
      0;  // their traffic as a multiple of the node's median: median over attacks, at the labels' times
  double rise_shifted = 0;

  // One sentence for the user: figures, the shift, what to do.
  std::string text() const;
};

// nullopt: the labels fit, or there is too little to tell.
std::optional<LabelShift> find_label_shift(const FrameTable& table, const std::vector<Event>& events);

}  // namespace netflowgen::eval

// A small language: one character a step.
//   scores  '.' no frame   '0'..'9' the score   'n' no score (NaN) but a frame
//   volumes (a second line, optional): the digit's value of volume 0; the band is [0, 2] before every step
// Outcome: '.' nothing, 'R' raised, 'S' resumed, 'E' ended.
#include "detect/track.h"

#include <gtest/gtest.h>

#include <cmath>
#include <string>

namespace netflowgen::detect {
namespace {

struct Settings {
  float on = 5;
  float off = 3;
  Timing timing{1, 2, 3, 0, 20, 60};
};

Observation observation_of(char score, char volume) {
  Observation observed{score == 'n' ? NAN : static_cast<float>(score - '0'), Band::none(), {}};
  observed.band.middle[0] = 1;
  observed.band.upper[0] = 2;
  observed.seen[0] = static_cast<float>(volume - '0');
  return observed;
}

std::string run(const std::string& scores, const std::string& volumes = "", const Settings& setup = {}) {
  Threshold threshold;
  threshold.on = setup.on;
  threshold.off = setup.off;
  Track track;
  std::string outcome;
  for (size_t i = 0; i < scores.size(); ++i) {
    const auto step = static_cast<int64_t>(i);
    const Transition transition =
        scores[i] == '.' ? track.silent(step, setup.timing)
                         : track.update(step, observation_of(scores[i], volumes.empty() ? '0' : volumes[i]),
                                        threshold, setup.timing);
    outcome += ".RSE"[static_cast<size_t>(transition)];
  }
  return outcome;
}

TEST(Track, RaisesAndEnds) {
  EXPECT_EQ(run("0111500001"), "....R.E...");
  EXPECT_EQ(run("0000000000"), "..........");
  EXPECT_EQ(run("5"), "R");
}

TEST(Track, HysteresisKeepsItUp) {
  EXPECT_EQ(run("05434343000"), ".R.......E.");
  EXPECT_EQ(run("03333330000"), "...........");  // off alone raises nothing
}

TEST(Track, MinimumDurationCountsHitsOfARun) {
  Settings two;
  two.timing.min_steps = 2;
  EXPECT_EQ(run("0500500", "", two), ".......");
  EXPECT_EQ(run("0550000", "", two), "..R.E..");
  EXPECT_EQ(run("0535000", "", two), "...R.E.");  // between the hits it stayed above off
}

TEST(Track, SilenceEndsToo) {
  EXPECT_EQ(run("05......"), ".R.E....");
  EXPECT_EQ(run("05nn"), ".R.E");  // frames without a score are normal
}

TEST(Track, MergesWhatFollowsSoon) {
  EXPECT_EQ(run("0500050000"), ".R.E.S.E..");
  EXPECT_EQ(run("05000000050"), ".R.E.....R.");
}

TEST(Track, LatchesUntilTrafficIsBackInTheBand) {
  //             scores surprise once; the volume stays high
  EXPECT_EQ(run("00500000000", "11999999110"), "..R......E.");
  EXPECT_EQ(run("00500000000", "11111111110"), "..R.E......");  // nothing left the band
  // A volume that rises without a score does not hold the alert.
  EXPECT_EQ(run("00500000000", "11199999999"), "..R.E......");
  // One step back in the band is not yet the end (pulses).
  EXPECT_EQ(run("00500000000", "11991919111"), "..R......E.");
}

TEST(Track, GivesUpOnTheNewNormal) {
  Settings s;
  s.timing.max_steps = 5;
  EXPECT_EQ(run("050000000000", "099999999999", s), ".R....E.....");
}

TEST(Track, ResumedAlertKeepsItsStart) {
  Threshold threshold;
  threshold.on = 5;
  threshold.off = 3;
  const Timing timing{1, 2, 3, 0, 20, 60};
  Track track;
  const std::string scores = "04500040500";
  for (size_t i = 0; i < scores.size(); ++i) {
    track.update(static_cast<int64_t>(i), observation_of(scores[i], '0'), threshold, timing);
  }
  EXPECT_EQ(track.alert_start, 1);
  EXPECT_EQ(track.raised_step, 2);
  EXPECT_EQ(track.end_step, 9);
}

TEST(Track, ForgettableOnceNothingDependsOnIt) {
  Threshold threshold{5, 3, {}};
  const Timing timing{1, 2, 3, 10, 20, 60};
  Track track;
  EXPECT_TRUE(track.forgettable(0, timing));
  track.update(0, observation_of('6', '0'), threshold, timing);
  EXPECT_FALSE(track.forgettable(0, timing));
  track.silent(2, timing);
  EXPECT_FALSE(track.forgettable(11, timing));  // still in its cool-down
  EXPECT_TRUE(track.forgettable(12, timing));
}

TEST(Track, SilenceToldOnceOrStepByStep) {
  Threshold threshold{5, 3, {}};
  const Timing timing;
  Track a;
  Track b;
  a.update(0, observation_of('6', '0'), threshold, timing);
  b = a;
  for (int64_t s = 1; s < 50; ++s) a.silent(s, timing);
  b.silent(49, timing);
  EXPECT_EQ(a.end_step, b.end_step);
  EXPECT_EQ(a.state, b.state);
}

}  // namespace
}  // namespace netflowgen::detect

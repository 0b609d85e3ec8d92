#include "flow/live/onward_clock.h"

#include <gtest/gtest.h>

namespace netflowgen::flow {
namespace {

constexpr TimeMs kNoon = 1'772'366'400'000;  // 2026-03-01T12:00:00Z
constexpr int64_t kHour = 3'600'000;

// The machine's clock runs on from `from` for so long, looked at every 100 ms; what the collector's makes of it.
TimeMs run(OnwardClock& clock, TimeMs from, int64_t length_ms) {
  TimeMs before = clock.at(from);
  for (TimeMs t = from + 100; t <= from + length_ms; t += 100) {
    const TimeMs now = clock.at(t);
    EXPECT_GE(now, before) << "at " << t - from;
    before = now;
  }
  return before;
}

TEST(OnwardClock, AClockThatRunsIsHandedOn) {
  OnwardClock clock;
  EXPECT_EQ(run(clock, kNoon, kHour), kNoon + kHour);
  EXPECT_EQ(clock.at(kNoon + 3 * kHour), kNoon + 3 * kHour) << "put forward, or a pause";
  EXPECT_EQ(clock.at(kNoon + 3 * kHour - 1500), kNoon + 3 * kHour - 1500)
      << "another thread's, a little older";
  EXPECT_EQ(clock.ahead_ms(), 0);
}

TEST(OnwardClock, PutBackItGoesOnSlowerUntilBothAgree) {
  OnwardClock clock;
  const TimeMs newest = run(clock, kNoon + kHour, 60'000);
  EXPECT_EQ(clock.at(kNoon), newest);
  EXPECT_EQ(clock.ahead_ms(), kHour + 60'000);
  EXPECT_EQ(run(clock, kNoon, 60'000), newest + 55'000) << "eleven twelfths of a minute";
  EXPECT_EQ(run(clock, kNoon + 60'000, 13 * kHour), kNoon + 60'000 + 13 * kHour);
  EXPECT_EQ(clock.ahead_ms(), 0);
}

TEST(OnwardClock, PutForwardAgainItStandsUntilBothAgree) {
  OnwardClock clock;
  const TimeMs newest = run(clock, kNoon + kHour, 1000);
  clock.at(kNoon);
  EXPECT_EQ(clock.at(kNoon + kHour), newest);
  EXPECT_EQ(clock.at(kNoon + 2 * kHour), kNoon + 2 * kHour);
  EXPECT_EQ(clock.ahead_ms(), 0);
}

TEST(OnwardClock, PutBackTwiceItIsAheadByBoth) {
  OnwardClock clock;
  clock.at(kNoon);
  clock.at(kNoon - 10'000);
  EXPECT_EQ(clock.at(kNoon - 40'000), kNoon);
  EXPECT_EQ(clock.ahead_ms(), 40'000);
}

// What another thread stamped before the step comes after what was stamped since.
TEST(OnwardClock, AnOldStampAfterTheStepTakesNothingBack) {
  OnwardClock clock;
  clock.at(kNoon);
  clock.at(kNoon - kHour);
  clock.at(kNoon);
  EXPECT_EQ(clock.at(kNoon - kHour + 1000), kNoon);
}

TEST(OnwardClock, StartsAheadWhereStepsOfTheFutureAreClosed) {
  OnwardClock clock(600'000);
  EXPECT_EQ(clock.at(kNoon), kNoon + 600'000);
  EXPECT_EQ(run(clock, kNoon, 12'000), kNoon + 611'000);
}

}  // namespace
}  // namespace netflowgen::flow

#include "serve/clock_watch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace netflowgen::serve {
namespace {

using std::chrono::milliseconds;
using testing::HasSubstr;

constexpr base::TimeMs kNoon = 1'772'366'400'000;  // 2026-03-01T12:00:00Z

TEST(ClockWatch, NamesWhatWasDoneToTheClock) {
  ClockWatch watch;
  const std::chrono::steady_clock::time_point start{};
  EXPECT_FALSE(watch.look(kNoon, start)) << "the first look has nothing to compare with";
  EXPECT_FALSE(watch.look(kNoon + 1000, start + milliseconds(1000)));
  EXPECT_FALSE(watch.look(kNoon + 62'000, start + milliseconds(61'000))) << "a slow correction";
  const auto forward = watch.look(kNoon + 3'663'000, start + milliseconds(62'000));
  ASSERT_TRUE(forward);
  EXPECT_THAT(*forward, HasSubstr("put forward by 3600 s"));
  const auto back = watch.look(kNoon + 64'000, start + milliseconds(63'000));
  ASSERT_TRUE(back);
  EXPECT_THAT(*back, HasSubstr("put back by 3600 s; times of steps and alerts go on"));
  EXPECT_FALSE(watch.look(kNoon + 65'000, start + milliseconds(64'000))) << "said once";
}

// A process that was stopped for an hour wakes up with both clocks an hour later.
TEST(ClockWatch, APauseIsNoStep) {
  ClockWatch watch;
  const std::chrono::steady_clock::time_point start{};
  watch.look(kNoon, start);
  EXPECT_FALSE(watch.look(kNoon + 3'600'000, start + milliseconds(3'600'000)));
}

}  // namespace
}  // namespace netflowgen::serve

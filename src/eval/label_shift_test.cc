#include "eval/label_shift.h"

#include <fmt/format.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "base/random.h"

namespace netflowgen::eval {
namespace {

using testing::HasSubstr;

constexpr int64_t kMinute = 60'000;

struct Network {
  FrameTable table;
  std::vector<Event> events;

  // Hosts with a daily cycle, in steps of a minute. `attacks` floods at random times, of 20 minutes each; every one
  // raises the traffic by `factor`.
  Network(uint64_t seed, base::TimeMs from, int64_t days, size_t attacks, double factor) {
    base::Random random(seed);
    constexpr size_t kNodes = 4;
    table.step_ms = kMinute;
    table.first_step = from / kMinute;
    table.end_step = table.first_step + days * 1440;
    table.missing.assign(series::kFeatureCount, true);
    for (const int f : {series::kBytesIn, series::kPacketsIn, series::kFlowsIn})
      table.missing[static_cast<size_t>(f)] = false;
    for (size_t i = 0; i < attacks; ++i) {
      // Hours apart, so that a shift finds none by chance.
      const int64_t slot = days * 1440 / static_cast<int64_t>(attacks);
      const int64_t start = static_cast<int64_t>(i) * slot +
                            static_cast<int64_t>(random.below(static_cast<uint64_t>(slot / 2)));
      events.push_back({i % kNodes, (table.first_step + start) * kMinute,
                        (table.first_step + start + 20) * kMinute, "flood", i, false});
    }
    table.offsets.push_back(0);
    for (size_t n = 0; n < kNodes; ++n) {
      table.nodes.push_back("10.0.0." + std::to_string(n));
      for (int64_t s = table.first_step; s < table.end_step; ++s) {
        double flows =
            30 * (1.3 + std::sin(static_cast<double>(s % 1440) / 1440 * 6.283)) * random.lognormal(0, 0.3);
        for (const Event& e : events) {
          if (e.node == n && s * kMinute >= e.start_ms && s * kMinute < e.end_ms) flows *= factor;
        }
        std::vector<float> f(series::kFeatureCount, NAN);
        f[series::kFlowsIn] = static_cast<float>(flows);
        f[series::kPacketsIn] = static_cast<float>(flows * 10);
        f[series::kBytesIn] = static_cast<float>(flows * 7000);
        table.steps.push_back(s);
        table.values.insert(table.values.end(), f.begin(), f.end());
      }
      table.offsets.push_back(table.steps.size());
    }
  }
  void shift(int64_t ms) {
    for (Event& e : events) e.start_ms += ms, e.end_ms += ms;
  }
};

base::TimeMs at(const char* text) { return base::parse_time(text).value(); }

TEST(LabelShift, RightLabelsAreLeftAlone) {
  for (uint64_t seed = 1; seed <= 5; ++seed)
    EXPECT_FALSE(find_label_shift(Network(seed, at("2026-01-05"), 3, 12, 40).table,
                                  Network(seed, at("2026-01-05"), 3, 12, 40).events));
}

TEST(LabelShift, WholeHoursAreFound) {
  for (const int hours : {1, -1, 2, 9, -14}) {
    Network n(7, at("2026-01-05"), 3, 12, 40);
    n.shift(-hours * base::kHourMs);
    const auto found = find_label_shift(n.table, n.events);
    ASSERT_TRUE(found) << hours;
    EXPECT_EQ(found->hours, hours);
    EXPECT_FALSE(found->daylight);
    EXPECT_GT(found->rise_shifted, 10 * found->rise);
    EXPECT_GE(found->stand_out_shifted, 9u);
    EXPECT_THAT(found->text(), HasSubstr(fmt::format("{:+} h", hours)));
    EXPECT_THAT(found->text(), HasSubstr("UTC"));
  }
}

// Local times of central Europe, read as UTC: one hour off before the last Sunday of March, two after it.
TEST(LabelShift, DaylightSavingTimeIsFound) {
  Network n(8, at("2026-03-26"), 6, 24, 40);
  for (Event& e : n.events) {
    const int64_t offset = e.start_ms < at("2026-03-29T01:00:00") ? base::kHourMs : 2 * base::kHourMs;
    e.start_ms += offset, e.end_ms += offset;
  }
  const auto found = find_label_shift(n.table, n.events);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->hours, -1);
  EXPECT_TRUE(found->daylight);
  EXPECT_THAT(found->text(), HasSubstr("-1 h (-2 h in summer)"));
}

TEST(LabelShift, AttacksWithoutTrafficAndFewAttacksTellNothing) {
  Network quiet(9, at("2026-01-05"), 3, 12, 1);
  quiet.shift(base::kHourMs);
  EXPECT_FALSE(find_label_shift(quiet.table, quiet.events));
  Network few(10, at("2026-01-05"), 3, 2, 40);
  few.shift(base::kHourMs);
  EXPECT_FALSE(find_label_shift(few.table, few.events));
  EXPECT_FALSE(find_label_shift(few.table, {}));
}

}  // namespace
}  // namespace netflowgen::eval

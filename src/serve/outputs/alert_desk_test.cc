#include "serve/outputs/alert_desk.h"

#include <gtest/gtest.h>

#include "base/temporary_folder.h"
#include "detect/alert_record.h"

namespace netflowgen::serve {
namespace {

// Raised at the minute; ended a minute later.
detect::Alert alert_at(int64_t minute, const std::string& id, bool ended) {
  detect::Alert a;
  a.id = id;
  a.node = "192.0.2.1";
  a.task = "ddos";
  a.guess = {"syn_flood", 0.8, false};
  a.start_ms = a.raised_ms = a.event_ms = minute * 60'000;
  if (ended) {
    a.event = detect::AlertEvent::kEnded;
    a.end_ms = a.event_ms = (minute + 1) * 60'000;
  }
  return a;
}

TEST(AlertDesk, KeepsToItsBoundsAlsoAfterARestart) {
  const base::TemporaryFolder folder("netflowgen-test-");
  const auto path = folder.path() / "alerts.db";
  const auto run = [&](const AlertBounds& bounds, const std::vector<detect::Alert>& alerts) {
    AlertDesk desk(
        path, [](const std::string&) {}, [](const AlertRecord&) {});
    desk.set_bounds(bounds);
    for (const auto& a : alerts) desk.post(a);
    desk.stop(10'000);
    return desk.counts().removed;
  };
  constexpr int64_t kDay = 24 * 60;
  EXPECT_EQ(run({}, {alert_at(2, "0000000000000001", true), alert_at(2, "0000000000000002", false)}), 0u);
  // The clock is decades ahead of the records, and that removes nothing.
  EXPECT_EQ(run({base::kDayMs, 0}, {alert_at(kDay, "0000000000000003", true)}), 0u);
  EXPECT_EQ(run({base::kDayMs, 0}, {alert_at(kDay + 4, "0000000000000004", false)}), 1u);
  const auto left = detect::read_alerts(path.string()).alerts;
  ASSERT_EQ(left.size(), 3u);
  EXPECT_EQ(left[0].id, "0000000000000002");
}

}  // namespace
}  // namespace netflowgen::serve

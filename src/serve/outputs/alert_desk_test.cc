#include "serve/outputs/alert_desk.h"

#include <gtest/gtest.h>

#include "base/temporary_folder.h"
#include "detect/alert_record.h"

namespace netflowgen::serve {
namespace {

// Raised in 1970.
detect::Alert old_alert(const std::string& id, bool ended) {
  detect::Alert a;
  a.id = id;
  a.node = "192.0.2.1";
  a.task = "ddos";
  a.guess = {"syn_flood", 0.8, false};
  a.start_ms = 60'000;
  a.raised_ms = a.event_ms = 120'000;
  if (ended) {
    a.event = detect::AlertEvent::kEnded;
    a.end_ms = a.event_ms = 180'000;
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
  EXPECT_EQ(run({}, {old_alert("0000000000000001", true), old_alert("0000000000000002", false)}), 0u);
  EXPECT_EQ(run({base::kDayMs, 0}, {old_alert("0000000000000003", false)}), 1u);
  const auto left = detect::read_alerts(path.string()).alerts;
  ASSERT_EQ(left.size(), 2u);
  EXPECT_EQ(left[0].id, "0000000000000002");
}

}  // namespace
}  // namespace netflowgen::serve

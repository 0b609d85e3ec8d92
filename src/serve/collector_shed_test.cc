// A collector whose datagrams come faster than it reads them, by a clock of the test's own: what is left out, in which order, that it is
// counted, and that all of it comes back.
#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "serve/live_view.h"
#include "serve/testing_collector.h"

namespace netflowgen::serve {
namespace {

constexpr base::TimeMs kStart = 1'700'006'400'000;

// A packet a second for five minutes. Reading it is on time for a minute, then the clock runs ahead of what is read for two, as
// where steps take too long to score, and then it is on time again.
class SlowlyRead : public testing::OnePacketATime {
 public:
  static constexpr int64_t kPackets = 300;
  SlowlyRead() : OnePacketATime(kPackets) {}

 protected:
  base::TimeMs received(int64_t packet) const override { return kStart + packet * 1000; }
  int64_t behind(int64_t second) const override {
    return second < 60 ? 0 : second < 120 ? (second - 60) * 200 : second < 180 ? 12'000 : 0;
  }
};

// As the service does: its part of the history is asked for with the flows, the open step at each tick.
struct Watcher : CollectorWatcher {
  Collector* collector = nullptr;
  base::StopFlag* stop = nullptr;
  std::vector<Shed> levels;
  std::shared_ptr<const LiveView> view;
  base::TimeMs viewed = 0;                // the clock of views: one more a tick
  std::vector<base::TimeMs> since;        // distinct ones, in order
  std::vector<base::TimeMs> raised_when;  // viewed, when the level left kNothing
  uint64_t seen = 0;

  void flows(std::span<const flow::Flow> flows) override {
    seen += flows.size();
    collector->shed().keep(Shed::kHistoryDetail, flows.size());
  }
  void tick(Collector& c) override {
    c.shed().keep(Shed::kOpenStep, 1);
    if (levels.empty() || levels.back() != c.shed().level()) levels.push_back(c.shed().level());
    const bool before = view != nullptr && view->shed != name_of(Shed::kNothing);
    view = take_view(c, view.get(), ++viewed, {});
    if (!before && view->shed != name_of(Shed::kNothing)) raised_when.push_back(viewed);
    if (since.empty() || since.back() != view->shed_ms) since.push_back(view->shed_ms);
    if (seen == SlowlyRead::kPackets) stop->request();
  }
};

TEST(CollectorShed, LeavesOutInOrderAndRecovers) {
  Watcher watcher;
  testing::Collecting at(std::make_unique<SlowlyRead>(), watcher);
  watcher.stop = &at.stop;
  Collector collector(at.options, at.stop);
  watcher.collector = &collector;
  collector.run();

  using enum Shed;
  EXPECT_EQ(watcher.levels, (std::vector{kNothing, kOpenStep, kHistoryDetail, kFlowSample, kHistoryDetail,
                                         kOpenStep, kNothing}));
  // Since when anything is left out stays through all levels, and goes with the last.
  ASSERT_EQ(watcher.raised_when.size(), 1u);
  EXPECT_EQ(watcher.since, (std::vector<base::TimeMs>{INT64_MIN, watcher.raised_when[0], INT64_MIN}));
  EXPECT_EQ(watcher.seen, static_cast<uint64_t>(SlowlyRead::kPackets));  // every flow was still counted
  uint64_t stages = 0;
  for (const auto& l : collector.ledgers()) {
    EXPECT_TRUE(l.balanced()) << l.stage;
    if (l.stage == "series flows") {
      EXPECT_EQ(l.out, static_cast<uint64_t>(SlowlyRead::kPackets));
    }
    if (l.stage != "history detail" && l.stage != "looks at the open step") continue;
    ++stages;
    EXPECT_GT(l.dropped(), 60u) << l.stage;
    EXPECT_GT(l.out, 100u) << l.stage;
  }
  EXPECT_EQ(stages, 2u);
}

}  // namespace
}  // namespace netflowgen::serve

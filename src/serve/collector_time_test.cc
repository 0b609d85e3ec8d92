// A collector whose machine's clock is set while it runs, and one that begins within a step.
#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "detect/calibration.h"
#include "infer/testing.h"
#include "serve/testing_collector.h"

namespace netflowgen::serve {
namespace {

constexpr base::TimeMs kStart = 1'700'006'400'000;
constexpr int64_t kHour = 3'600'000;
constexpr int64_t kPackets = 600;

struct Watcher : CollectorWatcher {
  base::StopFlag* stop = nullptr;
  int64_t seen = 0;
  int64_t most_ahead = 0;
  std::vector<int64_t> steps;

  void flows(std::span<const flow::Flow> flows) override { seen += static_cast<int64_t>(flows.size()); }
  void step_closed(int64_t step, int64_t) override { steps.push_back(step); }
  void tick(Collector& c) override {
    most_ahead = std::max(most_ahead, c.ahead_ms());
    if (seen == kPackets) stop->request();
  }
};

// A packet a second for ten minutes. The machine's clock is an hour ahead of the exporter's until it is set right after five of them.
class PutBack : public testing::OnePacketATime {
 public:
  PutBack() : OnePacketATime(kPackets) {}

 protected:
  base::TimeMs received(int64_t packet) const override {
    return sent(packet) + (packet < kPackets / 2 ? kHour : 0);
  }
  base::TimeMs sent(int64_t packet) const override { return kStart + packet * 1000; }
};

TEST(CollectorTime, AClockThatIsPutBackMakesNoFlowLate) {
  Watcher watcher;
  testing::Collecting at(std::make_unique<PutBack>(), watcher);
  watcher.stop = &at.stop;
  at.options.decode.max_past_ms = at.options.series.lateness_ms;  // as the commands have it
  Collector collector(at.options, at.stop);
  collector.run();
  EXPECT_EQ(watcher.most_ahead, kHour - 1000);  // a second passed meanwhile
  EXPECT_EQ(collector.ahead_ms(), kHour - 1000 - (kPackets / 2 - 1) * 1000 / 12);
  const auto flows = testing::stage(collector, "series flows");
  EXPECT_TRUE(flows.balanced());
  EXPECT_EQ(flows.out, static_cast<uint64_t>(kPackets)) << "none is late";
  // Ten minutes less a twelfth of five, and the step that each end cuts, after one another.
  ASSERT_GE(watcher.steps.size(), 10u);
  EXPECT_LE(watcher.steps.size(), 11u);
  for (size_t i = 1; i < watcher.steps.size(); ++i) EXPECT_EQ(watcher.steps[i], watcher.steps[i - 1] + 1);
}

// Two sockets, of which one's packets wait 40 s for room in the queue and then come in turns with the other's.
class OutOfOrder : public testing::OnePacketATime {
 public:
  OutOfOrder() : OnePacketATime(kPackets) {}

 protected:
  base::TimeMs received(int64_t packet) const override {
    return kStart + packet * 1000 - (packet % 2 == 0 ? 0 : 40'000);
  }
  int64_t behind(int64_t packet) const override { return packet % 2 == 0 ? 0 : 40'000; }
};

TEST(CollectorTime, APacketThatWaitedIsNoClockThatWasPutBack) {
  Watcher watcher;
  testing::Collecting at(std::make_unique<OutOfOrder>(), watcher);
  watcher.stop = &at.stop;
  Collector collector(at.options, at.stop);
  collector.run();
  EXPECT_EQ(watcher.most_ahead, 0);
  EXPECT_EQ(testing::stage(collector, "series flows").out, static_cast<uint64_t>(kPackets));
}

// A packet a second, the first of them 20 s before the end of a step.
class Steady : public testing::OnePacketATime {
 public:
  Steady() : OnePacketATime(kPackets) {}

 protected:
  base::TimeMs received(int64_t packet) const override { return kStart + 40'000 + packet * 1000; }
};

TEST(CollectorTime, ADetectorBeginsWithTheFirstWholeStep) {
  model::ModelSpec spec = model::ModelSpec::preset_of("default", "nano");
  spec.window = 16;
  const infer::testing::RandomModel model(spec, 3);
  detect::TaskCalibration task;
  task.name = "anomaly";
  task.score = "inject";
  task.thresholds = {{1, 1000, 0, false}, {0.1, 2000, 0, false}};
  base::write_file(model.path() / detect::kCalibrationFile, detect::Calibration{{task}}.to_json());
  Watcher watcher;
  testing::Collecting at(std::make_unique<Steady>(), watcher);
  watcher.stop = &at.stop;
  at.options.series.lateness_ms = 0;
  LiveDetectorOptions detect;
  DetectOptions setup;
  setup.model = model.path().string();
  detect.setup = std::make_shared<DetectSetup>(setup);
  detect.alerts = {(at.folder() / "alerts.jsonl").string()};
  detect.state = at.folder() / "state";
  at.options.detect = detect;
  Collector collector(at.options, at.stop);
  collector.run();
  EXPECT_EQ(watcher.steps.front(), kStart / 60'000);
  EXPECT_EQ(watcher.steps.size(), 11u);
  EXPECT_EQ(collector.store().info().rows(), 22u) << "both ends of each step are stored";
  // The last step was open at the end and waits for the next run.
  EXPECT_EQ(testing::stage(collector, "frames scored").in, 18u) << "the first step is not scored";
}

}  // namespace
}  // namespace netflowgen::serve

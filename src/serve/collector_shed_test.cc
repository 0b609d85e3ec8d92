// A collector whose datagrams come faster than it reads them, by a clock of the test's own: what is left out, in which order, that it is
// counted, and that all of it comes back.
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <string>
#include <vector>

#include "base/stop.h"
#include "serve/collector.h"
#include "serve/live_view.h"

namespace netflowgen::serve {
namespace {

constexpr base::TimeMs kStart = 1'700'006'400'000;

void put(std::string& to, uint64_t value, int octets) {
  for (int i = octets - 1; i >= 0; --i) to += static_cast<char>(value >> (8 * i));
}

// A NetFlow v5 packet of one flow of a second.
std::string v5_packet(base::TimeMs now, uint32_t sequence) {
  constexpr uint32_t kUptime = 3'600'000;
  std::string p;
  put(p, 5, 2);
  put(p, 1, 2);
  put(p, kUptime, 4);
  put(p, static_cast<uint64_t>(now / 1000), 4);
  put(p, 0, 4);
  put(p, sequence, 4);
  put(p, 0, 4);
  put(p, 0x0a000001, 4);
  put(p, 0xc0000201, 4);
  put(p, 0, 8);
  put(p, 10, 4);
  put(p, 1000, 4);
  put(p, kUptime - 1000, 4);
  put(p, kUptime, 4);
  put(p, 50'000, 2);
  put(p, 443, 2);
  put(p, 0x1806, 3);
  p += std::string(9, '\0');
  EXPECT_EQ(p.size(), 72u);
  return p;
}

// A packet a second for five minutes. Reading it is on time for a minute, then the clock runs ahead of what is read for two, as
// where steps take too long to score, and then it is on time again.
class SlowlyRead : public flow::DatagramSource {
 public:
  bool take(flow::DatagramQueue& queue, int) override {
    queue.clear();
    if (taken_ == kPackets) return false;
    const base::TimeMs at = kStart + taken_ * 1000;
    const std::string packet = v5_packet(at, static_cast<uint32_t>(taken_));
    flow::Datagram d;
    d.received_ms = at;
    d.source = base::IpAddr::v4(0x7f000001);
    d.payload = {reinterpret_cast<const uint8_t*>(packet.data()), packet.size()};
    queue.push(d);
    const int64_t second = taken_ % kPackets;
    const int64_t behind = second < 60 ? 0 : second < 120 ? (second - 60) * 200 : second < 180 ? 12'000 : 0;
    now_ = at + behind;
    ++taken_;
    return true;
  }
  void stop() override {}
  base::TimeMs now() const override { return now_; }
  base::LedgerView ledger() const override {
    const auto n = static_cast<uint64_t>(taken_);
    return {"sockets", n, n, 0, {}, {}};
  }
  const std::vector<flow::SocketInfo>& sockets() const override { return sockets_; }

  static constexpr int64_t kPackets = 300;

 private:
  int64_t taken_ = 0;
  base::TimeMs now_ = kStart;
  std::vector<flow::SocketInfo> sockets_;
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
  const base::fs::path folder = base::fs::temp_directory_path() / ("nfg_shed_" + std::to_string(::getpid()));
  base::fs::remove_all(folder);
  base::StopFlag stop;
  Watcher watcher;
  watcher.stop = &stop;
  CollectorOptions options;
  options.datagrams = [] { return std::make_unique<SlowlyRead>(); };
  options.flush_ms = options.log_ms = 3'600'000;
  options.store = folder / "store";
  options.templates = folder / "templates";
  options.counters = folder / "counters";
  options.open_steps = folder / "open";
  options.watcher = &watcher;
  options.quiet = true;
  Collector collector(options, stop);
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
  base::fs::remove_all(folder);
}

}  // namespace
}  // namespace netflowgen::serve

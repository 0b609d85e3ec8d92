// What collectors are given in tests instead of sockets: NetFlow v5 packets of one flow, one at a time, by a clock of the test's own.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <vector>

#include "base/stop.h"
#include "serve/collector.h"

namespace netflowgen::serve::testing {

inline void put(std::string& to, uint64_t value, int octets) {
  for (int i = octets - 1; i >= 0; --i) to += static_cast<char>(value >> (8 * i));
}

// A NetFlow v5 packet of one flow of a second.
inline std::string v5_packet(base::TimeMs now, uint32_t sequence) {
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

class OnePacketATime : public flow::DatagramSource {
 public:
  explicit OnePacketATime(int64_t packets) : packets_(packets) {}

  bool take(flow::DatagramQueue& queue, int) override {
    queue.clear();
    if (taken_ == packets_) return false;
    const base::TimeMs at = received(taken_);
    const std::string packet = v5_packet(sent(taken_), static_cast<uint32_t>(taken_));
    flow::Datagram d;
    d.received_ms = at;
    d.source = base::IpAddr::v4(0x7f000001);
    d.payload = {reinterpret_cast<const uint8_t*>(packet.data()), packet.size()};
    queue.push(d);
    now_ = at + behind(taken_);
    ++taken_;
    return true;
  }
  void stop() override {}
  base::TimeMs now() const override { return taken_ == 0 ? received(0) : now_; }
  base::LedgerView ledger() const override {
    const auto n = static_cast<uint64_t>(taken_);
    return {"sockets", n, n, 0, {}, {}};
  }
  const std::vector<flow::SocketInfo>& sockets() const override { return sockets_; }

 protected:
  virtual base::TimeMs received(int64_t packet) const = 0;
  // By the exporter's clock.
  virtual base::TimeMs sent(int64_t packet) const { return received(packet); }
  // How long after it was received it is read.
  virtual int64_t behind(int64_t) const { return 0; }

 private:
  int64_t packets_;
  int64_t taken_ = 0;
  base::TimeMs now_ = 0;
  std::vector<flow::SocketInfo> sockets_;
};

// A collector of `source` in a folder of its own, which goes with it. It ends by `stop`.
class Collecting {
 public:
  Collecting(std::unique_ptr<flow::DatagramSource> source, CollectorWatcher& watcher)
      : source_(std::move(source)) {
    static int count = 0;
    folder_ = base::fs::temp_directory_path() /
              ("nfg_collecting_" + std::to_string(::getpid()) + "_" + std::to_string(count++));
    base::fs::remove_all(folder_);
    options.datagrams = [this] { return std::move(source_); };
    options.flush_ms = options.log_ms = 3'600'000;
    options.store = folder_ / "store";
    options.templates = folder_ / "templates";
    options.counters = folder_ / "counters";
    options.open_steps = folder_ / "open";
    options.watcher = &watcher;
    options.quiet = true;
  }
  ~Collecting() { base::fs::remove_all(folder_); }
  Collecting(const Collecting&) = delete;
  Collecting& operator=(const Collecting&) = delete;
  const base::fs::path& folder() const { return folder_; }

  CollectorOptions options;
  base::StopFlag stop;

 private:
  std::unique_ptr<flow::DatagramSource> source_;
  base::fs::path folder_;
};

inline base::LedgerView stage(const Collector& collector, std::string_view name) {
  for (const auto& l : collector.ledgers()) {
    if (l.stage == name) return l;
  }
  ADD_FAILURE() << "no stage " << name;
  return {};
}

}  // namespace netflowgen::serve::testing

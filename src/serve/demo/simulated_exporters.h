// The routers of a simulated network as a source of datagrams: IPFIX, as they would send it. The past comes as fast as it is
// taken; from the clock's time on the datagrams come when they are due.
//
// As flow::DatagramSource. Invariants: 1. received_ms rises and is never later than the clock. 2. Memory: a few minutes of the
// simulated network's flows.
#pragma once

#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "flow/live/datagram_source.h"
#include "flow/write/ipfix_writer.h"
#include "sim/simulator.h"

namespace netflowgen::serve {

struct SimulatedOptions {
  base::TimeMs start_ms = 0;            // a whole minute
  base::TimeMs live_ms = 0;             // from here on attacks are frequent
  std::function<base::TimeMs()> clock;  // UTC
};

class SimulatedExporters final : public flow::DatagramSource {
 public:
  explicit SimulatedExporters(SimulatedOptions options);
  ~SimulatedExporters() override;

  bool take(flow::DatagramQueue& queue, int timeout_ms) override;
  void stop() override;
  // Of the last datagram while the past is replayed, then the clock's.
  base::TimeMs now() const override;
  base::LedgerView ledger() const override;
  const std::vector<flow::SocketInfo>& sockets() const override { return none_; }

 private:
  static constexpr size_t kBatch = 4096;        // flows read of the simulator at once
  static constexpr size_t kEnough = 128 << 10;  // bytes of datagrams given at once
  static constexpr int64_t kWindow_ms = 1'000;  // flows of so long share datagrams

  base::TimeMs next_ms();  // of the next flow; reads the simulator
  void send_window(base::TimeMs end_ms, flow::DatagramQueue& queue);

  SimulatedOptions options_;
  base::TimeMs scenario_ms_;  // the start of the simulator's scenario
  std::unique_ptr<sim::Simulator> simulator_;
  std::vector<flow::Flow> flows_;
  size_t at_ = 0;
  std::map<base::IpAddr, flow::IpfixWriter> writers_;  // by router
  std::map<base::IpAddr, std::vector<flow::Flow>> due_;
  std::vector<uint8_t> message_;
  std::vector<flow::SocketInfo> none_;

  mutable std::mutex mutex_;
  std::condition_variable stopped_;
  bool stopping_ = false;
  bool live_ = false;  // the past has been taken
  base::TimeMs last_ms_ = 0;
  uint64_t sent_ = 0;
};

}  // namespace netflowgen::serve

#include "serve/demo/simulated_exporters.h"

#include <chrono>

#include "serve/demo/demo_scenario.h"

namespace netflowgen::serve {
namespace {

constexpr uint16_t kPort = 4739;  // IPFIX

}  // namespace

SimulatedExporters::SimulatedExporters(SimulatedOptions options)
    : options_(std::move(options)), scenario_ms_(options_.start_ms), last_ms_(options_.start_ms) {}

SimulatedExporters::~SimulatedExporters() = default;

base::TimeMs SimulatedExporters::next_ms() {
  while (at_ == flows_.size()) {
    if (!simulator_)
      simulator_ = std::make_unique<sim::Simulator>(demo_scenario(scenario_ms_, options_.live_ms));
    flows_.resize(kBatch);
    flows_.resize(simulator_->read(flows_));
    at_ = 0;
    if (!flows_.empty()) break;
    simulator_.reset();  // the next scenario continues where this one ends
    scenario_ms_ += kDemoLength_ms;
  }
  return flows_[at_].received_ms;
}

// The flows that are exported before end_ms, a router's in messages of its own.
void SimulatedExporters::send_window(base::TimeMs end_ms, flow::DatagramQueue& queue) {
  for (; next_ms() < end_ms; ++at_) due_[flows_[at_].exporter].push_back(flows_[at_]);
  uint64_t sent = 0;
  for (auto& [router, flows] : due_) {
    auto& writer = writers_.try_emplace(router, 1).first->second;
    for (size_t at = 0; at < flows.size(); ++sent) {
      at += writer.write(std::span(flows).subspan(at), end_ms, message_);
      queue.push({end_ms, router, kPort, kPort, {message_.data(), message_.size()}});
    }
    flows.clear();
  }
  const std::lock_guard lock(mutex_);
  sent_ += sent;
  last_ms_ = end_ms;
}

bool SimulatedExporters::take(flow::DatagramQueue& queue, int timeout_ms) {
  queue.clear();
  {
    std::unique_lock lock(mutex_);
    if (stopping_) return false;
  }
  const base::TimeMs now = options_.clock();
  while (queue.bytes() < kEnough && next_ms() / kWindow_ms * kWindow_ms + kWindow_ms <= now)
    send_window(next_ms() / kWindow_ms * kWindow_ms + kWindow_ms, queue);
  if (!queue.empty()) return true;
  std::unique_lock lock(mutex_);
  live_ = true;
  stopped_.wait_for(lock, std::chrono::milliseconds(timeout_ms), [this] { return stopping_; });
  return false;
}

void SimulatedExporters::stop() {
  const std::lock_guard lock(mutex_);
  stopping_ = true;
  stopped_.notify_all();
}

base::TimeMs SimulatedExporters::now() const {
  const std::lock_guard lock(mutex_);
  return live_ ? options_.clock() : last_ms_;
}

base::LedgerView SimulatedExporters::ledger() const {
  const std::lock_guard lock(mutex_);
  return {"sockets", sent_, sent_, 0, {}, {}};
}

}  // namespace netflowgen::serve

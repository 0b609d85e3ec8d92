#include "sim/simulator.h"

#include <algorithm>
#include <atomic>
#include <future>
#include <thread>

#include "sim/traffic/host_source.h"

namespace netflowgen::sim {
namespace {

constexpr int64_t kBlockMinutes = 8;
constexpr int64_t kWarmUpMinutes = 180;  // so that long sessions are there from the first minute on

unsigned thread_count(unsigned wanted) {
  if (wanted > 0) return wanted;
  return std::clamp(std::thread::hardware_concurrency(), 1u, 16u);
}

// Runs work(0), ..., work(threads - 1) at once and rethrows the first exception.
template <typename Work>
void parallel(unsigned threads, const Work& work) {
  std::vector<std::future<void>> others;
  for (unsigned t = 1; t < threads; ++t) others.push_back(std::async(std::launch::async, work, t));
  work(0u);
  for (auto& f : others) f.get();
}

}  // namespace

Simulator::Simulator(const Scenario& scenario, SimulatorOptions options)
    : network_(scenario),
      attack_mixes_(network_.thinning()),
      attacks_(plan_attacks(network_)),
      benign_(plan_benign(network_)),
      threads_(thread_count(options.threads)),
      start_minute_(scenario.start.ms / kMinuteMs),
      end_minute_(start_minute_ + scenario.duration.ms / kMinuteMs),
      next_minute_(start_minute_ - kWarmUpMinutes) {
  const int64_t latest = network_.exporter().latest_ms(kMaxConversationMs);
  lookahead_ = static_cast<size_t>(latest / kMinuteMs) + 2;
  std::vector<std::vector<const AttackEvent*>> on_host(network_.hosts().size());
  for (const auto& a : attacks_) {
    for (const size_t v : a.victims) on_host[v].push_back(&a);
  }
  for (const auto& h : network_.hosts()) {
    sources_.push_back(std::make_unique<HostSource>(network_, h, benign_, on_host[h.index]));
  }
  for (const auto& a : attacks_)
    sources_.push_back(std::make_unique<AttackSource>(network_, attack_mixes_, a));
  for (const auto& s : benign_.scans) sources_.push_back(std::make_unique<ScanSource>(network_, s));
  buckets_.resize(threads_);
  pending_.resize(lookahead_ + kBlockMinutes);
}

Simulator::~Simulator() = default;

int64_t Simulator::minutes_done() const {
  return std::clamp<int64_t>(next_minute_ - start_minute_, 0, minutes_total());
}

void Simulator::generate_block(int64_t minutes) {
  std::atomic<size_t> next{0};
  const int64_t first = next_minute_;
  parallel(threads_, [&](unsigned thread) {
    Buckets& out = buckets_[thread];
    out.reset(first, pending_.size());
    for (size_t i = next++; i < sources_.size(); i = next++) {
      for (int64_t m = first; m < first + minutes; ++m) sources_[i]->generate(m, out);
    }
  });
}

void Simulator::merge_block(size_t minutes) {
  std::atomic<size_t> next{0};
  ready_.resize(minutes);
  parallel(threads_, [&](unsigned) {
    for (size_t m = next++; m < pending_.size(); m = next++) {
      auto& all = pending_[m];
      for (auto& b : buckets_) all.insert(all.end(), b.minute(m).begin(), b.minute(m).end());
      if (m < minutes) std::sort(all.begin(), all.end());
    }
  });
  for (size_t m = 0; m < minutes; ++m) {
    ready_[m].swap(pending_[m]);
    pending_[m].clear();
  }
  std::rotate(pending_.begin(), pending_.begin() + static_cast<std::ptrdiff_t>(minutes), pending_.end());
}

void Simulator::next_block() {
  const int64_t minutes = std::min(kBlockMinutes, end_minute_ - next_minute_);
  generate_block(minutes);
  merge_block(static_cast<size_t>(minutes));
  next_minute_ += minutes;
  ready_minute_ = 0;
  ready_at_ = 0;
  for (const auto& m : ready_) ledger_.enter(m.size());
  if (next_minute_ < end_minute_) return;
  for (auto& m : pending_) {
    ledger_.enter(m.size());
    ledger_.drop(Reason::kAfterEnd, m.size());
    m.clear();
  }
}

size_t Simulator::read(std::span<flow::Flow> out) {
  size_t n = 0;
  const TimeMs start = start_minute_ * kMinuteMs;
  while (n < out.size()) {
    if (ready_minute_ == ready_.size()) {
      if (next_minute_ >= end_minute_) break;
      next_block();
      continue;
    }
    const auto& records = ready_[ready_minute_];
    for (; n < out.size() && ready_at_ < records.size(); ++ready_at_) {
      if (records[ready_at_].start_ms < start) {
        ledger_.drop(Reason::kBeforeStart);
        continue;
      }
      out[n++] = to_flow(records[ready_at_]);
    }
    if (ready_at_ == records.size()) {
      ++ready_minute_;
      ready_at_ = 0;
    }
  }
  ledger_.emit(n);
  return n;
}

uint32_t Simulator::known() const {
  using namespace flow;
  return kKnownAddresses | kKnownBytes | kKnownPackets | kKnownPorts | kKnownProtocol | kKnownTcpFlags |
         kKnownDuration | kKnownInterfaces | kKnownAs | kKnownFragment | kKnownSampling | kKnownIcmp;
}

flow::Flow Simulator::to_flow(const Record& r) const {
  flow::Flow f;
  f.start_ms = r.start_ms;
  f.end_ms = r.end_ms;
  f.received_ms = r.received_ms;
  f.src = r.src;
  f.dst = r.dst;
  f.exporter = network_.router_address(r.router);
  f.bytes = r.bytes;
  f.packets = r.packets;
  f.sampling = network_.thinning().one_in();
  f.known = known();
  f.in_if = r.in_if;
  f.out_if = r.out_if;
  f.src_as = network_.as_of(r.src);
  f.dst_as = network_.as_of(r.dst);
  f.src_port = r.src_port;
  f.dst_port = r.dst_port;
  f.icmp_type_code = r.icmp;
  f.protocol = r.protocol;
  f.tcp_flags = r.tcp_flags;
  f.fragment = r.fragment;
  f.version = 9;
  if (r.protocol != flow::kIcmp) f.known &= ~static_cast<uint32_t>(flow::kKnownIcmp);
  return f;
}

std::vector<base::LedgerView> Simulator::ledgers() const {
  auto ledger = ledger_;
  uint64_t held = 0;
  for (size_t m = ready_minute_; m < ready_.size(); ++m)
    held += ready_[m].size() - (m == ready_minute_ ? ready_at_ : 0);
  ledger.set_held(held);
  return {ledger.view("simulate")};
}

}  // namespace netflowgen::sim

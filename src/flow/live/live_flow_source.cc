#include "flow/live/live_flow_source.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/file.h"
#include "flow/decoder/clock_warnings.h"

namespace netflowgen::flow {

LiveFlowSource::LiveFlowSource(const LiveOptions& live, const DecodeOptions& decode, const std::string& state)
    : LiveFlowSource(std::make_unique<DatagramReceiver>(live), decode, state) {}

LiveFlowSource::LiveFlowSource(std::unique_ptr<DatagramSource> datagrams, const DecodeOptions& decode,
                               const std::string& state)
    : live_(std::move(datagrams)), options_(decode), decoder_(decode) {
  if (!state.empty() && base::fs::exists(state)) decoder_.load(state);
}

std::vector<SourceWarning> LiveFlowSource::warnings() const {
  auto all = clock_warnings(decoder_, options_);
  if (clock_.ahead_ms() > 0) {
    all.push_back({std::string(kClockAhead),
                   fmt::format("times are {} s ahead of this machine's clock, which was put back; a minute "
                               "lasts 65 s until both agree",
                               (clock_.ahead_ms() + 999) / 1000)});
  }
  return all;
}

void LiveFlowSource::stop() {
  if (stopping_) return;
  stopping_ = true;
  live_->stop();
}

size_t LiveFlowSource::read(std::span<Flow> out) {
  if (at_ == flows_.size() && !decode_more()) return 0;
  const size_t n = std::min(out.size(), flows_.size() - at_);
  std::copy_n(flows_.begin() + static_cast<std::ptrdiff_t>(at_), n, out.begin());
  at_ += n;
  return n;
}

// False: nothing came that makes a flow.
bool LiveFlowSource::decode_more() {
  flows_.clear();
  at_ = 0;
  if (queue_.empty() && !live_->take(queue_, kWait_ms)) {
    if (stopping_ && !ended_) decoder_.finish();
    ended_ = stopping_;
    const TimeMs machine = live_->now();
    decoder_.advance(machine);
    time_ = std::max(time_, clock_.at(machine));
    return false;
  }
  while (!queue_.empty() && flows_.size() < kEnough) {
    const Datagram d = queue_.pop();
    const size_t before = flows_.size();
    decoder_.decode(d, flows_);
    time_ = own_time(d.received_ms);
    if (clock_.ahead_ms() > 0) [[unlikely]]
      move_by(clock_.ahead_ms(), before);
  }
  for (const Flow& f : flows_) known_ |= f.known;
  return !flows_.empty();
}

// A socket's thread that waited for room in the queue hands on what it received before another's: no clock was put back.
TimeMs LiveFlowSource::own_time(TimeMs received_ms) {
  if (clock_.is_back(received_ms) && !clock_.is_back(live_->now())) return received_ms + clock_.ahead_ms();
  return clock_.at(received_ms);
}

void LiveFlowSource::move_by(int64_t ahead_ms, size_t first) {
  for (size_t i = first; i < flows_.size(); ++i) {
    flows_[i].start_ms += ahead_ms;
    flows_[i].end_ms += ahead_ms;
    flows_[i].received_ms += ahead_ms;
  }
}

std::vector<base::LedgerView> LiveFlowSource::ledgers() const {
  std::vector<base::LedgerView> views{live_->ledger()};
  // What was taken from the sockets' threads and not yet decoded is still theirs.
  views.front().out -= queue_.count();
  views.front().held += queue_.count();
  for (auto& view : decoder_.ledgers()) views.push_back(std::move(view));
  return views;
}

}  // namespace netflowgen::flow

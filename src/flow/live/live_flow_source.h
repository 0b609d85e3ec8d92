// Flows from the network: sockets (live_source.h), one Decoder, flows. The live counterpart of packet_source.h.
//
// One thread calls read(); any may call stop(). received_ms of every datagram is the clock's of the datagrams' source, the wall
// clock of sockets, and this is the only place where a clock comes in: time() hands it on. It never goes back (onward_clock.h): while it
// is ahead of that clock, flows are moved by the difference after they are decoded.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "flow/decoder/decoder.h"
#include "flow/live/datagram_receiver.h"
#include "flow/live/onward_clock.h"
#include "flow/source.h"

namespace netflowgen::flow {

inline constexpr std::string_view kClockAhead = "the machine's clock";  // SourceWarning::about

class LiveFlowSource : public FlowSource {
 public:
  // Binds and starts to receive. Error when an address cannot be bound, or the state file is not one.
  // `state`: a file of Decoder::save() to start from, where it is there; "": none.
  LiveFlowSource(const LiveOptions& live, const DecodeOptions& decode, const std::string& state);
  // The same of datagrams that come from elsewhere.
  LiveFlowSource(std::unique_ptr<DatagramSource> datagrams, const DecodeOptions& decode,
                 const std::string& state);

  // Waits for kWait_ms at most. 0 is the end only after stop(), when all that had come was read.
  size_t read(std::span<Flow> out) override;
  bool waiting() const override { return !ended_; }
  // The newest receipt; where nothing waits, now.
  std::optional<TimeMs> time() const override { return time_; }
  // What time() would be if all that was received were read.
  TimeMs now() const { return live_->now() + clock_.ahead_ms(); }
  // How far time() is ahead of the clock that it comes from.
  int64_t ahead_ms() const { return clock_.ahead_ms(); }
  // From the start, because steps are closed that lie in the future. REQUIRES: nothing was read.
  void start_ahead(int64_t ahead_ms) { clock_ = OnwardClock(ahead_ms); }
  // Stops receiving. What the sockets hold is still read.
  void stop();

  std::vector<base::LedgerView> ledgers() const override;
  std::vector<std::pair<std::string_view, uint64_t>> notes() const override { return decoder_.notes(); }
  std::vector<SourceWarning> warnings() const override;
  const Decoder* decoder() const override { return &decoder_; }
  uint32_t known() const override { return known_; }
  const DatagramSource& sockets() const { return *live_; }
  uint64_t queued_bytes() const { return queue_.bytes(); }

 private:
  static constexpr int kWait_ms = 200;
  static constexpr size_t kEnough = 4096;  // flows decoded at once

  bool decode_more();
  TimeMs own_time(TimeMs received_ms);
  void move_by(int64_t ahead_ms, size_t first);

  std::unique_ptr<DatagramSource> live_;
  DecodeOptions options_;
  Decoder decoder_;
  DatagramQueue queue_;
  std::vector<Flow> flows_;
  size_t at_ = 0;  // of the next one to hand out
  OnwardClock clock_;
  TimeMs time_ = 0;
  uint32_t known_ = 0;
  bool stopping_ = false;
  bool ended_ = false;
};

}  // namespace netflowgen::flow

// The router's flow cache: sampled packets of one direction of a conversation become flow records, split by
// the inactive and active time-outs, with the TCP flags of the packets that were sampled.
//
// Up to 32 sampled packets are placed one by one; for more, the first and last times have their exact joint
// distribution and only the active time-out splits (gaps as long as the inactive time-out are then rare).
#pragma once

#include <cstdint>
#include <vector>

#include "base/ip.h"
#include "base/time.h"
#include "sim/network/thinning.h"

namespace netflowgen::sim {

using base::IpAddr;
using base::TimeMs;

inline constexpr int64_t kMinuteMs = 60'000;
inline constexpr double kMinute = static_cast<double>(kMinuteMs);
inline constexpr int64_t kMaxConversationMs = 10 * kMinuteMs;

// Bytes of one packet: `large` with probability large_share, else `small`.
struct PacketSizes {
  uint16_t small = 60;
  uint16_t large = 60;
  float large_share = 0;

  double mean() const { return small + (large - small) * static_cast<double>(large_share); }
};

enum class FlagRule : uint8_t {
  kNone,    // not TCP
  kOpener,  // SYN first, FIN or RST last
  kAnswer,  // SYN|ACK first, FIN or RST last
  kMiddle,  // a long connection's middle: ACK, often PSH
  kFixed,   // every packet carries Leg::fixed_flags
};

// One direction of a conversation as the router sees it.
struct Leg {
  IpAddr src;
  IpAddr dst;
  uint16_t src_port = 0;
  uint16_t dst_port = 0;
  uint8_t protocol = 0;
  uint8_t router = 0;
  uint16_t in_if = 0;
  uint16_t out_if = 0;
  uint16_t icmp = 0;  // type * 256 + code
  FlagRule flags = FlagRule::kNone;
  uint8_t fixed_flags = 0;
  bool reset = false;  // ends with RST, not FIN
  bool fragment = false;
  PacketSizes sizes;
};

struct Record {
  TimeMs received_ms = 0;  // when the router exports it: the order of the stream
  TimeMs start_ms = 0;
  TimeMs end_ms = 0;
  IpAddr src;
  IpAddr dst;
  uint64_t bytes = 0;
  uint32_t packets = 0;
  uint16_t src_port = 0;
  uint16_t dst_port = 0;
  uint16_t in_if = 0;
  uint16_t out_if = 0;
  uint16_t icmp = 0;
  uint8_t protocol = 0;
  uint8_t tcp_flags = 0;
  uint8_t fragment = 0;
  uint8_t router = 0;

  auto operator<=>(const Record&) const = default;
};

// Records by the minute in which they are exported, from `first_minute` on. One a thread.
class Buckets {
 public:
  void reset(int64_t first_minute, size_t minutes) {
    first_ = first_minute;
    if (minutes_.size() < minutes) minutes_.resize(minutes);
    for (auto& m : minutes_) m.clear();
  }
  // REQUIRES: r.received_ms lies in the minutes of reset().
  void add(const Record& r) {
    minutes_[static_cast<size_t>(r.received_ms / kMinuteMs - first_)].push_back(r);
  }
  std::vector<Record>& minute(size_t i) { return minutes_[i]; }
  size_t size() const { return minutes_.size(); }

 private:
  int64_t first_ = 0;
  std::vector<std::vector<Record>> minutes_;
};

class Exporter {
 public:
  Exporter(int64_t active_ms, int64_t inactive_ms) : active_ms_(active_ms), inactive_ms_(inactive_ms) {}

  int64_t active_ms() const { return active_ms_; }
  // Latest export of anything whose last packet comes `after_ms` past the current minute's end.
  int64_t latest_ms(int64_t after_ms) const { return after_ms + active_ms_ + inactive_ms_; }

  // `seen` sampled packets out of `physical` sent in [first_ms, last_ms].
  void add(Random& random, const Leg& leg, double first_ms, double last_ms, uint64_t physical, uint64_t seen,
           Buckets& out) const;

 private:
  struct Piece {
    double start;
    double end;
    double export_at;
    uint64_t packets;
  };
  void add_few(Random& random, const Leg& leg, double first_ms, double last_ms, uint64_t physical,
               uint64_t seen, Buckets& out) const;
  void add_many(Random& random, const Leg& leg, double first_ms, double last_ms, uint64_t physical,
                uint64_t seen, Buckets& out) const;
  void put(Random& random, const Leg& leg, const Piece& piece, uint64_t physical, Buckets& out) const;

  int64_t active_ms_;
  int64_t inactive_ms_;
};

}  // namespace netflowgen::sim

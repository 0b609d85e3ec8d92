// How many requests an address may make: a token bucket each (burst, then a steady rate). IPv6 clients count by /64.
//
// Any thread. Bounded: when the table is full, full buckets are dropped, then the half that was seen longest ago.
#pragma once

#include <cstdint>
#include <mutex>
#include <unordered_map>

#include "base/ip.h"

namespace netflowgen::serve {

class RateLimit {
 public:
  // `rate` requests a second in the long run, `burst` at once. rate 0: no limit.
  RateLimit(double rate, double burst) : rate_(rate), burst_(burst) {}

  // 0: granted; else the seconds to wait. A `cost` above 1 is always taken: the next wait longer. `now`: steady seconds.
  double take(const base::IpAddr& client, double now, double cost = 1);
  size_t size() const;

 private:
  struct Bucket {
    double level = 0;  // what was used up and has not flowed back
    double time = 0;
  };
  static constexpr size_t kMost = 65'536;
  void prune(double now);

  double rate_;
  double burst_;
  mutable std::mutex mutex_;
  std::unordered_map<base::IpAddr, Bucket> buckets_;
};

}  // namespace netflowgen::serve

#include "serve/http/rate_limit.h"

#include <algorithm>
#include <vector>

namespace netflowgen::serve {

double RateLimit::take(const base::IpAddr& client, double now, double cost) {
  if (rate_ <= 0) return 0;
  const base::IpAddr key = client.is_v4() ? client : base::mask(client, 64);
  const std::lock_guard lock(mutex_);
  if (buckets_.size() >= kMost && !buckets_.contains(key)) prune(now);
  Bucket& bucket = buckets_.try_emplace(key, Bucket{0, now}).first->second;
  bucket.level = std::max(0.0, bucket.level - rate_ * std::max(0.0, now - bucket.time));
  bucket.time = std::max(bucket.time, now);
  // A penalty is never refused: where the address has nothing left, it would cost nothing.
  if (cost <= 1 && bucket.level + cost > burst_ && bucket.level > 0)
    return (bucket.level + cost - burst_) / rate_;
  bucket.level += cost;
  return 0;
}

void RateLimit::prune(double now) {
  std::erase_if(buckets_, [&](const auto& entry) {
    return entry.second.level <= rate_ * std::max(0.0, now - entry.second.time);
  });
  if (buckets_.size() < kMost / 2) return;
  // Half of them at once, so that a flood of addresses costs a look at the table now and then.
  std::vector<double> times;
  times.reserve(buckets_.size());
  for (const auto& [client, bucket] : buckets_) times.push_back(bucket.time);
  const auto middle = times.begin() + static_cast<std::ptrdiff_t>(times.size() / 2);
  std::nth_element(times.begin(), middle, times.end());
  std::erase_if(buckets_, [&](const auto& entry) { return entry.second.time <= *middle; });
}

size_t RateLimit::size() const {
  const std::lock_guard lock(mutex_);
  return buckets_.size();
}

}  // namespace netflowgen::serve

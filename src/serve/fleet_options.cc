#include "serve/fleet_options.h"

#include "base/error.h"
#include "flow/kafka/kafka_url.h"
#include "series/partial_frames.h"

namespace netflowgen::serve {

void check_publish(const PublishOptions& options) {
  const auto url = flow::parse_kafka_url(options.topic);
  if (!url.group.empty() || url.follow)
    throw base::UsageError("{}: group and follow are for readers of a topic", url.name());
  if (options.collector.empty() || options.collector.size() > series::kMaxCollectorName)
    throw base::UsageError("the collector's name '{}': expected 1 to {} octets", options.collector,
                           series::kMaxCollectorName);
  if (options.queue_bytes < (uint64_t{1} << 20)) throw base::UsageError("the queue: expected 1M at least");
}

void check_read_frames(const ReadFramesOptions& options) {
  const auto url = flow::parse_kafka_url(options.topic);
  if (!url.format.empty() || url.follow || url.until.kind != flow::KafkaPlace::Kind::kEnd)
    throw base::UsageError("{}: format, follow and until have no meaning for partial frames", url.name());
  if (options.state.empty())
    throw base::UsageError("{}: the state of its partitions needs a folder that all workers share",
                           url.name());
}

}  // namespace netflowgen::serve

// Collectors that publish partial frames, and detectors that read them (docs/frames.md).
#pragma once

#include <cstdint>
#include <string>

#include "base/file.h"

namespace netflowgen::serve {

struct PublishOptions {
  std::string topic;      // kafka://BROKERS/TOPIC?PROPERTY=VALUE; "": nothing is published
  std::string collector;  // its name
  uint64_t queue_bytes = uint64_t{1} << 30;
  base::fs::path queue;  // the file
};

// UsageError: no such URL, a name that is empty or too long.
void check_publish(const PublishOptions& options);

struct ReadFramesOptions {
  std::string topic;     // kafka://BROKERS/TOPIC?group=NAME; "": flows are read
  base::fs::path state;  // the folder that all workers share
  uint32_t collectors = 1;
  int64_t patience_ms = 0;  // 0: three steps
  size_t memory_bytes = size_t{1} << 30;
};

// UsageError: no such URL, an option that has no meaning here, no folder.
void check_read_frames(const ReadFramesOptions& options);

}  // namespace netflowgen::serve

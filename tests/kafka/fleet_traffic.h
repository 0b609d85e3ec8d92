// Flows of some hosts with attacks, and the alerts that one process raises when it is given all of them.
#pragma once

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "base/random.h"
#include "detect/alert.h"
#include "detect/streaming_detector.h"
#include "series/builder.h"
#include "serve/detect_setup.h"

namespace netflowgen::serve {

inline constexpr int64_t kStep_ms = 60'000;
inline constexpr base::TimeMs kStart_ms = 1'767'225'600'000;
inline constexpr int kSteps = 150;
inline constexpr uint32_t kPartitions = 4;
inline const std::string kModel = std::string(NETFLOWGEN_SOURCE_DIR) + "/models/default";

inline flow::Flow make_flow(base::TimeMs start, uint32_t src, uint32_t dst, uint64_t bytes, uint64_t packets,
                            uint8_t protocol, uint16_t dst_port) {
  flow::Flow f;
  f.start_ms = start;
  f.end_ms = start + 400;
  f.received_ms = start + 1000;
  f.src = base::IpAddr::v4(src);
  f.dst = base::IpAddr::v4(dst);
  f.bytes = bytes;
  f.packets = packets;
  f.protocol = protocol;
  f.src_port = static_cast<uint16_t>(1024 + src % 50'000);
  f.dst_port = dst_port;
  f.known = flow::kKnownAddresses | flow::kKnownBytes | flow::kKnownPackets | flow::kKnownPorts |
            flow::kKnownProtocol | flow::kKnownDuration;
  return f;
}

// Hosts of eight prefixes with some traffic each minute, and floods towards a few of them, four of one prefix together.
inline std::vector<flow::Flow> traffic() {
  base::Random random(2);
  std::vector<flow::Flow> flows;
  for (int minute = 0; minute < kSteps; ++minute) {
    const base::TimeMs start = kStart_ms + minute * kStep_ms;
    std::vector<flow::Flow> step;
    for (uint32_t host = 0; host < 40; ++host) {
      const uint32_t address = 0x0a000000 + host % 8 * 256 + host / 8;
      for (uint64_t n = 2 + random.below(3); n > 0; --n) {
        step.push_back(make_flow(start + static_cast<int64_t>(random.below(59'000)),
                                 0xc6336400 + static_cast<uint32_t>(random.below(20)), address,
                                 500 + random.below(20'000), 1 + random.below(20), 6, 443));
      }
      const bool flood =
          (host % 8 == 3 && minute >= 100 && minute < 110) || (host == 5 && minute >= 60 && minute < 64);
      for (int n = 0; flood && n < 60; ++n) {
        step.push_back(make_flow(start + static_cast<int64_t>(random.below(59'000)),
                                 0xcb007100 + static_cast<uint32_t>(random.below(250)), address, 60'000'000,
                                 100'000, 17, 53));
      }
    }
    std::sort(step.begin(), step.end(), [](const auto& a, const auto& b) { return a.start_ms < b.start_ms; });
    flows.insert(flows.end(), step.begin(), step.end());
  }
  return flows;
}

inline series::SeriesOptions series_options() {
  series::SeriesOptions o;
  o.step_ms = kStep_ms;
  series::parse_hosts("10.0.0.0/8", o.nodes);
  return o;
}

// By node or prefix, then time: one process raises what several do in another order.
using Lines = std::multiset<std::string>;

struct Reference {
  Lines lines;
  size_t incidents = 0;
  explicit Reference(const std::vector<flow::Flow>& flows) {
    DetectSetup setup(detect_options());
    auto engine = setup.engine_options();
    engine.threads = 1;
    detect::StreamingDetector stream(
        setup.model_ptr(), setup.rules(), engine,
        [&](const auto& a) { lines.insert(detect::to_json_line(a)); },
        [&](const auto& i) {
          lines.insert(detect::to_json_line(i));
          ++incidents;
        });
    series::SeriesBuilder builder(series_options(), stream);
    builder.add(flows);
    builder.finish();
  }
  static DetectOptions detect_options() {
    DetectOptions o;
    o.model = kModel;
    o.step_ms = kStep_ms;
    o.max_nodes = 1000;
    return o;
  }
};

}  // namespace netflowgen::serve

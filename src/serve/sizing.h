// What a network needs: cores, memory, partitions and disk, from its flows, nodes and steps. A model of few terms, whose constants are
// measured (docs/sizing.md). Pure functions.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace netflowgen::serve {

enum class SizeMode : uint8_t { kCollect, kDetect, kFleet };

struct SizeInput {
  SizeMode mode = SizeMode::kDetect;
  double flows_per_s = 0;
  double nodes = 0;   // that are known
  double active = 0;  // of them, those with traffic in a step
  double ends = 1;    // of a flow's two ends, those that are nodes: 1 where the other one is outside
  double step_s = 60;
  double lateness_s = 120;    // a step stays open so long
  double flush_s = 300;       // frames are written to the store so often
  double keep_days = 400;     // of the store
  double rows_days = 90;      // of ClickHouse
  double topic_days = 1;      // of the topic
  double copies = 3;          // of a record of the topic
  double busy = 0.6;          // share of a core that may be busy
  double collectors = 0;      // of a fleet; 0: as many as are needed
  double bytes_per_node = 0;  // of the engine's state
  double history_bytes = 0;   // of one process: history.memory of serve
};

// A constant of the model.
struct SizeConstant {
  std::string_view name;
  double value;
  std::string_view unit;
  std::string_view from;  // the measurement
};
const std::vector<SizeConstant>& size_constants();

struct SizeLine {
  std::string name;   // "collector_cores"
  std::string label;  // for people
  double value = 0;
  std::string unit;  // "cores", "bytes", "bytes/s", "s", ""
  std::string how;   // the sum that it is
};

struct Sizing {
  std::vector<SizeLine> lines;
  std::vector<std::string> warnings;  // what one process or one partition does not take
};

// REQUIRES: all of the input is above 0 but `collectors` and `history_bytes`; active is at most nodes.
Sizing size_of(const SizeInput& input);

}  // namespace netflowgen::serve

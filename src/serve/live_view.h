// What the collector's thread last reported of itself, for everyone else: plain data, shared and constant.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/ledger.h"
#include "base/time.h"
#include "flow/decoder/decoder.h"
#include "flow/live/datagram_source.h"

namespace netflowgen::serve {

class Collector;

struct ExporterView {
  flow::ExporterReport report;
  double packets_per_second = 0;
  double flows_per_second = 0;
  base::TimeMs last_ms = 0;  // when its datagrams were last seen to grow; 0: not since the start
  uint64_t datagrams = 0;
  uint64_t flows = 0;
};

struct DetectionView {
  bool on = false;
  uint64_t nodes = 0;
  uint64_t capacity = 0;
  uint64_t open_alerts = 0;
  int64_t score_ms = 0;
};

struct LiveView {
  base::TimeMs time_ms = 0;
  std::vector<base::LedgerView> ledgers;  // every stage
  std::vector<ExporterView> exporters;
  std::vector<flow::SocketInfo> sockets;
  std::vector<std::string> warnings;
  double packets_per_second = 0;
  double flows_per_second = 0;
  uint64_t packets = 0;
  uint64_t flows = 0;
  uint64_t lost_in_transit = 0;
  uint64_t kernel_drops = 0;
  uint64_t queue_bytes = 0;
  std::string_view shed;             // name_of(Shed): what is left out now
  base::TimeMs shed_ms = INT64_MIN;  // since when anything is; INT64_MIN: nothing is
  uint64_t frames_open = 0;
  uint64_t decoder_bytes = 0;
  uint64_t store_frames = 0;
  uint64_t store_removed = 0;  // frames, by the bounds of the store
  base::TimeMs stored_ms = 0;  // end of the archive
  DetectionView detection;
};

// `before`: the last view, for rates; null: none. `others`: stages that are not the collector's. On the collector's thread.
std::shared_ptr<const LiveView> take_view(Collector& collector, const LiveView* before, base::TimeMs now_ms,
                                          std::vector<base::LedgerView> others);

const base::LedgerView* find_stage(const std::vector<base::LedgerView>& views, std::string_view stage);

}  // namespace netflowgen::serve

// The live loop of `collect`: flows into the builder, time into the builder, shards, alerts and books to the disk,
// lines to the log. One thread; receiving has its own.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "cli/command.h"
#include "cli/live_detector.h"
#include "cli/options/decode_options.h"
#include "cli/options/series_options.h"
#include "flow/filter/dedup.h"
#include "flow/live/live_flow_source.h"
#include "series/store.h"
#include "series/store_sink.h"

namespace netflowgen::cli {

struct CollectArgs {
  std::vector<std::string> listen;
  std::string store;
  unsigned sockets = 1;
  std::string receive_buffer = "32M";
  std::string queue = "256M";
  std::string flush = "5m";
  std::string log_every = "1m";
  std::string anonymize;
  std::string dedup = "0";
  std::vector<std::string> count_at;
  std::string state;
  std::string books;
  SeriesArgs series;
  DecodeArgs decode;
  DetectArgs detect;
  std::vector<std::string> alerts;
  bool check = false;
  bool dump = false;
};

// The arguments, checked and given their units.
struct CollectPlan {
  flow::LiveOptions live;
  flow::DecodeOptions decode;
  flow::AnonymizeOptions anonymize;
  flow::DedupOptions dedup;
  series::SeriesOptions series;
  std::string timezone;
  int64_t flush_ms = 0;
  int64_t log_ms = 0;
  base::fs::path store;
  base::fs::path state;
  base::fs::path books;
  base::fs::path open_steps;
  std::optional<LiveDetectorPlan> detect;
};
CollectPlan plan_of(const CollectArgs& args);

class Collector {
 public:
  // Binds, opens or continues the store. Error.
  Collector(const CollectPlan& plan, const Context& context);
  // Until the user stops it; then everything that had come is in the store.
  void run();

 private:
  using Clock = std::chrono::steady_clock;

  void continue_store();
  void say_start() const;
  void tick();
  void flush();
  void write_books() const;
  void log_line();
  void warn_of_delays();
  void finish();
  std::vector<base::LedgerView> ledgers() const;

  const CollectPlan& plan_;
  const Context& context_;
  series::StoreWriter writer_;
  series::StoreSink sink_;
  std::unique_ptr<LiveDetector> detector_;  // before sink_, where there is a model
  std::unique_ptr<series::SeriesBuilder> builder_;
  flow::LiveFlowSource* live_;  // inside source_
  std::unique_ptr<flow::FlowSource> source_;
  bool resumed_ = false;  // the file of open steps is still there
  Clock::time_point next_flush_;
  Clock::time_point next_log_;
  uint64_t logged_packets_ = 0;
  uint64_t logged_flows_ = 0;
  uint64_t logged_kernel_drops_ = 0;
  std::set<base::IpAddr> warned_;
};

}  // namespace netflowgen::cli

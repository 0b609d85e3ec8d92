// The live loop of `collect`: flows into the builder, time into the builder, shards, alerts and counters to the disk,
// lines to the log. One thread; receiving has its own.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/stop.h"
#include "flow/filter/anonymize.h"
#include "flow/filter/dedup.h"
#include "flow/filter/one_direction.h"
#include "flow/live/live_flow_source.h"
#include "series/store.h"
#include "series/store_sink.h"
#include "serve/clock_watch.h"
#include "serve/fleet_options.h"
#include "serve/live_detector.h"
#include "serve/load_shed.h"
#include "serve/pipeline.h"

namespace netflowgen::flow {
class KafkaSource;
}

namespace netflowgen::serve {

class Collector;
class FramePublisher;

// Sees the collector's work as it happens, on its thread, in this order for each step: flows, frames, step_closed.
class CollectorWatcher {
 public:
  virtual ~CollectorWatcher() = default;
  virtual void flows(std::span<const flow::Flow>) {}
  virtual void frame(const series::NodeKey&, int64_t /*step*/, std::span<const float>) {}
  // The step was stored and, where there is a detector, scored, which took `cost_ms` together.
  virtual void step_closed(int64_t /*step*/, int64_t /*cost_ms*/) {}
  virtual void tick(Collector&) {}      // after each batch of flows, a few times a second at least
  virtual void reload(Collector&) {}    // SIGHUP came
  virtual void stopping(Collector&) {}  // frames from here on are of steps that were still open
};

// What the store keeps. 0: no bound.
struct StoreBounds {
  int64_t keep_ms = 0;
  uint64_t bytes = 0;
};

// Times in milliseconds.
struct CollectorOptions {
  flow::LiveOptions live;
  std::function<std::unique_ptr<flow::DatagramSource>()> datagrams = {};  // instead of the sockets of `live`
  std::string topic;  // kafka://..., read instead of sockets; "": none
  flow::DecodeOptions decode;
  flow::AnonymizeOptions anonymize;
  flow::DirectionOptions direction;
  flow::DedupOptions dedup;
  series::SeriesOptions series;
  std::string timezone;
  std::string nodes_line;  // where the nodes are the model's: the line that reports it
  int64_t flush_ms = 0;
  int64_t log_ms = 0;
  base::fs::path store;
  StoreBounds store_bounds;
  PublishOptions publish;  // topic "": nothing is published
  base::fs::path templates;
  base::fs::path counters;
  base::fs::path open_steps;
  std::optional<LiveDetectorOptions> detect;
  base::RequestFlag* reload = nullptr;  // asks for the detector's files to be read again
  CollectorWatcher* watcher = nullptr;  // outlives the collector
  bool quiet = false;                   // no lines on standard error but warnings and errors
};

class Collector {
 public:
  // Binds, opens or continues the store. Error.
  Collector(CollectorOptions options, const base::StopFlag& stop);
  ~Collector();
  // Until the user stops it; then everything that had come is in the store.
  void run();

  const CollectorOptions& options() const { return options_; }
  const flow::LiveFlowSource* live() const { return live_; }  // null: a topic is read
  // How far its time is ahead of the machine's clock, because that was put back.
  int64_t ahead_ms() const { return live_ == nullptr ? 0 : live_->ahead_ms(); }
  Pipeline& pipeline() { return *pipeline_; }
  LiveDetector* detector() { return detector_.get(); }  // null: none
  series::StoreWriter& store() { return writer_; }
  std::vector<base::LedgerView> ledgers() const;
  void set_store_bounds(const StoreBounds& bounds) { options_.store_bounds = bounds; }
  LoadShed& shed() { return shed_; }                           // what is left out while reading is behind
  uint64_t removed_frames() const { return removed_frames_; }  // of the store, by its bounds

 private:
  class Watched;
  using Clock = std::chrono::steady_clock;

  series::SeriesOptions continued_store();
  void continue_time(int64_t closed_before);
  std::unique_ptr<flow::FlowSource> open_source();
  std::unique_ptr<flow::FlowSource> open_topic();
  void stop_source();
  void save_open_steps();
  void commit();
  void say_start() const;
  void open_publisher();
  void say_sockets() const;
  void tick();
  void update_shed();
  void watch_clock();
  uint64_t kernel_drops() const;  // because the receive buffer was full. REQUIRES: live_
  void reload();
  void flush();
  void bound_store();
  void write_counters() const;
  void log_line();
  void log_topic_line();
  void warn_of_delays();
  void warn_of_exporters();
  void finish();

  CollectorOptions options_;
  const base::StopFlag& stop_;
  series::StoreWriter writer_;
  series::StoreSink sink_;
  std::unique_ptr<LiveDetector> detector_;     // before sink_, where there is a model
  std::unique_ptr<Watched> watched_;           // before both, where someone watches
  std::unique_ptr<FramePublisher> publisher_;  // null: none
  flow::LiveFlowSource* live_ = nullptr;       // inside the pipeline's source, where there are sockets
  flow::KafkaSource* topic_ = nullptr;         // the same, where there is a topic
  std::unique_ptr<Pipeline> pipeline_;
  LoadShed shed_;
  ClockWatch clock_watch_;
  int64_t told_ahead_ms_ = 0;
  bool resumed_ = false;        // the file of open steps is still there
  std::string resumed_source_;  // how far the last run read its topic
  std::optional<uint64_t> resumed_published_;
  bool commit_failing_ = false;
  Clock::time_point next_flush_;
  Clock::time_point next_log_;
  uint64_t removed_frames_ = 0;
  uint64_t logged_packets_ = 0;
  uint64_t logged_flows_ = 0;
  uint64_t logged_kernel_drops_ = 0;
  std::set<base::IpAddr> warned_;
  std::set<std::string> told_;  // SourceWarning::about
};

}  // namespace netflowgen::serve

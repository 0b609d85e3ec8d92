#include "serve/collector.h"

#include <fmt/format.h>

#include "base/error.h"
#include "flow/kafka/kafka_source.h"
#include "series/open_frames.h"
#include "series/open_steps.h"
#include "serve/fleet/frame_publisher.h"
#include "serve/ledger_text.h"
#include "serve/log.h"

namespace netflowgen::serve {
namespace {

using std::chrono::milliseconds;

constexpr size_t kBatch = 4096;  // flows read at once
constexpr int64_t kPublishGrace_ms = 5'000;
constexpr int64_t kTold_ms = 1'000;  // the clock's own corrections are less in a tick
constexpr int64_t kMostAhead_ms = base::kDayMs;

series::StoreOptions store_options(const CollectorOptions& p) {
  // Shards are written by flush() alone, where a full disk can be waited for.
  return {.step_ms = p.series.step_ms,
          .timezone = p.timezone,
          .choice = series::choice_of(p.series.nodes),
          .append = true,
          .shard_rows = SIZE_MAX};
}

// The step that is open when receiving begins lacks what came before. A node that has it for its first one would seem to grow
// manyfold in the next, and all nodes at once would.
int64_t first_whole_step(base::TimeMs now, int64_t step_ms) {
  return base::step_of(now + step_ms - 1, step_ms);
}

// Where the archive begins: with the run, or with what the store's bounds have left of it.
int64_t first_stored(const series::SeriesBuilder& builder, const series::StoreWriter& writer, bool removed) {
  return removed ? writer.info().first_step : builder.first_step();
}

}  // namespace

// Tells the watcher what passes.
class Collector::Watched : public series::FrameSink {
 public:
  Watched(series::FrameSink& next, CollectorWatcher& watcher) : next_(next), watcher_(watcher) {}
  void frame(const series::NodeKey& node, int64_t step, std::span<const float> frame) override {
    next_.frame(node, step, frame);
    watcher_.frame(node, step, frame);
  }
  void step_closed(int64_t step) override {
    const auto start = Clock::now();
    next_.step_closed(step);
    watcher_.step_closed(step, std::chrono::duration_cast<milliseconds>(Clock::now() - start).count());
  }

 private:
  series::FrameSink& next_;
  CollectorWatcher& watcher_;
};

Collector::~Collector() = default;

Collector::Collector(CollectorOptions options, const base::StopFlag& stop)
    : options_(std::move(options)),
      stop_(stop),
      writer_(options_.store, store_options(options_)),
      sink_(writer_) {
  if (options_.detect) {
    detector_ = std::make_unique<LiveDetector>(*options_.detect, sink_,
                                               [](const std::string& line) { log("{}", line); });
  }
  const auto series = continued_store();
  auto source = flow::anonymized(
      flow::deduplicated(flow::one_direction(open_source(), options_.direction), options_.dedup),
      options_.anonymize);
  continue_time(series.closed_before);
  series::FrameSink* sink = detector_ ? static_cast<series::FrameSink*>(detector_.get()) : &sink_;
  if (options_.watcher != nullptr) {
    watched_ = std::make_unique<Watched>(*sink, *options_.watcher);
    sink = watched_.get();
  }
  const auto tap = [this](std::span<const flow::Flow> flows) {
    if (detector_ && shed_.keep(Shed::kFlowSample, flows.size())) detector_->flows(flows);
    if (options_.watcher != nullptr) options_.watcher->flows(flows);
  };
  pipeline_ =
      std::make_unique<Pipeline>(std::move(source), PipelineOptions{series, kBatch, false}, *sink, tap);
  if (detector_ && live_ != nullptr && !resumed_)
    detector_->begin_with(first_whole_step(live_->now(), options_.series.step_ms));
  if (resumed_) series::OpenSteps::load(pipeline_->builder(), options_.open_steps);
  if (!options_.publish.topic.empty()) open_publisher();
  if (topic_ != nullptr)
    save_open_steps();  // of this run: what it writes to the store can be taken back after a crash
  next_flush_ = Clock::now() + milliseconds(options_.flush_ms);
  next_log_ = Clock::now() + milliseconds(options_.log_ms);
}

// Of sockets nothing is read again, so nothing is taken back.
void Collector::open_publisher() {
  publisher_ = std::make_unique<FramePublisher>(options_.publish, options_.series.step_ms,
                                                topic_ == nullptr ? std::nullopt : resumed_published_,
                                                [](const std::string& line) { log("{}", line); });
  pipeline_->builder().set_node_tap(
      [this](int64_t step, const series::StepSlot& slot, const series::StateView& in,
             const series::StateView& out) { publisher_->node(step, slot, in, out); });
}

std::unique_ptr<flow::FlowSource> Collector::open_source() {
  if (!options_.topic.empty()) return open_topic();
  auto datagrams =
      options_.datagrams ? options_.datagrams() : std::make_unique<flow::DatagramReceiver>(options_.live);
  auto live = std::make_unique<flow::LiveFlowSource>(std::move(datagrams), options_.decode,
                                                     options_.templates.string());
  live_ = live.get();
  return live;
}

// Where the last run stopped, to the flow; or where the group goes on.
std::unique_ptr<flow::FlowSource> Collector::open_topic() {
  std::vector<flow::KafkaPosition> start;
  if (!resumed_source_.empty())
    start = flow::parse_positions(flow::parse_kafka_url(options_.topic).name(), resumed_source_);
  auto topic = flow::follow_kafka(options_.topic, std::move(start));
  topic_ = topic.get();
  topic_->on_revoke([this] {
    try {
      flush();
    } catch (const base::Error& e) {
      log("error: {}; the new reader of the partitions reads again what was not committed", e.what());
    }
  });
  return topic;
}

// What the last run had open when it stopped is taken out of the store again, to be continued.
series::SeriesOptions Collector::continued_store() {
  series::SeriesOptions options = options_.series;
  resumed_ = base::fs::exists(options_.open_steps) && series::is_store(options_.store);
  if (resumed_) {
    const auto place = series::OpenSteps::place(options_.open_steps, options.step_ms);
    resumed_source_ = place.source;
    resumed_published_ = place.published;
    const auto& info = writer_.info();
    const bool untouched = info.runs.size() == place.runs + 1;  // this run's is there already
    if (untouched && info.shards.size() > place.shards) {
      writer_.take_back(place.shards, series::OpenSteps::first_step(options_.open_steps));
    }
  }
  if (!writer_.info().shards.empty()) options.closed_before = writer_.info().end_step;
  return options;
}

// A store that ends in the future was written before the machine's clock was put back; its time goes on from there.
void Collector::continue_time(int64_t closed_before) {
  if (live_ == nullptr || closed_before == INT64_MIN) return;
  const base::TimeMs end = closed_before * options_.series.step_ms;
  const int64_t ahead = end - live_->now();
  if (ahead <= options_.series.step_ms) return;  // the step that is open now was stored, not more
  if (ahead > kMostAhead_ms) {
    log("warning: the store ends at {}, {:.1f} days ahead of this machine's clock: until then flows are "
        "dropped "
        "as late, and counted. Where the clock is right, move the store away and start again",
        base::format_time(end), static_cast<double>(ahead) / base::kDayMs);
    return;
  }
  live_->start_ahead(ahead + options_.series.lateness_ms);  // as flows of before the start come, too
}

void Collector::say_sockets() const {
  for (const auto& s : live_->sockets().sockets()) {
    log("listening on {} (port {}), receive buffer {} KiB", s.address, s.port, s.receive_buffer / 1024);
    if (s.receive_buffer < options_.live.receive_buffer) {
      log("warning: the kernel granted {} of {} KiB: sysctl -w net.core.rmem_max={}, or give the program "
          "CAP_NET_ADMIN",
          s.receive_buffer / 1024, options_.live.receive_buffer / 1024, options_.live.receive_buffer);
    }
  }
}

void Collector::say_start() const {
  if (live_ != nullptr) say_sockets();
  if (topic_ != nullptr) log("reading {}", topic_->url().name());
  const auto frames = pipeline_->builder().frame_ledger();
  if (frames.held > 0) log("continuing {} frames of steps that were open", frames.held);
  if (!options_.nodes_line.empty()) log("{}", options_.nodes_line);
  if (detector_) detector_->say_start();
}

void Collector::run() {
  if (!options_.quiet) say_start();
  while (true) {
    if (stop_.requested()) stop_source();
    if (pipeline_->read() == Pipeline::Read::kEnd) break;
    tick();
  }
  finish();
}

void Collector::stop_source() {
  if (live_ != nullptr) live_->stop();
  if (topic_ != nullptr) topic_->stop();
}

// What has come meanwhile waits in the receiver's queue.
void Collector::reload() {
  if (options_.watcher != nullptr) {
    options_.watcher->reload(*this);
  } else if (detector_) {
    detector_->reload();
  } else {
    log("SIGHUP: there is no --model, so nothing is reloaded");
  }
}

// A topic waits by itself; only what comes over sockets is lost where it is not read in time.
void Collector::update_shed() {
  if (live_ == nullptr) return;
  const base::TimeMs now = live_->now();
  const base::TimeMs read = live_->time().value_or(now);
  const int64_t scoring_ms = detector_ ? detector_->last_cost().count() : 0;
  if (!shed_.update(now, read, kernel_drops(), scoring_ms)) return;
  log("reading is {:.1f} s behind; left out: {}", static_cast<double>(now - read) / 1000,
      name_of(shed_.level()));
}

void Collector::watch_clock() {
  if (live_ == nullptr) return;
  if (const auto what = clock_watch_.look(now_ms(), Clock::now())) log("{}", *what);
  const int64_t ahead = live_->ahead_ms();
  if (ahead > told_ahead_ms_ + kTold_ms) {
    log("warning: times are {} s ahead of this machine's clock; a minute lasts 65 s until {}, when both "
        "agree",
        ahead / 1000, base::format_time(now_ms() + ahead * flow::OnwardClock::kSlower));
  }
  told_ahead_ms_ = ahead;
}

void Collector::tick() {
  watch_clock();
  update_shed();
  if (detector_) {
    detector_->deliver();
    if (live_ != nullptr) detector_->expect(series::OpenFrames::most_nodes(pipeline_->builder()));
  }
  if (publisher_) {
    publisher_->closed_before(pipeline_->builder().oldest_open());
    publisher_->pump();
  }
  if (options_.watcher != nullptr) options_.watcher->tick(*this);
  if (options_.reload != nullptr && options_.reload->take()) reload();
  const auto now = Clock::now();
  if (now >= next_log_) {
    next_log_ = now + milliseconds(options_.log_ms);
    if (!options_.quiet) log_line();
    warn_of_delays();
    warn_of_exporters();
    write_counters();
  }
  if (now < next_flush_) return;
  next_flush_ = now + milliseconds(options_.flush_ms);
  try {
    flush();
  } catch (const base::Error& e) {
    log("error: {}; unwritten data is kept; the next try is in {} s", e.what(), options_.flush_ms / 1000);
  }
}

void Collector::save_open_steps() {
  series::OpenStepsPlace place{writer_.info().shards.size(), writer_.info().runs.size(), ""};
  if (topic_ != nullptr) place.source = flow::positions_text(topic_->url().name(), topic_->positions());
  if (publisher_) place.published = publisher_->sync();
  series::OpenSteps::save(pipeline_->builder(), place, options_.open_steps);
}

// Only what is stored is committed. Open steps and the place in the topic are one file, so that a crash at any moment leaves
// a store, open steps and a place that fit: the next run takes back what the store has beyond them, and reads it again.
void Collector::commit() {
  save_open_steps();
  try {
    topic_->commit();
    commit_failing_ = false;
  } catch (const base::Error& e) {
    if (!commit_failing_) log("warning: {}; this collector continues from its own file", e.what());
    commit_failing_ = true;
  }
}

// The store up to the last closed step, then the templates; the open steps of the last run are then history. Of a topic, the
// open steps and the place in it.
void Collector::flush() {
  // Before the place: what is scored and not yet passed is not scored again.
  if (topic_ != nullptr && detector_) {
    detector_->deliver();
    detector_->save_now();
  }
  writer_.cover(first_stored(pipeline_->builder(), writer_, removed_frames_ > 0),
                std::min(pipeline_->builder().end_step(), pipeline_->builder().oldest_open()));
  writer_.set_counts(series::to_counts(ledgers()));
  writer_.flush();
  if (topic_ != nullptr) {
    commit();
    bound_store();
    return;
  }
  live_->decoder()->save(options_.templates);
  if (resumed_) base::fs::remove(options_.open_steps);
  resumed_ = false;
  if (detector_) detector_->save();
  bound_store();
}

// After a flush, when nothing is to be taken back.
void Collector::bound_store() {
  const auto& bounds = options_.store_bounds;
  const auto& shards = writer_.info().shards;
  if ((bounds.keep_ms == 0 && bounds.bytes == 0) || shards.empty()) return;
  const int64_t step_ms = options_.series.step_ms;
  // By the newest frames: a clock that jumps ahead removes nothing.
  const base::TimeMs stored = shards.back().end_step * step_ms;
  const base::TimeMs newest = live_ == nullptr ? stored : std::min(live_->time().value_or(0), stored);
  const int64_t before = bounds.keep_ms == 0 ? INT64_MIN : (newest - bounds.keep_ms) / step_ms;
  const uint64_t rows = writer_.remove_oldest(before, bounds.bytes);
  if (rows == 0) return;
  removed_frames_ += rows;
  if (topic_ != nullptr) save_open_steps();  // which counts the shards
  log("{} frames are removed from the store by its bounds; it begins at {} now", rows,
      base::format_time(writer_.info().first_step * step_ms));
}

std::vector<base::LedgerView> Collector::ledgers() const {
  auto views = pipeline_->source().ledgers();
  views.push_back(pipeline_->builder().flow_ledger());
  views.back().stage = "series flows";
  views.push_back(pipeline_->builder().frame_ledger());
  if (detector_) {
    for (auto& view : detector_->ledgers()) views.push_back(std::move(view));
  }
  for (auto& view : shed_.ledgers()) views.push_back(std::move(view));
  if (publisher_) views.push_back(publisher_->ledger());
  return views;
}

// The open steps go to the store too, so that it is whole; and beside it as they are, so that the next run can take
// them back and continue.
void Collector::finish() {
  warn_of_exporters();
  flush();
  if (detector_) detector_->stop();
  if (options_.watcher != nullptr) options_.watcher->stopping(*this);
  save_open_steps();
  if (publisher_)
    publisher_->finish(kPublishGrace_ms);  // what is open is published when the next run closes it
  pipeline_->finish();
  writer_.cover(first_stored(pipeline_->builder(), writer_, removed_frames_ > 0),
                pipeline_->builder().end_step());
  writer_.set_counts(series::to_counts(ledgers()));
  writer_.flush();
  write_counters();
  if (detector_) detector_->finish();  // last: when it fails, nothing else is lost
  if (options_.quiet) return;
  fmt::print(stderr, "{}{}", ledger_table(ledgers()), notes_text(pipeline_->source().notes()));
  log("stopped: {} holds {} frames in {} shards", options_.store.string(), writer_.info().rows(),
      writer_.info().shards.size());
}

}  // namespace netflowgen::serve

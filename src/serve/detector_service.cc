#include "serve/detector_service.h"

#include <fmt/format.h>

#include "base/error.h"
#include "serve/api/api.h"
#include "serve/api/json.h"
#include "serve/fleet/frame_detector.h"
#include "serve/history/history_writer.h"
#include "serve/http/server.h"
#include "serve/ledger_text.h"
#include "serve/log.h"
#include "serve/metrics.h"
#include "serve/notify.h"
#include "serve/outputs/alert_desk.h"
#include "serve/outputs/outbox.h"
#include "serve/service_setup.h"

namespace netflowgen::serve {
namespace {

using std::chrono::milliseconds;
using SteadyClock = std::chrono::steady_clock;

constexpr milliseconds kViewEvery{1000};
constexpr int64_t kAlertGrace_ms = 5000;
constexpr int64_t kRowGrace_ms = 3000;

void say(const std::string& line) { log("{}", line); }

}  // namespace

// The wiring. Members are in the order of the flow of data, and are ended in the opposite one.
struct DetectorService::Impl {
  Impl(ServiceOptions o, const base::StopFlag& s, base::RequestFlag& r);
  ~Impl() { http.stop(); }

  void run();
  ServiceState& filled_state();
  FrameDetectorOptions detector_options();
  void tick();
  void note_delivered();
  void publish_view();
  void log_line();
  void reload();

  ServiceOptions options;
  const base::StopFlag& stop;
  base::RequestFlag& reload_flag;
  DataFolder data;
  Notify notify;
  HistoryWriter writer;             // of a history that stays empty; the API reads its file
  std::unique_ptr<RowWriter> rows;  // null: none
  ServiceState state;
  Outbox outbox;
  AlertDesk desk;
  Trainer trainer;
  Shared<FrameCounts> counts;
  Api api;
  HttpServer http;
  std::unique_ptr<FrameDetector> detector;
  SteadyClock::time_point next_view{};
  SteadyClock::time_point next_log{};
};

DetectorService::Impl::Impl(ServiceOptions o, const base::StopFlag& s, base::RequestFlag& r)
    : options(std::move(o)),
      stop(s),
      reload_flag(r),
      data(options.data),
      writer(data / "history.db", options.collector.series.step_ms, history_options(options.history), say),
      rows(open_rows(options)),
      state(info_of(options), options.history.memory_bytes, data / "history.db", data / "alerts.db"),
      outbox(data / "outbox.db", options.outputs, say),
      desk(data / "alerts.db", say,
           [this](const AlertRecord& record) {
             outbox.post(record);
             if (rows) rows->add(record);
             publish_record(state.events, record);
           }),
      trainer([](const TrainingView&) {}),
      api(filled_state(), options.http.rate, options.http.burst, say),
      http(
          http_options(options.http),
          [this](const Request& request, const Reply& reply) { api.handle(request, reply); }, state.events,
          say) {
  desk.set_bounds(options.alerts);
  for (const auto& address : http.addresses()) log("the page and the API are at {}", address);
  detector = std::make_unique<FrameDetector>(
      detector_options(), [this](AlertRecord record) { desk.post(std::move(record)); }, say);
  state.model.set(view_of(detector->setup(), options.detect.model));
  next_log = SteadyClock::now() + milliseconds(options.collector.log_ms);
}

ServiceState& DetectorService::Impl::filled_state() {
  state.mode = static_cast<int>(options.mode);
  state.tokens.set(std::make_shared<const Tokens>(Tokens::load(options.tokens)));
  state.reload = &reload_flag;
  state.trainer = &trainer;
  state.mailbox.close();  // there is no collector that could answer
  state.metrics = [this] {
    const auto c = counts.get();
    return metrics_text(state,
                        {http.counts(), desk.counts(), writer.counts(), outbox.counts(),
                         state.events.listeners(), rows ? std::optional(rows->counts()) : std::nullopt}) +
           fmt::format(
               "# HELP netflowgen_partitions Partitions that this worker reads.\n# TYPE "
               "netflowgen_partitions gauge\n"
               "netflowgen_partitions {}\n"
               "# HELP netflowgen_partitions_waiting Partitions that another process still has.\n"
               "# TYPE netflowgen_partitions_waiting gauge\nnetflowgen_partitions_waiting {}\n"
               "# HELP netflowgen_steps_open Steps that wait for collectors.\n# TYPE netflowgen_steps_open "
               "gauge\n"
               "netflowgen_steps_open {}\n"
               "# HELP netflowgen_steps_forced Steps that closed early for want of memory.\n"
               "# TYPE netflowgen_steps_forced counter\nnetflowgen_steps_forced {}\n",
               c.partitions.size(), c.waiting.size(), c.open_steps, c.forced_steps);
  };
  return state;
}

FrameDetectorOptions DetectorService::Impl::detector_options() {
  options.detect.dry_run = options.mode == ServeMode::kShadow;
  FrameDetectorOptions d;
  d.frames = options.frames;
  d.detect = options.detect;
  d.save_ms = options.collector.flush_ms;
  d.rows = rows.get();
  return d;
}

void DetectorService::Impl::run() {
  notify.send("READY=1\nSTATUS=detecting");
  log("reading partial frames of {}", flow::parse_kafka_url(options.frames.topic).name());
  while (!stop.requested()) {
    detector->turn();
    tick();
  }
  notify.send("STOPPING=1");
  state.not_ready.set({"stopping"});
  detector->finish();
  desk.stop(kAlertGrace_ms);
  note_delivered();
  if (rows) rows->finish(kRowGrace_ms);
  const auto last = detector->counts();
  if (!options.collector.quiet) fmt::print(stderr, "{}", ledger_table(last.ledgers));
  log("stopped: {} nodes of {} partitions", last.nodes, last.partitions.size());
}

void DetectorService::Impl::tick() {
  if (reload_flag.take()) reload();
  const auto now = SteadyClock::now();
  if (now >= next_view) {
    next_view = now + kViewEvery;
    note_delivered();
    detector->report();
    publish_view();
  }
  if (now >= next_log) {
    next_log = now + milliseconds(options.collector.log_ms);
    if (!options.collector.quiet) log_line();
  }
  notify.beat(now);
}

// The desk has written all that it was given, and handed it to the outputs' queues.
void DetectorService::Impl::note_delivered() {
  const auto c = desk.counts();
  if (c.waiting == 0 && c.written == c.posted) detector->note_delivered();
}

void DetectorService::Impl::publish_view() {
  const auto c = detector->counts();
  const auto before = state.live.get();
  auto view = std::make_shared<LiveView>();
  view->time_ms = now_ms();
  view->ledgers = c.ledgers;
  if (rows) view->ledgers.push_back(rows->counts().rows);
  view->frames_open = c.open_steps;
  view->detection = {true, c.nodes, c.capacity, c.open_alerts, 0};
  state.live.set(std::move(view));
  counts.set(c);
  std::vector<std::string> reasons;
  if (c.partitions.empty()) reasons.emplace_back("no partition is this worker's yet");
  if (!c.waiting.empty())
    reasons.push_back(fmt::format("{} partitions are still held by another process", c.waiting.size()));
  state.not_ready.set(std::move(reasons));
}

void DetectorService::Impl::log_line() {
  const auto c = detector->counts();
  std::string line;
  for (const auto& v : c.ledgers) {
    if (v.stage == "frame records") line += fmt::format("{} records, ", v.in);
    if (v.stage == "partial frames")
      line += fmt::format("{} partial frames, {} held, {} dropped, ", v.in, v.held, v.dropped());
  }
  log("{}{} partitions, {} steps open, {} nodes known, {} alerts open", line, c.partitions.size(),
      c.open_steps, c.nodes, c.open_alerts);
}

void DetectorService::Impl::reload() {
  notify.reloading();
  try {
    const auto fresh = read_again(options);
    auto tokens = std::make_shared<const Tokens>(Tokens::load(fresh.tokens));
    http.reload_certificate();
    state.tokens.set(std::move(tokens));
    desk.set_bounds(fresh.alerts);
    log("reloaded tokens, certificate and bounds; model and policies of a detector of partial frames need a "
        "restart");
  } catch (const base::Error& e) {
    log("error: reload refused, what is in force stays: {}", e.what());
  }
  notify.send("READY=1");
}

DetectorService::DetectorService(ServiceOptions options, const base::StopFlag& stop,
                                 base::RequestFlag& reload)
    : impl_(std::make_unique<Impl>(std::move(options), stop, reload)) {}

DetectorService::~DetectorService() = default;

void DetectorService::run() { impl_->run(); }

}  // namespace netflowgen::serve

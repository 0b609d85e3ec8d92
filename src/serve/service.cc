#include "serve/service.h"

#include <fmt/format.h>

#include <cmath>

#include "base/error.h"
#include "series/open_frames.h"
#include "serve/api/api.h"
#include "serve/api/json.h"
#include "serve/demo/demo_scenario.h"
#include "serve/demo/simulated_exporters.h"
#include "serve/history/history_writer.h"
#include "serve/http/server.h"
#include "serve/log.h"
#include "serve/metrics.h"
#include "serve/notify.h"
#include "serve/outputs/alert_desk.h"
#include "serve/outputs/alert_recovery.h"
#include "serve/outputs/outbox.h"
#include "serve/service_setup.h"
#include "serve/training/model_choice.h"

namespace netflowgen::serve {
namespace {

using std::chrono::milliseconds;
using SteadyClock = std::chrono::steady_clock;

constexpr milliseconds kViewEvery{1000};
constexpr milliseconds kOpenStepEvery{2000};  // for who watches; twice a step where that is more often
constexpr int kLookShare = 20;                // of the time, one part for looks at the open step at most
constexpr int64_t kAlertGrace_ms = 1000;
constexpr int64_t kRowGrace_ms = 3000;

}  // namespace

// The wiring. Members are in the order of the flow of data, and are ended in the opposite one.
struct Service::Impl : CollectorWatcher {
  Impl(ServiceOptions o, const base::StopFlag& s, base::RequestFlag& r);
  ~Impl() override;

  void run();
  void flows(std::span<const flow::Flow> flows) override;
  void frame(const series::NodeKey& node, int64_t step, std::span<const float> frame) override;
  void step_closed(int64_t step, int64_t cost_ms) override;
  void tick(Collector& collector) override;
  void reload(Collector& collector) override;
  void stopping(Collector&) override { stopped = true; }

  ServiceState& filled_state();
  CollectorOptions collector_options();
  std::unique_ptr<flow::DatagramSource> simulated();
  base::TimeMs source_ms();
  void watch_catching_up();
  void take_trained(const std::string& model);
  void use_model(const DetectSetup& setup);
  void look_at_open_step(Collector& collector, SteadyClock::time_point now);
  void publish_view();
  void publish_open_step();
  bool apply(ServiceOptions fresh, std::string& message);

  ServiceOptions options;
  const base::StopFlag& stop;
  base::RequestFlag& reload_flag;
  DataFolder data;
  Notify notify;
  HistoryWriter writer;
  std::unique_ptr<RowWriter> rows;  // null: none
  ServiceState state;
  Outbox outbox;
  AlertDesk desk;
  AlertRecovery recovery;
  Recorder recorder;
  Trainer trainer;
  Shared<std::vector<std::string>> models;  // in force, of the configuration
  Api api;
  HttpServer http;
  std::unique_ptr<Collector> collector;
  bool stopped = false;
  bool catching_up = false;  // the demo's past is being replayed
  SteadyClock::time_point next_view{};
  SteadyClock::time_point next_tick{};
  SteadyClock::time_point next_open_step{};
};

Service::Impl::Impl(ServiceOptions o, const base::StopFlag& s, base::RequestFlag& r)
    : options(std::move(o)),
      stop(s),
      reload_flag(r),
      data(options.data),
      writer(data / "history.db", options.collector.series.step_ms, history_options(options.history),
             [](const std::string& line) { log("{}", line); }),
      rows(open_rows(options)),
      state(info_of(options), options.history.memory_bytes, data / "history.db", data / "alerts.db"),
      outbox(data / "outbox.db", options.outputs, [](const std::string& line) { log("{}", line); }),
      desk(
          data / "alerts.db", [](const std::string& line) { log("{}", line); },
          [this](const AlertRecord& record) {
            outbox.post(record);
            if (rows) rows->add(record);
            publish_record(state.events, record);
          }),
      recovery(state.alerts, (data / "alerts.db").string(), outbox,
               [this](AlertRecord record) { desk.post(std::move(record)); }),
      recorder(options.collector.series.step_ms, primary_kind(options.collector.series.nodes)),
      trainer([this](const TrainingView& view) {
        state.events.publish("training", dump(training_json(options.training.available, view)));
      }),
      models({options.detect.model, options.training.configured_model}),
      api(filled_state(), options.http.rate, options.http.burst,
          [](const std::string& line) { log("{}", line); }),
      http(
          http_options(options.http),
          [this](const Request& request, const Reply& reply) { api.handle(request, reply); }, state.events,
          [](const std::string& line) { log("{}", line); }) {
  desk.set_bounds(options.alerts);
  state.mode = static_cast<int>(options.mode);
  state.tokens.set(std::make_shared<const Tokens>(Tokens::load(options.tokens)));
  state.metrics = [this] {
    return metrics_text(
        state, {http.counts(), desk.counts(), writer.counts(), outbox.counts(), state.events.listeners(),
                rows ? std::optional(rows->counts()) : std::nullopt});
  };
  for (const auto& address : http.addresses()) log("the page and the API are at {}", address);
  collector = std::make_unique<Collector>(collector_options(), stop);
  const auto past = state.reader.totals(Resolution::kStep, 0, INT64_MAX);
  std::vector<std::pair<int64_t, Totals>> totals;
  const size_t enough = 1024;
  for (size_t i = past.size() - std::min(past.size(), enough); i < past.size(); ++i) {
    totals.emplace_back(past[i].time_ms / state.info.step_ms, past[i].totals);
  }
  recorder.warm_up(totals);
  auto* live = collector->detector();
  const std::string line = recovery.start(live == nullptr ? nullptr : &live->stream());
  if (!line.empty()) log("{}", line);
}

// What a request may need as soon as HTTP listens.
ServiceState& Service::Impl::filled_state() {
  state.reload = &reload_flag;
  state.trainer = &trainer;
  state.can_train = options.training.available;
  state.training_paths = [this](TrainingKind kind) { return paths_of(options, models.get(), kind); };
  return state;
}

Service::Impl::~Impl() {
  state.mailbox.close();
  http.stop();
}

// The model is loaded here, when HTTP listens already.
CollectorOptions Service::Impl::collector_options() {
  CollectorOptions c = options.collector;
  c.watcher = this;
  if (options.demo) c.datagrams = [this] { return simulated(); };
  c.reload = &reload_flag;
  if (options.mode == ServeMode::kCollect || options.detect.model.empty()) return c;
  options.detect.dry_run = options.mode == ServeMode::kShadow;
  LiveDetectorOptions d;
  d.setup = std::make_shared<DetectSetup>(options.detect);
  d.state = data / "detector.safetensors";
  d.records = [this](AlertRecord record) { desk.post(std::move(record)); };
  d.tap = [this](int64_t step, std::span<const detect::NodeScores> seen) { recorder.scored(step, seen); };
  d.load = [this] { return std::make_shared<DetectSetup>(options.detect); };
  use_model(*d.setup);
  c.detect = std::move(d);
  return c;
}

std::unique_ptr<flow::DatagramSource> Service::Impl::simulated() {
  const base::TimeMs now = now_ms();
  const base::TimeMs minute = now / 60'000 * 60'000;
  catching_up = true;
  log("a simulated network is replayed: {} h of its past at once, then live", kDemoHistory_ms / 3'600'000);
  return std::make_unique<SimulatedExporters>(SimulatedOptions{minute - kDemoHistory_ms, now, now_ms});
}

// The time up to which flows have come: the clock's, but for a demo that replays its past.
base::TimeMs Service::Impl::source_ms() {
  return catching_up ? collector->pipeline().source().time().value_or(now_ms())
                     : now_ms() + collector->ahead_ms();
}

void Service::Impl::watch_catching_up() {
  constexpr int64_t kLive_ms = 2'000;
  if (!catching_up || source_ms() < now_ms() - kLive_ms) return;
  catching_up = false;
  state.not_ready.set({});
  log("the past is replayed; from now on traffic comes live, and an attack every few minutes");
}

void Service::Impl::use_model(const DetectSetup& setup) {
  recorder.set_model(setup.model_ptr(), setup.calibration().names());
  state.model.set(view_of(setup, options.detect.model));
  models.set({options.detect.model, options.training.configured_model});
}

void Service::Impl::run() {
  notify.send("READY=1\nSTATUS=collecting");
  state.not_ready.set(catching_up ? std::vector<std::string>{"the demo's past is being replayed"}
                                  : std::vector<std::string>{});
  collector->run();
  notify.send("STOPPING=1");
  state.not_ready.set({"stopping"});
  state.mailbox.close();
  desk.stop(kAlertGrace_ms);
  if (rows) rows->finish(kRowGrace_ms);
}

// Steps -----------------------------------------------------------------------------------------------------------------

void Service::Impl::flows(std::span<const flow::Flow> flows) {
  recorder.flows(flows, !collector || collector->shed().keep(Shed::kHistoryDetail, flows.size()));
}

void Service::Impl::frame(const series::NodeKey& node, int64_t step, std::span<const float> frame) {
  if (stopped) return;
  if (auto* detector = collector ? collector->detector() : nullptr)
    recovery.before_step(detector->stream(), step);
  recorder.frame(node, step, frame);
}

void Service::Impl::step_closed(int64_t step, int64_t cost_ms) {
  if (stopped) return;
  const int64_t end = (step + 1) * state.info.step_ms;
  const auto block = recorder.close(step, source_ms() - end, cost_ms);
  std::array<uint64_t, 10> warmth{};
  for (const auto positions : block->positions) {
    const auto window = static_cast<uint64_t>(std::max<int64_t>(1, block->layout->window));
    ++warmth[std::min<uint64_t>(9, uint64_t{positions} * 9 / window)];
  }
  state.warmth.set(warmth);
  state.next_totals.set(recorder.next_totals());
  state.coverage.set(recorder.coverage());
  state.history.add(block);
  if (catching_up) writer.wait_for_room();
  writer.add(block);
  if (rows) {
    if (catching_up || collector->live() == nullptr) rows->wait_for_room();  // a topic waits, sockets do not
    rows->add(block);
  }
  const auto live = state.live.get();
  state.events.publish("step",
                       dump({{"time_ms", block->time_ms},
                             {"step_ms", state.info.step_ms},
                             {"nodes", block->nodes()},
                             {"lag_ms", block->lag_ms},
                             {"score_ms", block->score_ms < 0 ? Json(nullptr) : Json(block->score_ms)},
                             {"alerts_open", live ? live->detection.open_alerts : 0},
                             {"totals", totals_json(block->totals)},
                             {"forecast", next_json(recorder.next_totals(), end)}}));
}

void Service::Impl::tick(Collector& c) {
  state.ahead_ms = c.ahead_ms();
  state.mailbox.answer(c);
  watch_catching_up();
  if (const auto model = trainer.take_finished()) take_trained(*model);
  const auto now = SteadyClock::now();
  if (now >= next_view) {
    next_view = now + kViewEvery;
    publish_view();
  }
  if (now >= next_tick) {
    if (c.shed().keep(Shed::kOpenStep, 1)) look_at_open_step(c, now);
    const auto took = std::chrono::ceil<milliseconds>(SteadyClock::now() - now);
    next_tick = now + std::max(milliseconds(options.tick_ms), kLookShare * took);
  }
  notify.beat(now);
}

void Service::Impl::look_at_open_step(Collector& c, SteadyClock::time_point now) {
  // An alert that is still to be given back would be raised again as another one.
  if (auto* detector = c.detector(); detector != nullptr && !recovery.pending())
    detector->tick(c.pipeline().builder(), source_ms());
  if (now < next_open_step) return;
  next_open_step = now + std::min(kOpenStepEvery, milliseconds(state.info.step_ms / 2));
  publish_open_step();
}

void Service::Impl::publish_view() {
  const auto before = state.live.get();
  std::vector<base::LedgerView> others;
  if (rows) others.push_back(rows->counts().rows);
  state.live.set(take_view(*collector, before.get(), state.now(), std::move(others)));
}

void Service::Impl::publish_open_step() {
  const series::OpenFrames open(collector->pipeline().builder());
  TickView view;
  view.now_ms = state.now();
  view.totals.fill(base::kNaN);
  const auto steps = open.steps();
  if (!steps.empty()) {
    view.open = true;
    view.time_ms = steps.back() * state.info.step_ms;
    open.each(steps.back(), [&](const series::NodeKey& node, const series::OpenFrames::Volumes& volumes) {
      if (node.kind != recorder.primary()) return;
      for (size_t v = 0; v < kVolumeCount; ++v) {
        if (!std::isnan(volumes[v]))
          view.totals[v] = std::isnan(view.totals[v]) ? volumes[v] : view.totals[v] + volumes[v];
      }
    });
  }
  state.tick.set(view);
  if (view.open) state.events.publish("tick", dump(tick_json(view)));
}

// Reload ----------------------------------------------------------------------------------------------------------------

// True: all of it is in force.
bool Service::Impl::apply(ServiceOptions fresh, std::string& message) {
  auto tokens = std::make_shared<const Tokens>(Tokens::load(fresh.tokens));
  http.reload_certificate();
  const auto detect_before = options.detect;
  if (auto* detector = collector->detector()) {
    if (fresh.mode == ServeMode::kCollect) throw base::Error("mode: collect needs a restart");
    options.detect = fresh.detect;
    options.detect.dry_run = fresh.mode == ServeMode::kShadow;
    if (!detector->reload()) {
      options.detect = detect_before;
      message = detector->reload_text();
      return false;
    }
    options.mode = fresh.mode;
    options.training.configured_model = fresh.training.configured_model;
    use_model(detector->setup());
    message = detector->reload_text();
  } else {
    message = "reloaded the configuration";
  }
  state.mode = static_cast<int>(options.mode);
  state.tokens.set(std::move(tokens));
  writer.set_options(history_options(fresh.history));
  desk.set_bounds(fresh.alerts);
  collector->set_store_bounds(fresh.collector.store_bounds);
  options.tick_ms = fresh.tick_ms;
  std::string restart;
  for (const auto& [key, value] : fresh.fixed) {
    const auto it = options.fixed.find(key);
    if (it != options.fixed.end() && it->second != value) restart += (restart.empty() ? "" : ", ") + key;
  }
  if (!restart.empty()) message += fmt::format("; these keys have changed and need a restart: {}", restart);
  return true;
}

void Service::Impl::reload(Collector&) {
  notify.reloading();
  bool ok = false;
  std::string message;
  try {
    ok = apply(read_again(options), message);
  } catch (const base::Error& e) {
    message = fmt::format("reload refused, what is in force stays: {}", e.what());
  }
  log("{}{}", ok ? "" : "error: ", message);
  state.events.publish("reload", dump({{"ok", ok}, {"message", message}}));
  notify.send("READY=1");
}

// Training --------------------------------------------------------------------------------------------------------------

// By the way of a reload, so that nodes, open alerts and the sample of flows stay; what does not fit is refused there.
void Service::Impl::take_trained(const std::string& model) {
  const auto before = chosen_text(options.data);
  bool ok = false;
  std::string message;
  try {
    if (collector->detector() == nullptr)
      throw base::Error("the service runs without a detector; name it in model.path, and restart");
    choose_model(options.data, model, options.training.configured_model);
    ok = apply(read_again(options), message);
  } catch (const base::Error& e) {
    message = e.what();
  }
  if (!ok) {
    try {
      restore_choice(options.data, before);
    } catch (const base::Error& e) {
      message += fmt::format("; {}", e.what());
    }
  }
  message = ok ? fmt::format("{} is in force: {}", model, message)
               : fmt::format("{} is made and not in force: {}", model, message);
  log("{}training: {}", ok ? "" : "warning: ", message);
  trainer.settle(ok, message);
}

Service::Service(ServiceOptions options, const base::StopFlag& stop, base::RequestFlag& reload)
    : impl_(std::make_unique<Impl>(std::move(options), stop, reload)) {}

Service::~Service() = default;

void Service::run() { impl_->run(); }

}  // namespace netflowgen::serve

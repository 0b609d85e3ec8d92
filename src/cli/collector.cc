#include "cli/collector.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/error.h"
#include "cli/output/ledger_text.h"
#include "series/open_steps.h"

namespace netflowgen::cli {
namespace {

using std::chrono::milliseconds;

base::TimeMs now_ms() {
  return std::chrono::duration_cast<milliseconds>(std::chrono::system_clock::now().time_since_epoch())
      .count();
}

template <typename... Args>
void log(fmt::format_string<Args...> format, Args&&... args) {
  fmt::print(stderr, "{} {}\n", base::format_time(now_ms() / 1000 * 1000),
             fmt::format(format, std::forward<Args>(args)...));
  std::fflush(stderr);
}

series::StoreOptions store_options(const CollectPlan& p) {
  // Shards are written by flush() alone, where a full disk can be waited for.
  return {.step_ms = p.series.step_ms, .timezone = p.timezone, .append = true, .shard_rows = SIZE_MAX};
}

const base::LedgerView* find(const std::vector<base::LedgerView>& views, std::string_view stage) {
  for (const auto& v : views) {
    if (v.stage == stage) return &v;
  }
  return nullptr;
}

}  // namespace

Collector::Collector(const CollectPlan& plan, const Context& context)
    : plan_(plan), context_(context), writer_(plan.store, store_options(plan)), sink_(writer_) {
  if (plan.detect) {
    detector_ =
        std::make_unique<LiveDetector>(*plan.detect, sink_, [](const std::string& line) { log("{}", line); });
  }
  continue_store();
  auto live = std::make_unique<flow::LiveFlowSource>(plan.live, plan.decode, plan.state.string());
  live_ = live.get();
  source_ = flow::anonymized(flow::deduplicated(std::move(live), plan.dedup), plan.anonymize);
  next_flush_ = Clock::now() + milliseconds(plan.flush_ms);
  next_log_ = Clock::now() + milliseconds(plan.log_ms);
}

// What the last run had open when it stopped comes back out of the store and goes on.
void Collector::continue_store() {
  series::SeriesOptions options = plan_.series;
  resumed_ = base::fs::exists(plan_.open_steps) && series::is_store(plan_.store);
  if (resumed_) {
    const auto place = series::OpenSteps::place(plan_.open_steps, options.step_ms);
    const auto& info = writer_.info();
    const bool untouched = info.runs.size() == place.runs + 1;  // this run's is there already
    if (untouched && info.shards.size() > place.shards) {
      writer_.take_back(place.shards, series::OpenSteps::first_step(plan_.open_steps));
    }
  }
  if (!writer_.info().shards.empty()) options.closed_before = writer_.info().end_step;
  series::FrameSink& sink = detector_ ? static_cast<series::FrameSink&>(*detector_) : sink_;
  builder_ = std::make_unique<series::SeriesBuilder>(options, sink);
  if (resumed_) series::OpenSteps::load(*builder_, plan_.open_steps);
}

void Collector::say_start() const {
  for (const auto& s : live_->sockets().sockets()) {
    log("listening on {} (port {}), receive buffer {} KiB", s.address, s.port, s.receive_buffer / 1024);
    if (s.receive_buffer < plan_.live.receive_buffer) {
      log("warning: the kernel granted {} of {} KiB: sysctl -w net.core.rmem_max={}, or give the program "
          "CAP_NET_ADMIN",
          s.receive_buffer / 1024, plan_.live.receive_buffer / 1024, plan_.live.receive_buffer);
    }
  }
  const auto frames = builder_->frame_ledger();
  if (frames.held > 0) log("continuing {} frames of steps that were open", frames.held);
  if (detector_) detector_->say_start();
}

void Collector::run() {
  if (!context_.quiet) say_start();
  std::vector<flow::Flow> flows(4096);
  while (true) {
    if (context_.stop.requested()) live_->stop();
    const size_t n = source_->read(flows);
    if (n > 0 && detector_) detector_->flows({flows.data(), n});
    if (n > 0) builder_->add({flows.data(), n});
    if (n == 0 && !source_->waiting()) break;
    // Time goes on with what was received, so that a backlog is not late; with the clock when there is none.
    if (const auto time = source_->time()) builder_->advance(*time);
    tick();
  }
  finish();
}

void Collector::tick() {
  if (detector_) detector_->deliver();
  const auto now = Clock::now();
  if (now >= next_log_) {
    next_log_ = now + milliseconds(plan_.log_ms);
    if (!context_.quiet) log_line();
    warn_of_delays();
    write_books();
  }
  if (now < next_flush_) return;
  next_flush_ = now + milliseconds(plan_.flush_ms);
  try {
    flush();
  } catch (const base::Error& e) {
    log("error: {}; what is not written is kept, the next try is in {} s", e.what(), plan_.flush_ms / 1000);
  }
}

// The store up to the last closed step, then the templates; the open steps of the last run are then history.
void Collector::flush() {
  writer_.cover(builder_->first_step(), std::min(builder_->end_step(), builder_->oldest_open()));
  writer_.set_counts(series::to_counts(ledgers()));
  writer_.flush();
  live_->decoder()->save(plan_.state);
  if (resumed_) base::fs::remove(plan_.open_steps);
  resumed_ = false;
  if (detector_) detector_->save();
}

std::vector<base::LedgerView> Collector::ledgers() const {
  auto views = source_->ledgers();
  views.push_back(builder_->flow_ledger());
  views.back().stage = "series flows";
  views.push_back(builder_->frame_ledger());
  if (detector_) {
    for (auto& view : detector_->ledgers()) views.push_back(std::move(view));
  }
  return views;
}

void Collector::write_books() const {
  nlohmann::json j{{"time", base::format_time(now_ms())}, {"stages", ledgers_json(ledgers())}};
  j["sockets"] = nlohmann::json::array();
  for (const auto& s : live_->sockets().sockets()) {
    j["sockets"].push_back({{"address", s.address}, {"port", s.port}, {"receive_buffer", s.receive_buffer}});
  }
  j["exporters"] = nlohmann::json::array();
  for (const auto& r : live_->decoder()->exporters()) j["exporters"].push_back(exporter_json(r));
  try {
    base::write_file(plan_.books, j.dump(1) + "\n");
  } catch (const base::Error& e) {
    log("error: {}", e.what());
  }
}

void Collector::log_line() {
  const auto views = ledgers();
  const auto* sockets = find(views, "sockets");
  const auto* flows = find(views, "series flows");
  const double seconds = static_cast<double>(plan_.log_ms) / 1000;
  uint64_t lost = 0;
  const auto exporters = live_->decoder()->exporters();
  for (const auto& e : exporters) {
    for (const auto& s : e.sequences) lost += s.lost;
  }
  log("{} packets ({:.0f}/s), {} flows ({:.0f}/s), {} exporters, lost on the way {} (by sequence), dropped "
      "by the kernel "
      "{}, waiting {} KiB, {} frames written, {} open",
      sockets->in, static_cast<double>(sockets->in - logged_packets_) / seconds, flows->in,
      static_cast<double>(flows->in - logged_flows_) / seconds, exporters.size(), lost, sockets->dropped(),
      live_->queued_bytes() / 1024, writer_.frames(), builder_->frame_ledger().held);
  if (sockets->dropped() > logged_kernel_drops_) {
    log("warning: the kernel dropped {} packets: raise --receive-buffer and net.core.rmem_max, or --sockets",
        sockets->dropped() - logged_kernel_drops_);
  }
  if (detector_) log("{}", detector_->status());
  logged_packets_ = sockets->in;
  logged_flows_ = flows->in;
  logged_kernel_drops_ = sockets->dropped();
}

// An exporter that reports later than --lateness allows moves traffic into later steps: said once.
void Collector::warn_of_delays() {
  for (const auto& e : live_->decoder()->exporters()) {
    const auto active = e.timeouts.active_ms ? e.timeouts.active_ms : e.timeouts.announced_active_ms;
    const auto inactive = e.timeouts.inactive_ms ? e.timeouts.inactive_ms : e.timeouts.announced_inactive_ms;
    const int64_t delay = active.value_or(0) + inactive.value_or(0);
    if (delay <= plan_.series.lateness_ms || !warned_.insert(e.exporter).second) continue;
    log("warning: exporter {} reports flows up to {} s late (active time-out {} s, inactive {} s), more than "
        "--lateness "
        "{} s: lower its time-outs or raise --lateness",
        e.exporter.to_string(), delay / 1000, active.value_or(0) / 1000, inactive.value_or(0) / 1000,
        plan_.series.lateness_ms / 1000);
  }
}

// The open steps go to the store too, so that it is whole; and beside it as they are, so that the next run can take
// them back and go on.
void Collector::finish() {
  flush();
  if (detector_) detector_->stop();
  const series::OpenStepsPlace place{writer_.info().shards.size(), writer_.info().runs.size()};
  series::OpenSteps::save(*builder_, place, plan_.open_steps);
  builder_->finish();
  writer_.cover(builder_->first_step(), builder_->end_step());
  writer_.set_counts(series::to_counts(ledgers()));
  writer_.flush();
  write_books();
  if (detector_) detector_->finish();  // last: when it fails, nothing else is lost
  if (context_.quiet) return;
  fmt::print(stderr, "{}{}", ledger_table(ledgers()), notes_text(live_->decoder()->notes()));
  log("stopped: {} holds {} frames in {} shards", plan_.store.string(), writer_.info().rows(),
      writer_.info().shards.size());
}

}  // namespace netflowgen::cli

// What the collector reports of itself: lines of the log, counters as a file, warnings.
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "flow/kafka/kafka_source.h"
#include "serve/collector.h"
#include "serve/fleet/frame_publisher.h"
#include "serve/ledger_text.h"
#include "serve/log.h"

namespace netflowgen::serve {
namespace {

const base::LedgerView* find(const std::vector<base::LedgerView>& views, std::string_view stage) {
  for (const auto& v : views) {
    if (v.stage == stage) return &v;
  }
  return nullptr;
}

}  // namespace

uint64_t Collector::kernel_drops() const {
  for (const auto& [reason, count] : live_->sockets().ledger().drops) {
    if (reason == name_of(flow::SocketDrop::kKernelFull)) return count;
  }
  return 0;
}

void Collector::write_counters() const {
  nlohmann::json j{{"time", base::format_time(now_ms())}, {"stages", ledgers_json(ledgers())}};
  j["sockets"] = nlohmann::json::array();
  j["exporters"] = nlohmann::json::array();
  if (live_ != nullptr) {
    for (const auto& s : live_->sockets().sockets())
      j["sockets"].push_back(
          {{"address", s.address}, {"port", s.port}, {"receive_buffer", s.receive_buffer}});
    for (const auto& r : live_->decoder()->exporters()) j["exporters"].push_back(exporter_json(r));
  }
  try {
    base::write_file(options_.counters, j.dump(1) + "\n");
  } catch (const base::Error& e) {
    log("error: {}", e.what());
  }
}

void Collector::log_topic_line() {
  const auto views = ledgers();
  const auto* records = find(views, "kafka records");
  const auto* flows = find(views, "series flows");
  const double seconds = static_cast<double>(options_.log_ms) / 1000;
  log("{} records ({:.0f}/s), {} flows ({:.0f}/s), {} frames written, {} open", records->in,
      static_cast<double>(records->in - logged_packets_) / seconds, flows->in,
      static_cast<double>(flows->in - logged_flows_) / seconds, writer_.frames(),
      pipeline_->builder().frame_ledger().held);
  if (detector_) log("{}", detector_->status());
  if (publisher_) log("{}", publisher_->status());
  logged_packets_ = records->in;
  logged_flows_ = flows->in;
}

void Collector::log_line() {
  if (topic_ != nullptr) return log_topic_line();
  const auto views = ledgers();
  const auto* sockets = find(views, "sockets");
  const auto* flows = find(views, "series flows");
  const double seconds = static_cast<double>(options_.log_ms) / 1000;
  uint64_t lost = 0;
  const auto exporters = live_->decoder()->exporters();
  for (const auto& e : exporters) {
    for (const auto& s : e.sequences) lost += s.lost;
  }
  log("{} packets ({:.0f}/s), {} flows ({:.0f}/s), {} exporters, lost in transit {} (by sequence), dropped "
      "by the kernel "
      "{}, waiting {} KiB, {} frames written, {} open",
      sockets->in, static_cast<double>(sockets->in - logged_packets_) / seconds, flows->in,
      static_cast<double>(flows->in - logged_flows_) / seconds, exporters.size(), lost, kernel_drops(),
      live_->queued_bytes() / 1024, writer_.frames(), pipeline_->builder().frame_ledger().held);
  if (kernel_drops() > logged_kernel_drops_) {
    log("warning: the kernel dropped {} packets: raise --receive-buffer and net.core.rmem_max, or --sockets",
        kernel_drops() - logged_kernel_drops_);
  }
  if (detector_) log("{}", detector_->status());
  if (publisher_) log("{}", publisher_->status());
  logged_packets_ = sockets->in;
  logged_flows_ = flows->in;
  logged_kernel_drops_ = kernel_drops();
}

// An exporter that reports later than --lateness allows moves traffic into later steps: logged once.
void Collector::warn_of_delays() {
  if (live_ == nullptr) return;
  for (const auto& e : live_->decoder()->exporters()) {
    const auto active = e.timeouts.active_ms ? e.timeouts.active_ms : e.timeouts.announced_active_ms;
    const auto inactive = e.timeouts.inactive_ms ? e.timeouts.inactive_ms : e.timeouts.announced_inactive_ms;
    const int64_t delay = active.value_or(0) + inactive.value_or(0);
    if (delay <= options_.series.lateness_ms || !warned_.insert(e.exporter).second) continue;
    log("warning: exporter {} reports flows up to {} s late (active time-out {} s, inactive {} s), more than "
        "--lateness "
        "{} s: lower its time-outs or raise --lateness",
        e.exporter.to_string(), delay / 1000, active.value_or(0) / 1000, inactive.value_or(0) / 1000,
        options_.series.lateness_ms / 1000);
  }
}

// What the source reports of its exporters: each is logged once.
void Collector::warn_of_exporters() {
  for (const auto& w : pipeline_->source().warnings()) {
    if (w.about != flow::kClockAhead && told_.insert(w.about).second) log("warning: {}", w.text);
  }
}

}  // namespace netflowgen::serve

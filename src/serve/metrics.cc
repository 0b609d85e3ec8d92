#include "serve/metrics.h"

#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmath>
#include <fstream>

#include "serve/log.h"

namespace netflowgen::serve {
namespace {

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\\' || c == '"') out += '\\';
    if (c == '\n') {
      out += "\\n";
    } else {
      out += c;
    }
  }
  return out;
}

std::string value_text(double x) {
  if (std::isnan(x)) return "NaN";
  return x == std::floor(x) && std::abs(x) < 1e15 ? fmt::format("{:.0f}", x) : fmt::format("{:.9g}", x);
}

// Families one after another, each with its samples.
class Text {
 public:
  void family(std::string_view name, std::string_view type, std::string_view help) {
    name_ = name;
    text_ += fmt::format("# HELP netflowgen_{} {}\n# TYPE netflowgen_{} {}\n", name, help, name, type);
  }
  void sample(double value,
              std::initializer_list<std::pair<std::string_view, std::string_view>> labels = {}) {
    text_ += "netflowgen_" + name_;
    const char* separator = "{";
    for (const auto& [key, label] : labels) {
      text_ += fmt::format("{}{}=\"{}\"", separator, key, escaped(label));
      separator = ",";
    }
    if (labels.size() > 0) text_ += "}";
    text_ += " " + value_text(value) + "\n";
  }
  void one(std::string_view name, std::string_view type, std::string_view help, double value) {
    family(name, type, help);
    sample(value);
  }
  void one(std::string_view name, std::string_view type, std::string_view help, uint64_t value) {
    one(name, type, help, static_cast<double>(value));
  }
  std::string take() { return std::move(text_); }

 private:
  std::string name_;
  std::string text_;
};

double resident_bytes() {
  std::ifstream file("/proc/self/statm");
  double total = 0;
  double resident = 0;
  file >> total >> resident;
  return resident * static_cast<double>(::sysconf(_SC_PAGESIZE));
}

double cpu_seconds() {
  rusage u{};
  ::getrusage(RUSAGE_SELF, &u);
  return static_cast<double>(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
         static_cast<double>(u.ru_utime.tv_usec + u.ru_stime.tv_usec) * 1e-6;
}

// `exporter` "": of the whole process.
void ledger(Text& out, std::string_view exporter, const base::LedgerView& l, int part) {
  const auto sample = [&](double x) { out.sample(x, {{"exporter", exporter}, {"stage", l.stage}}); };
  if (part == 0) sample(static_cast<double>(l.in));
  if (part == 1) sample(static_cast<double>(l.out));
  if (part == 2) sample(static_cast<double>(l.held));
  if (part != 3) return;
  for (const auto& [reason, count] : l.drops) {
    out.sample(static_cast<double>(count), {{"exporter", exporter}, {"stage", l.stage}, {"reason", reason}});
  }
}

void ledgers(Text& out, const LiveView& v) {
  struct Part {
    const char* name;
    const char* type;
    const char* help;
  };
  constexpr Part kParts[] = {
      {"stage_in_total", "counter", "What entered a stage; exporter \"\" is the whole process."},
      {"stage_out_total", "counter", "What left a stage."},
      {"stage_held", "gauge", "What a stage holds."},
      {"stage_dropped_total", "counter", "What a stage dropped, by reason."}};
  for (int p = 0; p < 4; ++p) {
    out.family(kParts[p].name, kParts[p].type, kParts[p].help);
    for (const auto& l : v.ledgers) ledger(out, "", l, p);
    for (const auto& e : v.exporters) {
      for (const auto& l : e.report.ledgers) ledger(out, e.report.exporter.to_string(), l, p);
    }
  }
}

void exporters(Text& out, const ServiceState& state, const LiveView& v) {
  const auto each = [&](std::string_view name, std::string_view type, std::string_view help,
                        const auto& value) {
    out.family(name, type, help);
    for (const auto& e : v.exporters) out.sample(value(e), {{"exporter", e.report.exporter.to_string()}});
  };
  each("exporter_lost_total", "counter", "Lost in transit, by sequence numbers.", [](const ExporterView& e) {
    uint64_t lost = 0;
    for (const auto& s : e.report.sequences) lost += s.lost;
    return static_cast<double>(lost);
  });
  each("exporter_clock_skew_seconds", "gauge", "Export time less receipt.",
       [](const ExporterView& e) { return static_cast<double>(e.report.clock_skew_ms) / 1000; });
  each("exporter_templates", "gauge", "Templates known.",
       [](const ExporterView& e) { return static_cast<double>(e.report.templates); });
  each("exporter_last_seen_seconds", "gauge", "Unix time of the last packets; 0: not since the start.",
       [&](const ExporterView& e) {
         return e.last_ms == 0 ? 0 : static_cast<double>(e.last_ms - state.ahead_ms) / 1000;
       });
}

void steps(Text& out, const ServiceState& state, const LiveView& v) {
  const auto block = state.history.latest();
  const double nan = std::nan("");
  out.one("step_lag_seconds", "gauge", "After its end, when the last step was closed and scored.",
          block ? static_cast<double>(block->lag_ms) / 1000 : nan);
  out.one("step_score_seconds", "gauge", "What closing and scoring the last step took.",
          block && block->score_ms >= 0 ? static_cast<double>(block->score_ms) / 1000 : nan);
  out.one("step_last_seconds", "gauge", "When the last closed step began, by the machine's clock.",
          block ? static_cast<double>(block->time_ms - state.ahead_ms) / 1000 : nan);
  out.one("clock_ahead_seconds", "gauge",
          "Times of steps and alerts less the machine's clock, which was put back.",
          static_cast<double>(state.ahead_ms) / 1000);
  out.one("step_nodes", "gauge", "Nodes with traffic in the last step.",
          block ? static_cast<double>(block->nodes()) : nan);
  out.one("frames_open", "gauge", "Frames of steps that are open.", v.frames_open);
  out.one("queue_bytes", "gauge", "Packets received and not yet decoded.", v.queue_bytes);
  out.one("nodes_known", "gauge", "Nodes that the model has a state of.", v.detection.nodes);
  out.one("nodes_warm", "gauge", "Nodes of the last step whose window is nearly full.",
          state.warmth.get()[9]);
  out.one("alerts_open", "gauge", "Alerts that are open.", v.detection.open_alerts);
}

void model(Text& out, const ServiceState& state) {
  const auto m = state.model.get();
  out.one("model_loaded", "gauge", "1: there is a model.", m ? 1.0 : 0.0);
  if (!m) return;
  out.one("model_age_seconds", "gauge", "Since the model's files were written.",
          m->trained_ms > 0 ? static_cast<double>(now_ms() - m->trained_ms) / 1000 : std::nan(""));
  const Coverage c = state.coverage.get();
  out.family("forecast_coverage", "gauge",
             "Of the last day's values, the share at or below the forecast's quantile.");
  constexpr std::string_view kNames[] = {"low", "middle", "high"};
  for (size_t f = 0; f < kVolumeCount; ++f) {
    if (c.values[f] == 0) continue;
    for (size_t q = 0; q < kQuantiles; ++q) {
      out.sample(
          static_cast<double>(c.at_or_below[f][q]) / static_cast<double>(c.values[f]),
          {{"feature", series::kFeatures[static_cast<size_t>(kVolumes[f])].name}, {"quantile", kNames[q]}});
    }
  }
}

void outputs(Text& out, const std::vector<OutputCounts>& all) {
  const auto each = [&](std::string_view name, std::string_view type, std::string_view help,
                        uint64_t OutputCounts::*count) {
    out.family(name, type, help);
    for (const auto& o : all) out.sample(static_cast<double>(o.*count), {{"output", o.name}});
  };
  each("output_sent_total", "counter", "Records that an output's target took.", &OutputCounts::sent);
  each("output_failures_total", "counter", "Attempts that failed and are made again.",
       &OutputCounts::failures);
  each("output_refused_total", "counter", "Records that the target refused.", &OutputCounts::refused);
  each("output_expired_total", "counter", "Records that were given up for their age.",
       &OutputCounts::expired);
  each("output_waiting", "gauge", "Records that wait in memory.", &OutputCounts::waiting);
}

// Their ledger is with those of the stages.
void rows(Text& out, const RowCounts& counts) {
  out.one("clickhouse_failures_total", "counter", "Inserts that failed and are made again.", counts.failures);
  out.one("clickhouse_queue_bytes", "gauge", "Rows that wait for the server.", counts.queue_bytes);
  out.one("clickhouse_up", "gauge", "0: the last insert failed.", counts.problem.empty() ? 1.0 : 0.0);
}

}  // namespace

std::string metrics_text(const ServiceState& state, const ServiceCounts& counts) {
  const auto live = state.live.get();
  const LiveView none;
  const LiveView& v = live ? *live : none;
  Text out;
  out.family("build_info", "gauge", "Version and commit.");
  out.sample(
      1,
      {{"version", state.info.version}, {"commit", state.info.commit}, {"mode", kModes[state.mode.load()]}});
  out.one("start_time_seconds", "gauge", "Unix time of the start.",
          static_cast<double>(state.info.started_ms) / 1000);
  out.one("resident_memory_bytes", "gauge", "Memory of the process.", resident_bytes());
  out.one("cpu_seconds_total", "counter", "CPU time of the process.", cpu_seconds());
  ledgers(out, v);
  exporters(out, state, v);
  steps(out, state, v);
  model(out, state);
  out.one("alert_records_total", "counter", "Records of alerts and incidents.", counts.desk.posted);
  out.one("alert_records_written_total", "counter", "Of them, those in alerts.db.", counts.desk.written);
  out.one("alert_records_waiting", "gauge", "Of them, those that wait to be written.", counts.desk.waiting);
  out.one("alert_records_dropped_total", "counter", "Of them, those that were given up.",
          counts.desk.dropped);
  out.one("alerts_removed_total", "counter", "Ended alerts and incidents removed by the bounds.",
          counts.desk.removed);
  out.one("store_removed_frames_total", "counter", "Frames removed from the series store by its bounds.",
          v.store_removed);
  outputs(out, counts.outputs);
  if (counts.rows) rows(out, *counts.rows);
  out.one("history_steps_total", "counter", "Steps written to history.db.", counts.history.written);
  out.one("history_dropped_total", "counter", "Steps that were not.", counts.history.dropped);
  out.one("history_disk_bytes", "gauge", "Size of history.db.", static_cast<double>(counts.history.bytes));
  out.one("history_memory_bytes", "gauge", "Steps in memory.", state.history.bytes());
  out.one("http_connections", "gauge", "Open connections.", counts.http.connections);
  out.one("http_streams", "gauge", "Of them, streams of events.", uint64_t{counts.streams});
  out.one("http_requests_total", "counter", "Requests.", counts.http.requests);
  out.one("http_refused_total", "counter", "Connections beyond the bounds.", counts.http.refused);
  out.one("http_timeouts_total", "counter", "Connections that were too slow.", counts.http.timeouts);
  out.one("http_bad_total", "counter", "Requests that were not HTTP or too large.", counts.http.bad);
  return out.take();
}

}  // namespace netflowgen::serve

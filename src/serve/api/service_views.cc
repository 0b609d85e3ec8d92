// GET /api/v1/exporters and /model.
#include <algorithm>
#include <cmath>

#include "serve/api/json.h"

namespace netflowgen::serve {
namespace {

Json optional(const std::optional<int64_t>& x) { return x ? Json(*x) : Json(nullptr); }

Json ledgers(std::span<const base::LedgerView> views) {
  Json list = Json::array();
  for (const auto& l : views) {
    Json drops = Json::object();
    for (const auto& [reason, count] : l.drops) drops[std::string(reason)] = count;
    list.push_back({{"stage", l.stage}, {"in", l.in}, {"out", l.out}, {"held", l.held}, {"drops", drops}});
  }
  return list;
}

Json sampling(std::span<const flow::SamplingReport> rates) {
  Json list = Json::array();
  for (const auto& s : rates) list.push_back({{"rate", s.rate}, {"source", name_of(s.source)}});
  return list;
}

Json exporter(const ExporterView& e) {
  const auto& r = e.report;
  uint64_t lost = 0;
  uint64_t received = 0;
  Json sequences = Json::array();
  for (const auto& s : r.sequences) {
    lost += s.lost;
    received += s.received;
    sequences.push_back({{"version", s.version},
                         {"unit", s.unit},
                         {"domain", s.domain},
                         {"received", s.received},
                         {"lost", s.lost},
                         {"reordered", s.reordered},
                         {"duplicates", s.duplicates},
                         {"resets", s.resets}});
  }
  Json notes = Json::object();
  for (const auto& [name, count] : r.notes) notes[std::string(name)] = count;
  const double all = static_cast<double>(lost + received);
  return {{"exporter", r.exporter.to_string()},
          {"packets_per_second", number(e.packets_per_second)},
          {"flows_per_second", number(e.flows_per_second)},
          {"last_ms", time_or_null(e.last_ms)},
          {"lost", lost},
          {"received", received},
          {"loss", number(all > 0 ? static_cast<double>(lost) / all : std::nan(""))},
          {"templates", r.templates},
          {"clock_skew_ms", r.clock_skew_ms},
          {"timeouts",
           {{"active_ms", optional(r.timeouts.active_ms)},
            {"inactive_ms", optional(r.timeouts.inactive_ms)},
            {"announced_active_ms", optional(r.timeouts.announced_active_ms)},
            {"announced_inactive_ms", optional(r.timeouts.announced_inactive_ms)}}},
          {"sampling", sampling(r.sampling)},
          {"sequences", sequences},
          {"notes", notes},
          {"ledgers", ledgers(r.ledgers)}};
}

Json task(const detect::TaskCalibration& t) {
  Json thresholds = Json::array();
  for (const auto& x : t.thresholds) {
    const auto off = detect::threshold_for(t.thresholds, x.false_alarms).off;
    thresholds.push_back({{"rate", number(x.false_alarms)},
                          {"on", number(static_cast<double>(x.threshold))},
                          {"off", number(static_cast<double>(off))},
                          {"extrapolated", x.extrapolated}});
  }
  return {{"name", t.name},           {"score", t.score},
          {"enabled", t.enabled},     {"default_rate", number(t.default_rate)},
          {"in_sample", t.in_sample}, {"from_ms", t.from_ms},
          {"to_ms", t.to_ms},         {"node_days", number(t.node_days)},
          {"thresholds", thresholds}};
}

Json coverage_json(const Coverage& c) {
  Json list = Json::array();
  for (size_t v = 0; v < kVolumeCount; ++v) {
    if (c.values[v] == 0) continue;
    const auto share = [&](size_t q) {
      return number(static_cast<double>(c.at_or_below[v][q]) / static_cast<double>(c.values[v]));
    };
    list.push_back({{"feature", series::kFeatures[static_cast<size_t>(kVolumes[v])].name},
                    {"low", share(kLow)},
                    {"middle", share(kMiddle)},
                    {"high", share(kHigh)},
                    {"values", c.values[v]}});
  }
  return list;
}

}  // namespace

Json exporters_json(const ServiceState& state) {
  const auto live = state.live.get();
  const LiveView none;
  const LiveView& v = live ? *live : none;
  Json exporters = Json::array();
  for (const auto& e : v.exporters) exporters.push_back(exporter(e));
  Json sockets = Json::array();
  for (const auto& s : v.sockets) {
    sockets.push_back({{"address", s.address}, {"port", s.port}, {"receive_buffer", s.receive_buffer}});
  }
  return {{"exporters", exporters},
          {"ledgers", ledgers(v.ledgers)},
          {"sockets", sockets},
          {"warnings", v.warnings}};
}

Json model_json(const ServiceState& state) {
  const auto model = state.model.get();
  if (!model) return {{"loaded", false}};
  const auto& spec = model->model->spec();
  const auto live = state.live.get();
  const auto warmth = state.warmth.get();
  Json tasks = Json::array();
  for (const auto& t : model->calibration.tasks) tasks.push_back(task(t));
  const uint64_t fitted = model->calibration.nodes.count;
  return {{"loaded", true},
          {"path", model->path},
          {"loaded_ms", model->loaded_ms},
          {"trained_ms", time_or_null(model->trained_ms)},
          {"card", model->card},
          {"size", spec.size},
          {"parameters", model->parameters},
          {"window", spec.window},
          {"step_ms", spec.input.step_ms},
          {"quantiles", numbers(spec.quantiles)},
          {"fitted_nodes", fitted > 0 ? Json(fitted) : Json(nullptr)},
          {"nodes", {{"known", live ? live->detection.nodes : 0}, {"warm", warmth[9]}}},
          {"warmth", warmth},
          {"tasks", tasks},
          {"coverage", coverage_json(state.coverage.get())}};
}

}  // namespace netflowgen::serve

// GET /api/v1/overview, /features.
#include <algorithm>
#include <cmath>
#include <map>

#include "serve/api/json.h"
#include "serve/load_shed.h"
#include "serve/log.h"

namespace netflowgen::serve {
namespace {

constexpr int64_t kUsualSpan_ms = base::kHourMs;
constexpr size_t kAlerts = 20;
constexpr size_t kSurprising = 10;

// By time: of memory where it is there, else of the disk.
std::map<base::TimeMs, TotalsRow> totals_of(const ServiceState& state, const TimeRange& range,
                                            Resolution resolution) {
  std::map<base::TimeMs, TotalsRow> rows;
  for (auto& row : state.reader.totals(resolution, range.from_ms, range.to_ms)) rows[row.time_ms] = row;
  if (resolution != Resolution::kStep) return rows;
  for (const auto& block : state.history.between(range.from_ms, range.to_ms)) {
    rows[block->time_ms] = {block->time_ms, block->totals, block->totals_forecast};
  }
  return rows;
}

Json network(const std::map<base::TimeMs, TotalsRow>& rows) {
  Json list = Json::array();
  for (size_t v = 0; v < kVolumeCount; ++v) {
    std::vector<float> values;
    std::vector<Fan> fans;
    for (const auto& [time, row] : rows) {
      values.push_back(row.totals[v]);
      fans.push_back(row.forecast[v]);
    }
    list.push_back(feature_series(kVolumes[v], values, fans));
  }
  return list;
}

Json surprising(const StepBlock& block) {
  Json list = Json::array();
  if (block.bits.empty()) return list;
  std::vector<size_t> rows;
  for (size_t i = 0; i < block.nodes(); ++i) {
    if (!std::isnan(block.bits[i])) rows.push_back(i);
  }
  const size_t n = std::min(kSurprising, rows.size());
  std::partial_sort(
      rows.begin(), rows.begin() + static_cast<std::ptrdiff_t>(n), rows.end(),
      [&](size_t a, size_t b) { return std::pair(block.bits[a], b) > std::pair(block.bits[b], a); });
  const size_t targets = block.layout->target_features.size();
  for (size_t i = 0; i < n; ++i) {
    const size_t row = rows[i];
    size_t best = SIZE_MAX;
    for (size_t t = 0; t < targets; ++t) {
      const float bits = block.surprise[row * targets + t];
      if (block.layout->target_features[t] < 0 || std::isnan(bits)) continue;
      if (best == SIZE_MAX || bits > block.surprise[row * targets + best]) best = t;
    }
    const auto frame = block.frame(row);
    const bool some = best != SIZE_MAX;
    const auto feature = some ? static_cast<size_t>(block.layout->target_features[best]) : 0;
    list.push_back({{"node", series::name_of(block.keys[row])},
                    {"kind", kind_name(block.keys[row].kind)},
                    {"bits", number(static_cast<double>(block.bits[row]))},
                    {"bytes_in", number(static_cast<double>(frame[series::kBytesIn]))},
                    {"bytes_out", number(static_cast<double>(frame[series::kBytesOut]))},
                    {"driver", some ? Json(series::kFeatures[feature].name) : Json(nullptr)},
                    {"driver_bits", some ? number(static_cast<double>(block.surprise[row * targets + best]))
                                         : Json(nullptr)}});
  }
  return list;
}

Json alerts(const ServiceState& state) {
  AlertFilter filter;
  filter.open_first = true;
  filter.limit = kAlerts;
  size_t total = 0;
  Json latest = Json::array();
  for (const auto& row : state.alerts.alerts(filter, total)) latest.push_back(alert_summary(row));
  const auto open = state.alerts.open_by_severity();
  return {{"open", open[0] + open[1] + open[2] + open[3]},
          {"by_severity", {{"low", open[0]}, {"medium", open[1]}, {"high", open[2]}, {"critical", open[3]}}},
          {"latest", latest}};
}

}  // namespace

Json health_json(const ServiceState& state) {
  const auto live = state.live.get();
  const auto block = state.history.latest();
  const LiveView none;
  const LiveView& v = live ? *live : none;
  struct Dropped {
    std::string stage;
    std::string reason;
    uint64_t count;
  };
  std::vector<Dropped> drops;
  bool balanced = true;
  for (const auto& l : v.ledgers) {
    balanced &= l.balanced();
    for (const auto& [reason, count] : l.drops) drops.push_back({l.stage, std::string(reason), count});
  }
  std::stable_sort(drops.begin(), drops.end(),
                   [](const Dropped& a, const Dropped& b) { return a.count > b.count; });
  Json list = Json::array();
  for (const auto& d : drops) list.push_back({{"stage", d.stage}, {"reason", d.reason}, {"count", d.count}});
  return {{"balanced", balanced},
          {"exporters", v.exporters.size()},
          {"packets_per_second", number(v.packets_per_second)},
          {"flows_per_second", number(v.flows_per_second)},
          {"lost_in_transit", v.lost_in_transit},
          {"kernel_drops", v.kernel_drops},
          {"drops", list},
          {"queue_bytes", v.queue_bytes},
          {"shed", v.shed.empty() ? name_of(Shed::kNothing) : v.shed},
          {"shed_since_ms", time_or_null(v.shed_ms)},
          {"step_lag_ms", block ? Json(block->lag_ms) : Json(nullptr)},
          {"score_ms", block && block->score_ms >= 0 ? Json(block->score_ms) : Json(nullptr)},
          {"frames_open", v.frames_open},
          {"warnings", v.warnings}};
}

Json overview_json(const ServiceState& state, const Request& r) {
  const TimeRange range = range_of(r, state.now(), kUsualSpan_ms);
  const Resolution resolution = resolution_for(state, range);
  const auto rows = totals_of(state, range, resolution);
  const auto block = state.history.latest();
  const auto tick = state.tick.get();
  const auto live = state.live.get();
  Json times = Json::array();
  for (const auto& [time, row] : rows) times.push_back(time);
  uint64_t warm = state.warmth.get()[9];
  return {{"now_ms", state.now()},
          {"resolution_ms", length_ms(resolution, state.info.step_ms)},
          {"times", times},
          {"network", network(rows)},
          {"next",
           block ? next_json(state.next_totals.get(), block->time_ms + state.info.step_ms) : Json::array()},
          {"partial", tick.open ? tick_json(tick) : Json(nullptr)},
          {"nodes",
           {{"known", live && live->detection.on ? live->detection.nodes
                      : block                    ? block->nodes()
                                                 : 0},
            {"warm", warm}}},
          {"alerts", alerts(state)},
          {"surprising", block ? surprising(*block) : Json::array()},
          {"health", health_json(state)}};
}

Json features_json(const ServiceState& state) {
  constexpr const char* kKinds[] = {"volume", "count", "quantity", "ratio", "category"};
  const auto model = state.model.get();
  std::shared_ptr<const ScoreLayout> layout;
  if (model) layout = layout_of(*model->model, {});
  Json list = Json::array();
  for (size_t f = 0; f < series::kFeatureCount; ++f) {
    bool forecast = false;
    for (size_t v = 0; v < kVolumeCount && layout && layout->quantiles > 0; ++v) {
      forecast |= kVolumes[v] == static_cast<int>(f) && layout->volume[v] >= 0;
    }
    const auto& feature = series::kFeatures[f];
    list.push_back({{"name", feature.name},
                    {"unit", feature.unit},
                    {"kind", kKinds[static_cast<size_t>(feature.kind)]},
                    {"help", feature.help},
                    {"forecast", forecast}});
  }
  return {{"features", list}};
}

}  // namespace netflowgen::serve

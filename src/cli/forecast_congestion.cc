#include "cli/forecast_congestion.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <utility>

#include "base/error.h"
#include "base/time.h"
#include "eval/congestion/congestion.h"
#include "eval/congestion/congestion_file.h"
#include "eval/congestion/threshold_history.h"
#include "series/features.h"

namespace netflowgen::cli {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

// The probability of the step, among those forecast up to `horizon`, at which passing is most likely.
double most_likely(const CongestionForecast& f, size_t origin, size_t volume, int64_t horizon,
                   double threshold) {
  double most = kNaN;
  for (size_t l = 0; l < f.leads.size(); ++l) {
    if (f.leads[l] > horizon) continue;
    most = std::fmax(
        most, eval::exceedance(f.forecast->quantiles_at(f.forecast->at(origin, volume, l)), threshold));
  }
  return most;
}

// The folder's calibration, where it is of steps as long as the table's.
std::optional<eval::CongestionCalibration> calibration_for(const std::string& model, int64_t step_ms) {
  auto c = eval::CongestionCalibration::load(model);
  if (!c || c->step_ms == step_ms) return c;
  fmt::print(stderr, "{}/{} is of steps of {} s and these are of {} s: not used\n", model,
             eval::kCongestionFile, c->step_ms / 1000, step_ms / 1000);
  return std::nullopt;
}

struct Row {
  int64_t steps = 0;
  double probability = kNaN;
};

std::vector<Row> plain_rows(const CongestionForecast& f, size_t origin, size_t volume, double threshold) {
  auto leads = f.leads;
  std::sort(leads.begin(), leads.end());
  std::vector<Row> rows;
  for (const int lead : leads) rows.push_back({lead, most_likely(f, origin, volume, lead, threshold)});
  return rows;
}

std::vector<Row> calibrated_rows(const CongestionForecast& f, size_t origin, size_t volume, double threshold,
                                 const series::FrameTable& table, const eval::CongestionCalibration& c) {
  const auto series = eval::threshold_series(table, f.origins[origin].node, f.features[volume], threshold);
  const auto now = static_cast<size_t>(f.origins[origin].step - table.first_step);
  std::vector<Row> rows;
  double before = 0;
  for (const auto& h : c.horizons) {
    double p = most_likely(f, origin, volume, h.steps, threshold);
    if (std::isnan(p)) {
      rows.push_back({h.steps, p});
      continue;
    }
    const eval::ThresholdHistory history(table, series, 0, now + 1, static_cast<size_t>(h.steps));
    const float value = series.values[now];
    p = h.calibration.apply(p, std::isnan(value) ? history.climatology() : history.walk(series, value));
    before = std::max(before, p);  // what passes within six steps passes within twelve
    rows.push_back({h.steps, before});
  }
  return rows;
}

}  // namespace

void CongestionQuestion::check(const std::string& feature, const std::string& format) const {
  if (!capacity.empty() && above > 0) throw base::UsageError("give either --capacity or --above");
  if (!capacity.empty() && std::isnan(eval::parse_capacity(capacity)))
    throw base::UsageError("--capacity {}: expected bit/s above zero, e.g. 10G", capacity);
  if (above > 0 && feature.empty())
    throw base::UsageError("--above needs --feature: the threshold is in its unit a step");
  if (asked() && format == "html")
    throw base::UsageError("probabilities of congestion have no page: use -f table or -f csv");
}

double CongestionQuestion::threshold(int feature, int64_t step_ms) const {
  if (above > 0) return above;
  if (feature != series::kBytesIn && feature != series::kBytesOut) return kNaN;
  return eval::threshold_of_capacity(eval::parse_capacity(capacity), share, step_ms);
}

void print_congestion(const CongestionQuestion& question, const series::FrameTable& table,
                      const CongestionForecast& f, bool csv) {
  const auto calibration = calibration_for(f.model, table.step_ms);
  const auto has_threshold = [&](size_t v) {
    return !std::isnan(question.threshold(f.features[v], table.step_ms));
  };
  if (std::none_of(f.volumes.begin(), f.volumes.end(), has_threshold))
    throw base::Error("a capacity is compared with bytes_in and bytes_out, which were not asked for");
  std::string text = csv ? "node,feature,unit,threshold,until,probability\n" : "";
  for (size_t i = 0; i < f.origins.size(); ++i) {
    const auto& [node, step] = f.origins[i];
    if (!csv) {
      text += fmt::format(
          "congestion of {}, seen from {} (its last active step), {}\n{:<14}{:<9}{:>12}  {:<22}{:>12}\n",
          table.nodes[node], base::format_time(step * table.step_ms),
          calibration ? "calibrated" : "as forecast, not calibrated", "feature", "unit", "threshold", "until",
          "probability");
    }
    for (const size_t v : f.volumes) {
      const auto& feature = series::kFeatures[static_cast<size_t>(f.features[v])];
      const double threshold = question.threshold(f.features[v], table.step_ms);
      if (std::isnan(threshold)) continue;
      const auto rows = calibration ? calibrated_rows(f, i, v, threshold, table, *calibration)
                                    : plain_rows(f, i, v, threshold);
      for (const Row& row : rows) {
        const std::string until = base::format_time((step + row.steps) * table.step_ms);
        const bool unknown = std::isnan(row.probability);
        const std::string p = unknown ? (csv ? "" : "-") : fmt::format("{:.4f}", row.probability);
        text += csv ? fmt::format("{},{},{},{:.6g},{},{}\n", table.nodes[node], feature.name, feature.unit,
                                  threshold, until, p)
                    : fmt::format("{:<14}{:<9}{:>12.5g}  {:<22}{:>12}\n", feature.name, feature.unit,
                                  threshold, until, p);
      }
    }
  }
  fmt::print("{}", text);
}

}  // namespace netflowgen::cli

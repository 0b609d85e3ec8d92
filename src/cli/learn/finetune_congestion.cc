#include "cli/learn/finetune_congestion.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "base/error.h"
#include "base/file.h"
#include "cli/learn/learn_options.h"
#include "eval/attacks/baselines.h"
#include "eval/congestion/congestion_eval.h"
#include "eval/congestion/congestion_file.h"
#include "series/store.h"
#include "study/finetune.h"
#include "study/forecast_models.h"

namespace netflowgen::cli {
namespace {

constexpr double kQuantile = 0.9;       // each series' own, which it passes a tenth of the time
constexpr int64_t kMostSteps = 24;      // of horizons
constexpr int64_t kMostOrigins = 2000;  // of a node

eval::CongestionOptions options_of(const series::FrameTable& table, learn::StepRange range,
                                   const std::vector<int>& leads) {
  eval::CongestionOptions o;
  const int64_t late = range.to - (range.to - range.from) / 4;
  o.train = {range.from * table.step_ms, late * table.step_ms};
  o.validation = {o.train.to_ms, range.to * table.step_ms};
  o.test = {};
  o.features = eval::volume_features(table, false);
  o.every_ms = std::max<int64_t>(1, (range.to - late) / kMostOrigins) * table.step_ms;
  o.leads.clear();
  for (const int l : leads) {
    if (l <= kMostSteps) o.leads.push_back(l);
  }
  std::sort(o.leads.begin(), o.leads.end());
  o.horizons = o.leads;
  return o;
}

}  // namespace

void run_finetune_congestion(const CongestionFinetune& a, Context& context) {
  const auto table = series::load_frames(a.store);
  auto models =
      std::make_shared<study::ForecastModels>(std::vector<std::string>{a.model}, a.device, a.threads, 0,
                                              context.stop, progress_printer(context, "walk"));
  models->check(table, {});
  const auto options =
      options_of(table, range_in(a.train, table, "--train"), models->first().spec().input.leads);
  if (options.leads.empty())
    throw base::Error("{} forecasts nothing up to {} steps ahead; pretrain with such --horizons", a.model,
                      kMostSteps);
  if (options.features.empty()) throw base::Error("{} gives no volume", a.store);
  std::vector<std::unique_ptr<eval::Forecaster>> forecasters;
  std::vector<std::unique_ptr<eval::NextStepPredictor>> unused;
  study::add_model_methods(models, false, forecasters, unused);
  const auto thresholds = eval::own_quantiles(table, options.train, kQuantile, options.features);
  const auto calibration = eval::fit_congestion(table, thresholds, options, *forecasters.front());
  study::copy_whole_model(a.model, a.out);
  base::write_file(base::fs::path(a.out) / eval::kCongestionFile, calibration.to_json());
  fmt::print("congestion: calibrated for {} horizons of up to {} steps on {} to {}; written to {}\n",
             calibration.horizons.size(), calibration.horizons.back().steps,
             base::format_time(options.validation.from_ms), base::format_time(options.validation.to_ms),
             a.out);
}

}  // namespace netflowgen::cli

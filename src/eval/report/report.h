// One self-contained HTML page: no script from elsewhere, no font, no picture, so that it opens offline and can be
// mailed. Readable in light and dark and on a phone.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "eval/attacks/ddos_eval.h"
#include "eval/forecast/forecast_eval.h"

namespace netflowgen::eval {

// A training run's curve: lines of JSON with "step", "loss" and, at evaluations, "val_loss".
struct TrainingLog {
  std::string name;
  std::vector<std::pair<double, double>> loss;  // (step, value)
  std::vector<std::pair<double, double>> validation;
};
// Lines that are not JSON or have no step are passed over (a run may be cut off in mid-line). Error: cannot be read.
TrainingLog read_training_log(const std::string& path, std::string name);

// One node's volume up to an origin, and quantiles of it at times behind that.
struct NodeFan {
  std::string feature;
  std::string unit;
  std::vector<std::pair<double, double>>
      past;                      // (ms since the epoch, value), to the origin; the features' units
  std::vector<double> times;     // ms since the epoch, ascending
  std::vector<float> quantiles;  // [times, kQuantiles]
};

struct ReportInput {
  std::string title = "NetFlowGen report";
  std::vector<std::string> facts;  // sentences under the title, e.g. that the traffic is simulated
  std::vector<TrainingLog> logs;
  const DdosResult* ddos = nullptr;  // null: no such section
  const ForecastResult* forecast = nullptr;
  std::vector<NodeFan> fans;
  size_t timelines = 40;  // incidents with a picture; the rest are listed
};

std::string report_html(const ReportInput& input);
// Atomically. Error: disk full, no permission.
void write_report(const std::string& path, const ReportInput& input);

}  // namespace netflowgen::eval

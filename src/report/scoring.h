// The model and what it finds: alerts, incidents, surprising moments. Internal to the report.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "detect/streaming_detector.h"
#include "report/report.h"

namespace netflowgen::report {

// What is read before the input: the step's length depends on it.
class Scoring {
 public:
  // Without options.model there is no model. Error: it cannot be read.
  explicit Scoring(const ReportOptions& options);

  // The step that the model was made for; 60 s without a model.
  int64_t own_step_ms() const { return own_step_ms_; }
  // Steps of any length will do.
  bool any_step() const { return any_step_; }
  // Settles the length of steps. A model that does not take it scores nothing, and the page says so.
  void take_step(int64_t step_ms);

  bool on() const { return setup_ != nullptr; }
  std::shared_ptr<const infer::Model> model() const { return on() ? setup_->model_ptr() : nullptr; }
  WatchBudget budget(size_t max_nodes) const;

  // Makes the detector, for so many nodes. Once, when on().
  detect::StreamingDetector& start(uint64_t nodes);
  // What was found; `data.outcome.ledgers` gets the detector's.
  void finish(ReportData& data) const;

 private:
  serve::DetectOptions options_;
  int64_t own_step_ms_ = 60'000;
  bool any_step_ = false;
  std::unique_ptr<serve::DetectSetup> setup_;
  std::string folder_;
  std::string why_;
  int threads_;
  size_t max_nodes_;
  std::map<std::string, detect::Alert> alerts_;  // by id, the last record
  std::map<std::string, detect::Incident> incidents_;
  std::unique_ptr<Unusual> unusual_;
  std::unique_ptr<detect::StreamingDetector> stream_;
};

}  // namespace netflowgen::report

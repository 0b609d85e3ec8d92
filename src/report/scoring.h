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

  bool on() const { return setup_ != nullptr && why_.empty(); }
  // Nothing is scored, for a reason that the page gives.
  void turn_off(std::string why) { why_ = std::move(why); }
  // The model's step; 0 without one.
  int64_t step_ms() const { return setup_ == nullptr ? 0 : setup_->step_ms(); }
  bool takes_step(int64_t step_ms) const { return setup_ == nullptr || setup_->step_ms() == step_ms; }
  std::shared_ptr<const infer::Model> model() const { return on() ? setup_->model_ptr() : nullptr; }
  WatchBudget budget(size_t max_nodes) const;

  // Makes the detector, for so many nodes. Once, when on().
  detect::StreamingDetector& start(uint64_t nodes);
  // What was found; `data.outcome.ledgers` gets the detector's.
  void finish(ReportData& data) const;

 private:
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

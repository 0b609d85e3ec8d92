// What a killed run left behind is brought together at the start: alerts.db, the detector's state and the queues of the outputs are
// written at different moments, so that each may know an alert that another does not.
//
// 1. What the detector knows and alerts.db does not, or not as far, is written. 2. What alerts.db knows and the detector does not, or
// not as far, is given back to the detector, which continues or ends it; where the detector cannot (its whole state is lost, there is
// none, the task is gone) the alert ends with its last record. 3. What an output's queue never got is queued. One thread, the
// collector's.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "detect/streaming_detector.h"
#include "serve/api/alert_reader.h"
#include "serve/outputs/outbox.h"

namespace netflowgen::serve {

class AlertRecovery {
 public:
  using Post = std::function<void(AlertRecord)>;  // to alerts.db and on to the outputs

  // `file`: of the alerts, for messages.
  AlertRecovery(const AlertReader& alerts, std::string file, Outbox& outbox, Post post)
      : alerts_(alerts), file_(std::move(file)), outbox_(outbox), post_(std::move(post)) {}

  // Before the first flow comes. `stream`: null where nothing is scored. The line for the log; "": there was nothing to do. Error:
  // the file of alerts cannot be read.
  std::string start(detect::StreamingDetector* stream);
  // Before a step is scored: gives the detector back what is its own by then.
  void before_step(detect::StreamingDetector& stream, int64_t step);
  bool pending() const { return !returning_.empty(); }

 private:
  using Known = std::map<std::string, detect::Alert>;
  std::vector<detect::Alert> read(AlertFilter filter) const;
  size_t queue_missing();
  size_t compare(const Known& known);
  void return_forgotten(detect::StreamingDetector* stream, const Known& known);
  void recover_incidents(detect::StreamingDetector* stream);

  const AlertReader& alerts_;
  std::string file_;
  Outbox& outbox_;
  Post post_;
  std::vector<detect::Alert> returning_;  // whose step is still to be scored
  size_t continued_ = 0;
  size_t ended_ = 0;
};

}  // namespace netflowgen::serve

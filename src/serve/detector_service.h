// `netflowgen serve` where it reads partial frames of collectors instead of flows: detectors of its partitions, alerts, HTTP.
//
// Threads: the caller's reads and scores; HTTP has a few, writing alerts one. The page shows this worker's alerts, counters and
// model; it has no history of nodes, which are wherever their partitions are.
#pragma once

#include <memory>

#include "base/stop.h"
#include "serve/service.h"

namespace netflowgen::serve {

class DetectorService {
 public:
  // Listens for HTTP, loads the model, asks the brokers. Error. REQUIRES: options.frames.topic is given.
  DetectorService(ServiceOptions options, const base::StopFlag& stop, base::RequestFlag& reload);
  ~DetectorService();
  // Until the user stops it; then all that was read is saved.
  void run();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace netflowgen::serve

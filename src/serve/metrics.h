// /metrics: the service's counters in Prometheus's text format 0.0.4. docs/serve.md lists them.
#pragma once

#include <optional>
#include <string>

#include "serve/api/api.h"
#include "serve/history/history_writer.h"
#include "serve/http/server.h"
#include "serve/outputs/alert_desk.h"
#include "serve/outputs/outbox.h"
#include "serve/row_writer.h"

namespace netflowgen::serve {

struct ServiceCounts {
  HttpCounts http;
  DeskCounts desk;
  HistoryWriter::Counts history;
  std::vector<OutputCounts> outputs;
  size_t streams = 0;                  // of events
  std::optional<RowCounts> rows = {};  // to ClickHouse
};

std::string metrics_text(const ServiceState& state, const ServiceCounts& counts);

}  // namespace netflowgen::serve

// A firewall's connections as nfdump writes them (NSEL): several rows each, whose teardown repeats what updates have
// reported. Used by the text sources; one a source.
#pragma once

#include <memory>

#include "flow/running_totals.h"
#include "flow/text/row.h"

namespace netflowgen::flow {

class Connections {
 public:
  // Leaves in the slots what the row adds to its connection. Where the row does not say which event it is (nfdump 1.7.1
  // -o csv), it is the teardown when it has exactly the sum of the earlier rows in both directions.
  // REQUIRES: flows.connection != 0, and the slots are as finish_row() left them.
  void follow(const Flows& flows, Flow* slots);

 private:
  static constexpr size_t kMaxConnections = 131'072;
  std::unique_ptr<RunningTotals> totals_;  // made for the first row of one
};

}  // namespace netflowgen::flow

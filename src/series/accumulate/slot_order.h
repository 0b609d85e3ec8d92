// Sorts the slots of a step by node: by counting, octet by octet, over the octets in which they differ (3 or 4 where all nodes are
// IPv4 addresses). The order is that of NodeKey (slot_order_test.cc).
#pragma once

#include <vector>

namespace netflowgen::series {

struct StepSlot;
void sort_by_node(std::vector<StepSlot>& slots);

}  // namespace netflowgen::series

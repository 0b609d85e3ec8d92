// netflowgen inspect --roles: what kind of host each node is.
#pragma once

#include <string>

#include "cli/command.h"
#include "series/frame_table.h"

namespace netflowgen::cli {

struct RoleSettings {
  bool wanted = false;
  std::string store;
  std::string model;
  series::FrameFilter filter;
};

// A CSV: node, role, probability, steps, then a column for each class. A node without a step has no role.
void print_roles(const RoleSettings& settings, Context& context);

}  // namespace netflowgen::cli

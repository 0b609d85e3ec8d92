// netflowgen finetune --task role.
#pragma once

#include <string>
#include <vector>

#include "cli/command.h"
#include "eval/classes/node_classes.h"
#include "study/roles.h"

namespace netflowgen::cli {

struct RoleFinetune {
  std::string store;
  std::vector<std::string> labels;  // one file
  std::string train;
  eval::NodeClassOptions columns;
  study::RoleOptions study;
};

void run_finetune_role(const RoleFinetune& arguments, Context& context);

}  // namespace netflowgen::cli

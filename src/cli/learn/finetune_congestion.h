// netflowgen finetune --task congestion.
#pragma once

#include <string>

#include "cli/command.h"

namespace netflowgen::cli {

struct CongestionFinetune {
  std::string store;
  std::string model;
  std::string out;  // folder to write; may be `model`
  std::string train;
  std::string device = "cpu";
  int threads = 0;
};

void run_finetune_congestion(const CongestionFinetune& arguments, Context& context);

}  // namespace netflowgen::cli

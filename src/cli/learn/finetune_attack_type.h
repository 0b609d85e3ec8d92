// netflowgen finetune --task attack-type.
#pragma once

#include <string>
#include <vector>

#include "cli/command.h"
#include "study/attack_types.h"

namespace netflowgen::cli {

struct TypeFinetune {
  std::string store;                // or a folder of networks
  std::vector<std::string> labels;  // one file; none for a folder
  std::string model;
  std::string out;  // folder to write; may be `model`
  study::TypeExampleOptions examples;
};

void run_finetune_attack_type(const TypeFinetune& arguments, Context& context);

}  // namespace netflowgen::cli

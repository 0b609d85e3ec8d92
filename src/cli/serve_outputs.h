// The list `outputs` of the configuration of `serve`: where alerts are sent.
#pragma once

#include <string>
#include <vector>

#include "base/yaml.h"
#include "serve/output_options.h"

namespace netflowgen::cli {

// Error names file, line and key.
std::vector<serve::OutputOptions> parse_outputs(const base::YamlValue& list);
// As parse_outputs() reads them; none: an example of each kind, in comments.
std::string outputs_text(const std::vector<serve::OutputOptions>& outputs);

}  // namespace netflowgen::cli

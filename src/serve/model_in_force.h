// The model that the service uses where the configuration names `configured`: that one, or the one that was trained here in its
// place (data/models/in-force.json).
#pragma once

#include <string>

#include "base/file.h"

namespace netflowgen::serve {

std::string model_in_force(const base::fs::path& data, const std::string& configured);

}  // namespace netflowgen::serve

// Where the model is that is used when the user names none.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/file.h"

namespace netflowgen::model {

// Names a model folder instead of the places below.
inline constexpr const char* kModelVariable = "NETFLOWGEN_MODEL";

// In this order: beside the program (models/default), where packages put it (../share/netflowgen/models/default), and in the
// source tree that the program was built in (models/default of a folder above it).
std::vector<base::fs::path> shipped_model_places(const base::fs::path& program);

// Of a program that links this code as a shared library in lib or lib/TRIPLET: where the library's package puts the model.
std::vector<base::fs::path> shipped_model_places_of_library(const base::fs::path& library);

// The folder of `variable` where it is set, else the first place that holds a model. Error: there is none, with what to do; or
// what the variable names is no model. Arguments are for tests.
base::fs::path shipped_model(const std::optional<std::string>& variable,
                             const std::vector<base::fs::path>& places);
// Of this process.
base::fs::path shipped_model();

}  // namespace netflowgen::model

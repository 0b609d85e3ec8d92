// Which model is in force: the one of the configuration, until one that was trained here takes its place, and then that one, also
// after a restart; until the configuration names another.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/file.h"
#include "base/time.h"
#include "serve/model_in_force.h"
#include "serve/training/training_plan.h"

namespace netflowgen::serve {

// Below the service's folder of data.
base::fs::path models_folder(const base::fs::path& data);

// From now on `model` is in force in place of `configured`. Error: it cannot be written.
void choose_model(const base::fs::path& data, const std::string& model, const std::string& configured);
// As choose_model() had it before: nullopt, none. For putting it back.
std::optional<std::string> chosen_text(const base::fs::path& data);
void restore_choice(const base::fs::path& data, const std::optional<std::string>& text);

// A folder KIND-TIME for a new model, not made yet. Earlier ones of such names are removed, but for the latest kModelsKept and
// those of `in_use`. Error: models_folder() cannot be made.
inline constexpr size_t kModelsKept = 5;
base::fs::path new_model_folder(const base::fs::path& data, TrainingKind kind, base::TimeMs now_ms,
                                const std::vector<std::string>& in_use);

}  // namespace netflowgen::serve

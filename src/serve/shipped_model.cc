#include "serve/shipped_model.h"

#include <cstdlib>

#include "base/error.h"

namespace netflowgen::serve {
namespace {

constexpr const char* kConfig = "config.json";
constexpr int kFoldersAbove = 4;

bool is_model(const base::fs::path& folder) {
  std::error_code ignored;
  return base::fs::exists(folder / kConfig, ignored);
}

base::fs::path this_program() {
  std::error_code error;
  const auto path = base::fs::read_symlink("/proc/self/exe", error);
  return error ? base::fs::path() : path;
}

}  // namespace

std::vector<base::fs::path> shipped_model_places(const base::fs::path& program) {
  if (program.empty()) return {};
  const auto folder = program.parent_path();
  std::vector<base::fs::path> places = {folder / "models" / "default",
                                        folder.parent_path() / "share" / "netflowgen" / "models" / "default"};
  auto above = folder;
  for (int i = 0; i < kFoldersAbove && above.has_relative_path(); ++i) {
    above = above.parent_path();
    places.push_back(above / "models" / "default");
  }
  return places;
}

base::fs::path shipped_model(const std::optional<std::string>& variable,
                             const std::vector<base::fs::path>& places) {
  if (variable && !variable->empty()) {
    if (is_model(*variable)) return *variable;
    throw base::Error("{}={} names no model folder: it has no {}", kModelVariable, *variable, kConfig);
  }
  for (const auto& place : places) {
    if (is_model(place)) return place;
  }
  std::string looked;
  for (const auto& place : places) looked += (looked.empty() ? "" : ", ") + place.string();
  throw base::Error(
      "there is no model: give --model FOLDER, or set {} to a model folder, or put one where the program "
      "looks ({}). "
      "`netflowgen pretrain` and `netflowgen calibrate` make one",
      kModelVariable, looked.empty() ? "nowhere: /proc is not there" : looked);
}

base::fs::path shipped_model() {
  const char* variable = std::getenv(kModelVariable);
  return shipped_model(variable == nullptr ? std::nullopt : std::optional<std::string>(variable),
                       shipped_model_places(this_program()));
}

}  // namespace netflowgen::serve

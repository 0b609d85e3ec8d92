#include "model/shipped_model.h"

#include <dlfcn.h>

#include <cstdlib>

#include "base/error.h"

namespace netflowgen::model {
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

// The file that this code was loaded from: a shared library, or the program itself.
base::fs::path this_library() {
  Dl_info info = {};
  if (dladdr(reinterpret_cast<const void*>(&is_model), &info) == 0 || info.dli_fname == nullptr) return {};
  std::error_code error;
  const auto path = base::fs::canonical(info.dli_fname, error);
  return error ? base::fs::path() : path;
}

}  // namespace

std::vector<base::fs::path> shipped_model_places_of_library(const base::fs::path& library) {
  if (library.empty()) return {};
  const auto folder = library.parent_path();
  const auto shared = base::fs::path("share") / "netflowgen" / "models" / "default";
  return {folder.parent_path() / shared, folder.parent_path().parent_path() / shared};
}

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
      "there is no model: give --model FOLDER (serve: model.path), or set {} to a model folder, or put one "
      "where the program "
      "looks ({}). "
      "`netflowgen pretrain` and `netflowgen calibrate` make one",
      kModelVariable, looked.empty() ? "nowhere: /proc is not there" : looked);
}

base::fs::path shipped_model() {
  const char* variable = std::getenv(kModelVariable);
  const auto program = this_program();
  const auto library = this_library();
  std::vector<base::fs::path> places;
  if (library != program) places = shipped_model_places_of_library(library);
  for (auto& place : shipped_model_places(program)) places.push_back(std::move(place));
  return shipped_model(variable == nullptr ? std::nullopt : std::optional<std::string>(variable), places);
}

}  // namespace netflowgen::model

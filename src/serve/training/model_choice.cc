#include "serve/training/model_choice.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "base/json.h"

namespace netflowgen::serve {
namespace {

base::fs::path choice_file(const base::fs::path& data) { return models_folder(data) / "in-force.json"; }

}  // namespace

base::fs::path models_folder(const base::fs::path& data) { return data / "models"; }

std::string model_in_force(const base::fs::path& data, const std::string& configured) {
  const auto text = chosen_text(data);
  if (!text) return configured;
  const auto j = nlohmann::json::parse(*text, nullptr, false);
  if (!j.is_object() || !j.contains("model") || !j["model"].is_string() || !j.contains("instead_of") ||
      j["instead_of"] != configured) {
    return configured;
  }
  const std::string model = j["model"].get<std::string>();
  return base::fs::exists(base::fs::path(model) / "detect.json") ? model : configured;
}

void choose_model(const base::fs::path& data, const std::string& model, const std::string& configured) {
  const nlohmann::ordered_json j = {{"model", model}, {"instead_of", configured}};
  base::write_file(choice_file(data), j.dump(1) + "\n");
}

std::optional<std::string> chosen_text(const base::fs::path& data) {
  const auto file = choice_file(data);
  if (!base::fs::exists(file)) return std::nullopt;
  return base::read_file(file);
}

void restore_choice(const base::fs::path& data, const std::optional<std::string>& text) {
  if (text) return base::write_file(choice_file(data), *text);
  std::error_code ignored;
  base::fs::remove(choice_file(data), ignored);
}

base::fs::path new_model_folder(const base::fs::path& data, TrainingKind kind, base::TimeMs now_ms,
                                const std::vector<std::string>& in_use) {
  const auto folder = models_folder(data);
  std::error_code error;
  base::fs::create_directories(folder, error);
  if (error) throw base::Error("{}: cannot be made: {}", folder.string(), error.message());
  std::vector<std::pair<base::fs::file_time_type, base::fs::path>> old;
  for (const auto& entry : base::fs::directory_iterator(folder, error)) {
    const std::string name = entry.path().filename().string();
    const bool ours =
        parse_training_kind(name.substr(0, name.find('-'))) && name.find('-') != std::string::npos;
    const bool used = std::find(in_use.begin(), in_use.end(), entry.path().string()) != in_use.end();
    if (ours && !used && entry.is_directory()) old.emplace_back(entry.last_write_time(error), entry.path());
  }
  std::sort(old.rbegin(), old.rend());
  for (size_t i = kModelsKept; i < old.size(); ++i) base::fs::remove_all(old[i].second, error);
  std::string time = base::format_time(now_ms / 1000 * 1000);
  std::erase_if(time, [](char c) { return c == '-' || c == ':'; });
  return folder / fmt::format("{}-{}", name_of(kind), time);
}

}  // namespace netflowgen::serve

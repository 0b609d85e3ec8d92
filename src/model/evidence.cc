#include "model/evidence.h"

#include <array>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/error.h"

namespace netflowgen::model {
namespace {

constexpr std::array<std::pair<const char*, double Evidence::*>, 5> kParts = {
    {{"threshold", &Evidence::threshold},
     {"trees", &Evidence::trees},
     {"transformer", &Evidence::transformer},
     {"twin", &Evidence::twin},
     {"head", &Evidence::head}}};

}  // namespace

std::string Evidence::to_json() const {
  nlohmann::ordered_json j;
  j["networks"] = networks;
  for (const auto& [name, part] : kParts) j["auprc"][name] = this->*part;
  return j.dump(1) + "\n";
}

std::optional<Evidence> load_evidence(const base::fs::path& folder) {
  const auto path = folder / kEvidenceFile;
  if (!base::fs::exists(path)) return std::nullopt;
  const auto j = nlohmann::json::parse(base::read_file(path), nullptr, false);
  const auto bad = [&](const std::string& what) {
    return base::Error("{}: {}; make the model again, or remove the file", path.string(), what);
  };
  if (!j.is_object()) throw bad("it is no JSON object");
  const auto at = [&](const nlohmann::json& in, const char* key) {
    const auto found = in.find(key);
    if (found == in.end() || !found->is_number()) throw bad(std::string("'") + key + "' is no number");
    return found->get<double>();
  };
  Evidence e;
  const double networks = at(j, "networks");
  if (!(networks >= 1 && networks <= 1e6)) throw bad("'networks' is not from 1 to 1000000");
  e.networks = static_cast<int>(networks);
  const auto auprc = j.find("auprc");
  if (auprc == j.end() || !auprc->is_object()) throw bad("'auprc' is no object");
  for (const auto& [name, part] : kParts) {
    e.*part = at(*auprc, name);
    if (!(e.*part >= 0 && e.*part <= 1)) throw bad(std::string("'") + name + "' is not from 0 to 1");
  }
  return e;
}

}  // namespace netflowgen::model

#include "eval/congestion/congestion_file.h"

#include <cmath>

#include "base/error.h"
#include "base/json.h"
#include "eval/json.h"

namespace netflowgen::eval {
namespace {

constexpr int kFormat = 1;
constexpr size_t kMostHorizons = 1024;

}  // namespace

std::string CongestionCalibration::to_json() const {
  Json list = Json::array();
  for (const auto& h : horizons) list.push_back({{"steps", h.steps}, {"weights", h.calibration.weights()}});
  return Json{{"format", kFormat}, {"step_ms", step_ms}, {"horizons", list}}.dump(1) + "\n";
}

CongestionCalibration CongestionCalibration::from_json(std::string_view text, const std::string& where) {
  const auto j = base::parse_json(text, where);
  const int format = base::field(j, "format", where);
  if (format > kFormat)
    throw base::Error("{}: format {} is newer than this program's {}; update netflowgen", where, format,
                      kFormat);
  CongestionCalibration c;
  c.step_ms = base::field(j, "step_ms", where);
  const auto& list = base::elements(j, "horizons", where);
  if (list.empty() || list.size() > kMostHorizons)
    throw base::Error("{}: expected 1 to {} horizons", where, kMostHorizons);
  for (const auto& h : list) {
    const std::vector<double> weights = base::field(h, "weights", where);
    const int64_t steps = base::field(h, "steps", where);
    const int64_t before = c.horizons.empty() ? 0 : c.horizons.back().steps;
    if (weights.size() != 3 || steps <= before)
      throw base::Error("{} is damaged: each horizon needs three weights, and more steps than the one before",
                        where);
    c.horizons.push_back({steps, ProbabilityCalibration({weights[0], weights[1], weights[2]})});
  }
  return c;
}

std::optional<CongestionCalibration> CongestionCalibration::load(const base::fs::path& model) {
  const auto path = model / kCongestionFile;
  if (!base::fs::exists(path)) return std::nullopt;
  return from_json(base::read_file(path), path.string());
}

}  // namespace netflowgen::eval

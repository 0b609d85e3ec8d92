// congestion.json in a model folder: what `finetune --task congestion` found. docs/formats.md has its keys.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.h"
#include "eval/congestion/probability_calibration.h"

namespace netflowgen::eval {

inline constexpr const char* kCongestionFile = "congestion.json";

struct CongestionCalibration {
  struct Horizon {
    int64_t steps = 0;
    ProbabilityCalibration calibration{std::array<double, 3>{0, 1, 0}};
  };
  int64_t step_ms = 0;            // of the series that it was found on
  std::vector<Horizon> horizons;  // ascending

  std::string to_json() const;
  // Error names `where`: damaged, a newer format, or numbers that are none.
  static CongestionCalibration from_json(std::string_view text, const std::string& where);
  // nullopt: the folder has none. Error: as from_json.
  static std::optional<CongestionCalibration> load(const base::fs::path& model);
};

}  // namespace netflowgen::eval

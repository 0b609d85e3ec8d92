// What the JSON files of this folder share. Private to it.
#pragma once

#include <cmath>
#include <nlohmann/json.hpp>

#include "base/time.h"
#include "eval/labels.h"

namespace netflowgen::eval {

using Json = nlohmann::ordered_json;

// NaN and infinity are null.
inline Json number_json(double v) { return std::isfinite(v) ? Json(v) : Json(nullptr); }

inline Json period_json(const Period& p) {
  return {{"from", base::format_time(p.from_ms)}, {"to", base::format_time(p.to_ms)}};
}

}  // namespace netflowgen::eval

// Horizons between a model's leads. Those of a universal model are a grid from a step to a day: between two of them log1p of a
// quantile is interpolated by the logarithm of the lead.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "eval/forecast/forecaster.h"

namespace netflowgen::eval {

struct BetweenLeads {
  size_t low = 0;  // indices of leads
  size_t high = 0;
  float share = 0;  // of `high`
};

// Where a horizon, in steps, lies among the leads; nullopt: outside, or, of a model that is not universal, at no lead.
std::optional<BetweenLeads> between_leads(std::span<const int> leads, int64_t horizon, bool universal);

// Cell `to` of `out` becomes what lies between cells `low` and `high` of `from`.
void mix_cells(const Forecast& from, size_t low, size_t high, float share, size_t to, Forecast& out);

}  // namespace netflowgen::eval

#include "eval/forecast/between_leads.h"

#include <cmath>

namespace netflowgen::eval {
namespace {

float between(float low, float high, float share) {
  if (share == 0) return low;
  return std::expm1((1 - share) * std::log1p(low) + share * std::log1p(high));
}

float log_of(int64_t lead) { return std::log(static_cast<float>(lead)); }

}  // namespace

std::optional<BetweenLeads> between_leads(std::span<const int> leads, int64_t horizon, bool universal) {
  for (size_t l = 0; l < leads.size(); ++l) {
    if (leads[l] == horizon) return BetweenLeads{l, l, 0};
    if (universal && l > 0 && leads[l - 1] < horizon && horizon < leads[l]) {
      const float share =
          (log_of(horizon) - log_of(leads[l - 1])) / (log_of(leads[l]) - log_of(leads[l - 1]));
      return BetweenLeads{l - 1, l, share};
    }
  }
  return std::nullopt;
}

void mix_cells(const Forecast& from, size_t low, size_t high, float share, size_t to, Forecast& out) {
  for (size_t q = 0; q < kQuantiles; ++q)
    out.quantiles_at(to)[q] = between(from.quantiles_at(low)[q], from.quantiles_at(high)[q], share);
  out.mean[to] = between(from.mean[low], from.mean[high], share);
  out.median[to] = between(from.median[low], from.median[high], share);
}

}  // namespace netflowgen::eval

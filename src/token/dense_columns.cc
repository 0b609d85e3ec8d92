// Names of the dense inputs, in the order of Encoder::encode_dense.
#include <fmt/format.h>

#include "token/encoder.h"

namespace netflowgen::token {

std::vector<DenseColumn> Encoder::dense_columns() const {
  std::vector<DenseColumn> all;
  if (!spec_.dense) return all;
  const auto name_of = [](int feature) {
    return std::string(series::kFeatures[static_cast<size_t>(feature)].name);
  };
  for (size_t i = 0; i < levels(); ++i) {
    if (tokenizer_.is_category(i)) continue;
    const int f = tokenizer_.channels()[i].feature;
    all.push_back({name_of(f), series::kFeatures[static_cast<size_t>(f)].kind == series::Kind::kRatio});
  }
  for (const auto& v : volumes_) all.push_back({name_of(v.feature) + " against its level", true});
  for (const auto& v : volumes_) all.push_back({name_of(v.feature) + " level", false});
  if (!scales_.empty()) {
    for (const auto& v : volumes_) {
      for (int k = 0; k < kRecent; ++k)
        all.push_back({fmt::format("{} {} steps ago", name_of(v.feature), k), true});
      for (size_t k = 0; k < scales_.size(); ++k) {
        if (k == reference_) continue;
        all.push_back({fmt::format("{} mean of {} steps", name_of(v.feature), scales_[k]), true});
        all.push_back({fmt::format("{} deviation of {} steps", name_of(v.feature), scales_[k]), true});
      }
      all.push_back({name_of(v.feature) + " deviation", true});
      all.push_back({name_of(v.feature) + " mean", false});
    }
  }
  for (const int lag : spec_.season_lags) {
    for (const int lead : spec_.leads) {
      for (const auto& v : volumes_)
        all.push_back(
            {fmt::format("{} {} steps before {} steps ahead", name_of(v.feature), lag, lead), true});
    }
  }
  if (spec_.universal) {
    for (const auto& name : ProfileRule::names()) all.push_back({name, true});
    for (const int lead : spec_.leads) {
      for (const auto& v : volumes_)
        all.push_back({fmt::format("{} of the day {} steps ahead", name_of(v.feature), lead), true});
    }
  }
  if (!spec_.surroundings) return all;
  for (const auto& name : surround_names())
    all.push_back({name, !name.ends_with("active") && !name.ends_with("silent"), true});
  return all;
}

}  // namespace netflowgen::token

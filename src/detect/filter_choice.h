// Which filter an alert suggests, and whether its node could bear it. Pure functions; docs/detection.md
// explains them.
#pragma once

#include <optional>
#include <span>
#include <string_view>

#include "detect/filter.h"
#include "detect/flow_sample.h"
#include "detect/usual_traffic.h"

namespace netflowgen::detect {

// A drop rule may hit this share of the usual packets; up to the second, a rate limit is suggested instead.
inline constexpr double kDropCollateral = 0.05;
inline constexpr double kLimitCollateral = 0.5;

// What is known of a node's normal traffic.
struct Usual {
  const UsualTraffic* traffic = nullptr;  // may be null
  std::span<const float> frame;           // [kFeatureCount], running means; NaN or empty: not known
  double step_seconds = 60;
};

// The narrowest filter that covers most of the packets of `sample`, with covers, collateral and action set;
// nullopt where the node is no address. `flows` may be null: the type then says what to filter.
std::optional<Filter> suggest_filter(std::string_view node, std::string_view type, const FlowEvidence* flows,
                                     std::span<const SampledFlow> sample, const Usual& usual);

// Sets collateral, usual_flows, action, rate_bytes and reason.
void assess(const Usual& usual, Filter& filter);

}  // namespace netflowgen::detect

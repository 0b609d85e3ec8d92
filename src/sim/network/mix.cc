#include "sim/network/mix.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <unordered_map>

namespace netflowgen::sim {
namespace {

constexpr size_t kRows = 1024;

// Inverse of the standard normal distribution function by bisection.
double bisect_normal(double u) {
  double low = -9;
  double high = 9;
  for (int i = 0; i < 40; ++i) {
    const double middle = 0.5 * (low + high);
    (0.5 * std::erfc(-middle / std::numbers::sqrt2) < u ? low : high) = middle;
  }
  return 0.5 * (low + high);
}

// The same. Only tables are built with it, and all of them ask for the same few thousand values.
double inverse_normal(double u) {
  static thread_local std::unordered_map<double, double> known;
  const auto [it, first] = known.try_emplace(u, 0.0);
  if (first) it->second = bisect_normal(u);
  return it->second;
}

uint32_t whole_packets(double x) { return static_cast<uint32_t>(std::max(0.0, std::round(x))); }

}  // namespace

double PacketCount::quantile(double u) const {
  const double body = 1.0 - tail_share;
  if (tail_share > 0 && u > body) {
    const double low = median * std::exp(sigma * 1.0);  // the tail starts one sigma above the median
    return std::min(max, low / std::pow((1.0 - u) / tail_share, 1.0 / alpha));
  }
  return std::min(max, median * std::exp(sigma * inverse_normal(u / body)));
}

ConversationMix::ConversationMix(const PacketCount& request, const PacketCount& response, double acks,
                                 const Thinning& thinning)
    : thinning_(thinning) {
  std::vector<double> weight(kRows);
  rows_.resize(kRows);
  for (size_t i = 0; i < kRows; ++i) {
    const double u = (static_cast<double>(i) + 0.5) / kRows;
    // A golden-ratio sequence pairs the two marginals without correlation.
    const double v = std::fmod(static_cast<double>(i + 1) * (std::numbers::phi - 1.0), 1.0);
    const double sent = std::max(1.0, std::round(request.quantile(std::clamp(v, 1e-4, 1.0 - 1e-4))));
    const double answered = std::max(0.0, std::round(response.quantile(u)));
    Row& row = rows_[i];
    row.forward = whole_packets(sent + acks * answered);
    row.reverse = answered > 0 ? whole_packets(answered + acks * sent) : 0;
    mean_forward_ += row.forward;
    mean_reverse_ += row.reverse;
    const double forward_seen = thinning.survival(row.forward);
    weight[i] = forward_seen + (1.0 - forward_seen) * thinning.survival(row.reverse);
    row.share_forward = static_cast<float>(forward_seen / weight[i]);
    survival_ += weight[i];
  }
  mean_forward_ /= kRows;
  mean_reverse_ /= kRows;
  build_alias(weight);
  survival_ /= kRows;
}

void ConversationMix::build_alias(const std::vector<double>& weight) {
  std::vector<double> scaled(kRows);
  std::vector<uint32_t> small;
  std::vector<uint32_t> large;
  for (uint32_t i = 0; i < kRows; ++i) {
    scaled[i] = weight[i] * kRows / survival_;  // survival_ is still the sum here
    (scaled[i] < 1.0 ? small : large).push_back(i);
  }
  while (!small.empty() && !large.empty()) {
    const uint32_t s = small.back();
    const uint32_t l = large.back();
    small.pop_back();
    rows_[s].keep = static_cast<float>(scaled[s]);
    rows_[s].alias = l;
    scaled[l] -= 1.0 - scaled[s];
    if (scaled[l] < 1.0) {
      large.pop_back();
      small.push_back(l);
    }
  }
  for (const auto& rest : {small, large}) {
    for (const uint32_t i : rest) {
      rows_[i].keep = 1.0F;
      rows_[i].alias = i;
    }
  }
}

Counts ConversationMix::draw(Random& random) const {
  size_t i = random.below(kRows);
  if (random.uniform() >= static_cast<double>(rows_[i].keep)) i = rows_[i].alias;
  const Row& row = rows_[i];
  Counts c{row.forward, row.reverse, 0, 0};
  if (random.uniform() < static_cast<double>(row.share_forward)) {
    c.seen_forward = static_cast<uint32_t>(thinning_.thin_some(random, row.forward));
    c.seen_reverse = static_cast<uint32_t>(thinning_.thin(random, row.reverse));
  } else {
    c.seen_reverse = static_cast<uint32_t>(thinning_.thin_some(random, row.reverse));
  }
  return c;
}

}  // namespace netflowgen::sim

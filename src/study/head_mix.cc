#include "study/head_mix.h"

#include <algorithm>
#include <cmath>

#include "eval/metrics.h"
#include "model/spec.h"

namespace netflowgen::study {
namespace {

// log1p(flows_in) where it is missing: the mean that its dense input is relative to.
constexpr float kNoFlows = 8;
constexpr double kLeastFlows = 0.5;
constexpr int kIterations = 50;
constexpr size_t kTerms = 4;  // of a Mix
using Terms = std::array<double, kTerms>;

// Gradient and curvature of the loss.
struct Slope {
  Terms gradient = {};
  std::array<Terms, kTerms> curvature = {};
};

void add(const Parts& p, const Terms& w, Slope& slope) {
  const RowWeights weights(p.truth, p.rows);
  for (size_t i = 0; i < p.rows.size(); ++i) {
    const int32_t event = p.truth.event[p.rows[i]];
    const Terms x = {p.transformer[i], p.trees[i], p.flows[i], 1};
    double logit = 0;
    for (size_t a = 0; a < kTerms; ++a) logit += w[a] * x[a];
    const double s = 1 / (1 + std::exp(-logit));
    const double weight = weights.of(event);
    for (size_t a = 0; a < kTerms; ++a) {
      slope.gradient[a] += weight * (s - (event >= 0 ? 1 : 0)) * x[a];
      for (size_t b = 0; b < kTerms; ++b) slope.curvature[a][b] += weight * s * (1 - s) * x[a] * x[b];
    }
  }
}

// The solution d of curvature d = gradient, by elimination.
Terms newton_step(Slope slope) {
  auto& m = slope.curvature;
  auto& d = slope.gradient;
  for (size_t a = 0; a < kTerms; ++a) m[a][a] += 1e-6;
  for (size_t a = 0; a < kTerms; ++a) {
    for (size_t b = 0; b < kTerms; ++b) {
      if (a == b) continue;
      const double f = m[b][a] / m[a][a];
      for (size_t c = a; c < kTerms; ++c) m[b][c] -= f * m[a][c];
      d[b] -= f * d[a];
    }
  }
  for (size_t a = 0; a < kTerms; ++a) d[a] /= m[a][a];
  return d;
}

void mark_lookalikes(const learn::CorpusNetwork& n, size_t node, RowTruths& t) {
  for (const learn::AttackSpan& a : n.lookalikes[node]) {
    for (size_t row = n.table.lower_bound(node, a.from);
         row < n.table.offsets[node + 1] && n.table.steps[row] < a.to; ++row)
      t.lookalike[row] = true;
  }
}

}  // namespace

RowTruths truths_of(const learn::CorpusNetwork& n) {
  RowTruths t;
  t.event.assign(n.table.rows(), -1);
  t.lookalike.assign(n.table.rows(), false);
  const bool flows = !n.table.missing[series::kFlowsIn];
  for (size_t node = 0; node < n.table.nodes.size(); ++node) {
    const auto& spans = n.attacks[node];
    for (size_t row = n.table.offsets[node]; row < n.table.offsets[node + 1]; ++row) {
      if (flows && !(n.table.frame(row)[series::kFlowsIn] > 0)) t.event[row] = -2;
    }
    if (!n.lookalikes.empty()) mark_lookalikes(n, node, t);
    for (const learn::AttackSpan& a : spans) {
      const auto event = static_cast<int32_t>(t.events);
      bool any = false;
      for (size_t row = n.table.lower_bound(node, a.from);
           row < n.table.offsets[node + 1] && n.table.steps[row] < a.to; ++row) {
        if (t.event[row] == -2) continue;
        t.event[row] = a.type == learn::AttackSpan::kUnknown || n.too_weak(row) ? -2 : event;
        any |= t.event[row] >= 0;
      }
      t.events += any ? 1 : 0;
    }
  }
  return t;
}

RowWeights::RowWeights(const RowTruths& truth, const std::vector<size_t>& rows) : size(truth.events, 0) {
  for (const size_t r : rows) ++(truth.event[r] >= 0 ? size[static_cast<size_t>(truth.event[r])] : benign);
  for (const size_t s : size) events += s > 0 ? 1 : 0;
}

double RowWeights::of(int32_t event) const {
  if (event < 0) return (1 - kPositiveShare) / static_cast<double>(benign);
  return kPositiveShare / static_cast<double>(events) / static_cast<double>(size[static_cast<size_t>(event)]);
}

float Parts::score(const Mix& mix, size_t i) const {
  return static_cast<float>(mix.transformer * transformer[i] + mix.trees * trees[i] + mix.flows * flows[i] +
                            mix.bias);
}

double Parts::auprc(const Mix& mix) const {
  std::vector<eval::ScoredRow> scored;
  for (size_t i = 0; i < rows.size(); ++i) scored.push_back({score(mix, i), truth.event[rows[i]], 0});
  return eval::Ranking(std::move(scored), truth.events).auprc();
}

Parts parts_of(const learn::CorpusNetwork& n, const learn::Backbone& backbone, const model::Trees& trees,
               const base::StopFlag& stop) {
  Parts p{n.name, truths_of(n), {}, {}, {}, {}};
  learn::ScanOptions scan;
  scan.keep.resize(n.table.rows());
  for (size_t r = 0; r < scan.keep.size(); ++r) {
    scan.keep[r] = p.truth.event[r] >= -1;
    if (scan.keep[r]) p.rows.push_back(r);
  }
  const auto cache = backbone.scan(n.table, scan, stop, {});
  std::vector<float> z(cache.width());
  const size_t dense = cache.hidden + cache.surprise;
  for (const size_t r : p.rows) {
    const auto at = static_cast<size_t>(cache.kept[r]);
    for (size_t c = 0; c < cache.dense; ++c) {
      z[cache.hidden + c] = std::clamp(cache.z[at * cache.width() + dense + c] / kDenseDeviation,
                                       -model::kMaxStandard, model::kMaxStandard);
    }
    p.transformer.push_back(cache.inject[at]);
    p.trees.push_back(trees.view().sum(z.data()));
    const float flows = n.table.frame(r)[series::kFlowsIn];
    p.flows.push_back(std::isnan(flows) ? kNoFlows : std::log1p(flows));
  }
  return p;
}

Mix fit_mix(const std::vector<Parts>& networks) {
  Terms w = {0.5, 0.5, 0.5, 0};
  for (int iteration = 0; iteration < kIterations; ++iteration) {
    Slope slope;
    for (const Parts& p : networks) {
      if (p.truth.events > 0) add(p, w, slope);
    }
    const Terms step = newton_step(slope);
    double moved = 0;
    for (size_t a = 0; a < kTerms; ++a) {
      const double d = std::clamp(step[a], -1.0, 1.0);
      w[a] -= d;
      moved = std::max(moved, std::fabs(d));
    }
    if (moved < 1e-6) break;
  }
  return {std::max(0.0, w[0]), std::max(0.0, w[1]), std::max(kLeastFlows, w[2]), w[3]};
}

}  // namespace netflowgen::study

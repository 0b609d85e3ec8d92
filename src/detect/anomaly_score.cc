#include "detect/anomaly_score.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <type_traits>

#include "base/nan.h"
#include "detect/archive.h"
#include "detect/usual_vectors.h"
#include "series/features.h"
#include "token/encoder.h"

namespace netflowgen::detect {
namespace {

constexpr int64_t kBlockMs = 28 * base::kDayMs;  // of usual_vectors.h
constexpr int kLongestLead = 60;                 // steps: bounds the forecasts that are kept
constexpr int kShortestLead = 6;                 // nearer ones follow an anomaly as it goes on
constexpr float kLeastWidth = .02f;              // of a forecast, in the logarithm
constexpr float kBend = 3;  // residuals are bent, so that one burst is not all of a covariance
constexpr float kLeastDistance = 1e-3f;

float bent(float x) { return kBend * std::asinh(x / kBend); }

// Of the model's horizons those that count; the longest one where all are shorter.
std::vector<size_t> leads_of(const std::vector<int>& leads) {
  std::vector<size_t> chosen;
  for (size_t i = 0; i < leads.size(); ++i) {
    if (leads[i] >= kShortestLead && leads[i] <= kLongestLead) chosen.push_back(i);
  }
  if (chosen.empty() && !leads.empty() && leads.back() <= kLongestLead) chosen.push_back(leads.size() - 1);
  return chosen;
}

// Forecasts of one horizon that wait for their step. Entry of step s: s modulo the horizon.
struct Waiting {
  int64_t lead = 0;
  std::vector<int64_t> made_at;  // [lead] step; kNever: none
  std::vector<float> middle;     // [lead, volumes] log1p
  std::vector<float> width;

  Waiting(int64_t steps, size_t volumes)
      : lead(steps),
        made_at(static_cast<size_t>(steps), token::kNever),
        middle(static_cast<size_t>(steps) * volumes),
        width(static_cast<size_t>(steps) * volumes) {}
  size_t slot(int64_t step) const { return static_cast<size_t>((step % lead + lead) % lead); }
};

template <typename A>
void visit(A& a, Waiting& w) {
  const auto number = [](A& archive, auto& x) { archive.value(x); };
  a.list(w.made_at, number);
  a.list(w.middle, number);
  a.list(w.width, number);
}

// The encoder's state is plain data, and a file of it is read by the same program.
static_assert(std::is_trivially_copyable_v<token::NodeState>);
using StateBytes = std::array<uint8_t, sizeof(token::NodeState)>;

}  // namespace

struct AnomalyScorer::Node {
  Node(const infer::Model& model, std::span<const size_t> leads)
      : hidden(static_cast<size_t>(model.spec().d_model)),
        residuals(leads.size() * model.encoder().volumes()),
        volumes(model.encoder().volumes()) {
    for (const size_t l : leads) waiting.emplace_back(model.spec().input.leads[l], model.encoder().volumes());
  }

  token::NodeState state;   // of the position before, then of this one: forecasts are in the node's own units
  int64_t block_start = 0;  // step
  bool frozen = false;      // learns no more
  UsualVectors hidden, residuals, volumes;
  std::vector<Waiting> waiting;  // [leads that count]

  template <typename A>
  void visit_fields(A& a) {
    StateBytes bytes;
    std::memcpy(bytes.data(), &state, sizeof state);
    a.value(bytes);
    std::memcpy(static_cast<void*>(&state), bytes.data(), sizeof state);
    a.value(block_start);
    a.value(frozen);
    for (auto* part : {&hidden, &residuals, &volumes}) part->visit(a);
    for (auto& w : waiting) visit(a, w);
  }
  // What was read can be continued from at steps after `last_step`. `fresh` is a node that knows nothing.
  bool fits(const Node& fresh, int64_t last_step) const {
    const auto step = [&](int64_t s) { return s <= last_step && s > INT64_MIN / 4; };
    for (size_t i = 0; i < waiting.size(); ++i) {
      const Waiting& w = waiting[i];
      const Waiting& other = fresh.waiting[i];
      if (w.made_at.size() != other.made_at.size() || w.middle.size() != other.middle.size() ||
          w.width.size() != other.width.size())
        return false;
    }
    return step(state.last_step) && state.idle_run >= 0 && step(block_start) &&
           hidden.fits(fresh.hidden.dimensions()) && residuals.fits(fresh.residuals.dimensions()) &&
           volumes.fits(fresh.volumes.dimensions());
  }
};

AnomalyScorer::AnomalyScorer(std::shared_ptr<const infer::Model> model, const AnomalyOptions& options)
    : model_(std::move(model)),
      leads_(leads_of(model_->spec().input.leads)),
      block_steps_(std::max<int64_t>(1, kBlockMs / model_->encoder().spec().step_ms)) {
  if (options.learn_until_ms != INT64_MAX)
    learn_until_ = base::step_of(options.learn_until_ms, model_->encoder().spec().step_ms);
}

AnomalyScorer::~AnomalyScorer() = default;
AnomalyScorer::AnomalyScorer(AnomalyScorer&&) noexcept = default;

void AnomalyScorer::forget(uint64_t node) { nodes_.erase(node); }

float AnomalyScorer::update(const AnomalyPosition& p) {
  if (p.frame.empty()) return base::kNaN;
  auto it = nodes_.find(p.node);
  if (it == nodes_.end()) {
    it = nodes_.emplace(p.node, Node(*model_, leads_)).first;
    it->second.block_start = p.step;
  }
  return update(p, it->second);
}

float AnomalyScorer::update(const AnomalyPosition& p, Node& node) const {
  start_block(p.step, node);
  advance(p, node);
  const float score = score_and_learn(p, node);
  keep_forecasts(p, node);
  return score;
}

std::vector<float> AnomalyScorer::peek(std::span<const AnomalyPosition> positions) const {
  std::vector<float> scores(positions.size(), base::kNaN);
  if (positions.empty()) return scores;
  const auto it = nodes_.find(positions.front().node);
  if (it == nodes_.end()) return scores;
  Node copy = it->second;
  for (size_t i = 0; i < positions.size(); ++i) {
    if (!positions[i].frame.empty()) scores[i] = update(positions[i], copy);
  }
  return scores;
}

void AnomalyScorer::start_block(int64_t step, Node& node) const {
  const bool frozen = step >= learn_until_;
  if (node.frozen || (!frozen && step - node.block_start < block_steps_)) return;
  for (auto* part : {&node.hidden, &node.residuals, &node.volumes}) part->end_block();
  node.block_start = step;
  node.frozen = frozen;
}

// Past the idle positions since the last active one, so that the state is the engine's.
void AnomalyScorer::advance(const AnomalyPosition& p, Node& node) const {
  const auto& encoder = model_->encoder();
  auto& state = node.state;
  const bool first = state.last_step == token::kNever;
  if (!first && encoder.spec().idle_steps < 0 && state.last_step < p.step - 1)
    encoder.skip_idle(state, p.step - 1);
  while (!first && state.last_step < p.step - 1 && encoder.is_position(state, state.last_step + 1))
    encoder.advance(state, state.last_step + 1, {});
  encoder.advance(state, p.step, p.frame);
}

float AnomalyScorer::score_and_learn(const AnomalyPosition& p, Node& node) const {
  std::vector<float> residual(node.residuals.dimensions());
  std::vector<float> volume(node.volumes.dimensions());
  residuals(p, node, residual);
  for (size_t v = 0; v < volume.size(); ++v)
    volume[v] = p.frame[static_cast<size_t>(model_->encoder().volume_feature(v))];
  float score = 0;
  const auto add = [&](UsualVectors& usual, std::span<const float> x, float weight) {
    if (x.empty()) return;
    score += weight * std::log(usual.distance(x) + kLeastDistance);
    if (!node.frozen) usual.add(x);
  };
  add(node.hidden, p.hidden, 2);
  add(node.residuals, residual, 1);
  add(node.volumes, volume, 1);
  return score;
}

// [leads that count, volumes]; NaN: unknown, or nothing was forecast for this step.
void AnomalyScorer::residuals(const AnomalyPosition& p, const Node& node, std::span<float> out) const {
  const auto& encoder = model_->encoder();
  const size_t n = encoder.volumes();
  for (size_t l = 0; l < node.waiting.size(); ++l) {
    const Waiting& w = node.waiting[l];
    const size_t slot = w.slot(p.step);
    for (size_t v = 0; v < n; ++v) {
      const float value = p.frame[static_cast<size_t>(encoder.volume_feature(v))];
      const bool known = w.made_at[slot] == p.step - w.lead && !std::isnan(value);
      out[l * n + v] =
          known ? bent((std::log1p(std::max(value, 0.0f)) - w.middle[slot * n + v]) / w.width[slot * n + v])
                : base::kNaN;
    }
  }
}

void AnomalyScorer::keep_forecasts(const AnomalyPosition& p, Node& node) const {
  if (p.direct.empty()) return;
  const auto& encoder = model_->encoder();
  const size_t n = encoder.volumes();
  const size_t quantiles = model_->spec().quantiles.size();
  for (size_t l = 0; l < node.waiting.size(); ++l) {
    Waiting& w = node.waiting[l];
    const size_t slot = w.slot(p.step);
    w.made_at[slot] = p.step;
    for (size_t v = 0; v < n; ++v) {
      const auto at = [&](size_t q) {
        const float said = p.direct[(leads_[l] * n + v) * quantiles + q];
        return std::log1p(encoder.decode_target(node.state, v, said));
      };
      w.middle[slot * n + v] = at(quantiles / 2);
      w.width[slot * n + v] = std::max(kLeastWidth, at(quantiles - 1) - at(0));
    }
  }
}

std::vector<uint8_t> AnomalyScorer::save() const {
  std::vector<uint64_t> keys;
  for (const auto& entry : nodes_) keys.push_back(entry.first);
  std::ranges::sort(keys);  // the same state gives the same bytes
  ArchiveWriter w;
  w.value(static_cast<uint64_t>(sizeof(token::NodeState)));
  w.value(static_cast<uint64_t>(keys.size()));
  for (const uint64_t key : keys) {
    w.value(key);
    const_cast<Node&>(nodes_.at(key)).visit_fields(w);
  }
  const uint64_t check = archive_checksum(w.bytes());
  w.value(check);
  return std::move(w.bytes());
}

bool AnomalyScorer::restore(std::span<const uint8_t> bytes, int64_t last_step) {
  uint64_t check = 0;
  if (bytes.size() < sizeof check) return false;
  const auto body = bytes.first(bytes.size() - sizeof check);
  std::memcpy(&check, bytes.data() + body.size(), sizeof check);
  if (check != archive_checksum(body)) return false;
  ArchiveReader r(body);
  uint64_t state_bytes = 0;
  r.value(state_bytes);
  if (state_bytes != sizeof(token::NodeState)) return false;
  const Node fresh(*model_, leads_);
  std::unordered_map<uint64_t, Node> nodes;
  for (uint64_t n = r.size(sizeof(token::NodeState)); n > 0 && !r.bad(); --n) {
    uint64_t key = 0;
    r.value(key);
    Node& node = nodes.emplace(key, fresh).first->second;
    node.visit_fields(r);
    if (!r.bad() && !node.fits(fresh, last_step)) return false;
  }
  if (r.bad() || !r.done()) return false;
  nodes_ = std::move(nodes);
  return true;
}

}  // namespace netflowgen::detect

#include "learn/network/corpus_windows.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "base/error.h"

namespace netflowgen::learn {
namespace {

constexpr double kAttackShare = 0.45;    // of a labelled network's windows
constexpr double kLookalikeShare = 0.2;  // of them
constexpr size_t kAlone = 8;  // one of as many networks hides what the others do, so that it is not needed
constexpr double kAnyNode = 0.1;  // of the others, whose node is drawn without regard to its rows

size_t draw(base::Random& random, const std::vector<double>& cumulative) {
  const double x = random.uniform() * cumulative.back();
  const auto it = std::upper_bound(cumulative.begin(), cumulative.end(), x);
  return static_cast<size_t>(
      std::min<std::ptrdiff_t>(it - cumulative.begin(), static_cast<std::ptrdiff_t>(cumulative.size()) - 1));
}

}  // namespace

int CorpusNetwork::attack_at(size_t node, int64_t step) const {
  if (!labelled) return AttackSpan::kUnknown;
  int found = kNone;
  for (const AttackSpan& a : attacks[node]) {
    if (a.from > step) break;
    if (step >= a.to) continue;
    if (a.type != AttackSpan::kUnknown) return a.type;
    found = AttackSpan::kUnknown;
  }
  return found;
}

CorpusPart::CorpusPart(const CorpusNetwork& network, const token::Tokenizer& tokenizer,
                       token::InputSpec input, bool alone)
    : network_(&network) {
  input.step_ms = network.table.step_ms;
  encoder_ = std::make_unique<token::Encoder>(tokenizer, input);
  disguise_ = std::make_unique<Disguise>(*encoder_);
  positions_ = std::make_unique<Positions>(network.table, *encoder_, network.table.first_step,
                                           network.table.end_step, network.nodes);
  if (alone) positions_->forget_surroundings();
  double sum = 0;
  for (size_t i = 0; i < positions_->nodes(); ++i) {
    const size_t node = positions_->node(i);
    if (positions_->count(i) >= 2) {
      sum += std::sqrt(static_cast<double>(network.table.offsets[node + 1] - network.table.offsets[node]));
    }
    cumulative_.push_back(sum);
  }
  if (cumulative_.empty()) cumulative_.push_back(0);
  if (!network.labelled) return;
  attacks_ = starts_of(network.attacks);
  lookalikes_ = starts_of(network.lookalikes);
}

CorpusPart::Starts CorpusPart::starts_of(const std::vector<std::vector<AttackSpan>>& spans) const {
  std::map<int, std::vector<Start>> starts;
  for (size_t i = 0; i < positions_->nodes() && !spans.empty(); ++i) {
    size_t p = 0;
    for (const AttackSpan& a : spans[positions_->node(i)]) {
      while (p < positions_->count(i) && positions_->step(i, p) < a.from) ++p;
      if (a.type == AttackSpan::kUnknown || p == positions_->count(i) || positions_->step(i, p) >= a.to)
        continue;
      starts[a.type].push_back({i, p});
    }
  }
  Starts all;
  for (auto& [type, list] : starts) all.push_back(std::move(list));
  return all;
}

WindowPlan CorpusPart::plan(base::Random& random, size_t length) const {
  WindowPlan plan;
  const double kind = random.uniform();
  const Starts& starts = kind < kAttackShare ? attacks_ : lookalikes_;
  if (!starts.empty() && kind < kAttackShare + kLookalikeShare) {
    const auto& list = starts[random.below(starts.size())];
    const Start& start = list[random.below(list.size())];
    plan.node = start.node;
    plan.first = start.position - std::min(start.position, random.below(length));
    return plan;
  }
  plan.node = random.chance(kAnyNode) ? random.below(positions_->nodes()) : draw(random, cumulative_);
  if (positions_->count(plan.node) < 2) plan.node = draw(random, cumulative_);
  const size_t n = positions_->count(plan.node);
  // Up to a quarter of a window may hang over the node's end, so that its last positions are drawn as often.
  plan.first = random.below(n > length * 3 / 4 ? n - length * 3 / 4 : 1);
  return plan;
}

void CorpusPart::label(const WindowPlan& plan, size_t b, WindowBatch& batch) const {
  const size_t node = positions_->node(plan.node);
  for (size_t at = b * batch.length; at < (b + 1) * batch.length; ++at) {
    if (batch.valid[at] == 0) continue;
    const int type = network_->attack_at(node, batch.steps[at]);
    if (type == AttackSpan::kUnknown) {
      batch.inject[at] = -1;
    } else if (type != CorpusNetwork::kNone) {
      // A pause within an attack is neither.
      const bool is = batch.rows[at] >= 0 && !network_->too_weak(static_cast<size_t>(batch.rows[at]));
      batch.inject[at] = is ? 1.0f : -1.0f;
    }
  }
}

CorpusSampler::CorpusSampler(const std::vector<CorpusNetwork>& networks, const token::Tokenizer& tokenizer,
                             const token::InputSpec& input, const CorpusSampling& sampling)
    : sampling_(sampling) {
  double sum = 0;
  for (const auto& network : networks) {
    const auto index = static_cast<size_t>(&network - networks.data());
    CorpusPart part(network, tokenizer, input, index % kAlone == kAlone - 1);
    if (!part.usable()) continue;
    parts_.push_back(std::move(part));
    cumulative_.push_back(sum += network.weight);
  }
  if (parts_.empty())
    throw base::Error("nothing to train on: no network of the corpus has a node with two steps");
}

std::vector<WindowPlan> CorpusSampler::plan(base::Random& random, size_t windows) const {
  std::vector<WindowPlan> plans(windows);
  for (WindowPlan& plan : plans) {
    const size_t network = draw(random, cumulative_);
    plan = parts_[network].plan(random, sampling_.length);
    plan.network = network;
    if (sampling_.hidden && parts_[network].network().labelled) plan.disguise = random.next() | 1;
  }
  return plans;
}

void CorpusSampler::fill_one(const WindowPlan& plan, size_t b, WindowBatch& batch) const {
  const CorpusPart& part = parts_[plan.network];
  fill_window(part.positions(), plan.node, plan.first, nullptr, true, b, batch);
  part.label(plan, b, batch);
  if (plan.disguise != 0) part.disguise().apply(plan.disguise, *sampling_.hidden, b, batch);
}

size_t CorpusSampler::positions() const {
  size_t n = 0;
  for (const auto& p : parts_) n += p.positions().total();
  return n;
}

size_t CorpusSampler::nodes() const {
  size_t n = 0;
  for (const auto& p : parts_) n += p.positions().nodes();
  return n;
}

}  // namespace netflowgen::learn

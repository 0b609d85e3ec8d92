#include "learn/network/corpus_windows.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "base/error.h"
#include "learn/network/group_links.h"
#include "learn/network/slices.h"

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

// What a process knows of a network, as numbers that are added over all processes: one of them has the network.
struct NetworkCounts {
  double weight = 0;  // 0: there is nothing to learn from it
  double positions = 0;
  double nodes = 0;
  double owner = 0;
};

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
                       token::InputSpec input, bool alone, bool own_order)
    : network_(&network), own_order_(own_order) {
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
  if (own_order_) std::sort(all.begin(), all.end());
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
  TrainingGroup* const group = sampling.sharded ? sampling.group : nullptr;
  // Of a network elsewhere nothing is known here.
  std::vector<std::unique_ptr<CorpusPart>> parts(networks.size());
  for_each_on_cpu(static_cast<int64_t>(networks.size()), [&](int64_t i) {
    const auto index = static_cast<size_t>(i);
    if (networks[index].elsewhere) return;
    auto part = std::make_unique<CorpusPart>(networks[index], tokenizer, input, index % kAlone == kAlone - 1,
                                             sampling.sharded);
    if (part->usable()) parts[index] = std::move(part);
  });
  std::vector<NetworkCounts> counts;
  for (size_t i = 0; i < parts.size(); ++i) {
    if (parts[i] == nullptr && !sampling.sharded) continue;
    NetworkCounts c;
    if (parts[i] != nullptr)
      c = {networks[i].weight, static_cast<double>(parts[i]->positions().total()),
           static_cast<double>(parts[i]->positions().nodes()),
           group == nullptr ? 0.0 : static_cast<double>(group->rank())};
    parts_.push_back(std::move(parts[i]));
    counts.push_back(c);
  }
  static_assert(sizeof(NetworkCounts) == 4 * sizeof(double));
  if (group != nullptr && !counts.empty()) group->links().sum({&counts[0].weight, 4 * counts.size()});
  double sum = 0;
  for (const NetworkCounts& c : counts) {
    cumulative_.push_back(sum += c.weight);
    owners_.push_back(static_cast<int>(c.owner));
    positions_ += static_cast<size_t>(c.positions);
    nodes_ += static_cast<size_t>(c.nodes);
  }
  if (!(sum > 0))
    throw base::Error("nothing to train on: no network of the corpus has a node with two steps");
}

std::vector<WindowPlan> CorpusSampler::plan(base::Random& random, size_t windows) const {
  if (sampling_.sharded) return plan_sharded(random, windows);
  std::vector<WindowPlan> plans(windows);
  for (WindowPlan& plan : plans) {
    const size_t network = draw(random, cumulative_);
    plan = parts_[network]->plan(random, sampling_.length);
    plan.network = network;
    if (disguises(*parts_[network])) plan.disguise = random.next() | 1;
  }
  return plans;
}

// Networks by systematic sampling: in a batch each has its share of the windows, rounded up or down, and on average exactly its
// share. So the processes' parts of a batch are of nearly the same size.
std::vector<WindowPlan> CorpusSampler::plan_sharded(base::Random& random, size_t windows) const {
  const uint64_t seed = random.next();
  const double offset = random.uniform();
  std::vector<WindowPlan> plans(windows);
  for (size_t b = 0; b < windows; ++b) {
    const double x = (static_cast<double>(b) + offset) / static_cast<double>(windows) * cumulative_.back();
    const double below = std::min(x, std::nextafter(cumulative_.back(), 0.0));
    const auto network = static_cast<size_t>(std::upper_bound(cumulative_.begin(), cumulative_.end(), below) -
                                             cumulative_.begin());
    base::Random own(base::mix64(seed + b));
    if (parts_[network] != nullptr) {
      plans[b] = parts_[network]->plan(own, sampling_.length);
      if (disguises(*parts_[network])) plans[b].disguise = own.next() | 1;
    }
    plans[b].network = network;
  }
  return plans;
}

void CorpusSampler::fill_one(const WindowPlan& plan, size_t b, WindowBatch& batch) const {
  const CorpusPart& part = *parts_[plan.network];
  fill_window(part.positions(), plan.node, plan.first, nullptr, true, b, batch);
  part.label(plan, b, batch);
  if (plan.disguise != 0) part.disguise().apply(plan.disguise, *sampling_.hidden, b, batch);
}

}  // namespace netflowgen::learn

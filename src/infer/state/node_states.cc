#include "infer/state/node_states.h"

#include <algorithm>
#include <limits>

#include "base/check.h"

namespace netflowgen::infer {
namespace {

// Keys, links and the hash map's share of a node.
constexpr size_t kBookkeeping = 64;

size_t season_steps_of(const model::ModelSpec& spec) {
  const auto& lags = spec.input.season_lags;
  return lags.empty() ? 0 : static_cast<size_t>(*std::max_element(lags.begin(), lags.end()));
}

}  // namespace

NodeStates::Layout NodeStates::layout_of(const model::ModelSpec& spec, Precision cache) {
  const auto kv_heads = static_cast<size_t>(spec.kv_heads);
  const auto head_dim = static_cast<size_t>(spec.head_dim());
  const auto window = static_cast<size_t>(spec.window);
  const auto layers = static_cast<size_t>(spec.layers);
  const size_t half = kv_heads * std::max(head_dim * padded(window), window * padded(head_dim));
  const size_t scales = cache == Precision::kInt8 ? layers * 2 * kv_heads * padded(window) : 0;
  return {half, layers * 2 * half, scales};
}

size_t NodeStates::bytes_per_node(const Model& model, Precision cache) {
  const auto& spec = model.spec();
  const Layout layout = layout_of(spec, cache);
  return layout.ring * size_of(cache) + layout.scales * 2 + static_cast<size_t>(spec.d_model) * 4 +
         season_steps_of(spec) * model.encoder().volumes() * 4 + sizeof(token::NodeState) + sizeof(uint64_t) +
         kBookkeeping;
}

NodeStates::NodeStates(const Model& model, Precision cache, size_t capacity)
    : layout_(layout_of(model.spec(), cache)),
      cache_(cache),
      capacity_(capacity),
      layers_(static_cast<size_t>(model.spec().layers)),
      d_model_(static_cast<size_t>(model.spec().d_model)),
      season_steps_(season_steps_of(model.spec())),
      running_(!model.spec().input.scales.empty()),
      universal_(model.spec().input.universal),
      volumes_(model.encoder().volumes()),
      rows_(capacity * sizeof(uint32_t)),
      states_(capacity * sizeof(token::NodeState)),
      positions_(capacity * sizeof(uint64_t)),
      hidden_(capacity * d_model_ * sizeof(float)),
      ring_(capacity * layout_.ring * size_of(cache)),
      scales_(capacity * layout_.scales * sizeof(uint16_t)),
      season_(capacity * season_steps_ * volumes_ * sizeof(float)) {
  const auto& spec = model.spec();
  shape_.precision = cache;
  shape_.heads = static_cast<size_t>(spec.heads);
  shape_.kv_heads = static_cast<size_t>(spec.kv_heads);
  shape_.head_dim = static_cast<size_t>(spec.head_dim());
  shape_.window = static_cast<size_t>(spec.window);
}

uint32_t NodeStates::find(uint64_t key) const {
  const auto it = slots_.find(key);
  return it == slots_.end() ? kNone : it->second;
}

uint32_t NodeStates::admit(uint64_t key, uint64_t epoch, std::vector<uint64_t>& evicted) {
  uint32_t slot = static_cast<uint32_t>(used());
  if (used() == capacity_) {
    slot = first_;
    if (busy_[slot] == epoch) return kNone;
    evicted.push_back(keys_[slot]);
    slots_.erase(keys_[slot]);
    unlink(slot);
  } else {
    keys_.push_back(0);
    busy_.push_back(0);
    next_.push_back(kNone);
    previous_.push_back(kNone);
  }
  keys_[slot] = key;
  busy_[slot] = 0;
  slots_.emplace(key, slot);
  link_last(slot);
  reset(slot);
  return slot;
}

bool NodeStates::populate(size_t first, size_t last) const {
  bool all = true;
  for (const Buffer* b : {&rows_, &states_, &positions_, &hidden_, &ring_, &scales_, &season_}) {
    const size_t bytes = b->size() / std::max<size_t>(capacity_, 1);  // of a slot
    all &= b->populate(first * bytes, last * bytes);
  }
  return all;
}

void NodeStates::clear() {
  slots_.clear();
  keys_.clear();
  busy_.clear();
  next_.clear();
  previous_.clear();
  first_ = last_ = kNone;
}

void NodeStates::reset(uint32_t slot) {
  row(slot) = 0;
  state(slot) = {};
  positions(slot) = 0;
  if (season_steps_ > 0) {
    std::fill_n(season(slot), season_steps_ * volumes_, std::numeric_limits<float>::quiet_NaN());
  }
}

void NodeStates::unlink(uint32_t slot) {
  const uint32_t before = previous_[slot];
  const uint32_t after = next_[slot];
  (before == kNone ? first_ : next_[before]) = after;
  (after == kNone ? last_ : previous_[after]) = before;
}

void NodeStates::link_last(uint32_t slot) {
  previous_[slot] = last_;
  next_[slot] = kNone;
  (last_ == kNone ? first_ : next_[last_]) = slot;
  last_ = slot;
}

void NodeStates::touch(uint32_t slot) {
  if (last_ == slot) return;
  unlink(slot);
  link_last(slot);
}

Ring NodeStates::ring(uint32_t slot, size_t layer) {
  Ring r = shape_;
  const size_t at = slot * layout_.ring + layer * 2 * layout_.half;
  r.keys = ring_.as<uint8_t>() + at * size_of(cache_);
  r.values = ring_.as<uint8_t>() + (at + layout_.half) * size_of(cache_);
  if (layout_.scales > 0) {
    const size_t half = layout_.scales / (2 * layers_);
    r.key_scale = scales_.as<uint16_t>() + slot * layout_.scales + layer * 2 * half;
    r.value_scale = r.key_scale + half;
  }
  return r;
}

std::vector<NodeStates::Column> NodeStates::columns() {
  using base::DType;
  const auto column = [](const char* name, Rule rule, DType dtype, base::Shape shape, void* data,
                         size_t stride = 0) {
    size_t bytes = base::size_of(dtype);
    for (const auto n : shape) bytes *= static_cast<size_t>(n);
    return Column{
        name, rule, dtype, std::move(shape), static_cast<uint8_t*>(data), bytes, stride > 0 ? stride : bytes};
  };
  auto* const s = states_.as<token::NodeState>();
  const auto n = [](size_t x) { return static_cast<int64_t>(x); };
  const DType cache = cache_ == Precision::kFloat32    ? DType::kF32
                      : cache_ == Precision::kBFloat16 ? DType::kBF16
                                                       : DType::kI8;
  std::vector<Column> all = {
      column("last_step", Rule::kStep, DType::kI64, {}, &s->last_step, sizeof *s),
      column("positions", Rule::kPositions, DType::kU64, {}, positions_.as<void>()),
      column("idle_run", Rule::kIdleRun, DType::kI32, {}, &s->idle_run, sizeof *s),
      column("row", Rule::kAny, DType::kU32, {}, rows_.as<void>()),
      column("seen", Rule::kSeen, DType::kU32, {token::kMaxVolumes}, s->seen, sizeof *s),
      column("level", Rule::kLevel, DType::kF32, {token::kMaxVolumes}, s->level, sizeof *s),
      column("hidden", Rule::kFinite, DType::kF32, {n(d_model_)}, hidden_.as<void>()),
      column("ring", cache_ == Precision::kInt8 ? Rule::kAny : Rule::kFinite, cache,
             {n(layers_), 2, n(layout_.half)}, ring_.as<void>()),
  };
  if (running_) {
    constexpr int64_t kVolumes = token::kMaxVolumes;
    all.push_back(column("known", Rule::kSeen, DType::kU32, {kVolumes}, s->known, sizeof *s));
    all.push_back(
        column("mean", Rule::kLevel, DType::kF32, {kVolumes, token::kMaxScales}, s->mean, sizeof *s));
    all.push_back(column("deviation", Rule::kLevel, DType::kF32, {kVolumes, token::kMaxScales}, s->deviation,
                         sizeof *s));
    all.push_back(
        column("recent", Rule::kSeason, DType::kF32, {kVolumes, token::kRecent}, s->recent, sizeof *s));
  }
  if (universal_) {
    token::Profile& p = s->profile;
    constexpr int64_t kChannels = token::kProfileChannels;
    constexpr int64_t kScales = token::kProfileScales;
    const base::Shape channels = {kChannels, kScales};
    constexpr int64_t kParts = token::kDayParts;
    all.push_back(column("profile_given", Rule::kAny, DType::kU64, {}, &p.given, sizeof *s));
    all.push_back(column("profile_steps", Rule::kSeen, DType::kU32, {}, &p.steps, sizeof *s));
    all.push_back(column("profile_active", Rule::kLevel, DType::kF32, {2}, p.active, sizeof *s));
    all.push_back(column("profile_known", Rule::kSeen, DType::kU32, {kChannels}, p.known, sizeof *s));
    all.push_back(column("profile_mean", Rule::kLevel, DType::kF32, channels, p.mean, sizeof *s));
    all.push_back(column("profile_deviation", Rule::kLevel, DType::kF32, channels, p.deviation, sizeof *s));
    all.push_back(column("day_known", Rule::kSeen, DType::kU32, {kParts}, p.day_known, sizeof *s));
    all.push_back(column("day", Rule::kLevel, DType::kF32, {token::kDayVolumes, kParts}, p.day, sizeof *s));
  }
  if (layout_.scales > 0) {
    all.push_back(column("scales", Rule::kFinite, DType::kBF16,
                         {n(layers_), 2, n(layout_.scales / (2 * layers_))}, scales_.as<void>()));
  }
  if (season_steps_ > 0) {
    all.push_back(
        column("season", Rule::kSeason, DType::kF32, {n(season_steps_), n(volumes_)}, season_.as<void>()));
  }
  return all;
}

std::vector<uint32_t> NodeStates::by_idleness() const {
  std::vector<uint32_t> order;
  order.reserve(used());
  for (uint32_t s = first_; s != kNone; s = next_[s]) order.push_back(s);
  return order;
}

}  // namespace netflowgen::infer

#include "learn/network/disguise.h"

#include <limits>
#include <string_view>

namespace netflowgen::learn {
namespace {

constexpr double kFewKept = 0.3;   // of the windows with hidden features: volumes alone are left
constexpr double kHidden = 0.3;    // of the features of the others
constexpr double kDropped = 0.05;  // of all dense inputs, in every window

// "packets_out to packets_in" speaks of both.
bool speaks_of(std::string_view column, std::string_view feature) {
  while (!column.empty()) {
    const size_t space = std::min(column.find(' '), column.size());
    if (column.substr(0, space) == feature) return true;
    column.remove_prefix(std::min(space + 1, column.size()));
  }
  return false;
}

bool is_volume(size_t feature) { return series::kFeatures[feature].kind == series::Kind::kVolume; }

}  // namespace

Disguise::Disguise(const token::Encoder& encoder) : encoder_(encoder), features_(series::kFeatureCount) {
  const auto columns = encoder.dense_columns();
  for (size_t f = 0; f < features_.size(); ++f) {
    for (size_t c = 0; c < columns.size(); ++c) {
      if (speaks_of(columns[c].name, series::kFeatures[f].name)) features_[f].dense.push_back(c);
    }
  }
  const auto& channels = encoder.tokenizer().channels();
  for (size_t c = 0; c < channels.size(); ++c) {
    Feature& f = features_[static_cast<size_t>(channels[c].feature)];
    f.slots.push_back(c);
    if (c < encoder.levels()) f.levels.push_back(c);
  }
  for (size_t v = 0; v < encoder.volumes(); ++v)
    features_[static_cast<size_t>(encoder.volume_feature(v))].volumes.push_back(v);
}

// Both directions of a feature, as sources give them. flows_in stays: heads need it.
std::vector<bool> Disguise::draw_hidden(base::Random& random) const {
  std::vector<bool> hidden(features_.size(), false);
  const bool few = random.chance(kFewKept);
  constexpr auto kOut = static_cast<size_t>(series::kOutOffset);
  for (size_t f = 0; f < kOut; ++f) {
    const bool hide = few ? !is_volume(f) || random.chance(kHidden) : random.chance(kHidden);
    hidden[f] = hidden[f + kOut] = hide && f != static_cast<size_t>(series::kFlowsIn);
  }
  for (size_t f = 2 * kOut; f < hidden.size(); ++f) hidden[f] = few || random.chance(kHidden);
  return hidden;
}

void Disguise::hide(size_t feature, size_t b, WindowBatch& batch) const {
  const Feature& f = features_[feature];
  const size_t leads = encoder_.spec().leads.size();
  for (size_t at = b * batch.length; at < (b + 1) * batch.length; ++at) {
    if (batch.valid[at] == 0) continue;
    for (const size_t c : f.dense) batch.dense[at * encoder_.dense() + c] = 0;
    for (const size_t s : f.slots) batch.ids[at * encoder_.slots() + s] = encoder_.id_of(s, token::kMissing);
    for (const size_t c : f.levels) {
      batch.own[at * encoder_.levels() + c] = token::kMissing;
      batch.next[at * (encoder_.levels() + 1) + c] = kIgnore;
    }
    for (size_t l = 0; l < leads; ++l) {
      for (const size_t v : f.volumes)
        batch.direct[(at * leads + l) * encoder_.volumes() + v] = std::numeric_limits<float>::quiet_NaN();
    }
  }
}

void Disguise::move_clock(size_t slots, size_t b, WindowBatch& batch) const {
  if (encoder_.spec().calendar != token::Calendar::kDay) return;
  const size_t slot = encoder_.calendar_slot();
  const auto day = static_cast<int64_t>(encoder_.id_of(slot, 0));
  const auto week = static_cast<int64_t>(encoder_.id_of(slot + 1, 0));
  for (size_t at = b * batch.length; at < (b + 1) * batch.length; ++at) {
    if (batch.valid[at] == 0) continue;
    int64_t* const ids = &batch.ids[at * encoder_.slots() + slot];
    const int64_t time = ids[0] - day + static_cast<int64_t>(slots);
    ids[0] = day + time % token::kDaySlots;
    ids[1] = week + (ids[1] - week + time / token::kDaySlots) % 7;
  }
}

void Disguise::apply(uint64_t seed, double share, size_t b, WindowBatch& batch) const {
  base::Random random(seed);
  move_clock(random.below(token::kDaySlots), b, batch);
  for (size_t c = 0; c < encoder_.dense(); ++c) {
    if (!random.chance(kDropped)) continue;
    for (size_t at = b * batch.length; at < (b + 1) * batch.length; ++at)
      batch.dense[at * encoder_.dense() + c] = 0;
  }
  if (!random.chance(share)) return;
  const auto hidden = draw_hidden(random);
  for (size_t f = 0; f < hidden.size(); ++f) {
    if (hidden[f]) hide(f, b, batch);
  }
}

}  // namespace netflowgen::learn

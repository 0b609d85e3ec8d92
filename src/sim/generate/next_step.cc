#include "sim/generate/next_step.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "series/features.h"

namespace netflowgen::sim {
namespace {

constexpr double kLeastIdle = 1e-4;  // and most: 1 minus it
constexpr double kFloor = 1e-4;      // of a token's probability, so that every value has a rank of its own
constexpr double kAnchor = 0.25;     // most that the shares of a node's past weigh beside the forecast
constexpr double kDoubt = 8;         // steps after which habits count as much as the forecast
constexpr float kTop = std::numeric_limits<float>::infinity();

void softmax(std::span<const float> logits, std::span<double> p) {
  const float top = *std::max_element(logits.begin(), logits.end());
  double sum = 0;
  for (size_t i = 0; i < p.size(); ++i) sum += p[i] = std::exp(double{logits[i]} - top);
  for (double& x : p) x /= sum;
}

bool is_volume(const token::Channel& c) {
  return series::kFeatures[static_cast<size_t>(c.feature)].kind == series::Kind::kVolume;
}

// Steps of a gap token: (low, high].
int64_t gap_high(size_t token) { return token <= 1 ? 1 : int64_t{1} << (token - 1); }
int64_t gap_low(size_t token) { return token <= 1 ? 0 : gap_high(token) / 2; }

}  // namespace

double Habits::factor(size_t at) const {
  const double n = steps_;
  if (steps_ == 0 || expected_[at] <= 0) return 1;
  return (double{seen_[at]} + kDoubt * double{expected_[at]} / n) /
         (double{expected_[at]} * (1 + kDoubt / n));
}

void OwnValues::sort() {
  for (auto& v : values_) std::sort(v.begin(), v.end());
}

std::span<const float> OwnValues::between(size_t channel, float low, float high) const {
  const auto& v = values_[channel];
  const auto begin = std::lower_bound(v.begin(), v.end(), low);
  const auto end = std::lower_bound(begin, v.end(), high);
  return {v.data() + (begin - v.begin()), static_cast<size_t>(end - begin)};
}

NextStep::NextStep(const token::Encoder& encoder) : encoder_(encoder) {
  offsets_.push_back(0);
  for (const int size : encoder.target_sizes())
    offsets_.push_back(offsets_.back() + static_cast<size_t>(size));
  p_.resize(offsets_.back());
  raw_.resize(offsets_.back());
}

void NextStep::set(std::span<const float> logits, std::span<const uint8_t> given, const Habits& habits) {
  for (size_t t = 0; t + 1 < offsets_.size(); ++t) {
    const size_t size = offsets_[t + 1] - offsets_[t];
    softmax(logits.subspan(offsets_[t], size), std::span(p_).subspan(offsets_[t], size));
  }
  idle_ = 1;
  const size_t levels = encoder_.levels();
  for (size_t c = 0; c < levels; ++c) {
    double* const p = &p_[offsets_[c]];
    const double there = std::max(1 - p[token::kMissing], kFloor);
    p[token::kMissing] = 0;
    for (size_t i = offsets_[c]; i < offsets_[c + 1]; ++i) p_[i] /= there;
    if (given[c] != 0 && is_volume(encoder_.tokenizer().channels()[c]))
      idle_ = std::min(idle_, p[token::kZero]);
  }
  idle_ = std::clamp(idle_, kLeastIdle, 1 - kLeastIdle);
  for (size_t c = 0; c < levels; ++c) set_channel(c, habits);
  const double weight = habits.weight(kAnchor);
  idle_ = std::clamp((1 - weight) * idle_ + weight * habits.idle(), kLeastIdle, 1 - kLeastIdle);
}

// Given that the position is active.
void NextStep::set_channel(size_t channel, const Habits& habits) {
  double* const p = &p_[offsets_[channel]];
  const size_t size = offsets_[channel + 1] - offsets_[channel];
  p[token::kZero] = std::max(p[token::kZero] - idle_, 0.0);
  double sum = 0;
  for (size_t i = token::kZero; i < size; ++i) sum += p[i] += kFloor * (1 - idle_);
  double corrected = 0;
  for (size_t i = token::kZero; i < size; ++i) {
    raw_[offsets_[channel] + i] = p[i] / sum;
    corrected += p[i] = p[i] / sum * habits.factor(offsets_[channel] + i);
  }
  const double weight = habits.weight(kAnchor);
  double all = 0;
  for (size_t i = token::kZero; i < size; ++i)
    all += p[i] = (1 - weight) * p[i] / corrected + weight * habits.share(offsets_[channel] + i);
  for (size_t i = token::kZero; i < size; ++i) p[i] /= all;
}

void NextStep::learn(std::span<const float> frame, std::span<const uint8_t> given, Habits& habits) const {
  for (size_t c = 0; c < encoder_.levels(); ++c) {
    const float value = frame[static_cast<size_t>(encoder_.tokenizer().channels()[c].feature)];
    if (given[c] == 0 || std::isnan(value)) continue;
    for (size_t i = offsets_[c] + token::kZero; i < offsets_[c + 1]; ++i) habits.expect(i, raw_[i]);
    habits.see(offsets_[c] + number_of(c, value));
  }
  habits.count();
}

size_t NextStep::number_of(size_t channel, float value) const {
  return value <= 0 ? size_t{token::kZero} : size_t{encoder_.tokenizer().channels()[channel].bin(value)};
}

NextStep::Token NextStep::at(size_t channel, size_t number) const {
  const double* const p = &p_[offsets_[channel]];
  Token t{number, 0, p[number]};
  for (size_t i = token::kZero; i < number; ++i) t.low += p[i];
  return t;
}

NextStep::Token NextStep::find(size_t channel, double rank) const {
  const size_t size = offsets_[channel + 1] - offsets_[channel];
  const double* const p = &p_[offsets_[channel]];
  Token t{token::kZero, 0, p[token::kZero]};
  while (t.number + 1 < size && t.low + t.mass <= rank) {
    t.low += t.mass;
    t.mass = p[++t.number];
  }
  return t;
}

void NextStep::bounds(size_t channel, size_t number, float& low, float& high) const {
  const auto& edges = encoder_.tokenizer().channels()[channel].edges;
  const size_t bin = number - token::kFirstBin;
  low = bin == 0 ? std::numeric_limits<float>::min() : edges[bin - 1];
  high = bin >= edges.size() ? kTop : edges[bin];
}

float NextStep::rank(size_t channel, float value, const OwnValues& own, double tie) const {
  if (std::isnan(value)) return kUnknown;
  const auto& c = encoder_.tokenizer().channels()[channel];
  const size_t number = number_of(channel, value);
  const Token t = at(channel, number);
  double within = tie;
  if (number >= token::kFirstBin && c.kind != token::ChannelKind::kCategory) {
    float low = 0;
    float high = 0;
    bounds(channel, number, low, high);
    const auto values = own.between(channel, low, high);
    const auto [first, last] = std::equal_range(values.begin(), values.end(), value);
    const double n = std::max(1.0, static_cast<double>(values.size()));
    within = (static_cast<double>(first - values.begin()) +
              tie * std::max<double>(1, static_cast<double>(last - first))) /
             n;
  }
  return static_cast<float>(t.low + t.mass * std::min(within, 1.0));
}

float NextStep::value(size_t channel, double rank, const OwnValues& own) const {
  const Token t = find(channel, rank);
  if (t.number <= token::kZero) return 0;
  const auto& c = encoder_.tokenizer().channels()[channel];
  if (c.kind == token::ChannelKind::kCategory) return c.decode_value(static_cast<token::Token>(t.number));
  const double within = std::clamp((rank - t.low) / t.mass, 0.0, 1 - 1e-9);
  float low = 0;
  float high = 0;
  bounds(channel, t.number, low, high);
  const auto values = own.between(channel, low, high);
  if (!values.empty()) return values[static_cast<size_t>(within * static_cast<double>(values.size()))];
  if (t.number == token::kFirstBin || high == kTop)
    return c.decode_value(static_cast<token::Token>(t.number));
  return static_cast<float>(low * std::pow(double{high} / low, within));
}

double NextStep::gap_rank(int64_t gap, double tie) const {
  const size_t token = token::gap_token(gap);
  const double* const p = &p_[offsets_[encoder_.levels()]];
  double low = 0;
  double all = 0;
  for (size_t k = 1; k < token::kGapTokens; ++k) {
    all += p[k];
    if (k < token) low += p[k];
  }
  const double width = static_cast<double>(gap_high(token) - gap_low(token));
  const double within = (static_cast<double>(gap - gap_low(token)) - 1 + tie) / width;
  return (low + p[token] * std::clamp(within, 0.0, 1.0)) / std::max(all, kFloor);
}

int64_t NextStep::gap(double rank, int64_t passed) const {
  const double* const p = &p_[offsets_[encoder_.levels()]];
  double all = 0;
  for (size_t k = 1; k < token::kGapTokens; ++k) all += p[k];
  const double before = passed < 1 ? 0 : gap_rank(passed, 1);
  const double wanted = (before + (1 - before) * rank) * all;
  double low = 0;
  size_t k = 1;
  while (k + 1 < token::kGapTokens && low + p[k] <= wanted) low += p[k++];
  const double within = p[k] > 0 ? std::clamp((wanted - low) / p[k], 0.0, 1 - 1e-9) : 0;
  const auto steps = static_cast<int64_t>(within * static_cast<double>(gap_high(k) - gap_low(k)));
  return std::max(gap_low(k) + 1 + steps, passed + 1);
}

}  // namespace netflowgen::sim

#include "token/tokenizer.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "series/ports.h"

namespace netflowgen::token {
namespace {

using series::kFeatureCount;
using series::kFeatures;
using series::Kind;

constexpr double kTailQuantile = 0.995;
constexpr double kTailReach = 1e6;
// Relative channels: log ratios from e^-6 to e^14, a quarter apart near 0 and 0.5 beyond 3.
constexpr float kRelativeFine = 0.125f;

int bins_for(Kind kind, const TokenOptions& o) {
  switch (kind) {
    case Kind::kVolume:
      return o.volume_bins;
    case Kind::kCount:
      return o.count_bins;
    case Kind::kQuantity:
      return o.quantity_bins;
    case Kind::kRatio:
      return o.ratio_bins;
    case Kind::kCategory:
      break;
  }
  return o.categories;
}

// Inner edges of equal-frequency bins over the sketch's buckets up to bucket `last`, none wider than
// `max_ratio`.
std::vector<float> quantile_edges(const Sketch& s, int first, int last, int bins, double max_ratio) {
  std::vector<float> edges;
  uint64_t left = 0;
  for (int b = first; b <= last; ++b) left += s.bucket(b);
  double target = static_cast<double>(left) / bins;
  uint64_t in_bin = 0;
  double lower = Sketch::lower(first);
  for (int b = first; b < last; ++b) {
    in_bin += s.bucket(b);
    const double edge = Sketch::lower(b + 1);
    // Counts such as 1, 2, 3 leave empty buckets between them: close a bin only where the next one has data,
    // unless it grows too wide.
    const bool full = static_cast<double>(in_bin) >= target && s.bucket(b + 1) > 0;
    const bool wide = max_ratio > 0 && Sketch::lower(b + 2) / lower > max_ratio;
    if (!full && !wide) continue;
    edges.push_back(static_cast<float>(edge));
    lower = edge;
    left -= in_bin;
    in_bin = 0;
    if (bins > static_cast<int>(edges.size())) {
      target = static_cast<double>(left) / (bins - static_cast<int>(edges.size()));
    }
  }
  return edges;
}

// A representative for each bin: the mean of its training values, else the middle of its edges.
std::vector<float> representatives(const Sketch& s, const std::vector<float>& edges, bool bounded) {
  std::vector<double> sum(edges.size() + 1);
  std::vector<double> count(edges.size() + 1);
  for (int b = Sketch::kLowest; b <= Sketch::kHighest; ++b) {
    if (s.bucket(b) == 0) continue;
    const auto bin = static_cast<size_t>(
        std::upper_bound(edges.begin(), edges.end(), static_cast<float>(Sketch::middle(b))) - edges.begin());
    const double n = static_cast<double>(s.bucket(b));
    sum[bin] += n * std::min(Sketch::middle(b), bounded ? 1.0 : Sketch::middle(b));
    count[bin] += n;
  }
  std::vector<float> values(edges.size() + 1);
  for (size_t i = 0; i < values.size(); ++i) {
    if (count[i] > 0) {
      values[i] = static_cast<float>(sum[i] / count[i]);
    } else if (edges.empty()) {
      values[i] = 1;
    } else if (i == 0) {
      values[i] = edges[0] / 2;
    } else if (i == edges.size()) {
      values[i] = edges.back() * 1.5f;
    } else {
      values[i] = std::sqrt(edges[i - 1] * edges[i]);
    }
    // Rounding to float must not push a representative out of its own bin.
    if (i > 0) values[i] = std::max(values[i], edges[i - 1]);
    if (i < edges.size()) values[i] = std::min(values[i], std::nextafterf(edges[i], 0.0f));
  }
  return values;
}

Channel level_channel(int feature, const Sketch& s, const TokenOptions& o) {
  Channel c;
  c.feature = feature;
  const Kind kind = kFeatures[static_cast<size_t>(feature)].kind;
  const bool tail = o.tail && kind != Kind::kRatio;
  if (s.positives() > 0) {
    int first = Sketch::kLowest;
    while (s.bucket(first) == 0) ++first;
    int last = Sketch::kHighest;
    while (s.bucket(last) == 0) --last;
    if (tail) last = std::max(first, std::min(last, Sketch::bucket_of(s.quantile(kTailQuantile))));
    const double ratio = kind == Kind::kRatio ? 0 : o.max_bin_ratio;
    c.edges = quantile_edges(s, first, last, bins_for(kind, o), ratio);
    if (tail) {
      for (double e = Sketch::lower(last + 1); e < s.max() * kTailReach * 2; e *= 2) {
        c.edges.push_back(static_cast<float>(e));
      }
    }
  }
  c.values = representatives(s, c.edges, kind == Kind::kRatio);
  return c;
}

Channel category_channel(int feature, const std::map<int32_t, uint64_t>& counts, int most) {
  Channel c;
  c.feature = feature;
  c.kind = ChannelKind::kCategory;
  std::vector<std::pair<uint64_t, int32_t>> order;
  for (const auto& [code, count] : counts) order.emplace_back(count, -code);
  std::sort(order.rbegin(), order.rend());
  for (const auto& [count, code] : order) {
    if (static_cast<int>(c.codes.size()) == most) break;
    c.codes.push_back(-code);
  }
  return c;
}

Channel relative_channel(int feature) {
  Channel c;
  c.feature = feature;
  c.kind = ChannelKind::kRelative;
  for (float x = -6; x < -3; x += 0.5f) c.edges.push_back(x);
  for (float x = -3; x < 3; x += kRelativeFine) c.edges.push_back(x);
  for (float x = 3; x <= 14; x += 0.5f) c.edges.push_back(x);
  return c;
}

}  // namespace

Token Channel::bin(float x) const {
  if (kind == ChannelKind::kCategory) {
    const auto it = std::find(codes.begin(), codes.end(), static_cast<int32_t>(x));
    return static_cast<Token>(kFirstBin + (it - codes.begin()));
  }
  // As upper_bound finds it, without branches that a processor cannot predict: a few dozen edges.
  uint32_t below = 0;
  for (const float edge : edges) below += x < edge ? 0u : 1u;
  return static_cast<Token>(kFirstBin + below);
}

float Channel::decode_value(Token token) const {
  if (token < kFirstBin) return 0;
  const size_t i = token - kFirstBin;
  if (kind == ChannelKind::kCategory) return i < codes.size() ? static_cast<float>(codes[i]) : -1.0f;
  return i < values.size() ? values[i] : 0;
}

TokenFit::TokenFit() : sketches_(kFeatureCount), categories_(kFeatureCount) {}

void TokenFit::add(std::span<const float> frame) {
  for (size_t f = 0; f < kFeatureCount; ++f) {
    sketches_[f].add(frame[f]);
    if (kFeatures[f].kind == Kind::kCategory && frame[f] > 0)
      ++categories_[f][static_cast<int32_t>(frame[f])];
  }
}

void TokenFit::merge(const TokenFit& other) {
  for (size_t f = 0; f < kFeatureCount; ++f) {
    sketches_[f].merge(other.sketches_[f]);
    for (const auto& [code, count] : other.categories_[f]) categories_[f][code] += count;
  }
}

Tokenizer TokenFit::finish(const TokenOptions& options) const {
  Tokenizer t;
  for (size_t f = 0; f < kFeatureCount; ++f) {
    const Sketch& s = sketches_[f];
    if (s.count() == 0) continue;
    const int feature = static_cast<int>(f);
    t.channels_.push_back(kFeatures[f].kind == Kind::kCategory
                              ? category_channel(feature, categories_[f], options.categories)
                              : level_channel(feature, s, options));
    t.log_mean_.push_back(static_cast<float>(s.log_mean()));
    t.log_deviation_.push_back(static_cast<float>(s.log_deviation()));
  }
  if (t.channels_.empty()) {
    throw base::Error("no frame to fit tokens on: the training period is empty (see `netflowgen inspect`)");
  }
  t.levels_ = t.channels_.size();
  for (size_t i = 0; options.relative && i < t.levels_; ++i) {
    const int f = t.channels_[i].feature;
    if (kFeatures[static_cast<size_t>(f)].kind == Kind::kVolume) t.channels_.push_back(relative_channel(f));
  }
  return t;
}

namespace {

constexpr double kUniversalRatio = 1.5;  // of neighbouring edges

// Low and high edge, mean and deviation of log1p: round figures that fit most networks, for the dense inputs.
struct Reach {
  double low, high;
  float log_mean, log_deviation;
};
Reach reach_of(int feature) {
  switch (kFeatures[static_cast<size_t>(feature)].kind) {
    case Kind::kVolume:
      return {1.5, 1e15, 8, 4};
    case Kind::kCount:
      return {1.5, 1e9, 2, 2};
    case Kind::kQuantity:
      return feature == series::kDurationIn || feature == series::kDurationOut ? Reach{0.01, 1e5, 1, 1.5}
                                                                               : Reach{20, 1e5, 5.5f, 1.5f};
    case Kind::kRatio:
    case Kind::kCategory:
      break;
  }
  return {1.0 / 32, 1, 0.3f, 0.25f};
}

Channel universal_level(int feature) {
  Channel c;
  c.feature = feature;
  const Reach reach = reach_of(feature);
  if (kFeatures[static_cast<size_t>(feature)].kind == Kind::kRatio) {
    for (int i = 1; i < 32; ++i) c.edges.push_back(static_cast<float>(i) / 32);
  } else {
    for (double e = reach.low; e < reach.high; e *= kUniversalRatio) c.edges.push_back(static_cast<float>(e));
  }
  for (size_t i = 0; i <= c.edges.size(); ++i) {
    const double low = i == 0 ? c.edges[0] / 2 : c.edges[i - 1];
    const double high = i == c.edges.size() ? low * kUniversalRatio : c.edges[i];
    c.values.push_back(i == 0 ? static_cast<float>(reach.low / kUniversalRatio)
                              : static_cast<float>(std::sqrt(low * high)));
  }
  return c;
}

}  // namespace

Tokenizer Tokenizer::universal() {
  Tokenizer t;
  for (int f = 0; f < kFeatureCount; ++f) {
    if (kFeatures[static_cast<size_t>(f)].kind == Kind::kCategory) {
      Channel c;
      c.feature = f;
      c.kind = ChannelKind::kCategory;
      for (const uint16_t port : series::own_bin_ports()) {
        if (port > 0) c.codes.push_back(port);
      }
      t.channels_.push_back(c);
    } else {
      t.channels_.push_back(universal_level(f));
    }
    const Reach reach = reach_of(f);
    t.log_mean_.push_back(reach.log_mean);
    t.log_deviation_.push_back(reach.log_deviation);
  }
  t.levels_ = t.channels_.size();
  for (int f = 0; f < kFeatureCount; ++f) {
    if (kFeatures[static_cast<size_t>(f)].kind == Kind::kVolume) t.channels_.push_back(relative_channel(f));
  }
  return t;
}

void Tokenizer::encode(std::span<const float> frame, std::span<Token> tokens) const {
  for (size_t i = 0; i < levels_; ++i) {
    const float v = frame[static_cast<size_t>(channels_[i].feature)];
    tokens[i] = std::isnan(v) ? kMissing : v <= 0 ? kZero : channels_[i].bin(v);
  }
}

}  // namespace netflowgen::token

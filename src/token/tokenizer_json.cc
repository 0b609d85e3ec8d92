// tokens.json: the fitted tokenizer as text that a person can read.
#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/json.h"
#include "token/tokenizer.h"

namespace netflowgen::token {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kFormat = 1;
constexpr const char* kKindNames[] = {"level", "category", "relative"};
constexpr size_t kMaxBins = 60000;  // a token is 16 bits

bool finite(const std::vector<float>& values) {
  return std::all_of(values.begin(), values.end(), [](float x) { return std::isfinite(x); });
}

Channel channel_from_json(const Json& j, const std::string& where) {
  Channel c;
  const auto name = base::field(j, "feature", where).as<std::string>();
  const auto feature = series::find_feature(name);
  if (!feature) throw base::Error("{}: unknown feature '{}'", where, name);
  c.feature = *feature;
  const auto kind = base::field(j, "kind", where).as<std::string>();
  const auto it = std::find(std::begin(kKindNames), std::end(kKindNames), kind);
  if (it == std::end(kKindNames)) throw base::Error("{}: unknown channel kind '{}'", where, kind);
  c.kind = static_cast<ChannelKind>(it - std::begin(kKindNames));
  if (c.kind == ChannelKind::kCategory) {
    c.codes = base::whole_list<int32_t>(j, "codes", where);
  } else {
    c.edges = base::field(j, "edges", where).as<std::vector<float>>();
  }
  if (c.kind == ChannelKind::kLevel) c.values = base::field(j, "values", where).as<std::vector<float>>();
  if (!finite(c.edges) || !finite(c.values)) {
    throw base::Error("{}: channel {} has a bin that is no number", where, name);
  }
  const bool sizes = c.edges.size() < kMaxBins && c.codes.size() < kMaxBins &&
                     (c.kind != ChannelKind::kLevel || c.values.size() == c.edges.size() + 1);
  if (!sizes || !std::is_sorted(c.edges.begin(), c.edges.end())) {
    throw base::Error("{}: channel {} has bins that are not sorted or not of one length", where, name);
  }
  return c;
}

// A level channel a feature at most, a relative channel a volume at most; each of the kind that its feature asks
// for. What is encoded and predicted counts on it.
bool channels_agree(const std::vector<Channel>& channels, size_t levels) {
  std::vector<int> level(series::kFeatureCount, 0);
  std::vector<int> relative(series::kFeatureCount, 0);
  for (size_t i = 0; i < channels.size(); ++i) {
    const auto& c = channels[i];
    const auto f = static_cast<size_t>(c.feature);
    const auto kind = series::kFeatures[f].kind;
    if ((c.kind == ChannelKind::kRelative) != (i >= levels)) return false;
    if (i < levels && (c.kind == ChannelKind::kCategory) != (kind == series::Kind::kCategory)) return false;
    if (++(i < levels ? level : relative)[f] > 1) return false;
    if (i >= levels && (kind != series::Kind::kVolume || level[f] == 0)) return false;
  }
  return true;
}

}  // namespace

std::string Tokenizer::to_json() const {
  Json j;
  j["format"] = kFormat;
  j["schema"] = series::schema_hash();
  j["features"] = series::feature_names();
  j["levels"] = levels_;
  j["log_mean"] = log_mean_;
  j["log_deviation"] = log_deviation_;
  j["channels"] = Json::array();
  for (const auto& c : channels_) {
    Json k;
    k["feature"] = series::kFeatures[static_cast<size_t>(c.feature)].name;
    k["kind"] = kKindNames[static_cast<size_t>(c.kind)];
    if (c.kind == ChannelKind::kCategory) {
      k["codes"] = c.codes;
    } else {
      k["edges"] = c.edges;
    }
    if (c.kind == ChannelKind::kLevel) k["values"] = c.values;
    j["channels"].push_back(std::move(k));
  }
  return j.dump(1) + "\n";
}

Tokenizer Tokenizer::from_json(std::string_view text, const std::string& where) {
  Tokenizer t;
  const Json j = base::parse_json<Json>(text, where);
  if (base::whole<int>(j, "format", where) != kFormat) {
    throw base::Error("{}: format {} is newer than this program's {}; update netflowgen", where,
                      base::need(j, "format", where).dump(), kFormat);
  }
  if (base::field(j, "schema", where).as<std::string>() != series::schema_hash()) {
    throw base::Error("{} was fitted on another feature table: {}", where,
                      series::schema_difference(base::field(j, "features", where).as<std::string>()));
  }
  t.levels_ = base::whole<size_t>(j, "levels", where);
  t.log_mean_ = base::field(j, "log_mean", where).as<std::vector<float>>();
  t.log_deviation_ = base::field(j, "log_deviation", where).as<std::vector<float>>();
  for (const auto& c : base::elements(j, "channels", where))
    t.channels_.push_back(channel_from_json(c, where));
  const bool ok =
      t.levels_ > 0 && t.levels_ <= t.channels_.size() && t.log_mean_.size() == t.levels_ &&
      t.log_deviation_.size() == t.levels_ && finite(t.log_mean_) && finite(t.log_deviation_) &&
      std::all_of(t.log_deviation_.begin(), t.log_deviation_.end(), [](float x) { return x > 0; }) &&
      channels_agree(t.channels_, t.levels_);
  if (!ok) throw base::Error("{} is damaged: its channels and counts do not agree", where);
  return t;
}

}  // namespace netflowgen::token

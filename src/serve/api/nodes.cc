// GET /api/v1/nodes and below.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "detect/policy.h"
#include "serve/api/json.h"
#include "serve/log.h"

namespace netflowgen::serve {
namespace {

constexpr int64_t kUsualSpan_ms = 6 * base::kHourMs;
constexpr size_t kAlertsOfNode = 50;

double known(float x) { return std::isnan(x) ? -1 : static_cast<double>(x); }

Json warm_share(const StepBlock& block, size_t row) {
  if (!block.layout || block.positions.empty() || block.layout->window <= 0) return nullptr;
  return number(
      std::min(1.0, static_cast<double>(block.positions[row]) / static_cast<double>(block.layout->window)));
}

Json node_row(const ServiceState& state, const StepBlock& block, size_t row) {
  const auto f = block.frame(row);
  const std::string name = series::name_of(block.keys[row]);
  Json j = {{"node", name}, {"kind", kind_name(block.keys[row].kind)}, {"last_ms", block.time_ms}};
  for (const int v : kVolumes) {
    j[std::string(series::kFeatures[static_cast<size_t>(v)].name)] =
        number(static_cast<double>(f[static_cast<size_t>(v)]));
  }
  j["bits"] = block.bits.empty() ? Json(nullptr) : number(static_cast<double>(block.bits[row]));
  j["warm"] = warm_share(block, row);
  j["alerts"] = state.alerts.open_at(name);
  return j;
}

// Rows whose nodes the search takes.
std::vector<size_t> found_rows(const StepBlock& block, const std::string& search, const std::string& kind) {
  const auto prefix = search.find('/') == std::string::npos ? std::nullopt : base::Prefix::parse(search);
  std::vector<size_t> rows;
  for (size_t row = 0; row < block.nodes(); ++row) {
    const auto& key = block.keys[row];
    if (!kind.empty() && kind_name(key.kind) != kind) continue;
    if (prefix) {
      const bool addressed = key.kind == series::NodeKind::kHost || key.kind == series::NodeKind::kPrefix;
      if (!addressed || !prefix->contains(key.address)) continue;
      if (key.kind == series::NodeKind::kPrefix && key.number < prefix->length) continue;
    } else if (!search.empty() && series::name_of(key).find(search) == std::string::npos) {
      continue;
    }
    rows.push_back(row);
  }
  return rows;
}

double sort_value(const StepBlock& block, size_t row, const std::string& sort) {
  const auto f = block.frame(row);
  if (sort == "surprise") return block.bits.empty() ? 0 : known(block.bits[row]);
  if (sort == "packets") return known(f[series::kPacketsIn]) + known(f[series::kPacketsOut]);
  if (sort == "flows") return known(f[series::kFlowsIn]) + known(f[series::kFlowsOut]);
  return known(f[series::kBytesIn]) + known(f[series::kBytesOut]);
}

// What the node's traffic looks like, by its last frames: who opens connections to whom.
Json role_of(std::span<const std::shared_ptr<const StepBlock>> blocks, const series::NodeKey& key) {
  double flows_in = 0;
  double flows_out = 0;
  double ports_in = 0;
  double peers_in = 0;
  double peers_out = 0;
  double packets_out = 0;
  size_t n = 0;
  for (const auto& block : blocks) {
    const size_t row = block->find(key);
    if (row == SIZE_MAX) continue;
    const auto f = block->frame(row);
    const auto add = [&](double& sum, int feature) {
      sum += std::max(0.0, known(f[static_cast<size_t>(feature)]));
    };
    add(flows_in, series::kFlowsIn);
    add(flows_out, series::kFlowsOut);
    add(ports_in, series::kPortsIn);
    add(peers_in, series::kPeersIn);
    add(peers_out, series::kPeersOut);
    add(packets_out, series::kPacketsOut);
    ++n;
  }
  if (n < 5 || flows_in + flows_out < 20) return nullptr;
  if (peers_out > 50 * static_cast<double>(n) && packets_out < 3 * flows_out && flows_in < 0.3 * flows_out)
    return "scanner-like";
  // A server is addressed on few ports by more peers than ports; a client on as many ports as it has connections.
  const double per_port = ports_in > 0 ? flows_in / ports_in : 0;
  if (per_port > 3 && peers_in >= 1) return "server";
  if (per_port > 0 && per_port < 1.5) return "client";
  return "mixed";
}

struct NodeRows {
  std::vector<base::TimeMs> times;
  std::vector<std::vector<float>> frames;
  std::vector<VolumeFans> forecast;
  std::vector<float> bits;
  std::vector<History::Block> blocks;  // parallel; null: of the disk
  std::vector<size_t> rows;
};

struct SeriesRow {
  NodeHistoryRow row;
  History::Block block;
  size_t index = 0;
};

// The frame of a step in memory that has none of the node: no traffic. A volume that no frame knows stays unknown, and so
// does all that is no volume. Empty: the node has no frame in this time at all.
std::vector<float> silent_frame(const std::map<base::TimeMs, SeriesRow>& rows) {
  if (rows.empty()) return {};
  std::vector<float> frame(series::kFeatureCount, base::kNaN);
  for (const auto& [time, at] : rows) {
    for (const int v : kVolumes) {
      if (!std::isnan(at.row.frame[static_cast<size_t>(v)])) frame[static_cast<size_t>(v)] = 0;
    }
  }
  return frame;
}

NodeRows rows_of(const ServiceState& state, const std::string& name, const series::NodeKey& key,
                 const TimeRange& range, Resolution resolution) {
  std::map<base::TimeMs, SeriesRow> by_time;
  for (auto& row : state.reader.node(resolution, name, range.from_ms, range.to_ms))
    by_time[row.time_ms] = {row, nullptr, 0};
  if (resolution == Resolution::kStep) {
    std::vector<base::TimeMs> silent;
    for (const auto& block : state.history.between(range.from_ms, range.to_ms)) {
      const size_t row = block->find(key);
      if (row == SIZE_MAX) {
        silent.push_back(block->time_ms);
        continue;
      }
      const auto f = block->frame(row);
      NodeHistoryRow r{block->time_ms, {f.begin(), f.end()}, no_fans(), base::kNaN};
      if (!block->forecast.empty()) r.forecast = block->forecast[row];
      if (!block->bits.empty()) r.bits = block->bits[row];
      by_time[block->time_ms] = {std::move(r), block, row};
    }
    const auto nothing = silent_frame(by_time);
    for (const auto time : silent) {
      if (!nothing.empty())
        by_time.try_emplace(time, SeriesRow{{time, nothing, no_fans(), base::kNaN}, nullptr, 0});
    }
  }
  NodeRows out;
  for (auto& [time, at] : by_time) {
    out.times.push_back(time);
    out.frames.push_back(std::move(at.row.frame));
    out.forecast.push_back(at.row.forecast);
    out.bits.push_back(at.row.bits);
    out.blocks.push_back(std::move(at.block));
    out.rows.push_back(at.index);
  }
  return out;
}

std::vector<int> features_of(const Request& r) {
  const std::string text = text_of(r, "features", 1024);
  std::vector<int> out;
  if (r.query.find("features") == r.query.end()) {
    for (int f = 0; f < series::kFeatureCount; ++f) out.push_back(f);
    return out;
  }
  size_t at = 0;
  while (at <= text.size()) {
    const size_t comma = std::min(text.find(',', at), text.size());
    const std::string name = text.substr(at, comma - at);
    const auto feature = series::find_feature(name);
    if (!feature)
      throw ApiError{400, fmt::format("features: there is no feature '{}'; /api/v1/features has them", name)};
    out.push_back(*feature);
    at = comma + 1;
  }
  return out;
}

Json surprise_json(const NodeRows& rows) {
  std::map<int, std::vector<float>> by_feature;
  for (size_t i = 0; i < rows.times.size(); ++i) {
    const auto& block = rows.blocks[i];
    if (!block || !block->layout || block->surprise.empty()) continue;
    const auto& features = block->layout->target_features;
    for (size_t t = 0; t < features.size(); ++t) {
      auto& bits = by_feature.try_emplace(features[t], rows.times.size(), base::kNaN).first->second;
      bits[i] = block->surprise[rows.rows[i] * features.size() + t];
    }
  }
  Json list = Json::array();
  for (const auto& [feature, bits] : by_feature) {
    list.push_back(
        {{"feature", feature < 0 ? "gap" : std::string(series::kFeatures[static_cast<size_t>(feature)].name)},
         {"bits", numbers(bits)}});
  }
  return {{"total", numbers(rows.bits)}, {"by_feature", list}};
}

Json scores_json(const ServiceState& state, const std::string& name, const NodeRows& rows) {
  Json list = Json::array();
  const auto model = state.model.get();
  if (!model) return list;
  const auto rule = model->rules->of(name);
  for (size_t t = 0; t < model->calibration.tasks.size(); ++t) {
    const auto& task = model->calibration.tasks[t];
    std::vector<float> values(rows.times.size(), base::kNaN);
    for (size_t i = 0; i < rows.times.size(); ++i) {
      const auto& block = rows.blocks[i];
      if (!block || !block->layout || block->scores.empty()) continue;
      const auto& tasks = block->layout->tasks;
      const auto at = std::find(tasks.begin(), tasks.end(), task.name);
      if (at != tasks.end())
        values[i] = block->scores[rows.rows[i] * tasks.size() + static_cast<size_t>(at - tasks.begin())];
    }
    const double on = static_cast<double>(rule.thresholds[t].on);
    list.push_back({{"task", task.name}, {"threshold", number(on)}, {"values", numbers(values)}});
  }
  return list;
}

Json alerts_of(const ServiceState& state, const std::string& name, const TimeRange* range) {
  AlertFilter filter;
  filter.node = name;
  filter.limit = kAlertsOfNode;
  if (range != nullptr) {
    filter.from_ms = range->from_ms;
    filter.to_ms = range->to_ms;
  }
  size_t total = 0;
  Json list = Json::array();
  for (const auto& row : state.alerts.alerts(filter, total)) {
    auto summary = alert_summary(row);
    if (summary["node"] == name) list.push_back(std::move(summary));
  }
  return list;
}

Json latest_json(const StepBlock& block, size_t row) {
  Json list = Json::array();
  const auto frame = block.frame(row);
  for (size_t f = 0; f < series::kFeatureCount; ++f) {
    Json seen = {{"feature", series::kFeatures[f].name},
                 {"unit", series::kFeatures[f].unit},
                 {"value", number(static_cast<double>(frame[f]))},
                 {"low", nullptr},
                 {"middle", nullptr},
                 {"high", nullptr},
                 {"bits", nullptr}};
    for (size_t v = 0; v < kVolumeCount && !block.forecast.empty(); ++v) {
      if (kVolumes[v] != static_cast<int>(f)) continue;
      const auto& fan = block.forecast[row][v];
      seen["low"] = number(static_cast<double>(fan[kLow]));
      seen["middle"] = number(static_cast<double>(fan[kMiddle]));
      seen["high"] = number(static_cast<double>(fan[kHigh]));
    }
    for (size_t t = 0; block.layout && t < block.layout->target_features.size(); ++t) {
      const size_t targets = block.layout->target_features.size();
      if (block.layout->target_features[t] == static_cast<int>(f) && !block.surprise.empty()) {
        seen["bits"] = number(static_cast<double>(block.surprise[row * targets + t]));
      }
    }
    list.push_back(std::move(seen));
  }
  return list;
}

}  // namespace

History::Block latest_with(std::span<const History::Block> blocks, const series::NodeKey& key) {
  for (auto it = blocks.rbegin(); it != blocks.rend(); ++it) {
    if ((*it)->find(key) != SIZE_MAX) return *it;
  }
  return nullptr;
}

namespace {

// Prefix nodes around it, the longest first, and the number of hosts in it.
void relatives(const StepBlock& block, const series::NodeKey& key, Json& parents, uint64_t& children) {
  using series::NodeKind;
  if (key.kind != NodeKind::kHost && key.kind != NodeKind::kPrefix) return;
  const unsigned length = key.kind == NodeKind::kHost ? 128 : key.number;
  std::vector<series::NodeKey> around;
  for (const auto& k : block.keys) {
    if (k.kind == NodeKind::kPrefix && k.number < length && base::mask(key.address, k.number) == k.address)
      around.push_back(k);
    if (k.kind == NodeKind::kHost && length < 128 && base::mask(k.address, length) == key.address) ++children;
  }
  std::sort(around.begin(), around.end(), [](const auto& a, const auto& b) { return a.number > b.number; });
  for (const auto& k : around) parents.push_back(series::name_of(k));
}

}  // namespace

series::NodeKey node_key_of(const std::string& name) {
  const auto key = parse_node(name);
  if (!key || name.size() > 128) {
    throw ApiError{404, "a node is an address, a prefix, ADDRESS#INTERFACE or ASnumber, percent-encoded"};
  }
  return *key;
}

Json nodes_json(const ServiceState& state, const Request& r) {
  const std::string search = text_of(r, "search", 128);
  const std::string kind = word_of(r, "kind", {"host", "prefix", "interface", "as"}, "");
  const std::string sort = word_of(r, "sort", {"surprise", "bytes", "packets", "flows", "name"}, "bytes");
  const auto offset = static_cast<size_t>(integer_of(r, "offset", 0, 10'000'000, 0));
  const auto limit = static_cast<size_t>(integer_of(r, "limit", 1, 500, 50));
  const auto block = state.history.latest();
  Json nodes = Json::array();
  size_t total = 0;
  if (block) {
    auto rows = found_rows(*block, search, kind);
    total = rows.size();
    const size_t end = std::min(total, offset + limit);
    if (sort != "name") {
      std::vector<double> values(block->nodes());
      for (const size_t row : rows) values[row] = sort_value(*block, row, sort);
      std::partial_sort(
          rows.begin(), rows.begin() + static_cast<std::ptrdiff_t>(end), rows.end(),
          [&](size_t a, size_t b) { return std::pair(values[a], b) > std::pair(values[b], a); });
    }
    for (size_t i = offset; i < end; ++i) nodes.push_back(node_row(state, *block, rows[i]));
  }
  return {{"total", total},
          {"offset", offset},
          {"step_ms", state.info.step_ms},
          {"time_ms", block ? Json(block->time_ms) : Json(nullptr)},
          {"nodes", nodes}};
}

namespace {

// The start of the first step that history holds. A day or a quarter is as exact as its bucket, so that the first step in it
// is taken where that is still there.
base::TimeMs first_of(const ServiceState& state, const std::string& name, const series::NodeKey& key,
                      std::span<const History::Block> blocks) {
  base::TimeMs step = INT64_MAX;
  for (const auto& b : blocks) {
    if (b->find(key) == SIZE_MAX) continue;
    step = b->time_ms;
    break;
  }
  constexpr std::pair<Resolution, int64_t> kBuckets[] = {
      {Resolution::kStep, 0}, {Resolution::kQuarter, base::kHourMs / 4}, {Resolution::kDay, base::kDayMs}};
  for (const auto& [resolution, length] : kBuckets) {
    const auto rows = state.reader.node(resolution, name, 0, INT64_MAX);
    if (!rows.empty() && (step == INT64_MAX || rows.front().time_ms + length <= step))
      step = rows.front().time_ms;
  }
  return step;
}

}  // namespace

Json node_json(const ServiceState& state, const std::string& given) {
  const auto key = node_key_of(given);
  const std::string name = series::name_of(key);
  const auto blocks = state.history.between(INT64_MIN, INT64_MAX);
  const auto block = latest_with(blocks, key);
  if (!block && !state.reader.knows(name)) throw ApiError{404, fmt::format("history has no node {}", name)};
  Json parents = Json::array();
  uint64_t children = 0;
  if (!blocks.empty()) relatives(*blocks.back(), key, parents, children);
  const base::TimeMs first = first_of(state, name, key, blocks);
  const size_t row = block ? block->find(key) : 0;
  const bool scored = block && block->layout && !block->positions.empty();
  const auto model = state.model.get();
  const detect::Rule rule = model ? model->rules->of(name) : detect::Rule{};
  const Json warm = block ? warm_share(*block, row) : Json(nullptr);
  return {{"node", name},
          {"kind", kind_name(key.kind)},
          {"first_ms", time_or_null(first)},
          {"last_ms", block ? Json(block->time_ms) : Json(nullptr)},
          {"warm", warm},
          {"positions", scored ? Json(block->positions[row]) : Json(nullptr)},
          {"window", scored ? Json(block->layout->window) : Json(nullptr)},
          {"learning", scored && block->positions[row] < rule.learning_steps},
          {"policy", rule.policy.empty() ? Json(nullptr) : Json(rule.policy)},
          {"role", role_of(blocks, key)},
          {"parents", parents},
          {"children", children},
          {"latest", block ? latest_json(*block, row) : Json::array()},
          {"alerts", alerts_of(state, name, nullptr)}};
}

Json node_series_json(const ServiceState& state, const std::string& given, const Request& r) {
  const auto key = node_key_of(given);
  const std::string name = series::name_of(key);
  const auto features = features_of(r);
  const TimeRange range = range_of(r, state.now(), kUsualSpan_ms);
  const Resolution resolution = resolution_for(state, range);
  const auto rows = rows_of(state, name, key, range, resolution);
  if (rows.times.empty() && !state.reader.knows(name) &&
      !latest_with(state.history.between(INT64_MIN, INT64_MAX), key)) {
    throw ApiError{404, fmt::format("history has no node {}", name)};
  }
  Json list = Json::array();
  for (const int f : features) {
    std::vector<float> values;
    for (const auto& frame : rows.frames) values.push_back(frame[static_cast<size_t>(f)]);
    std::vector<Fan> fans;
    for (size_t v = 0; v < kVolumeCount; ++v) {
      if (kVolumes[v] != f) continue;
      for (const auto& all : rows.forecast) fans.push_back(all[v]);
    }
    list.push_back(feature_series(f, values, fans));
  }
  return {{"node", name},
          {"resolution_ms", length_ms(resolution, state.info.step_ms)},
          {"times", rows.times},
          {"features", list},
          {"surprise", surprise_json(rows)},
          {"scores", scores_json(state, name, rows)},
          {"alerts", alerts_of(state, name, &range)}};
}

}  // namespace netflowgen::serve

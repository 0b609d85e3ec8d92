// series.json: read, check, write.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/json.h"
#include "series/store_file/store_json.h"

namespace netflowgen::series {
namespace {

using Json = nlohmann::ordered_json;
using base::Error;

constexpr std::string_view kFormat = "netflowgen-series";

std::string joined(const Json& names) {
  std::string text;
  for (const auto& n : names)
    text += (text.empty() ? "" : ",") + (n.is_string() ? n.get<std::string>() : n.dump());
  return text;
}

void check_schema(const fs::path& path, const Json& j) {
  const std::string where = path.string();
  if (base::field(j, "format", where).as<std::string>() != kFormat)
    throw Error("{} is not a series store", path.string());
  const auto version = base::whole<int>(j, "version", path.string());
  if (version > kStoreVersion) {
    throw Error("{} has format version {}, this program reads up to {}: use a newer netflowgen",
                path.string(), version, kStoreVersion);
  }
  if (base::field(j, "schema", where).as<std::string>() != schema_hash()) {
    throw Error("{} was written with another feature table: {}. Rebuild the store with this program",
                path.string(), schema_difference(joined(base::elements(j, "features", where))));
  }
}

ShardInfo parse_shard(const std::string& where, const Json& j) {
  ShardInfo s{base::field(j, "file", where).as<std::string>(), base::whole<uint64_t>(j, "rows", where),
              base::whole<uint64_t>(j, "nodes", where), base::whole<int64_t>(j, "first_step", where),
              base::whole<int64_t>(j, "end_step", where)};
  if (fs::path(s.file).filename() != s.file) {
    throw Error("{}: the shard name '{}' leaves the folder", where, s.file);
  }
  return s;
}

StageCounts parse_counts(const std::string& where, const Json& j) {
  StageCounts c{base::field(j, "stage", where).as<std::string>(),
                base::whole<uint64_t>(j, "in", where),
                base::whole<uint64_t>(j, "out", where),
                base::whole<uint64_t>(j, "held", where),
                {}};
  for (const auto& [reason, count] : base::elements(j, "drops", where).items())
    c.drops.emplace_back(reason, base::need_whole<uint64_t>(count, reason.c_str(), where));
  return c;
}

NodeChoice parse_choice(const std::string& where, const Json& j) {
  return {base::field(j, "hosts", where).as<std::string>(),
          base::field(j, "prefixes", where).as<std::string>(), base::field(j, "interfaces", where).as<bool>(),
          base::field(j, "as", where).as<bool>()};
}

Json choice_json(const NodeChoice& c) {
  return {{"hosts", c.hosts}, {"prefixes", c.prefixes}, {"interfaces", c.interfaces}, {"as", c.as}};
}

StoreInfo parse_info(const std::string& where, const Json& j) {
  StoreInfo info;
  info.step_ms = base::whole<int64_t>(j, "step_ms", where);
  if (info.step_ms <= 0) throw Error("{}: step_ms is {}", where, info.step_ms);
  info.timezone = base::field(j, "timezone", where).as<std::string>();
  if (j.contains("nodes")) info.choice = parse_choice(where, base::need(j, "nodes", where));
  info.first_step = base::whole<int64_t>(j, "first_step", where);
  info.end_step = base::whole<int64_t>(j, "end_step", where);
  // Bounds that keep every step's time within 64-bit milliseconds.
  const int64_t limit = INT64_MAX / 2 / info.step_ms;
  if (info.first_step > info.end_step || info.first_step < -limit || info.end_step > limit) {
    throw Error("{}: its steps [{}, {}) are out of range", where, info.first_step, info.end_step);
  }
  std::fill(info.missing.begin(), info.missing.end(), false);
  for (const auto& name : base::elements(j, "missing", where)) {
    if (const auto f = find_feature(name.is_string() ? name.get<std::string>() : ""))
      info.missing[static_cast<size_t>(*f)] = true;
  }
  for (const auto& s : base::elements(j, "shards", where)) info.shards.push_back(parse_shard(where, s));
  for (const auto& run : base::elements(j, "runs", where)) {
    info.runs.emplace_back();
    for (const auto& c : run) info.runs.back().push_back(parse_counts(where, c));
  }
  return info;
}

Json counts_json(const StageCounts& c) {
  Json drops = Json::object();
  for (const auto& [reason, count] : c.drops) drops[reason] = count;
  return {{"stage", c.stage}, {"in", c.in}, {"out", c.out}, {"held", c.held}, {"drops", drops}};
}

}  // namespace

uint64_t StoreInfo::rows() const {
  uint64_t n = 0;
  for (const auto& s : shards) n += s.rows;
  return n;
}

bool is_store(const fs::path& store) {
  std::error_code ignored;
  return fs::is_regular_file(store / kStoreInfoFile, ignored);
}

StoreInfo read_store_info(const fs::path& store) {
  const fs::path path = store / kStoreInfoFile;
  if (!is_store(store)) {
    throw Error("{} is not a series store: it has no {} (`netflowgen series` makes one)", store.string(),
                kStoreInfoFile);
  }
  const std::string text = base::read_file(path);
  const Json j = base::parse_json<Json>(text, path.string());
  check_schema(path, j);
  return parse_info(path.string(), j);
}

std::string store_info_json(const StoreInfo& info) {
  Json j;
  j["format"] = kFormat;
  j["version"] = kStoreVersion;
  j["schema"] = schema_hash();
  j["features"] = Json::array();
  for (const auto& f : kFeatures) j["features"].push_back(f.name);
  j["step_ms"] = info.step_ms;
  j["timezone"] = info.timezone;
  if (info.choice.known()) j["nodes"] = choice_json(info.choice);
  j["first_step"] = info.first_step;
  j["end_step"] = info.end_step;
  j["missing"] = Json::array();
  for (size_t f = 0; f < kFeatureCount; ++f) {
    if (info.missing[f]) j["missing"].push_back(kFeatures[f].name);
  }
  j["shards"] = Json::array();
  for (const auto& s : info.shards) {
    j["shards"].push_back({{"file", s.file},
                           {"rows", s.rows},
                           {"nodes", s.nodes},
                           {"first_step", s.first_step},
                           {"end_step", s.end_step}});
  }
  j["runs"] = Json::array();
  for (const auto& run : info.runs) {
    Json stages = Json::array();
    for (const auto& c : run) stages.push_back(counts_json(c));
    j["runs"].push_back(stages);
  }
  return j.dump(1) + "\n";
}

std::vector<StageCounts> to_counts(std::span<const base::LedgerView> views) {
  std::vector<StageCounts> counts;
  for (const auto& v : views) {
    counts.push_back({v.stage, v.in, v.out, v.held, {}});
    for (const auto& [reason, count] : v.drops) counts.back().drops.emplace_back(reason, count);
  }
  return counts;
}

}  // namespace netflowgen::series

// YAML to Scenario: strict, with lines in messages and the nearest key for a wrong one.
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "base/file.h"
#include "sim/network/cycle.h"
#include "sim/network/roles.h"
#include "sim/scenario_file/scenario_fields.h"

namespace netflowgen::sim {
namespace {

size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t replace = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({replace, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row[b.size()];
}

std::string nearest(std::string_view key, const std::vector<std::string>& known) {
  std::string best;
  size_t least = SIZE_MAX;
  for (const auto& k : known) {
    const size_t d = edit_distance(key, k);
    if (d < least) {
      least = d;
      best = k;
    }
  }
  return best;
}

// Where a value stands, for messages: file, line, path of keys.
struct Place {
  std::string file;
  std::string path;

  [[noreturn]] void fail(const YAML::Node& node, const std::string& what) const {
    const int line = node.Mark().line;
    throw base::Error("{}{}: {}: {}", file, line >= 0 ? ":" + std::to_string(line + 1) : "",
                      path.empty() ? "scenario" : path, what);
  }
  Place in(const std::string& key) const { return {file, path.empty() ? key : path + "." + key}; }
};

template <typename S>
void read_map(const YAML::Node& node, S& value, const Place& place);

std::string scalar(const YAML::Node& node, const Place& place, const char* expected) {
  if (!node.IsScalar()) place.fail(node, std::string("expected ") + expected);
  return node.Scalar();
}

void read(const YAML::Node& node, std::string& value, const Place& place) {
  value = scalar(node, place, "a text");
}

void read(const YAML::Node& node, bool& value, const Place& place) {
  if (!node.IsScalar() || !YAML::convert<bool>::decode(node, value))
    place.fail(node, "expected true or false");
}

void read(const YAML::Node& node, int64_t& value, const Place& place) {
  if (!node.IsScalar() || !YAML::convert<int64_t>::decode(node, value)) {
    place.fail(node, "expected a whole number");
  }
}

void read(const YAML::Node& node, double& value, const Place& place) {
  if (!node.IsScalar() || !YAML::convert<double>::decode(node, value) || !std::isfinite(value)) {
    place.fail(node, "expected a number");
  }
}

void read(const YAML::Node& node, Duration& value, const Place& place) {
  const std::string text = scalar(node, place, "a duration (30s, 10m, 2h, 14d)");
  const auto ms = base::parse_duration(text);
  if (!ms || *ms < 0) place.fail(node, "'" + text + "' is not a duration (30s, 10m, 2h, 14d)");
  value.ms = *ms;
}

void read(const YAML::Node& node, Time& value, const Place& place) {
  const std::string text = scalar(node, place, "a time (2024-03-04T00:00:00Z)");
  const auto ms = base::parse_time(text);
  if (!ms) place.fail(node, "'" + text + "' is not a time (2024-03-04T00:00:00Z)");
  value.ms = *ms;
}

void read(const YAML::Node& node, base::Prefix& value, const Place& place) {
  const std::string text = scalar(node, place, "a prefix (10.20.0.0/22)");
  const auto prefix = base::Prefix::parse(text);
  if (!prefix) place.fail(node, "'" + text + "' is not a prefix (10.20.0.0/22)");
  value = *prefix;
}

template <typename T>
void read(const YAML::Node& node, std::optional<T>& value, const Place& place) {
  T v{};
  read(node, v, place);
  value = v;
}

template <typename T>
void read(const YAML::Node& node, Between<T>& value, const Place& place) {
  if (!node.IsSequence() || node.size() != 2) place.fail(node, "expected two values, [low, high]");
  read(node[0], value.low, place);
  read(node[1], value.high, place);
}

void read(const YAML::Node& node, Weights& value, const Place& place) {
  if (!node.IsMap()) place.fail(node, "expected name: weight pairs");
  for (const auto& entry : node) {
    const auto key = entry.first.as<std::string>();
    read(entry.second, value[key], place.in(key));
  }
}

void read(const YAML::Node& node, std::vector<ScriptedEvent>& value, const Place& place) {
  if (!node.IsSequence()) place.fail(node, "expected a list of events");
  for (size_t i = 0; i < node.size(); ++i) {
    ScriptedEvent event;
    read_map(node[i], event, Place{place.file, place.path + "[" + std::to_string(i) + "]"});
    value.push_back(event);
  }
}

void read(const YAML::Node& node, std::map<std::string, RoleSpec>& value, const Place& place) {
  if (!node.IsMap()) place.fail(node, "expected roles, e.g. web: {count: 10}");
  for (const auto& entry : node) {
    const auto name = entry.first.as<std::string>();
    const YAML::Node body = entry.second;
    std::string like = name;
    if (body.IsMap() && body["like"]) read(body["like"], like, place.in(name + ".like"));
    RoleSpec role;
    try {
      role = default_role(like.empty() ? name : like, "");
    } catch (const base::Error& e) {
      place.in(name).fail(entry.first, e.what());
    }
    if (body.IsScalar()) {  // web: 10
      read(body, role.count, place.in(name));
    } else {
      read_map(body, role, place.in(name));
    }
    value[name] = role;
  }
}

template <typename S>
void read(const YAML::Node& node, S& value, const Place& place) {
  read_map(node, value, place);
}

// Visits the fields that the map has; finish() refuses what no field took.
struct Reader {
  const YAML::Node& map;
  const Place& place;
  std::vector<std::string> known;

  template <typename T>
  void operator()(const char* key, T& value, const char*) {
    known.emplace_back(key);
    const YAML::Node node = map[key];
    if (node) read(node, value, place.in(key));
  }
  void finish() const {
    std::vector<std::string> seen;
    for (const auto& entry : map) {
      const auto key = entry.first.as<std::string>();
      if (std::find(known.begin(), known.end(), key) == known.end()) {
        place.fail(entry.first,
                   "unknown key '" + key + "'; the nearest known one is '" + nearest(key, known) + "'");
      }
      if (std::find(seen.begin(), seen.end(), key) != seen.end()) {
        place.fail(entry.first, "the key '" + key + "' stands here twice");
      }
      seen.push_back(key);
    }
  }
};

template <typename S>
void read_map(const YAML::Node& node, S& value, const Place& place) {
  if (!node.IsMap()) place.fail(node, "expected key: value pairs");
  Reader reader{node, place, {}};
  visit(reader, value);
  reader.finish();
}

}  // namespace

RoleSpec default_role(const std::string& name, const std::string& where) {
  const RoleProfile* profile = find_role(name);
  if (profile == nullptr) {
    std::vector<std::string> names;
    for (const auto& r : all_roles()) names.emplace_back(r.name);
    throw base::Error(
        "{}no built-in role '{}' (nearest: '{}'; there are {}); a role of your own needs like: ROLE",
        where.empty() ? "" : where + ": ", name, nearest(name, names), role_names());
  }
  RoleSpec spec;
  spec.like = profile->name;
  spec.cycle = profile->cycle;
  spec.noise = profile->noise;
  spec.hurst = profile->hurst;
  spec.spread = profile->spread;
  return spec;
}

std::optional<int64_t> event_offset(const Scenario& scenario, const std::string& text) {
  const bool unit = !text.empty() && std::string_view("smhd").find(text.back()) != std::string_view::npos;
  if (unit) return base::parse_duration(text);
  const auto time = base::parse_time(text);
  if (!time) return std::nullopt;
  return *time - scenario.start.ms;
}

Scenario parse_scenario(const std::string& yaml, const std::string& where) {
  Scenario scenario;
  try {
    const YAML::Node root = YAML::Load(yaml);
    if (root.IsDefined() && !root.IsNull()) read_map(root, scenario, Place{where, ""});
  } catch (const YAML::Exception& e) {
    throw base::Error("{}:{}: not valid YAML: {}", where, e.mark.line + 1, e.msg);
  }
  if (scenario.hosts.empty()) {
    static constexpr std::pair<const char*, int64_t> kDefault[] = {
        {"web", 10}, {"dns", 2},      {"mail", 2}, {"nat", 2},  {"vpn", 1},    {"client", 30},
        {"iot", 10}, {"database", 3}, {"voip", 2}, {"game", 2}, {"backup", 1}, {"idle", 5}};
    for (const auto& [name, count] : kDefault) {
      scenario.hosts[name] = default_role(name, where);
      scenario.hosts[name].count = count;
    }
  }
  validate(scenario, where);
  return scenario;
}

Scenario load_scenario(const std::string& path) {
  std::error_code error;
  if (!base::fs::is_regular_file(path, error)) {
    if (const auto text = builtin_scenario(path))
      return parse_scenario(std::string(*text), "built-in " + path);
    throw base::Error("{}: no such file; built-in scenarios are {}", path, builtin_scenario_names());
  }
  return parse_scenario(base::read_file(path), path);
}

}  // namespace netflowgen::sim

// YAML to Scenario: strict, with lines in messages and the nearest key for a wrong one.
#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "base/file.h"
#include "base/words.h"
#include "base/yaml.h"
#include "sim/network/cycle.h"
#include "sim/network/roles.h"
#include "sim/scenario_file/scenario_fields.h"

namespace netflowgen::sim {
namespace {

using Yaml = base::YamlValue;

template <typename S>
void read_map(const Yaml& at, S& value);

void read(const Yaml& at, AttackShape& value) { read_map(at, value); }

void read(const Yaml& at, std::string& value) { value = at.text(); }

void read(const Yaml& at, bool& value) { value = at.as<bool>("true or false"); }

void read(const Yaml& at, int64_t& value) { value = at.as<int64_t>("an integer"); }

void read(const Yaml& at, double& value) {
  value = at.as<double>("a number");
  if (!std::isfinite(value)) at.fail("expected a number");
}

void read(const Yaml& at, Duration& value) {
  const std::string text = at.text();
  const auto ms = base::parse_duration(text);
  if (!ms || *ms < 0) at.fail("'{}' is not a duration (30s, 10m, 2h, 14d)", text);
  value.ms = *ms;
}

void read(const Yaml& at, Time& value) {
  const std::string text = at.text();
  const auto ms = base::parse_time(text);
  if (!ms) at.fail("'{}' is not a time (2024-03-04T00:00:00Z)", text);
  value.ms = *ms;
}

void read(const Yaml& at, base::Prefix& value) {
  const std::string text = at.text();
  const auto prefix = base::Prefix::parse(text);
  if (!prefix) at.fail("'{}' is not a prefix (10.20.0.0/22)", text);
  value = *prefix;
}

template <typename T>
void read(const Yaml& at, std::optional<T>& value) {
  T v{};
  read(at, v);
  value = v;
}

template <typename T>
void read(const Yaml& at, Between<T>& value) {
  if (!at.list()) at.fail("expected two values, [low, high]");
  const auto both = at.items();
  if (both.size() != 2) at.fail("expected two values, [low, high]");
  read(both[0], value.low);
  read(both[1], value.high);
}

void read(const Yaml& at, Weights& value) {
  for (const auto& [key, weight] : at.entries()) read(weight, value[key.text()]);
}

void read(const Yaml& at, std::vector<ScriptedEvent>& value) {
  for (const auto& item : at.items()) {
    ScriptedEvent event;
    read_map(item, event);
    value.push_back(event);
  }
}

void read(const Yaml& at, std::map<std::string, RoleSpec>& value) {
  if (!at.map()) at.fail("expected roles, e.g. web: {{count: 10}}");
  for (const auto& [key, body] : at.entries()) {
    const std::string name = key.text();
    std::string like = name;
    if (const auto given = body["like"]) read(given, like);
    RoleSpec role;
    try {
      role = default_role(like.empty() ? name : like, "");
    } catch (const base::Error& e) {
      body.fail("{}", e.what());
    }
    if (body.scalar()) {  // web: 10
      read(body, role.count);
    } else {
      read_map(body, role);
    }
    value[name] = role;
  }
}

template <typename S>
void read(const Yaml& at, S& value) {
  read_map(at, value);
}

// Visits the fields that the map has.
struct Reader {
  const Yaml& map;
  std::vector<std::string> known;

  template <typename T>
  void operator()(const char* key, T& value, const char*) {
    known.emplace_back(key);
    if (const auto at = map[key]) read(at, value);
  }
};

template <typename S>
void read_map(const Yaml& at, S& value) {
  if (!at.map()) at.fail("expected key: value pairs");
  Reader reader{at, {}};
  visit(reader, value);
  at.keys(reader.known);
}

// Where the values are, by path, for what only the whole of a scenario shows.
void note_lines(const Yaml& at, ScenarioPlaces& places) {
  if (!at.path().empty()) places.lines[at.path()] = at.line();
  if (at.map()) {
    for (const auto& [key, value] : at.entries()) note_lines(value, places);
  } else if (at.list()) {
    for (const auto& item : at.items()) note_lines(item, places);
  }
}

}  // namespace

RoleSpec default_role(const std::string& name, const std::string& where) {
  const RoleProfile* profile = find_role(name);
  if (profile == nullptr) {
    std::vector<std::string> names;
    for (const auto& r : all_roles()) names.emplace_back(r.name);
    const std::string meant = base::nearest(name, names);
    throw base::Error("{}no built-in role '{}'{}; there are {}; a role of your own needs like: ROLE",
                      where.empty() ? "" : where + ": ", name,
                      meant.empty() ? "" : "; did you mean '" + meant + "'?", role_names());
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
  ScenarioPlaces places{where, {}};
  if (const Yaml root = Yaml::parse(yaml, where); root && !root.null()) {
    read_map(root, scenario);
    note_lines(root, places);
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
  validate(scenario, places);
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

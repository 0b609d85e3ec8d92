// config.json: the text of a spec, and what a file may not say.
#include "model/spec.h"

#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/json.h"
#include "base/time.h"

namespace netflowgen::model {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kCalendars[] = {"none", "day", "paper"};

Json head_to_json(const HeadSpec& h) {
  return {{"name", h.name},
          {"kind", h.kind},
          {"classes", h.classes},
          {"use_hidden", h.use_hidden},
          {"use_surprise", h.use_surprise},
          {"use_dense", h.use_dense},
          {"hidden", h.hidden},
          {"trees", h.trees},
          {"tree_depth", h.tree_depth}};
}

HeadSpec head_from_json(const Json& j, const std::string& where) {
  HeadSpec h;
  h.name = base::field(j, "name", where).as<std::string>();
  h.kind = base::field(j, "kind", where).as<std::string>();
  h.classes = base::field(j, "classes", where).as<std::vector<std::string>>();
  h.use_hidden = base::field(j, "use_hidden", where);
  h.use_surprise = base::field(j, "use_surprise", where);
  h.use_dense = base::field(j, "use_dense", where);
  h.hidden = base::whole<int>(j, "hidden", where);
  if (j.contains("trees")) {
    h.trees = base::whole<int>(j, "trees", where);
    h.tree_depth = base::whole<int>(j, "tree_depth", where);
  }
  return h;
}

Json input_to_json(const token::InputSpec& i) {
  return {{"step_ms", i.step_ms},
          {"idle_steps", i.idle_steps},
          {"calendar", kCalendars[static_cast<size_t>(i.calendar)]},
          {"timezone", i.timezone},
          {"dense", i.dense},
          {"nodes", i.nodes},
          {"season_lags", i.season_lags},
          {"leads", i.leads},
          {"scales", i.scales},
          {"universal", i.universal},
          {"surroundings", i.surroundings}};
}

// Formats before 4 knew offsets alone.
std::string timezone_from_json(const Json& j, const std::string& where) {
  if (j.contains("timezone"))
    return base::TimeZone::load(base::field(j, "timezone", where).as<std::string>()).name();
  const int minutes = base::whole<int>(j, "utc_offset_minutes", where);
  if (minutes < -14 * 60 || minutes > 14 * 60)
    throw base::Error("{}: utc_offset_minutes is {}, more than 14 hours", where, minutes);
  if (minutes == 0) return "UTC";
  return fmt::format("{}{:02}:{:02}", minutes < 0 ? '-' : '+', std::abs(minutes) / 60,
                     std::abs(minutes) % 60);
}

token::InputSpec input_from_json(const Json& j, const std::string& where) {
  token::InputSpec i;
  i.step_ms = base::whole<int>(j, "step_ms", where);
  i.idle_steps = base::whole<int>(j, "idle_steps", where);
  const auto calendar = base::field(j, "calendar", where).as<std::string>();
  const auto* const it = std::find(std::begin(kCalendars), std::end(kCalendars), calendar);
  if (it == std::end(kCalendars)) throw base::Error("{}: unknown calendar '{}'", where, calendar);
  i.calendar = static_cast<token::Calendar>(it - std::begin(kCalendars));
  i.timezone = timezone_from_json(j, where);
  i.dense = base::field(j, "dense", where);
  i.nodes = base::whole<int>(j, "nodes", where);
  i.season_lags = base::whole_list<int>(j, "season_lags", where);
  i.leads = base::whole_list<int>(j, "leads", where);
  if (j.contains("scales")) i.scales = base::whole_list<int>(j, "scales", where);
  if (j.contains("universal")) i.universal = base::field(j, "universal", where);
  if (j.contains("surroundings")) i.surroundings = base::field(j, "surroundings", where);
  return i;
}

// What is wrong with a spec from a file, or "": the field, its value, what it may be.
class Check {
 public:
  void between(const std::string& field, int64_t x, int64_t low, int64_t high) {
    if (x < low || x > high) fail(fmt::format("{} is {}, expected {} to {}", field, x, low, high));
  }
  void at_most(const char* field, size_t n, size_t most) {
    if (n > most) fail(fmt::format("{} has {} entries, expected at most {}", field, n, most));
  }
  void divides(const char* part, int a, const char* whole, int b) {
    if (a > 0 && b % a != 0) fail(fmt::format("{} is {}, which does not divide {}, {}", part, a, whole, b));
  }
  void require(bool holds, const std::string& what) {
    if (!holds) fail(what);
  }
  const std::string& problem() const { return problem_; }

 private:
  void fail(const std::string& what) {
    if (problem_.empty()) problem_ = what;  // the first one
  }
  std::string problem_;
};

void check_sizes(const ModelSpec& s, Check& check) {
  check.between("d_model", s.d_model, 8, 16384);
  check.between("layers", s.layers, 1, 256);
  check.between("heads", s.heads, 1, 256);
  check.between("kv_heads", s.kv_heads, 1, s.heads);
  check.between("d_ff", s.d_ff, 8, 65536);
  check.between("window", s.window, 1, 65536);
  if (!check.problem().empty()) return;
  check.divides("heads", s.heads, "d_model", s.d_model);
  check.divides("kv_heads", s.kv_heads, "heads", s.heads);
  check.require(s.head_dim() % 2 == 0,
                fmt::format("d_model / heads is {}, expected an even number", s.head_dim()));
  check.require(s.rope_base > 1, fmt::format("rope_base is {}, expected more than 1", s.rope_base));
  check.require(s.norm_eps > 0 && s.norm_eps < 1,
                fmt::format("norm_eps is {}, expected between 0 and 1", s.norm_eps));
}

void check_input(const token::InputSpec& i, Check& check) {
  check.between("step_ms", i.step_ms, 1, 86'400'000);
  check.between("idle_steps", i.idle_steps, -1, 1 << 20);
  check.between("nodes", i.nodes, 0, 1 << 24);
  check.at_most("season_lags", i.season_lags.size(), 8);
  check.at_most("leads", i.leads.size(), 16);
  for (const int x : i.season_lags) check.between("a value of season_lags", x, 1, 1 << 20);
  for (const int x : i.leads) check.between("a value of leads", x, 1, 1 << 20);
  check.at_most("scales", i.scales.size(), token::kMaxScales);
  check.require(i.scales.empty() || i.dense, "scales are given, but dense is false");
  check.require(!i.universal || (!i.scales.empty() && i.season_lags.empty() && i.nodes == 0),
                "universal models have scales, no season_lags and no nodes");
  for (size_t k = 0; k < i.scales.size(); ++k) {
    check.between("a value of scales", i.scales[k], k == 0 ? 2 : int64_t{i.scales[k - 1]} + 1, 1 << 20);
  }
}

void check_head(const ModelSpec& s, const HeadSpec& h, Check& check) {
  const std::string at = "tasks: head '" + h.name + "': ";
  check.require(!h.name.empty(), "tasks: a head has no name");
  check.require(h.kind == "hazard" || h.kind == "binary" || h.kind == "classes",
                fmt::format("{}kind is '{}', expected hazard, binary or classes", at, h.kind));
  check.require(s.task(h.name) == &h, at + "the name is there twice");
  check.require(h.use_hidden || h.use_surprise || h.use_dense,
                at + "one of use_hidden, use_surprise and use_dense must be true");
  check.between(at + "hidden", h.hidden, 0, 4096);
  check.between(at + "number of outputs", h.outputs(), 1, 1024);
  check.between(at + "trees", h.trees, 0, kMaxTrees);
  if (h.trees == 0) return;
  check.between(at + "tree_depth", h.tree_depth, 1, kMaxTreeDepth);
  check.require(h.use_dense && s.input.dense && h.outputs() == 1,
                at + "trees need dense inputs, use_dense and one output");
}

std::string problem(const ModelSpec& s) {
  Check check;
  check_sizes(s, check);
  check_input(s.input, check);
  check.at_most("quantiles", s.quantiles.size(), 99);
  check.at_most("tasks", s.tasks.size(), 64);
  for (size_t q = 0; q < s.quantiles.size(); ++q) {
    const bool rises = s.quantiles[q] > (q == 0 ? 0 : s.quantiles[q - 1]) && s.quantiles[q] < 1;
    check.require(rises, fmt::format("quantiles: {} does not rise between 0 and 1", s.quantiles[q]));
  }
  for (const auto& h : s.tasks) check_head(s, h, check);
  return check.problem();
}

}  // namespace

std::string ModelSpec::to_json() const {
  Json j = {{"format", kModelFormat}, {"preset", preset},     {"size", size},
            {"d_model", d_model},     {"layers", layers},     {"heads", heads},
            {"kv_heads", kv_heads},   {"d_ff", d_ff},         {"window", window},
            {"rope_base", rope_base}, {"norm_eps", norm_eps}, {"input", input_to_json(input)},
            {"quantiles", quantiles}, {"inject", inject}};
  j["tasks"] = Json::array();
  for (const auto& h : tasks) j["tasks"].push_back(head_to_json(h));
  return j.dump(1) + "\n";
}

ModelSpec ModelSpec::from_json(std::string_view text, const std::string& where) {
  ModelSpec s;
  const Json j = base::parse_json<Json>(text, where);
  if (base::whole<int>(j, "format", where) > kModelFormat) {
    throw base::Error("{}: format {} is newer than this program's {}; update netflowgen", where,
                      base::need(j, "format", where).dump(), kModelFormat);
  }
  s.preset = base::field(j, "preset", where).as<std::string>();
  s.size = base::field(j, "size", where).as<std::string>();
  s.d_model = base::whole<int>(j, "d_model", where);
  s.layers = base::whole<int>(j, "layers", where);
  s.heads = base::whole<int>(j, "heads", where);
  s.kv_heads = base::whole<int>(j, "kv_heads", where);
  s.d_ff = base::whole<int>(j, "d_ff", where);
  s.window = base::whole<int>(j, "window", where);
  s.rope_base = base::field(j, "rope_base", where);
  s.norm_eps = base::field(j, "norm_eps", where);
  s.input = input_from_json(base::need(j, "input", where), where);
  s.quantiles = base::field(j, "quantiles", where).as<std::vector<float>>();
  s.inject = base::field(j, "inject", where);
  s.tasks.clear();
  for (const auto& h : base::elements(j, "tasks", where)) s.tasks.push_back(head_from_json(h, where));
  const std::string wrong = problem(s);
  if (!wrong.empty()) throw base::Error("{} does not describe a model: {}", where, wrong);
  return s;
}

}  // namespace netflowgen::model

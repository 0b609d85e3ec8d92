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

// 2 added input.scales, 3 trees of task heads, 4 input.timezone in place of input.utc_offset_minutes, 5 input.universal, 6 input.surroundings
constexpr int kFormat = 6;
constexpr const char* kCalendars[] = {"none", "day", "paper"};

struct Size {
  std::string_view name;
  int d_model, layers, heads, kv_heads, d_ff;
};
constexpr Size kSizes[] = {
    {"nano", 64, 3, 4, 2, 176},   {"micro", 128, 4, 4, 2, 352},    {"small", 256, 6, 8, 4, 704},
    {"base", 512, 8, 8, 4, 1408}, {"large", 768, 16, 12, 4, 2048},
};

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

const HeadSpec* ModelSpec::task(std::string_view name) const {
  for (const auto& h : tasks) {
    if (h.name == name) return &h;
  }
  return nullptr;
}

ModelSpec ModelSpec::preset_of(std::string_view preset, std::string_view size) {
  ModelSpec s;
  if (preset == "paper") {
    s.input.idle_steps = -1;
    s.input.calendar = token::Calendar::kPaper;
    s.input.dense = false;
    s.input.nodes = 4096;
    s.inject = false;
  } else if (preset == "universal") {
    s.input.universal = true;
    s.input.surroundings = true;
    s.input.scales = {300, 1'800, 14'400, 86'400, 604'800};
    s.input.leads = {1, 2, 6, 12, 24, 60, 144, 288};
  } else if (preset != "default") {
    throw base::UsageError("unknown preset '{}'; known: default, paper, universal", preset);
  }
  s.preset = preset;
  for (const auto& z : kSizes) {
    if (z.name != size) continue;
    s.size = size;
    s.d_model = z.d_model;
    s.layers = z.layers;
    s.heads = z.heads;
    s.kv_heads = z.kv_heads;
    s.d_ff = z.d_ff;
    return s;
  }
  throw base::UsageError("unknown size '{}'; known: nano, micro, small, base, large", size);
}

token::TokenOptions ModelSpec::token_options(std::string_view preset) {
  return preset == "paper" ? token::TokenOptions::paper() : token::TokenOptions{};
}

std::string ModelSpec::to_json() const {
  Json j = {{"format", kFormat},      {"preset", preset},     {"size", size},
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
  if (base::whole<int>(j, "format", where) > kFormat) {
    throw base::Error("{}: format {} is newer than this program's {}; update netflowgen", where,
                      base::need(j, "format", where).dump(), kFormat);
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

bool has_direct_skip(const ModelSpec& spec) {
  return !spec.input.scales.empty() && !spec.input.leads.empty() && !spec.quantiles.empty();
}

int dense_begin(const ModelSpec& spec, const HeadSpec& head, const token::Encoder& encoder) {
  size_t n = 0;
  if (head.use_hidden) n += static_cast<size_t>(spec.d_model);
  if (head.use_surprise) n += encoder.target_sizes().size();
  return static_cast<int>(n);
}

int head_inputs(const ModelSpec& spec, const HeadSpec& head, const token::Encoder& encoder) {
  return dense_begin(spec, head, encoder) + (head.use_dense ? static_cast<int>(encoder.dense()) : 0);
}

std::vector<TensorSpec> tensors(const ModelSpec& s, const token::Encoder& encoder) {
  const int64_t d = s.d_model;
  const int64_t hd = s.head_dim();
  std::vector<TensorSpec> all;
  all.push_back({"embed.weight", {static_cast<int64_t>(encoder.vocabulary()), d}});
  if (encoder.dense() > 0) all.push_back({"dense_in.weight", {d, static_cast<int64_t>(encoder.dense())}});
  for (int l = 0; l < s.layers; ++l) {
    const std::string at = "layers." + std::to_string(l) + ".";
    all.push_back({at + "attn_norm.weight", {d}});
    all.push_back({at + "attn.qkv.weight", {(s.heads + 2 * s.kv_heads) * hd, d}});
    all.push_back({at + "attn.out.weight", {d, s.heads * hd}});
    all.push_back({at + "ffn_norm.weight", {d}});
    all.push_back({at + "ffn.up.weight", {2 * int64_t{s.d_ff}, d}});
    all.push_back({at + "ffn.down.weight", {d, s.d_ff}});
  }
  const auto targets = static_cast<int64_t>(encoder.target_vocabulary());
  all.push_back({"final_norm.weight", {d}});
  all.push_back({"next.weight", {targets, d}});
  all.push_back({"next.bias", {targets}});
  if (s.inject) {
    all.push_back({"inject.weight", {1, d}});
    all.push_back({"inject.bias", {1}});
  }
  const auto direct = static_cast<int64_t>(s.input.leads.size() * encoder.volumes() * s.quantiles.size());
  if (direct > 0) {
    all.push_back({"direct.weight", {direct, d}});
    all.push_back({"direct.bias", {direct}});
    if (has_direct_skip(s))
      all.push_back({"direct.skip.weight", {direct, static_cast<int64_t>(encoder.dense())}});
  }
  for (const auto& h : s.tasks) {
    const std::string at = "heads." + h.name + ".";
    const int64_t z = head_inputs(s, h, encoder);
    all.push_back({at + "mean", {z}});
    all.push_back({at + "deviation", {z}});
    if (h.hidden > 0) {
      all.push_back({at + "w1", {h.hidden, z}});
      all.push_back({at + "b1", {h.hidden}});
    }
    all.push_back({at + "w2", {h.outputs(), h.hidden > 0 ? h.hidden : z}});
    all.push_back({at + "b2", {h.outputs()}});
    if (h.trees > 0) {
      const int64_t leaves = int64_t{1} << h.tree_depth;
      all.push_back({at + "trees.column", {h.trees, leaves - 1}});
      all.push_back({at + "trees.threshold", {h.trees, leaves - 1}});
      all.push_back({at + "trees.leaf", {h.trees, leaves}});
    }
  }
  return all;
}

int64_t parameter_count(const std::vector<TensorSpec>& tensors) {
  int64_t n = 0;
  for (const auto& t : tensors) {
    int64_t k = 1;
    for (const auto x : t.shape) k *= x;
    n += k;
  }
  return n;
}

ModelFolder::ModelFolder(const base::fs::path& path, int64_t step_ms)
    : path_(path),
      spec_(ModelSpec::from_json(base::read_file(path / "config.json"), (path / "config.json").string())),
      tokenizer_(token::Tokenizer::from_json(base::read_file(path / "tokens.json"),
                                             (path / "tokens.json").string())),
      weights_(path / "model.safetensors") {
  if (step_ms > 0 && step_ms != spec_.input.step_ms) {
    if (!spec_.input.universal) {
      throw base::Error(
          "{} was trained on steps of {} ms, the series has steps of {} ms; make the series with --step {}ms",
          path.string(), spec_.input.step_ms, step_ms, spec_.input.step_ms);
    }
    if (step_ms > base::kDayMs)
      throw base::Error("{} takes steps of up to a day, not of {} ms", path.string(), step_ms);
    spec_.input.step_ms = step_ms;
  }
  const token::Encoder encoder(tokenizer_, spec_.input);
  const auto specs = tensors(spec_, encoder);
  for (const auto& t : specs) {
    const auto& found = weights_.tensor(t.name);
    if (found.shape != t.shape || found.dtype != base::DType::kF32) {
      throw base::Error(
          "{}: tensor {} is not of the shape that config.json and tokens.json imply; the folder mixes "
          "files of two models",
          weights_.path().string(), t.name);
    }
    for (const float x : weights_.values<float>(t.name)) {
      if (!std::isfinite(x)) {
        throw base::Error(
            "{}: tensor {} holds NaN or infinity; the training run diverged, use an older checkpoint",
            weights_.path().string(), t.name);
      }
    }
  }
  for (const auto& h : spec_.tasks) {
    const std::string wrong =
        problem(trees(h), dense_begin(spec_, h, encoder), static_cast<int>(encoder.dense()));
    if (!wrong.empty()) throw base::Error("{}: head {}: {}", weights_.path().string(), h.name, wrong);
  }
  if (base::fs::exists(path / kAdaptersFile)) adapters_ = Adapters(path / kAdaptersFile, specs, weights_);
}

TreesView ModelFolder::trees(const HeadSpec& head) const {
  if (head.trees == 0) return {};
  const std::string at = "heads." + head.name + ".trees.";
  return {head.trees, head.tree_depth, weights_.values<float>(at + "column"),
          weights_.values<float>(at + "threshold"), weights_.values<float>(at + "leaf")};
}

std::span<const float> ModelFolder::values(const std::string& tensor) const {
  const auto it = adapters_.merged().find(tensor);
  return it == adapters_.merged().end() ? weights_.values<float>(tensor) : std::span<const float>(it->second);
}

void save_model(const base::fs::path& path, const ModelSpec& spec, const token::Tokenizer& tokenizer,
                const base::NamedTensors& weights, std::string_view card) {
  std::error_code error;
  base::fs::create_directories(path, error);
  if (error) throw base::Error("cannot create the model folder {}: {}", path.string(), error.message());
  base::save_safetensors(path / "model.safetensors", weights,
                         {{"format", std::to_string(kFormat)}, {"schema", series::schema_hash()}});
  base::write_file(path / "tokens.json", tokenizer.to_json());
  base::write_file(path / "config.json", spec.to_json());
  base::write_file(path / "card.md", card);
}

}  // namespace netflowgen::model

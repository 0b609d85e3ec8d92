#include "model/spec.h"

#include <cmath>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/json.h"

namespace netflowgen::model {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kFormat = 3;  // 2 added input.scales, 3 trees of task heads
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
  h.name = j.at("name");
  h.kind = j.at("kind");
  h.classes = j.at("classes").get<std::vector<std::string>>();
  h.use_hidden = j.at("use_hidden");
  h.use_surprise = j.at("use_surprise");
  h.use_dense = j.at("use_dense");
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
          {"utc_offset_minutes", i.utc_offset_minutes},
          {"dense", i.dense},
          {"nodes", i.nodes},
          {"season_lags", i.season_lags},
          {"leads", i.leads},
          {"scales", i.scales}};
}

token::InputSpec input_from_json(const Json& j, const std::string& where) {
  token::InputSpec i;
  i.step_ms = base::whole<int>(j, "step_ms", where);
  i.idle_steps = base::whole<int>(j, "idle_steps", where);
  const std::string calendar = j.at("calendar");
  const auto* const it = std::find(std::begin(kCalendars), std::end(kCalendars), calendar);
  if (it == std::end(kCalendars)) throw base::Error("{}: unknown calendar '{}'", where, calendar);
  i.calendar = static_cast<token::Calendar>(it - std::begin(kCalendars));
  i.utc_offset_minutes = base::whole<int>(j, "utc_offset_minutes", where);
  i.dense = j.at("dense");
  i.nodes = base::whole<int>(j, "nodes", where);
  i.season_lags = base::whole_list<int>(j, "season_lags", where);
  i.leads = base::whole_list<int>(j, "leads", where);
  if (j.contains("scales")) i.scales = base::whole_list<int>(j, "scales", where);
  return i;
}

// What is wrong with a spec from a file, or "".
std::string problem(const ModelSpec& s) {
  const auto in = [](int x, int low, int high) { return x >= low && x <= high; };
  if (!in(s.d_model, 8, 16384) || !in(s.layers, 1, 256) || !in(s.heads, 1, 256) ||
      !in(s.kv_heads, 1, s.heads) || !in(s.d_ff, 8, 65536) || !in(s.window, 1, 65536)) {
    return "a size is out of range";
  }
  if (s.d_model % s.heads != 0 || s.heads % s.kv_heads != 0 || s.head_dim() % 2 != 0) {
    return "d_model, heads and kv_heads do not divide";
  }
  if (!(s.rope_base > 1) || !(s.norm_eps > 0) || !(s.norm_eps < 1))
    return "rope_base or norm_eps is out of range";
  const auto& i = s.input;
  if (i.step_ms < 1 || i.step_ms > 86400000 || !in(i.idle_steps, -1, 1 << 20) || !in(i.nodes, 0, 1 << 24) ||
      !in(i.utc_offset_minutes, -1440, 1440) || i.season_lags.size() > 8 || i.leads.size() > 16 ||
      s.quantiles.size() > 99 || s.tasks.size() > 64) {
    return "an input setting is out of range";
  }
  for (const int x : i.season_lags) {
    if (!in(x, 1, 1 << 20)) return "a seasonal lag is out of range";
  }
  for (const int x : i.leads) {
    if (!in(x, 1, 1 << 20)) return "a lead is out of range";
  }
  if (i.scales.size() > token::kMaxScales || (!i.scales.empty() && !i.dense))
    return "scales are too many, or given without dense inputs";
  for (size_t k = 0; k < i.scales.size(); ++k) {
    if (!in(i.scales[k], k == 0 ? 2 : i.scales[k - 1] + 1, 1 << 20))
      return "a scale is out of range or order";
  }
  for (size_t q = 0; q < s.quantiles.size(); ++q) {
    if (!(s.quantiles[q] > (q == 0 ? 0 : s.quantiles[q - 1])) || !(s.quantiles[q] < 1))
      return "quantiles do not rise between 0 and 1";
  }
  for (const auto& h : s.tasks) {
    if (h.kind != "hazard" && h.kind != "binary" && h.kind != "classes")
      return "a task head is of an unknown kind";
    if (s.task(h.name) != &h) return "two task heads have one name";
    const bool inputs = h.use_hidden || h.use_surprise || h.use_dense;
    if (h.name.empty() || !inputs || !in(h.hidden, 0, 4096) || !in(h.outputs(), 1, 1024))
      return "a task head is malformed";
    const bool corrected =
        h.trees == 0 || (h.use_dense && i.dense && h.outputs() == 1 && in(h.tree_depth, 1, kMaxTreeDepth));
    if (!in(h.trees, 0, kMaxTrees) || !corrected) return "the trees of a task head are malformed";
  }
  return "";
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
  } else if (preset != "default") {
    throw base::UsageError("unknown preset '{}'; known: default, paper", preset);
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
  try {
    const Json j = Json::parse(text);
    if (base::whole<int>(j, "format", where) > kFormat) {
      throw base::Error("{}: format {} is newer than this program's {}; update netflowgen", where,
                        j.at("format").dump(), kFormat);
    }
    s.preset = j.at("preset");
    s.size = j.at("size");
    s.d_model = base::whole<int>(j, "d_model", where);
    s.layers = base::whole<int>(j, "layers", where);
    s.heads = base::whole<int>(j, "heads", where);
    s.kv_heads = base::whole<int>(j, "kv_heads", where);
    s.d_ff = base::whole<int>(j, "d_ff", where);
    s.window = base::whole<int>(j, "window", where);
    s.rope_base = j.at("rope_base");
    s.norm_eps = j.at("norm_eps");
    s.input = input_from_json(j.at("input"), where);
    s.quantiles = j.at("quantiles").get<std::vector<float>>();
    s.inject = j.at("inject");
    s.tasks.clear();
    for (const auto& h : j.at("tasks")) s.tasks.push_back(head_from_json(h, where));
  } catch (const nlohmann::json::exception& e) {
    throw base::Error("{} is damaged: {}", where, e.what());
  }
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

ModelFolder::ModelFolder(const base::fs::path& path)
    : path_(path),
      spec_(ModelSpec::from_json(base::read_file(path / "config.json"), (path / "config.json").string())),
      tokenizer_(token::Tokenizer::from_json(base::read_file(path / "tokens.json"),
                                             (path / "tokens.json").string())),
      weights_(path / "model.safetensors") {
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

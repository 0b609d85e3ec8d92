#include "model/spec.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>

#include "base/error.h"

namespace netflowgen::model {
namespace {

token::Tokenizer tokenizer() {
  token::TokenFit fit;
  std::vector<float> f(series::kFeatureCount, NAN);
  for (int i = 1; i < 500; ++i) {
    f[series::kBytesIn] = static_cast<float>(i * i);
    f[series::kFlowsIn] = static_cast<float>(i % 9);
    f[series::kTopPortIn] = static_cast<float>(i % 7);
    fit.add(f);
  }
  return fit.finish({});
}

struct Weights {
  std::vector<std::vector<float>> values;
  base::NamedTensors named;
  Weights(const ModelSpec& spec, const token::Tokenizer& t) {
    const auto specs = tensors(spec, token::Encoder(t, spec.input));
    values.reserve(specs.size());
    for (const auto& s : specs) {
      int64_t n = 1;
      for (const auto x : s.shape) n *= x;
      values.emplace_back(static_cast<size_t>(n), 0.5f);
      named.emplace_back(s.name, base::tensor_view<float>(values.back(), s.shape));
    }
  }
};

struct Folder {
  base::fs::path path = base::fs::path(testing::TempDir()) / ("nfg_model_" + std::to_string(::getpid()));
  ~Folder() { base::fs::remove_all(path); }
};

TEST(ModelSpec, JsonRoundTrip) {
  for (const char* preset : {"default", "paper"}) {
    for (const char* size : {"nano", "micro", "small", "base", "large"}) {
      ModelSpec s = ModelSpec::preset_of(preset, size);
      s.tasks.push_back({"ddos", "hazard", {}, true, true, true, 16});
      if (s.input.dense) s.tasks.push_back({"more", "binary", {}, false, false, true, 0, 7, 3});
      s.input.season_lags = {1440};
      if (s.input.dense) s.input.scales = {4, 60, 1440};
      EXPECT_EQ(ModelSpec::from_json(s.to_json(), "x"), s);
      EXPECT_EQ(ModelSpec::from_json(s.to_json(), "x").to_json(), s.to_json());
    }
  }
  EXPECT_THROW(ModelSpec::preset_of("default", "huge"), base::UsageError);
}

TEST(ModelSpec, ReadsFormatOneWhichHasNoScales) {
  const ModelSpec s = ModelSpec::preset_of("default", "nano");
  std::string text = s.to_json();
  const size_t at = text.find("\"scales\": []");
  ASSERT_NE(at, std::string::npos);
  const size_t comma = text.rfind(',', at);
  text.erase(comma, at + 12 - comma);
  text.replace(text.find("\"format\": 6"), 11, "\"format\": 1");
  EXPECT_EQ(ModelSpec::from_json(text, "config.json"), s);
}

TEST(ModelSpec, ReadsFormatTwoWhichHasNoTrees) {
  ModelSpec s = ModelSpec::preset_of("default", "nano");
  s.tasks.push_back({"ddos", "hazard", {}, true, true, true, 16});
  std::string text = s.to_json();
  const size_t at = text.find("\"trees\": 0");
  ASSERT_NE(at, std::string::npos);
  const size_t comma = text.rfind(',', at);
  text.erase(comma, text.find('}', at) - comma);
  text.replace(text.find("\"format\": 6"), 11, "\"format\": 2");
  EXPECT_EQ(ModelSpec::from_json(text, "config.json"), s);
}

TEST(ModelSpec, ReadsFormatThreeWhichHasOffsetsForTimeZones) {
  ModelSpec s = ModelSpec::preset_of("default", "nano");
  for (const auto& [minutes, zone] :
       {std::pair{"0", "UTC"}, {"120", "+02:00"}, {"-210", "-03:30"}, {"345", "+05:45"}}) {
    s.input.timezone = zone;
    std::string old = s.to_json();
    const std::string now = "\"timezone\": \"" + s.input.timezone + "\"";
    old.replace(old.find(now), now.size(), std::string("\"utc_offset_minutes\": ") + minutes);
    old.replace(old.find("\"format\": 6"), 11, "\"format\": 3");
    EXPECT_EQ(ModelSpec::from_json(old, "x"), s) << zone;
  }
  s.input.timezone = "Europe/Berln";
  EXPECT_THROW(ModelSpec::from_json(s.to_json(), "x"), base::Error);
}

TEST(ModelSpec, RefusesTreesThatNoHeadCanHave) {
  const HeadSpec good = {"ddos", "hazard", {}, true, true, true, 16, 8, 3};
  const auto with = [](const HeadSpec& h, bool dense) {
    ModelSpec s = ModelSpec::preset_of("default", "nano");
    s.input.dense = dense;
    s.tasks = {h};
    return s.to_json();
  };
  EXPECT_NO_THROW(ModelSpec::from_json(with(good, true), "x"));
  EXPECT_THROW(ModelSpec::from_json(with(good, false), "x"), base::Error);
  const auto refused = [&](auto change) {
    HeadSpec h = good;
    change(h);
    EXPECT_THROW(ModelSpec::from_json(with(h, true), "x"), base::Error);
  };
  refused([](HeadSpec& h) { h.trees = -1; });
  refused([](HeadSpec& h) { h.trees = kMaxTrees + 1; });
  refused([](HeadSpec& h) { h.tree_depth = 0; });
  refused([](HeadSpec& h) { h.tree_depth = kMaxTreeDepth + 1; });
  refused([](HeadSpec& h) { h.use_dense = false; });
  refused([](HeadSpec& h) { h.kind = "classes", h.classes = {"a", "b"}; });
}

TEST(ModelFolder, RefusesTreesThatReadOtherColumns) {
  Folder folder;
  ModelSpec spec = ModelSpec::preset_of("default", "nano");
  spec.tasks.push_back({"ddos", "hazard", {}, false, true, true, 0, 2, 2});
  const auto t = tokenizer();
  const token::Encoder encoder(t, spec.input);
  Weights w(spec, t);
  const auto column = std::find_if(w.named.begin(), w.named.end(),
                                   [](const auto& n) { return n.first == "heads.ddos.trees.column"; });
  ASSERT_NE(column, w.named.end());
  auto& values = w.values[static_cast<size_t>(column - w.named.begin())];
  const auto first = static_cast<float>(dense_begin(spec, spec.tasks[0], encoder));
  std::fill(values.begin(), values.end(), first);
  save_model(folder.path, spec, t, w.named, "");
  EXPECT_EQ(ModelFolder(folder.path).trees(spec.tasks[0]).count, 2);
  values[3] = first - 1;  // a surprise
  save_model(folder.path, spec, t, w.named, "");
  EXPECT_THROW(ModelFolder{folder.path}, base::Error);
}

TEST(ModelSpec, RefusesScalesOutOfOrder) {
  ModelSpec s = ModelSpec::preset_of("default", "nano");
  s.input.scales = {60, 4};
  EXPECT_THROW(ModelSpec::from_json(s.to_json(), "config.json"), base::Error);
}

TEST(ModelSpec, LargeIsAboutAHundredMillion) {
  const auto t = tokenizer();
  const auto large = ModelSpec::preset_of("default", "large");
  const auto n = parameter_count(tensors(large, token::Encoder(t, large.input)));
  EXPECT_GT(n, 90'000'000);
  EXPECT_LT(n, 125'000'000);
}

TEST(ModelSpec, RefusesSizesThatNoModelCanHave) {
  const std::string good = ModelSpec::preset_of("default", "nano").to_json();
  const std::pair<const char*, const char*> changes[] = {
      {"\"d_model\": 64", "\"d_model\": 65"},   {"\"layers\": 3", "\"layers\": 100000"},
      {"\"kv_heads\": 2", "\"kv_heads\": 3"},   {"\"window\": 128", "\"window\": 0"},
      {"\"step_ms\": 60000", "\"step_ms\": 0"}, {"\"format\": 6", "\"format\": 7"}};
  for (const auto& [from, to] : changes) {
    std::string text = good;
    ASSERT_NE(text.find(from), std::string::npos) << from;
    text.replace(text.find(from), std::string(from).size(), to);
    EXPECT_THROW(ModelSpec::from_json(text, "config.json"), base::Error) << to;
  }
}

TEST(ModelSpec, NamesTheFieldAndItsBounds) {
  const std::string good = ModelSpec::preset_of("default", "nano").to_json();
  const struct {
    const char *from, *to, *message;
  } cases[] = {
      {"\"layers\": 3", "\"layers\": 300", "layers is 300, expected 1 to 256"},
      {"\"kv_heads\": 2", "\"kv_heads\": 3", "kv_heads is 3, which does not divide heads, 4"},
      {"\"window\": 128", "\"window\": \"wide\"", "'window' is not an integer from"},
      {"\"inject\": true", "\"inject\": 1", "'inject' is neither true nor false"},
      {"\"d_ff\": 176,", "", "'d_ff' is missing"},
      {"{", "", "it is not JSON from line"},
  };
  for (const auto& c : cases) {
    std::string text = good;
    ASSERT_NE(text.find(c.from), std::string::npos) << c.from;
    text.replace(text.find(c.from), std::string(c.from).size(), c.to);
    try {
      ModelSpec::from_json(text, "config.json");
      ADD_FAILURE() << c.to << " is taken";
    } catch (const base::Error& e) {
      EXPECT_THAT(e.what(), testing::AllOf(testing::HasSubstr("config.json"), testing::HasSubstr(c.message),
                                           testing::Not(testing::HasSubstr("json.exception"))));
    }
  }
}

TEST(ModelFolder, SavesLoadsAndSavesTheSameBytes) {
  Folder folder;
  ModelSpec spec = ModelSpec::preset_of("default", "nano");
  spec.tasks.push_back({"ddos", "hazard", {}, true, true, true, 16});
  const auto t = tokenizer();
  const Weights w(spec, t);
  save_model(folder.path, spec, t, w.named, "# card\n");
  const ModelFolder back(folder.path);
  EXPECT_EQ(back.spec(), spec);
  EXPECT_EQ(back.tokenizer(), t);
  const std::string first = base::read_file(folder.path / "model.safetensors");
  save_model(folder.path, back.spec(), back.tokenizer(), w.named, "# card\n");
  EXPECT_EQ(base::read_file(folder.path / "model.safetensors"), first);
}

TEST(ModelFolder, RefusesNanTruncatedAndMixedFiles) {
  Folder folder;
  const ModelSpec spec = ModelSpec::preset_of("default", "nano");
  const auto t = tokenizer();
  Weights w(spec, t);
  w.values[3][5] = NAN;
  save_model(folder.path, spec, t, w.named, "");
  EXPECT_THROW(ModelFolder{folder.path}, base::Error);
  w.values[3][5] = 0;
  save_model(folder.path, spec, t, w.named, "");
  EXPECT_NO_THROW(ModelFolder{folder.path});
  const std::string whole = base::read_file(folder.path / "model.safetensors");
  base::write_file(folder.path / "model.safetensors", whole.substr(0, whole.size() - 4));
  EXPECT_THROW(ModelFolder{folder.path}, base::Error);
  base::write_file(folder.path / "model.safetensors", whole);
  base::write_file(folder.path / "config.json", ModelSpec::preset_of("default", "micro").to_json());
  EXPECT_THROW(ModelFolder{folder.path}, base::Error);
  base::fs::remove(folder.path / "tokens.json");
  EXPECT_THROW(ModelFolder{folder.path}, base::Error);
}

// An adapters file for layers.0.ffn.up.weight, of rank 2, whose parts a test may spoil.
struct AdapterFile {
  base::Shape down_shape = {2, 64};
  base::Shape up_shape = {352, 2};
  std::vector<float> down = std::vector<float>(2 * 64, 0.25f);
  std::vector<float> up = std::vector<float>(352 * 2, 2.0f);
  std::vector<float> scale = {0.5f};
  std::string matrix = "layers.0.ffn.up.weight";
  std::string version = "1";

  void write(const base::fs::path& folder) const {
    base::save_safetensors(folder / kAdaptersFile,
                           {{matrix + ".down", base::tensor_view<float>(down, down_shape)},
                            {matrix + ".up", base::tensor_view<float>(up, up_shape)},
                            {matrix + ".scale", base::tensor_view<float>(scale, {1})}},
                           {{"format", "netflowgen-adapters"}, {"version", version}});
  }
};

TEST(Adapters, AreMergedIntoTheMatrixThatTheyName) {
  Folder folder;
  const ModelSpec spec = ModelSpec::preset_of("default", "nano");
  const auto t = tokenizer();
  const Weights w(spec, t);
  save_model(folder.path, spec, t, w.named, "");
  EXPECT_TRUE(ModelFolder(folder.path).adapters().merged().empty());
  AdapterFile file;
  file.up[2 * 5 + 1] = -3;  // row 5
  file.down[64 + 7] = 1;    // column 7 of the second rank
  file.write(folder.path);
  const ModelFolder merged(folder.path);
  ASSERT_EQ(merged.adapters().merged().size(), 1u);
  const auto values = merged.values(file.matrix);
  ASSERT_EQ(values.size(), 352u * 64u);
  EXPECT_FLOAT_EQ(values[0], 0.5f + 0.5f * (2 * 0.25f + 2 * 0.25f));
  EXPECT_FLOAT_EQ(values[7], 0.5f + 0.5f * (2 * 0.25f + 2 * 1.0f));
  EXPECT_FLOAT_EQ(values[5 * 64], 0.5f + 0.5f * (2 * 0.25f - 3 * 0.25f));
  EXPECT_FLOAT_EQ(values[5 * 64 + 7], 0.5f + 0.5f * (2 * 0.25f - 3 * 1.0f));
  EXPECT_EQ(merged.weights().values<float>(file.matrix)[0], 0.5f);
  EXPECT_EQ(merged.values("final_norm.weight").data(),
            merged.weights().values<float>("final_norm.weight").data());
}

TEST(Adapters, ThatDoNotFitAreRefusedByName) {
  Folder folder;
  const ModelSpec spec = ModelSpec::preset_of("default", "nano");
  const auto t = tokenizer();
  save_model(folder.path, spec, t, Weights(spec, t).named, "");
  const std::pair<const char*, void (*)(AdapterFile&)> changes[] = {
      {"does not have", [](AdapterFile& f) { f.matrix = "layers.9.ffn.up.weight"; }},
      {"not a matrix", [](AdapterFile& f) { f.matrix = "final_norm.weight"; }},
      {"does not fit", [](AdapterFile& f) { f.matrix = "layers.0.ffn.down.weight"; }},
      {"does not fit",
       [](AdapterFile& f) {
         f.up_shape = {2, 352};
       }},
      {"NaN", [](AdapterFile& f) { f.down[3] = NAN; }},
      {"NaN", [](AdapterFile& f) { f.scale[0] = INFINITY; }},
      {"pass what a float holds", [](AdapterFile& f) { f.scale[0] = 3e38f, f.up[0] = 1e30f; }},
      {"version", [](AdapterFile& f) { f.version = "2"; }}};
  for (const auto& [said, change] : changes) {
    AdapterFile file;
    change(file);
    file.write(folder.path);
    try {
      const ModelFolder refused(folder.path);
      ADD_FAILURE() << "taken: " << said;
    } catch (const base::Error& e) {
      EXPECT_THAT(e.what(), testing::AllOf(testing::HasSubstr(said), testing::HasSubstr(kAdaptersFile)));
    }
  }
  base::save_safetensors(folder.path / kAdaptersFile, {}, {{"format", "something-else"}, {"version", "1"}});
  EXPECT_THROW(ModelFolder{folder.path}, base::Error);
}

TEST(ModelSpec, RefusesNumbersThatWrapAndListsOutOfOrder) {
  ModelSpec s = ModelSpec::preset_of("default", "nano");
  s.tasks.push_back({"ddos", "hazard", {}, true, true, true, 16});
  const std::string good = s.to_json();
  const std::pair<const char*, const char*> changes[] = {
      {"\"d_model\": 64", "\"d_model\": 4294967360"},
      {"\"layers\": 3", "\"layers\": 3.7"},
      {"\"window\": 128", "\"window\": 1e300"},
      {"\"idle_steps\": 4", "\"idle_steps\": 18446744073709551615"},
      {"\"hazard\"", "\"hazards\""}};
  for (const auto& [from, to] : changes) {
    std::string text = good;
    ASSERT_NE(text.find(from), std::string::npos) << from;
    text.replace(text.find(from), std::string(from).size(), to);
    EXPECT_THROW(ModelSpec::from_json(text, "config.json"), base::Error) << to;
  }
  s.quantiles = {0.5f, 0.1f};
  EXPECT_THROW(ModelSpec::from_json(s.to_json(), "config.json"), base::Error);
  s.quantiles = {0.1f, 1.5f};
  EXPECT_THROW(ModelSpec::from_json(s.to_json(), "config.json"), base::Error);
  s.quantiles = {0.1f};
  s.tasks.push_back(s.tasks[0]);
  EXPECT_THROW(ModelSpec::from_json(s.to_json(), "config.json"), base::Error);
}

}  // namespace
}  // namespace netflowgen::model

// Laws of the state file: restored equals uninterrupted, a snapshot is of its moment, nothing bad gets in.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <csignal>

#include "base/error.h"
#include "infer/state/state_file.h"
#include "infer/testing_drive.h"

namespace netflowgen::infer {
namespace {

using namespace testing;
using ::testing::HasSubstr;

class StateTest : public ::testing::Test {
 protected:
  base::fs::path path(const std::string& name = "state.safetensors") const { return folder_ / name; }

  // What an engine says to the file: "" when it takes it.
  static std::string refusal(Engine& engine, const base::fs::path& file) {
    try {
      engine.restore(file);
    } catch (const base::Error& e) {
      return e.what();
    }
    return "";
  }

 private:
  struct Folder {
    Folder() { base::fs::create_directories(at); }
    ~Folder() { base::fs::remove_all(at); }
    base::fs::path at = base::fs::path(::testing::TempDir()) / ("nfg_state_" + std::to_string(::getpid()));
  } scratch_;
  const base::fs::path& folder_ = scratch_.at;
};

model::ModelSpec seasonal_spec() {
  auto s = small_spec();
  s.input.season_lags = {7, 30};
  s.input.leads = {1, 4};
  return s;
}

model::ModelSpec paper_spec() {
  auto s = model::ModelSpec::preset_of("paper", "nano");
  s.window = 20;
  s.input.nodes = 4;
  return s;
}

model::ModelSpec universal_spec() {
  auto s = small_spec();
  s.preset = "universal";
  s.input.universal = true;
  s.input.scales = {300, 1'800, 86'400};
  s.input.leads = {1, 144};
  return s;
}

TEST_F(StateTest, RestoredEqualsUninterrupted) {
  for (const auto& spec : {small_spec(), seasonal_spec(), paper_spec(), universal_spec()}) {
    for (const auto cache : {Precision::kFloat32, Precision::kBFloat16, Precision::kInt8}) {
      SCOPED_TRACE(spec.preset + " " + std::string(name_of(cache)));
      const RandomModel random(spec, 5);
      const auto model = Model::load(random.path());
      const auto nodes = random_nodes(7, 5, spec.preset == "paper" ? 6 : 40);
      const int64_t end = end_of(nodes);
      const int64_t middle = nodes[0].begin()->first + (end - nodes[0].begin()->first) / 2;
      const EngineOptions options{.cache = cache};
      Engine whole(model, options);
      const auto expected = run_all(whole, nodes);

      std::map<uint64_t, Track> tracks;
      {
        Engine first(model, options);
        feed(first, nodes, kStart, middle, {}, tracks);
        first.save(path());
      }
      Engine second(model, options);
      second.restore(path());
      feed(second, nodes, middle + 1, end, {}, tracks);
      EXPECT_EQ(distance(tracks, expected), 0);
      EXPECT_EQ(second.clock(), whole.clock());
      EXPECT_TRUE(second.nodes_ledger().balanced());
      EXPECT_EQ(second.silence(0, end + 20), whole.silence(0, end + 20));
    }
  }
}

// The order of what is due is part of "the same": alerts are written in it.
TEST_F(StateTest, IdleItemsComeInTheSameOrder) {
  const RandomModel random(small_spec(), 5);
  const auto model = Model::load(random.path());
  Engine whole(model, {});
  const std::vector<float> frame(series::kFeatureCount, 1.0f);
  Results r;
  for (const uint64_t node : {9, 3, 7, 1, 8})
    whole.step(std::vector<Item>{{node, kStart, frame, {}, 0}}, kAll, r);
  for (const uint64_t node : {8, 9}) whole.step(std::vector<Item>{{node, kStart + 1, frame, {}, 0}}, kAll, r);
  whole.save(path());
  Engine second(model, {});
  second.restore(path());
  const auto keys = [](Engine& e) {
    std::vector<uint64_t> k;
    for (const auto& item : e.idle_items(kStart + 2)) k.push_back(item.node);
    return k;
  };
  EXPECT_THAT(keys(second), ::testing::ElementsAreArray(keys(whole)));
}

TEST_F(StateTest, SaveRestoreSaveIsByteIdentical) {
  const RandomModel random(universal_spec(), 6);
  const auto model = Model::load(random.path());
  for (const auto cache : {Precision::kFloat32, Precision::kInt8}) {
    Engine first(model, {.cache = cache});
    run_all(first, random_nodes(8, 7, 20));
    first.save(path("a"));
    Engine second(model, {.cache = cache, .threads = 2});
    second.restore(path("a"));
    second.save(path("b"));
    EXPECT_EQ(base::read_file(path("a")), base::read_file(path("b")));
  }
}

TEST_F(StateTest, SnapshotIsOfItsMomentWhileTheEngineGoesOn) {
  const RandomModel random(small_spec(), 9);
  const auto model = Model::load(random.path());
  const auto nodes = random_nodes(10, 40, 30);
  Engine engine(model, {.threads = 2});
  std::map<uint64_t, Track> tracks;
  feed(engine, nodes, kStart, kStart + 60, {}, tracks);
  std::vector<float> own = {1, 2, 3};
  const base::NamedTensors extra = {{"detect.levels", base::tensor_view<float>(own, {3})}};
  engine.save(path("moment"), extra, {{"detect.version", "1"}});
  Snapshot snapshot = engine.snapshot(path("snapshot"), extra, {{"detect.version", "1"}});
  own[0] = 9;
  feed(engine, nodes, kStart + 61, kStart + 120, {}, tracks);
  snapshot.wait();
  EXPECT_FALSE(snapshot.running());
  EXPECT_EQ(base::read_file(path("moment")), base::read_file(path("snapshot")));
  const base::SafetensorsFile file(path("snapshot"));
  EXPECT_EQ(file.values<float>("detect.levels")[0], 1);
  EXPECT_EQ(file.metadata("detect.version"), "1");
  engine.save(path("later"));
  EXPECT_NE(base::read_file(path("moment")), base::read_file(path("later")));
}

TEST_F(StateTest, AFailedWriteSaysSoAndLeavesTheOlderFile) {
  const RandomModel random(small_spec(), 9);
  Engine engine(Model::load(random.path()), {});
  run_all(engine, random_nodes(10, 3, 5));
  EXPECT_THROW(engine.save(path("none/state")), base::Error);
  Snapshot snapshot = engine.snapshot(path("none/state"));
  try {
    snapshot.wait();
    ADD_FAILURE() << "no error";
  } catch (const base::Error& e) {
    EXPECT_THAT(e.what(), HasSubstr("No such file"));
  }
  snapshot.wait();  // said once
  engine.save(path());
  const std::string older = base::read_file(path());
  rlimit unlimited{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &unlimited), 0);
  const rlimit small{1000, unlimited.rlim_max};  // a full disk
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  ::setrlimit(RLIMIT_FSIZE, &small);
  EXPECT_THROW(engine.save(path()), base::Error);
  EXPECT_THROW(engine.snapshot(path()).wait(), base::Error);
  ::setrlimit(RLIMIT_FSIZE, &unlimited);
  std::signal(SIGXFSZ, handler);
  EXPECT_EQ(base::read_file(path()), older);
  for (const auto& entry : base::fs::directory_iterator(path("x").parent_path())) {
    EXPECT_THAT(entry.path().string(), ::testing::Not(HasSubstr("nfg-tmp")));
  }
}

TEST_F(StateTest, AnotherModelOrCacheIsRefused) {
  const RandomModel random(small_spec(), 11);
  Engine engine(Model::load(random.path()), {});
  run_all(engine, random_nodes(12, 3, 10));
  engine.save(path());
  const auto before = engine.nodes();

  const RandomModel other(small_spec(), 12);
  Engine of_other(Model::load(other.path()), {});
  EXPECT_THAT(refusal(of_other, path()), HasSubstr("another model"));
  auto spec = small_spec();
  spec.input.idle_steps = 5;
  const RandomModel longer(spec, 11);
  Engine of_longer(Model::load(longer.path()), {});
  EXPECT_THAT(refusal(of_longer, path()), HasSubstr("another model"));
  Engine of_int8(Model::load(random.path()), {.cache = Precision::kInt8});
  EXPECT_THAT(refusal(of_int8, path()), HasSubstr("float32 cache"));
  EXPECT_EQ(of_int8.nodes(), 0u);
  EXPECT_EQ(engine.nodes(), before);

  // A head that was trained anew does not touch what a node has seen.
  spec = small_spec();
  spec.tasks.pop_back();
  const RandomModel fewer(spec, 11);
  Engine of_fewer(Model::load(fewer.path()), {});
  EXPECT_EQ(refusal(of_fewer, path()), "");
  EXPECT_EQ(of_fewer.nodes(), before);
}

TEST_F(StateTest, ASmallerArenaKeepsTheLeastIdle) {
  const RandomModel random(small_spec(), 13);
  const auto model = Model::load(random.path());
  Engine engine(model, {});
  const std::vector<float> frame(series::kFeatureCount, 1.0f);
  Results r;
  for (uint64_t n = 0; n < 6; ++n) {
    engine.step(std::vector<Item>{{n, kStart + static_cast<int64_t>(n), frame, {}, 0}}, kAll, r);
  }
  engine.step(std::vector<Item>{{1, kStart + 6, frame, {}, 0}}, kAll, r);
  engine.save(path());
  Engine small(model, {.max_nodes = 2});
  small.restore(path());
  EXPECT_EQ(small.nodes(), 2u);
  EXPECT_TRUE(small.known(5) && small.known(1));
  EXPECT_TRUE(small.nodes_ledger().balanced());
  EXPECT_THAT(small.nodes_ledger().drops, ::testing::ElementsAre(::testing::Pair("forgotten", 4u)));
  small.restore(path());  // again, over nodes that are there
  EXPECT_EQ(small.nodes(), 2u);
  EXPECT_TRUE(small.nodes_ledger().balanced());
}

TEST_F(StateTest, EveryTruncationAndEveryFlippedByteIsRefused) {
  auto spec = small_spec();
  spec.d_model = 8;
  spec.heads = spec.kv_heads = 1;
  spec.layers = 1;
  spec.window = 4;
  spec.tasks.clear();
  const RandomModel random(spec, 14);
  const auto model = Model::load(random.path());
  Engine engine(model, {});
  run_all(engine, random_nodes(15, 2, 6));
  engine.save(path());
  const std::string good = base::read_file(path());
  Engine victim(model, {});
  victim.restore(path());
  const auto write_raw = [&](const std::string& text) {
    std::FILE* f = std::fopen(path("bad").c_str(), "wb");
    ASSERT_NE(f, nullptr);
    ASSERT_EQ(std::fwrite(text.data(), 1, text.size(), f), text.size());
    std::fclose(f);
  };
  for (size_t n = 0; n < good.size(); n += 1 + good.size() / 300) {
    write_raw(good.substr(0, n));
    EXPECT_NE(refusal(victim, path("bad")), "") << "cut to " << n;
  }
  base::Random random_bytes(1);
  const size_t header = 8 + *reinterpret_cast<const uint64_t*>(good.data());
  for (size_t at = header; at < good.size(); at += 1 + random_bytes.below(1 + good.size() / 1000)) {
    std::string bad = good;
    bad[at] = static_cast<char>(bad[at] ^ static_cast<char>(1u << random_bytes.below(8)));
    write_raw(bad);
    EXPECT_NE(refusal(victim, path("bad")), "") << "byte " << at;
  }
  EXPECT_EQ(victim.nodes(), 2u);
  victim.save(path("after"));
  EXPECT_EQ(base::read_file(path("after")), good);
}

// A file whose checksums are right and whose values are not: someone made it so.
TEST_F(StateTest, HostileValuesAreRefused) {
  const RandomModel random(small_spec(), 16);
  const auto model = Model::load(random.path());
  NodeStates arena(*model, Precision::kFloat32, 4);
  StreamState stream;
  stream.clock = kStart;
  std::vector<uint64_t> evicted;
  const auto fill = [&] {
    arena.clear();
    for (const uint64_t key : {1, 2}) {
      const uint32_t slot = arena.admit(key, 1, evicted);
      arena.state(slot).last_step = kStart;
      arena.positions(slot) = 1;
      std::fill_n(arena.hidden(slot), model->spec().d_model, 0.0f);
      static_cast<float*>(arena.ring(slot, 0).keys)[3] = 0;
    }
    stream.awake = {0, 1};
  };
  const auto attempt = [&](const auto& change) -> std::string {
    fill();
    change();
    StateWriter(path(), *model, arena, stream, {}, {}).write();
    Engine engine(model, {});
    const std::string said = refusal(engine, path());
    EXPECT_EQ(engine.nodes(), said.empty() ? 2u : 0u);
    return said;
  };
  EXPECT_EQ(attempt([] {}), "");
  EXPECT_THAT(attempt([&] { arena.state(1).last_step = INT64_MAX; }), HasSubstr("impossible last_step"));
  EXPECT_THAT(attempt([&] { arena.state(1).last_step = token::kNever; }), HasSubstr("impossible last_step"));
  EXPECT_THAT(attempt([&] { arena.positions(0) = 0; }), HasSubstr("impossible positions"));
  EXPECT_THAT(attempt([&] { arena.positions(0) = UINT64_MAX; }), HasSubstr("impossible positions"));
  EXPECT_THAT(attempt([&] { arena.state(0).idle_run = -1; }), HasSubstr("impossible idle_run"));
  EXPECT_THAT(attempt([&] { arena.state(0).idle_run = 4; }), HasSubstr("impossible idle_run"));
  EXPECT_THAT(attempt([&] { arena.state(0).seen[2] = UINT32_MAX; }), HasSubstr("impossible seen"));
  EXPECT_THAT(attempt([&] { arena.state(0).level[1] = NAN; }), HasSubstr("impossible level"));
  EXPECT_THAT(attempt([&] { arena.hidden(1)[5] = INFINITY; }), HasSubstr("impossible hidden"));
  EXPECT_THAT(attempt([&] { static_cast<float*>(arena.ring(1, 0).keys)[3] = NAN; }),
              HasSubstr("impossible ring"));
  EXPECT_THAT(attempt([&] { stream.awake = {1, 1}; }), HasSubstr("order of the nodes awake"));
  const int64_t clock = stream.clock;
  EXPECT_THAT(attempt([&] { stream.clock = INT64_MAX - 5; }), HasSubstr("clock"));
  stream.clock = clock - 1;
  EXPECT_THAT(attempt([] {}), HasSubstr("impossible last_step"));
  stream.clock = clock;
  EXPECT_EQ(attempt([] {}), "");
}

TEST_F(StateTest, WhatIsNoStateIsRefused) {
  const RandomModel random(small_spec(), 17);
  Engine engine(Model::load(random.path()), {});
  EXPECT_THAT(refusal(engine, path("absent")), HasSubstr("absent"));
  EXPECT_THAT(refusal(engine, random.path() / "model.safetensors"), HasSubstr("not a netflowgen state"));
  base::write_file(path("text"), "hello");
  EXPECT_THAT(refusal(engine, path("text")), HasSubstr("not a safetensors file"));
  base::save_safetensors(path("newer"), {}, {{"format", "netflowgen-state"}, {"infer.version", "99"}});
  EXPECT_THAT(refusal(engine, path("newer")), HasSubstr("version 99"));
  base::save_safetensors(path("empty"), {},
                         {{"format", "netflowgen-state"},
                          {"infer.version", "1"},
                          {"infer.model", engine.model().backbone_hash()},
                          {"infer.cache", "float32"},
                          {"infer.clock", "5"}});
  EXPECT_THAT(refusal(engine, path("empty")), HasSubstr("infer.key"));
}

}  // namespace
}  // namespace netflowgen::infer

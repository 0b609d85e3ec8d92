// What the engine says to bad input: each a clear error at load, or a counted drop; never a wrong number.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <functional>

#include "base/error.h"
#include "infer/testing_drive.h"

namespace netflowgen::infer {
namespace {

using namespace testing;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;

const std::vector<float> kFrame(series::kFeatureCount, 5.0f);

Item item(uint64_t node, int64_t step) { return {node, step, kFrame, {}, 0}; }

Drop fate(Engine& engine, const Item& one) {
  Results r;
  engine.step(std::vector<Item>{one}, kAll, r);
  return r.drop[0];
}

class BadInput : public ::testing::Test {
 protected:
  BadInput() : random_(small_spec(), 21), model_(Model::load(random_.path())) {}
  RandomModel random_;
  std::shared_ptr<const Model> model_;
};

TEST_F(BadInput, ClocksThatJumpAreCounted) {
  Engine engine(model_, {});
  ASSERT_EQ(fate(engine, item(1, kStart)), Drop::kNone);
  EXPECT_EQ(fate(engine, item(1, kStart)), Drop::kClockBack);
  EXPECT_EQ(fate(engine, item(1, kStart - 5)), Drop::kClockBack);
  EXPECT_EQ(fate(engine, item(1, INT64_MAX)), Drop::kClockAhead);
  EXPECT_EQ(fate(engine, item(1, INT64_MIN)), Drop::kClockAhead);
  EXPECT_EQ(fate(engine, item(2, kStart - 5)), Drop::kNone);  // late, but the node's own first
  // One node far ahead of the others is dropped; its clock has not become anybody's.
  Results r;
  engine.step(std::vector<Item>{item(1, kStart + 1), item(2, kStart + 30 * 1440)}, kAll, r);
  EXPECT_THAT(r.drop, ElementsAre(Drop::kNone, Drop::kClockAhead));
  EXPECT_EQ(engine.clock(), kStart + 1);
  EXPECT_EQ(fate(engine, item(2, kStart + 2)), Drop::kNone);
  // Everyone a month later, as after an outage of the collector, is accepted.
  engine.step(std::vector<Item>{item(1, kStart + 30 * 1440), item(2, kStart + 30 * 1440)}, kAll, r);
  EXPECT_THAT(r.drop, ElementsAre(Drop::kNone, Drop::kNone));
  const auto ledger = engine.items_ledger();
  EXPECT_TRUE(ledger.balanced());
  EXPECT_THAT(ledger.drops, ElementsAre(Pair("clock_back", 2u), Pair("clock_ahead", 3u)));
}

// Dropped items leave no trace: the node continues as if they had never come.
TEST_F(BadInput, DropsChangeNothing) {
  const auto nodes = random_nodes(22, 2, 30);
  Engine clean(model_, {});
  const auto expected = run_all(clean, nodes);
  Engine dirty(model_, {});
  std::map<uint64_t, Track> tracks;
  Results r;
  for (int64_t step = kStart; step <= end_of(nodes); ++step) {
    if (dirty.known(0) && dirty.known(1)) {
      const std::vector<float> narrow(3);
      const std::vector<Item> bad = {item(0, kStart - 1),
                                     item(1, step + (int64_t{1} << 40)),
                                     {0, step, narrow, {}, 0},
                                     {77, step, {}, {}, 0},
                                     {1, step, kFrame, narrow, 0}};
      dirty.step(bad, kAll, r);
      EXPECT_THAT(r.drop, ::testing::Each(::testing::Ne(Drop::kNone)));
    }
    feed(dirty, nodes, step, step, {}, tracks);
  }
  EXPECT_EQ(distance(tracks, expected), 0);
}

TEST_F(BadInput, EveryReasonHasItsCount) {
  Engine engine(model_, {.max_nodes = 2});
  const std::vector<float> narrow(3);
  Results r;
  engine.step(std::vector<Item>{item(1, kStart),
                                item(1, kStart),
                                {2, kStart, {}, {}, 0},
                                {2, kStart, narrow, {}, 0},
                                item(2, kStart),
                                item(3, kStart)},
              kAll, r);
  EXPECT_THAT(r.drop, ElementsAre(Drop::kNone, Drop::kRepeated, Drop::kUnknownNode, Drop::kBadFrame,
                                  Drop::kNone, Drop::kArenaFull));
  EXPECT_TRUE(engine.items_ledger().balanced());
  EXPECT_EQ(engine.items_ledger().dropped(), 4u);
}

TEST_F(BadInput, AFullArenaForgetsTheLongestIdle) {
  Engine engine(model_, {.max_nodes = 3});
  Results r;
  for (uint64_t n = 1; n <= 3; ++n) engine.step(std::vector<Item>{item(n, kStart)}, kAll, r);
  engine.step(std::vector<Item>{item(1, kStart + 1)}, kAll, r);
  engine.step(std::vector<Item>{item(4, kStart + 2)}, kAll, r);
  EXPECT_THAT(r.evicted, ElementsAre(2u));
  EXPECT_FALSE(engine.known(2));
  EXPECT_TRUE(engine.known(1) && engine.known(3) && engine.known(4));
  const auto ledger = engine.nodes_ledger();
  EXPECT_TRUE(ledger.balanced());
  EXPECT_THAT(ledger.drops, ElementsAre(Pair("evicted", 1u)));
  EXPECT_EQ(ledger.held, 3u);
  // One that was forgotten begins anew, with the scores of a new node.
  engine.step(std::vector<Item>{item(2, kStart + 3)}, kAll, r);
  EXPECT_EQ(r.position[0], 0u);
  Engine fresh(model_, {});
  Results first;
  fresh.step(std::vector<Item>{item(2, kStart + 3)}, kAll, first);
  EXPECT_EQ(r.hidden, first.hidden);
}

TEST_F(BadInput, AnArenaForNobodyIsAnError) {
  try {
    Engine engine(model_, {.max_bytes = 1000});
    FAIL();
  } catch (const base::Error& e) {
    EXPECT_THAT(e.what(), HasSubstr("the state of one node takes"));
  }
}

// Tokens follow from the frame: whatever is in it, the id is one of the table, and the answer a number.
TEST_F(BadInput, HostileFramesGiveFiniteScores) {
  auto spec = small_spec();
  spec.input.nodes = 4;
  spec.input.scales = {3, 12};
  spec.input.season_lags = {7};
  const RandomModel random(spec, 23);
  const auto model = Model::load(random.path());
  Engine engine(model, {.cache = Precision::kInt8});
  base::Random bytes(24);
  const float odd[] = {NAN, INFINITY, -INFINITY, -1, 3.4e38f, -3.4e38f, 1e-45f, -0.0f};
  Results r;
  for (int64_t step = kStart; step < kStart + 60; ++step) {
    std::vector<float> frame(series::kFeatureCount);
    for (auto& x : frame) x = odd[bytes.below(std::size(odd))];
    std::vector<float> season(model->encoder().season());
    for (auto& x : season) x = odd[bytes.below(std::size(odd))];
    engine.step(std::vector<Item>{{1, step, frame, step % 2 == 0 ? season : std::vector<float>(), 999}}, kAll,
                r);
    ASSERT_TRUE(r.stepped(0));
    const auto finite = [](const std::vector<float>& v) {
      return std::all_of(v.begin(), v.end(), [](float x) { return std::isfinite(x); });
    };
    EXPECT_TRUE(finite(r.hidden) && finite(r.surprise) && finite(r.direct) && finite(r.next));
    for (const auto& t : r.tasks) EXPECT_TRUE(finite(t));
    for (size_t i = 0; i < r.tokens.size(); ++i) EXPECT_LT(r.tokens[i], model->encoder().target_sizes()[i]);
  }
}

// A row of the node lookup that the model does not have is row 0, "unknown".
TEST_F(BadInput, ARowOutsideTheLookupIsUnknown) {
  auto spec = small_spec();
  spec.input.nodes = 4;
  const RandomModel random(spec, 25);
  const auto model = Model::load(random.path());
  const auto hidden = [&](uint32_t row) {
    Engine engine(model, {});
    Results r;
    engine.step(std::vector<Item>{{1, kStart, kFrame, {}, row}}, kAll, r);
    return r.hidden;
  };
  EXPECT_EQ(hidden(UINT32_MAX), hidden(0));
  EXPECT_EQ(hidden(4), hidden(0));
  EXPECT_NE(hidden(3), hidden(0));
}

// A clock that leaps for everyone is accepted, so it must not cost a step for every minute of the leap.
TEST_F(BadInput, ALeapOfTheClockIsCheap) {
  for (const bool every_step : {false, true}) {
    auto spec = small_spec();
    spec.input.scales = {3, 1440};
    spec.input.season_lags = {7};
    spec.input.idle_steps = every_step ? -1 : 3;
    const RandomModel random(spec, 26);
    Engine engine(Model::load(random.path()), {});
    Results r;
    engine.step(std::vector<Item>{item(1, kStart)}, kAll, r);
    engine.step(std::vector<Item>{item(1, kStart + (int64_t{1} << 40))}, kAll, r);
    EXPECT_TRUE(r.stepped(0));
    for (const float x : r.hidden) EXPECT_TRUE(std::isfinite(x));
  }
}

// What a damaged model folder is answered with.
class BadModel : public BadInput {
 protected:
  std::string refusal() const {
    try {
      const Model model(random_.path());
    } catch (const base::Error& e) {
      return e.what();
    }
    return "";
  }
  base::fs::path file(const char* name) const { return random_.path() / name; }
  void spoil(const char* name, const std::function<void(std::string&)>& change) const {
    std::string text = base::read_file(file(name));
    change(text);
    base::write_file(file(name), text);
  }
};

TEST_F(BadModel, NanAndInfinityInWeightsAreRefused) {
  const base::SafetensorsFile weights(file("model.safetensors"));
  const auto& tensor = weights.tensor("layers.1.ffn.down.weight");
  const std::string good = base::read_file(file("model.safetensors"));
  const auto at = good.find(std::string(reinterpret_cast<const char*>(tensor.data.data()), 64));
  ASSERT_NE(at, std::string::npos);
  for (const float bad : {NAN, INFINITY, -INFINITY}) {
    spoil("model.safetensors", [&](std::string& text) { std::memcpy(&text[at + 8], &bad, sizeof bad); });
    EXPECT_THAT(refusal(), HasSubstr("layers.1.ffn.down.weight holds NaN or infinity"));
  }
}

TEST_F(BadModel, CutWeightsAreRefused) {
  const std::string good = base::read_file(file("model.safetensors"));
  for (const size_t size : {size_t{0}, size_t{7}, size_t{100}, good.size() / 2, good.size() - 1}) {
    base::write_file(file("model.safetensors"), good.substr(0, size));
    EXPECT_THAT(refusal(), HasSubstr("model.safetensors")) << size;
  }
}

TEST_F(BadModel, AnotherFeatureTableIsRefusedWithTheDifference) {
  spoil("tokens.json", [](std::string& text) {
    const size_t at = text.find(series::schema_hash());
    ASSERT_NE(at, std::string::npos);
    text.replace(at, 16, "0123456789abcdef");
    text.replace(text.find("bytes_in"), 8, "octet_in");
  });
  EXPECT_THAT(refusal(), ::testing::AllOf(HasSubstr("another feature table"), HasSubstr("octet_in")));
}

TEST_F(BadModel, ATensorThatIsMissingIsNamed) {
  spoil("model.safetensors", [](std::string& text) {
    const size_t at = text.find("\"final_norm.weight\"");
    ASSERT_NE(at, std::string::npos);
    text[at + 1] = 'F';
  });
  EXPECT_THAT(refusal(), HasSubstr("no tensor 'final_norm.weight'"));
}

}  // namespace
}  // namespace netflowgen::infer

#include "series/store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <fstream>

#include "base/error.h"
#include "base/random.h"
#include "series/node.h"

namespace netflowgen::series {
namespace {

using base::Error;
using Frame = std::array<float, kFeatureCount>;

constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

class StoreTest : public testing::Test {
 protected:
  StoreTest() {
    const auto* test = testing::UnitTest::GetInstance()->current_test_info();
    dir_ = fs::path(testing::TempDir()) / ("nfg_store_" + std::to_string(::getpid()) + "_" + test->name());
    fs::remove_all(dir_);
  }
  ~StoreTest() override { fs::remove_all(dir_); }

  // A frame whose feature f is base + f, all others missing from `known` on.
  static Frame frame(float base, size_t known = kFeatureCount) {
    Frame f;
    f.fill(kNaN);
    for (size_t i = 0; i < known; ++i) f[i] = base + static_cast<float>(i);
    return f;
  }
  std::string error_of(const std::function<void()>& act) {
    try {
      act();
    } catch (const Error& e) {
      return e.what();
    }
    return "";
  }
  void replace_in_info(const std::string& from, const std::string& to) {
    std::string text = base::read_file(dir_ / "series.json");
    const size_t at = text.find(from);
    ASSERT_NE(at, std::string::npos);
    base::write_file(dir_ / "series.json", text.replace(at, from.size(), to));
  }

  fs::path dir_;
};

TEST_F(StoreTest, FramesComeBackByNodeAndTime) {
  StoreWriter writer(dir_, {.step_ms = 1000, .timezone = "Europe/Vilnius"});
  writer.add("b", 7, frame(100));
  writer.add("a", 9, frame(200));
  writer.add("b", 5, frame(300));
  writer.cover(4, 20);
  writer.flush();
  const FrameTable t = load_frames(dir_);
  EXPECT_THAT(t.nodes, testing::ElementsAre("a", "b"));
  EXPECT_THAT(t.offsets, testing::ElementsAre(0, 1, 3));
  EXPECT_THAT(t.steps, testing::ElementsAre(9, 5, 7));
  EXPECT_EQ(t.frame(0)[3], 203);
  EXPECT_EQ(t.frame(1)[0], 300);
  EXPECT_EQ(t.first_step, 4);
  EXPECT_EQ(t.end_step, 20);
  EXPECT_EQ(t.step_ms, 1000);
  EXPECT_EQ(t.timezone, "Europe/Vilnius");
  EXPECT_EQ(t.lower_bound(1, 6), 2u);
}

TEST_F(StoreTest, RemembersWhichNodesWereAskedFor) {
  NodeOptions asked;
  parse_hosts("10.77.0.0/25,192.0.2.1", asked);
  parse_prefixes("/24,2001:db8::/32", asked);
  asked.interfaces = true;
  const NodeChoice choice = choice_of(asked);
  EXPECT_EQ(choice.text(), "--nodes 10.77.0.0/25,192.0.2.1/32 --prefixes /24,2001:db8::/32 --interfaces");
  {
    StoreWriter writer(dir_, {.choice = choice});
    writer.add("10.77.0.1", 1, frame(1));
    writer.flush();
  }
  EXPECT_EQ(read_store_info(dir_).choice, choice);
  EXPECT_EQ(load_frames(dir_).choice, choice);
  NodeOptions again;
  apply(choice, again);
  EXPECT_FALSE(again.all_hosts);
  EXPECT_EQ(choice_of(again), choice);
  NodeOptions more;
  parse_hosts("10.78.0.0/25", more);
  {
    StoreWriter writer(dir_, {.choice = choice_of(more), .append = true});
    writer.add("10.78.0.1", 2, frame(1));
    writer.flush();
  }
  EXPECT_EQ(read_store_info(dir_).choice.hosts, "10.77.0.0/25,192.0.2.1/32,10.78.0.0/25");
  EXPECT_TRUE(read_store_info(dir_).choice.interfaces);
  StoreWriter unknown(dir_, {.append = true});  // rates name their own nodes
  unknown.add("vm7", 3, frame(1));
  unknown.flush();
  EXPECT_FALSE(read_store_info(dir_).choice.known());
}

TEST_F(StoreTest, ColumnsThatNoRowHasAreMissing) {
  StoreWriter writer(dir_, {});
  writer.add("a", 1, frame(1, 2));
  Frame f = frame(1, 0);
  f[kOutInRatio] = 0.5f;
  writer.add("a", 2, f);
  writer.flush();
  const FrameTable t = load_frames(dir_);
  EXPECT_FALSE(t.missing[0]);
  EXPECT_FALSE(t.missing[1]);
  EXPECT_TRUE(t.missing[2]);
  EXPECT_FALSE(t.missing[kOutInRatio]);
  EXPECT_EQ(t.frame(0)[1], 2);
  EXPECT_TRUE(std::isnan(t.frame(0)[2]));
  EXPECT_TRUE(std::isnan(t.frame(1)[0]));
  EXPECT_EQ(t.frame(1)[kOutInRatio], 0.5f);
}

TEST_F(StoreTest, ManyShardsAndRandomOrderEqualOneTable) {
  base::Random random(3);
  std::vector<std::pair<int, int64_t>> keys;
  for (int node = 0; node < 50; ++node) {
    for (int64_t step = -30; step < 70; ++step) {
      if (random.chance(0.4)) keys.emplace_back(node, step);
    }
  }
  auto shuffled = keys;
  for (size_t i = shuffled.size(); i > 1; --i) std::swap(shuffled[i - 1], shuffled[random.below(i)]);
  StoreWriter writer(dir_, {.shard_rows = 100});
  for (const auto& [node, step] : shuffled) {
    writer.add(fmt::format("n{:02}", node), step, frame(static_cast<float>(node * 1000 + step)));
  }
  writer.flush();
  EXPECT_GT(writer.info().shards.size(), 15u);
  EXPECT_EQ(writer.info().rows(), keys.size());
  const FrameTable t = load_frames(dir_);
  ASSERT_EQ(t.rows(), keys.size());
  for (size_t node = 0, row = 0; node < t.nodes.size(); ++node) {
    for (; row < t.offsets[node + 1]; ++row) {
      ASSERT_EQ(t.nodes[node], fmt::format("n{:02}", keys[row].first));
      ASSERT_EQ(t.steps[row], keys[row].second);
      ASSERT_EQ(t.frame(row)[0], static_cast<float>(keys[row].first * 1000 + keys[row].second));
    }
  }
}

TEST_F(StoreTest, BytesDoNotDependOnTheOrderWithinAFlush) {
  const auto write = [&](bool reverse) {
    fs::remove_all(dir_);
    StoreWriter writer(dir_, {});
    for (int i = 0; i < 20; ++i) {
      const int k = reverse ? 19 - i : i;
      writer.add(fmt::format("n{}", k % 5), k / 5, frame(static_cast<float>(k)));
    }
    writer.flush();
    return base::read_file(dir_ / "shard-000000.safetensors") + base::read_file(dir_ / "series.json");
  };
  EXPECT_EQ(write(false), write(true));
}

TEST_F(StoreTest, Filter) {
  StoreWriter writer(dir_, {.step_ms = 1000});
  for (int64_t step = 0; step < 10; ++step) {
    Frame f = frame(0);
    f[kFlowsIn] = 1;
    f[kFlowsOut] = 1;
    writer.add("10.0.0.1", step, f);
    if (step < 4) writer.add("10.0.1.1", step, f);
    writer.add("2001:db8::1", step, f);
  }
  writer.flush();
  const auto nodes = [&](FrameFilter f) { return load_frames(dir_, f).nodes; };
  EXPECT_THAT(nodes({.nodes = {"10.0.0.0/16"}}), testing::ElementsAre("10.0.0.1", "10.0.1.1"));
  EXPECT_THAT(nodes({.nodes = {"10.0.1.1", "2001:db8::/32"}}),
              testing::ElementsAre("10.0.1.1", "2001:db8::1"));
  EXPECT_THAT(nodes({.min_flows = 9}), testing::ElementsAre("10.0.0.1", "2001:db8::1"));
  EXPECT_THAT(nodes({.to_ms = 4000, .min_flows = 9}), testing::ElementsAre());
  const FrameTable t = load_frames(dir_, {.from_ms = 2500, .to_ms = 6000, .nodes = {"10.0.0.1"}});
  EXPECT_THAT(t.steps, testing::ElementsAre(3, 4, 5));
  EXPECT_EQ(t.first_step, 3);
  EXPECT_EQ(t.end_step, 6);
}

TEST_F(StoreTest, AppendsOnlyWhenAsked) {
  {
    StoreWriter writer(dir_, {});
    writer.add("a", 1, frame(1, 1));
    writer.set_counts({{"series", 3, 2, 0, {{"late", 1}}}});
    writer.flush();
  }
  EXPECT_THAT(error_of([&] { StoreWriter w(dir_, {}); }), testing::HasSubstr("--append"));
  EXPECT_THAT(error_of([&] { StoreWriter w(dir_, {.step_ms = 1000, .append = true}); }),
              testing::HasSubstr("cannot append with step 1000 ms"));
  {
    StoreWriter writer(dir_, {.append = true});
    writer.add("a", 2, frame(5, 2));
    writer.flush();
  }
  const FrameTable t = load_frames(dir_);
  EXPECT_THAT(t.steps, testing::ElementsAre(1, 2));
  EXPECT_FALSE(t.missing[1]);
  const StoreInfo info = read_store_info(dir_);
  ASSERT_EQ(info.runs.size(), 2u);
  EXPECT_EQ(info.runs[0][0].drops[0], (std::pair<std::string, uint64_t>("late", 1)));
}

TEST_F(StoreTest, AShardCountsOnlyWhenListed) {
  {
    StoreWriter writer(dir_, {.shard_rows = 2});
    for (int64_t i = 0; i < 3; ++i) writer.add("a", i, frame(1));  // the third is never flushed
  }
  std::ofstream(dir_ / "shard-000001.safetensors") << "half a shard";  // left by a crash, not listed
  EXPECT_EQ(load_frames(dir_).rows(), 2u);
  StoreWriter writer(dir_, {.append = true});
  writer.add("a", 5, frame(1));
  writer.flush();
  EXPECT_EQ(load_frames(dir_).rows(), 3u);
}

TEST_F(StoreTest, OneWriterAtATime) {
  StoreWriter writer(dir_, {});
  EXPECT_THAT(error_of([&] { StoreWriter w(dir_, {}); }), testing::HasSubstr("another process"));
}

TEST_F(StoreTest, RefusesWhatItCannotRead) {
  EXPECT_THAT(error_of([&] { load_frames(dir_); }), testing::HasSubstr("not a series store"));
  {
    StoreWriter writer(dir_, {});
    writer.add("a", 1, frame(1));
    writer.add("a", 2, frame(1));
    writer.flush();
  }
  const auto info = base::read_file(dir_ / "series.json");
  replace_in_info("\"version\": 1", "\"version\": 2");
  EXPECT_THAT(error_of([&] { load_frames(dir_); }), testing::HasSubstr("use a newer netflowgen"));
  base::write_file(dir_ / "series.json", info);
  replace_in_info(schema_hash(), "0000000000000000");
  replace_in_info("\"bytes_in\"", "\"octets_in\"");
  EXPECT_THAT(error_of([&] { load_frames(dir_); }),
              testing::HasSubstr("the file lacks bytes_in; the file has octets_in"));
  base::write_file(dir_ / "series.json", info.substr(0, info.size() / 2));
  EXPECT_THAT(error_of([&] { load_frames(dir_); }), testing::HasSubstr("damaged"));
  base::write_file(dir_ / "series.json", info);
  replace_in_info("\"rows\": 2", "\"rows\": 2.5");
  EXPECT_THAT(error_of([&] { load_frames(dir_); }), testing::HasSubstr("'rows' is not an integer"));
  base::write_file(dir_ / "series.json", info);
  replace_in_info("\"rows\": 2", "\"rows\": 3");
  EXPECT_THAT(error_of([&] { load_frames(dir_); }), testing::HasSubstr("series.json lists"));
  base::write_file(dir_ / "series.json", info);
  replace_in_info("shard-000000", "../shard-000000");
  EXPECT_THAT(error_of([&] { load_frames(dir_); }), testing::HasSubstr("leaves the folder"));
}

TEST_F(StoreTest, ATruncatedOrFlippedShardIsRefusedOrRead) {
  {
    StoreWriter writer(dir_, {});
    for (int i = 0; i < 30; ++i) writer.add(fmt::format("n{}", i % 3), i / 3, frame(1));
    writer.flush();
  }
  const fs::path path = dir_ / "shard-000000.safetensors";
  const std::string whole = base::read_file(path);
  for (size_t n = 0; n < whole.size(); n += 37) {
    base::write_file(path, whole.substr(0, n));
    EXPECT_NE(error_of([&] { load_frames(dir_); }), "") << n;
  }
  base::Random random(1);
  for (int i = 0; i < 500; ++i) {
    std::string bad = whole;
    bad[random.below(bad.size())] ^= static_cast<char>(1u << random.below(8));
    base::write_file(path, bad);
    error_of([&] { load_frames(dir_); });  // any answer but a crash
  }
}

TEST_F(StoreTest, AFrameThatOccursTwiceIsAnError) {
  StoreWriter writer(dir_, {.shard_rows = 1});
  writer.add("a", 1, frame(1));
  writer.add("a", 1, frame(2));
  writer.flush();
  EXPECT_THAT(error_of([&] { load_frames(dir_); }), testing::HasSubstr("two frames of node a"));
}

TEST_F(StoreTest, DiscardLeavesTheStoreAsItWas) {
  {
    StoreWriter writer(dir_, {.shard_rows = 2});
    for (int64_t step = 0; step < 5; ++step) writer.add("a", step, frame(0));
    EXPECT_TRUE(is_store(dir_));
    writer.discard();
    EXPECT_FALSE(is_store(dir_));
    EXPECT_TRUE(fs::is_empty(dir_));
    EXPECT_EQ(writer.frames(), 0u);
    writer.add("b", 3, frame(0));
    writer.flush();
  }
  StoreWriter writer(dir_, {.append = true, .shard_rows = 2});
  for (int64_t step = 10; step < 15; ++step) writer.add("a", step, frame(0));
  writer.discard();
  EXPECT_THAT(load_frames(dir_).nodes, testing::ElementsAre("b"));
  writer.add("c", 11, frame(0));
  writer.flush();
  EXPECT_THAT(load_frames(dir_).nodes, testing::ElementsAre("b", "c"));
  EXPECT_EQ(read_store_info(dir_).shards.size(), 2u);
}

}  // namespace
}  // namespace netflowgen::series

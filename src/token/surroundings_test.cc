#include "token/surroundings.h"

#include <gmock/gmock.h>

#include <fmt/format.h>
#include <algorithm>
#include <limits>
#include <map>

#include "base/random.h"

namespace netflowgen::token {
namespace {

using Frame = std::vector<float>;

Frame frame_of(float flows, float packets, float bytes) {
  Frame f(series::kFeatureCount, std::numeric_limits<float>::quiet_NaN());
  f[series::kFlowsIn] = flows;
  f[series::kPacketsIn] = packets;
  f[series::kBytesIn] = bytes;
  f[series::kFlowsOut] = flows;
  return f;
}

// A step's nodes by name.
class Network {
 public:
  explicit Network(int64_t step_ms = 60'000) : surroundings(step_ms) {}

  void set(const std::string& name, float flows) {
    frames_[name] = frame_of(flows, 10 * flows, 5'000 * flows);
  }
  void hosts(int count, float flows) {
    for (int i = 1; i <= count; ++i) set("10.0.0." + std::to_string(i), flows);
  }
  std::map<std::string, Surround> close(int64_t step, bool backwards = false) {
    const auto members = members_of(backwards);
    std::vector<Surround> out;
    surroundings.close(step, members, out);
    return named(members, out);
  }
  std::map<std::string, Surround> look(int64_t step) const {
    const auto members = members_of(false);
    std::vector<Surround> out;
    surroundings.look(step, members, out);
    return named(members, out);
  }
  void clear() { frames_.clear(); }

  Surroundings surroundings;

 private:
  std::vector<Surroundings::Member> members_of(bool backwards) const {
    std::vector<Surroundings::Member> members;
    for (const auto& [name, frame] : frames_)
      members.push_back({std::hash<std::string>()(name), name, Surroundings::values_of(frame)});
    if (backwards) std::reverse(members.begin(), members.end());
    return members;
  }
  static std::map<std::string, Surround> named(const std::vector<Surroundings::Member>& members,
                                               const std::vector<Surround>& out) {
    std::map<std::string, Surround> found;
    for (size_t i = 0; i < members.size(); ++i) found[std::string(members[i].name)] = out[i];
    return found;
  }
  std::map<std::string, Frame> frames_;
};

float value(const Surround& s, const std::string& name) {
  const auto names = surround_names();
  const auto it = std::find(names.begin(), names.end(), name);
  EXPECT_NE(it, names.end()) << name;
  return kSurroundUnit * s[static_cast<size_t>(it - names.begin())];
}

// Usual traffic of ten hosts, so that their means are known.
Network usual() {
  Network n;
  base::Random random(5);
  for (int64_t step = 0; step < 300; ++step) {
    for (int i = 1; i <= 10; ++i)
      n.set("10.0.0." + std::to_string(i), 100 * std::exp(0.2f * static_cast<float>(random.uniform() - 0.5)));
    n.close(step);
  }
  return n;
}

TEST(Surroundings, OneRisesAndTheOthersSeeOneOfMany) {
  Network n = usual();
  n.hosts(10, 100);
  n.set("10.0.0.1", 10'000);
  const auto found = n.close(300);
  EXPECT_LT(std::fabs(value(found.at("10.0.0.1"), "prefix: others' flows_in")), 0.5f);
  EXPECT_GT(value(found.at("10.0.0.2"), "prefix: others' flows_in"), 0.5f);
  EXPECT_EQ(value(found.at("10.0.0.1"), "prefix: others with high flows_in"), 0);
  EXPECT_GT(value(found.at("10.0.0.2"), "prefix: others with high flows_in"), 0);
  EXPECT_GT(value(found.at("10.0.0.1"), "prefix: share of flows_in"), -0.2f);
  EXPECT_LT(value(found.at("10.0.0.2"), "prefix: share of flows_in"), -2);
  EXPECT_GT(value(found.at("10.0.0.2"), "network: flows_in against its usual"), 3);
}

TEST(Surroundings, AllRiseTogether) {
  Network n = usual();
  n.hosts(10, 200);
  const auto found = n.close(300);
  for (const auto& [name, s] : found) {
    EXPECT_GT(value(s, "prefix: others' flows_in"), 2) << name;
    EXPECT_GT(value(s, "prefix: others with high flows_in"), 2) << name;
  }
}

TEST(Surroundings, SilentHostsWake) {
  Network n = usual();
  n.hosts(200, 100);  // a scan of 190 that never were
  const auto found = n.close(300);
  EXPECT_GT(value(found.at("10.0.0.1"), "prefix: others that were silent"), 2.5f);
  EXPECT_GT(value(found.at("10.0.0.1"), "prefix: active against its usual"), 4);
}

TEST(Surroundings, PrefixesAreApart) {
  Network n = usual();
  n.hosts(10, 100);
  for (int i = 1; i < 9; ++i) n.set("10.0.1." + std::to_string(i), 100);
  const auto found = n.close(300);
  EXPECT_EQ(value(found.at("10.0.0.1"), "prefix: others that were silent"), 0);
  EXPECT_GT(value(found.at("10.0.1.1"), "prefix: others that were silent"), 0.9f);
  EXPECT_GT(value(found.at("10.0.0.1"), "network: others that were silent"), 1);
}

TEST(Surroundings, ParentsOfEveryKind) {
  Network n;
  n.set("192.0.2.1#1", 1);
  n.set("192.0.2.1#2", 1);
  n.set("192.0.2.2#1", 1);
  n.set("2001:db8::1", 1);
  n.set("2001:db8::2", 1);
  n.set("10.0.0.0/8", 1);
  n.set("a server", 1);
  const auto found = n.close(0);
  const auto others = [&](const std::string& name) { return value(found.at(name), "prefix: others active"); };
  EXPECT_GT(others("192.0.2.1#1"), 0);
  EXPECT_EQ(others("192.0.2.2#1"), 0);
  EXPECT_GT(others("2001:db8::1"), 0);
  EXPECT_EQ(others("10.0.0.0/8"), 0);
  EXPECT_EQ(others("a server"), 0);
  for (const auto& [name, s] : found) EXPECT_GT(value(s, "network: others active"), 0.9f) << name;
}

TEST(Surroundings, OrderDoesNotMatter) {
  Network a = usual();
  Network b = usual();
  a.set("10.0.0.3", 4'000);
  b.set("10.0.0.3", 4'000);
  EXPECT_EQ(a.close(300), b.close(300, true));
  EXPECT_EQ(a.surroundings.bytes(), b.surroundings.bytes());
}

TEST(Surroundings, LookKeepsNothing) {
  Network n = usual();
  n.hosts(20, 300);
  const auto before = n.surroundings.bytes();
  const auto looked = n.look(310);
  EXPECT_EQ(n.surroundings.bytes(), before);
  EXPECT_EQ(looked, n.close(310));
  EXPECT_NE(n.surroundings.bytes(), before);
}

TEST(Surroundings, AStepOfThePastGivesNothing) {
  Network n = usual();
  const auto before = n.surroundings.bytes();
  for (const auto& [name, s] : n.close(299)) EXPECT_EQ(s, Surround{}) << name;
  EXPECT_EQ(n.surroundings.bytes(), before);
}

TEST(Surroundings, ContinuesWithTheSameBits) {
  Network a = usual();
  Network b;
  ASSERT_TRUE(b.surroundings.restore(a.surroundings.bytes()));
  EXPECT_EQ(a.surroundings.bytes(), b.surroundings.bytes());
  a.hosts(12, 150);
  b.hosts(12, 150);
  EXPECT_EQ(a.close(305), b.close(305));
  EXPECT_EQ(a.surroundings.bytes(), b.surroundings.bytes());
}

TEST(Surroundings, DamagedBytesChangeNothing) {
  const Network a = usual();
  const auto good = a.surroundings.bytes();
  Network b;
  b.hosts(2, 1);
  b.close(0);
  const auto before = b.surroundings.bytes();
  for (size_t length = 0; length < good.size(); length += 7)
    EXPECT_FALSE(b.surroundings.restore(std::span(good).first(length))) << length;
  auto more = good;
  more.push_back(0);
  EXPECT_FALSE(b.surroundings.restore(more));
  base::Random random(3);
  for (int i = 0; i < 2'000; ++i) {  // whatever is accepted must be usable
    auto bad = good;
    bad[random.below(bad.size())] ^= static_cast<uint8_t>(1u << random.below(8));
    Network c;
    if (!c.surroundings.restore(bad)) continue;
    c.hosts(3, 5);
    c.close(1'000);
  }
  EXPECT_EQ(b.surroundings.bytes(), before);
}

TEST(Surroundings, ForgottenNodesHoldNothing) {
  Network n;
  for (int i = 0; i < 500; ++i) n.set(fmt::format("10.{}.{}.1", i / 250, i % 250), 1);
  n.close(0);
  EXPECT_EQ(n.surroundings.nodes(), 500);
  EXPECT_EQ(n.surroundings.groups(), 501);
  for (int i = 0; i < 500; ++i)
    n.surroundings.forget(std::hash<std::string>()(fmt::format("10.{}.{}.1", i / 250, i % 250)));
  EXPECT_EQ(n.surroundings.nodes(), 0);
  EXPECT_EQ(n.surroundings.groups(), 1);
}

TEST(Surroundings, ExtremeValuesStayFinite) {
  Network n;
  for (const float flows : {0.0f, 1e30f, std::numeric_limits<float>::quiet_NaN(), 1e-30f, -5.0f}) {
    for (int i = 0; i < 30; ++i) n.set("10.0.0." + std::to_string(i + 1), flows);
    n.close(n.surroundings.nodes() == 0 ? 0
                                        : int64_t{1} << (20 + static_cast<int>(std::isnan(flows) ? 3 : 1)));
  }
  Network b;
  EXPECT_TRUE(b.surroundings.restore(n.surroundings.bytes()));
}

TEST(Surroundings, ATableAsTheStreamSeesIt) {
  series::FrameTable table;
  table.first_step = 100;
  table.end_step = 140;
  base::Random random(11);
  Network stream;
  std::map<std::pair<std::string, int64_t>, Frame> frames;
  table.offsets = {0};
  for (int i = 0; i < 12; ++i) {
    table.nodes.push_back(fmt::format("10.0.{}.{}", i % 2, i));
    for (int64_t step = 100; step < 140; ++step) {
      if (random.chance(0.4)) continue;
      const auto flows = static_cast<float>(1 + random.below(1'000));
      const Frame f = frame_of(flows, 10 * flows, 5'000 * flows);
      frames[{table.nodes.back(), step}] = f;
      table.steps.push_back(step);
      table.values.insert(table.values.end(), f.begin(), f.end());
    }
    table.offsets.push_back(table.steps.size());
  }
  const auto rows = surround_rows(table, 100, 140);
  for (int64_t step = 100; step < 140; ++step) {
    stream.clear();
    for (const auto& name : table.nodes) {
      const auto it = frames.find({name, step});
      if (it != frames.end()) stream.set(name, it->second[series::kFlowsIn]);
    }
    for (const auto& [name, s] : stream.close(step)) {
      const auto node =
          static_cast<size_t>(std::find(table.nodes.begin(), table.nodes.end(), name) - table.nodes.begin());
      EXPECT_EQ(rows[table.lower_bound(node, step)], s) << name << " at " << step;
    }
  }
  EXPECT_EQ(surround_rows(table, 120, 140)[table.lower_bound(0, 110)], Surround{});
}

}  // namespace
}  // namespace netflowgen::token

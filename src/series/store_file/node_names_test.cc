// Law: numbers and names of a shard are those of a plain map, in whatever order nodes come, as keys or as text.
#include "series/store_file/node_names.h"

#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/random.h"

namespace netflowgen::series {
namespace {

NodeKey host(uint32_t number) { return {base::IpAddr::v4(0x0a000000 + number), 0, NodeKind::kHost}; }

std::vector<std::string> split(const ShardNames& shard) {
  std::vector<std::string> names;
  uint32_t begin = 0;
  for (const uint32_t end : shard.end) {
    names.emplace_back(shard.bytes.begin() + begin, shard.bytes.begin() + end);
    begin = end;
  }
  return names;
}

TEST(NodeNames, EqualAPlainMap) {
  base::Random random(3);
  NodeNames names;
  std::map<std::string, uint32_t> plain;
  for (int shard = 0; shard < 12; ++shard) {
    std::vector<uint32_t> rows;
    std::vector<std::string> of_rows;
    for (int step = 0; step < 4; ++step) {
      for (uint32_t node = 0; node < 300; ++node) {
        if (!random.chance(0.7)) continue;
        const NodeKey key = host(random.chance(0.1) ? static_cast<uint32_t>(random.below(1000)) : node);
        const std::string name = name_of(key);
        const bool text = shard >= 4 && random.chance(0.1);  // before that no name has come as text
        const uint32_t number = text ? names.number(name) : names.number(key);
        const auto [it, fresh] = plain.try_emplace(name, number);
        ASSERT_EQ(it->second, number) << name;
        rows.push_back(number);
        of_rows.push_back(name);
      }
    }
    const ShardNames shard_names = names.of_shard(rows);
    const std::set<std::string> used(of_rows.begin(), of_rows.end());
    const auto listed = split(shard_names);
    EXPECT_EQ(listed, std::vector<std::string>(used.begin(), used.end()));
    for (size_t i = 0; i < rows.size(); ++i) ASSERT_EQ(listed[shard_names.rank[rows[i]]], of_rows[i]);
  }
  EXPECT_EQ(names.size(), plain.size());
}

// A first step in order needs no table; what comes then, in any order and as text, has the numbers of a plain map all the same.
TEST(NodeNames, AscendingNodesThenAnyOrder) {
  base::Random random(11);
  NodeNames names;
  for (int round = 0; round < 40; ++round) {
    std::map<std::string, uint32_t> plain;
    const auto expect = [&](const NodeKey& key, bool text) {
      const uint32_t number = text ? names.number(name_of(key)) : names.number(key);
      ASSERT_EQ(plain.try_emplace(name_of(key), static_cast<uint32_t>(plain.size())).first->second, number);
    };
    const auto ascending = static_cast<uint32_t>(random.below(200));
    for (uint32_t i = 0; i < ascending; ++i) expect(host(3 * i + 1), false);
    const bool texts = random.chance(0.5);
    for (int i = 0; i < 300; ++i) {
      const auto node = static_cast<uint32_t>(random.below(700));
      expect(random.chance(0.1) ? NodeKey{{}, node, NodeKind::kAs} : host(node), texts && random.chance(0.2));
      if (random.chance(0.2)) expect(host(node + 1), false);
    }
    EXPECT_EQ(names.size(), plain.size());
    names.clear();
  }
}

// Memory follows the nodes of the last shards.
TEST(NodeNames, IdleNamesAreForgotten) {
  NodeNames names;
  for (uint32_t i = 0; i < 70'000; ++i) names.number(host(i));
  names.forget_idle(40'000);
  EXPECT_EQ(names.size(), 70'000u);
  names.forget_idle(34'000);
  EXPECT_EQ(names.size(), 0u);
  EXPECT_EQ(names.number(host(5)), 0u);
  EXPECT_EQ(names.number(name_of(host(5))), 0u);
}

// Names of one beginning, of any length and with any octet, in the order of std::string.
TEST(NodeNames, OrderIsThatOfTheOctets) {
  base::Random random(8);
  NodeNames names;
  std::set<std::string> plain;
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < 500; ++i) {
      std::string name(random.below(20), 'a');
      for (size_t at = name.size() / 2; at < name.size(); ++at)
        name[at] = static_cast<char>(random.below(256));
      if (name.empty()) continue;
      names.number(name);
      plain.insert(name);
    }
    const auto order = names.by_name();
    ASSERT_EQ(order.size(), plain.size());
    size_t at = 0;
    for (const auto& name : plain) EXPECT_EQ(names.number(name), order[at++]);
  }
  EXPECT_EQ(names.take_names().size(), plain.size());
  EXPECT_EQ(names.size(), 0u);
}

}  // namespace
}  // namespace netflowgen::series

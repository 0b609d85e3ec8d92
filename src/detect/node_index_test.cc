#include "detect/node_index.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace netflowgen::detect {
namespace {

using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

SampledFlow flow_to(const char* dst) {
  SampledFlow f;
  f.dst = *base::IpAddr::parse(dst);
  f.exporter = *base::IpAddr::parse("198.51.100.1");
  f.in_if = 7;
  f.dst_as = 64500;
  return f;
}

// It finds what NodeMatch matches, node by node.
TEST(NodeIndex, EqualsNodeMatch) {
  const std::vector<std::string> nodes = {"192.0.2.7", "192.0.2.0/24",   "2001:db8::/32",  "2001:db8::7",
                                          "0.0.0.0/0", "198.51.100.1#7", "198.51.100.1#8", "AS64500",
                                          "AS64501",   "router/eth0"};
  NodeIndex index;
  for (size_t i = 0; i < nodes.size(); ++i) index.add(nodes[i], i);
  for (const char* dst :
       {"192.0.2.7", "192.0.2.8", "203.0.113.1", "2001:db8::7", "2001:db8::8", "2001:db9::1"}) {
    const auto flow = flow_to(dst);
    std::vector<uint64_t> keys;
    index.find(flow, keys);
    std::vector<uint64_t> expected;
    for (size_t i = 0; i < nodes.size(); ++i) {
      if (NodeMatch(nodes[i])(flow)) expected.push_back(i);
    }
    EXPECT_THAT(keys, ::testing::UnorderedElementsAreArray(expected)) << dst;
  }
  EXPECT_THAT(index.inside(*base::Prefix::parse("192.0.0.0/16")), UnorderedElementsAre(0, 1));
  for (const auto& node : nodes) index.remove(node);
  std::vector<uint64_t> keys;
  index.find(flow_to("192.0.2.7"), keys);
  EXPECT_THAT(keys, IsEmpty());
}

// Few addresses are looked up one by one, many nodes are looked through: the same either way.
TEST(NodeIndex, InsideIsWhatThePrefixContains) {
  NodeIndex index;
  std::vector<std::string> nodes = {"10.1.2.0/28", "10.1.2.16/28", "10.1.0.0/16", "2001:db8::7",
                                    "2001:db8:0:1::/64"};
  for (int i = 0; i < 3000; ++i)
    nodes.push_back("10." + std::to_string(i % 5) + "." + std::to_string(i % 7) + "." +
                    std::to_string(i / 35));
  for (size_t i = 0; i < nodes.size(); ++i) index.add(nodes[i], i);
  for (const char* text : {"10.1.2.0/24", "10.1.2.0/25", "10.1.0.0/16", "10.0.0.0/8", "0.0.0.0/0", "10.1.2.3",
                           "2001:db8::/32", "2001:db8::/112", "::/0", "192.0.2.0/24"}) {
    const auto prefix = *base::Prefix::parse(text);
    std::vector<uint64_t> expected;
    for (size_t i = 0; i < nodes.size(); ++i) {
      const auto node = *base::Prefix::parse(nodes[i]);
      if (node.length >= prefix.length && prefix.contains(node.address)) expected.push_back(i);
    }
    EXPECT_THAT(index.inside(prefix), ::testing::ElementsAreArray(expected)) << text;
  }
}

}  // namespace
}  // namespace netflowgen::detect

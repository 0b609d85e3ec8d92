#include "series/pushdown/node_sql.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "series/pushdown/aggregate_rows.h"

namespace netflowgen::series {
namespace {

using testing::HasSubstr;
using testing::SizeIs;

constexpr uint32_t kAll = flow::kKnownAddresses | flow::kKnownAs | flow::kKnownInterfaces;
const EndColumns kEnd{"h", "l", "i", "a"};

NodeOptions of(const std::string& hosts, const std::string& prefixes = "") {
  NodeOptions o;
  parse_hosts(hosts, o);
  parse_prefixes(prefixes, o);
  return o;
}

TEST(NodeSql, AllHosts) {
  const auto rules = node_rules(of("all"), kAll);
  ASSERT_THAT(rules, SizeIs(1));
  EXPECT_EQ(rules[0].condition(kEnd), "nfg_ak = 1");
  EXPECT_EQ(rules[0].high(kEnd), "h");
  EXPECT_EQ(rules[0].low(kEnd), "l");
}

TEST(NodeSql, APrefixIsMaskedInBothHalves) {
  const auto rules = node_rules(of("none", "/24,/48"), kAll);
  ASSERT_THAT(rules, SizeIs(2));
  EXPECT_EQ(rules[0].low(kEnd), "bitAnd(l, 18446744073709551360)");  // all but the last 8 bits
  EXPECT_THAT(rules[0].condition(kEnd), HasSubstr(" AND (h = 0"));
  EXPECT_EQ(rules[1].high(kEnd), "bitAnd(h, 18446744073709486080)");  // all but the last 16 bits
  EXPECT_EQ(rules[1].low(kEnd), "toUInt64(0)");
  EXPECT_THAT(rules[1].condition(kEnd), HasSubstr("NOT"));
}

TEST(NodeSql, APrefixAskedForByLengthAndByNameIsOneNode) {
  EXPECT_THAT(node_rules(of("none", "/24,10.0.0.0/24"), kAll), SizeIs(1));
  EXPECT_THAT(node_rules(of("none", "/24,10.0.0.0/25"), kAll), SizeIs(2));
}

TEST(NodeSql, WhatTheTableDoesNotKnowHasNoNodes) {
  NodeOptions o = of("all");
  o.as = o.interfaces = true;
  EXPECT_THAT(node_rules(o, kAll), SizeIs(3));
  EXPECT_THAT(node_rules(o, flow::kKnownAddresses), SizeIs(1));
}

TEST(NodeSql, CountingPointsNeedTheFlows) {
  NodeOptions o = of("all");
  parse_counting_point("192.0.2.1=10.0.0.0/8", o);
  EXPECT_THROW(node_rules(o, kAll), base::UsageError);
}

// Answers that make no sense are errors, and nothing is read beyond their end.
TEST(AggregateRows, CutAndSenselessAnswers) {
  SliceStates states(kAll);
  EXPECT_THROW(states.add_sums("short", NodeKind::kHost), base::Error);
  std::string row(4 + 1 + 8 + 8 + 4 + 4 + 8 * static_cast<size_t>(SumColumn::kCount), '\0');
  row[4] = 7;  // no direction
  EXPECT_THROW(states.add_sums(row, NodeKind::kHost), base::Error);
  row[4] = 1;
  states.add_sums(row, NodeKind::kHost);
  // A set of a node that has no sums: the table has changed between two queries.
  std::string set(4 + 1 + 8 + 8 + 4 + 8 + 5, '\0');
  EXPECT_THROW(states.add_sets(set, NodeKind::kHost, SetKind::kPeers), base::Error);
  // An array that claims more than the answer holds.
  set.resize(4 + 1 + 8 + 8 + 4 + 8);
  set += "\xff\xff\xff\x7f";
  EXPECT_THROW(states.add_sets(set, NodeKind::kHost, SetKind::kPeers), base::Error);
}

}  // namespace
}  // namespace netflowgen::series

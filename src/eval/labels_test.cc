#include "eval/labels.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "eval/testing.h"
#include "flow/text_table.h"

namespace netflowgen::eval {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;

constexpr TimeMs kMinute = 60'000;

FrameTable table() { return tiny_table(0, 1000, {{"10.0.0.1", {}}, {"10.0.0.2", {}}, {"192.0.2.1#7", {}}}); }

TEST(Labels, NodeStartEndTypeWithHeader) {
  const auto set = parse_labels(
      "node,start,end,type\n10.0.0.1,1970-01-01 00:01:00,1970-01-01 00:03:00,syn\n192.0.2.1#7,60,60,udp\n",
      "l", table(), {});
  ASSERT_THAT(set.events, SizeIs(2));
  EXPECT_EQ(set.events[0].node, 0u);
  EXPECT_EQ(set.events[0].start_ms, kMinute);
  EXPECT_EQ(set.events[0].first_step(kMinute), 1);
  EXPECT_EQ(set.events[0].last_step(kMinute), 2);  // the end is exclusive
  EXPECT_EQ(set.events[0].type, "syn");
  EXPECT_EQ(set.events[1].node, 2u);
  EXPECT_EQ(set.events[1].last_step(kMinute), 1);  // end == start: one step
  EXPECT_TRUE(set.ledger.balanced());
  EXPECT_EQ(set.summary(), "");
}

TEST(Labels, NoHeaderAndPrefix) {
  const auto set = parse_labels("10.0.0.0/30,60,120,carpet\n", "l", table(), {});
  ASSERT_THAT(set.events, SizeIs(2));
  EXPECT_EQ(set.events[0].node, 0u);
  EXPECT_EQ(set.events[1].node, 1u);
  EXPECT_EQ(set.events[1].incident, set.events[0].incident);
}

TEST(Labels, DarpaEventsAndFilters) {
  const char* text =
      "attack,victim,start,end,duration_min,flows,peak,before,victim_internal\n"
      "smurf,010.000.000.001,1970-01-01 00:05:00,1970-01-01 00:07:00,3,524,524,1,True\n"
      "pod,010.000.000.002,1970-01-01 00:05:00,1970-01-01 00:05:00,1,19,19,1,True\n"
      "pod,010.000.000.002,1970-01-01 00:06:00,1970-01-01 00:06:00,1,20,19,1,False\n";
  LabelOptions options;
  options.min_flows = 20;
  options.internal_only = true;
  const auto set = parse_labels(text, "l", table(), options);
  ASSERT_THAT(set.events, SizeIs(1));
  EXPECT_EQ(set.events[0].first_step(kMinute), 5);
  EXPECT_EQ(set.events[0].last_step(kMinute), 7);  // the end's minute belongs to it
  EXPECT_EQ(set.ledger.dropped(), 2u);
  EXPECT_THAT(parse_labels(text, "l", table(), {}).events, SizeIs(3));
}

TEST(Labels, BadLabelsAreCountedWithTheirFirstLine) {
  const auto set = parse_labels(
      "node,start,end,type\n"
      "10.9.9.9,60,120,syn\n"
      "10.0.0.1,120,60,syn\n"
      "10.0.0.1,yesterday,60,syn\n"
      "10.0.0.1\n"
      "10.0.0.1,60,300,syn\n"
      "10.0.0.1,240,600,syn\n"  // overlaps
      "10.0.0.1,240,600,udp\n"  // another type: no clash
      "10.0.0.1,300,600,syn\n"  // touches: no clash
      "10.9.9.9,60,180,syn\n"
      "10.0.0.1,600000,600060,syn\n",  // after the archive's last step
      "l", table(), {});
  EXPECT_THAT(set.events, SizeIs(3));
  EXPECT_EQ(set.ledger.in, 10u);
  EXPECT_TRUE(set.ledger.balanced());
  const std::string summary = set.summary();
  EXPECT_THAT(summary, HasSubstr("2 unknown node (first on line 2 of l: 10.9.9.9)"));
  EXPECT_THAT(summary, HasSubstr("1 end before start (first on line 3"));
  EXPECT_THAT(summary, HasSubstr("1 not a time (first on line 4"));
  EXPECT_THAT(summary, HasSubstr("1 too few columns (first on line 5"));
  EXPECT_THAT(summary, HasSubstr("1 overlaps an earlier label (first on line 7"));
  EXPECT_THAT(summary, HasSubstr("1 outside the archive's time (first on line 11"));
}

TEST(Labels, AnotherFileIsRefused) {
  EXPECT_THROW(parse_labels("src,dst,minute\na,b,c\n", "l", table(), {}), base::Error);
  EXPECT_THROW(parse_labels("start,end\n1,2\n", "l", table(), {}), base::Error);
  EXPECT_THROW(parse_labels("", "l", table(), {}), base::Error);
}

TEST(Labels, SweepsAreManyVictimsOfOneTypeAboutTheSameTime) {
  std::vector<Event> events;
  const auto add = [&](size_t node, TimeMs minute, const char* type) {
    events.push_back({node, minute * kMinute, (minute + 1) * kMinute, type, 0, false});
  };
  for (size_t n = 0; n < 5; ++n) add(n, 10 + static_cast<TimeMs>(n) * 9, "pod");  // chained: 10, 19, ... 46
  add(7, 12, "syn");                                                              // another type
  add(8, 57, "pod");                                                              // 11 minutes after the last
  add(0, 60, "pod");
  LabelOptions options;
  group_incidents(events, options);
  int sweeps = 0;
  for (const Event& e : events) sweeps += e.sweep ? 1 : 0;
  EXPECT_EQ(sweeps, 5);
  EXPECT_EQ(events[1].type, "syn");
  EXPECT_NE(events[1].incident, events[0].incident);
  EXPECT_EQ(events[6].incident, events[7].incident);
  EXPECT_NE(events[6].incident, events[5].incident);
}

TEST(Labels, BenignIsKeptApart) {
  const auto set =
      parse_labels("node,start,end,type\n10.0.0.1,60,120,benign\n10.0.0.1,60,120,syn\n", "l", table(), {});
  ASSERT_THAT(set.events, SizeIs(1));
  EXPECT_EQ(set.events[0].type, "syn");
  ASSERT_THAT(set.benign, SizeIs(1));
  EXPECT_EQ(set.benign[0].end_ms, 2 * kMinute);
  EXPECT_EQ(set.ledger.out, 2u);
}

TEST(Labels, BenignInAnyCase) {
  const auto set = parse_labels(
      "node,start,end,type\n10.0.0.1,60,120,BENIGN\n10.0.0.2,60,120,Benign\n192.0.2.1#7,60,120,SYN\n", "l",
      table(), {});
  ASSERT_THAT(set.events, SizeIs(1));
  EXPECT_EQ(set.events[0].type, "SYN");  // an attack's type stays as it is
  EXPECT_THAT(set.benign, SizeIs(2));
}

// One label in every form that text flow files may have.
TEST(Labels, NoAttackInTheWordsOfDataSets) {
  for (const char* word :
       {"Normal", "normal", "-", "0", "false", "False", "BenignTraffic", "LEGITIMATE", " Benign ", "None"}) {
    const std::string rows = std::string("10.0.0.1,60,120,") + word + "\n10.0.0.2,60,120,syn\n";
    const auto set = parse_labels("node,start,end,type\n" + rows, "l", table(), {});
    EXPECT_THAT(set.benign, SizeIs(1)) << word;
    ASSERT_THAT(set.events, SizeIs(1)) << word;
    EXPECT_EQ(set.events[0].type, "syn");
  }
}

// A column that says whether it is an attack, with or without one that says which.
TEST(Labels, AVerdictBesideTheType) {
  const auto both = parse_labels(
      "node,start,end,attack_cat,label\n10.0.0.1,60,120,,0\n10.0.0.1,120,180,DoS,1\n10.0.0.2,60,120,,1\n",
      "l", table(), {});
  EXPECT_THAT(both.benign, SizeIs(1));
  ASSERT_THAT(both.events, SizeIs(2));
  EXPECT_EQ(both.events[0].type, "attack");
  EXPECT_EQ(both.events[1].type, "DoS");
  const auto words = parse_labels("node,start,end,Label\n10.0.0.1,60,120,BENIGN\n10.0.0.2,60,120,DrDoS_DNS\n",
                                  "l", table(), {});
  EXPECT_THAT(words.benign, SizeIs(1));
  ASSERT_THAT(words.events, SizeIs(1));
  EXPECT_EQ(words.events[0].type, "DrDoS_DNS");
}

// UGR'16 and CTU-13: traffic that nobody looked at.
TEST(Labels, BackgroundSaysNothing) {
  const auto set = parse_labels("node,start,end,type\n10.0.0.1,60,120,Background\n", "l", table(), {});
  EXPECT_TRUE(set.events.empty());
  EXPECT_TRUE(set.benign.empty());
  EXPECT_EQ(set.ledger.dropped(), 1u);
  EXPECT_THAT(set.summary(), HasSubstr("neither attack nor benign"));
}

TEST(Labels, ANoteOfSeveralLines) {
  const auto set = parse_labels(
      "note,node,start,end,type\n\"a flood,\nseen by \"\"ops\"\"\n\nand by "
      "us\",10.0.0.1,60,120,syn\nx,10.0.0.2,60,120,udp\n",
      "l", table(), {});
  ASSERT_THAT(set.events, SizeIs(2));
  EXPECT_EQ(set.events[0].type, "syn");
  EXPECT_EQ(set.events[1].type, "udp");
  EXPECT_EQ(set.summary(), "");
}

TEST(Labels, AreReadByTheRulesOfFlowFiles) {
  const char* const kForms[] = {
      "note,node,start,end,type\n\"flood, big\",10.0.0.1,60,120,syn\n",
      "node,start,end,type,note\n10.0.0.1,60,120,syn,\"he said \"\"now\"\", then left\"\n",
      "\xef\xbb\xbfnode,start,end,type\n10.0.0.1,60,120,syn\n",
      "node,start,end,type\r\n10.0.0.1,60,120,syn\r\n",
      "Node;Start;End;Type\n10.0.0.1;60;120;syn\n",
      "node\tstart\tend\ttype\n10.0.0.1\t60\t120\tsyn\n",
      "node|start|end|type\n10.0.0.1|60|120|syn",
      "node, start, end, type\n \"10.0.0.1\" , \"60\" , 120.0 , syn\n",
      "node,start,end,type\n10.0.0.1,1970-01-01T01:01:00+01:00,1969-12-31 22:02:00-0200,syn\n",
      "node,start,end,type\n10.0.0.1,1970/01/01 00:01,1970/1/1 0:02:00,syn\n",
      "node,start,end,type\n10.0.0.1,1970-01-01T00:01:00.000Z,\"1970-01-01 00:02:00,000\",syn\n",
      "node,start,end,type\n10.0.0.1,1970-01-01 00:01:00 UTC,1970-01-01 00:02:00.0 UTC,syn\n",
      "# made by hand\n\nprefix,start,end,type\n10.0.0.1/32,60,120,syn\n",
      "10.0.0.1;1970-01-01 00:01:00;1970-01-01 00:02:00;syn\n",
  };
  for (const char* text : kForms) {
    SCOPED_TRACE(text);
    const auto set = parse_labels(text, "l", table(), {});
    EXPECT_EQ(set.summary(), "");
    ASSERT_THAT(set.events, SizeIs(1));
    EXPECT_EQ(set.events[0].type, "syn");
    EXPECT_EQ(set.events[0].start_ms, kMinute);
    EXPECT_EQ(set.events[0].end_ms, 2 * kMinute);
    EXPECT_EQ(table().nodes[set.events[0].node], "10.0.0.1");
  }
}

TEST(Labels, TimesInMilliseconds) {
  EXPECT_EQ(flow::parse_time_cell("1772359200000"), 1'772'359'200'000);
  EXPECT_EQ(flow::parse_time_cell("1772359200"), 1'772'359'200'000);
}

TEST(Labels, AnUnclosedQuoteCostsItsRowAlone) {
  const auto set =
      parse_labels("node,start,end,type\n10.0.0.1,60,120,\"syn\n10.0.0.1,60,120,syn\n", "l", table(), {});
  EXPECT_THAT(set.events, SizeIs(1));
  EXPECT_THAT(set.summary(), HasSubstr("1 unclosed quote, or a line too long (first on line 2 of l"));
}

TEST(Labels, SeveralFilesAreOneSet) {
  const auto folder = base::fs::temp_directory_path() / ("nfg_labels_" + std::to_string(::getpid()));
  base::fs::create_directories(folder);
  const std::string one = (folder / "one.csv").string();
  const std::string two = (folder / "two.csv").string();
  base::write_file(one, "node,start,end,type\n10.0.0.1,60,120,syn\n");
  base::write_file(two, "10.0.0.2,60,120,syn\n10.0.0.1,60,180,syn\n");  // no header; the second overlaps
  const auto set = load_labels(std::vector<std::string>{one, two}, table(), {});
  EXPECT_THAT(set.events, SizeIs(2));
  EXPECT_THAT(set.summary(), HasSubstr("1 overlaps an earlier label (first on line 2 of " + two));
  base::fs::remove_all(folder);
}

}  // namespace
}  // namespace netflowgen::eval

#include "eval/attacks/protocol.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "base/error.h"
#include "eval/testing.h"

namespace netflowgen::eval {
namespace {

using ::testing::SizeIs;

constexpr TimeMs kMinute = 60'000;
constexpr TimeMs kHour = 60 * kMinute;
constexpr TimeMs kDay = 24 * kHour;

// Four days; three nodes with a row every 10 minutes and one with a single row. Train: days 0 to 2
// (validation day 2), test: day 3. One event an hour on node n in the hours 2, 5, 8, ... of each day, one
// step long.
struct World {
  FrameTable table;
  std::vector<Event> events;
  DdosOptions options;

  World() {
    std::vector<std::pair<int64_t, float>> rows;
    for (int64_t m = 0; m < 4 * 1440; m += 10) rows.emplace_back(m, m % 100 == 0 ? 0.0f : 3.0f);
    table = tiny_table(0, 4 * 1440, {{"a", rows}, {"b", rows}, {"c", rows}, {"quiet", {{30, 1.0f}}}});
    for (int64_t hour = 2; hour < 96; hour += 3) {
      const TimeMs start = hour * kHour + 10 * kMinute;
      events.push_back(
          {static_cast<size_t>(hour % 2), start, start + kMinute, hour % 4 < 2 ? "syn" : "udp", 0, false});
    }
    group_incidents(events, {});
    options.train = {0, 3 * kDay};
    options.validation = {2 * kDay, 3 * kDay};
    options.test = {3 * kDay, 4 * kDay};
    options.min_flows = 10;
  }
};

size_t count(const DdosTask& t, RowLabel label) {
  return static_cast<size_t>(std::count(t.labels.begin(), t.labels.end(), label));
}

TEST(Budget, ParsesAndNames) {
  EXPECT_EQ(Budget::parse("full")->name(), "full");
  EXPECT_EQ(Budget::parse("clean:10%")->name(), "clean 10 %");
  EXPECT_DOUBLE_EQ(Budget::parse("clean:10%")->benign_share, 0.1);
  EXPECT_DOUBLE_EQ(Budget::parse("clean:5:20%")->benign_share, 0.2);
  EXPECT_EQ(Budget::parse("clean:5")->name(), "clean 5 events");
  EXPECT_EQ(Budget::parse("incomplete:25%")->name(), "incomplete 25 %");
  EXPECT_EQ(Budget::parse("incidents:2")->name(), "2 incidents");
  for (const char* bad : {"", "clean", "clean:", "clean:0", "clean:1.5", "clean:200%", "clean:nan%",
                          "incidents:10%", "some:1", "full:1", "incomplete:1:2%", "clean:-1"}) {
    EXPECT_FALSE(Budget::parse(bad).has_value()) << bad;
  }
}

TEST(Protocol, NodesEventsAndScoredRows) {
  World w;
  w.events.push_back({3, kHour, 2 * kHour, "syn", 0, false});
  const auto data = prepare_ddos(w.table, w.events, {}, w.options);
  EXPECT_THAT(data.table.nodes, SizeIs(3));
  EXPECT_EQ(data.nodes_left_out, 1u);
  EXPECT_EQ(data.events_left_out, 1u);
  for (size_t row = 0; row < data.table.rows(); ++row) {
    EXPECT_EQ(data.scored[row], data.table.frame(row)[series::kFlowsIn] > 0);
  }
  EXPECT_EQ(std::count_if(data.event_of_row.begin(), data.event_of_row.end(), [](int e) { return e >= 0; }),
            32);
}

TEST(Protocol, TheTestPeriodIsNotInATask) {
  const World w;
  const auto data = prepare_ddos(w.table, w.events, {}, w.options);
  const auto task = full_task(data, w.options);
  EXPECT_THAT(task.events, SizeIs(24));
  for (size_t row = 0; row < data.table.rows(); ++row) {
    if (data.time_of(row) >= 3 * kDay) {
      EXPECT_EQ(task.labels[row], RowLabel::kUnlabelled);
      EXPECT_EQ(task.event_of_row[row], -1);
    } else {
      EXPECT_EQ(task.labels[row] == RowLabel::kAttack, data.event_of_row[row] >= 0);
    }
  }
}

TEST(Protocol, WhatIsDeniedIsBenign) {
  const World w;
  const auto data = prepare_ddos(w.table, w.events, {}, w.options);
  auto task = full_task(data, w.options);
  const size_t attacks = count(task, RowLabel::kAttack);
  const Event denied = task.events[0];
  Event named = denied;  // deny() takes nodes of the table before any were left out
  for (size_t n = 0; n < w.table.nodes.size(); ++n) {
    if (w.table.nodes[n] == data.table.nodes[denied.node]) named.node = n;
  }
  const size_t rows = deny(task, w.table, {named});
  EXPECT_GT(rows, 0u);
  EXPECT_EQ(count(task, RowLabel::kAttack), attacks - rows);
  EXPECT_EQ(static_cast<size_t>(std::count(task.denied.begin(), task.denied.end(), true)), rows);
  EXPECT_EQ(deny(task, w.table, {named}), 0u);  // once is enough
}

TEST(Protocol, CleanShowsAShareOfBoth) {
  const World w;
  const auto data = prepare_ddos(w.table, w.events, {}, w.options);
  const auto full = full_task(data, w.options);
  const auto clean = with_budget(full, *Budget::parse("clean:25%"), 1);
  EXPECT_THAT(clean.events, SizeIs(6));
  EXPECT_EQ(count(clean, RowLabel::kAttack), 6u);
  // 3 nodes x 72 hours, less 24 with an attack: 192 node-hours of six rows, of which 48 are shown.
  EXPECT_EQ(count(clean, RowLabel::kBenign), 48u * 6);
  for (size_t row = 0; row < clean.labels.size(); ++row) {
    if (clean.labels[row] == RowLabel::kBenign) {
      EXPECT_EQ(data.event_of_row[row], -1);
    }
  }
  EXPECT_NEAR(labelled_share(clean), 0.25, 0.12);
  EXPECT_DOUBLE_EQ(labelled_share(full), 1);
  const auto again = with_budget(full, *Budget::parse("clean:25%"), 1);
  EXPECT_EQ(again.labels, clean.labels);
  EXPECT_NE(with_budget(full, *Budget::parse("clean:25%"), 2).labels, clean.labels);
}

TEST(Protocol, IncompleteTakesUnlabelledAttacksForBenign) {
  const World w;
  const auto data = prepare_ddos(w.table, w.events, {}, w.options);
  const auto full = full_task(data, w.options);
  const auto task = with_budget(full, *Budget::parse("incomplete:4"), 1);
  EXPECT_EQ(count(task, RowLabel::kAttack), 4u);
  EXPECT_EQ(count(task, RowLabel::kBenign), count(full, RowLabel::kBenign) + 20);
  EXPECT_EQ(count(task, RowLabel::kUnlabelled), count(full, RowLabel::kUnlabelled));
}

TEST(Protocol, IncidentsShowAllTheirEvents) {
  World w;
  for (size_t node = 0; node < 3; ++node) {
    w.events.push_back({node, 20 * kMinute, 21 * kMinute, "pod", 0, false});
  }
  group_incidents(w.events, {});
  const auto data = prepare_ddos(w.table, w.events, {}, w.options);
  const auto full = full_task(data, w.options);
  bool carpet = false;
  for (uint64_t seed = 0; seed < 60; ++seed) {
    const auto task = with_budget(full, *Budget::parse("incidents:2"), seed);
    const auto pods =
        std::count_if(task.events.begin(), task.events.end(), [](const Event& e) { return e.type == "pod"; });
    EXPECT_TRUE(pods == 0 || pods == 3);
    EXPECT_EQ(task.events.size(), pods == 3 ? 4u : 2u);
    carpet |= pods == 3;
  }
  EXPECT_TRUE(carpet);
}

TEST(Protocol, HidingNodesAndTypes) {
  const World w;
  const auto data = prepare_ddos(w.table, w.events, {}, w.options);
  const auto full = full_task(data, w.options);
  const auto nodes = without_nodes(full, {true, false, false});
  EXPECT_THAT(nodes.events, SizeIs(12));
  for (size_t row = data.table.offsets[0]; row < data.table.offsets[1]; ++row) {
    EXPECT_EQ(nodes.labels[row], RowLabel::kUnlabelled);
    EXPECT_FALSE(nodes.scored[row]);
  }
  const auto types = without_type(full, "syn");
  EXPECT_EQ(types.events.size() + count(types, RowLabel::kUnlabelled) - count(full, RowLabel::kUnlabelled),
            24u);
  for (const Event& e : types.events) EXPECT_EQ(e.type, "udp");
}

TEST(Protocol, ATaskWithoutAttacksOrWithoutBenignRowsTeachesNothing) {
  const World w;
  const auto data = prepare_ddos(w.table, w.events, {}, w.options);
  const auto full = full_task(data, w.options);
  EXPECT_TRUE(teaches(full));
  EXPECT_FALSE(teaches(without_nodes(full, {true, true, false})));  // "c" was never attacked
  EXPECT_FALSE(teaches(without_type(without_type(full, "syn"), "udp")));
  auto attacks = full;
  for (auto& label : attacks.labels)
    if (label == RowLabel::kBenign) label = RowLabel::kUnlabelled;
  EXPECT_FALSE(teaches(attacks));
  auto idle = full;  // the attacks are there, but in no row that counts
  for (size_t row = 0; row < idle.labels.size(); ++row)
    if (idle.labels[row] == RowLabel::kAttack) idle.scored[row] = false;
  EXPECT_FALSE(teaches(idle));
}

TEST(Protocol, ExcludedRowsAreThoseOfNoEvent) {
  const World w;
  const Event scan{0, 2 * kHour, 3 * kHour, "scan", 0, false};  // its 10th minute is an event of node 0
  const auto data = prepare_ddos(w.table, w.events, {scan}, w.options);
  EXPECT_EQ(std::count(data.excluded.begin(), data.excluded.end(), true), 5);
}

TEST(Protocol, AContestedRowBelongsToTheShorterEvent) {
  World w;
  w.events = {{0, kHour, 2 * kHour, "flood", 0, false},
              {0, kHour + 20 * kMinute, kHour + 21 * kMinute, "burst", 0, false}};
  const auto data = prepare_ddos(w.table, w.events, {}, w.options);
  EXPECT_EQ(std::count(data.event_of_row.begin(), data.event_of_row.end(), 0), 5);
  EXPECT_EQ(std::count(data.event_of_row.begin(), data.event_of_row.end(), 1), 1);
}

TEST(Protocol, WrongPeriodsAreRefused) {
  World w;
  w.options.test = {10 * kDay, 11 * kDay};
  EXPECT_THROW(prepare_ddos(w.table, w.events, {}, w.options), base::UsageError);
  w = World();
  w.options.validation = {3 * kDay, 4 * kDay};
  EXPECT_THROW(prepare_ddos(w.table, w.events, {}, w.options), base::UsageError);
  w = World();
  w.options.test = {2 * kDay, 4 * kDay};
  EXPECT_THROW(prepare_ddos(w.table, w.events, {}, w.options), base::UsageError);
  w = World();
  w.options.scored_feature = "nonsense";
  EXPECT_THROW(prepare_ddos(w.table, w.events, {}, w.options), base::UsageError);
}

}  // namespace
}  // namespace netflowgen::eval

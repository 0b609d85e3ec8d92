#include "serve/row_writer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>

#include "base/error.h"
#include "series/features.h"
#include "serve/clickhouse/row_encoder.h"
#include "serve/db/disk_queue.h"
#include "serve/outputs/testing.h"
#include "serve/outputs/testing_target.h"

namespace netflowgen::serve {
namespace {

constexpr int64_t kStep_ms = 60'000;
constexpr int64_t kStep = 1'767'225'600 / 60;  // 2026-01-01
constexpr int64_t kStepsPerDay = 1440;

std::vector<float> frame() {
  std::vector<float> f(series::kFeatureCount, base::kNaN);
  f[series::kBytesIn] = 1.5f;
  f[series::kTopPortIn] = 443;
  return f;
}

RowOptions options_for(const HttpTarget& target, const base::fs::path& queue) {
  RowOptions o;
  o.url = "clickhouse" + target.url().substr(4) + "/db";
  o.queue = queue;
  return o;
}

bool is_insert(const Request& r, const char* table = "") {
  const auto it = r.query.find("query");
  return it != r.query.end() && it->second.starts_with("INSERT") &&
         it->second.find(table) != std::string::npos;
}

size_t inserts(const HttpTarget& target, const char* table = "") {
  const auto all = target.requests();
  return static_cast<size_t>(
      std::count_if(all.begin(), all.end(), [&](const Request& r) { return is_insert(r, table); }));
}

void add_steps(RowWriter& writer, int64_t first, int count) {
  for (int i = 0; i < count; ++i) {
    writer.frame("10.0.0.1", first + i, frame());
    writer.close();
  }
}

class Lines {
 public:
  RowWriter::Log log() {
    return [this](const std::string& line) {
      const std::lock_guard lock(mutex_);
      text_ += line + "\n";
    };
  }
  std::string text() const {
    const std::lock_guard lock(mutex_);
    return text_;
  }

 private:
  mutable std::mutex mutex_;
  std::string text_;
};

TEST(RowEncoder, WritesWhatTheColumnsSayAndMissingAsNull) {
  RowOptions o;
  o.source = "a";
  RowEncoder encoder(o, kStep_ms);
  encoder.set_written(7);
  encoder.frame(kStep, "10.0.0.1", frame());
  const auto batches = encoder.take();
  ASSERT_EQ(batches.size(), 1u);
  std::string wanted;
  const auto put = [&](auto v) { wanted.append(reinterpret_cast<const char*>(&v), sizeof v); };
  put(uint32_t{1'767'225'600});
  put(uint32_t{60});
  wanted +=
      "\x08"
      "10.0.0.1"
      "\x01"
      "a";
  put(uint64_t{7});
  for (size_t f = 0; f < series::kFeatureCount; ++f) {
    const bool known = f == series::kBytesIn || f == series::kTopPortIn;
    wanted += known ? '\0' : '\1';
    if (f == series::kBytesIn) put(1.5f);
    if (f == series::kTopPortIn) put(int32_t{443});
  }
  EXPECT_EQ(batches[0].body, wanted);
  EXPECT_EQ(batches[0].rows, 1u);
  EXPECT_EQ(columns_of(RowTable::kFrames).size(), 5u + series::kFeatureCount);
}

TEST(RowEncoder, KeepsTablesAndDaysApart) {
  RowEncoder encoder({}, kStep_ms);
  encoder.frame(kStep, "a", frame());
  encoder.frame(kStep + kStepsPerDay, "a", frame());
  encoder.frame(kStep + 1, "a", frame());
  encoder.score(kStep, "a", "ddos", 0.5f, base::kNaN, 1);
  encoder.score(kStep, "a", "anomaly", base::kNaN, base::kNaN, 1);  // no score, no row
  encoder.alert(alert());
  const auto batches = encoder.take();
  ASSERT_EQ(batches.size(), 4u);
  EXPECT_EQ(batches[0].rows, 2u);
  EXPECT_EQ(batches[1].day, batches[0].day + 1);
  EXPECT_EQ(batches[2].table, RowTable::kScores);
  EXPECT_EQ(batches[2].rows, 1u);
  EXPECT_EQ(batches[3].table, RowTable::kAlerts);
  EXPECT_TRUE(encoder.take().empty());
}

TEST(DiskQueue, GivesTheOldestLaneOfAKind) {
  DiskQueue queue("", 1 << 20);
  const std::vector<QueuedRecord> records = {{0, 4, 1, {1}}, {0, 3, 1, {2}}, {0, 7, 1, {3}}, {0, 4, 1, {4}}};
  ASSERT_TRUE(queue.add(records));
  const auto lane = queue.read_lane(1, 3, 100);  // 4 and 7 are 1 modulo 3
  ASSERT_EQ(lane.size(), 2u);
  EXPECT_EQ(lane[0].value[0], 1);
  EXPECT_EQ(lane[1].value[0], 4);
  EXPECT_EQ(queue.read_lane(1, 3, 1).size(), 1u);
  EXPECT_TRUE(queue.read_lane(2, 3, 100).empty());
}

TEST(RowWriter, MakesTheTableAndInsertsADayAtATime) {
  Folder folder;
  const HttpTarget target;
  RowWriter writer(options_for(target, folder / "q.db"), kStep_ms, [](const std::string&) {});
  add_steps(writer, kStep, 3);
  add_steps(writer, kStep + kStepsPerDay, 2);
  EXPECT_TRUE(writer.finish(30'000));
  const auto counts = writer.counts();
  EXPECT_EQ(counts.rows.out, 5u);
  EXPECT_TRUE(counts.rows.balanced());
  const auto all = target.requests();
  EXPECT_NE(all.at(0).body.find("system.columns"), std::string::npos);
  EXPECT_NE(all.at(2).body.find("CREATE TABLE IF NOT EXISTS `db`.`frames`"), std::string::npos);
  EXPECT_GE(inserts(target, "frames"), 2u);
}

TEST(RowWriter, TriesAgainAndLosesNothing) {
  Folder folder;
  const HttpTarget target(2, 500);
  Lines lines;
  RowWriter writer(options_for(target, folder / "q.db"), kStep_ms, lines.log());
  add_steps(writer, kStep, 4);
  writer.add(alert());
  EXPECT_TRUE(writer.finish(60'000));
  const auto counts = writer.counts();
  EXPECT_EQ(counts.rows.out, 5u);
  EXPECT_EQ(counts.rows.held, 0u);
  EXPECT_GT(counts.failures, 0u);
  EXPECT_TRUE(counts.rows.balanced());
  EXPECT_NE(lines.text().find("the server answered 500"), std::string::npos);
  EXPECT_NE(lines.text().find("taken again"), std::string::npos);
}

TEST(RowWriter, GoesOnAfterARestart) {
  Folder folder;
  auto options = options_for(HttpTarget(), folder / "q.db");  // a server that is gone
  {
    RowWriter writer(options, kStep_ms, [](const std::string&) {});
    add_steps(writer, kStep, 4);
    EXPECT_FALSE(writer.finish(100));
    EXPECT_EQ(writer.counts().rows.held, 4u);
    EXPECT_TRUE(writer.counts().rows.balanced());
  }
  const HttpTarget target;
  RowWriter writer(options_for(target, folder / "q.db"), kStep_ms, [](const std::string&) {});
  EXPECT_TRUE(writer.finish(30'000));
  EXPECT_EQ(writer.counts().rows.in, 4u);
  EXPECT_EQ(writer.counts().rows.out, 4u);
}

TEST(RowWriter, DropsAndCountsWhatDoesNotFit) {
  Folder folder;
  auto options = options_for(HttpTarget(), folder / "q.db");
  options.queue_bytes = 1 << 20;
  Lines lines;
  RowWriter writer(options, kStep_ms, lines.log());
  const std::string name(200, 'n');
  for (int step = 0; step < 12; ++step) {
    for (int i = 0; i < 1000; ++i) writer.frame(name + std::to_string(i), kStep + step, frame());
    writer.close();
    writer.settle();
  }
  const auto counts = writer.counts();
  EXPECT_EQ(counts.rows.in, 12'000u);
  EXPECT_GT(counts.rows.held, 0u);
  ASSERT_EQ(counts.rows.drops.size(), 1u);
  EXPECT_EQ(counts.rows.drops[0].first, "queue_full");
  EXPECT_TRUE(counts.rows.balanced());
  EXPECT_LE(counts.queue_bytes, options.queue_bytes);
  EXPECT_NE(lines.text().find("dropped and counted"), std::string::npos);
}

TEST(RowWriter, ATableThatIsRefusedDoesNotStopTheOthers) {
  Folder folder;
  const HttpTarget target(0, 0, [](const Request& r) {
    Response answer;
    if (is_insert(r, "frames")) answer.status = 500;
    return answer;
  });
  RowWriter writer(options_for(target, folder / "q.db"), kStep_ms, [](const std::string&) {});
  add_steps(writer, kStep, 1);
  writer.add(alert());
  for (int i = 0; i < 3000 && writer.counts().rows.out < 1; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  EXPECT_EQ(writer.counts().rows.out, 1u);
  EXPECT_EQ(writer.counts().rows.held, 1u);
}

TEST(RowWriter, DropsPartitionsThatAreTooOld) {
  Folder folder;
  const HttpTarget target(0, 0, [](const Request& r) {
    Response answer;
    if (r.body.find("system.parts") != std::string::npos) answer.body = "20250101\n20250102\n";
    return answer;
  });
  auto options = options_for(target, folder / "q.db");
  options.keep_ms = 90 * base::kDayMs;
  RowWriter writer(options, kStep_ms, [](const std::string&) {});
  add_steps(writer, kStep, 1);
  EXPECT_TRUE(writer.finish(30'000));
  for (const auto& r : target.wait_for(7)) {
    if (r.body.find("system.parts") != std::string::npos) {
      EXPECT_NE(r.body.find("partition < '20251003'"), std::string::npos) << r.body;  // 90 days before
    }
  }
  const auto all = target.requests();
  EXPECT_EQ(std::count_if(
                all.begin(), all.end(),
                [](const Request& r) { return r.body.find("DROP PARTITION 2025010") != std::string::npos; }),
            2);
}

TEST(RowWriter, ACommandEndsWhereTheServerRefuses) {
  const HttpTarget target(1000, 403);
  auto options = options_for(target, "");
  options.wait = true;
  RowWriter writer(options, kStep_ms, [](const std::string&) {});
  add_steps(writer, kStep, 1);
  EXPECT_THROW(writer.finish(60'000), base::Error);
}

TEST(RowWriter, RefusesOptionsOfReading) {
  RowOptions o;
  o.url = "clickhouse://h/db?table=flows";
  EXPECT_THROW(check_rows(o, kStep_ms), base::UsageError);
  o.url = "http://h/db";
  EXPECT_THROW(check_rows(o, kStep_ms), base::UsageError);
  o.url = "clickhouse://h/db";
  EXPECT_THROW(check_rows(o, 500), base::UsageError);
  check_rows(o, kStep_ms);
  o.keep_ms = 1000;
  EXPECT_THROW(check_rows(o, kStep_ms), base::UsageError);
  EXPECT_NE(create_statements(o).find("CREATE TABLE IF NOT EXISTS `db`.`alerts`"), std::string::npos);
}

}  // namespace
}  // namespace netflowgen::serve

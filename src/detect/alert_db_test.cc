#include "detect/alert_db.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sqlite3.h>
#include <unistd.h>

#include "base/error.h"
#include "detect/alert_record.h"

namespace netflowgen::detect {
namespace {

class AlertDbTest : public ::testing::Test {
 protected:
  AlertDbTest()
      : path_(base::fs::temp_directory_path() / ("nfg_alerts_" + std::to_string(::getpid()) + ".db")) {
    clean();
  }
  ~AlertDbTest() override { clean(); }
  void clean() const {
    for (const char* end : {"", "-wal", "-shm"}) base::fs::remove(path_.string() + end);
  }
  static Alert alert(const std::string& id) {
    Alert a;
    a.id = id;
    a.node = "192.0.2.1";
    a.task = "ddos";
    a.guess = {"syn_flood", 0.8, false};
    a.start_ms = 60'000;
    a.raised_ms = a.event_ms = 120'000;
    return a;
  }

  base::fs::path path_;
};

TEST_F(AlertDbTest, TheLatestRecordOfAnAlertStays) {
  AlertDb db(path_);
  Alert a = alert("0123456789abcdef");
  db.add(a);
  a.event = AlertEvent::kEnded;
  a.end_ms = a.event_ms = 300'000;
  db.add(a);
  db.add(a);  // again: no change
  db.flush();
  const auto key = db.find("0123");
  ASSERT_TRUE(key.has_value());
  EXPECT_EQ(key->id, a.id);
  EXPECT_EQ(key->end_ms, 300'000);
  EXPECT_EQ(key->type, "syn_flood");
  db.feedback(key->id, false, 1);
  EXPECT_FALSE(db.find("ffff").has_value());
}

TEST_F(AlertDbTest, SurvivesAndTellsIdsApart) {
  {
    AlertDb db(path_);
    db.add(alert("0123456789abcdef"));
    db.add(alert("0124456789abcdef"));
  }
  EXPECT_TRUE(AlertDb::is_one(path_));
  AlertDb db(path_, AlertDb::Mode::kExisting);
  EXPECT_TRUE(db.find("0123").has_value());
  EXPECT_THROW(db.find("012"), base::Error);
}

TEST_F(AlertDbTest, OtherFilesAreRefused) {
  EXPECT_THROW(AlertDb(path_, AlertDb::Mode::kExisting), base::Error);
  base::write_file(path_, "this is a text file and no database of anything at all, long enough to be read\n");
  EXPECT_FALSE(AlertDb::is_one(path_));
  EXPECT_THROW(AlertDb{path_}, base::Error);
}

class AlertDbBounds : public AlertDbTest {
 protected:
  // Alerts "00", "01", ... raised a minute apart, each ended half a minute later; the last one is open.
  static void fill(AlertDb& db, int n) {
    for (int i = 0; i < n; ++i) {
      Alert a = alert(fmt::format("{:02}", i));
      a.raised_ms = a.event_ms = i * 60'000;
      db.add(a);
      if (i + 1 == n) continue;
      a.event = AlertEvent::kEnded;
      a.end_ms = a.event_ms = a.raised_ms + 30'000;
      db.add(a);
    }
  }
  std::string ids() const {
    std::string text;
    for (const auto& a : read_alerts(path_.string()).alerts) text += a.id + " ";
    return text;
  }
  int64_t history() const {
    sqlite3* handle = nullptr;
    EXPECT_EQ(sqlite3_open(path_.c_str(), &handle), SQLITE_OK);
    sqlite3_stmt* s = nullptr;
    EXPECT_EQ(sqlite3_prepare_v2(handle, "SELECT count(*) FROM history", -1, &s, nullptr), SQLITE_OK);
    EXPECT_EQ(sqlite3_step(s), SQLITE_ROW);
    const int64_t n = sqlite3_column_int64(s, 0);
    sqlite3_finalize(s);
    sqlite3_close(handle);
    return n;
  }
};

TEST_F(AlertDbBounds, WhatEndedLongAgoGoesWithItsHistory) {
  AlertDb db(path_);
  fill(db, 6);
  EXPECT_EQ(db.remove_oldest(150'000, 0), 2u);  // ended at 30 and 90 s; the third ends at 150 s
  EXPECT_EQ(ids(), "02 03 04 05 ");
  EXPECT_EQ(history(), 7);
  EXPECT_EQ(db.remove_oldest(150'000, 0), 0u);
}

TEST_F(AlertDbBounds, BeyondTheNumberTheOldestGoButOpenAndJudgedOnesStay) {
  AlertDb db(path_);
  fill(db, 6);
  db.feedback("00", true, 1);
  EXPECT_EQ(db.remove_oldest(INT64_MIN, 3), 3u);
  EXPECT_EQ(ids(), "00 04 05 ");
  EXPECT_EQ(db.remove_oldest(1'000'000, 1), 1u);
  EXPECT_EQ(ids(), "00 05 ");
}

TEST_F(AlertDbBounds, IncidentsThatEndedGoToo) {
  AlertDb db(path_);
  Incident incident;
  incident.prefix = *base::Prefix::parse("192.0.2.0/24");
  for (const char* id : {"aa", "bb"}) {
    incident.id = id;
    incident.end_ms = id[0] == 'a' ? 1'000 : 0;
    db.add(incident);
  }
  EXPECT_EQ(db.remove_oldest(2'000, 0), 1u);
  EXPECT_EQ(read_alerts(path_.string()).incidents.at(0).id, "bb");
}

// A file as format 1 made it is brought to today's; its records stay as they are.
TEST_F(AlertDbTest, Format1IsBroughtForward) {
  constexpr const char* kOld =
      "CREATE TABLE alerts(id TEXT PRIMARY KEY, node TEXT NOT NULL, task TEXT NOT NULL, type TEXT NOT NULL, "
      "probability REAL, severity TEXT NOT NULL, start_ms INTEGER NOT NULL, raised_ms INTEGER NOT NULL, "
      "end_ms INTEGER, "
      "score REAL, held_back TEXT, policy TEXT, event TEXT NOT NULL, event_ms INTEGER NOT NULL, record TEXT "
      "NOT NULL);"
      "INSERT INTO alerts VALUES('aa', '192.0.2.1', 'ddos', 'syn_flood', .9, 'low', 0, 60000, NULL, 7, "
      "'muted', NULL, "
      "'raised', 60000, '{\"id\":\"aa\",\"event\":\"raised\",\"time\":\"1970-01-01T00:01:00Z\","
      "\"node\":\"192.0.2.1\",\"task\":\"ddos\",\"type\":\"syn_flood\",\"severity\":\"low\","
      "\"start\":\"1970-01-01T00:00:00Z\",\"raised\":\"1970-01-01T00:01:00Z\",\"end\":null,"
      "\"held_back\":\"muted\"}'); PRAGMA user_version=1;";
  sqlite3* handle = nullptr;
  ASSERT_EQ(sqlite3_open(path_.c_str(), &handle), SQLITE_OK);
  ASSERT_EQ(sqlite3_exec(handle, kOld, nullptr, nullptr, nullptr), SQLITE_OK);
  sqlite3_close(handle);
  EXPECT_EQ(read_alerts(path_.string()).alerts.at(0).suppressed, Suppression::kMuted);  // without changing it
  AlertDb db(path_);
  db.add(alert("bb"));
  Incident incident;
  incident.id = "cc";
  incident.prefix = *base::Prefix::parse("192.0.2.0/24");
  db.add(incident);
  db.add(incident);
  db.flush();
  const auto list = read_alerts(path_.string());
  EXPECT_EQ(list.alerts.size(), 2u);
  EXPECT_EQ(list.incidents.size(), 1u);
  EXPECT_EQ(db.find("aa")->node, "192.0.2.1");
}

}  // namespace
}  // namespace netflowgen::detect

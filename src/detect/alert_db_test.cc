#include "detect/alert_db.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include "base/error.h"

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

}  // namespace
}  // namespace netflowgen::detect

// What training runs, how its progress is read, and which labels it gets.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/temporary_folder.h"
#include "detect/alert_db.h"
#include "serve/training/model_choice.h"
#include "serve/training/training_plan.h"
#include "serve/training/verdicts.h"

namespace netflowgen::serve {
namespace {

using testing::ElementsAre;

TEST(TrainingPlan, IsTheProgramsOwnCommands) {
  const TrainingPaths p{
      "/usr/bin/netflowgen", "/data/store", "/models/a", {"/data/labels.csv"}, "/data/models/b"};
  const auto calibrate = training_plan(TrainingKind::kCalibrate, p);
  ASSERT_EQ(calibrate.size(), 1u);
  EXPECT_THAT(calibrate[0], ElementsAre("/usr/bin/netflowgen", "calibrate", "/data/store", "--model",
                                        "/models/a", "-o", "/data/models/b", "--labels", "/data/labels.csv"));
  EXPECT_EQ(training_plan(TrainingKind::kFinetune, p)[0][1], "finetune");
  const auto pretrain = training_plan(TrainingKind::kPretrain, p);
  ASSERT_EQ(pretrain.size(), 2u);
  EXPECT_THAT(pretrain[0],
              ElementsAre("/usr/bin/netflowgen", "pretrain", "/data/store", "-o", "/data/models/b"));
  EXPECT_EQ(pretrain[1][4], "/data/models/b");  // calibrates what it has made
}

TEST(TrainingPlan, ProgressIsReadAndOtherLinesAreNot) {
  const auto p = parse_progress("pretrain:  40% 800/2000 steps, 3.1/s, ETA 6m27s, loss 1.9");
  ASSERT_TRUE(p.has_value());
  EXPECT_EQ(p->step, "pretrain");
  EXPECT_EQ(p->done, 800u);
  EXPECT_EQ(p->total, 2000u);
  EXPECT_EQ(p->note, "800/2000 steps, 3.1/s, ETA 6m27s, loss 1.9");
  for (const char* line : {"", "netflowgen: no such store", "pretrain: 800 steps, 3/s", ": 4% 1/2",
                           "x: 4% y/2", "a: 99999999999999999999% 1/2"}) {
    EXPECT_FALSE(parse_progress(line)) << line;
  }
}

TEST(Verdicts, AreLabelsOfWhatWasJudged) {
  const base::TemporaryFolder folder("netflowgen-test-");
  const auto labels = folder.path() / "labels.csv";
  const auto file = folder.path() / "alerts.db";
  EXPECT_EQ(write_verdicts(file, labels), 0u);
  detect::AlertDb db(file);
  for (const char* id : {"aa", "bb", "cc"}) {
    detect::Alert a;
    a.id = id;
    a.node = id[0] == 'b' ? "a \"b\",\nc" : "192.0.2.1";
    a.guess.type = "syn_flood";
    a.start_ms = 60'000;
    a.raised_ms = 120'000;
    a.end_ms = a.event_ms = 180'000;
    db.add(a);
  }
  db.flush();
  EXPECT_EQ(write_verdicts(file, labels), 0u);
  EXPECT_FALSE(base::fs::exists(labels));
  db.feedback("aa", false, 1);
  db.feedback("aa", true, 2);  // the last one counts
  db.feedback("bb", false, 3);
  EXPECT_EQ(write_verdicts(file, labels), 2u);
  EXPECT_EQ(base::read_file(labels),
            "node,start,end,type\n"
            "\"192.0.2.1\",1970-01-01T00:01:00Z,1970-01-01T00:03:00Z,\"syn_flood\"\n"
            "\"a \"\"b\"\", c\",1970-01-01T00:01:00Z,1970-01-01T00:03:00Z,\"benign\"\n");
}

TEST(ModelChoice, KeepsAFewModelsAndThoseInUse) {
  const base::TemporaryFolder folder("netflowgen-test-");
  const auto& data = folder.path();
  const auto in_use = models_folder(data) / "calibrate-0";
  base::fs::create_directories(models_folder(data) / "my-own");
  for (int i = 0; i < 9; ++i) {
    const auto path = models_folder(data) / ("calibrate-" + std::to_string(i));
    base::fs::create_directories(path);
    base::fs::last_write_time(path, base::fs::file_time_type() + std::chrono::hours(i));
  }
  const auto fresh = new_model_folder(data, TrainingKind::kFinetune, 1'700'000'000'000, {in_use});
  EXPECT_EQ(fresh, models_folder(data) / "finetune-20231114T221320Z");
  EXPECT_FALSE(base::fs::exists(fresh));
  std::vector<std::string> left;
  for (const auto& entry : base::fs::directory_iterator(models_folder(data)))
    left.push_back(entry.path().filename().string());
  EXPECT_THAT(left, testing::UnorderedElementsAre("my-own", "calibrate-0", "calibrate-4", "calibrate-5",
                                                  "calibrate-6", "calibrate-7", "calibrate-8"));
}

TEST(ModelChoice, ABrokenFileLeavesTheConfiguredModel) {
  const base::TemporaryFolder folder("netflowgen-test-");
  const auto& data = folder.path();
  base::fs::create_directories(models_folder(data));
  EXPECT_EQ(model_in_force(data, "/m"), "/m");
  for (const char* text :
       {"", "{", "[]", "{\"model\": 1}", "{\"model\": \"/none\", \"instead_of\": \"/m\"}"}) {
    restore_choice(data, text);
    EXPECT_EQ(model_in_force(data, "/m"), "/m") << text;
  }
  restore_choice(data, std::nullopt);
  EXPECT_FALSE(chosen_text(data));
}

}  // namespace
}  // namespace netflowgen::serve

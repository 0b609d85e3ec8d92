// Training from the API: a script stands for the program's commands. What it makes is taken over without a restart, or refused.
#include <gtest/gtest.h>

#include <fstream>

#include "base/temporary_folder.h"
#include "running.h"
#include "serve/model_in_force.h"

namespace netflowgen::serve {
namespace {

using namespace std::chrono_literals;

class TrainingTest : public testing::Test {
 protected:
  TrainingTest() {
    base::write_file(model_.path() / detect::kCalibrationFile, calibration().to_json());
    service_.emplace(data_, model_.path(), 1000, [this](ServiceOptions& o) {
      o.training = {true, folder_.path() / "program", model_.path()};
      o.load = [o, this] {
        ServiceOptions fresh = o;
        fresh.load = {};
        fresh.detect.model = model_in_force(data_, model_.path());
        return fresh;
      };
    });
  }

  // What the command does; $out is its folder.
  void program(const std::string& body) {
    const auto path = folder_.path() / "program";
    std::ofstream(path) << "#!/bin/sh\nfor out; do :; done\n" << body << "\n";
    base::fs::permissions(path, base::fs::perms::owner_all);
  }
  Json training() { return get(service_->http, "/api/v1/training"); }
  Json start(const std::string& kind) {
    return ask(service_->http, "/api/v1/training", Json{{"kind", kind}}.dump());
  }
  // Until it is neither running nor being taken over.
  Json ended() {
    for (int i = 0; i < 600; ++i) {
      const Json j = training();
      if (j["state"] != "running" && j["state"] != "taking") return j;
      std::this_thread::sleep_for(50ms);
    }
    return training();
  }
  std::string model_path() { return get(service_->http, "/api/v1/model")["path"]; }

  base::TemporaryFolder folder_{"netflowgen-test-"};
  base::fs::path data_ = folder_.path() / "data";
  infer::testing::RandomModel model_{spec(), 3};
  std::optional<Running> service_;
};

TEST_F(TrainingTest, AModelThatFitsIsTakenOverWithoutARestartAndKept) {
  program("echo 'calibrate:  40% 2/5 frames, 1/s'; cp -r " + model_.path().string() + " $out");
  EXPECT_EQ(training()["state"], "idle");
  EXPECT_EQ(start("calibrate")["state"], "running");
  const Json j = ended();
  ASSERT_EQ(j["state"], "taken") << j.dump();
  EXPECT_EQ(j["done"], 2);
  EXPECT_EQ(j["total"], 5);
  const std::string path = j["model"];
  EXPECT_EQ(model_path(), path);
  EXPECT_EQ(model_in_force(data_, model_.path()), path);     // also after a restart
  EXPECT_EQ(model_in_force(data_, "/another"), "/another");  // until the configuration names another
}

TEST_F(TrainingTest, AModelThatDoesNotFitIsRefusedAndTheOldOneStays) {
  auto other = spec();
  other.input.step_ms = 5000;
  const infer::testing::RandomModel misfit(other, 4);
  base::write_file(misfit.path() / detect::kCalibrationFile, calibration().to_json());
  program("cp -r " + misfit.path().string() + " $out");
  start("finetune");
  const Json j = ended();
  ASSERT_EQ(j["state"], "refused") << j.dump();
  EXPECT_NE(j["message"].get<std::string>().find("steps of 5000 ms"), std::string::npos) << j["message"];
  EXPECT_EQ(model_path(), model_.path());
  EXPECT_EQ(model_in_force(data_, model_.path()), model_.path());
}

TEST_F(TrainingTest, AFailureNamesWhatTheCommandSaid) {
  program("echo 'netflowgen: the store holds no frames' >&2; exit 1");
  start("calibrate");
  const Json j = ended();
  EXPECT_EQ(j["state"], "failed");
  EXPECT_NE(j["message"].get<std::string>().find("the store holds no frames"), std::string::npos);
}

TEST_F(TrainingTest, OneAtATimeAtTheLowestPriorityAndItCanBeStopped) {
  program("nice; exec sleep 60");
  start("pretrain");
  EXPECT_EQ(start("calibrate")["status"], 409);
  for (int i = 0; i < 200 && training()["lines"].empty(); ++i) std::this_thread::sleep_for(20ms);
  EXPECT_EQ(training()["lines"][0], "19");
  EXPECT_EQ(ask(service_->http, "/api/v1/training/stop", "{}")["status"], nullptr);
  EXPECT_EQ(ended()["state"], "stopped");
  EXPECT_EQ(ask(service_->http, "/api/v1/training/stop", "{}")["status"], 409);
}

TEST_F(TrainingTest, WrongBodiesAreRefused) {
  for (const char* body : {"{}", "[]", "{\"kind\": \"walk\"}", "{\"kind\": 1}", "x"}) {
    EXPECT_EQ(ask(service_->http, "/api/v1/training", body)["status"], 400) << body;
  }
}

}  // namespace
}  // namespace netflowgen::serve

// The service with a detector, over loopback: packets in, an alert in the API long before its step closes, the same alert when it
// does. The model has random weights: an alert is due where ICMP comes (detect.json says so), not where it is right.
#include <gtest/gtest.h>

#include "running.h"

namespace netflowgen::serve {
namespace {

using namespace std::chrono_literals;

TEST(Service, AlertsBeforeTheStepCloses) {
  const infer::testing::RandomModel model(spec(), 3);
  base::write_file(model.path() / detect::kCalibrationFile, calibration().to_json());
  const auto data = base::fs::temp_directory_path() / ("nfg_service_" + std::to_string(::getpid()));
  base::fs::remove_all(data);
  constexpr int64_t kLateness_ms = 6000;
  std::string id;
  {
    Running service(data, model.path(), kLateness_ms);
    Exporter exporter(service.udp);
    for (int i = 0; i < 40; ++i) {  // so that the victim is known and has a forecast
      exporter.send("198.51.100.9", "10.0.0.1", 6, 2, 200);
      std::this_thread::sleep_for(250ms);
    }
    ASSERT_EQ(get(service.http, "/api/v1/alerts")["total"], 0) << "ordinary traffic has no score";
    EXPECT_EQ(get(service.http, "/api/v1/model")["loaded"], true);
    exporter.send("203.0.113.5", "10.0.0.1", 1, 4'000'000, 4'000'000'000);
    const auto sent = std::chrono::steady_clock::now();
    Json alerts;
    for (int i = 0; i < 200; ++i) {
      alerts = get(service.http, "/api/v1/alerts");
      if (alerts["total"] != 0) break;
      std::this_thread::sleep_for(20ms);
    }
    ASSERT_EQ(alerts["total"], 1);
    EXPECT_LT(std::chrono::steady_clock::now() - sent, std::chrono::milliseconds(kLateness_ms - 1000));
    const Json early = alerts["alerts"][0];
    id = early["id"];
    EXPECT_EQ(early["node"], "10.0.0.1");
    EXPECT_EQ(early["early"], true);
    Json detail;
    for (int i = 0; i < 1000; ++i) {
      exporter.send("198.51.100.9", "10.0.0.1", 6, 2, 200);
      detail = get(service.http, "/api/v1/alerts/" + id);
      if (detail["history"].size() > 1) break;
      std::this_thread::sleep_for(50ms);
    }
    ASSERT_GE(detail["history"].size(), 2u);
    EXPECT_EQ(detail["history"][0]["event"], "raised");
    EXPECT_EQ(detail["history"][1]["event"], "updated");
    EXPECT_EQ(detail["record"]["flows"]["sources"][0]["name"], "203.0.113.5");
    const Json series = get(service.http, "/api/v1/nodes/10.0.0.1/series?features=bytes_in");
    EXPECT_FALSE(series["surprise"]["by_feature"].empty());
    const auto& bytes = series["features"][0];
    bool forecast = false;
    for (size_t i = 0; i < bytes["middle"].size(); ++i) {
      if (bytes["middle"][i].is_null()) continue;
      forecast = true;
      EXPECT_LE(bytes["low"][i], bytes["middle"][i])
          << "heads of random weights cross, what is shown does not";
      EXPECT_LE(bytes["middle"][i], bytes["high"][i]);
    }
    EXPECT_TRUE(forecast);
    EXPECT_GT(get(service.http, "/api/v1/nodes/10.0.0.1/peers")["sampled"], 0);
    bool network = false;
    const Json overview = get(service.http, "/api/v1/overview");
    for (const auto& x : overview["network"][0]["middle"]) network |= !x.is_null();
    EXPECT_TRUE(network) << "the network's totals have a forecast, too";
    EXPECT_FALSE(overview["surprising"].empty());
  }
  {
    Running again(data, model.path(), kLateness_ms);
    EXPECT_EQ(get(again.http, "/api/v1/alerts/" + id)["summary"]["id"], id) << "alerts outlive a restart";
  }
  base::fs::remove(data / "detector.safetensors");  // the state is lost: nothing would ever end what is open
  Running third(data, model.path(), kLateness_ms);
  for (int i = 0; i < 100 && get(third.http, "/api/v1/alerts?state=open")["total"] != 0; ++i) {
    std::this_thread::sleep_for(50ms);
  }
  EXPECT_EQ(get(third.http, "/api/v1/alerts?state=open")["total"], 0);
  EXPECT_FALSE(get(third.http, "/api/v1/alerts/" + id)["summary"]["end_ms"].is_null());
  third.end();
  base::fs::remove_all(data);
}

}  // namespace
}  // namespace netflowgen::serve

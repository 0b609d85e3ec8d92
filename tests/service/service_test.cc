// The service with a detector, over loopback: packets in, an alert in the API long before its step closes, the same alert when it
// does. The model has random weights: an alert is due where ICMP comes (detect.json says so), not where it is right.
#include "serve/service.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <nlohmann/json.hpp>
#include <thread>

#include "base/file.h"
#include "detect/calibration.h"
#include "infer/testing.h"

namespace netflowgen::serve {
namespace {

using namespace std::chrono_literals;
using Json = nlohmann::json;

model::ModelSpec spec() {
  model::ModelSpec s = model::ModelSpec::preset_of("default", "nano");
  s.window = 16;
  s.input.step_ms = 1000;
  return s;
}

detect::Calibration calibration() {
  detect::TaskCalibration t;
  t.name = "anomaly";
  t.score = "inject";
  t.scored = "icmp_share_in";
  t.timing.end_steps = 2;
  t.thresholds = {{1, -1000, 0, false}, {0.1, -900, 0, false}};
  return {{t}};
}

sockaddr_in loopback(uint16_t port) {
  sockaddr_in a{};
  a.sin_family = AF_INET;
  a.sin_port = htons(port);
  a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return a;
}

// A port that is free now.
uint16_t free_port(int type) {
  const int fd = ::socket(AF_INET, type, 0);
  auto a = loopback(0);
  socklen_t size = sizeof a;
  EXPECT_EQ(::bind(fd, reinterpret_cast<sockaddr*>(&a), size), 0);
  ::getsockname(fd, reinterpret_cast<sockaddr*>(&a), &size);
  ::close(fd);
  return ntohs(a.sin_port);
}

Json get(uint16_t port, const std::string& path) {
  const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
  const auto a = loopback(port);
  std::string text;
  if (::connect(fd, reinterpret_cast<const sockaddr*>(&a), sizeof a) == 0) {
    const std::string request = "GET " + path + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    if (::write(fd, request.data(), request.size()) > 0) {
      char buffer[16'384];
      for (ssize_t n = 0; (n = ::read(fd, buffer, sizeof buffer)) > 0;)
        text.append(buffer, static_cast<size_t>(n));
    }
  }
  ::close(fd);
  const size_t body = text.find("\r\n\r\n");
  return Json::parse(body == std::string::npos ? "null" : text.substr(body + 4), nullptr, false);
}

// NetFlow v5, one record.
class Exporter {
 public:
  explicit Exporter(uint16_t port) : fd_(::socket(AF_INET, SOCK_DGRAM, 0)), to_(loopback(port)) {}
  ~Exporter() { ::close(fd_); }
  Exporter(const Exporter&) = delete;
  Exporter& operator=(const Exporter&) = delete;

  void send(const char* src, const char* dst, uint8_t protocol, uint32_t packets, uint32_t bytes) {
    std::vector<uint8_t> m;
    const auto put = [&](uint64_t x, int n) {
      for (int i = n - 1; i >= 0; --i) m.push_back(static_cast<uint8_t>(x >> (8 * i)));
    };
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    const auto seconds = static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::seconds>(now).count());
    const auto ns = static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(now).count()) %
                    1'000'000'000;
    constexpr uint32_t kUptime = 10'000'000;
    put(5, 2), put(1, 2), put(kUptime, 4), put(seconds, 4), put(ns, 4), put(sequence_++, 4), put(0, 4);
    put(ntohl(::inet_addr(src)), 4), put(ntohl(::inet_addr(dst)), 4), put(0, 4), put(1, 2), put(2, 2);
    put(packets, 4), put(bytes, 4), put(kUptime, 4), put(kUptime, 4);
    put(protocol == 6 ? 40'000 : 0, 2), put(protocol == 6 ? 443 : 0, 2);
    put(0, 1), put(protocol == 6 ? 0x18 : 0, 1), put(protocol, 1), put(0, 1), put(0, 2), put(0, 2),
        put(24, 1), put(24, 1), put(0, 2);
    ::sendto(fd_, m.data(), m.size(), 0, reinterpret_cast<const sockaddr*>(&to_), sizeof to_);
  }

 private:
  int fd_;
  sockaddr_in to_;
  uint32_t sequence_ = 0;
};

class Running {
 public:
  Running(const base::fs::path& data, const base::fs::path& model, int64_t lateness_ms)
      : http(free_port(SOCK_STREAM)), udp(free_port(SOCK_DGRAM)) {
    ServiceOptions o;
    o.data = data;
    o.tokens = data / "tokens";
    o.detect.model = model;
    o.detect.threads = 1;
    o.http.listen = {"127.0.0.1:" + std::to_string(http)};
    o.http.rate = 0;
    o.tick_ms = 200;
    auto& c = o.collector;
    c.live.listen = {*flow::ListenAddress::parse("udp://127.0.0.1:" + std::to_string(udp))};
    c.series.step_ms = 1000;
    c.series.lateness_ms = lateness_ms;
    c.timezone = "UTC";
    c.flush_ms = 1000;
    c.log_ms = 60'000;
    c.store = data / "store";
    c.templates = c.store / "templates.json";
    c.counters = c.store / "counters.json";
    c.open_steps = c.store / "open-steps.safetensors";
    c.quiet = true;
    service_ = std::make_unique<Service>(std::move(o), stop_, reload_);
    thread_ = std::thread([this] { service_->run(); });
  }
  ~Running() { end(); }
  void end() {
    if (!thread_.joinable()) return;
    stop_.request();
    thread_.join();
    service_.reset();
  }

  uint16_t http;
  uint16_t udp;

 private:
  base::StopFlag stop_;
  base::RequestFlag reload_;
  std::unique_ptr<Service> service_;
  std::thread thread_;
};

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
    bool forecast = false;
    for (const auto& x : series["features"][0]["middle"]) forecast |= !x.is_null();
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

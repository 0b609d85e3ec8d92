// A service over loopback, an exporter that sends to it, and questions to its API.
#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <functional>
#include <nlohmann/json.hpp>
#include <thread>

#include "base/file.h"
#include "detect/calibration.h"
#include "infer/testing.h"
#include "serve/service.h"

namespace netflowgen::serve {

using Json = nlohmann::json;

inline model::ModelSpec spec() {
  model::ModelSpec s = model::ModelSpec::preset_of("default", "nano");
  s.window = 16;
  s.input.step_ms = 1000;
  return s;
}

inline detect::Calibration calibration() {
  detect::TaskCalibration t;
  t.name = "anomaly";
  t.score = "inject";
  t.scored = "icmp_share_in";
  t.timing.end_steps = 2;
  t.thresholds = {{1, -1000, 0, false}, {0.1, -900, 0, false}};
  return {{t}};
}

inline sockaddr_in loopback(uint16_t port) {
  sockaddr_in a{};
  a.sin_family = AF_INET;
  a.sin_port = htons(port);
  a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return a;
}

// A port that is free now.
inline uint16_t free_port(int type) {
  const int fd = ::socket(AF_INET, type, 0);
  auto a = loopback(0);
  socklen_t size = sizeof a;
  EXPECT_EQ(::bind(fd, reinterpret_cast<sockaddr*>(&a), size), 0);
  ::getsockname(fd, reinterpret_cast<sockaddr*>(&a), &size);
  ::close(fd);
  return ntohs(a.sin_port);
}

// `body`: a POST of JSON; "": a GET.
inline Json ask(uint16_t port, const std::string& path, const std::string& body) {
  const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
  const auto a = loopback(port);
  std::string text;
  if (::connect(fd, reinterpret_cast<const sockaddr*>(&a), sizeof a) == 0) {
    const std::string head = body.empty() ? "GET" : "POST";
    const std::string length =
        "\r\nContent-Type: application/json\r\nContent-Length: " + std::to_string(body.size());
    const std::string request = head + " " + path + " HTTP/1.1\r\nHost: localhost\r\nConnection: close" +
                                (body.empty() ? "" : length) + "\r\n\r\n" + body;
    if (::write(fd, request.data(), request.size()) > 0) {
      char buffer[16'384];
      for (ssize_t n = 0; (n = ::read(fd, buffer, sizeof buffer)) > 0;)
        text.append(buffer, static_cast<size_t>(n));
    }
  }
  ::close(fd);
  const size_t end = text.find("\r\n\r\n");
  return Json::parse(end == std::string::npos ? "null" : text.substr(end + 4), nullptr, false);
}

inline Json get(uint16_t port, const std::string& path) { return ask(port, path, ""); }

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
  using Change = std::function<void(ServiceOptions&)>;

  Running(const base::fs::path& data, const base::fs::path& model, int64_t lateness_ms,
          const Change& change = {})
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
    if (change) change(o);
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

}  // namespace netflowgen::serve

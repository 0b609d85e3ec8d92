#include "flow/write/json_writer.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "flow/service.h"

namespace netflowgen::flow {
namespace {

TEST(JsonFlow, NamesTimesAndOnlyWhatIsKnown) {
  Flow f;
  f.start_ms = 1'700'000'000'123;
  f.end_ms = 1'700'000'001'000;
  f.src = *IpAddr::parse("2001:db8::1");
  f.dst = *IpAddr::parse("192.0.2.1");
  f.protocol = kTcp;
  f.src_port = 50000;
  f.dst_port = 443;
  f.tcp_flags = kSyn | kAck;
  f.bytes = uint64_t{1} << 40;
  f.known = kKnownAddresses | kKnownDuration | kKnownProtocol | kKnownPorts | kKnownTcpFlags | kKnownBytes;
  std::string text;
  append_json(text, f);
  EXPECT_EQ(
      text,
      "{\"start\":\"2023-11-14T22:13:20.123Z\",\"end\":\"2023-11-14T22:13:21Z\",\"src\":\"2001:db8::1\","
      "\"dst\":\"192.0.2.1\",\"protocol_name\":\"tcp\",\"protocol\":6,\"src_port\":50000,\"dst_port\":443,"
      "\"dst_service\":\"https\",\"tcp_flags\":\"SA\",\"bytes\":1099511627776}");
  f.known = 0;
  text.clear();
  append_json(text, f);
  EXPECT_EQ(text, "{\"start\":\"2023-11-14T22:13:20.123Z\"}");
}

TEST(JsonFlow, EveryGroupIsValidJson) {
  Flow f;
  f.known = ~0u;
  f.exporter = *IpAddr::parse("192.0.2.9");
  f.version = 10;
  f.received_ms = 5;
  f.protocol = kIcmp;
  f.icmp_type_code = 8 * 256 + 3;
  std::string text;
  append_json(text, f);
  const auto j = nlohmann::json::parse(text);
  EXPECT_EQ(j["version"], "ipfix");
  EXPECT_EQ(j["icmp_type"], 8);
  EXPECT_EQ(j["icmp_code"], 3);
  EXPECT_EQ(j["src_mac"], "00:00:00:00:00:00");
  EXPECT_GT(j.size(), 40u);
}

TEST(ServiceNames, ByTransport) {
  EXPECT_EQ(service_name(443, kTcp), "https");
  EXPECT_EQ(service_name(53, kUdp), "domain");
  EXPECT_EQ(service_name(1900, kUdp), "ssdp");
  EXPECT_EQ(service_name(1900, kTcp), "");
  EXPECT_EQ(service_name(53, kIcmp), "");
  EXPECT_EQ(service_name(0, kTcp), "");
  EXPECT_EQ(service_name(65535, kTcp), "");
}

}  // namespace
}  // namespace netflowgen::flow

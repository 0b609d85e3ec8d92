// Values of records to flows.
#include "flow/kafka/payload.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "flow/protobuf/goflow2_test_builder.h"
#include "flow/text/text_test_util.h"

namespace netflowgen::flow {
namespace {

using goflow2::bytes_of;
using goflow2::tcp_flow;
using testing::HasSubstr;

// "2 flows: 3 in, 2 out, malformed 1"
std::string account(Payload& payload, const std::vector<std::string>& values) {
  std::vector<Flow> flows;
  for (const auto& value : values) payload.decode(bytes_of(value), flows);
  const auto view = payload.ledger();
  EXPECT_TRUE(view.balanced());
  EXPECT_EQ(view.in, payload.messages());
  std::string text = fmt::format("{} flows: {} in, {} out", flows.size(), view.in, view.out);
  for (const auto& [reason, count] : view.drops) text += fmt::format(", {} {}", reason, count);
  return text + fmt::format(", {} faults", payload.faults());
}

std::string told(const std::string& value) {
  const auto payload = make_payload("", {}, bytes_of(value));
  return payload == nullptr ? "none" : payload->ledger().stage;
}

constexpr const char* kPmacct =
    R"({"ip_src": "10.0.0.1", "ip_dst": "198.51.100.9", "port_src": 40000, "port_dst": 80, "ip_proto": "tcp", )"
    R"("timestamp_start": "2026-01-01 00:00:00.010000", "packets": 5, "bytes": 300})";

// What `decode -o json` writes.
constexpr const char* kOwn =
    R"({"start":"2026-01-01T00:00:01.921Z","end":"2026-01-01T00:00:01.925Z","src":"10.0.0.1","dst":"198.51.100.9",)"
    R"("protocol_name":"tcp","protocol":6,"src_port":8080,"dst_port":47384,"tcp_flags":"FSPA","packets":5,"bytes":590,)"
    R"("exporter":"192.0.2.1","domain":2056,"version":"netflow5","received":"2026-01-01T00:00:02Z"})";

TEST(KafkaPayload, FormatsAreTold) {
  EXPECT_EQ(told(tcp_flow().with_length()), "protobuf messages");
  EXPECT_EQ(told(tcp_flow().text()), "protobuf messages");
  EXPECT_EQ(told(kPmacct), "json messages");
  EXPECT_EQ(told(kOwn), "json messages");
  EXPECT_EQ(told("{\"a\":1}"), "none");
  EXPECT_EQ(told("hello"), "none");
  EXPECT_EQ(told(""), "none");
}

TEST(KafkaPayload, NamedFormats) {
  EXPECT_NE(make_payload("goflow2", {}, {}), nullptr);
  EXPECT_NE(make_payload("pmacct", {}, {}), nullptr);
  EXPECT_NE(make_payload("goflow2-json", {}, {}), nullptr);
  EXPECT_EQ(make_payload("json", {}, {}), nullptr) << "the first value has to show the dialect";
  try {
    make_payload("avro", {}, {});
    FAIL();
  } catch (const base::UsageError& e) {
    EXPECT_THAT(e.what(), HasSubstr("format=avro: a topic has one of goflow2 (protobuf), json"));
  }
  EXPECT_THROW(make_payload("azure", {}, {}), base::Error);
}

TEST(KafkaPayload, ProtobufWithAndWithoutLength) {
  const auto payload = make_payload("goflow2", {}, {});
  EXPECT_EQ(account(*payload, {tcp_flow().with_length(), tcp_flow().text(),
                               tcp_flow().with_length() + tcp_flow(5).with_length()}),
            "4 flows: 4 in, 4 out, 0 faults");
}

TEST(KafkaPayload, OwnJson) {
  for (const char* format : {"", "json", "flows"}) {
    const auto payload = make_payload(format, {}, bytes_of(kOwn));
    ASSERT_NE(payload, nullptr) << format;
    std::vector<Flow> flows;
    payload->decode(bytes_of(kOwn), flows);
    ASSERT_EQ(flows.size(), 1u) << format;
    EXPECT_EQ(flows[0].bytes, 590u);
    EXPECT_EQ(flows[0].packets, 5u);
    EXPECT_EQ(flows[0].dst.to_string(), "198.51.100.9");
    EXPECT_EQ(flows[0].end_ms - flows[0].start_ms, 4);
  }
}

TEST(KafkaPayload, PoisonCostsItself) {
  const auto payload = make_payload("goflow2", {}, {});
  EXPECT_EQ(account(*payload, {tcp_flow().with_length(), "\xff\xff", "{\"a\":1}",
                               tcp_flow().number(30, 0x806).with_length(), tcp_flow().with_length()}),
            "2 flows: 5 in, 2 out, malformed 2, not_ip 1, 2 faults");
}

TEST(KafkaPayload, Json) {
  const auto payload = make_payload("", {}, bytes_of(kPmacct));
  const std::string one = kPmacct;
  std::string other = one;
  other.replace(other.find("300"), 3, "\"x\"");
  EXPECT_EQ(account(*payload, {one, one + "\n" + one + "\n", "[" + one + "," + one + "]", " \n", "}",
                               "{\"ip_src\":", "x", other, one + " tail"}),
            "6 flows: 10 in, 6 out, bad number 1, not a JSON object 3, 4 faults");
}

}  // namespace
}  // namespace netflowgen::flow

#include "flow/kafka/kafka_url.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "flow/kafka/kafka_position.h"
#include "flow/text/text_test_util.h"

namespace netflowgen::flow {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::Pair;
using Kind = KafkaPlace::Kind;

std::string error_of(const std::string& text) {
  try {
    parse_kafka_url(text);
  } catch (const base::Error& e) {
    return e.what();
  }
  return "";
}

TEST(KafkaUrl, Parts) {
  const KafkaUrl u = parse_kafka_url(
      "kafka://b1:9092,b2/"
      "flow%2Dmessages?format=goflow2&group=g&from=2026-01-01T00:00:00Z&until=offsets:0:5,2:7"
      "&partitions=0,2&timeout=5s&ssl.ca.location=/etc/ca%20file");
  EXPECT_EQ(u.brokers, "b1:9092,b2");
  EXPECT_EQ(u.topic, "flow-messages");
  EXPECT_EQ(u.format, "goflow2");
  EXPECT_EQ(u.group, "g");
  EXPECT_EQ(u.from.kind, Kind::kTime);
  EXPECT_EQ(u.from.time_ms, 1767225600000);
  EXPECT_THAT(u.until.offsets, ElementsAre(Pair(0, 5), Pair(2, 7)));
  EXPECT_THAT(u.partitions, ElementsAre(0, 2));
  EXPECT_EQ(u.timeout_ms, 5000);
  EXPECT_THAT(u.properties, ElementsAre(Pair("ssl.ca.location", "/etc/ca file")));
  EXPECT_FALSE(u.follow);
}

TEST(KafkaUrl, Defaults) {
  EXPECT_EQ(parse_kafka_url("kafka://b/t").from.kind, Kind::kBegin);
  EXPECT_EQ(parse_kafka_url("kafka://b/t?group=g").from.kind, Kind::kGroup);
  EXPECT_EQ(parse_kafka_url("kafka://b/t?group=g&from=end").from.kind, Kind::kEnd);
  EXPECT_EQ(parse_kafka_url("kafka://b/t").until.kind, Kind::kEnd);
  EXPECT_TRUE(parse_kafka_url("kafka://b/t?follow").follow);
}

TEST(KafkaUrl, Errors) {
  EXPECT_THAT(error_of("kafka://b"), HasSubstr("expected kafka://BROKER"));
  EXPECT_THAT(error_of("kafka:///t"), HasSubstr("expected kafka://BROKER"));
  EXPECT_THAT(error_of("kafka://b/t?topic=x"), HasSubstr("no option 'topic'; known: format"));
  EXPECT_THAT(error_of("kafka://b/t?from=yesterday"), HasSubstr("from=yesterday: expected begin"));
  EXPECT_THAT(error_of("kafka://b/t?until=group"), HasSubstr("until=group"));
  EXPECT_THAT(error_of("kafka://b/t?from=group"), HasSubstr("needs group=NAME"));
  EXPECT_THAT(error_of("kafka://b/t?until=offsets:0"), HasSubstr("PARTITION:OFFSET"));
  EXPECT_THAT(error_of("kafka://b/t?partitions=-1"), HasSubstr("partitions=-1"));
  EXPECT_THAT(error_of("kafka://b/t?follow=maybe"), HasSubstr("true or false"));
  EXPECT_THAT(error_of("kafka://b/t?timeout=soon"), HasSubstr("duration"));
  EXPECT_THAT(error_of("kafka://b/t?format=%4"), HasSubstr("hexadecimal"));
  EXPECT_THAT(error_of("kafka://b/t?enable.auto.commit=true"), HasSubstr("not for the user to set"));
  EXPECT_THAT(error_of("kafka://b/t?config=/nowhere"), HasSubstr("/nowhere"));
}

// Secrets come from a file, and are in no message.
TEST(KafkaUrl, Properties) {
  const ScratchFolder folder;
  const std::string good = folder.write("good", "# comment\n\nsasl.username = me\r\nsasl.password=a=b #c\n");
  const KafkaUrl u = parse_kafka_url("kafka://b/t?config=" + good);
  EXPECT_THAT(u.properties, ElementsAre(Pair("sasl.password", "a=b #c"), Pair("sasl.username", "me")));
  EXPECT_EQ(u.name(), "kafka://b/t");
  const std::string bad = folder.write("bad", "sasl.username=me\nsecret\n");
  EXPECT_THAT(error_of("kafka://b/t?config=" + bad), HasSubstr("line 2"));
  EXPECT_THAT(error_of("kafka://b/t?config=" + bad), Not(HasSubstr("secret")));
}

TEST(KafkaUrl, Pinned) {
  const std::string text =
      with_offsets("kafka://b/t?format=json&from=end&until=end", {{0, {1, 5}}, {1, {0, 9}}});
  EXPECT_EQ(text, "kafka://b/t?format=json&from=offsets:0:1,1:0&until=offsets:0:5,1:9");
  EXPECT_TRUE(is_pinned(parse_kafka_url(text)));
  EXPECT_FALSE(is_pinned(parse_kafka_url("kafka://b/t")));
}

TEST(KafkaPosition, TextAndBack) {
  const std::vector<KafkaPosition> all{{0, 1234567890123, 0}, {7, 5, 3}};
  const std::string text = positions_text("kafka://b1,b2/flows", all);
  EXPECT_EQ(text, "flows 0:1234567890123:0 7:5:3");
  EXPECT_EQ(parse_positions("kafka://other/flows", text), all);
  EXPECT_TRUE(parse_positions("kafka://b/flows", "flows").empty());
  EXPECT_THROW(parse_positions("kafka://b/flow", text), base::Error);
  EXPECT_THROW(parse_positions("kafka://b/flows", "flows 0:1"), base::Error);
  EXPECT_THROW(parse_positions("kafka://b/flows", "flows 0:-1:0"), base::Error);
}

}  // namespace
}  // namespace netflowgen::flow

#include "flow/protobuf/wire_fields.h"

#include <gtest/gtest.h>

#include "flow/protobuf/goflow2_test_builder.h"

namespace netflowgen::flow {
namespace {

using goflow2::bytes_of;
using goflow2::Message;
using goflow2::varint;

bool parses(const std::string& text) {
  WireFields fields;
  return fields.parse(bytes_of(text));
}

std::string tag(uint32_t field, uint32_t type) { return varint(uint64_t{field} << 3 | type); }

TEST(WireFields, TheLastValueCounts) {
  WireFields m;
  const std::string text = Message().number(9, 1).number(9, UINT64_MAX).bytes(6, "ab").bytes(6, "c").text();
  ASSERT_TRUE(m.parse(bytes_of(text)));
  EXPECT_EQ(m.number(9), UINT64_MAX);
  EXPECT_EQ(m.bytes(6).size(), 1u);
  EXPECT_EQ(m.number(10), 0u);
  EXPECT_TRUE(m.bytes(7).empty());
  EXPECT_EQ(m.number(6), 0u) << "a field of another wire type is missing";
}

TEST(WireFields, AMessageForgetsTheOneBefore) {
  WireFields m;
  const std::string text = Message().number(9, 1).text();
  ASSERT_TRUE(m.parse(bytes_of(text)));
  ASSERT_TRUE(m.parse({}));
  EXPECT_EQ(m.number(9), 0u);
}

TEST(WireFields, UnknownFieldsArePassed) {
  WireFields m;
  const std::string group = tag(200, 3) + tag(201, 3) + tag(1, 0) + varint(5) + tag(201, 4) + tag(200, 4);
  const std::string text = Message()
                               .number(100'000, 5)
                               .raw(tag(300, 5) + "abcd")
                               .raw(tag(301, 1) + "abcdefgh")
                               .bytes(1001, "country")
                               .raw(group)
                               .number(9, 4)
                               .text();
  ASSERT_TRUE(m.parse(bytes_of(text)));
  EXPECT_EQ(m.number(9), 4u);
  EXPECT_EQ(m.number(1), 0u) << "it is inside a group";
}

TEST(WireFields, RefusesWhatIsNoMessage) {
  EXPECT_FALSE(parses(tag(9, 0))) << "no value";
  EXPECT_FALSE(parses(std::string(11, '\xff'))) << "a varint of eleven octets";
  EXPECT_FALSE(parses(tag(6, 2) + varint(3) + "ab")) << "a length past the end";
  EXPECT_FALSE(parses(tag(6, 2) + varint(UINT64_MAX))) << "a length that wraps around";
  EXPECT_FALSE(parses(tag(0, 0) + varint(1))) << "field 0";
  EXPECT_FALSE(parses(tag(5, 6) + varint(1))) << "wire type 6";
  EXPECT_FALSE(parses(tag(5, 4))) << "the end of a group that was not opened";
  EXPECT_FALSE(parses(tag(5, 3) + tag(6, 4))) << "the end of another group";
  EXPECT_FALSE(parses(tag(5, 1) + "abcdefg")) << "seven octets of eight";
  std::string deep;
  for (int i = 0; i < 1000; ++i) deep += tag(5, 3);
  EXPECT_FALSE(parses(deep)) << "groups nested too deep";
}

TEST(WireFields, FirstOfARepeatedNumber) {
  WireFields m;
  uint64_t value = 0;
  const std::string packed = Message().bytes(81, varint(300) + varint(5)).text();
  ASSERT_TRUE(m.parse(bytes_of(packed)));
  EXPECT_TRUE(m.first(81, value));
  EXPECT_EQ(value, 300u);
  const std::string single = Message().number(81, 7).text();
  ASSERT_TRUE(m.parse(bytes_of(single)));
  EXPECT_TRUE(m.first(81, value));
  EXPECT_EQ(value, 7u);
  ASSERT_TRUE(m.parse({}));
  EXPECT_FALSE(m.first(81, value));
}

}  // namespace
}  // namespace netflowgen::flow

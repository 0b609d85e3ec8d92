// NetFlow v1 and v5 as exporters send them: where ICMP's type and code are, records of v1 that are cut. docs/exporters.md.
#include "flow/decoder/decoder.h"
#include "flow/decoder/wire_test_builder.h"

namespace netflowgen::flow {
namespace {

using namespace wire;

// fprobe: the type is the source port and the code the destination port. Others: type * 256 + code is the destination port.
TEST(Records, IcmpTypeAndCodeInBothPorts) {
  struct Case {
    uint16_t src_port, dst_port;
    int type, code;
  };
  CheckedDecoder t;
  for (const Case& c :
       {Case{8, 0, 8, 0}, Case{0, 0, 0, 0}, Case{3, 3, 3, 3}, Case{11, 0, 11, 0}, Case{3, 1, 3, 1},
        Case{255, 255, 255, 255}, Case{0, 0x0800, 8, 0}, Case{0, 0x0303, 3, 3}, Case{0, 13, 0, 13},
        Case{8, 0x0303, 3, 3}, Case{300, 0x0b00, 11, 0}}) {
    for (const uint8_t protocol : {uint8_t{1}, uint8_t{58}}) {
      const auto flows =
          t.feed(v5::message({}, {{.protocol = protocol, .src_port = c.src_port, .dst_port = c.dst_port}}));
      ASSERT_EQ(flows.size(), 1u);
      EXPECT_EQ(flows[0].icmp_type_code, c.type * 256 + c.code) << c.src_port << " " << c.dst_port;
      EXPECT_TRUE(flows[0].has(kKnownIcmp));
      EXPECT_EQ(flows[0].src_port, 0);
      EXPECT_EQ(flows[0].dst_port, 0);
    }
  }
}

Octets v1_message(uint16_t count, size_t record_size) {
  Octets all = be(1, 2) + be(count, 2) + be(10'000'000, 4) + be(1'700'000'000, 4) + be(0, 4);
  for (uint16_t i = 0; i < count; ++i) {
    const Octets record = ip4("192.0.2.1") + ip4("198.51.100.1") + be(0, 4) + be(1, 2) + be(2, 2) + be(3, 4) +
                          be(400, 4) + be(9'000'000, 4) + be(9'500'000, 4) + be(1000u + i, 2) + be(443, 2) +
                          be(0, 2) + be(6, 1) + be(0, 1) + be(0x1b, 1);
    all += record + Octets(record_size - record.size(), '\0');
  }
  return all;
}

// softflowd's records of v1 have 48 octets in place of 52.
TEST(V1, RecordsOfTwoSizes) {
  for (const size_t record_size : {size_t{52}, size_t{48}}) {
    for (const uint16_t count : {uint16_t{1}, uint16_t{14}, uint16_t{24}}) {
      CheckedDecoder t;
      const auto flows = t.feed(v1_message(count, record_size));
      ASSERT_EQ(flows.size(), count);
      EXPECT_EQ(flows.back().src_port, 1000 + count - 1) << record_size;
      EXPECT_EQ(flows.back().packets, 3u);
      EXPECT_EQ(flows.back().tcp_flags, 0x1b);
      EXPECT_EQ(flows.back().protocol, 6);
      EXPECT_EQ(t.dropped("records", "cut"), 0u);
    }
  }
}

TEST(V1, MessagesOfBothSizesOneAfterAnother) {
  for (const size_t record_size : {size_t{52}, size_t{48}}) {
    const Octets one = v1_message(3, record_size);
    const Octets two = one + v1_message(5, record_size);
    EXPECT_EQ(message_size({reinterpret_cast<const uint8_t*>(two.data()), two.size()}), one.size());
  }
}

}  // namespace
}  // namespace netflowgen::flow

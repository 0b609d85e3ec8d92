// Where exporters put the type and the code of ICMP. The table is in docs/exporters.md, "ICMP".
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
  Twins t;
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

}  // namespace
}  // namespace netflowgen::flow

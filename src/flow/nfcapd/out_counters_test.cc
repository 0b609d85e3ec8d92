// nfdump's counter extension: flows, out packets, out bytes.
#include "flow/nfcapd/test_flows.h"
#include "flow/settle.h"

namespace netflowgen::flow {
namespace {

class NfcapdCounters : public ::testing::TestWithParam<Layout> {};
INSTANTIATE_TEST_SUITE_P(All, NfcapdCounters, ::testing::ValuesIn(layouts()),
                         [](const auto& p) { return p.param.name; });

std::string counts(const Flow& f) {
  return fmt::format("{}:{}>{}:{} {}p {}b x{} tos {} flags {}", f.src.to_string(), f.src_port,
                     f.dst.to_string(), f.dst_port, f.packets, f.bytes, f.flows,
                     f.has(kKnownTos) ? std::to_string(f.tos) : "-",
                     f.has(kKnownTcpFlags) ? std::to_string(f.tcp_flags) : "-");
}

Flow two_way(uint64_t packets, uint64_t bytes, uint8_t version = 10) {
  Flow f = plain(1);
  f.src = ip("192.0.2.1");
  f.dst = ip("198.51.100.9");
  f.src_port = 50000;
  f.dst_port = 443;
  f.packets = packets;
  f.bytes = bytes;
  f.tos = 8;
  f.tcp_flags = 27;
  f.direction = 0;
  f.version = version;
  return f;
}

TEST_P(NfcapdCounters, OutCountersAreTheReply) {
  for (const bool wide : {true, false}) {
    TestWriter writer(GetParam().options);
    Flow f = two_way(3, 1500);
    writer.exporter(1, f);
    writer.flow(f, {.flows = 1, .packets = 8, .bytes = 9000, .wide = wide, .tos = 16});
    writer.flow(f, {.flows = 7, .packets = 8, .bytes = 9000, .wide = wide});
    writer.flow(f, {.flows = 57, .wide = wide});
    writer.flow(f, {.flows = 0, .wide = wide});
    writer.flow(f);
    const auto read = read_all(writer.file());
    const std::string forward = "192.0.2.1:50000>198.51.100.9:443 3p 1500b x";
    const std::string back = "198.51.100.9:443>192.0.2.1:50000 8p 9000b x";
    ASSERT_EQ(read.flows.size(), 7u);
    EXPECT_EQ(counts(read.flows[0]), forward + "1 tos 8 flags 27");
    EXPECT_EQ(counts(read.flows[1]), back + "1 tos 16 flags -");
    EXPECT_EQ(read.flows[1].in_if, f.out_if);
    EXPECT_EQ(read.flows[1].start_ms, f.start_ms);
    EXPECT_EQ(counts(read.flows[2]), forward + "4 tos 8 flags 27") << "the seven of both directions";
    EXPECT_EQ(counts(read.flows[3]), back + "3 tos 0 flags -");
    EXPECT_EQ(counts(read.flows[4]), forward + "57 tos 8 flags 27");
    EXPECT_EQ(counts(read.flows[5]), forward + "1 tos 8 flags 27");
    EXPECT_EQ(counts(read.flows[6]), forward + "1 tos 8 flags 27");
    EXPECT_EQ(read.reader.records().in(), 5u) << "a record of both directions is one record";
    EXPECT_EQ(read.reader.replies(), 2u);
  }
}

TEST(NfcapdOut, RepliesComeInBatchesOfAnySize) {
  TestWriter::Options options;
  options.block_bytes = 500;
  TestWriter writer(options);
  for (uint64_t i = 1; i <= 50; ++i)
    writer.flow(two_way(i, 100 * i), {.packets = i % 3, .bytes = i % 3 * 50});
  const std::string file = writer.file();
  const auto expected = read_all(file, 1000);
  ASSERT_EQ(expected.flows.size(), 50u + 34u);
  for (const size_t batch : {1, 2, 3, 7}) {
    const auto read = read_all(file, batch);
    ASSERT_EQ(read.flows.size(), expected.flows.size()) << batch;
    for (size_t i = 0; i < read.flows.size(); ++i)
      ASSERT_EQ(counts(read.flows[i]), counts(expected.flows[i]));
  }
}

// Only out counters: a biflow whose first direction is empty is its reply; an egress record is the flow itself.
TEST_P(NfcapdCounters, OutCountersAloneAreAReplyOrAnEgressCount) {
  TestWriter writer(GetParam().options);
  const TestWriter::Out out{.packets = 5, .bytes = 640};
  const auto add = [&](Flow f, uint8_t direction, uint16_t exporter) {
    f.direction = direction;
    writer.exporter(exporter, f);
    writer.flow(f, out, exporter);
  };
  add(two_way(0, 0, 10), 0, 1);   // IPFIX biflow
  add(two_way(0, 0, 10), 1, 2);   // IPFIX, egress
  add(two_way(0, 0, 9), 0, 3);    // NetFlow v9 has no reverse elements
  add(two_way(5, 640, 9), 0, 4);  // the same traffic after the device
  add(two_way(4, 512, 9), 1, 5);  // egress: never the sum
  add(two_way(4, 512, 9), 0, 6);  // v9 of both directions
  const auto read = read_all(writer.file());
  const std::string forward = "192.0.2.1:50000>198.51.100.9:443 ";
  const std::string back = "198.51.100.9:443>192.0.2.1:50000 5p 640b x1 tos 0 flags -";
  ASSERT_EQ(read.flows.size(), 7u);
  EXPECT_EQ(counts(read.flows[0]), back);
  for (const size_t i : {1, 2, 3})
    EXPECT_EQ(counts(read.flows[i]), forward + "5p 640b x1 tos 8 flags 27") << i;
  EXPECT_EQ(counts(read.flows[4]), forward + "4p 512b x1 tos 8 flags 27");
  EXPECT_EQ(counts(read.flows[5]), forward + "4p 512b x1 tos 8 flags 27");
  EXPECT_EQ(counts(read.flows[6]), back);
}

TEST(NfcapdOut, TheReplysOwnFlagsAndIcmpType) {
  TestWriter writer;
  writer.flow(two_way(3, 1500), {.packets = 8, .bytes = 9000, .tcp_flags = 18});
  Flow echo = two_way(4, 336);
  echo.protocol = kIcmp;
  echo.src_port = 0;
  echo.dst_port = 8 * 256;
  writer.flow(echo, {.packets = 4, .bytes = 336});
  echo.packets = echo.bytes = 0;  // softflowd: the type is that of the packets there were
  echo.dst_port = 0;
  writer.flow(echo, {.packets = 4, .bytes = 336});
  Flow nsel = two_way(0, 0, 9);  // a firewall's event: initiator and responder
  nsel.event = 2;
  nsel.known |= kKnownEvent | kKnownVrf;
  writer.flow(nsel, {.packets = 8, .bytes = 9000});
  const auto read = read_all(writer.file());
  ASSERT_EQ(read.flows.size(), 6u);
  EXPECT_EQ(read.flows[1].tcp_flags, 18);
  EXPECT_EQ(read.flows[2].icmp_type_code, 8 * 256);
  EXPECT_EQ(read.flows[3].icmp_type_code, 0);
  EXPECT_TRUE(read.flows[3].has(kKnownIcmp)) << "an echo reply";
  EXPECT_FALSE(read.flows[3].has(kKnownPorts));
  EXPECT_EQ(read.flows[4].src, echo.dst);
  EXPECT_EQ(read.flows[4].icmp_type_code, 0);
  EXPECT_TRUE(read.flows[4].has(kKnownIcmp));
  EXPECT_EQ(read.flows[5].src, nsel.dst);
  EXPECT_EQ(read.flows[5].event, 2);
}

// A firewall's connection: updates have what was added, the teardown has it all. The reply alone has traffic at first.
TEST(NfcapdOut, ATeardownIsWhatItsUpdatesHaveNotReported) {
  for (const uint16_t layout : {uint16_t{1}, uint16_t{2}}) {
    TestWriter writer({.layout = layout});
    const auto report = [&](uint16_t event, uint64_t initiator, uint64_t responder, TimeMs ended,
                            uint32_t connection) {
      Flow f = two_way(initiator / 100, initiator, 9);
      f.end_ms = f.start_ms + ended;
      f.event = event;
      f.known |= kKnownEvent;
      writer.flow(f, {.packets = responder / 100, .bytes = responder, .connection = connection});
    };
    report(1, 0, 0, 0, 77);
    report(5, 0, 500, 20'000, 77);
    report(5, 1000, 200, 40'000, 77);
    report(2, 1200, 700, 40'000, 77);
    report(2, 300, 100, 10'000, 78);
    uint64_t bytes[2] = {};
    uint64_t flows[2] = {};
    for (const Flow& f : read_all(writer.file()).flows) {
      if (role_of(f) != FlowRole::kTraffic) continue;
      const size_t d = f.src == two_way(1, 1, 9).src ? 0 : 1;
      bytes[d] += f.bytes;
      flows[d] += f.flows;
    }
    EXPECT_EQ(bytes[0], 1200u + 300u) << "layout " << layout;
    EXPECT_EQ(bytes[1], 700u + 100u) << "layout " << layout;
    EXPECT_EQ(flows[0], 2u) << "layout " << layout;
    EXPECT_EQ(flows[1], 2u) << "layout " << layout;
  }
}

// nfcapd writes the connection's start, no end, and the time of the event.
TEST(NfcapdOut, AnEventEndsAtItsOwnTime) {
  TestWriter writer;
  Flow f = two_way(0, 1000, 9);
  f.end_ms = 0;
  f.received_ms = f.start_ms + 60'000 + TestWriter::kEventDelayMs;
  f.event = 5;
  f.known |= kKnownEvent;
  writer.flow(f, {.packets = 0, .bytes = 500, .connection = 77});
  for (const Flow& read : read_all(writer.file()).flows) {
    EXPECT_EQ(read.start_ms, f.start_ms);
    EXPECT_EQ(read.end_ms, f.start_ms + 60'000);
  }
}

}  // namespace
}  // namespace netflowgen::flow

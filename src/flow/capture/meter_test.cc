// Flows from packets: keys, counters, ends, fragments, cut packets, bounds; and a capture of packets as a source.
#include "flow/capture/meter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "base/file.h"
#include "flow/capture/pcap_test_writer.h"
#include "flow/open.h"
#include "flow/text/text_test_util.h"

namespace netflowgen::flow {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr TimeMs kStart = 1'767'225'600'000;  // 2026-01-01

IpAddr ip(const char* text) { return *IpAddr::parse(text); }

struct Ends {
  const char* src = "10.0.0.1";
  const char* dst = "198.51.100.9";
  uint16_t src_port = 40000;
  uint16_t dst_port = 80;
};

TestUdp between(const Ends& e) { return {ip(e.src), ip(e.dst), e.src_port, e.dst_port}; }

std::string tcp(const Ends& e, uint8_t flags, size_t payload = 0) {
  const std::string header = be(e.src_port, 2) + be(e.dst_port, 2) + be(1, 4) + be(1, 4) + be(0x50, 1) +
                             be(flags, 1) + be(1000, 2) + be(0, 4);
  return between(e).ip(header + std::string(payload, 'x'), 0, false, 1, kTcp);
}
std::string udp(const Ends& e, size_t payload) { return between(e).packet(std::string(payload, 'x')); }
std::string icmp(const Ends& e, int type, int code) {
  return between(e).ip(
      be(static_cast<uint64_t>(type), 1) + be(static_cast<uint64_t>(code), 1) + std::string(62, 'x'), 0,
      false, 1, kIcmp);
}

// A meter and what came out of it, fed with raw IP packets.
class Metered {
 public:
  explicit Metered(MeterOptions options = {}, TunnelKeys keys = TunnelKeys::kOuter) : meter_(options, keys) {}

  Metered& at(TimeMs ms) {
    now_ = kStart + ms;
    return *this;
  }
  Metered& add(std::string_view bytes, uint16_t link = kLinkRaw, size_t captured = SIZE_MAX) {
    Packet p;
    p.time_ms = now_;
    p.link_type = link;
    p.original = static_cast<uint32_t>(bytes.size());
    p.bytes = {reinterpret_cast<const uint8_t*>(bytes.data()), std::min(captured, bytes.size())};
    meter_.add(p, flows_);
    EXPECT_TRUE(meter_.ledger().view("packets").balanced());
    return *this;
  }
  std::vector<std::string> ended() const {
    std::vector<std::string> all;
    for (const Flow& f : flows_) all.push_back(brief(f));
    return all;
  }
  std::vector<std::string> finish() {
    meter_.finish(flows_);
    EXPECT_EQ(meter_.ledger().held(), 0u);
    EXPECT_TRUE(meter_.ledger().view("packets").balanced());
    return ended();
  }
  const Meter& meter() const { return meter_; }
  const std::vector<Flow>& flows() const { return flows_; }

 private:
  Meter meter_;
  TimeMs now_ = kStart;
  std::vector<Flow> flows_;
};

TEST(Meter, OneFlowADirection) {
  const Ends there;
  const Ends back{"198.51.100.9", "10.0.0.1", 80, 40000};
  Metered m;
  m.at(0).add(tcp(there, kSyn)).at(10).add(tcp(back, kSyn | kAck)).at(20).add(tcp(there, kAck));
  m.at(30).add(tcp(there, kPsh | kAck, 100)).at(45).add(tcp(back, kAck, 1000));
  EXPECT_THAT(m.finish(),
              ElementsAre("2026-01-01T00:00:00Z+30 10.0.0.1:40000>198.51.100.9:80 6 SPA 3p 220b",
                          "2026-01-01T00:00:00.010Z+35 198.51.100.9:80>10.0.0.1:40000 6 SA 2p 1080b"));
}

TEST(Meter, IcmpTypeAndCodeArePartOfTheKey) {
  Metered m;
  m.add(icmp({}, 8, 0)).add(icmp({}, 8, 0)).add(icmp({}, 3, 1));
  EXPECT_THAT(m.finish(), ElementsAre("2026-01-01T00:00:00Z+0 10.0.0.1>198.51.100.9 1 - 2p 168b icmp 8.0",
                                      "2026-01-01T00:00:00Z+0 10.0.0.1>198.51.100.9 1 - 1p 84b icmp 3.1"));
}

TEST(Meter, TimeOuts) {
  Metered m;
  m.at(0).add(udp({}, 10)).at(60'000).add(udp({}, 10));  // idle for exactly the limit: continues
  m.at(120'001).add(udp({}, 10));                        // and for longer: a new flow
  EXPECT_THAT(m.ended(),
              ElementsAre("2026-01-01T00:00:00Z+60000 10.0.0.1:40000>198.51.100.9:80 17 - 2p 76b"));
  for (TimeMs t = 130'000; t <= 500'000; t += 10'000) m.at(t).add(udp({}, 10));
  EXPECT_THAT(m.ended(), SizeIs(2));  // by the active time-out, at the first packet past 300 s
  EXPECT_EQ(m.flows()[1].end_ms - m.flows()[1].start_ms, 299'999);
  m.finish();
  uint64_t packets = 0;
  for (const Flow& f : m.flows()) packets += f.packets;
  EXPECT_EQ(packets, 41u);
}

TEST(Meter, FinAndRstEndAFlow) {
  Metered m;
  m.at(0)
      .add(tcp({}, kSyn))
      .at(10)
      .add(tcp({}, kFin | kAck))
      .at(20)
      .add(tcp({}, kAck));  // the last ACK belongs to it
  m.at(5'000).add(udp({"10.0.0.2"}, 1));
  EXPECT_THAT(m.ended(), IsEmpty());
  m.at(5'021).add(udp({"10.0.0.2"}, 1));
  EXPECT_THAT(m.ended(), ElementsAre("2026-01-01T00:00:00Z+20 10.0.0.1:40000>198.51.100.9:80 6 FSA 3p 120b"));
  m.at(6'000).add(tcp({}, kRst)).at(6'010).add(tcp({}, kSyn));  // the port is used again at once
  EXPECT_THAT(m.finish(), SizeIs(4));
  EXPECT_EQ(m.flows()[1].tcp_flags, kRst);
}

TEST(Meter, FragmentsBelongToTheirFirst) {
  const TestUdp u = between({});
  const auto parts = u.fragments(std::string(2000, 'z'), 800, 77);
  ASSERT_THAT(parts, SizeIs(3));
  Metered m;
  for (const auto& part : parts) m.add(part);
  m.add(between({"10.0.0.2"}).fragments(std::string(2000, 'z'), 800, 78)[1]);  // its first one is not there
  EXPECT_THAT(m.finish(), ElementsAre("2026-01-01T00:00:00Z+0 10.0.0.1:40000>198.51.100.9:80 17 - 3p 2068b",
                                      "2026-01-01T00:00:00Z+0 10.0.0.2>198.51.100.9 17 - 1p 820b"));
  EXPECT_EQ(m.flows()[0].fragment, 1);
}

TEST(Meter, Ipv6ExtensionHeadersAndFragments) {
  TestUdp u{ip("2001:db8::1"), ip("2001:db8::2"), 1000, 2000};
  const std::string hop_by_hop =
      be(17, 1) + be(0, 1) + std::string("\x01\x04\0\0\0\0", 6) + u.udp("0123456789");
  Metered m;
  m.add(u.ip(hop_by_hop, 0, false, 1, 0));
  for (const auto& part : u.fragments(std::string(1000, 'f'), 512, 99)) m.add(part);
  EXPECT_THAT(m.finish(),
              ElementsAre("2026-01-01T00:00:00Z+0 2001:db8::1:1000>2001:db8::2:2000 17 - 3p 1170b"));
}

TEST(Meter, BytesAreIpLengthsWhateverWasCaptured) {
  Metered m;
  m.add(tcp({}, kAck, 1000), kLinkRaw, 40);  // cut by the capture length
  m.add(ethernet(be(0x0800, 2) + udp({"10.0.0.2"}, 1) + std::string(17, '\0')), kLinkEthernet);  // padded
  std::string offload = tcp({"10.0.0.3"}, kAck, 3000);
  offload.replace(2, 2, std::string(2, '\0'));  // segmentation offload: no length yet
  m.add(ethernet(be(0x0800, 2) + offload), kLinkEthernet);
  m.finish();
  ASSERT_THAT(m.flows(), SizeIs(3));
  EXPECT_EQ(m.flows()[0].bytes, 1040u);
  EXPECT_EQ(m.flows()[1].bytes, 29u);
  EXPECT_EQ(m.flows()[2].bytes, 3040u);
}

TEST(Meter, LinkLayersAndTags) {
  const std::string packet = udp({}, 1);
  Metered m;
  m.add(ethernet(be(0x8100, 2) + be(12, 2) + be(0x0800, 2) + packet), kLinkEthernet);
  m.add(std::string(14, '\0') + be(0x0800, 2) + packet, kLinkLinuxSll);
  m.add(be(0x0800, 2) + std::string(18, '\0') + packet, kLinkLinuxSll2);
  m.add(std::string("\x02\0\0\0", 4) + packet, kLinkNull);
  m.add(be(0x0021, 2) + packet, kLinkPpp);
  EXPECT_THAT(m.finish(), ElementsAre("2026-01-01T00:00:00Z+0 10.0.0.1:40000>198.51.100.9:80 17 - 5p 145b"));
  EXPECT_EQ(m.flows()[0].vlan_in, 12);
}

TEST(Meter, WhatIsNotIpIsDroppedByReason) {
  Metered m;
  m.add(ethernet(be(0x0806, 2) + std::string(28, '\0')), kLinkEthernet);
  m.add(ethernet(be(0x0800, 2) + std::string("\x45\0\0", 3)), kLinkEthernet);
  m.add(udp({}, 1), 147);
  EXPECT_THAT(m.finish(), IsEmpty());
  EXPECT_EQ(m.meter().ledger().dropped(MeterDrop::kNotIp), 1u);
  EXPECT_EQ(m.meter().ledger().dropped(MeterDrop::kBadHeader), 1u);
  EXPECT_EQ(m.meter().ledger().dropped(MeterDrop::kLinkType), 1u);
}

TEST(Meter, InnerHeadersOfTunnels) {
  const std::string gre = std::string("\0\0\x08\0", 4) + udp({"192.168.0.1", "192.168.0.2", 1, 2}, 2);
  const std::string packet = between({}).ip(gre, 0, false, 1, kGre);
  EXPECT_THAT(Metered().add(packet).finish(),
              ElementsAre("2026-01-01T00:00:00Z+0 10.0.0.1>198.51.100.9 47 - 1p 54b"));
  EXPECT_THAT(Metered({}, TunnelKeys::kInner).add(packet).finish(),
              ElementsAre("2026-01-01T00:00:00Z+0 192.168.0.1:1>192.168.0.2:2 17 - 1p 30b"));
}

TEST(Meter, MemoryIsBoundedAndEvictionsCounted) {
  MeterOptions options;
  options.max_flows = 10;
  Metered m(options);
  for (uint16_t port = 1; port <= 30; ++port) m.at(port).add(udp({"10.0.0.1", "198.51.100.9", port, 80}, 1));
  EXPECT_EQ(m.meter().open(), 10u);
  EXPECT_EQ(m.meter().evicted(), 20u);
  EXPECT_EQ(m.flows()[0].src_port, 1);  // the one idle for longest
  EXPECT_THAT(m.finish(), SizeIs(30));
}

class MeteredCapture : public testing::Test {
 protected:
  static std::string packets() {
    PcapWriter writer;
    for (int i = 0; i < 10; ++i) {
      writer.add(kStart + i * 100, ethernet(be(0x0800, 2) + udp({}, 20)));
      writer.add(kStart + i * 100 + 50,
                 ethernet(be(0x0800, 2) + tcp({"10.0.0.7"}, i == 0 ? kSyn : kAck, 100)));
    }
    return writer.text();
  }
  std::vector<std::string> read(const std::string& bytes, MeterMode mode) {
    InputOptions options;
    options.paths = {folder_.write("packets.pcap", bytes)};
    options.meter.mode = mode;
    source_ = open_flows(options);
    std::vector<std::string> all;
    std::vector<Flow> batch(3);
    while (const size_t n = source_->read(batch)) {
      for (size_t i = 0; i < n; ++i) all.push_back(brief(batch[i]));
    }
    for (const auto& view : source_->ledgers()) EXPECT_TRUE(view.balanced()) << view.stage;
    return all;
  }

  ScratchFolder folder_;
  std::unique_ptr<FlowSource> source_;
};

TEST_F(MeteredCapture, OrdinaryTrafficIsMeteredAndSaidSo) {
  EXPECT_THAT(read(packets(), MeterMode::kAuto),
              ElementsAre("2026-01-01T00:00:00Z+900 10.0.0.1:40000>198.51.100.9:80 17 - 10p 480b",
                          "2026-01-01T00:00:00.050Z+900 10.0.0.7:40000>198.51.100.9:80 6 SA 10p 1400b"));
  ASSERT_THAT(source_->warnings(), SizeIs(1));
  EXPECT_THAT(source_->warnings()[0].text, HasSubstr("no flow export among the first 20 packets"));
  EXPECT_EQ(source_->decoder(), nullptr);
}

TEST_F(MeteredCapture, OffAndOn) {
  EXPECT_THAT(read(packets(), MeterMode::kOff), IsEmpty());
  EXPECT_THAT(read(packets(), MeterMode::kOn), SizeIs(2));
  EXPECT_THAT(source_->warnings(), IsEmpty());
}

// One message of flow export among other packets, and the capture is read for its export.
TEST_F(MeteredCapture, FlowExportIsNotMetered) {
  std::string v5 = be(5, 2) + be(1, 2) + be(1000, 4) + be(1'767'225'600, 4) + be(0, 4) + be(0, 8);
  v5 += be(0x0a000001, 4) + be(0x0a000002, 4) + std::string(8, '\0') + be(3, 4) + be(300, 4) + be(900, 4) +
        be(950, 4) + be(1, 2) + be(2, 2) + be(0, 1) + be(0, 1) + be(17, 1) + std::string(9, '\0');
  PcapWriter writer;
  for (int i = 0; i < 5; ++i) writer.add(kStart + i, ethernet(be(0x0800, 2) + udp({}, 20)));
  TestUdp exporter;
  exporter.dst_port = 30000;
  writer.add(kStart + 10, ethernet(be(0x0800, 2) + exporter.packet(v5)));
  EXPECT_THAT(read(writer.text(), MeterMode::kAuto), SizeIs(1));
  EXPECT_NE(source_->decoder(), nullptr);
  EXPECT_EQ(source_->ledgers()[2].in, 6u);  // every packet was looked at, also those seen by the probe
}

// Two octets that could be a version do not make a message.
TEST_F(MeteredCapture, DnsWithAnIdLikeAVersionIsNoExport) {
  const std::string query = be(10, 2) + be(0x0100, 2) + be(1, 2) + be(0, 6) +
                            "\x03www\x07"
                            "example\x03"
                            "com" +
                            be(0, 1) + be(1, 2) + be(1, 2);
  PcapWriter writer;
  for (const int id : {5, 9, 10, 1, 7}) {
    TestUdp dns;
    dns.dst_port = 53;
    writer.add(kStart,
               ethernet(be(0x0800, 2) + dns.packet(be(static_cast<uint64_t>(id), 2) + query.substr(2))));
  }
  EXPECT_THAT(read(writer.text(), MeterMode::kAuto), SizeIs(1));
  EXPECT_EQ(source_->decoder(), nullptr);
}

// A capture for a collector is read for its export even where nothing in it can be decoded.
TEST_F(MeteredCapture, JunkAtACollectorsPortIsNotMetered) {
  PcapWriter writer;
  writer.add(kStart, ethernet(be(0x0800, 2) + TestUdp{}.packet("")));
  writer.add(kStart, ethernet(be(0x0800, 2) + TestUdp{}.packet("\x0e")));
  EXPECT_THAT(read(writer.text(), MeterMode::kAuto), IsEmpty());
  EXPECT_NE(source_->decoder(), nullptr);
  writer.add(kStart, ethernet(be(0x0800, 2) + udp({}, 20)));  // one other packet, and it is ordinary traffic
  EXPECT_THAT(read(writer.text(), MeterMode::kAuto), SizeIs(2));
}

// A damaged message at another port is known by its export time.
TEST_F(MeteredCapture, ADamagedMessageIsKnownByItsTime) {
  TestUdp exporter;
  exporter.dst_port = 6543;
  const std::string v9 = be(9, 2) + be(4, 2) + be(1000, 4) + be(1'767'225'600, 4) + be(0, 4) + be(104, 4) +
                         be(259, 2) + be(3, 2);
  PcapWriter writer;
  writer.add(kStart, ethernet(be(0x0800, 2) + exporter.packet(v9)));
  writer.add(kStart, ethernet(be(0x0800, 2) + udp({}, 20)));
  EXPECT_THAT(read(writer.text(), MeterMode::kAuto), IsEmpty());
  EXPECT_NE(source_->decoder(), nullptr);
}

}  // namespace
}  // namespace netflowgen::flow

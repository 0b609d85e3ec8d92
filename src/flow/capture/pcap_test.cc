#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "base/random.h"
#include "flow/capture/pcap_reader.h"
#include "flow/capture/pcap_test_writer.h"
#include "flow/capture/udp_extract.h"

namespace netflowgen::flow {
namespace {

using ::testing::ElementsAre;

IpAddr ip(const char* text) { return *IpAddr::parse(text); }

Bytes bytes_of(std::string_view s) { return {reinterpret_cast<const uint8_t*>(s.data()), s.size()}; }
std::string text_of(Bytes b) { return {reinterpret_cast<const char*>(b.data()), b.size()}; }

struct Capture {
  std::vector<std::string> packets;
  std::vector<base::TimeMs> times;
  std::string problem;
  PcapReader reader;
};

Capture read_all(std::string_view file) {
  Capture c;
  MemoryInput input(bytes_of(file));
  c.problem = c.reader.begin(input);
  Packet packet;
  while (c.reader.read(packet)) {
    c.packets.push_back(text_of(packet.bytes));
    c.times.push_back(packet.time_ms);
  }
  EXPECT_TRUE(c.reader.ledger().view("").balanced());
  return c;
}

std::vector<PcapWriter::Options> formats() {
  std::vector<PcapWriter::Options> all;
  for (int i = 0; i < 8; ++i)
    all.push_back({(i & 1) != 0, (i & 2) != 0, (i & 4) != 0, kLinkEthernet, 262144});
  return all;
}

std::string name_of_format(const PcapWriter::Options& o) {
  return std::string(o.ng ? "pcapng" : "pcap") + (o.big_endian ? "_big" : "_little") +
         (o.nano ? "_nano" : "_micro");
}

class Pcap : public ::testing::TestWithParam<PcapWriter::Options> {};
INSTANTIATE_TEST_SUITE_P(All, Pcap, ::testing::ValuesIn(formats()),
                         [](const auto& p) { return name_of_format(p.param); });

TEST_P(Pcap, PacketsAndTimesComeBack) {
  PcapWriter writer(GetParam());
  writer.add(1'700'000'000'123, "hello");
  writer.add(1'700'000'001'999, std::string(1500, 'x'));
  const auto c = read_all(writer.text());
  EXPECT_EQ(c.problem, "");
  EXPECT_THAT(c.packets, ElementsAre("hello", std::string(1500, 'x')));
  EXPECT_THAT(c.times, ElementsAre(1'700'000'000'123, 1'700'000'001'999));
  EXPECT_EQ(PcapReader::first_time(bytes_of(writer.text())), 1'700'000'000'123);
}

TEST_P(Pcap, EveryPrefixGivesThePacketsInIt) {
  PcapWriter writer(GetParam());
  std::vector<size_t> ends;
  for (int i = 0; i < 10; ++i) {
    writer.add(1'700'000'000'000 + i, std::string(static_cast<size_t>(20 + i), static_cast<char>('a' + i)));
    ends.push_back(writer.text().size());
  }
  const std::string file = writer.text();
  for (size_t size = 0; size < file.size(); ++size) {
    const auto c = read_all(file.substr(0, size));
    const auto whole =
        static_cast<size_t>(std::count_if(ends.begin(), ends.end(), [&](size_t e) { return e <= size; }));
    ASSERT_EQ(c.packets.size(), whole) << size;
  }
}

TEST_P(Pcap, FlippedBitsCostTheirPacketAndAtMostTheNext) {
  PcapWriter writer(GetParam());
  for (int i = 0; i < 50; ++i) writer.add(1'700'000'000'000 + i, std::string(64, static_cast<char>('A' + i)));
  const size_t first = writer.text().find("AAAA") - (GetParam().ng ? 28 : 16);
  base::Random random(3);
  for (int i = 0; i < 2000; ++i) {
    std::string file = writer.text();
    const size_t at = first + random.below(file.size() - first);
    file[at] = static_cast<char>(file[at] ^ (1 << random.below(8)));
    ASSERT_GE(read_all(file).packets.size(), 48u) << at;
  }
}

TEST_P(Pcap, CapturesFarApartInTimeCanBeMerged) {
  PcapWriter writer(GetParam());
  const base::TimeMs years = 5LL * 365 * 24 * 3600 * 1000;
  for (const base::TimeMs t : {base::TimeMs{1}, years, 2 * years}) {
    for (int i = 0; i < 3; ++i) writer.add(1'000'000'000'000 + t + i, "packet");
  }
  EXPECT_EQ(read_all(writer.text()).packets.size(), 9u);
}

// The fuzz target's seeds: see Nfcapd.FuzzSeeds.
TEST_P(Pcap, FuzzSeeds) {
  const base::fs::path path =
      base::fs::path(NETFLOWGEN_SOURCE_DIR) / "fuzz/corpus/pcap" / name_of_format(GetParam());
  if (std::getenv("NETFLOWGEN_WRITE_SEEDS") != nullptr) {
    PcapWriter writer(GetParam());
    TestUdp u;
    const std::string v5 = be(5, 2) + be(1, 2) + be(1000, 4) + be(1700000000, 4) + std::string(12, '\0') +
                           std::string(48, '\x01');
    writer.add(1'700'000'000'000, ethernet(u.ether_type() + u.packet(v5)));
    for (const auto& fragment : u.fragments(v5, 40, 9))
      writer.add(1'700'000'000'001, ethernet(u.ether_type() + fragment));
    u.src = ip("2001:db8::1");
    u.dst = ip("2001:db8::2");
    writer.add(1'700'000'000'002, ethernet(be(0x8100, 2) + be(7, 2) + u.ether_type() + u.packet(v5)));
    for (const auto& fragment : u.fragments(v5, 40, 9))
      writer.add(1'700'000'000'003, ethernet(u.ether_type() + fragment));
    base::fs::create_directories(path.parent_path());
    base::write_file(path, writer.text());
  }
  EXPECT_EQ(read_all(base::read_file(path)).packets.size(), 6u);
}

TEST(PcapNg, SimpleAndObsoleteBlocksNewSectionsAndUnknownInterfaces) {
  PcapWriter::Options options;
  options.ng = true;
  PcapWriter writer(options);
  writer.add_simple("simple");
  writer.add_obsolete(1'700'000'000'500, "obsolete");
  writer.block(5, std::string(12, '\0'));  // interface statistics
  options.big_endian = true;
  PcapWriter second(options);
  second.add(1'700'000'000'600, "other order");
  second.block(6, be(9, 4) + std::string(16, '\0'));  // interface 9 was never described
  const auto c = read_all(writer.text() + second.text());
  EXPECT_THAT(c.packets, ElementsAre("simple", "obsolete", "other order"));
  EXPECT_THAT(c.times, ElementsAre(0, 1'700'000'000'500, 1'700'000'000'600));
  EXPECT_EQ(c.reader.ledger().dropped(CaptureDrop::kNoInterface), 1u);
}

TEST(PcapHeaders, WhatCannotBeReadIsExplained) {
  PcapWriter writer;
  EXPECT_THAT(read_all("").problem, ::testing::HasSubstr("empty"));
  EXPECT_THAT(read_all("what is this?").problem, ::testing::HasSubstr("not a pcap"));
  EXPECT_THAT(read_all(writer.text().substr(0, 10)).problem, ::testing::HasSubstr("ends inside its header"));
  std::string bad = writer.text();
  bad[4] = 9;
  EXPECT_THAT(read_all(bad).problem, ::testing::HasSubstr("version 9"));
}

// Datagrams.
struct Extracted {
  std::vector<std::string> payloads;
  std::vector<Datagram> datagrams;
  UdpExtractor extractor;
};

Extracted extract_all(const std::vector<std::string>& packets, uint16_t link_type = kLinkRaw,
                      base::TimeMs step_ms = 1) {
  Extracted e;
  base::TimeMs time = 1000;
  for (const auto& text : packets) {
    Datagram d;
    const Packet packet{time, link_type, static_cast<uint32_t>(text.size()), bytes_of(text)};
    if (e.extractor.extract(packet, d)) {
      e.payloads.push_back(text_of(d.payload));
      e.datagrams.push_back(d);
    }
    EXPECT_TRUE(e.extractor.ledger().view("").balanced());
    time += step_ms;
  }
  return e;
}

TEST(UdpExtract, EveryLinkLayer) {
  for (const bool v6 : {false, true}) {
    TestUdp u;
    if (v6) {
      u.src = ip("2001:db8::1");
      u.dst = ip("2001:db8::2");
    }
    const std::string p = u.packet("payload");
    const std::string type = u.ether_type();
    const std::pair<uint16_t, std::string> cases[] = {
        {kLinkEthernet, ethernet(type + p)},
        {kLinkEthernet, ethernet(be(0x8100, 2) + be(5, 2) + type + p)},
        {kLinkEthernet, ethernet(be(0x88a8, 2) + be(5, 2) + be(0x8100, 2) + be(6, 2) + type + p)},
        {kLinkEthernet, ethernet(be(0x8847, 2) + be(0x12300040, 4) + be(0x45600140, 4) + p)},
        {kLinkEthernet, ethernet(be(0x8864, 2) + be(0x1100, 2) + be(1, 2) + be(p.size() + 2, 2) +
                                 be(v6 ? 0x57 : 0x21, 2) + p)},
        {kLinkLinuxSll, std::string(14, '\0') + type + p},
        {kLinkLinuxSll2, type + std::string(18, '\0') + p},
        {kLinkNull, std::string("\x02\0\0\0", 4) + p},
        {kLinkLoop, be(2, 4) + p},
        {kLinkPpp, "\xff\x03" + be(v6 ? 0x57 : 0x21, 2) + p},
        {kLinkRaw, p},
        {kLinkRawBsd, p},
        {v6 ? kLinkIpv6 : kLinkIpv4, p},
    };
    for (const auto& [link, packet] : cases) {
      const auto e = extract_all({packet}, link);
      ASSERT_THAT(e.payloads, ElementsAre("payload")) << link;
      EXPECT_EQ(e.datagrams[0].source, u.src);
      EXPECT_EQ(e.datagrams[0].source_port, 40000);
      EXPECT_EQ(e.datagrams[0].dst_port, 2055);
      EXPECT_EQ(e.datagrams[0].received_ms, 1000);
      // No prefix reads past its end or gives a datagram with more than it has.
      for (size_t n = 0; n < packet.size(); ++n) {
        const std::string exact = packet.substr(0, n);
        for (const auto& payload : extract_all({exact}, link).payloads) ASSERT_LT(payload.size(), 7u);
      }
    }
  }
}

TEST(UdpExtract, FragmentsOfBothFamiliesInAnyOrder) {
  for (const char* source : {"192.0.2.1", "2001:db8::1"}) {
    TestUdp u;
    u.src = ip(source);
    u.dst = u.src;
    std::string payload;
    for (int i = 0; i < 3000; ++i) payload.push_back(static_cast<char>(i * 7));
    auto a = u.fragments(payload, 1480, 1);
    const auto b = u.fragments("short " + payload, 512, 2);
    a.insert(a.begin() + 1, b.rbegin(), b.rend());
    a.insert(a.begin() + 1, a[0]);  // a duplicate
    const auto e = extract_all(a);
    EXPECT_THAT(e.payloads, ElementsAre("short " + payload, payload));
    EXPECT_EQ(e.extractor.ledger().held(), 0u);
    EXPECT_EQ(e.extractor.held_bytes(), 0u);
    EXPECT_EQ(e.extractor.ledger().dropped(ExtractDrop::kMerged), a.size() - 2);
  }
}

TEST(UdpExtract, FragmentsThatOverlapAreNotMerged) {
  const TestUdp u;
  auto f = u.fragments(std::string(100, 'a'), 40, 1);
  f.insert(f.begin() + 1, u.ip(std::string(16, 'b'), 8, true, 1));
  const auto e = extract_all(f);
  EXPECT_TRUE(e.payloads.empty());
  EXPECT_EQ(e.extractor.ledger().dropped(ExtractDrop::kFragmentOverlap), 2u);
}

TEST(UdpExtract, LostAndFloodingFragmentsAreForgotten) {
  const TestUdp u;
  std::vector<std::string> packets;
  for (unsigned i = 0; i < 5000; ++i)
    packets.push_back(u.ip(std::string(1000, 'x'), 0, true, static_cast<uint16_t>(i)));
  auto e = extract_all(packets, kLinkRaw, 0);
  EXPECT_LE(e.extractor.ledger().held(), UdpExtractor::kMaxFragmented);
  EXPECT_EQ(e.extractor.ledger().dropped(ExtractDrop::kFragmentEvicted), 5000 - UdpExtractor::kMaxFragmented);
  const std::string late = u.packet("late");
  Datagram d;
  EXPECT_TRUE(
      e.extractor.extract({1000 + UdpExtractor::kFragmentLife_ms + 1, kLinkRaw, 0, bytes_of(late)}, d));
  EXPECT_EQ(e.extractor.ledger().held(), 0u);
  EXPECT_EQ(e.extractor.ledger().dropped(ExtractDrop::kFragmentLost), UdpExtractor::kMaxFragmented);
}

TEST(UdpExtract, WhatIsNotUdpIsCountedByReason) {
  const TestUdp u;
  const auto e = extract_all({u.ip("tcp", 0, false, 1, 6), "\x45", "\x15", u.ip("12345"), u.packet("good")});
  EXPECT_THAT(e.payloads, ElementsAre("good"));
  EXPECT_EQ(e.extractor.ledger().dropped(ExtractDrop::kNotUdp), 1u);
  EXPECT_EQ(e.extractor.ledger().dropped(ExtractDrop::kBadHeader), 2u);
  EXPECT_EQ(e.extractor.ledger().dropped(ExtractDrop::kNotIp), 1u);
  EXPECT_EQ(extract_all({u.packet("x")}, 999).extractor.ledger().dropped(ExtractDrop::kLinkType), 1u);
  const auto arp = extract_all({ethernet(be(0x0806, 2) + "arp")}, kLinkEthernet);
  EXPECT_EQ(arp.extractor.ledger().dropped(ExtractDrop::kNotIp), 1u);
}

TEST(UdpExtract, IPv6ExtensionHeadersArePassed) {
  TestUdp u;
  u.src = ip("2001:db8::1");
  u.dst = ip("2001:db8::2");
  std::string p = u.packet("deep");
  const std::string hop = be(60, 1) + be(1, 1) + std::string(14, '\0');         // then destination options
  const std::string destination = be(17, 1) + be(0, 1) + std::string(6, '\0');  // then UDP
  p[6] = 0;
  p.replace(4, 2, be(p.size() - 40 + 24, 2));
  p.insert(40, hop + destination);
  EXPECT_THAT(extract_all({p}).payloads, ElementsAre("deep"));
}

TEST(UdpExtract, ACutCaptureGivesWhatItHas) {
  const TestUdp u;
  const auto e = extract_all({u.packet("0123456789").substr(0, 20 + 8 + 4)});
  EXPECT_THAT(e.payloads, ElementsAre("0123"));
  EXPECT_EQ(e.extractor.cut_by_capture(), 1u);
}

}  // namespace
}  // namespace netflowgen::flow

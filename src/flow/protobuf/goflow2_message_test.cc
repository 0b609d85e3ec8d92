#include "flow/protobuf/goflow2_message.h"

#include <gtest/gtest.h>

#include "flow/protobuf/goflow2_test_builder.h"
#include "flow/text/text_test_util.h"

namespace netflowgen::flow {
namespace {

using goflow2::bytes_of;
using goflow2::kBase;
using goflow2::kSecond;
using goflow2::Message;
using goflow2::tcp_flow;

ProtobufDrop outcome(const std::string& text, Flow& flow) {
  Goflow2Decoder decoder;
  return decoder.decode(bytes_of(text), flow);
}

std::string decoded(const Message& message) {
  Flow flow;
  const ProtobufDrop bad = outcome(message.text(), flow);
  return bad == ProtobufDrop::kNone ? brief(flow) : std::string(name_of(bad));
}

TEST(Goflow2Message, ATcpFlow) {
  Flow f;
  ASSERT_EQ(outcome(tcp_flow().text(), f), ProtobufDrop::kNone);
  EXPECT_EQ(brief(f), "2026-01-01T00:00:00Z+200 10.0.0.1:40000>198.51.100.9:80 6 FSPA 5p 300b");
  EXPECT_EQ(f.known, uint32_t{kKnownBytes | kKnownPackets | kKnownPorts | kKnownProtocol | kKnownTos |
                              kKnownTcpFlags | kKnownDuration | kKnownAddresses});
  EXPECT_EQ(f.exporter.to_string(), "192.0.2.1");
  EXPECT_EQ(f.version, 9);
  EXPECT_EQ(f.sampling, 1u);
  EXPECT_EQ(f.received_ms, f.start_ms + 1000);
}

TEST(Goflow2Message, EveryGroupOfFields) {
  const Message m = tcp_flow()
                        .number(3, 512)
                        .address(12, "192.0.2.254")
                        .number(14, 64500)
                        .number(16, 24)
                        .number(18, 11)
                        .number(19, 12)
                        .number(23, 0xb8)
                        .number(25, 61)
                        .number(27, 0x020000000001)
                        .number(29, 7)
                        .number(39, 3)
                        .number(42, 1)
                        .number(70, 5)
                        .bytes(81, goflow2::varint(0x12345));
  Flow f;
  ASSERT_EQ(outcome(m.text(), f), ProtobufDrop::kNone);
  EXPECT_EQ(f.known, kGoflow2Known & ~uint32_t{kKnownFragment | kKnownIcmp});
  EXPECT_EQ(f.sampling, 512u);
  EXPECT_EQ(f.next_hop.to_string(), "192.0.2.254");
  EXPECT_EQ(f.src_as, 64500u);
  EXPECT_EQ(f.src_mask, 24);
  EXPECT_EQ(f.in_if, 11u);
  EXPECT_EQ(f.out_if, 12u);
  EXPECT_EQ(f.tos, 0xb8);
  EXPECT_EQ(f.ttl, 61);
  EXPECT_EQ(f.src_mac[0], 2);
  EXPECT_EQ(f.src_mac[5], 1);
  EXPECT_EQ(f.vlan_in, 7) << "of the sampled packet, where no switch says";
  EXPECT_EQ(f.vrf_in, 3u);
  EXPECT_EQ(f.direction, 1);
  EXPECT_EQ(f.domain, 5u);
  EXPECT_EQ(f.mpls_label, 0x12345u);
}

TEST(Goflow2Message, OnlySampledPacketsSayWhetherTheyAreFragments) {
  Flow f;
  ASSERT_EQ(outcome(tcp_flow().number(1, 1).number(36, 185).text(), f), ProtobufDrop::kNone);
  EXPECT_TRUE(f.has(kKnownFragment));
  EXPECT_EQ(f.fragment, 1);
  ASSERT_EQ(outcome(tcp_flow().number(1, 1).number(38, 1).text(), f), ProtobufDrop::kNone);
  EXPECT_EQ(f.fragment, 1) << "more fragments";
  ASSERT_EQ(outcome(tcp_flow().number(1, 1).text(), f), ProtobufDrop::kNone);
  EXPECT_TRUE(f.has(kKnownFragment));
  EXPECT_EQ(f.fragment, 0);
  ASSERT_EQ(outcome(tcp_flow().number(36, 185).text(), f), ProtobufDrop::kNone);
  EXPECT_FALSE(f.has(kKnownFragment));
}

// Field 38 is the start in releases 1.x, and flags of IP in 2.x.
TEST(Goflow2Message, TimesOfBothReleases) {
  const auto old = [](Message m) {
    return m.address(6, "10.0.0.1").address(7, "10.0.0.2").number(9, 60).number(10, 1).number(20, 17);
  };
  EXPECT_EQ(
      decoded(old(Message().number(1, 2).number(2, 1767225601).number(38, 1767225600).number(5, 1767225601))),
      "2026-01-01T00:00:00Z+1000 10.0.0.1:0>10.0.0.2:0 17 - 1p 60b");
  EXPECT_EQ(decoded(old(Message()
                            .number(2, 1767225601)
                            .number(38, 1767225600)
                            .number(63, 1767225600250)
                            .number(64, 1767225600500))),
            "2026-01-01T00:00:00.250Z+250 10.0.0.1:0>10.0.0.2:0 17 - 1p 60b");
  EXPECT_EQ(decoded(tcp_flow().number(38, 1767225000)),
            "2026-01-01T00:00:00Z+200 10.0.0.1:40000>198.51.100.9:80 6 FSPA 5p 300b");
  EXPECT_EQ(decoded(old(Message().number(110, kBase + 3 * kSecond))),
            "2026-01-01T00:00:03Z 10.0.0.1:0>10.0.0.2:0 17 - 1p 60b")
      << "the time of receipt, and no duration";
  EXPECT_EQ(decoded(old(Message().address(11, "192.0.2.1"))), "no_time");
}

TEST(Goflow2Message, IcmpIsItsElementsOrThePort) {
  EXPECT_EQ(decoded(tcp_flow().number(20, 1).number(21, 0).number(22, 0).number(31, 3).number(32, 1)),
            "2026-01-01T00:00:00Z+200 10.0.0.1>198.51.100.9 1 - 5p 300b icmp 3.1");
  EXPECT_EQ(decoded(tcp_flow().number(20, 1).number(21, 0).number(22, 2048)),
            "2026-01-01T00:00:00Z+200 10.0.0.1>198.51.100.9 1 - 5p 300b icmp 8.0");
}

TEST(Goflow2Message, AddressesOfBothFamiliesOrNone) {
  EXPECT_EQ(decoded(tcp_flow().address(6, "2001:db8::1").address(7, "2001:db8::2")),
            "2026-01-01T00:00:00Z+200 2001:db8::1:40000>2001:db8::2:80 6 FSPA 5p 300b");
  EXPECT_EQ(decoded(tcp_flow().address(6, "")), "2026-01-01T00:00:00Z+200 -:40000>-:80 6 FSPA 5p 300b")
      << "both or none are known";
  EXPECT_EQ(decoded(tcp_flow().bytes(6, "abcde")), "bad_address");
  EXPECT_EQ(decoded(tcp_flow().bytes(11, "abcde")), "bad_address");
}

TEST(Goflow2Message, WhatIsNoFlow) {
  EXPECT_EQ(decoded(tcp_flow().number(30, 0x806)), "not_ip");
  EXPECT_EQ(decoded(tcp_flow().number(1, 1).address(6, "").address(7, "").number(30, 0)), "not_ip")
      << "a sampled frame without IP";
  EXPECT_EQ(decoded(tcp_flow().address(6, "").number(9, 0).number(10, 0)), "not_ip") << "it counted nothing";
  EXPECT_EQ(decoded(Message().number(9, 300).number(10, 5)), "foreign");
  EXPECT_EQ(decoded(Message().raw("\xff")), "malformed");
  EXPECT_EQ(decoded(tcp_flow().number(22, 65536)), "bad_number");
  EXPECT_EQ(decoded(tcp_flow().number(20, 256)), "bad_number");
  EXPECT_EQ(decoded(tcp_flow().number(3, uint64_t{1} << 32)), "bad_number");
}

}  // namespace
}  // namespace netflowgen::flow

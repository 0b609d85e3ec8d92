#include "detect/filter.h"

#include <gtest/gtest.h>

namespace netflowgen::detect {
namespace {

base::Prefix prefix(const char* text) { return *base::Prefix::parse(text); }

// RFC 8955 section 4.3.1: packets to 192.0.2.0/24 and TCP port 25, here the destination's.
TEST(Filter, NlriByTheRfc) {
  Filter f;
  f.destination = prefix("192.0.2.0/24");
  f.protocol = 6;
  f.dst_port = 25;
  EXPECT_EQ(flowspec_nlri(f), "0b0118c00002038106058119");
  EXPECT_EQ(nftables_line(f),
            "nft 'add rule inet filter forward ip daddr 192.0.2.0/24 tcp dport 25 counter drop'");
}

TEST(Filter, SynFloodOnAHost) {
  Filter f;
  f.destination = prefix("192.0.2.1");
  f.source = prefix("203.0.113.9");
  f.protocol = 6;
  f.dst_port = 443;
  f.syn_only = true;
  // 01 20 c0000201 | 02 20 cb007109 | 03 81 06 | 05 91 01bb | 09 01 02 c3 10
  EXPECT_EQ(flowspec_nlri(f),
            "180120c00002010220cb0071090381060591"
            "01bb090102c310");
  EXPECT_EQ(nftables_line(f),
            "nft 'add rule inet filter forward ip daddr 192.0.2.1 ip saddr 203.0.113.9 tcp dport 443 "
            "tcp flags & (syn | ack) == syn counter drop'");
}

TEST(Filter, Ipv6HasAnOffset) {
  Filter f;
  f.destination = prefix("2001:db8::1");
  f.protocol = 17;
  f.src_port = 53;
  EXPECT_EQ(flowspec_nlri(f),
            "19"
            "018000"
            "20010db8000000000000000000000001"
            "038111"
            "068135");
  EXPECT_EQ(nftables_line(f),
            "nft 'add rule inet filter forward ip6 daddr 2001:db8::1 udp sport 53 counter drop'");
}

TEST(Filter, FragmentsAndOtherProtocols) {
  Filter f;
  f.destination = prefix("192.0.2.1");
  f.protocol = 17;
  f.fragments = true;
  EXPECT_EQ(flowspec_nlri(f), "0e0120c00002010381110c01028104");
  EXPECT_EQ(nftables_line(f),
            "nft 'add rule inet filter forward ip daddr 192.0.2.1 meta l4proto udp ip frag-off & 0x3fff != 0 "
            "counter drop'");
  f.fragments = false;
  f.protocol = 47;
  EXPECT_EQ(nftables_line(f),
            "nft 'add rule inet filter forward ip daddr 192.0.2.1 meta l4proto gre counter drop'");
}

TEST(Filter, CommandsOfBothSpeakers) {
  Filter f;
  f.destination = prefix("192.0.2.1");
  f.source = prefix("203.0.113.9");
  f.protocol = 6;
  f.dst_port = 443;
  f.syn_only = true;
  EXPECT_EQ(gobgp_command(f),
            "gobgp global rib -a ipv4-flowspec add match destination 192.0.2.1/32 source 203.0.113.9/32 "
            "protocol tcp "
            "destination-port '==443' tcp-flags '=S&!=A' then discard");
  EXPECT_EQ(exabgp_line(f),
            "announce flow route { match { destination 192.0.2.1/32; source 203.0.113.9/32; protocol =6; "
            "destination-port =443; tcp-flags =syn&!=ack; } then { discard; } }");
  EXPECT_EQ(match_text(f), "TCP from 203.0.113.9 to 192.0.2.1 port 443, SYN without ACK");
  f.action = FilterAction::kRateLimit;
  f.rate_bytes = 25000.4;
  EXPECT_TRUE(gobgp_command(f).ends_with("then rate-limit 25000"));
  EXPECT_TRUE(exabgp_line(f).ends_with("then { rate-limit 25000; } }"));
  EXPECT_TRUE(nftables_line(f).ends_with("limit rate over 25000 bytes/second counter drop'"));
  f.action = FilterAction::kNone;
  EXPECT_EQ(gobgp_command(f) + exabgp_line(f) + nftables_line(f), "");
}

TEST(Filter, CommandsForIpv6) {
  Filter f;
  f.destination = prefix("2001:db8::1");
  f.protocol = 58;
  f.fragments = true;
  EXPECT_EQ(
      gobgp_command(f),
      "gobgp global rib -a ipv6-flowspec add match destination 2001:db8::1/128 protocol '==58' fragment "
      "'=is-fragment =first-fragment' then discard");
  EXPECT_EQ(
      exabgp_line(f),
      "announce flow route { match { destination 2001:db8::1/128; next-header =58; fragment [ =is-fragment "
      "=first-fragment ]; } then { discard; } }");
  EXPECT_EQ(match_text(f), "ICMPv6 fragments to 2001:db8::1");
}

}  // namespace
}  // namespace netflowgen::detect

// What records hold: both families, biflows, variable length, enterprise elements, options, reduced sizes, structured
// data, address translation, firewall events, labels, ICMP; and every protocol on one port.
#include "flow/decoder/decoder.h"
#include "flow/decoder/message.h"
#include "flow/decoder/wire_test_builder.h"

namespace netflowgen::flow {
namespace {

using namespace wire;

// One IPFIX record of these fields behind two addresses.
Flow ipfix_flow(const Fields& more, const Octets& record, DecodeOptions options = {}) {
  CheckedDecoder t(options);
  Fields fields = {{8, 4}, {12, 4}};
  fields.insert(fields.end(), more.begin(), more.end());
  const auto flows = t.feed(ipfix::message(
      {}, {ipfix::templates(256, fields), set(256, ip4("10.0.0.1") + ip4("10.0.0.2") + record)}));
  EXPECT_EQ(flows.size(), 1u);
  return flows.empty() ? Flow{} : flows[0];
}

TEST(Records, V5EveryField) {
  CheckedDecoder t;
  const auto flows =
      t.feed(v5::message({.domain = 0x0102}, {{.packets = 3'000'000, .bytes = 4'000'000'000}}));
  ASSERT_EQ(flows.size(), 1u);
  const Flow& f = flows[0];
  EXPECT_EQ(f.src.to_string(), "192.0.2.1");
  EXPECT_EQ(f.dst.to_string(), "198.51.100.1");
  EXPECT_EQ(f.next_hop.to_string(), "203.0.113.9");
  EXPECT_EQ(f.exporter.to_string(), "192.0.2.254");
  EXPECT_EQ(f.in_if, 7u);
  EXPECT_EQ(f.out_if, 8u);
  EXPECT_EQ(f.packets, 3'000'000u);
  EXPECT_EQ(f.bytes, 4'000'000'000u);
  EXPECT_EQ(f.src_port, 1234);
  EXPECT_EQ(f.dst_port, 443);
  EXPECT_EQ(f.tcp_flags, 0x12);
  EXPECT_EQ(f.tos, 0x28);
  EXPECT_EQ(f.src_as, 64500u);
  EXPECT_EQ(f.dst_as, 64501u);
  EXPECT_EQ(f.src_mask, 24);
  EXPECT_EQ(f.dst_mask, 16);
  EXPECT_EQ(f.domain, 0x0102u);
  EXPECT_EQ(f.version, 5);
}

TEST(Records, V1AndV7) {
  const auto body = [](const Octets& tail) {
    return ip4("192.0.2.1") + ip4("198.51.100.1") + ip4("0.0.0.0") + be(1, 2) + be(2, 2) + be(5, 4) +
           be(600, 4) + be(9'000'000, 4) + be(9'100'000, 4) + be(53, 2) + be(5353, 2) + tail;
  };
  CheckedDecoder t;
  const auto v1 = t.feed(be(1, 2) + be(1, 2) + be(10'000'000, 4) + be(1'700'000'000, 4) + be(0, 4) +
                         body(be(0, 2) + be(17, 1) + be(4, 1) + be(0, 1) + Octets(11, '\0')));
  ASSERT_EQ(v1.size(), 1u);
  EXPECT_EQ(v1[0].protocol, 17);
  EXPECT_EQ(v1[0].tos, 4);
  EXPECT_EQ(v1[0].bytes, 600u);
  const auto v7 =
      t.feed(be(7, 2) + be(1, 2) + be(10'000'000, 4) + be(1'700'000'000, 4) + be(0, 4) + be(9, 4) + be(0, 4) +
             body(be(0, 1) + be(0x1b, 1) + be(6, 1) + be(8, 1) + be(100, 2) + be(200, 2) + be(8, 1) +
                  be(9, 1) + be(0, 2) + ip4("192.0.2.7")));
  ASSERT_EQ(v7.size(), 1u);
  EXPECT_EQ(v7[0].protocol, 6);
  EXPECT_EQ(v7[0].tcp_flags, 0x1b);
  EXPECT_EQ(v7[0].dst_as, 200u);
  EXPECT_EQ(v7[0].dst_mask, 9);
}

TEST(Records, EveryProtocolOnOnePort) {
  CheckedDecoder t;
  const From sflow_port{.port = 6343};
  EXPECT_EQ(t.feed(v5::message({}, {{}}), sflow_port).at(0).version, 5);
  EXPECT_EQ(
      t.feed(v9::message({}, {v9::templates(256, kSmall4), set(256, small4("10.0.0.1", "10.0.0.2", 1, 1))}),
             sflow_port)
          .at(0)
          .version,
      9);
  EXPECT_EQ(t.feed(ipfix::message(
                       {}, {ipfix::templates(256, kSmall4), set(256, small4("10.0.0.1", "10.0.0.2", 1, 1))}),
                   sflow_port)
                .at(0)
                .version,
            10);
  EXPECT_EQ(t.feed(sflow::message(0, {sflow::flow_sample(1, 5, {})}), sflow_port).at(0).version, 105);
  EXPECT_EQ(protocol_name({}), "");
  EXPECT_TRUE(t.feed(be(8, 2) + be(0, 30)).empty());
  EXPECT_EQ(t.dropped("datagrams", "unsupported_version"), 1u);
  EXPECT_TRUE(t.feed("").empty());
  EXPECT_EQ(t.dropped("datagrams", "empty"), 1u);
}

TEST(Records, Ipv6Throughout) {
  CheckedDecoder t;
  const Fields fields = {{27, 16}, {28, 16}, {62, 16},  {29, 1},  {30, 1},
                         {139, 2}, {4, 1},   {281, 16}, {282, 16}};
  const auto flows = t.feed(
      v9::message(
          {}, {v9::templates(256, fields),
               set(256, ip6("2001:db8::1") + ip6("2001:db8:1::2") + ip6("fe80::1") + be(64, 1) + be(48, 1) +
                            be(128 * 256, 2) + be(58, 1) + ip6("2001:db8:9::1") + ip6("2001:db8:9::2"))}),
      {.address = "2001:db8::fe"});
  ASSERT_EQ(flows.size(), 1u);
  const Flow& f = flows[0];
  EXPECT_EQ(f.src.to_string(), "2001:db8::1");
  EXPECT_EQ(f.dst.to_string(), "2001:db8:1::2");
  EXPECT_EQ(f.next_hop.to_string(), "fe80::1");
  EXPECT_EQ(f.exporter.to_string(), "2001:db8::fe");
  EXPECT_EQ(f.src_mask, 64);
  EXPECT_EQ(f.dst_mask, 48);
  EXPECT_EQ(f.icmp_type_code, 128 * 256);
  EXPECT_EQ(f.nat_src.to_string(), "2001:db8:9::1");
  EXPECT_EQ(f.nat_dst.to_string(), "2001:db8:9::2");
}

// A template with both families: the one that is not zero counts.
TEST(Records, BothFamiliesInOneTemplate) {
  CheckedDecoder t;
  t.feed(v9::message({}, {v9::templates(256, {{8, 4}, {12, 4}, {27, 16}, {28, 16}})}));
  const auto flows = t.feed(
      v9::message({}, {set(256, ip4("0.0.0.0") + ip4("0.0.0.0") + ip6("2001:db8::1") + ip6("2001:db8::2") +
                                    ip4("10.0.0.1") + ip4("10.0.0.2") + ip6("::") + ip6("::"))}));
  ASSERT_EQ(flows.size(), 2u);
  EXPECT_EQ(flows[0].dst.to_string(), "2001:db8::2");
  EXPECT_EQ(flows[1].src.to_string(), "10.0.0.1");
  EXPECT_EQ(flows[1].dst.to_string(), "10.0.0.2");
}

TEST(Records, ReducedSizeCounters) {
  for (uint16_t size = 1; size <= 8; ++size) {
    const Flow f = ipfix_flow({{1, size}, {2, size}}, be(200, size) + be(5, size));
    EXPECT_EQ(f.bytes, 200u) << size;
    EXPECT_EQ(f.packets, 5u) << size;
  }
  EXPECT_EQ(ipfix_flow({{1, 8}}, be(0x0011223344556677, 8)).bytes, 0x0011223344556677u);
  EXPECT_EQ(ipfix_flow({{6, 2}}, be(0x0112, 2)).tcp_flags, 0x12)
      << "the two-octet form's high bits are no flags";
}

TEST(Records, VariableLength) {
  const Octets longer(300, 'x');
  for (const Octets& name : {Octets("eth0"), Octets(), longer, Octets(255, 'y')}) {
    const Flow f = ipfix_flow({{82, kVariable}, {1, 4}, {83, kVariable}, {2, 4}},
                              variable(name) + be(1234, 4) + variable(name) + be(7, 4));
    EXPECT_EQ(f.bytes, 1234u) << name.size();
    EXPECT_EQ(f.packets, 7u) << name.size();
  }
  // A short value in the long form is allowed.
  const Flow f = ipfix_flow({{82, kVariable}, {1, 4}}, be(255, 1) + be(3, 2) + "abc" + be(9, 4));
  EXPECT_EQ(f.bytes, 9u);
}

TEST(Records, VariableLengthThatOverrunsLosesItsRecordOnly) {
  CheckedDecoder t;
  const Fields fields = {{8, 4}, {12, 4}, {1, 4}, {82, kVariable}};
  const Octets good = ip4("10.0.0.1") + ip4("10.0.0.2") + be(5, 4) + variable("eth0");
  const Octets bad = ip4("10.0.0.1") + ip4("10.0.0.2") + be(6, 4) + be(200, 1) + "short";
  const auto flows = t.feed(
      ipfix::message({}, {ipfix::templates(256, fields), set(256, good + good + bad), set(256, good)}));
  ASSERT_EQ(flows.size(), 3u);
  EXPECT_EQ(t.dropped("records", "cut"), 1u);
}

TEST(Records, EnterpriseElementsArePassedOver) {
  const Flow f = ipfix_flow({{1, 8, 29305 + 1}, {8, 4, 9}, {1, 4}, {40, kVariable, 6871}, {2, 4}},
                            be(99, 8) + ip4("9.9.9.9") + be(1234, 4) + variable("dpi") + be(3, 4));
  EXPECT_EQ(f.src.to_string(), "10.0.0.1");
  EXPECT_EQ(f.bytes, 1234u);
  EXPECT_EQ(f.packets, 3u);
}

// RFC 6313: lists are of variable length, whatever is in them, and may be at 255 octets and more.
TEST(Records, StructuredDataIsSkipped) {
  const Octets basic = be(255, 1) + be(8, 2) + be(4, 2) + be(0x0a000009, 4) + be(0x0a00000a, 4);
  const Octets sub_template = be(3, 1) + be(999, 2) + repeat(be(1, 4), 100);
  const Flow f =
      ipfix_flow({{291, kVariable}, {1, 4}, {292, kVariable}, {293, kVariable}, {2, 4}},
                 variable(basic) + be(77, 4) + variable(sub_template) + variable(be(0, 1)) + be(8, 4));
  EXPECT_EQ(f.src.to_string(), "10.0.0.1");
  EXPECT_EQ(f.bytes, 77u);
  EXPECT_EQ(f.packets, 8u);
}

TEST(Records, PaddingIsNoRecord) {
  CheckedDecoder t;
  for (size_t padding = 0; padding < 16; ++padding) {
    const auto flows =
        t.feed(ipfix::message({}, {ipfix::templates(256, kSmall4),
                                   set(256, small4("10.0.0.1", "10.0.0.2", 1, 1) + Octets(padding, '\0'))}));
    EXPECT_EQ(flows.size(), 1u) << padding;
  }
}

TEST(Biflow, ReverseElementsMakeASecondFlow) {
  CheckedDecoder t;
  const uint32_t reverse = 29305;
  const Fields fields = {{8, 4},          {12, 4},         {7, 2},          {11, 2},
                         {4, 1},          {6, 1},          {1, 4},          {2, 4},
                         {152, 8},        {153, 8},        {10, 4},         {14, 4},
                         {1, 4, reverse}, {2, 4, reverse}, {6, 1, reverse}, {152, 8, reverse}};
  const Octets record = ip4("10.0.0.1") + ip4("10.0.0.2") + be(5000, 2) + be(80, 2) + be(6, 1) + be(0x02, 1) +
                        be(100, 4) + be(2, 4) + be(kNow - 5000, 8) + be(kNow - 1000, 8) + be(3, 4) +
                        be(4, 4) + be(9000, 4) + be(8, 4) + be(0x12, 1) + be(kNow - 4900, 8);
  const auto flows = t.feed(ipfix::message({}, {ipfix::templates(256, fields), set(256, record)}));
  ASSERT_EQ(flows.size(), 2u);
  const Flow& f = flows[0];
  const Flow& r = flows[1];
  EXPECT_EQ(f.bytes, 100u);
  EXPECT_EQ(f.tcp_flags, 0x02);
  EXPECT_EQ(r.src.to_string(), "10.0.0.2");
  EXPECT_EQ(r.dst.to_string(), "10.0.0.1");
  EXPECT_EQ(r.src_port, 80);
  EXPECT_EQ(r.dst_port, 5000);
  EXPECT_EQ(r.bytes, 9000u);
  EXPECT_EQ(r.packets, 8u);
  EXPECT_EQ(r.tcp_flags, 0x12);
  EXPECT_EQ(r.in_if, 4u);
  EXPECT_EQ(r.out_if, 3u);
  EXPECT_EQ(r.start_ms, kNow - 4900);
  EXPECT_EQ(r.end_ms, kNow - 1000);
  EXPECT_EQ(t.note("reverse_flows"), 1u);
}

TEST(Biflow, ForwardOnlyWhereAskedForAndNoneWithoutAnswer) {
  const Fields fields = {{8, 4}, {12, 4}, {1, 4}, {1, 4, 29305}};
  const Octets answered = ip4("10.0.0.1") + ip4("10.0.0.2") + be(100, 4) + be(50, 4);
  const Octets silent = ip4("10.0.0.1") + ip4("10.0.0.2") + be(100, 4) + be(0, 4);
  DecodeOptions options;
  options.biflow_as_two = false;
  CheckedDecoder forward(options);
  EXPECT_EQ(forward.feed(ipfix::message({}, {ipfix::templates(256, fields), set(256, answered)})).size(), 1u);
  EXPECT_EQ(forward.dropped("flows", "reverse"), 1u);
  CheckedDecoder both;
  EXPECT_EQ(
      both.feed(ipfix::message({}, {ipfix::templates(256, fields), set(256, answered + silent)})).size(), 3u);
}

// Cisco ASA: initiator and responder counters, translated addresses by its own numbers in v9, events.
TEST(Nsel, CountersAndTranslation) {
  CheckedDecoder t;
  const Fields fields = {{8, 4},     {12, 4},    {7, 2},     {11, 2},    {4, 1},   {40001, 4},
                         {40002, 4}, {40003, 2}, {40004, 2}, {40005, 1}, {231, 4}, {232, 4},
                         {298, 4},   {299, 4},   {323, 8},   {152, 8}};
  const Octets record = ip4("10.0.0.1") + ip4("198.51.100.7") + be(1024, 2) + be(443, 2) + be(6, 1) +
                        ip4("203.0.113.1") + ip4("198.51.100.7") + be(6000, 2) + be(443, 2) + be(2, 1) +
                        be(1500, 4) + be(90'000, 4) + be(12, 4) + be(70, 4) + be(kNow - 100, 8) +
                        be(kNow - 60'000, 8);
  const auto flows = t.feed(v9::message({}, {v9::templates(260, fields), set(260, record)}));
  ASSERT_EQ(flows.size(), 2u);
  const Flow& f = flows[0];
  EXPECT_EQ(f.bytes, 1500u);
  EXPECT_EQ(f.packets, 12u);
  EXPECT_EQ(f.event, 2);
  EXPECT_EQ(f.nat_src.to_string(), "203.0.113.1");
  EXPECT_EQ(f.nat_src_port, 6000);
  EXPECT_EQ(f.start_ms, kNow - 60'000);
  EXPECT_EQ(f.end_ms, kNow - 100);
  EXPECT_EQ(flows[1].src.to_string(), "198.51.100.7");
  EXPECT_EQ(flows[1].bytes, 90'000u);
  EXPECT_EQ(flows[1].packets, 70u);
}

TEST(Nsel, DeniedFlowHasNoCounters) {
  const Flow f =
      ipfix_flow({{7, 2}, {11, 2}, {4, 1}, {176, 1}, {177, 1}, {233, 1}, {323, 8}},
                 be(0, 2) + be(0, 2) + be(1, 1) + be(8, 1) + be(0, 1) + be(3, 1) + be(kNow - 50, 8));
  EXPECT_EQ(f.event, 3);
  EXPECT_FALSE(f.has(kKnownBytes));
  EXPECT_FALSE(f.has(kKnownPackets));
  EXPECT_EQ(f.icmp_type_code, 8 * 256);
  EXPECT_EQ(f.end_ms, kNow - 50);
}

TEST(Nel, NatEvent) {
  const Flow f = ipfix_flow(
      {{225, 4}, {226, 4}, {227, 2}, {228, 2}, {230, 1}, {234, 4}, {235, 4}},
      ip4("203.0.113.5") + ip4("10.0.0.2") + be(40000, 2) + be(80, 2) + be(1, 1) + be(17, 4) + be(18, 4));
  EXPECT_EQ(f.nat_src.to_string(), "203.0.113.5");
  EXPECT_EQ(f.nat_src_port, 40000);
  EXPECT_EQ(f.event, 1);
  EXPECT_EQ(f.vrf_in, 17u);
  EXPECT_EQ(f.vrf_out, 18u);
}

TEST(Records, LabelsTagsAndMacs) {
  const Flow f = ipfix_flow(
      {{70, 3}, {58, 2}, {59, 2}, {56, 6}, {80, 6}, {61, 1}, {192, 1}, {88, 2}, {16, 4}, {17, 4}},
      be(0x12345 << 4 | 1, 3) + be(100, 2) + be(200, 2) + be(0x020000000001, 6) + be(0x020000000002, 6) +
          be(1, 1) + be(63, 1) + be(185, 2) + be(4'200'000'000, 4) + be(65536, 4));
  EXPECT_EQ(f.mpls_label, 0x12345u);
  EXPECT_EQ(f.vlan_in, 100);
  EXPECT_EQ(f.vlan_out, 200);
  EXPECT_EQ(f.src_mac[5], 1);
  EXPECT_EQ(f.dst_mac[5], 2);
  EXPECT_EQ(f.direction, 1);
  EXPECT_EQ(f.ttl, 63);
  EXPECT_EQ(f.fragment, 1);
  EXPECT_EQ(f.src_as, 4'200'000'000u);
  EXPECT_EQ(f.dst_as, 65536u);
}

TEST(Records, IcmpInThePortOrByItself) {
  const Fields fields = {{4, 1}, {7, 2}, {11, 2}};
  Flow f = ipfix_flow(fields, be(1, 1) + be(0, 2) + be(3 * 256 + 4, 2));
  EXPECT_EQ(f.icmp_type_code, 3 * 256 + 4);
  EXPECT_EQ(f.dst_port, 0) << "ICMP has no ports";
  EXPECT_TRUE(f.has(kKnownIcmp));
  f = ipfix_flow({{4, 1}, {178, 1}, {179, 1}}, be(58, 1) + be(128, 1) + be(1, 1));
  EXPECT_EQ(f.icmp_type_code, 128 * 256 + 1);
  f = ipfix_flow({{4, 1}, {32, 2}, {7, 2}, {11, 2}}, be(6, 1) + be(77, 2) + be(1, 2) + be(2, 2));
  EXPECT_EQ(f.icmp_type_code, 0) << "TCP has no ICMP type";
  EXPECT_EQ(f.dst_port, 2);
}

// A repeat of a length that no number has does not hide the one before it, also where the last counts.
TEST(Records, RepeatsOfAnImpossibleLengthDoNotCount) {
  for (const auto keys : {TunnelKeys::kOuter, TunnelKeys::kInner}) {
    DecodeOptions options;
    options.tunnel_keys = keys;
    // Uptime without the time of boot: the flow is taken to have ended when it was exported.
    const Flow f = ipfix_flow({{22, 4}, {21, 4}, {22, 11}, {21, 9}},
                              be(387'389'465, 4) + be(387'390'465, 4) + Octets(20, '\1'), options);
    EXPECT_EQ(f.end_ms - f.start_ms, 1000);
    EXPECT_EQ(f.end_ms, 1'700'000'000'000);
  }
}

// Of ICMP's two families the one that the record has first counts, the last with the inner keys of a tunnel.
TEST(Records, IcmpOfBothFamiliesInWireOrder) {
  const auto icmp = [](const Fields& more, const Octets& record, TunnelKeys keys) {
    Fields fields = {{4, 1}};
    fields.insert(fields.end(), more.begin(), more.end());
    DecodeOptions options;
    options.tunnel_keys = keys;
    return ipfix_flow(fields, be(1, 1) + record, options).icmp_type_code;
  };
  const Fields four_first = {{32, 2}, {139, 2}};
  const Fields six_first = {{139, 2}, {32, 2}};
  const Octets both = be(3 * 256 + 4, 2) + be(128 * 256, 2);
  EXPECT_EQ(icmp(four_first, both, TunnelKeys::kOuter), 3 * 256 + 4);
  EXPECT_EQ(icmp(six_first, both, TunnelKeys::kOuter), 3 * 256 + 4);
  EXPECT_EQ(icmp(four_first, both, TunnelKeys::kInner), 128 * 256);
  EXPECT_EQ(icmp(six_first, both, TunnelKeys::kInner), 128 * 256);
  const Fields parts = {{178, 1}, {176, 1}, {177, 1}, {179, 1}};
  const Octets four = be(128, 1) + be(3, 1) + be(4, 1) + be(1, 1);
  EXPECT_EQ(icmp(parts, four, TunnelKeys::kOuter), 128 * 256 + 4);
  EXPECT_EQ(icmp(parts, four, TunnelKeys::kInner), 3 * 256 + 1);
}

// A record's own counters go before those behind the router, these before totals.
TEST(Records, WhichCounterCounts) {
  EXPECT_EQ(ipfix_flow({{85, 8}, {1, 4}}, be(9, 8) + be(5, 4)).bytes, 5u);
  EXPECT_EQ(ipfix_flow({{23, 4}, {85, 8}}, be(7, 4) + be(9, 8)).bytes, 7u);
  EXPECT_EQ(ipfix_flow({{85, 8}}, be(9, 8)).bytes, 9u);
  EXPECT_EQ(ipfix_flow({{23, 4}, {24, 4}}, be(7, 4) + be(2, 4)).bytes, 7u);
  EXPECT_EQ(ipfix_flow({{352, 8}}, be(64, 8)).bytes, 64u);
}

TEST(Records, PacketSectionInIpfix) {
  TestUdp packet;
  packet.src = *IpAddr::parse("192.0.2.55");
  const Octets bytes = packet.packet("hello");
  CheckedDecoder t;
  const auto flows =
      t.feed(ipfix::message({}, {ipfix::templates(256, {{10, 4}, {312, 2}, {313, kVariable}}),
                                 set(256, be(5, 4) + be(bytes.size() + 18, 2) + variable(bytes))}));
  ASSERT_EQ(flows.size(), 1u);
  EXPECT_EQ(flows[0].src.to_string(), "192.0.2.55");
  EXPECT_EQ(flows[0].protocol, 17);
  EXPECT_EQ(flows[0].packets, 1u);
  EXPECT_EQ(flows[0].bytes, bytes.size());
}

TEST(Messages, SplitBySize) {
  const Octets five = v5::message({}, {{}, {}});
  const Octets nine =
      v9::message({}, {v9::templates(256, kSmall4), set(256, small4("10.0.0.1", "10.0.0.2", 1, 1))});
  const Octets ten = ipfix::message({}, {ipfix::templates(256, kSmall4)});
  const Octets sf = sflow::message(0, {sflow::flow_sample(1, 5, {}), sflow::sample(2, be(0, 20))});
  const auto size = [](const Octets& o) {
    return message_size({reinterpret_cast<const uint8_t*>(o.data()), o.size()});
  };
  for (const Octets& first : {five, nine, ten, sf}) {
    for (const Octets& second : {five, nine, ten}) EXPECT_EQ(size(first + second), first.size());
    EXPECT_EQ(size(first.substr(0, first.size() - 1)), first.size() - 1) << "what is cut is the rest";
  }
  EXPECT_EQ(size("text"), 0u);
}

}  // namespace
}  // namespace netflowgen::flow

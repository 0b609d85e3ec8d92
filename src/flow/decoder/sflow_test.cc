// sFlow version 5, and the headers of sampled packets through tags, labels, extension headers and tunnels.
#include "flow/decoder/sflow.h"

#include "flow/decoder/decoder.h"
#include "flow/decoder/wire_test_builder.h"
#include "flow/packet/packet.h"

namespace netflowgen::flow {
namespace {

using namespace wire;

const Octets kMacs = be(0x020000000002, 6) + be(0x020000000001, 6);  // destination, source

Octets ethernet(uint16_t type, const Octets& body) { return kMacs + be(type, 2) + body; }

// TCP over IPv4 or IPv6, with flags SYN.
Octets tcp(const char* src, const char* dst) {
  const Octets header = be(443, 2) + be(50000, 2) + be(1, 4) + be(0, 4) + be(0x5002, 2) + be(0, 6);
  TestUdp ip;
  ip.src = *IpAddr::parse(src);
  ip.dst = *IpAddr::parse(dst);
  return ip.ip(header, 0, false, 1, 6);
}
Octets over(const char* src, const char* dst, uint8_t protocol, const Octets& body) {
  TestUdp ip;
  ip.src = *IpAddr::parse(src);
  ip.dst = *IpAddr::parse(dst);
  return ip.ip(body, 0, false, 1, protocol);
}

std::vector<Flow> sampled(const Octets& packet, TunnelKeys keys = TunnelKeys::kOuter) {
  DecodeOptions options;
  options.tunnel_keys = keys;
  CheckedDecoder t(options);
  return t.feed(
      sflow::message(1, {sflow::flow_sample(1, 100, {sflow::raw_header(packet, packet.size() + 4)})}));
}

TEST(Sflow, FlowSample) {
  const auto flows = sampled(ethernet(0x0800, tcp("192.0.2.1", "198.51.100.2")));
  ASSERT_EQ(flows.size(), 1u);
  const Flow& f = flows[0];
  EXPECT_EQ(f.src.to_string(), "192.0.2.1");
  EXPECT_EQ(f.dst.to_string(), "198.51.100.2");
  EXPECT_EQ(f.src_port, 443);
  EXPECT_EQ(f.dst_port, 50000);
  EXPECT_EQ(f.protocol, 6);
  EXPECT_EQ(f.tcp_flags, kSyn);
  EXPECT_EQ(f.packets, 1u);
  EXPECT_EQ(f.bytes, 40u) << "the IP packet, as routers count";
  EXPECT_EQ(f.sampling, 100u);
  EXPECT_EQ(f.exporter.to_string(), "192.0.2.200") << "the agent";
  EXPECT_EQ(f.in_if, 3u);
  EXPECT_EQ(f.out_if, 4u);
  EXPECT_EQ(f.end_ms, kNow);
  EXPECT_EQ(f.src_mac[5], 1);
  EXPECT_EQ(f.dst_mac[5], 2);
}

TEST(Sflow, AgentOrSourceIsTheExporter) {
  DecodeOptions options;
  options.sflow_agent_is_exporter = false;
  CheckedDecoder t(options);
  EXPECT_EQ(t.feed(sflow::message(1, {sflow::flow_sample(1, 1, {})})).at(0).exporter.to_string(),
            "192.0.2.254");
  CheckedDecoder agent;
  EXPECT_EQ(
      agent.feed(sflow::message(1, {sflow::flow_sample(1, 1, {})}, "2001:db8::a")).at(0).exporter.to_string(),
      "2001:db8::a");
}

TEST(Sflow, ExpandedCounterAndDiscardSamples) {
  CheckedDecoder t;
  const Octets header = sflow::raw_header(ethernet(0x0800, tcp("192.0.2.1", "198.51.100.2")), 64);
  const auto flows = t.feed(sflow::message(
      1, {sflow::expanded_sample(1, 512, {header}), sflow::sample(2, be(1, 4) + be(3, 4) + be(0, 4)),
          sflow::sample(4, be(1, 4) + be(0, 4) + be(3, 4) + be(0, 4)),
          sflow::discard_sample(1, 258, {header}), sflow::sample(77, "abcd")}));
  ASSERT_EQ(flows.size(), 2u);
  EXPECT_EQ(flows[0].sampling, 512u);
  EXPECT_EQ(flows[0].in_if, 0x40000001u) << "expanded interfaces have all 32 bits";
  EXPECT_EQ(flows[0].out_if, 0x40000002u);
  EXPECT_EQ(flows[1].event, 3) << "denied";
  EXPECT_EQ(flows[1].sampling, 1u);
  EXPECT_EQ(t.note("counter_samples"), 2u);
  EXPECT_EQ(t.note("discard_samples"), 1u);
  EXPECT_EQ(t.dropped("records", "unsupported"), 1u);
  DecodeOptions options;
  options.sflow_discards = false;
  CheckedDecoder off(options);
  EXPECT_TRUE(off.feed(sflow::message(1, {sflow::discard_sample(1, 258, {header})})).empty());
  EXPECT_EQ(off.dropped("flows", "discard"), 1u);
}

TEST(Sflow, InterfacesThatAreNone) {
  CheckedDecoder t;
  const auto flow = [&](uint32_t input, uint32_t output) {
    return t.feed(sflow::message(1, {sflow::flow_sample(1, 1, {}, input, output)})).at(0);
  };
  EXPECT_EQ(flow(0x3fffffff, 9).in_if, 0u) << "the device itself";
  EXPECT_EQ(flow(7, 0x80000002).out_if, 0u) << "two interfaces";
  EXPECT_EQ(flow(7, 0x80000002).event, 0) << "several interfaces are no discard";
  EXPECT_EQ(flow(7, 0x40000001).out_if, 0u) << "dropped";
  EXPECT_EQ(flow(7, 0x40000001).in_if, 7u);
  const Octets header = sflow::raw_header(ethernet(0x0800, tcp("192.0.2.1", "198.51.100.2")), 64);
  const auto expanded =
      t.feed(sflow::message(1, {sflow::expanded_sample(1, 1, {header}, {0, 0x3fffffff}, {0, 9}),
                                sflow::expanded_sample(2, 1, {header}, {0, 7}, {0, 0xffffffff})}));
  ASSERT_EQ(expanded.size(), 2u);
  EXPECT_EQ(expanded[0].in_if, 0u) << "agents write the compact form's value into the expanded one too";
  EXPECT_EQ(expanded[1].out_if, 0u);
}

// flow_sample.output of format 1: the device discarded the packet. The other 30 bits are the reason; 258 is an ACL.
TEST(Sflow, AnOutputThatIsADiscard) {
  const Octets header = sflow::raw_header(ethernet(0x0800, tcp("192.0.2.1", "198.51.100.2")), 64);
  const Octets compact = sflow::flow_sample(1, 100, {header}, 7, 1u << 30 | 258);
  const Octets expanded = sflow::expanded_sample(2, 100, {header}, {0, 8}, {1, 258});
  const Octets several = sflow::expanded_sample(3, 100, {header}, {0, 8}, {2, 5});
  CheckedDecoder on;
  const auto flows = on.feed(sflow::message(1, {compact, expanded, several}));
  ASSERT_EQ(flows.size(), 3u);
  for (const size_t i : {size_t{0}, size_t{1}}) {
    EXPECT_EQ(flows[i].event, 3) << i;
    EXPECT_TRUE(flows[i].has(kKnownEvent));
    EXPECT_EQ(flows[i].out_if, 0u);
    EXPECT_EQ(flows[i].sampling, 100u) << "it is a sample of what arrived";
  }
  EXPECT_FALSE(flows[2].has(kKnownEvent));
  EXPECT_EQ(flows[2].out_if, 0u);
  EXPECT_EQ(flows[2].in_if, 8u);
  EXPECT_EQ(on.note("discard_samples"), 2u);
  DecodeOptions without;
  without.sflow_discards = false;
  CheckedDecoder off(without);
  EXPECT_EQ(off.feed(sflow::message(1, {compact, expanded, several})).size(), 1u);
  EXPECT_EQ(off.dropped("flows", "discard"), 2u);
}

TEST(Sflow, ExtendedRecordsGoBeforeThePacket) {
  CheckedDecoder t;
  const Octets header = sflow::raw_header(
      kMacs + be(0x8100, 2) + be(42, 2) + be(0x0800, 2) + tcp("192.0.2.1", "198.51.100.2"), 64);
  const Octets router = sflow::record(1002, be(1, 4) + ip4("203.0.113.1") + be(24, 4) + be(16, 4));
  const Octets gateway = sflow::record(1003, be(1, 4) + ip4("203.0.113.2") + be(65000, 4) + be(64496, 4) +
                                                 be(64497, 4) + be(1, 4) + be(2, 4) + be(2, 4) +
                                                 be(64498, 4) + be(64499, 4) + be(0, 4) + be(100, 4));
  const Octets vlans = sflow::record(1001, be(100, 4) + be(0, 4) + be(200, 4) + be(0, 4));
  const auto flows = t.feed(sflow::message(1, {sflow::flow_sample(1, 10, {header, vlans, router, gateway})}));
  ASSERT_EQ(flows.size(), 1u);
  EXPECT_EQ(flows[0].vlan_in, 100);
  EXPECT_EQ(flows[0].vlan_out, 200);
  EXPECT_EQ(flows[0].next_hop.to_string(), "203.0.113.1");
  EXPECT_EQ(flows[0].src_mask, 24);
  EXPECT_EQ(flows[0].src_as, 64496u);
  EXPECT_EQ(flows[0].dst_as, 64499u) << "the last of the path";
}

TEST(Sflow, SampledIpRecordsWithoutHeader) {
  CheckedDecoder t;
  const Octets v6 = sflow::record(4, be(1200, 4) + be(17, 4) + ip6("2001:db8::1") + ip6("2001:db8::2") +
                                         be(53, 4) + be(5353, 4) + be(0, 4) + be(0, 4));
  const auto flows = t.feed(sflow::message(1, {sflow::flow_sample(1, 10, {v6})}));
  ASSERT_EQ(flows.size(), 1u);
  EXPECT_EQ(flows[0].dst.to_string(), "2001:db8::2");
  EXPECT_EQ(flows[0].bytes, 1200u);
  EXPECT_EQ(flows[0].dst_port, 5353);
}

TEST(Sflow, CutAndLyingSamples) {
  const Octets packet = ethernet(0x0800, tcp("192.0.2.1", "198.51.100.2"));
  const Octets whole = sflow::message(1, {sflow::flow_sample(1, 10, {sflow::raw_header(packet, 60)})});
  for (size_t size = 0; size < whole.size(); ++size) {
    CheckedDecoder t;
    t.feed(whole.substr(0, size));  // the ledgers balance, and the sanitizers see no read past the end
  }
  CheckedDecoder t;
  EXPECT_EQ(
      t.feed(be(5, 4) + be(1, 4) + ip4("192.0.2.200") + be(0, 4) + be(1, 4) + be(1, 4) + be(0xffffffff, 4))
          .size(),
      0u);
  EXPECT_EQ(t.note("count_mismatch"), 1u);
}

// The outer addresses, or the inner ones where that is asked for.
void expect_tunnel(const Octets& packet, const char* outer, const char* inner) {
  const auto out = sampled(packet);
  const auto in = sampled(packet, TunnelKeys::kInner);
  ASSERT_EQ(out.size(), 1u);
  ASSERT_EQ(in.size(), 1u);
  EXPECT_EQ(out[0].dst.to_string(), outer);
  EXPECT_EQ(in[0].dst.to_string(), inner);
  if (std::string_view(outer) != inner) {
    EXPECT_EQ(in[0].src_port, 443);
    EXPECT_EQ(in[0].protocol, 6);
  }
}

const Octets kInner4 = tcp("10.0.0.1", "10.0.0.2");
const Octets kInner6 = tcp("2001:db8::1", "2001:db8::2");

TEST(Headers, TagsAndLabels) {
  const Octets vlan =
      sampled(kMacs + be(0x8100, 2) + be(0x2000 | 42, 2) + be(0x0800, 2) + kInner4).at(0).src.to_string();
  EXPECT_EQ(vlan, "10.0.0.1");
  const Flow qinq =
      sampled(kMacs + be(0x88a8, 2) + be(100, 2) + be(0x8100, 2) + be(200, 2) + be(0x86dd, 2) + kInner6)
          .at(0);
  EXPECT_EQ(qinq.vlan_in, 100) << "the outer tag";
  EXPECT_EQ(qinq.dst.to_string(), "2001:db8::2");
  const Flow mpls = sampled(ethernet(0x8847, be(0x00064000 | 0x40, 4) + be(0x000c8140, 4) + kInner4)).at(0);
  EXPECT_EQ(mpls.mpls_label, 0x64u);
  EXPECT_EQ(mpls.dst.to_string(), "10.0.0.2");
  const Flow mpls6 = sampled(ethernet(0x8847, be(0x00064140, 4) + kInner6)).at(0);
  EXPECT_EQ(mpls6.dst_port, 50000);
  const Flow pseudowire =
      sampled(ethernet(0x8847, be(0x00064140, 4) + be(0, 4) + ethernet(0x0800, kInner4))).at(0);
  EXPECT_EQ(pseudowire.dst.to_string(), "10.0.0.2");
  const Flow pppoe =
      sampled(ethernet(0x8864, be(0x1100, 2) + be(1, 2) + be(42, 2) + be(0x0057, 2) + kInner6)).at(0);
  EXPECT_EQ(pppoe.src_port, 443);
}

TEST(Headers, Ipv6ExtensionHeaders) {
  const Octets segment = be(443, 2) + be(50000, 2) + be(0, 8) + be(0x5012, 2) + be(0, 6);
  const auto packet = [&](const Octets& extensions, uint8_t first) {
    return ethernet(0x86dd, over("2001:db8::1", "2001:db8::2", first, extensions + segment));
  };
  const Octets hop_by_hop = be(43, 1) + be(0, 1) + Octets(6, '\0');
  const Octets routing = be(60, 1) + be(2, 1) + Octets(22, '\0');
  const Octets destination = be(51, 1) + be(0, 1) + Octets(6, '\0');
  const Octets authentication = be(6, 1) + be(4, 1) + Octets(22, '\0');
  const Flow f = sampled(packet(hop_by_hop + routing + destination + authentication, 0)).at(0);
  EXPECT_EQ(f.protocol, 6);
  EXPECT_EQ(f.dst_port, 50000);
  EXPECT_EQ(f.tcp_flags, kSyn | kAck);
  const Flow first = sampled(packet(be(6, 1) + be(0, 1) + be(1, 2) + be(7, 4), 44)).at(0);
  EXPECT_EQ(first.fragment, 1);
  EXPECT_EQ(first.src_port, 443);
  const Flow later = sampled(packet(be(6, 1) + be(0, 1) + be(1448, 2) + be(7, 4), 44)).at(0);
  EXPECT_EQ(later.fragment, 1);
  EXPECT_EQ(later.protocol, 6);
  EXPECT_EQ(later.src_port, 0) << "no ports in a later fragment";
  EXPECT_TRUE(later.has(kKnownPorts)) << "they are 0, as routers write them";
}

TEST(Headers, Tunnels) {
  const auto gre = [](uint16_t flags, uint16_t type, const Octets& body) {
    return be(flags, 2) + be(type, 2) + body;
  };
  expect_tunnel(ethernet(0x0800, over("192.0.2.1", "192.0.2.2", 47, gre(0, 0x0800, kInner4))), "192.0.2.2",
                "10.0.0.2");
  expect_tunnel(
      ethernet(0x0800, over("192.0.2.1", "192.0.2.2", 47, gre(0xb000, 0x86dd, Octets(12, '\0') + kInner6))),
      "192.0.2.2", "2001:db8::2");
  expect_tunnel(
      ethernet(0x0800, over("192.0.2.1", "192.0.2.2", 47, gre(0, 0x6558, ethernet(0x0800, kInner4)))),
      "192.0.2.2", "10.0.0.2");
  expect_tunnel(ethernet(0x0800, over("192.0.2.1", "192.0.2.2", 4, kInner4)), "192.0.2.2", "10.0.0.2");
  expect_tunnel(ethernet(0x0800, over("192.0.2.1", "192.0.2.2", 41, kInner6)), "192.0.2.2", "2001:db8::2");
  expect_tunnel(ethernet(0x86dd, over("2001:db8:a::1", "2001:db8:a::2", 4, kInner4)), "2001:db8:a::2",
                "10.0.0.2");
  TestUdp vxlan;
  vxlan.dst_port = 4789;
  const Octets udp = vxlan.packet(be(0x08000000, 4) + be(5000 << 8, 4) + ethernet(0x0800, kInner4));
  expect_tunnel(ethernet(0x0800, udp), "192.0.2.254", "10.0.0.2");
  TestUdp geneve;
  geneve.dst_port = 6081;
  const Octets options =
      geneve.packet(be(0x0100, 2) + be(0x6558, 2) + be(0, 4) + be(0, 4) + ethernet(0x86dd, kInner6));
  expect_tunnel(ethernet(0x0800, options), "192.0.2.254", "2001:db8::2");
}

TEST(Headers, DepthIsBounded) {
  Octets packet = kInner4;
  for (int i = 0; i < 200; ++i) packet = over("192.0.2.1", "192.0.2.2", 4, packet).substr(0, 1400);
  EXPECT_EQ(sampled(ethernet(0x0800, packet)).at(0).dst.to_string(), "192.0.2.2");
}

}  // namespace
}  // namespace netflowgen::flow

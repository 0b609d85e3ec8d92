#include "flow/write/ipfix_writer.h"

#include <gtest/gtest.h>

#include "flow/decoder/decoder.h"

namespace netflowgen::flow {
namespace {

constexpr TimeMs kNow = 1'700'000'000'000;

Flow flow_of(const char* src, const char* dst, uint64_t n) {
  Flow f;
  f.start_ms = kNow - 5'000 - static_cast<TimeMs>(n);
  f.end_ms = kNow - 1'000;
  f.src = *IpAddr::parse(src);
  f.dst = *IpAddr::parse(dst);
  f.bytes = 1'000 + n;
  f.packets = 1 + n;
  f.sampling = 192;
  f.in_if = 3;
  f.out_if = 4;
  f.src_as = 64'500;
  f.dst_as = 4'200'000'000;
  f.src_port = 50'000;
  f.dst_port = 443;
  f.protocol = kTcp;
  f.tcp_flags = kSyn | kAck;
  f.known = IpfixWriter::kWritten & ~uint32_t{kKnownIcmp};
  return f;
}

struct Written {
  std::vector<Flow> flows;
  std::vector<size_t> sizes;
  ExporterReport report;
};

// All messages through a decoder.
Written written(const std::vector<Flow>& flows, TimeMs spread_ms = 0) {
  IpfixWriter writer(7);
  Decoder decoder;
  Written w;
  std::vector<uint8_t> message;
  for (size_t at = 0; at < flows.size();) {
    const TimeMs now = kNow + static_cast<TimeMs>(w.sizes.size()) * spread_ms;
    at += writer.write(std::span(flows).subspan(at), now, message);
    w.sizes.push_back(message.size());
    decoder.decode({now, *IpAddr::parse("192.0.2.9"), 4739, 4739, {message.data(), message.size()}}, w.flows);
  }
  w.report = decoder.exporters().at(0);
  EXPECT_EQ(writer.sequence(), flows.size());
  return w;
}

void expect_equal(const Flow& seen, const Flow& f) {
  EXPECT_EQ(seen.known, f.known);
  EXPECT_EQ(seen.start_ms, f.start_ms);
  EXPECT_EQ(seen.end_ms, f.end_ms);
  EXPECT_EQ(seen.src, f.src);
  EXPECT_EQ(seen.dst, f.dst);
  EXPECT_EQ(seen.bytes, f.bytes);
  EXPECT_EQ(seen.packets, f.packets);
  EXPECT_EQ(seen.sampling, f.sampling);
  EXPECT_EQ(seen.in_if, f.in_if);
  EXPECT_EQ(seen.out_if, f.out_if);
  EXPECT_EQ(seen.src_as, f.src_as);
  EXPECT_EQ(seen.dst_as, f.dst_as);
  EXPECT_EQ(seen.src_port, f.src_port);
  EXPECT_EQ(seen.dst_port, f.dst_port);
  EXPECT_EQ(seen.protocol, f.protocol);
  EXPECT_EQ(seen.tcp_flags, f.tcp_flags);
  EXPECT_EQ(seen.icmp_type_code, f.icmp_type_code);
  EXPECT_EQ(seen.fragment, f.fragment);
  EXPECT_EQ(seen.domain, 7u);
}

std::vector<Flow> of_all_kinds() {
  std::vector<Flow> flows{flow_of("192.0.2.1", "198.51.100.2", 1), flow_of("2001:db8::1", "2001:db8::2", 2)};
  Flow icmp = flow_of("192.0.2.3", "198.51.100.4", 3);
  icmp.protocol = kIcmp;
  icmp.src_port = icmp.dst_port = 0;
  icmp.tcp_flags = 0;
  icmp.icmp_type_code = 3 * 256 + 1;
  icmp.known = (icmp.known | kKnownIcmp) & ~uint32_t{kKnownPorts};  // ICMP has none
  flows.push_back(icmp);
  Flow fragment = flow_of("192.0.2.5", "198.51.100.6", 4);
  fragment.protocol = kUdp;
  fragment.src_port = fragment.dst_port = 0;
  fragment.tcp_flags = 0;
  fragment.fragment = 1;
  flows.push_back(fragment);
  Flow little = flow_of("192.0.2.7", "198.51.100.8", 5);  // nothing is known but addresses, bytes and a time
  little.known = kKnownAddresses | kKnownBytes;
  little.end_ms = little.start_ms;
  little.packets = little.sampling = 1;
  little.packets = 0;
  little.in_if = little.out_if = little.src_as = little.dst_as = 0;
  little.src_port = little.dst_port = 0;
  little.protocol = little.tcp_flags = 0;
  flows.push_back(little);
  return flows;
}

TEST(IpfixWriter, TheDecoderGetsWhatWasWritten) {
  const auto flows = of_all_kinds();
  const auto w = written(flows);
  ASSERT_EQ(w.flows.size(), flows.size());
  for (size_t i = 0; i < flows.size(); ++i) {
    SCOPED_TRACE(i);
    expect_equal(w.flows[i], flows[i]);
  }
  EXPECT_EQ(w.sizes.size(), 1u);
}

TEST(IpfixWriter, ManyFlowsAreSeveralBoundedMessagesWithoutLoss) {
  std::vector<Flow> flows;
  for (uint64_t i = 0; i < 500; ++i) {
    flows.push_back(i % 3 == 0 ? flow_of("2001:db8::1", "2001:db8::2", i)
                               : flow_of("192.0.2.1", "198.51.100.2", i));
  }
  const auto w = written(flows, 10'000);
  ASSERT_EQ(w.flows.size(), flows.size());
  for (size_t i = 0; i < flows.size(); ++i) expect_equal(w.flows[i], flows[i]);
  EXPECT_GT(w.sizes.size(), 20u);
  for (const size_t size : w.sizes) EXPECT_LE(size, IpfixWriter::kMost);
  EXPECT_EQ(w.report.sequences.at(0).lost, 0u);
  EXPECT_EQ(w.report.templates, 2u);
}

TEST(IpfixWriter, TemplatesAreSentAgain) {
  IpfixWriter writer(1);
  const std::vector<Flow> one{flow_of("192.0.2.1", "198.51.100.2", 1)};
  std::vector<uint8_t> message;
  const auto size_at = [&](TimeMs t) {
    writer.write(one, t, message);
    return message.size();
  };
  const size_t first = size_at(kNow);
  EXPECT_LT(size_at(kNow + 1), first);
  EXPECT_LT(size_at(kNow + IpfixWriter::kTemplates_ms - 1), first);
  EXPECT_EQ(size_at(kNow + IpfixWriter::kTemplates_ms), first);
}

}  // namespace
}  // namespace netflowgen::flow

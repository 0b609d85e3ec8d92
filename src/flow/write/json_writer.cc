#include "flow/write/json_writer.h"

#include <fmt/format.h>

#include <iterator>

#include "base/time.h"
#include "flow/protocol.h"
#include "flow/service.h"

namespace netflowgen::flow {
namespace {

// Values are numbers, addresses, times and names of our own tables: nothing needs escaping.
struct Object {
  std::string& out;
  const Flow& f;

  template <typename T>
  void number(const char* key, T value) {
    fmt::format_to(std::back_inserter(out), ",\"{}\":{}", key, value);
  }
  void text(const char* key, std::string_view value) {
    fmt::format_to(std::back_inserter(out), ",\"{}\":\"{}\"", key, value);
  }
  template <typename T>
  void pair(uint32_t group, const char* a_key, T a, const char* b_key, T b) {
    if (!f.has(group)) return;
    number(a_key, a);
    number(b_key, b);
  }
  template <typename T>
  void one(uint32_t group, const char* key, T value) {
    if (f.has(group)) number(key, value);
  }
};

std::string flags_text(uint8_t flags) {
  constexpr std::string_view kLetters = "FSRPAUEC";
  std::string text;
  for (size_t i = 0; i < 8; ++i) {
    if ((flags >> i & 1) != 0) text.push_back(kLetters[i]);
  }
  return text.empty() ? "." : text;
}

std::string mac_text(const uint8_t (&m)[6]) {
  return fmt::format("{:02x}:{:02x}:{:02x}:{:02x}:{:02x}:{:02x}", m[0], m[1], m[2], m[3], m[4], m[5]);
}

std::string_view version_text(uint8_t version) {
  switch (version) {
    case 10:
      return "ipfix";
    case 105:
      return "sflow5";
    case 9:
      return "netflow9";
    case 7:
      return "netflow7";
    case 5:
      return "netflow5";
    case 1:
      return "netflow1";
    default:
      return {};
  }
}

void put_ports(Object& o) {
  const Flow& f = o.f;
  if (f.has(kKnownProtocol)) {
    const auto name = protocol_name(f.protocol);
    if (!name.empty()) o.text("protocol_name", name);
    o.number("protocol", f.protocol);
  }
  if (f.has(kKnownPorts)) {
    o.number("src_port", f.src_port);
    if (const auto name = service_name(f.src_port, f.protocol); !name.empty()) o.text("src_service", name);
    o.number("dst_port", f.dst_port);
    if (const auto name = service_name(f.dst_port, f.protocol); !name.empty()) o.text("dst_service", name);
  }
  if (f.has(kKnownTcpFlags)) o.text("tcp_flags", flags_text(f.tcp_flags));
  if (f.has(kKnownIcmp)) {
    o.number("icmp_type", f.icmp_type_code >> 8);
    o.number("icmp_code", f.icmp_type_code & 0xff);
  }
}

void put_groups(Object& o) {
  const Flow& f = o.f;
  o.pair(kKnownInterfaces, "in_if", f.in_if, "out_if", f.out_if);
  o.pair(kKnownAs, "src_as", f.src_as, "dst_as", f.dst_as);
  o.pair(kKnownMasks, "src_mask", f.src_mask, "dst_mask", f.dst_mask);
  if (f.has(kKnownNextHop)) o.text("next_hop", f.next_hop.to_string());
  o.one(kKnownTos, "tos", f.tos);
  o.one(kKnownTtl, "ttl", f.ttl);
  o.pair(kKnownVlan, "vlan_in", f.vlan_in, "vlan_out", f.vlan_out);
  o.one(kKnownFragment, "fragment", f.fragment);
  if (f.has(kKnownDirection)) o.text("direction", f.direction == 0 ? "ingress" : "egress");
  o.one(kKnownEvent, "event", f.event);
  if (f.has(kKnownNat)) {
    o.text("nat_src", f.nat_src.to_string());
    o.text("nat_dst", f.nat_dst.to_string());
    o.number("nat_src_port", f.nat_src_port);
    o.number("nat_dst_port", f.nat_dst_port);
  }
  o.one(kKnownMpls, "mpls_label", f.mpls_label);
  o.pair(kKnownVrf, "vrf_in", f.vrf_in, "vrf_out", f.vrf_out);
  if (f.has(kKnownMac)) {
    o.text("src_mac", mac_text(f.src_mac));
    o.text("dst_mac", mac_text(f.dst_mac));
  }
}

}  // namespace

void append_json(std::string& out, const Flow& f) {
  Object o{out, f};
  fmt::format_to(std::back_inserter(out), "{{\"start\":\"{}\"", base::format_time(f.start_ms));
  if (f.has(kKnownDuration)) o.text("end", base::format_time(f.end_ms));
  if (f.has(kKnownAddresses)) {
    o.text("src", f.src.to_string());
    o.text("dst", f.dst.to_string());
  }
  put_ports(o);
  o.one(kKnownPackets, "packets", f.packets);
  o.one(kKnownBytes, "bytes", f.bytes);
  if (f.has(kKnownSampling)) o.number("sampling", f.sampling);
  if (f.flows != 1) o.number("flows", f.flows);
  put_groups(o);
  if (!f.exporter.is_zero()) o.text("exporter", f.exporter.to_string());
  if (f.version != 0) o.number("domain", f.domain);
  if (const auto version = version_text(f.version); !version.empty()) o.text("version", version);
  if (f.received_ms != 0 && f.received_ms != f.end_ms) o.text("received", base::format_time(f.received_ms));
  out += '}';
}

void JsonFlowWriter::write(std::span<const Flow> flows) {
  for (const Flow& flow : flows) {
    append_json(buffer_, flow);
    buffer_ += '\n';
    if (buffer_.size() < kFlushBytes) continue;
    sink_->write(buffer_);
    buffer_.clear();
  }
}

void JsonFlowWriter::close() {
  sink_->write(buffer_);
  sink_->close();
}

}  // namespace netflowgen::flow

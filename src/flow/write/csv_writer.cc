#include "flow/write/csv_writer.h"

#include <algorithm>
#include <cstring>
#include <string_view>
#include <utility>

#include "base/time.h"
#include "flow/protocol.h"

namespace netflowgen::flow {
namespace {

constexpr size_t kMaxRow = 2048;  // no row is longer: about 45 cells of at most 45 characters

char* put_digits(char* p, uint64_t value, int width) {
  for (int i = width - 1; i >= 0; --i, value /= 10) p[i] = static_cast<char>('0' + value % 10);
  return p + width;
}

char* put_number(char* p, uint64_t value) {
  char digits[20];
  char* d = digits + sizeof digits;
  do {
    *--d = static_cast<char>('0' + value % 10);
    value /= 10;
  } while (value != 0);
  const auto n = static_cast<size_t>(digits + sizeof digits - d);
  std::memcpy(p, d, n);
  return p + n;
}

char* put_text(char* p, std::string_view text) {
  std::memcpy(p, text.data(), text.size());
  return p + text.size();
}

char* put_address(char* p, const IpAddr& address) {
  if (!address.is_v4()) return put_text(p, address.to_string());
  for (size_t i = 12; i < 16; ++i) {
    if (i > 12) *p++ = '.';
    p = put_number(p, address.bytes[i]);
  }
  return p;
}

char* put_mac(char* p, const uint8_t (&mac)[6]) {
  constexpr char kHex[] = "0123456789abcdef";
  for (size_t i = 0; i < 6; ++i) {
    if (i > 0) *p++ = ':';
    *p++ = kHex[mac[i] >> 4];
    *p++ = kHex[mac[i] & 15];
  }
  return p;
}

// Letters as tools write them; "." for none, so that no flags are not the same as not known.
char* put_flags(char* p, uint8_t flags) {
  constexpr std::string_view kLetters = "FSRPAUEC";
  if (flags == 0) *p++ = '.';
  for (size_t i = 0; i < 8; ++i) {
    if ((flags >> i & 1) != 0) *p++ = kLetters[i];
  }
  return p;
}

char* put_protocol(char* p, uint8_t protocol) {
  const std::string_view name = protocol_name(protocol);
  return name.empty() ? put_number(p, protocol) : put_text(p, name);
}

// One row in the making: a separator, then a cell that is empty unless it is given.
struct Row {
  char* p;
  const Flow& f;
  uint32_t groups;

  // Whether to write a group's columns, and whether this flow has them.
  bool wants(uint32_t group) const { return (groups & group) != 0; }
  bool has(uint32_t group) const { return (f.known & group) != 0; }

  void number(bool given, uint64_t value) {
    *p++ = ',';
    if (given) p = put_number(p, value);
  }
  void address(bool given, const IpAddr& value) {
    *p++ = ',';
    if (given) p = put_address(p, value);
  }
  void numbers(uint32_t group, uint64_t a, uint64_t b) {
    if (!wants(group)) return;
    number(has(group), a);
    number(has(group), b);
  }
  void number_of(uint32_t group, uint64_t value) {
    if (wants(group)) number(has(group), value);
  }
};

void put_core(Row& r) {
  const Flow& f = r.f;
  r.address(r.has(kKnownAddresses), f.src);
  r.address(r.has(kKnownAddresses), f.dst);
  r.number(r.has(kKnownPorts), f.src_port);
  r.number(r.has(kKnownPorts), f.dst_port);
  *r.p++ = ',';
  if (r.has(kKnownProtocol)) r.p = put_protocol(r.p, f.protocol);
  *r.p++ = ',';
  if (r.has(kKnownTcpFlags)) r.p = put_flags(r.p, f.tcp_flags);
  r.number(r.has(kKnownPackets), f.packets);
  r.number(r.has(kKnownBytes), f.bytes);
}

void put_nat(Row& r) {
  if (!r.wants(kKnownNat)) return;
  const bool given = r.has(kKnownNat);
  r.address(given, r.f.nat_src);
  r.address(given, r.f.nat_dst);
  r.number(given, r.f.nat_src_port);
  r.number(given, r.f.nat_dst_port);
}

void put_icmp(Row& r) {
  if (!r.wants(kKnownIcmp)) return;
  r.number(r.has(kKnownIcmp), r.f.icmp_type_code >> 8);
  if (!r.has(kKnownIcmp)) return;
  *r.p++ = '.';
  r.p = put_number(r.p, r.f.icmp_type_code & 0xff);
}

void put_macs(Row& r) {
  if (!r.wants(kKnownMac)) return;
  *r.p++ = ',';
  if (r.has(kKnownMac)) r.p = put_mac(r.p, r.f.src_mac);
  *r.p++ = ',';
  if (r.has(kKnownMac)) r.p = put_mac(r.p, r.f.dst_mac);
}

// After the core, in the order of kGroupNames.
void put_groups(Row& r) {
  const Flow& f = r.f;
  r.number_of(kKnownSampling, f.sampling);
  r.numbers(kKnownInterfaces, f.in_if, f.out_if);
  r.numbers(kKnownAs, f.src_as, f.dst_as);
  r.numbers(kKnownMasks, f.src_mask, f.dst_mask);
  if (r.wants(kKnownNextHop)) r.address(r.has(kKnownNextHop), f.next_hop);
  r.number_of(kKnownTos, f.tos);
  r.number_of(kKnownTtl, f.ttl);
  r.numbers(kKnownVlan, f.vlan_in, f.vlan_out);
  put_icmp(r);
  r.number_of(kKnownFragment, f.fragment);
  r.number_of(kKnownDirection, f.direction);
  r.number_of(kKnownEvent, f.event);
  put_nat(r);
  r.number_of(kKnownMpls, f.mpls_label);
  r.numbers(kKnownVrf, f.vrf_in, f.vrf_out);
  put_macs(r);
}

constexpr std::pair<uint32_t, std::string_view> kGroupNames[] = {
    {kKnownSampling, ",sampling"},
    {kKnownInterfaces, ",in_if,out_if"},
    {kKnownAs, ",src_as,dst_as"},
    {kKnownMasks, ",src_mask,dst_mask"},
    {kKnownNextHop, ",next_hop"},
    {kKnownTos, ",tos"},
    {kKnownTtl, ",ttl"},
    {kKnownVlan, ",vlan_in,vlan_out"},
    {kKnownIcmp, ",icmp"},
    {kKnownFragment, ",fragment"},
    {kKnownDirection, ",direction"},
    {kKnownEvent, ",event"},
    {kKnownNat, ",nat_src,nat_dst,nat_src_port,nat_dst_port"},
    {kKnownMpls, ",mpls_label"},
    {kKnownVrf, ",vrf_in,vrf_out"},
    {kKnownMac, ",src_mac,dst_mac"},
    {kCsvFlows, ",flows"},
    {kCsvExporter, ",exporter,domain,version,received"},
};

// The date of the day before, so that it is worked out once a day of flows.
struct Dates {
  int64_t& day;
  char (&text)[11];

  char* put(char* p, TimeMs time) {
    const int64_t d = base::step_of(time, 86400000);
    if (d != day) {
      const std::string iso = base::format_time(d * 86400000);
      if (iso.size() < 10 || iso[4] != '-') return put_text(p, base::format_time(time));  // far from our era
      std::memcpy(text, iso.data(), 10);
      text[10] = 'T';
      day = d;
    }
    const auto ms = static_cast<uint64_t>(time - d * 86400000);
    p = put_text(p, {text, sizeof text});
    p = put_digits(p, ms / 3600000, 2);
    *p++ = ':';
    p = put_digits(p, ms / 60000 % 60, 2);
    *p++ = ':';
    p = put_digits(p, ms / 1000 % 60, 2);
    if (ms % 1000 != 0) {
      *p++ = '.';
      p = put_digits(p, ms % 1000, 3);
    }
    *p++ = 'Z';
    return p;
  }
};

}  // namespace

CsvFlowWriter::CsvFlowWriter(const std::string& path, uint32_t groups)
    : CsvFlowWriter(open_sink(path), groups) {}

CsvFlowWriter::CsvFlowWriter(std::unique_ptr<ByteSink> sink, uint32_t groups)
    : sink_(std::move(sink)), groups_(groups) {
  buffer_.reserve(kFlushBytes + kMaxRow);
  header();
}

void CsvFlowWriter::header() {
  buffer_ = "start,end,src,dst,src_port,dst_port,protocol,tcp_flags,packets,bytes";
  for (const auto& [group, names] : kGroupNames) {
    if ((groups_ & group) != 0) buffer_ += names;
  }
  buffer_ += '\n';
}

void CsvFlowWriter::flush() {
  sink_->write(buffer_);
  buffer_.clear();
}

void CsvFlowWriter::write(const Flow& flow) {
  if (buffer_.size() > kFlushBytes) flush();
  char row[kMaxRow];
  Dates dates{day_, day_text_};
  Row r{dates.put(row, flow.start_ms), flow, groups_};
  *r.p++ = ',';
  if (r.has(kKnownDuration)) r.p = dates.put(r.p, flow.end_ms);
  put_core(r);
  put_groups(r);
  if (r.wants(kCsvFlows)) r.number(true, flow.flows);
  if (r.wants(kCsvExporter)) {
    r.address(!flow.exporter.is_zero(), flow.exporter);
    r.number(flow.domain != 0, flow.domain);
    r.number(flow.version != 0, flow.version);
    *r.p++ = ',';
    if (flow.received_ms != flow.end_ms) r.p = dates.put(r.p, flow.received_ms);
  }
  *r.p++ = '\n';
  buffer_.append(row, static_cast<size_t>(r.p - row));
}

void CsvFlowWriter::close() {
  flush();
  sink_->close();
}

}  // namespace netflowgen::flow

// Flow datagrams that benchmarks make themselves: traffic of many hosts, encoded as NetFlow v5, v9, IPFIX or
// sFlow v5 the way routers do. The record layouts are those of ../shared/tools/peerbench/flowgen.c, so that
// figures compare with the peers' there. One thread.
#pragma once

#include <cstdint>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include "base/random.h"
#include "base/safetensors.h"
#include "base/time.h"

namespace netflowgen::bench {

enum class Wire : uint8_t { kV5, kV9, kIpfix, kSflow };
inline constexpr Wire kWires[] = {Wire::kV5, Wire::kV9, Wire::kIpfix, Wire::kSflow};
constexpr std::string_view name_of(Wire w) {
  constexpr std::string_view kNames[] = {"v5", "v9", "ipfix", "sflow"};
  return kNames[static_cast<size_t>(w)];
}

struct WireFlow {
  uint32_t src = 0;  // host byte order
  uint32_t dst = 0;
  uint16_t src_port = 0;
  uint16_t dst_port = 0;
  uint8_t protocol = 6;
  uint8_t tcp_flags = 0;
  uint32_t packets = 0;
  uint32_t bytes = 0;
  uint32_t duration_ms = 0;
};

// Hosts 10.0.0.1 and up exchange flows with `others` addresses in 45.0.0.0/8, half of them each way.
class Traffic {
 public:
  explicit Traffic(uint32_t hosts, uint32_t others = 1u << 18, uint64_t seed = 1)
      : hosts_(hosts), others_(others), random_(seed) {}

  WireFlow next() {
    static constexpr uint16_t kServices[] = {443, 443, 80, 53, 22, 8080, 993, 123};
    WireFlow f;
    const auto host = 0x0a000001 + static_cast<uint32_t>(random_.below(hosts_));
    const auto other = 0x2d000000 + static_cast<uint32_t>(random_.below(others_));
    const uint64_t bits = random_.next();
    f.src = (bits & 1) != 0 ? host : other;
    f.dst = (bits & 1) != 0 ? other : host;
    f.src_port = static_cast<uint16_t>(1024 + (bits >> 8) % 64000);
    f.dst_port = kServices[bits >> 1 & 7];
    const bool udp = f.dst_port == 53 || f.dst_port == 123;
    f.protocol = udp ? 17 : 6;
    f.tcp_flags = udp ? 0 : 0x1b;
    f.packets = 1 + static_cast<uint32_t>((bits >> 32) % 40);
    f.bytes = f.packets * (64 + static_cast<uint32_t>((bits >> 40) % 1300));
    f.duration_ms = static_cast<uint32_t>(random_.below(10'000));
    return f;
  }

 private:
  uint32_t hosts_;
  uint32_t others_;
  base::Random random_;
};

// Octets in network order, appended to a string.
class Octets {
 public:
  Octets& u8(uint64_t v) { return put(v, 1); }
  Octets& u16(uint64_t v) { return put(v, 2); }
  Octets& u32(uint64_t v) { return put(v, 4); }
  Octets& u64(uint64_t v) { return put(v, 8); }
  Octets& zeros(size_t n) {
    text_.append(n, '\0');
    return *this;
  }
  void set_u16(size_t at, size_t v) {
    text_[at] = static_cast<char>(v >> 8);
    text_[at + 1] = static_cast<char>(v);
  }
  size_t size() const { return text_.size(); }
  const std::string& text() const { return text_; }
  void clear() { text_.clear(); }

 private:
  Octets& put(uint64_t v, unsigned n) {
    const uint64_t be = __builtin_bswap64(v);
    text_.append(reinterpret_cast<const char*>(&be) + (8 - n), n);
    return *this;
  }
  std::string text_;
};

// One exporter: makes datagrams of up to flows_per_datagram() flows.
class Exporter {
 public:
  explicit Exporter(Wire wire, uint32_t domain = 0) : wire_(wire), domain_(domain) {}

  // As many as routers put into a datagram of about 1400 octets.
  size_t flows_per_datagram() const {
    constexpr size_t kPerDatagram[] = {30, 28, 21, 7};
    return kPerDatagram[static_cast<size_t>(wire_)];
  }

  // A datagram of these flows, all of which end at `now`; with `templates`, v9 and IPFIX carry theirs first.
  // Valid until the next call.
  const std::string& encode(const std::vector<WireFlow>& flows, base::TimeMs now, bool templates) {
    out_.clear();
    switch (wire_) {
      case Wire::kV5:
        v5(flows, now);
        break;
      case Wire::kV9:
      case Wire::kIpfix:
        by_template(flows, now, templates);
        break;
      case Wire::kSflow:
        sflow(flows, now);
        break;
    }
    return out_.text();
  }

 private:
  static constexpr uint32_t kUptimeMs = 3'600'000;  // at the first datagram
  struct Field {
    uint16_t id;
    uint16_t v9_length;
    uint16_t ipfix_id;
    uint16_t ipfix_length;
  };
  static constexpr Field kFields[] = {{8, 4, 8, 4},    {12, 4, 12, 4},   {10, 4, 10, 4},   {14, 4, 14, 4},
                                      {2, 4, 2, 8},    {1, 4, 1, 8},     {22, 4, 152, 8},  {21, 4, 153, 8},
                                      {7, 2, 7, 2},    {11, 2, 11, 2},   {6, 1, 6, 1},     {4, 1, 4, 1},
                                      {5, 1, 5, 1},    {61, 1, 61, 1},   {16, 4, 16, 4},   {17, 4, 17, 4}};

  uint32_t uptime(base::TimeMs now) {
    if (first_ms_ == 0) first_ms_ = now;
    return kUptimeMs + static_cast<uint32_t>(now - first_ms_);
  }

  void v5(const std::vector<WireFlow>& flows, base::TimeMs now) {
    const uint32_t up = uptime(now);
    const auto ms = static_cast<uint64_t>(now);
    out_.u16(5).u16(flows.size()).u32(up).u32(ms / 1000).u32(ms % 1000 * 1'000'000).u32(sequence_);
    out_.u8(0).u8(domain_).u16(0);
    sequence_ += static_cast<uint32_t>(flows.size());
    for (const WireFlow& f : flows) {
      out_.u32(f.src).u32(f.dst).u32(0x0a0000fe).u16(1).u16(2).u32(f.packets).u32(f.bytes);
      out_.u32(up - f.duration_ms).u32(up).u16(f.src_port).u16(f.dst_port).u8(0).u8(f.tcp_flags);
      out_.u8(f.protocol).u8(0).u16(64500).u16(64501).u8(24).u8(16).u16(0);
    }
  }

  void by_template(const std::vector<WireFlow>& flows, base::TimeMs now, bool templates) {
    const bool v9 = wire_ == Wire::kV9;
    const uint32_t up = uptime(now);
    const auto ms = static_cast<uint64_t>(now);
    if (v9) {
      out_.u16(9).u16(flows.size() + (templates ? 1 : 0)).u32(up).u32(ms / 1000).u32(sequence_).u32(domain_);
      ++sequence_;
    } else {
      out_.u16(10).u16(0).u32(ms / 1000).u32(sequence_).u32(domain_);
      sequence_ += static_cast<uint32_t>(flows.size());
    }
    if (templates) template_set(v9);
    if (!flows.empty()) {
      const size_t set = out_.size();
      out_.u16(256).u16(0);
      for (const WireFlow& f : flows) record(f, v9, up, ms);
      out_.zeros((4 - (out_.size() - set) % 4) % 4).set_u16(set + 2, out_.size() - set);
    }
    if (!v9) out_.set_u16(2, out_.size());
  }

  void template_set(bool v9) {
    out_.u16(v9 ? 0 : 2).u16(8 + std::size(kFields) * 4).u16(256).u16(std::size(kFields));
    for (const Field& f : kFields) out_.u16(v9 ? f.id : f.ipfix_id).u16(v9 ? f.v9_length : f.ipfix_length);
  }

  void record(const WireFlow& f, bool v9, uint32_t up, uint64_t ms) {
    out_.u32(f.src).u32(f.dst).u32(1).u32(2);
    if (v9) {
      out_.u32(f.packets).u32(f.bytes).u32(up - f.duration_ms).u32(up);
    } else {
      out_.u64(f.packets).u64(f.bytes).u64(ms - f.duration_ms).u64(ms);
    }
    out_.u16(f.src_port).u16(f.dst_port).u8(f.tcp_flags).u8(f.protocol).u8(0).u8(0).u32(64500).u32(64501);
  }

  // Flow samples of one sampled packet header each (sFlow v5, raw packet header, Ethernet).
  void sflow(const std::vector<WireFlow>& flows, base::TimeMs now) {
    out_.u32(5).u32(1).u32(0xc0000201).u32(domain_).u32(datagrams_++).u32(uptime(now)).u32(flows.size());
    for (const WireFlow& f : flows) {
      constexpr size_t kHeader = 64;  // sampled octets: Ethernet, IPv4, TCP or UDP, payload
      out_.u32(1).u32(32 + 8 + 16 + kHeader);
      ++sequence_;
      out_.u32(sequence_).u32(3).u32(1000).u32(uint64_t{sequence_} * 1000 & 0xffffffff).u32(0).u32(3).u32(7).u32(1);
      out_.u32(1).u32(16 + kHeader).u32(1).u32(f.bytes / f.packets + 18).u32(4).u32(kHeader);
      const size_t start = out_.size();
      out_.u64(0x0202020202020303).u32(0x03030303).u16(0x0800);
      out_.u8(0x45).u8(0).u16(f.bytes / f.packets).u32(0).u8(64).u8(f.protocol).u16(0).u32(f.src).u32(f.dst);
      out_.u16(f.src_port).u16(f.dst_port).u32(0).u32(0).u8(0x50).u8(f.tcp_flags);
      out_.zeros(kHeader - (out_.size() - start));
    }
  }

  Wire wire_;
  uint32_t domain_;
  uint32_t sequence_ = 0;
  uint32_t datagrams_ = 0;
  base::TimeMs first_ms_ = 0;
  Octets out_;
};

}  // namespace netflowgen::bench

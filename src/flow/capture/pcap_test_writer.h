// Builds packets and captures for tests, fuzz seeds and benchmarks: UDP in IPv4 or IPv6, tags and link layers
// around it, pcap and pcapng of both byte orders.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "base/ip.h"
#include "base/time.h"
#include "flow/capture/pcap_reader.h"

namespace netflowgen::flow {

inline std::string be(uint64_t v, int size) {
  std::string s;
  for (int i = size - 1; i >= 0; --i) s.push_back(i < 8 ? static_cast<char>(v >> (8 * i)) : '\0');
  return s;
}

struct TestUdp {
  base::IpAddr src = base::IpAddr::v4(0xc0000201);
  base::IpAddr dst = base::IpAddr::v4(0xc00002fe);
  uint16_t src_port = 40000;
  uint16_t dst_port = 2055;

  std::string udp(std::string_view payload) const {
    return be(src_port, 2) + be(dst_port, 2) + be(payload.size() + 8, 2) + be(0, 2) + std::string(payload);
  }
  // An IP packet with `body` as it is; a fragment where offset or more say so.
  std::string ip(std::string_view body, unsigned offset = 0, bool more = false, uint16_t id = 1,
                 uint8_t protocol = 17) const {
    if (src.is_v4()) {
      return "\x45" + be(0, 1) + be(20 + body.size(), 2) + be(id, 2) +
             be((more ? 0x2000u : 0u) | offset / 8, 2) + be(64, 1) + be(protocol, 1) + be(0, 2) +
             be(src.v4_host_order(), 4) + be(dst.v4_host_order(), 4) + std::string(body);
    }
    std::string extension;
    if (offset != 0 || more) {
      extension = be(protocol, 1) + be(0, 1) + be(offset | (more ? 1u : 0u), 2) + be(id, 4);
    }
    const auto raw = [](const base::IpAddr& a) {
      return std::string(reinterpret_cast<const char*>(a.bytes.data()), 16);
    };
    return "\x60" + be(0, 3) + be(extension.size() + body.size(), 2) +
           be(extension.empty() ? protocol : 44, 1) + be(64, 1) + raw(src) + raw(dst) + extension +
           std::string(body);
  }
  std::string packet(std::string_view payload) const { return ip(udp(payload)); }
  // The datagram in fragments of at most `size` bytes (rounded down to 8), in order.
  std::vector<std::string> fragments(std::string_view payload, size_t size, uint16_t id) const {
    const std::string whole = udp(payload);
    std::vector<std::string> all;
    const size_t step = size / 8 * 8;
    for (size_t at = 0; at < whole.size(); at += step) {
      const bool more = at + step < whole.size();
      all.push_back(ip(std::string_view(whole).substr(at, step), static_cast<unsigned>(at), more, id));
    }
    return all;
  }
  std::string ether_type() const { return src.is_v4() ? be(0x0800, 2) : be(0x86dd, 2); }
};

inline std::string ethernet(std::string_view ip_with_type) {
  return std::string(12, '\x02') + std::string(ip_with_type);
}

class PcapWriter {
 public:
  struct Options {
    bool ng = false;
    bool big_endian = false;
    bool nano = false;
    uint16_t link_type = kLinkEthernet;
    uint32_t snap = 262144;
  };
  PcapWriter() : PcapWriter(Options()) {}
  explicit PcapWriter(Options options) : o_(options) {
    if (!o_.ng) {
      text_ = u32(o_.nano ? 0xa1b23c4d : 0xa1b2c3d4) + u16(2) + u16(4) + u32(0) + u32(0) + u32(o_.snap) +
              u32(o_.link_type);
      return;
    }
    block(0x0a0d0d0a, u32(0x1a2b3c4d) + u16(1) + u16(0) + u64(~uint64_t{0}));
    std::string tsresol;
    if (o_.nano) tsresol = u16(9) + u16(1) + std::string("\x09\0\0\0", 4) + u16(0) + u16(0);
    block(1, u16(o_.link_type) + u16(0) + u32(o_.snap) + tsresol);
  }

  void add(base::TimeMs time_ms, std::string_view bytes) {
    const std::string_view cut = bytes.substr(0, o_.snap);
    const auto ms = static_cast<uint64_t>(time_ms);
    if (o_.ng) {
      const uint64_t ticks = ms * (o_.nano ? 1000000 : 1000);
      block(6, u32(0) + u32(ticks >> 32) + u32(ticks) + u32(cut.size()) + u32(bytes.size()) + pad(cut));
      return;
    }
    text_ += u32(ms / 1000) + u32(ms % 1000 * (o_.nano ? 1000000 : 1000)) + u32(cut.size()) +
             u32(bytes.size()) + std::string(cut);
  }
  void add_simple(std::string_view bytes) { block(3, u32(bytes.size()) + pad(bytes)); }
  void add_obsolete(base::TimeMs time_ms, std::string_view bytes) {
    const uint64_t ticks = static_cast<uint64_t>(time_ms) * 1000;
    block(2, u16(0) + u16(0) + u32(ticks >> 32) + u32(ticks) + u32(bytes.size()) + u32(bytes.size()) +
                 pad(bytes));
  }
  void block(uint32_t type, std::string_view body) {
    text_ += u32(type) + u32(body.size() + 12) + std::string(body) + u32(body.size() + 12);
  }
  const std::string& text() const { return text_; }

 private:
  std::string number(uint64_t v, int size) const {
    std::string s = be(v, size);
    if (!o_.big_endian) std::reverse(s.begin(), s.end());
    return s;
  }
  std::string u16(uint64_t v) const { return number(v & 0xffff, 2); }
  std::string u32(uint64_t v) const { return number(v & 0xffffffff, 4); }
  std::string u64(uint64_t v) const { return number(v, 8); }
  static std::string pad(std::string_view s) {
    return std::string(s) + std::string((4 - s.size() % 4) % 4, '\0');
  }

  Options o_;
  std::string text_;
};

}  // namespace netflowgen::flow

// Captured packets -> UDP datagrams: link layers, VLAN tags, IPv4 and IPv6 with extension headers, fragments
// put together (RFC 791, RFC 8200 section 4.5). One thread; time is the packets' own.
//
// Invariants: 1. Every packet is emitted as a datagram, held as a fragment, or dropped with a reason. 2. Held
// fragments are bounded: kMaxFragmented datagrams, kMaxFragmentBytes in all, kFragmentLife_ms each. 3.
// Overlapping fragments are never merged (RFC 5722), whatever the family.
#pragma once

#include <cstdint>
#include <list>
#include <map>
#include <vector>

#include "base/ledger.h"
#include "flow/capture/pcap_reader.h"
#include "flow/datagram.h"

namespace netflowgen::flow {

enum class ExtractDrop : uint8_t {
  kLinkType,   // a link type that is not read
  kNotIp,      // ARP, LLDP, ...
  kBadHeader,  // lengths that do not fit
  kNotUdp,
  kMerged,  // a fragment whose datagram another fragment completed
  kFragmentOverlap,
  kFragmentLost,     // the rest of the datagram did not come in time
  kFragmentEvicted,  // too many at once
  kCount
};
constexpr std::string_view name_of(ExtractDrop reason) {
  constexpr std::string_view kNames[] = {"link_type",     "not_ip",          "bad_header",
                                         "not_udp",       "merged",          "fragment_overlap",
                                         "fragment_lost", "fragment_evicted"};
  return kNames[static_cast<size_t>(reason)];
}

class UdpExtractor {
 public:
  static constexpr size_t kMaxFragmented = 4096;
  static constexpr size_t kMaxFragmentBytes = size_t{16} << 20;
  static constexpr base::TimeMs kFragmentLife_ms = 60'000;

  // True: `datagram` holds a UDP payload, valid until the next call and as long as the packet's bytes.
  bool extract(const Packet& packet, Datagram& datagram);
  // The end of input: what is held is lost.
  void finish();

  const base::Ledger<ExtractDrop>& ledger() const { return ledger_; }
  uint64_t cut_by_capture() const {
    return cut_;
  }  // datagrams that the capture length shortened; still emitted
  size_t held_bytes() const { return held_bytes_; }

 private:
  struct Key {
    IpAddr src;
    IpAddr dst;
    uint32_t id = 0;
    auto operator<=>(const Key&) const = default;
  };
  struct Fragment {
    uint32_t offset = 0;
    std::vector<uint8_t> bytes;
  };
  struct Assembly {
    base::TimeMs first_ms = 0;
    uint32_t total = 0;  // 0: the last fragment has not come
    uint32_t have = 0;
    std::vector<Fragment> fragments;
    std::list<Key>::iterator age;
  };
  struct Ip {  // what a header says about its payload
    IpAddr src;
    IpAddr dst;
    uint8_t protocol = 0;
    Bytes payload;
    size_t missing = 0;  // bytes of the payload that the capture length cut off
    bool fragment = false;
    bool more = false;
    uint32_t id = 0;
    uint32_t offset = 0;
  };

  bool drop(ExtractDrop reason);
  bool strip_link(const Packet& packet, Bytes& ip);
  static bool parse_ip(Bytes bytes, Ip& ip);
  static bool parse_v4(Bytes bytes, Ip& ip);
  static bool parse_v6(Bytes bytes, Ip& ip);
  bool emit(const Ip& ip, base::TimeMs time_ms, Datagram& datagram);
  bool add_fragment(const Ip& ip, base::TimeMs time_ms, Datagram& datagram);
  bool assemble(std::map<Key, Assembly>::iterator it, const Ip& ip, base::TimeMs time_ms, Datagram& datagram);
  void forget(std::map<Key, Assembly>::iterator it, ExtractDrop reason);
  void expire(base::TimeMs now);

  std::map<Key, Assembly> assemblies_;
  std::list<Key> ages_;  // oldest first
  size_t held_bytes_ = 0;
  uint64_t held_ = 0;
  std::vector<uint8_t> assembled_;
  uint64_t cut_ = 0;
  base::Ledger<ExtractDrop> ledger_;
};

}  // namespace netflowgen::flow

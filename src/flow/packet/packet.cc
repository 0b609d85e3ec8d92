#include "flow/packet/packet.h"

#include <cstring>

namespace netflowgen::flow {
namespace {

using base::Bytes;
using base::Cursor;

enum EtherType : uint16_t {
  kEtherIpv4 = 0x0800,
  kEtherBridging = 0x6558,  // Ethernet in GRE
  kEtherVlan = 0x8100,
  kEtherIpv6 = 0x86dd,
  kEtherMpls = 0x8847,
  kEtherMplsMulticast = 0x8848,
  kEtherPppoe = 0x8864,
  kEtherQinq = 0x88a8,
  kEtherErspan = 0x88be,
  kEtherErspan3 = 0x22eb,
};

enum IpProtocol : uint8_t {
  kHopByHop = 0,
  kIpInIp = 4,
  kIpv6InIp = 41,
  kRouting = 43,
  kFragment = 44,
  kAuthentication = 51,
  kNoNext = 59,
  kDestination = 60,
  kDccp = 33,
  kSctp = 132,
  kMobility = 135,
  kUdpLite = 136,
  kMplsInIp = 137,
  kEthernetInIp = 143,
};

constexpr uint16_t kVxlanPort = 4789;
constexpr uint16_t kGenevePort = 6081;

// What the next header is. A parser step reads one header and returns what follows; kStop ends.
enum class Next : uint8_t { kStop, kEthernet, kEtherType, kIp, kIpv4, kIpv6, kMpls, kPpp };

class Parser {
 public:
  Parser(Bytes bytes, PacketHeaders& out) : c_(bytes), out_(out) {}

  void run(PacketLink link) {
    Next next = first(link);
    for (int i = 0; i < PacketHeaders::kMaxLayers && next != Next::kStop && c_.ok(); ++i) next = step(next);
  }

 private:
  static Next first(PacketLink link) {
    switch (link) {
      case PacketLink::kEthernet:
        return Next::kEthernet;
      case PacketLink::kIp:
        return Next::kIp;
      case PacketLink::kMpls:
        return Next::kMpls;
      case PacketLink::kPpp:
        return Next::kPpp;
      case PacketLink::kEtherType:
        return Next::kEtherType;
    }
    return Next::kStop;
  }

  Next step(Next next) {
    switch (next) {
      case Next::kEthernet:
        return ethernet();
      case Next::kEtherType:
        return ether_type();
      case Next::kIp:
        return by_nibble();
      case Next::kIpv4:
        return ipv4();
      case Next::kIpv6:
        return ipv6();
      case Next::kMpls:
        return mpls();
      case Next::kPpp:
        return ppp();
      case Next::kStop:
        break;
    }
    return Next::kStop;
  }

  uint16_t offset() const { return static_cast<uint16_t>(std::min<size_t>(c_.position(), 0xffff)); }
  uint8_t peek() const {
    Cursor copy = c_;
    return copy.u8();
  }

  Next by_nibble() {
    const uint8_t version = peek() >> 4;
    return version == 4 ? Next::kIpv4 : version == 6 ? Next::kIpv6 : Next::kStop;
  }

  Next ethernet() {
    const Bytes macs = c_.bytes(12);
    if (c_.failed()) return Next::kStop;
    if (!out_.has_mac) {
      std::memcpy(out_.dst_mac, macs.data(), 6);
      std::memcpy(out_.src_mac, macs.data() + 6, 6);
      out_.has_mac = true;
    }
    return ether_type();
  }

  // The two octets behind the addresses: a type, a tag, or the length of an LLC frame.
  Next ether_type() {
    uint16_t type = c_.u16();
    if (type < 0x0600 && c_.left() >= 8) {  // IEEE 802.3: LLC, then SNAP
      Cursor llc = c_;
      if (llc.u8() == 0xaa && llc.u8() == 0xaa && llc.u8() == 0x03 && llc.u16() == 0 && llc.u8() == 0) {
        type = llc.u16();
        c_ = llc;
      }
    }
    if (c_.failed()) return Next::kStop;
    switch (type) {
      case kEtherVlan:
      case kEtherQinq:
      case 0x9100:
      case 0x9200:
        return vlan_tag();
      default:
        break;
    }
    if (out_.ether_type == 0) out_.ether_type = type;
    return by_type(type);
  }

  Next vlan_tag() {
    const uint16_t id = c_.u16() & 0x0fff;
    if (c_.failed()) return Next::kStop;
    if (out_.ip_layers == 0) {
      (out_.has_vlan ? out_.inner_vlan : out_.vlan) = id;
      out_.has_vlan = true;
    }
    return Next::kEtherType;
  }

  Next by_type(uint16_t type) {
    switch (type) {
      case kEtherIpv4:
        return Next::kIpv4;
      case kEtherIpv6:
        return Next::kIpv6;
      case kEtherMpls:
      case kEtherMplsMulticast:
        return Next::kMpls;
      case kEtherBridging:
        return Next::kEthernet;
      case kEtherPppoe:
        c_.skip(6);
        return Next::kPpp;
      case kEtherErspan:
        c_.skip(8);
        return Next::kEthernet;
      case kEtherErspan3: {  // draft-foschiano-erspan-03 section 4.3: the last bit is set where a subheader follows
        c_.skip(11);
        const bool more = (c_.u8() & 1) != 0;
        if (more) c_.skip(8);
        return c_.ok() ? Next::kEthernet : Next::kStop;
      }
      default:
        return Next::kStop;
    }
  }

  Next ppp() {
    uint16_t protocol = c_.u16();
    if (protocol == 0xff03) protocol = c_.u16();  // address and control octets not compressed
    switch (protocol) {
      case 0x0021:
        return Next::kIpv4;
      case 0x0057:
        return Next::kIpv6;
      case 0x0281:
        return Next::kMpls;
      default:
        return Next::kStop;
    }
  }

  // RFC 3032; what follows the last label has no type: IP by its first nibble (RFC 4928), else a
  // pseudowire, with (first nibble 0, RFC 4448) or without control word.
  Next mpls() {
    uint32_t entry = 0;
    do {
      entry = c_.u32();
      if (c_.failed()) return Next::kStop;
      if (!out_.has_mpls) {
        out_.mpls_label = entry >> 12;
        out_.has_mpls = true;
      }
    } while ((entry & 0x100) == 0);
    if (c_.left() == 0) return Next::kStop;
    const uint8_t nibble = peek() >> 4;
    if (nibble == 4) return Next::kIpv4;
    if (nibble == 6) return Next::kIpv6;
    if (nibble == 0) c_.skip(4);
    return Next::kEthernet;
  }

  Next ipv4() {
    Cursor h = c_;
    const uint8_t first = h.u8();
    const size_t header = (first & 0x0fu) * 4u;
    if (first >> 4 != 4 || header < 20 || h.left() < 19) return Next::kStop;
    IpLayer ip;
    ip.at = offset();
    ip.tos = h.u8();
    ip.length = h.u16();
    ip.fragment_id = h.u16();
    const uint16_t fragment = h.u16();
    ip.fragment = (fragment & 0x3fff) != 0;
    ip.fragment_offset = static_cast<uint16_t>((fragment & 0x1fff) * 8);
    ip.ttl = h.u8();
    ip.protocol = h.u8();
    h.skip(2);
    ip.src = IpAddr::v4(h.u32());
    ip.dst = IpAddr::v4(h.u32());
    c_.skip(header);
    return transport(ip, (fragment & 0x1fff) != 0 || c_.failed());
  }

  Next ipv6() {
    if (c_.left() < 40 || peek() >> 4 != 6) return Next::kStop;
    IpLayer ip;
    ip.at = offset();
    ip.tos = static_cast<uint8_t>(c_.u32() >> 20);
    ip.length = 40u + c_.u16();
    ip.protocol = c_.u8();
    ip.ttl = c_.u8();
    std::memcpy(ip.src.bytes.data(), c_.bytes(16).data(), 16);
    std::memcpy(ip.dst.bytes.data(), c_.bytes(16).data(), 16);
    const bool opaque = extension_headers(ip);
    return transport(ip, opaque);
  }

  // RFC 8200 section 4. True when what follows is not the transport header: a later fragment, or cut off.
  bool extension_headers(IpLayer& ip) {
    for (int i = 0; i < PacketHeaders::kMaxLayers; ++i) {
      switch (ip.protocol) {
        case kHopByHop:
        case kRouting:
        case kDestination:
        case kMobility:
        case 139:    // HIP
        case 140: {  // Shim6
          const uint8_t next = c_.u8();
          c_.skip(c_.u8() * 8u + 6u);
          if (c_.failed()) return true;
          ip.protocol = next;
          break;
        }
        case kAuthentication: {
          const uint8_t next = c_.u8();
          c_.skip(c_.u8() * 4u + 6u);
          if (c_.failed()) return true;
          ip.protocol = next;
          break;
        }
        case kFragment: {
          const uint8_t next = c_.u8();
          c_.skip(1);
          const uint16_t offset = c_.u16();
          const uint32_t id = c_.u32();
          if (c_.failed()) return true;
          ip.protocol = next;
          ip.fragment = true;
          ip.fragment_id = id;
          ip.fragment_offset = offset & 0xfff8;
          if (ip.fragment_offset != 0) return true;
          break;
        }
        default:
          return ip.protocol == kNoNext;
      }
    }
    return true;
  }

  Next transport(IpLayer& ip, bool opaque) {
    Next next = Next::kStop;
    if (!opaque) next = by_protocol(ip);
    ip.payload_at = offset();
    if (out_.ip_layers++ == 0) out_.outer = ip;
    out_.inner = ip;
    return next;
  }

  Next by_protocol(IpLayer& ip) {
    switch (ip.protocol) {
      case kIcmp:
      case kIcmp6:
        if (c_.left() >= 2) {
          ip.icmp_type_code = c_.u16();
          ip.has_icmp = true;
        }
        return Next::kStop;
      case kTcp:
        return tcp(ip);
      case kUdp:
        return udp(ip);
      case kUdpLite:
      case kSctp:
      case kDccp:
        ports(ip);
        return Next::kStop;
      case kIpInIp:
        return Next::kIpv4;
      case kIpv6InIp:
        return Next::kIpv6;
      case kMplsInIp:
        return Next::kMpls;
      case kEthernetInIp:
        c_.skip(2);
        return Next::kEthernet;
      case kGre:
        return gre();
      default:
        return Next::kStop;
    }
  }

  void ports(IpLayer& ip) {
    if (c_.left() < 4) return;
    ip.src_port = c_.u16();
    ip.dst_port = c_.u16();
    ip.has_ports = true;
  }

  Next tcp(IpLayer& ip) {
    ports(ip);
    if (ip.has_ports && c_.left() >= 10) {
      c_.skip(9);
      ip.tcp_flags = c_.u8();
      ip.has_flags = true;
    }
    return Next::kStop;
  }

  Next udp(IpLayer& ip) {
    ports(ip);
    if (!ip.has_ports || c_.left() < 4) return Next::kStop;
    c_.skip(4);
    Cursor tunnel = c_;
    if (ip.dst_port == kVxlanPort) {  // RFC 7348 section 5: the I flag must be set
      const uint32_t flags = tunnel.u32();
      tunnel.skip(4);
      if (tunnel.failed() || (flags & 0x08000000) == 0) return Next::kStop;
      c_ = tunnel;
      return Next::kEthernet;
    }
    if (ip.dst_port == kGenevePort) {  // RFC 8926 section 3.4
      const uint8_t first = tunnel.u8();
      tunnel.skip(1);
      const uint16_t type = tunnel.u16();
      tunnel.skip(4u + (first & 0x3fu) * 4u);
      if (tunnel.failed() || first >> 6 != 0) return Next::kStop;
      c_ = tunnel;
      return by_type(type);
    }
    return Next::kStop;
  }

  Next gre() {  // RFC 2784, RFC 2890; version 1 (PPTP) carries PPP that is compressed more often than not
    const uint16_t flags = c_.u16();
    const uint16_t type = c_.u16();
    if ((flags & 7) != 0) return Next::kStop;
    if (flags & 0x8000) c_.skip(4);
    if (flags & 0x2000) c_.skip(4);
    if (flags & 0x1000) c_.skip(4);
    if (c_.failed()) return Next::kStop;
    if (type == kEtherErspan && (flags & 0x1000) == 0) return Next::kEthernet;  // ERSPAN type I: no header
    return by_type(type);
  }

  Cursor c_;
  PacketHeaders& out_;
};

}  // namespace

PacketHeaders parse_packet(Bytes bytes, PacketLink link) {
  PacketHeaders out;
  Parser(bytes, out).run(link);
  return out;
}

}  // namespace netflowgen::flow

#include "detect/filter.h"

#include <fmt/format.h>

#include <algorithm>

namespace netflowgen::detect {
namespace {

constexpr uint64_t kMostNftRate = 18'000'000'000;  // bytes a second: the kernel counts nanoseconds in 64 bits
constexpr uint8_t kIcmp = 1;
constexpr uint8_t kTcp = 6;
constexpr uint8_t kUdp = 17;
constexpr uint8_t kGre = 47;
constexpr uint8_t kIcmp6 = 58;
constexpr unsigned kV4Offset = 96;  // of an IPv4 prefix's length in the 128-bit form

// RFC 8955 section 4.2.2: component types.
enum Component : uint8_t {
  kDestination = 1,
  kSource = 2,
  kProtocol = 3,
  kDestinationPort = 5,
  kSourcePort = 6,
  kTcpFlags = 9,
  kFragment = 12,
};
// Section 4.2.1.1: operator octet: end of list, length 1 << len, equal.
constexpr uint8_t kEnd = 0x80;
constexpr uint8_t kTwoOctets = 0x10;
constexpr uint8_t kEqual = 0x01;
// Section 4.2.1.2: bitmask operator: match means all bits of the value are set.
constexpr uint8_t kMatch = 0x01;
constexpr uint8_t kNot = 0x02;
constexpr uint8_t kAnd = 0x40;
constexpr uint8_t kFlagSyn = 0x02;
constexpr uint8_t kFlagAck = 0x10;
constexpr uint8_t kIsFragment = 0x02;     // section 4.2.2.12: IsF
constexpr uint8_t kFirstFragment = 0x04;  // FF

bool v4(const Filter& f) { return f.destination.address.is_v4(); }

void append_prefix(std::vector<uint8_t>& out, uint8_t type, const base::Prefix& p) {
  const bool four = p.address.is_v4();
  const unsigned length = four ? p.length - kV4Offset : p.length;
  out.push_back(type);
  out.push_back(static_cast<uint8_t>(length));
  if (!four) out.push_back(0);  // RFC 8956 section 3.1: offset
  const size_t first = four ? 12 : 0;
  for (size_t i = 0; i < (length + 7) / 8; ++i) out.push_back(p.address.bytes[first + i]);
}

void append_port(std::vector<uint8_t>& out, uint8_t type, uint16_t port) {
  out.push_back(type);
  if (port < 256) {
    out.push_back(kEnd | kEqual);
  } else {
    out.push_back(kEnd | kTwoOctets | kEqual);
    out.push_back(static_cast<uint8_t>(port >> 8));
  }
  out.push_back(static_cast<uint8_t>(port & 0xff));
}

// "192.0.2.1" for a host, "192.0.2.0/24" else.
std::string nft_address(const base::Prefix& p) {
  const std::string text = p.to_string();
  return p.length == 128 ? text.substr(0, text.find('/')) : text;
}

// Always with its length, as FlowSpec speaks of prefixes.
std::string flowspec_prefix(const base::Prefix& p) {
  const std::string text = p.to_string();
  if (text.find('/') != std::string::npos) return text;
  return text + (p.address.is_v4() ? "/32" : "/128");
}

// The name that nftables, GoBGP and ExaBGP have for a protocol, or "".
std::string_view protocol_name(uint8_t protocol) {
  switch (protocol) {
    case kIcmp:
      return "icmp";
    case kTcp:
      return "tcp";
    case kUdp:
      return "udp";
    case kGre:
      return "gre";
    default:
      return "";
  }
}

std::string upper(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = static_cast<char>(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
  return out;
}

// Bytes a second, without a fraction: both FlowSpec tools read a rate as a number of bytes (RFC 8955 section
// 7.1).
uint64_t rate_of(const Filter& f) { return static_cast<uint64_t>(std::clamp(f.rate_bytes, 1.0, 1e15)); }

}  // namespace

std::string_view name_of(FilterAction action) {
  constexpr std::string_view kNames[] = {"drop", "rate limit", "none"};
  return kNames[static_cast<size_t>(action)];
}

std::string match_text(const Filter& f) {
  std::string text = "traffic";
  if (f.protocol) {
    const auto name = protocol_name(*f.protocol);
    text = *f.protocol == kIcmp6 ? "ICMPv6"
           : name.empty()        ? fmt::format("protocol {}", *f.protocol)
                                 : upper(name);
  }
  if (f.fragments) text += " fragments";
  if (f.source) text += " from " + nft_address(*f.source);
  if (f.src_port) text += fmt::format("{} port {}", f.source ? "" : " from", *f.src_port);
  text += " to " + nft_address(f.destination);
  if (f.dst_port) text += fmt::format(" port {}", *f.dst_port);
  if (f.syn_only) text += ", SYN without ACK";
  return text;
}

std::string gobgp_command(const Filter& f) {
  if (f.action == FilterAction::kNone) return "";
  std::string text = fmt::format("gobgp global rib -a ipv{}-flowspec add match destination {}", v4(f) ? 4 : 6,
                                 flowspec_prefix(f.destination));
  if (f.source) text += " source " + flowspec_prefix(*f.source);
  if (f.protocol) {
    const auto name = protocol_name(*f.protocol);
    text += name.empty() ? fmt::format(" protocol '=={}'", *f.protocol) : fmt::format(" protocol {}", name);
  }
  if (f.dst_port) text += fmt::format(" destination-port '=={}'", *f.dst_port);
  if (f.src_port) text += fmt::format(" source-port '=={}'", *f.src_port);
  if (f.syn_only) text += " tcp-flags '=S&!=A'";
  if (f.fragments) text += " fragment '=is-fragment =first-fragment'";
  return text +
         (f.action == FilterAction::kDrop ? " then discard" : fmt::format(" then rate-limit {}", rate_of(f)));
}

std::string exabgp_line(const Filter& f) {
  if (f.action == FilterAction::kNone) return "";
  std::string match = fmt::format("destination {};", flowspec_prefix(f.destination));
  if (f.source) match += fmt::format(" source {};", flowspec_prefix(*f.source));
  if (f.protocol) match += fmt::format(" {} ={};", v4(f) ? "protocol" : "next-header", *f.protocol);
  if (f.dst_port) match += fmt::format(" destination-port ={};", *f.dst_port);
  if (f.src_port) match += fmt::format(" source-port ={};", *f.src_port);
  if (f.syn_only) match += " tcp-flags =syn&!=ack;";
  if (f.fragments) match += " fragment [ =is-fragment =first-fragment ];";
  const std::string then =
      f.action == FilterAction::kDrop ? "discard" : fmt::format("rate-limit {}", rate_of(f));
  return fmt::format("announce flow route {{ match {{ {} }} then {{ {}; }} }}", match, then);
}

std::string flowspec_nlri(const Filter& f) {
  std::vector<uint8_t> body;  // components by ascending type
  append_prefix(body, kDestination, f.destination);
  if (f.source) append_prefix(body, kSource, *f.source);
  if (f.protocol) body.insert(body.end(), {kProtocol, kEnd | kEqual, *f.protocol});
  if (f.dst_port) append_port(body, kDestinationPort, *f.dst_port);
  if (f.src_port) append_port(body, kSourcePort, *f.src_port);
  if (f.syn_only) {
    body.insert(body.end(), {kTcpFlags, kMatch, kFlagSyn, kEnd | kAnd | kNot | kMatch, kFlagAck});
  }
  if (f.fragments) body.insert(body.end(), {kFragment, kMatch, kIsFragment, kEnd | kMatch, kFirstFragment});
  std::string hex = fmt::format("{:02x}", body.size());  // below 240 octets: one octet of length
  for (const uint8_t byte : body) hex += fmt::format("{:02x}", byte);
  return hex;
}

std::string nftables_line(const Filter& f) {
  if (f.action == FilterAction::kNone) return "";
  const std::string ip = v4(f) ? "ip" : "ip6";
  std::string match = fmt::format("{} daddr {}", ip, nft_address(f.destination));
  if (f.source) match += fmt::format(" {} saddr {}", ip, nft_address(*f.source));
  const bool ports = f.dst_port || f.src_port || f.syn_only;
  if (f.protocol && !(ports && (*f.protocol == kTcp || *f.protocol == kUdp))) {
    const auto name = *f.protocol == kIcmp6 ? "ipv6-icmp" : protocol_name(*f.protocol);
    match +=
        name.empty() ? fmt::format(" meta l4proto {}", *f.protocol) : fmt::format(" meta l4proto {}", name);
  }
  const std::string l4 = f.protocol && *f.protocol == kUdp ? "udp" : "tcp";
  if (f.src_port) match += fmt::format(" {} sport {}", l4, *f.src_port);
  if (f.dst_port) match += fmt::format(" {} dport {}", l4, *f.dst_port);
  if (f.syn_only) match += " tcp flags & (syn | ack) == syn";
  if (f.fragments) match += v4(f) ? " ip frag-off & 0x3fff != 0" : " exthdr frag exists";
  const std::string limit =
      f.action == FilterAction::kDrop
          ? ""
          : fmt::format(" limit rate over {} bytes/second", std::min<uint64_t>(rate_of(f), kMostNftRate));
  // Quoted: a shell must not see the & and the brackets.
  return fmt::format("nft 'add rule inet filter forward {}{} counter drop'", match, limit);
}

}  // namespace netflowgen::detect

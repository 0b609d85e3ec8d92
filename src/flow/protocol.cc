#include "flow/protocol.h"

#include <array>
#include <charconv>
#include <cstring>
#include <utility>

namespace netflowgen::flow {
namespace {

constexpr std::array<std::string_view, 146> kNames{
    "hopopt",      "icmp",       "igmp",        "ggp",        "ipv4",
    "st",          "tcp",        "cbt",         "egp",        "igp",
    "bbn-rcc-mon", "nvp-ii",     "pup",         "argus",      "emcon",
    "xnet",        "chaos",      "udp",         "mux",        "dcn-meas",
    "hmp",         "prm",        "xns-idp",     "trunk-1",    "trunk-2",
    "leaf-1",      "leaf-2",     "rdp",         "irtp",       "iso-tp4",
    "netblt",      "mfe-nsp",    "merit-inp",   "dccp",       "3pc",
    "idpr",        "xtp",        "ddp",         "idpr-cmtp",  "tp++",
    "il",          "ipv6",       "sdrp",        "ipv6-route", "ipv6-frag",
    "idrp",        "rsvp",       "gre",         "dsr",        "bna",
    "esp",         "ah",         "i-nlsp",      "swipe",      "narp",
    "min-ipv4",    "tlsp",       "skip",        "ipv6-icmp",  "ipv6-nonxt",
    "ipv6-opts",   "",           "cftp",        "",           "sat-expak",
    "kryptolan",   "rvd",        "ippc",        "",           "sat-mon",
    "visa",        "ipcv",       "cpnx",        "cphb",       "wsn",
    "pvp",         "br-sat-mon", "sun-nd",      "wb-mon",     "wb-expak",
    "iso-ip",      "vmtp",       "secure-vmtp", "vines",      "iptm",
    "nsfnet-igp",  "dgp",        "tcf",         "eigrp",      "ospf",
    "sprite-rpc",  "larp",       "mtp",         "ax.25",      "ipip",
    "micp",        "scc-sp",     "etherip",     "encap",      "",
    "gmtp",        "ifmp",       "pnni",        "pim",        "aris",
    "scps",        "qnx",        "a/n",         "ipcomp",     "snp",
    "compaq-peer", "ipx-in-ip",  "vrrp",        "pgm",        "",
    "l2tp",        "ddx",        "iatp",        "stp",        "srp",
    "uti",         "smp",        "sm",          "ptp",        "isis",
    "fire",        "crtp",       "crudp",       "sscopmce",   "iplt",
    "sps",         "pipe",       "sctp",        "fc",         "rsvp-e2e-ignore",
    "mobility",    "udplite",    "mpls-in-ip",  "manet",      "shim6",
    "wesp",        "rohc",       "ethernet",    "aggfrag",    "nsh",
    "homa",
};

// What nfdump, Argus and Zeek write instead. rtp, rtcp and udt are Argus's guesses at a UDP payload.
constexpr std::pair<std::string_view, uint8_t> kAliases[] = {
    {"icmp6", 58},  {"icmpv6", 58}, {"ipnip", 4},   {"ipencap", 4}, {"rtp", 17},     {"rtcp", 17},
    {"udt", 17},    {"udtv", 17},   {"mobile", 55}, {"sep", 33},    {"ospfigp", 89}, {"ip", 0},
    {"ipcmp", 108}, {"udpl", 136},  {"route6", 43}, {"frag6", 44},  {"nohe6", 59},   {"opts6", 60},
    {"isoip", 80},  {"mhrp", 48},   {"meinp", 32},
};

constexpr std::string_view kNotIp[] = {"arp",  "rarp", "llc",      "ipx/spx", "ipx",
                                       "lldp", "loop", "stp-bpdu", "man"};

constexpr size_t kLongestName = 15;

// Lower case in `buffer`; empty when the text is too long to be a name.
std::string_view lower(std::string_view text, std::array<char, kLongestName>& buffer) {
  if (text.size() > buffer.size()) return {};
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    buffer[i] = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  }
  return {buffer.data(), text.size()};
}

std::optional<uint8_t> find_name(std::string_view text) {
  std::array<char, kLongestName> buffer;
  const std::string_view name = lower(text, buffer);
  if (name.empty()) return std::nullopt;
  for (size_t i = 0; i < kNames.size(); ++i) {
    if (kNames[i] == name) return static_cast<uint8_t>(i);
  }
  for (const auto& [alias, number] : kAliases) {
    if (alias == name) return number;
  }
  return std::nullopt;
}

}  // namespace

std::string_view protocol_name(uint8_t protocol) {
  return protocol < kNames.size() ? kNames[protocol] : std::string_view();
}

std::optional<uint8_t> parse_protocol(std::string_view text) {
  if (text.size() == 3) {  // the two that most rows hold
    uint32_t word = 0;
    std::memcpy(&word, text.data(), 3);
    word |= 0x202020;
    if (word == 0x706374) return uint8_t{6};   // "tcp", little-endian
    if (word == 0x706475) return uint8_t{17};  // "udp"
  }
  uint8_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error == std::errc() && end == text.data() + text.size()) return number;
  return find_name(text);
}

bool is_not_ip(std::string_view text) {
  std::array<char, kLongestName> buffer;
  const std::string_view name = lower(text, buffer);
  for (const std::string_view other : kNotIp) {
    if (other == name) return true;
  }
  return false;
}

}  // namespace netflowgen::flow

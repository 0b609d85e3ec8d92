// A suggested filter: what an operator could drop, as an RFC 8955 (IPv6: RFC 8956) FlowSpec rule and as an
// nftables line. A suggestion only: nothing here is applied anywhere.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/ip.h"

namespace netflowgen::detect {

// All parts that are set must match.
struct Filter {
  base::Prefix destination;
  std::optional<base::Prefix> source;  // of the destination's family
  std::optional<uint8_t> protocol;     // 1, 6, 17, 47, 58, ...
  std::optional<uint16_t> src_port;
  std::optional<uint16_t> dst_port;
  bool syn_only = false;  // TCP: SYN and no ACK
  bool fragments = false;
  double covers = 0;  // share of the packets seen during the alert that it matches; 0: not known

  bool operator==(const Filter&) const = default;
};

// "destination 192.0.2.1/32, protocol = 17, source-port = 53"
std::string flowspec_text(const Filter& filter);
// The NLRI, length included (RFC 8955 section 4, RFC 8956 section 3), in hex digits.
std::string flowspec_nlri(const Filter& filter);
// "nft add rule inet filter forward ip daddr 192.0.2.1 udp sport 53 counter drop"
std::string nftables_line(const Filter& filter);

}  // namespace netflowgen::detect

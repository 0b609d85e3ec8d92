// A suggested filter: what an operator could drop or rate-limit, as an RFC 8955 (IPv6: RFC 8956) FlowSpec
// rule and as an nftables line. A suggestion only: nothing here is applied anywhere.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/ip.h"

namespace netflowgen::detect {

enum class FilterAction : uint8_t {
  kDrop,
  kRateLimit,
  kNone,  // no rule: it would cut off the service that it is to protect, `reason` has the figure
};
std::string_view name_of(FilterAction action);  // "drop", "rate limit", "none"

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
  // Share of the node's usual packets that it would hit (usual_traffic.h); NaN: not known.
  double collateral = std::numeric_limits<double>::quiet_NaN();
  uint64_t usual_flows = 0;  // that `collateral` rests on; 0: on the node's usual features
  FilterAction action = FilterAction::kDrop;
  double rate_bytes = 0;  // a second, of kRateLimit
  std::string reason;     // of kRateLimit and kNone: why it is no drop

  bool operator==(const Filter&) const = default;
};

// "TCP to 192.0.2.1/32 port 443, SYN without ACK": for people.
std::string match_text(const Filter& filter);
// A command of GoBGP 3 and 4: "gobgp global rib -a ipv4-flowspec add match ... then discard". "" for kNone.
std::string gobgp_command(const Filter& filter);
// A line of ExaBGP's API (4.2 and 5.0): "announce flow route { match { ... } then { ... } }"; what follows
// "announce flow " is its configuration's syntax. "" for kNone.
std::string exabgp_line(const Filter& filter);
// The NLRI, length included (RFC 8955 section 4, RFC 8956 section 3), in hex digits.
std::string flowspec_nlri(const Filter& filter);
// "nft add rule inet filter forward ip daddr 192.0.2.1 udp sport 53 counter drop". "" for kNone.
std::string nftables_line(const Filter& filter);

}  // namespace netflowgen::detect

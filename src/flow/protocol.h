// IP protocol numbers and their names (IANA "Protocol Numbers"), both ways.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace netflowgen::flow {

// Lower-case IANA keyword, "tcp"; empty for numbers without one.
std::string_view protocol_name(uint8_t protocol);

// A number ("6") or a name in any case, with the abbreviations that flow tools use ("ICMP6", "ipv6-icmp").
// nullopt: neither.
std::optional<uint8_t> parse_protocol(std::string_view text);

// "arp", "llc", ...: link-layer names that Argus writes where others write the IP protocol.
bool is_not_ip(std::string_view text);

}  // namespace netflowgen::flow

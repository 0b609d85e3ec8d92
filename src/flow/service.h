// Names of the services on TCP and UDP ports that traffic analysis meets, for people (IANA "Service Name and
// Transport Protocol Port Number Registry", and a few that are in wide use without a registration).
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace netflowgen::flow {

std::string_view service_name(uint16_t port, uint8_t protocol);  // "https"; empty: none
// The port of a service as tools print it, in any case, with the usual aliases ("www"); nullopt: not in the table.
std::optional<uint16_t> service_port(std::string_view name);

}  // namespace netflowgen::flow

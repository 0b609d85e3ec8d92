// Names of the services on TCP and UDP ports that traffic analysis meets, for people (IANA "Service Name and
// Transport Protocol Port Number Registry", and a few that are in wide use without a registration).
#pragma once

#include <cstdint>
#include <string_view>

namespace netflowgen::flow {

std::string_view service_name(uint16_t port, uint8_t protocol);  // "https"; empty: none

}  // namespace netflowgen::flow

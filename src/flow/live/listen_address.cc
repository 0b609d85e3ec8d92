#include "flow/live/listen_address.h"

#include <charconv>

namespace netflowgen::flow {

std::optional<ListenAddress> ListenAddress::parse(std::string_view text) {
  ListenAddress a;
  a.text = std::string(text);
  if (!text.starts_with("udp://")) return {};
  text.remove_prefix(6);
  const size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return {};
  const std::string_view port = text.substr(colon + 1);
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), a.port);
  if (error != std::errc() || end != port.data() + port.size()) return {};
  std::string_view host = text.substr(0, colon);
  if (host == "*" || host == "[::]") return a;
  if (host == "0.0.0.0") {
    a.any_v4 = true;
    return a;
  }
  if (host.starts_with('[') && host.ends_with(']')) {
    host = host.substr(1, host.size() - 2);
  } else if (host.find(':') != std::string_view::npos) {
    return {};  // an IPv6 address needs brackets, or its end and the port cannot be told apart
  }
  const auto address = base::IpAddr::parse(host);
  if (!address) return {};
  a.address = *address;
  return a;
}

}  // namespace netflowgen::flow

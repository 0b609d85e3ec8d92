// HTTP/1.1 with TLS or without, for handlers and for server-sent events. server.cc alone knows the library (Boost.Beast).
//
// A few threads serve every connection; a connection that waits costs memory and no thread. Handlers run on these threads and
// must not block for long; they may answer later, from any thread.
// Invariants: 1. Whatever a peer sends is bounded: connections (in all and by address), headers, body, time. 2. No handler
// runs and no Reply is taken after stop() has returned. 3. A handler that throws is answered with 500 and logged.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "serve/http/event_hub.h"
#include "serve/http/message.h"

namespace netflowgen::serve {

struct HttpOptions {
  std::vector<std::string> listen = {
      "127.0.0.1:8080"};  // ADDRESS:PORT, [::1]:8080; port 0: the system chooses
  int threads = 2;
  size_t connections = 12'000;             // in all
  size_t connections_per_address = 1'000;  // not of loopback addresses
  size_t header_bytes = 16 << 10;
  size_t body_bytes = 64 << 10;
  int64_t timeout_ms = 15'000;  // for a request to come, and for an answer to be taken
  int64_t idle_ms = 60'000;     // between requests
  int64_t beat_ms = 15'000;     // comments in streams of events
  std::string certificate;      // PEM files; both: TLS
  std::string key;
};

struct HttpCounts {
  uint64_t connections = 0;  // open
  uint64_t accepted = 0;
  uint64_t refused = 0;  // beyond the bounds
  uint64_t requests = 0;
  uint64_t timeouts = 0;
  uint64_t bad = 0;  // not HTTP, or larger than the bounds
};

class HttpServer {
 public:
  using Log = std::function<void(const std::string&)>;
  // Binds and starts to serve. Error: an address cannot be bound, a certificate cannot be read.
  HttpServer(HttpOptions options, Handler handler, EventHub& events, Log log);
  ~HttpServer();  // stops

  // Closes every connection. Answers that are being written are given `grace_ms`.
  void stop(int64_t grace_ms = 200);
  // Reads certificate and key again, for connections to come. Error: they cannot be read; the old ones stay.
  void reload_certificate();

  std::vector<std::string> addresses() const;  // "http://127.0.0.1:8080"
  HttpCounts counts() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// "127.0.0.1:8080" -> address and port; nullopt: neither that nor "[::1]:8080".
struct HttpAddress {
  std::string host;
  uint16_t port = 0;
  bool loopback = false;
};
std::optional<HttpAddress> parse_http_address(std::string_view text);

}  // namespace netflowgen::serve

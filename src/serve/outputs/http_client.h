// One HTTP request with libcurl: a bounded answer, a time-out, no redirects.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace netflowgen::serve {

struct HttpAnswer {
  long status = 0;
  std::string body;  // its first 4 KiB
};

// Error: no connection, no answer in time.
HttpAnswer http_post(const std::string& url, const std::string& body, const std::vector<std::string>& headers,
                     int64_t timeout_ms);

// Throws Error where it may be tried again (5xx, 408, 429), Refused where not (other than 2xx).
void check_answer(const HttpAnswer& answer, const std::string& url);

// Of an URL, without user, password and query, for logs.
std::string shown(const std::string& url);

// RFC 2104 with SHA-256, in hex.
std::string hmac_sha256_hex(const std::string& key, const std::string& text);

}  // namespace netflowgen::serve

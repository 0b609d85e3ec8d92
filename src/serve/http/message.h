// What a handler gets and gives: plain data, without sockets or a library's types, so that handlers are tested alone.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/ip.h"

namespace netflowgen::serve {

// What a caller may do; each role may do what those before it may.
enum class Role : uint8_t { kNone, kViewer, kOperator, kAdmin };
std::string_view name_of(Role role);  // "none", "viewer", "operator", "admin"
std::optional<Role> parse_role(std::string_view text);

struct Request {
  std::string method;             // "GET"
  std::string target;             // as sent
  std::vector<std::string> path;  // decoded segments: {"api", "v1", "nodes", "192.0.2.0/24"}
  std::map<std::string, std::string> query;
  std::map<std::string, std::string> headers;  // names in lower case
  std::string body;
  base::IpAddr peer;
  Role role = Role::kNone;

  std::string header(const std::string& name) const {
    const auto it = headers.find(name);
    return it == headers.end() ? "" : it->second;
  }
};

struct Response {
  int status = 200;
  std::string type = "application/json";
  std::string body;
  std::vector<std::pair<std::string, std::string>> headers = {};
  // Instead of a body: server-sent events from this id on, for as long as the client reads.
  std::optional<uint64_t> events_after = {};
};

// Takes the answer, once, from any thread.
using Reply = std::function<void(Response)>;
using Handler = std::function<void(const Request&, const Reply&)>;

// RFC 9457. `detail`: one sentence.
Response problem(int status, std::string_view detail);

// Path segments and query of a target; nullopt: not a valid one (a bad escape, a control character, "..", too long).
struct Target {
  std::vector<std::string> path;
  std::map<std::string, std::string> query;
};
std::optional<Target> parse_target(std::string_view target);

// The standard's words: "Not Found".
std::string_view reason_of(int status);

}  // namespace netflowgen::serve

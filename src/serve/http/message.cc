#include "serve/http/message.h"

#include "base/json.h"

namespace netflowgen::serve {
namespace {

constexpr size_t kLongestTarget = 8192;
constexpr size_t kMostQueryKeys = 64;

int hex(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// nullopt: a bad escape or a control character.
std::optional<std::string> decode(std::string_view text, bool plus_is_blank) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c == '%') {
      if (i + 2 >= text.size() || hex(text[i + 1]) < 0 || hex(text[i + 2]) < 0) return std::nullopt;
      c = static_cast<char>(hex(text[i + 1]) * 16 + hex(text[i + 2]));
      i += 2;
    } else if (c == '+' && plus_is_blank) {
      c = ' ';
    }
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) return std::nullopt;
    out += c;
  }
  return out;
}

bool parse_query(std::string_view text, std::map<std::string, std::string>& query) {
  while (!text.empty()) {
    const size_t end = std::min(text.find('&'), text.size());
    const std::string_view pair = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (pair.empty()) continue;
    const size_t equals = std::min(pair.find('='), pair.size());
    const auto key = decode(pair.substr(0, equals), true);
    const auto value = decode(pair.substr(std::min(equals + 1, pair.size())), true);
    if (!key || !value || query.size() >= kMostQueryKeys) return false;
    query[*key] = *value;
  }
  return true;
}

}  // namespace

std::string_view name_of(Role role) {
  constexpr std::string_view kNames[] = {"none", "viewer", "operator", "admin"};
  return kNames[static_cast<size_t>(role)];
}

std::optional<Role> parse_role(std::string_view text) {
  for (const Role r : {Role::kViewer, Role::kOperator, Role::kAdmin}) {
    if (name_of(r) == text) return r;
  }
  return std::nullopt;
}

std::optional<Target> parse_target(std::string_view target) {
  if (target.empty() || target.front() != '/' || target.size() > kLongestTarget) return std::nullopt;
  Target out;
  const size_t question = std::min(target.find('?'), target.size());
  if (question < target.size() && !parse_query(target.substr(question + 1), out.query)) return std::nullopt;
  std::string_view path = target.substr(1, question - 1);
  while (true) {
    const size_t slash = std::min(path.find('/'), path.size());
    auto segment = decode(path.substr(0, slash), false);
    if (!segment || *segment == ".." || *segment == ".") return std::nullopt;
    out.path.push_back(std::move(*segment));
    if (slash == path.size()) break;
    path.remove_prefix(slash + 1);
  }
  if (out.path.back().empty()) out.path.pop_back();  // "/" and a slash at the end
  return out;
}

std::string_view reason_of(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 202:
      return "Accepted";
    case 204:
      return "No Content";
    case 304:
      return "Not Modified";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 408:
      return "Request Timeout";
    case 409:
      return "Conflict";
    case 413:
      return "Content Too Large";
    case 415:
      return "Unsupported Media Type";
    case 421:
      return "Misdirected Request";
    case 429:
      return "Too Many Requests";
    case 431:
      return "Request Header Fields Too Large";
    case 503:
      return "Service Unavailable";
    case 504:
      return "Gateway Timeout";
    default:
      return status >= 500 ? "Internal Server Error" : "Error";
  }
}

Response problem(int status, std::string_view detail) {
  const nlohmann::ordered_json j = {{"title", reason_of(status)}, {"status", status}, {"detail", detail}};
  Response r;
  r.status = status;
  r.type = "application/problem+json";
  r.body = j.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
  if (status == 401) r.headers.emplace_back("WWW-Authenticate", "Bearer realm=\"netflowgen\"");
  return r;
}

}  // namespace netflowgen::serve

#include "flow/clickhouse/clickhouse_url.h"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <vector>

#include "base/error.h"
#include "base/file.h"

namespace netflowgen::flow {
namespace {

using base::UsageError;

constexpr std::string_view kScheme = "clickhouse://";
constexpr const char* kForm = "clickhouse://[USER[:PASSWORD]@]HOST[:PORT]/DATABASE?OPTION=VALUE&...";
constexpr const char* kOptions =
    "table, schema, format, from, until, where, slice, timeout, tls, ca, user, password_file, setting.NAME";
constexpr uint16_t kTlsPort = 8443;

std::vector<std::string_view> split(std::string_view text, char at) {
  std::vector<std::string_view> parts;
  while (true) {
    const size_t end = std::min(text.find(at), text.size());
    parts.push_back(text.substr(0, end));
    if (end == text.size()) return parts;
    text.remove_prefix(end + 1);
  }
}

std::string decoded(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    unsigned value = 0;
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    const char* p = text.data() + i + 1;
    if (i + 2 >= text.size() || std::from_chars(p, p + 2, value, 16).ptr != p + 2)
      throw UsageError("a % in a clickhouse:// URL begins two hexadecimal digits; write % itself as %25");
    out += static_cast<char>(value);
    i += 2;
  }
  return out;
}

template <typename T>
T number(std::string_view option, std::string_view text) {
  T value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value == 0)
    throw UsageError("{}={}: expected a number above 0", option, text);
  return value;
}

bool flag_of(const std::string& option, const std::string& text) {
  if (text.empty() || text == "true" || text == "yes" || text == "1") return true;
  if (text == "false" || text == "no" || text == "0") return false;
  throw UsageError("{}={}: expected true or false", option, text);
}

base::TimeMs time_of(const std::string& option, const std::string& text) {
  const auto time = base::parse_time(text);
  if (!time || *time < 0)
    throw UsageError("{}={}: expected a time such as 2026-01-01T00:00:00Z", option, text);
  return *time;
}

TableFormat format_of(const std::string& text) {
  if (text == "auto") return TableFormat::kAuto;
  if (text == "aggregates") return TableFormat::kAggregates;
  if (text == "rows") return TableFormat::kRows;
  throw UsageError("format={}: expected aggregates or rows", text);
}

int64_t timeout_of(const std::string& text) {
  const auto time = base::parse_duration(text);
  if (!time || *time <= 0) throw UsageError("timeout={}: expected a duration such as 10m", text);
  return *time;
}

// The first line of the file.
std::string password_of(const std::string& path) {
  std::string text = base::read_file(path);
  text.resize(std::min(text.find_first_of("\r\n"), text.size()));
  if (text.empty()) throw base::Error("password_file={}: the file holds no password", path);
  return text;
}

void set_option(ClickHouseUrl& url, const std::string& name, const std::string& value) {
  constexpr std::string_view kSetting = "setting.";
  if (name == "table") {
    url.table = value;
  } else if (name == "schema") {
    url.schema = value == "auto" ? "" : value;
  } else if (name == "format") {
    url.format = format_of(value);
  } else if (name == "from") {
    url.from_ms = time_of(name, value);
  } else if (name == "until") {
    url.until_ms = time_of(name, value);
  } else if (name == "where") {
    url.where = value;
  } else if (name == "slice") {
    url.slice_flows = number<uint64_t>(name, value);
  } else if (name == "timeout") {
    url.timeout_ms = timeout_of(value);
  } else if (name == "tls") {
    url.tls = flag_of(name, value);
  } else if (name == "ca") {
    url.ca_file = value;
  } else if (name == "user") {
    url.user = value;
  } else if (name == "password_file") {
    url.password = password_of(value);
  } else if (name.starts_with(kSetting) && name.size() > kSetting.size()) {
    url.settings[name.substr(kSetting.size())] = value;
  } else {
    throw UsageError("a clickhouse:// URL has no option '{}'; known: {}", name, kOptions);
  }
}

// Neither user nor password is shown in messages.
void set_server(ClickHouseUrl& url, std::string_view server) {
  if (const size_t at = server.rfind('@'); at != std::string_view::npos) {
    const std::string_view user = server.substr(0, at);
    const size_t colon = std::min(user.find(':'), user.size());
    url.user = decoded(user.substr(0, colon));
    if (colon < user.size()) url.password = decoded(user.substr(colon + 1));
    server.remove_prefix(at + 1);
  }
  const size_t colon = server.rfind(':');
  const bool port = colon != std::string_view::npos && server.find(']', colon) == std::string_view::npos;
  url.host = server.substr(0, port ? colon : server.size());
  if (port) url.port = number<uint16_t>("port", server.substr(colon + 1));
  if (!port && url.tls) url.port = kTlsPort;
  if (url.host.empty()) throw UsageError("a clickhouse:// URL names no host: expected {}", kForm);
}

void check(const ClickHouseUrl& url) {
  if (url.until_ms && *url.until_ms <= url.from_ms)
    throw UsageError("{}: until={} is not after from={}", url.name(), base::format_time(*url.until_ms),
                     base::format_time(url.from_ms));
}

}  // namespace

std::string ClickHouseUrl::base_url() const {
  return (tls ? "https://" : "http://") + host + ":" + std::to_string(port);
}

std::string ClickHouseUrl::name() const {
  return std::string(kScheme) + host + ":" + std::to_string(port) + "/" + database +
         (table.empty() ? "" : "." + table);
}

bool is_clickhouse_url(std::string_view text) { return text.starts_with(kScheme); }

ClickHouseUrl parse_clickhouse_url(const std::string& text) {
  const std::string_view all = std::string_view(text).substr(kScheme.size());
  const size_t query = std::min(all.find('?'), all.size());
  const std::string_view path = all.substr(0, query);
  const size_t slash = std::min(path.find('/'), path.size());
  ClickHouseUrl url;
  if (slash + 1 < path.size()) url.database = decoded(path.substr(slash + 1));
  if (url.database.find('/') != std::string::npos)
    throw UsageError("a clickhouse:// URL has one database and no further /: expected {}", kForm);
  if (query < all.size()) {
    for (const auto part : split(all.substr(query + 1), '&')) {
      if (part.empty()) continue;
      const size_t equals = std::min(part.find('='), part.size());
      set_option(url, decoded(part.substr(0, equals)),
                 decoded(part.substr(std::min(equals + 1, part.size()))));
    }
  }
  set_server(url, path.substr(0, slash));
  const char* secret = std::getenv(kClickHousePassword);
  if (url.password.empty() && secret != nullptr) url.password = secret;
  check(url);
  return url;
}

std::string with_until(const std::string& text, base::TimeMs until_ms) {
  const size_t query = std::min(text.find('?'), text.size());
  std::string out = text.substr(0, query) + "?";
  if (query < text.size()) {
    for (const auto part : split(std::string_view(text).substr(query + 1), '&')) {
      if (!part.empty() && !part.starts_with("until=")) out += std::string(part) + "&";
    }
  }
  return out + "until=" + base::format_time(until_ms);
}

std::string sql_text(std::string_view text) {
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'' || c == '\\') out += '\\';
    out += c;
  }
  return out + "'";
}

std::string sql_name(std::string_view name) {
  std::string out = "`";
  for (const char c : name) {
    if (c == '`' || c == '\\') out += '\\';
    out += c;
  }
  return out + "`";
}

}  // namespace netflowgen::flow

#include "flow/kafka/kafka_url.h"

#include <algorithm>
#include <charconv>
#include <fstream>

#include "base/error.h"

namespace netflowgen::flow {
namespace {

using base::UsageError;
using Kind = KafkaPlace::Kind;

constexpr std::string_view kScheme = "kafka://";
constexpr const char* kOptions = "format, group, from, until, follow, partitions, timeout, config";

// What the program decides itself: offsets are committed when what they carried is stored.
constexpr std::string_view kOurs[] = {
    "bootstrap.servers",        "metadata.broker.list", "group.id",
    "enable.auto.commit",       "auto.offset.reset",    "auto.commit.enable",
    "enable.auto.offset.store", "enable.partition.eof"};

std::vector<std::string> split(std::string_view text, char at) {
  std::vector<std::string> parts;
  while (true) {
    const size_t end = std::min(text.find(at), text.size());
    parts.emplace_back(text.substr(0, end));
    if (end == text.size()) return parts;
    text.remove_prefix(end + 1);
  }
}

std::string percent_decoded(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    unsigned value = 0;
    if (text[i] != '%') {
      out += text[i];
    } else {
      const char* p = text.data() + i + 1;
      const bool whole = i + 2 < text.size();
      if (!whole || std::from_chars(p, p + 2, value, 16).ptr != p + 2)
        throw UsageError("a % in a kafka:// URL begins two hexadecimal digits; write % itself as %25");
      out += static_cast<char>(value);
      i += 2;
    }
  }
  return out;
}

template <typename T>
std::optional<T> number(std::string_view text) {
  T value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < 0) return std::nullopt;
  return value;
}

std::map<int32_t, int64_t> offsets_of(std::string_view text) {
  std::map<int32_t, int64_t> offsets;
  for (const auto& part : split(text, ',')) {
    const auto pair = split(part, ':');
    const auto partition = number<int32_t>(pair[0]);
    const auto offset = pair.size() == 2 ? number<int64_t>(pair[1]) : std::nullopt;
    if (!partition || !offset) throw UsageError("offsets: expected PARTITION:OFFSET,..., not '{}'", text);
    offsets[*partition] = *offset;
  }
  return offsets;
}

KafkaPlace place_of(const std::string& option, const std::string& text) {
  if (text == "begin") return {Kind::kBegin, 0, {}};
  if (text == "end") return {Kind::kEnd, 0, {}};
  if (text == "group" && option == "from") return {Kind::kGroup, 0, {}};
  if (text.starts_with("offsets:")) return {Kind::kOffsets, 0, offsets_of(std::string_view(text).substr(8))};
  const auto time = base::parse_time(text);
  if (!time) {
    throw UsageError(
        "{}={}: expected begin, end, a time such as 2026-01-01T00:00:00Z, or offsets:PARTITION:OFFSET,...{}",
        option, text, option == "from" ? ", or group" : "");
  }
  return {Kind::kTime, *time, {}};
}

bool flag_of(const std::string& option, const std::string& text) {
  if (text.empty() || text == "true" || text == "yes" || text == "1") return true;
  if (text == "false" || text == "no" || text == "0") return false;
  throw UsageError("{}={}: expected true or false", option, text);
}

void add_property(KafkaUrl& url, const std::string& name, const std::string& value) {
  if (std::find(std::begin(kOurs), std::end(kOurs), name) != std::end(kOurs)) {
    throw UsageError(
        "the property {} is not for the user to set; docs/kafka.md has the options of a kafka:// URL", name);
  }
  url.properties[name] = value;
}

std::string trimmed_of(std::string_view text) {
  const size_t begin = text.find_first_not_of(" \t\r");
  if (begin == std::string_view::npos) return {};
  return std::string(text.substr(begin, text.find_last_not_of(" \t\r") - begin + 1));
}

// Lines NAME=VALUE, and comments behind #.
void read_properties(KafkaUrl& url, const std::string& path) {
  std::ifstream file(path);
  if (!file) throw base::Error("config={}: the file of properties cannot be read", path);
  std::string line;
  for (size_t n = 1; std::getline(file, line); ++n) {
    const std::string text = trimmed_of(line);
    if (text.empty() || text[0] == '#') continue;
    const size_t equals = text.find('=');
    // The line may hold a secret, so it is not shown.
    if (equals == std::string::npos) throw base::Error("{}, line {}: expected NAME=VALUE", path, n);
    add_property(url, trimmed_of(text.substr(0, equals)), trimmed_of(text.substr(equals + 1)));
  }
}

void set_option(KafkaUrl& url, const std::string& name, const std::string& value) {
  if (name == "format") {
    url.format = value == "auto" ? "" : value;
  } else if (name == "group") {
    url.group = value;
  } else if (name == "from" || name == "until") {
    (name == "from" ? url.from : url.until) = place_of(name, value);
  } else if (name == "follow") {
    url.follow = flag_of(name, value);
  } else if (name == "partitions") {
    for (const auto& part : split(value, ',')) {
      const auto partition = number<int32_t>(part);
      if (!partition) throw UsageError("partitions={}: expected numbers with commas", value);
      url.partitions.push_back(*partition);
    }
  } else if (name == "timeout") {
    const auto time = base::parse_duration(value);
    if (!time || *time <= 0) throw UsageError("timeout={}: expected a duration such as 30s", value);
    url.timeout_ms = *time;
  } else if (name == "config") {
    read_properties(url, value);
  } else if (name.find('.') != std::string::npos) {
    add_property(url, name, value);
  } else {
    throw UsageError(
        "a kafka:// URL has no option '{}'; known: {}, and properties of librdkafka, which have a dot", name,
        kOptions);
  }
}

}  // namespace

bool is_kafka_url(std::string_view text) { return text.starts_with(kScheme); }

KafkaUrl parse_kafka_url(const std::string& text) {
  const std::string_view all = std::string_view(text).substr(kScheme.size());
  const size_t query = std::min(all.find('?'), all.size());
  const std::string_view path = all.substr(0, query);
  const size_t slash = path.find('/');
  KafkaUrl url;
  url.brokers = path.substr(0, slash);
  if (slash != std::string_view::npos) url.topic = percent_decoded(path.substr(slash + 1));
  if (url.brokers.empty() || url.topic.empty() || url.topic.find('/') != std::string::npos) {
    throw UsageError("{}{}: expected kafka://BROKER[:PORT],.../TOPIC", kScheme, path);
  }
  bool places = false;
  if (query < all.size()) {
    for (const auto& part : split(all.substr(query + 1), '&')) {
      if (part.empty()) continue;
      const size_t equals = std::min(part.find('='), part.size());
      const std::string name = percent_decoded(part.substr(0, equals));
      places = places || name == "from";
      set_option(url, name,
                 percent_decoded(std::string_view(part).substr(std::min(equals + 1, part.size()))));
    }
  }
  if (!places && !url.group.empty()) url.from.kind = Kind::kGroup;
  if (url.from.kind == Kind::kGroup && url.group.empty()) throw UsageError("from=group needs group=NAME");
  return url;
}

std::string with_offsets(const std::string& text,
                         const std::map<int32_t, std::pair<int64_t, int64_t>>& offsets) {
  const size_t query = std::min(text.find('?'), text.size());
  std::string pinned = text.substr(0, query) + "?";
  if (query < text.size()) {
    for (const auto& part : split(std::string_view(text).substr(query + 1), '&')) {
      if (!part.starts_with("from=") && !part.starts_with("until=")) pinned += part + "&";
    }
  }
  std::string from;
  std::string until;
  for (const auto& [partition, range] : offsets) {
    from += fmt::format("{}{}:{}", from.empty() ? "" : ",", partition, range.first);
    until += fmt::format("{}{}:{}", until.empty() ? "" : ",", partition, range.second);
  }
  return pinned + "from=offsets:" + from + "&until=offsets:" + until;
}

bool is_pinned(const KafkaUrl& url) {
  return !url.follow && url.from.kind == Kind::kOffsets && url.until.kind == Kind::kOffsets;
}

}  // namespace netflowgen::flow

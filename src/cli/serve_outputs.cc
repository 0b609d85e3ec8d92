#include "cli/serve_outputs.h"

#include <fmt/format.h>

#include <set>

#include "base/time.h"

namespace netflowgen::cli {
namespace {

using base::YamlValue;
using serve::OutputKind;
using serve::OutputOptions;

constexpr const char* kExamples = R"(
# Where alerts are sent, any number of each kind. Each has a queue on the disk and is tried again until it works. Suppressed
# alerts are not sent. All take name, min-severity (low, medium, high, critical), timeout and give-up. Without min-severity
# scripts and BGP get what is high (ordinary growth, such as a flash crowd, is medium at most), mail and chats what is medium.
# outputs:
#   - {type: webhook, url: "https://hooks.example/abc", secret-file: /etc/netflowgen/webhook.key}
#   - {type: webhook, url: "https://hooks.slack.example/T0/B0/key", format: slack}    # mattermost, teams, discord
#   - {type: alertmanager, url: "http://127.0.0.1:9093"}
#   - {type: syslog, target: "udp://127.0.0.1:514"}
#   - {type: script, command: /usr/local/bin/notify_about_attack.sh}     # FastNetMon's arguments and text
#   - {type: email, url: "smtp://127.0.0.1:25", from: netflowgen@example.net, to: [noc@example.net]}
#   - type: gobgp                # FlowSpec; a dry run until enabled
#     enabled: false
#     arguments: [-u, 127.0.0.1, -p, "50051"]
#     never: [10.0.0.0/24, 2001:db8::/48]    # nothing inside or around these is announced
#     most: 50                   # announcements at a time
#     longest: 1h                # then it is withdrawn
#   - {type: exabgp, enabled: false, pipe: /run/exabgp/exabgp.in, blackhole: true, next-hop: 192.0.2.254}
outputs: []
)";

constexpr const char* kChats[] = {"slack", "mattermost", "teams", "discord"};

const std::vector<std::string> kCommon = {"type", "name", "min-severity", "timeout", "give-up", "page-url"};

// What changes the network waits for what is severe, what calls people for what is not slight.
detect::Severity usual_severity(const OutputOptions& o) {
  switch (o.kind) {
    case OutputKind::kScript:
    case OutputKind::kGobgp:
    case OutputKind::kExabgp:
      return detect::Severity::kHigh;
    case OutputKind::kEmail:
      return detect::Severity::kMedium;
    default:
      return o.format == "json" ? detect::Severity::kLow : detect::Severity::kMedium;
  }
}

std::vector<std::string> keys_of(OutputKind kind) {
  std::vector<std::string> keys = kCommon;
  const auto add = [&](std::initializer_list<const char*> more) {
    keys.insert(keys.end(), more.begin(), more.end());
  };
  switch (kind) {
    case OutputKind::kWebhook:
      add({"url", "secret-file", "format"});
      break;
    case OutputKind::kAlertmanager:
      add({"url"});
      break;
    case OutputKind::kSyslog:
      add({"target"});
      break;
    case OutputKind::kScript:
      add({"command"});
      break;
    case OutputKind::kEmail:
      add({"url", "secret-file", "user", "from", "to"});
      break;
    case OutputKind::kGobgp:
      add({"command", "arguments"});
      [[fallthrough]];
    case OutputKind::kExabgp:
      add({"enabled", "blackhole", "next-hop", "community", "most", "longest", "never"});
      if (kind == OutputKind::kExabgp) add({"pipe"});
      break;
    case OutputKind::kCount:
      break;
  }
  return keys;
}

OutputKind kind_of(const YamlValue& item) {
  const auto type = item["type"];
  if (!type) item.fail("expected type: webhook, alertmanager, syslog, script, email, gobgp or exabgp");
  const std::string text = type.text();
  for (size_t k = 0; k < static_cast<size_t>(OutputKind::kCount); ++k) {
    if (name_of(static_cast<OutputKind>(k)) == text) return static_cast<OutputKind>(k);
  }
  type.fail("expected webhook, alertmanager, syslog, script, email, gobgp or exabgp, not '{}'", text);
}

void take(const YamlValue& value, std::string& to) {
  if (value) to = value.text();
}

void take(const YamlValue& value, std::vector<std::string>& to) {
  if (!value) return;
  to.clear();
  if (!value.list()) return to.push_back(value.text());
  for (const auto& v : value.items()) to.push_back(v.text());
}

void take_duration(const YamlValue& value, int64_t& to) {
  if (!value) return;
  const auto ms = base::parse_duration(value.text());
  if (!ms || *ms <= 0) value.fail("expected a duration such as 10s, 5m or 1h, not '{}'", value.text());
  to = *ms;
}

void need(const YamlValue& item, const char* key) {
  if (!item[key]) item.fail("expected the key '{}'", key);
}

void check_format(const YamlValue& format) {
  const std::string text = format.text();
  if (text == "json") return;
  for (const char* known : kChats) {
    if (text == known) return;
  }
  format.fail("expected json, slack, mattermost, teams or discord, not '{}'", text);
}

void check(const YamlValue& item, const OutputOptions& o) {
  switch (o.kind) {
    case OutputKind::kWebhook:
    case OutputKind::kAlertmanager:
      need(item, "url");
      if (!o.url.starts_with("http://") && !o.url.starts_with("https://"))
        item["url"].fail("expected http:// or https://");
      if (const auto format = item["format"]) check_format(format);
      break;
    case OutputKind::kEmail:
      for (const char* key : {"url", "from", "to"}) need(item, key);
      if (!o.url.starts_with("smtp://") && !o.url.starts_with("smtps://"))
        item["url"].fail("expected smtp:// or smtps://");
      break;
    case OutputKind::kSyslog:
      need(item, "target");
      if (!o.target.starts_with("udp://") && !o.target.starts_with("tcp://") &&
          !o.target.starts_with("unix:")) {
        item["target"].fail("expected udp://HOST:PORT, tcp://HOST:PORT or unix:PATH");
      }
      break;
    case OutputKind::kScript:
      need(item, "command");
      break;
    case OutputKind::kExabgp:
      need(item, "pipe");
      break;
    default:
      break;
  }
  if (o.blackhole) need(item, "next-hop");
}

OutputOptions parse(const YamlValue& item, size_t number) {
  OutputOptions o;
  o.kind = kind_of(item);
  item.keys(keys_of(o.kind));
  o.name = fmt::format("{}-{}", name_of(o.kind), number);
  take(item["name"], o.name);
  if (o.name.empty() || o.name.find_first_of("/\\ ") != std::string::npos)
    item["name"].fail("expected a word without '/'");
  take(item["format"], o.format);
  o.at_least = usual_severity(o);
  if (const auto severity = item["min-severity"]) {
    bool known = false;
    for (const auto s : {detect::Severity::kLow, detect::Severity::kMedium, detect::Severity::kHigh,
                         detect::Severity::kCritical}) {
      if (name_of(s) != severity.text()) continue;
      o.at_least = s;
      known = true;
    }
    if (!known) severity.fail("expected low, medium, high or critical, not '{}'", severity.text());
  }
  take_duration(item["timeout"], o.timeout_ms);
  take_duration(item["give-up"], o.give_up_ms);
  take_duration(item["longest"], o.longest_ms);
  take(item["page-url"], o.page_url);
  take(item["url"], o.url);
  take(item["secret-file"], o.secret_file);
  take(item["target"], o.target);
  take(item["command"], o.command);
  take(item["arguments"], o.arguments);
  take(item["pipe"], o.pipe);
  take(item["user"], o.user);
  take(item["from"], o.from);
  take(item["to"], o.to);
  take(item["next-hop"], o.next_hop);
  take(item["community"], o.community);
  if (const auto v = item["enabled"]) o.enabled = v.flag();
  if (const auto v = item["blackhole"]) o.blackhole = v.flag();
  if (const auto v = item["most"]) o.most = v.as<size_t>("a number of announcements");
  if (const auto v = item["never"]) {
    std::vector<std::string> texts;
    take(v, texts);
    for (const auto& text : texts) {
      const auto prefix = base::Prefix::parse(text);
      if (!prefix) v.fail("expected prefixes such as 10.0.0.0/24, not '{}'", text);
      o.never.push_back(*prefix);
    }
  }
  check(item, o);
  return o;
}

std::string yaml_text(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + "\"";
}

std::string list_text(const std::vector<std::string>& items) {
  std::string out = "[";
  for (const auto& item : items) out += (out.size() > 1 ? ", " : "") + yaml_text(item);
  return out + "]";
}

std::string text_of(const OutputOptions& o) {
  std::string out;
  const auto line = [&](std::string_view key, const std::string& value) {
    out += fmt::format("{}{}: {}\n", out.empty() ? "  - " : "    ", key, value);
  };
  const auto text = [&](std::string_view key, const std::string& value) {
    if (!value.empty()) line(key, yaml_text(value));
  };
  line("type", std::string(name_of(o.kind)));
  text("name", o.name);
  line("min-severity", std::string(name_of(o.at_least)));
  line("timeout", fmt::format("{}ms", o.timeout_ms));
  line("give-up", fmt::format("{}ms", o.give_up_ms));
  text("page-url", o.page_url);
  text("url", o.url);
  text("secret-file", o.secret_file);
  if (o.format != "json") text("format", o.format);
  text("target", o.target);
  text("command", o.command);
  if (!o.arguments.empty()) line("arguments", list_text(o.arguments));
  text("pipe", o.pipe);
  text("user", o.user);
  text("from", o.from);
  if (!o.to.empty()) line("to", list_text(o.to));
  if (o.kind != OutputKind::kGobgp && o.kind != OutputKind::kExabgp) return out;
  line("enabled", o.enabled ? "true" : "false");
  line("blackhole", o.blackhole ? "true" : "false");
  text("next-hop", o.next_hop);
  text("community", o.community);
  line("most", std::to_string(o.most));
  line("longest", fmt::format("{}ms", o.longest_ms));
  std::vector<std::string> never;
  for (const auto& p : o.never) never.push_back(p.to_string());
  if (!never.empty()) line("never", list_text(never));
  return out;
}

}  // namespace

std::vector<OutputOptions> parse_outputs(const YamlValue& list) {
  std::vector<OutputOptions> out;
  if (!list || list.null()) return out;
  std::set<std::string> names;
  for (const auto& item : list.items()) {
    if (!item.map()) item.fail("expected a map with type");
    out.push_back(parse(item, out.size() + 1));
    if (!names.insert(out.back().name).second) item.fail("the name '{}' is given twice", out.back().name);
  }
  return out;
}

std::string outputs_text(const std::vector<OutputOptions>& outputs) {
  if (outputs.empty()) return kExamples;
  std::string out = "\noutputs:\n";
  for (const auto& o : outputs) out += text_of(o);
  return out;
}

}  // namespace netflowgen::cli

#include "cli/serve_config.h"

#include <fmt/format.h>

#include <algorithm>
#include <variant>

#include "base/error.h"
#include "base/file.h"
#include "base/yaml.h"
#include "cli/serve_outputs.h"
#include "cli/version.h"

namespace netflowgen::cli {
namespace {

using base::UsageError;
using base::YamlValue;

using Value = std::variant<std::string*, bool*, std::vector<std::string>*>;

struct Setting {
  const char* key;    // "http.listen"
  const char* label;  // how messages of shared checks name it; "": by its key
  bool live;          // a reload puts it in force, else a restart
  const char* help;
  Value value;
};

struct Section {
  const char* name;
  const char* help;
};

constexpr Section kSections[] = {
    {"receive", "How flow packets are received."},
    {"nodes",
     "What traffic is accounted to. Where nothing is named, the model's own choice of nodes is taken."},
    {"series", "Steps of time."},
    {"frames",
     "Past one machine (docs/frames.md): a collector publishes partial frames, or detectors read those of "
     "all collectors."},
    {"clickhouse", "Frames, scores and alerts as rows of ClickHouse (docs/clickhouse.md)."},
    {"decode", "How packets become flows (docs/collector.md). EXPORTER=VALUE sets a value for one exporter."},
    {"model", "The detector."},
    {"http", "The page, the API and the metrics."},
    {"history", "What the page shows of the past. The series store beside it keeps every frame."},
    {"retention", "What is kept of the series store and of alerts; the oldest goes first. 0: no bound."},
};

// clang-format off
std::vector<Setting> settings(ServeArgs& a) {
  return {
      {"mode", "", true, "collect: store only. shadow: score, and suppress every alert. active: raise alerts.", &a.mode},
      {"data", "", false, "Folder of all that is stored: store/, history.db, alerts.db, the detector's state, tokens.", &a.data},
      {"listen", "--listen", false, "Where flow packets come in, any protocol on any port; or one topic, kafka://BROKERS/TOPIC.", &a.listen},
      {"exporters", "", false, "Addresses and prefixes that packets are taken from; others are dropped and counted. Empty: all.", &a.allow},
      {"anonymize", "--anonymize", false, "Change addresses first: cryptopan:KEYFILE, or truncate:V4BITS,V6BITS.", &a.anonymize},
      {"tick", "", true, "How often the open step is examined; less often where that takes more than a twentieth of the time.", &a.tick},
      {"flush", "", false, "How often closed steps are written to the store.", &a.flush},
      {"log-every", "", false, "Interval of the line of counters in the log.", &a.log_every},
      {"receive.sockets", "", false, "Sockets and receiving threads of each address.", &a.sockets},
      {"receive.buffer", "", false, "Kernel buffer of a socket; more than net.core.rmem_max needs CAP_NET_ADMIN.", &a.receive_buffer},
      {"receive.queue", "", false, "Packets received and not yet decoded, at most.", &a.queue},
      {"nodes.hosts", "--nodes", false, "Hosts: all, none, or CIDR,CIDR...", &a.series.nodes},
      {"nodes.prefixes", "--prefixes", false, "Prefixes: /24,/48 or CIDR,CIDR...", &a.series.prefixes},
      {"nodes.interfaces", "", false, "Exporters' interfaces.", &a.series.interfaces},
      {"nodes.as", "", false, "Autonomous systems.", &a.series.as},
      {"nodes.count-at", "--count-at", false, "EXPORTER=CIDR,...: count these addresses from that exporter's flows only.", &a.series.count_at},
      {"series.step", "--step", false, "Length of a step; empty: the model's, or 60s without one. Not every model takes other steps.", &a.series.step},
      {"series.lateness", "--lateness", false, "How long a step stays open after its end: above the exporters' active time-out.", &a.series.lateness},
      {"series.timezone", "--timezone", false, "UTC, +hh:mm or Europe/Berlin, for calendar inputs.", &a.series.timezone},
      {"series.max-duration", "--max-duration", false, "Longer flows are counted as errors.", &a.series.max_duration},
      {"series.dedup", "--dedup", false, "Count a flow of several exporters once: the first one's, until silent this long; 0: no.", &a.series.dedup},
      {"frames.publish", "", false, "kafka://BROKERS/TOPIC: each closed step is sent there; empty: no.", &a.publish},
      {"frames.publish-as", "", false, "This collector's name, which stays and which no other has; empty: HOST:STORE.", &a.publish_as},
      {"frames.queue", "", false, "Partial frames on the disk that wait for the brokers, at most.", &a.publish_queue},
      {"frames.read", "", false, "kafka://BROKERS/TOPIC?group=NAME: detect what collectors publish; listen has no meaning then.", &a.frames_from},
      {"frames.state", "", false, "Folder that all detectors share: each partition's state and alerts.", &a.frames_state},
      {"frames.collectors", "", false, "How many publish: at the start so many are waited for.", &a.collectors},
      {"frames.patience", "", false, "How long a step waits for a collector that is silent; empty: three steps.", &a.patience},
      {"frames.memory", "", false, "Open steps of all partitions of the topic, at most.", &a.frames_memory},
      {"clickhouse.url", "", false, "clickhouse://USER@HOST:PORT/DATABASE?password_file=FILE: rows are written there; empty: no.", &a.rows},
      {"clickhouse.tables", "", false, "Which are written.", &a.row_tables},
      {"clickhouse.source", "", false, "A column of every row: tells networks apart that write into the same tables. The same on each worker of a fleet.", &a.row_source},
      {"clickhouse.keep", "", false, "How long frames and scores are kept there, in whole days; 0: no bound.", &a.rows_keep},
      {"clickhouse.keep-alerts", "", false, "How long alerts are, in whole months.", &a.rows_keep_alerts},
      {"clickhouse.queue", "", false, "Rows on the disk that wait for the server, at most.", &a.row_queue},
      {"decode.template-scope", "--template-scope", false, "adaptive, address or port.", &a.decode.scope},
      {"decode.template-lifetime", "--template-lifetime", false, "Forget a template that is not sent again for this long; 0: never.", &a.decode.template_lifetime},
      {"decode.hold", "--hold", false, "on, off: keep data that comes before its template.", &a.decode.hold},
      {"decode.hold-time", "--hold-time", false, "Longest time that data waits.", &a.decode.hold_time},
      {"decode.time", "--time", false, "flow, export, receive or corrected: which time flows get.", &a.decode.time},
      {"decode.sampling", "--sampling", false, "EXPORTER=N: one packet in N, whatever the exporter announces.", &a.decode.sampling},
      {"decode.sampling-default", "--sampling-default", false, "N or EXPORTER=N: where an exporter announces no rate.", &a.decode.sampling_default},
      {"decode.max-future", "--max-future", false, "Flows that end later than this after their receipt are moved to it.", &a.decode.max_future},
      {"decode.max-past", "--max-past", false, "The same for the past; empty: as series.lateness; 0: never.", &a.decode.max_past},
      {"decode.direction", "--direction", false, "ingress, egress, both or EXPORTER=...: for exporters that report a packet twice.", &a.decode.direction},
      {"decode.tunnels", "--tunnels", false, "outer or inner addresses of tunnels in sampled packets.", &a.decode.tunnels},
      {"decode.biflows", "--biflows", false, "two: a record of both directions is two flows. forward: only the forward one.", &a.decode.biflows},
      {"decode.sflow-discards", "--sflow-discards", false, "on, off: flows of packets that a device reports as dropped.", &a.decode.discards},
      {"decode.sflow-exporter", "--sflow-exporter", false, "agent or source: the exporter's address.", &a.decode.sflow_exporter},
      {"model.path", "", true, "A folder with detect.json; default: the model that comes with the program; none: nothing is scored.", &a.model},
      {"model.policy", "", true, "YAML of policies (docs/detection.md); empty: none.", &a.policy},
      {"model.threads", "", true, "0: all cores.", &a.threads},
      {"model.precision", "", true, "Number format of weights: float32, bf16 or int8.", &a.precision},
      {"model.cache", "", true, "Number format of cached keys and values, ditto; int8 takes a quarter of the memory.", &a.cache},
      {"model.max-nodes", "", true, "Nodes in memory; 0: as many as 4 GiB hold.", &a.max_nodes},
      {"http.listen", "", false, "Others than loopback addresses need a token (serve --add-token) and should have TLS.", &a.http},
      {"http.hosts", "", false, "Names by which browsers reach this machine, beside its addresses.", &a.hosts},
      {"http.tokens", "", true, "File of hashed bearer tokens; empty: DATA/tokens.", &a.tokens},
      {"http.certificate", "", false, "PEM file; with http.key: TLS. Its content is read again at a reload.", &a.certificate},
      {"http.key", "", false, "PEM file.", &a.key},
      {"http.threads", "", false, "Threads for all connections.", &a.http_threads},
      {"http.connections", "", false, "Open connections at most.", &a.connections},
      {"http.rate", "", false, "Requests a second of one address, in the long run; 0: no bound.", &a.rate},
      {"history.memory", "", false, "Memory of the latest steps.", &a.memory},
      {"history.nodes", "", true, "Nodes of each step that are kept on disk: with most bytes, and most surprise.", &a.nodes},
      {"history.keep-steps", "", true, "How long each step is kept,", &a.keep_steps},
      {"history.keep-quarters", "", true, "its 15-minute means,", &a.keep_quarters},
      {"history.keep-days", "", true, "its daily means.", &a.keep_days},
      {"history.disk", "", true, "Size of history.db at most; the oldest goes first.", &a.disk},
      {"retention.store", "", true, "How long frames are kept in the series store, which training reads.", &a.store_keep},
      {"retention.store-disk", "", true, "Size of the series store at most.", &a.store_disk},
      {"retention.alerts", "", true, "How long alerts are kept after their end. Open and judged ones always are.", &a.alerts_keep},
      {"retention.alerts-most", "", true, "Alerts in alerts.db at most, and incidents as many.", &a.alerts_most},
  };
}
// clang-format on

// Before and behind the dot; no dot: "" and the key.
std::pair<std::string, std::string> parts_of(const std::string& key) {
  const size_t dot = key.find('.');
  if (dot == std::string::npos) return {"", key};
  return {key.substr(0, dot), key.substr(dot + 1)};
}

std::string yaml_text(const std::string& text) {
  const bool plain = !text.empty() && text.find_first_of(":#[]{}\",'&*!|>%@`\\ ") == std::string::npos &&
                     text != "on" && text != "off" && text != "true" && text != "false" && text != "~" &&
                     text != "null";
  if (plain) return text;
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + "\"";
}

std::string value_text(const Value& value) {
  if (const auto* text = std::get_if<std::string*>(&value)) return yaml_text(**text);
  if (const auto* flag = std::get_if<bool*>(&value)) return **flag ? "true" : "false";
  std::string out = "[";
  for (const auto& item : *std::get<std::vector<std::string>*>(value))
    out += (out.size() > 1 ? ", " : "") + yaml_text(item);
  return out + "]";
}

void set(const Value& to, const YamlValue& from) {
  if (auto* const* flag = std::get_if<bool*>(&to)) {
    **flag = from.flag();
  } else if (auto* const* text = std::get_if<std::string*>(&to)) {
    if (from.list()) {  // "10.0.0.0/8,2001:db8::/32" may be a list, too
      std::string joined;
      for (const auto& item : from.items()) joined += (joined.empty() ? "" : ",") + item.text();
      **text = joined;
    } else {
      **text = from.null() ? "" : from.text();
    }
  } else {
    auto& list = *std::get<std::vector<std::string>*>(to);
    list.clear();
    if (from.null()) return;
    if (!from.list()) return list.push_back(from.text());
    for (const auto& item : from.items()) list.push_back(item.text());
  }
}

// Of the keys below `section`.
std::vector<std::string> keys_of(const std::vector<Setting>& all, const std::string& section) {
  std::vector<std::string> keys;
  for (const auto& s : all) {
    const auto [own, key] = parts_of(s.key);
    if (own == section) keys.push_back(key);
  }
  if (section.empty()) {
    for (const auto& s : kSections) keys.emplace_back(s.name);
    keys.emplace_back("outputs");
  }
  return keys;
}

ServeArgs read(const YamlValue& root) {
  ServeArgs args;
  args.file = root.file();
  const auto all = settings(args);
  if (root.null()) return args;
  root.keys(keys_of(all, ""));
  args.outputs = parse_outputs(root["outputs"]);
  for (const auto& section : kSections) {
    if (const auto value = root[section.name]; value && !value.null()) value.keys(keys_of(all, section.name));
  }
  for (const auto& s : all) {
    const auto [section, key] = parts_of(s.key);
    const YamlValue value = section.empty() ? root[key] : root[section][key];
    if (!value) continue;
    set(s.value, value);
    args.lines[s.key] = value.line();
  }
  return args;
}

// "FILE, line N: KEY: message" where the message names a key or the option that shares its check.
[[noreturn]] void fail_with_place(const ServeArgs& args, const std::string& message) {
  ServeArgs copy = args;
  for (const auto& s : settings(copy)) {
    for (const char* const word : {s.label, s.key}) {
      const std::string name = word;
      if (name.empty() || !message.starts_with(name + " ")) continue;
      const auto line = args.lines.find(s.key);
      const std::string place =
          line == args.lines.end() ? "" : fmt::format("{}, line {}: ", args.file, line->second);
      throw UsageError("{}{}{}", place, s.key, message.substr(name.size()));
    }
  }
  throw UsageError("{}", message);
}

}  // namespace

ServeArgs parse_serve_config(const std::string& text, const std::string& file) {
  try {
    return read(YamlValue::parse(text, file));
  } catch (const UsageError&) {
    throw;
  } catch (const base::Error& e) {
    throw UsageError("{}", e.what());
  }
}

ServeArgs load_serve_config(const std::string& path) {
  std::string text;
  try {
    text = base::read_file(path);
  } catch (const base::Error& e) {
    throw UsageError("{}", e.what());
  }
  return parse_serve_config(text, path);
}

std::string serve_config_text(const ServeArgs& given) {
  ServeArgs args = given;
  const auto all = settings(args);
  std::string out =
      "# Configuration of `netflowgen serve FILE` (docs/serve.md). Every key is here with its default.\n"
      "# A key marked [reload] is read again at SIGHUP; the others need a restart.\n";
  std::string open;
  for (const auto& s : all) {
    const auto [section, key] = parts_of(s.key);
    const std::string indent = section.empty() ? "" : "  ";
    out += "\n";
    if (section != open) {
      const auto* const at = std::find_if(std::begin(kSections), std::end(kSections),
                                          [&](const Section& x) { return section == x.name; });
      out += fmt::format("# {}\n{}:\n", at->help, section);
      open = section;
    }
    out += fmt::format("{}# {}{}\n{}{}: {}\n", indent, s.live ? "[reload] " : "", s.help, indent, key,
                       value_text(s.value));
  }
  return out + outputs_text(args.outputs);
}

serve::ServiceOptions service_options(const ServeArgs& args) {
  serve::ServiceOptions options;
  try {
    options = checked_options(args);
  } catch (const UsageError& e) {
    fail_with_place(args, e.what());
  }
  options.outputs = args.outputs;
  for (auto& o : options.outputs) {
    o.step_ms = options.collector.series.step_ms;
    o.folder = options.data;
  }
  options.version = version_number();
  options.commit = version_commit();
  options.training.available = can_train();
  ServeArgs copy = args;
  for (const auto& s : settings(copy)) {
    if (!s.live) options.fixed[s.key] = value_text(s.value);
  }
  options.fixed["outputs"] = outputs_text(args.outputs);
  if (!args.file.empty()) {
    options.load = [file = args.file] { return service_options(load_serve_config(file)); };
  }
  return options;
}

}  // namespace netflowgen::cli

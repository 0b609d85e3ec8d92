#include "cli/serve_config.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <variant>

#include "base/error.h"
#include "base/file.h"
#include "base/yaml.h"
#include "cli/options/detect_options.h"
#include "cli/serve_outputs.h"
#include "cli/version.h"
#include "detect/calibration.h"
#include "model/spec.h"

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
    {"decode", "How packets become flows (docs/collector.md). EXPORTER=VALUE sets a value for one exporter."},
    {"model", "The detector."},
    {"http", "The page, the API and the metrics."},
    {"history", "What the page shows of the past. The series store beside it keeps every frame."},
};

// clang-format off
std::vector<Setting> settings(ServeArgs& a) {
  return {
      {"mode", "", true, "collect: store only. shadow: score, and suppress every alert. active: raise alerts.", &a.mode},
      {"data", "", false, "Folder of all that is stored: store/, history.db, alerts.db, the detector's state, tokens.", &a.data},
      {"listen", "--listen", false, "Where flow packets come in, any protocol on any port.", &a.listen},
      {"exporters", "", false, "Addresses and prefixes that packets are taken from; others are dropped and counted. Empty: all.", &a.allow},
      {"anonymize", "--anonymize", false, "Change addresses first: cryptopan:KEYFILE, or truncate:V4BITS,V6BITS.", &a.anonymize},
      {"tick", "", true, "How often the open step is examined.", &a.tick},
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

int64_t count_of(const std::string& text, const char* key, int64_t least, int64_t most) {
  int64_t n = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), n);
  if (text.empty() || error != std::errc() || end != text.data() + text.size() || n < least || n > most) {
    throw UsageError("{} {}: expected an integer from {} to {}", key, text, least, most);
  }
  return n;
}

int64_t longer_than_0(const std::string& text, const char* key) {
  const int64_t ms = duration_ms(text, key);
  if (ms <= 0) throw UsageError("{} {}: it must be longer than 0", key, text);
  return ms;
}

void one_of(const std::string& text, const char* key, const std::vector<std::string>& words) {
  if (std::find(words.begin(), words.end(), text) != words.end()) return;
  std::string list;
  for (const auto& w : words) list += (list.empty() ? "" : ", ") + w;
  throw UsageError("{} {}: expected one of {}", key, text, list);
}

void check_words(const ServeArgs& a) {
  one_of(a.mode, "mode", {"collect", "shadow", "active"});
  one_of(a.decode.scope, "decode.template-scope", {"adaptive", "address", "port"});
  one_of(a.decode.hold, "decode.hold", {"on", "off"});
  one_of(a.decode.tunnels, "decode.tunnels", {"outer", "inner"});
  one_of(a.decode.biflows, "decode.biflows", {"two", "forward"});
  one_of(a.decode.discards, "decode.sflow-discards", {"on", "off"});
  one_of(a.decode.sflow_exporter, "decode.sflow-exporter", {"agent", "source"});
  for (const auto& [text, key] :
       {std::pair(a.precision, "model.precision"), std::pair(a.cache, "model.cache")}) {
    one_of(text, key, {"float32", "bf16", "int8"});
  }
}

flow::LiveOptions live_options(const ServeArgs& a) {
  flow::LiveOptions o;
  for (const auto& text : a.listen) {
    const auto address = flow::ListenAddress::parse(text);
    if (!address) throw UsageError("listen {}: expected udp://ADDRESS:PORT such as udp://[::]:2055", text);
    o.listen.push_back(*address);
  }
  if (o.listen.empty()) throw UsageError("listen []: expected at least one udp://ADDRESS:PORT");
  for (const auto& text : a.allow) {
    const auto prefix = base::Prefix::parse(text);
    if (!prefix) throw UsageError("exporters {}: expected an address or a prefix such as 192.0.2.0/24", text);
    o.allow.push_back(*prefix);
  }
  o.sockets = static_cast<unsigned>(count_of(a.sockets, "receive.sockets", 1, 64));
  o.receive_buffer = size_bytes(a.receive_buffer, "receive.buffer");
  o.queue_bytes = size_bytes(a.queue, "receive.queue");
  return o;
}

serve::CollectorOptions collector_options(const ServeArgs& a) {
  serve::CollectorOptions p;
  p.live = live_options(a);
  p.decode = decode_options(a.decode);
  p.anonymize = flow::parse_anonymize(a.anonymize);
  SeriesArgs series = a.series;
  if (series.step.empty()) series.step = "60s";
  p.series = series_options(series, p.anonymize);
  if (a.decode.max_past.empty()) p.decode.max_past_ms = p.series.lateness_ms;
  p.direction = direction_options(a.decode);
  p.dedup.window_ms = duration_ms(a.series.dedup, "series.dedup");
  p.flush_ms = longer_than_0(a.flush, "flush");
  p.log_ms = longer_than_0(a.log_every, "log-every");
  p.timezone = a.series.timezone;
  p.store = base::fs::path(a.data) / "store";
  p.templates = p.store / "templates.json";
  p.counters = p.store / "counters.json";
  p.open_steps = p.store / "open-steps.safetensors";
  return p;
}

// Steps and nodes as the model has them, where the file does not say otherwise.
void take_model(const ServeArgs& a, serve::ServiceOptions& o) {
  const base::fs::path folder(o.detect.model);
  const std::string config = (folder / "config.json").string();
  const auto spec = model::ModelSpec::from_json(base::read_file(config), config);
  const auto calibration = detect::Calibration::load(folder);
  auto& series = o.collector.series;
  if (!a.series.step.empty()) {
    o.detect.step_ms = series.step_ms;
  } else {
    series.step_ms = calibration.step_ms > 0 ? calibration.step_ms : spec.input.step_ms;
  }
  o.collector.nodes_line = serve::take_fitted_nodes(calibration.nodes, a.series.names_nodes(), series.nodes);
}

serve::HistorySettings history_settings(const ServeArgs& a) {
  serve::HistorySettings h;
  h.memory_bytes = size_bytes(a.memory, "history.memory");
  h.nodes = static_cast<size_t>(count_of(a.nodes, "history.nodes", 0, 1'000'000));
  h.keep_steps_ms = longer_than_0(a.keep_steps, "history.keep-steps");
  h.keep_quarters_ms = longer_than_0(a.keep_quarters, "history.keep-quarters");
  h.keep_days_ms = longer_than_0(a.keep_days, "history.keep-days");
  h.most_bytes = static_cast<int64_t>(size_bytes(a.disk, "history.disk"));
  return h;
}

serve::ServiceOptions checked(const ServeArgs& a) {
  check_words(a);
  serve::ServiceOptions o;
  o.mode = a.mode == "collect"  ? serve::ServeMode::kCollect
           : a.mode == "shadow" ? serve::ServeMode::kShadow
                                : serve::ServeMode::kActive;
  o.data = a.data;
  o.collector = collector_options(a);
  o.detect.policy = a.policy;
  o.detect.threads = static_cast<int>(count_of(a.threads, "model.threads", 0, 1024));
  o.detect.precision = a.precision;
  o.detect.cache = a.cache;
  o.detect.max_nodes = static_cast<size_t>(count_of(a.max_nodes, "model.max-nodes", 0, 1'000'000'000));
  if (o.mode != serve::ServeMode::kCollect && a.model != "none") {
    o.detect.model = model_or_shipped(a.model);
    take_model(a, o);
  }
  o.tick_ms = longer_than_0(a.tick, "tick");
  o.tokens = a.tokens.empty() ? o.data / "tokens" : base::fs::path(a.tokens);
  o.http.listen = a.http;
  o.http.hosts = a.hosts;
  o.http.certificate = a.certificate;
  o.http.key = a.key;
  o.http.threads = static_cast<int>(count_of(a.http_threads, "http.threads", 1, 64));
  o.http.connections = static_cast<size_t>(count_of(a.connections, "http.connections", 1, 1'000'000));
  o.http.rate = static_cast<double>(count_of(a.rate, "http.rate", 0, 1'000'000));
  o.http.burst = std::max(200.0, 4 * o.http.rate);
  o.history = history_settings(a);
  return o;
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
    options = checked(args);
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

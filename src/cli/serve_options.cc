// The values of the configuration of `serve`: checked, and given their units. Messages begin with the key.
#include <algorithm>
#include <charconv>

#include "base/error.h"
#include "base/file.h"
#include "cli/options/detect_options.h"
#include "cli/options/publish_options.h"
#include "cli/serve_config.h"
#include "detect/calibration.h"
#include "flow/kafka/kafka_url.h"
#include "model/spec.h"
#include "serve/model_in_force.h"

namespace netflowgen::cli {
namespace {

using base::UsageError;

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

// Of a bound that deletes. A number alone would be seconds or octets: "keep-days: 30" half a minute, "disk: 4" nothing.
void need_unit(const std::string& text, const char* key, const char* example) {
  if (!text.empty() && text != "0" && text.find_first_not_of("0123456789.") == std::string::npos) {
    throw UsageError("{} {}: the unit is missing; write it, as in {}", key, text, example);
  }
}

int64_t kept_ms(const std::string& text, const char* key) {
  need_unit(text, key, "30d");
  return longer_than_0(text, key);
}

// 0: no bound.
int64_t kept_or_0(const std::string& text, const char* key) { return text == "0" ? 0 : kept_ms(text, key); }

size_t disk_bytes(const std::string& text, const char* key) {
  need_unit(text, key, "4G");
  return size_bytes(text, key);
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
    if (flow::is_kafka_url(text)) {
      if (a.listen.size() > 1) throw UsageError("listen: a topic is read alone; run a service for each");
      flow::parse_kafka_url(text);
      return o;
    }
    const auto address = flow::ListenAddress::parse(text);
    if (!address)
      throw UsageError(
          "listen {}: expected udp://ADDRESS:PORT such as udp://[::]:2055, or kafka://BROKERS/TOPIC", text);
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
  if (a.listen.size() == 1 && flow::is_kafka_url(a.listen.front())) p.topic = a.listen.front();
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

serve::RowOptions row_options(const ServeArgs& a) {
  serve::RowOptions o;
  o.url = a.rows;
  if (o.url.empty()) return o;
  o.frames = o.scores = o.alerts = false;
  for (const auto& table : a.row_tables) {
    one_of(table, "clickhouse.tables", {"frames", "scores", "alerts"});
    (table == "frames" ? o.frames : table == "scores" ? o.scores : o.alerts) = true;
  }
  o.source = a.row_source;
  o.keep_ms = kept_or_0(a.rows_keep, "clickhouse.keep");
  o.keep_alerts_ms = kept_or_0(a.rows_keep_alerts, "clickhouse.keep-alerts");
  o.queue = base::fs::path(a.data) / "clickhouse-queue.db";
  o.queue_bytes = size_bytes(a.row_queue, "clickhouse.queue");
  return o;
}

serve::ReadFramesOptions read_frames(const ServeArgs& a) {
  serve::ReadFramesOptions o;
  o.topic = a.frames_from;
  if (o.topic.empty()) return o;
  if (a.mode == "collect" || a.model == "none") throw UsageError("frames.read {}: it needs a model", o.topic);
  o.state = a.frames_state;
  o.collectors = static_cast<uint32_t>(count_of(a.collectors, "frames.collectors", 1, 4096));
  o.patience_ms = a.patience.empty() ? 0 : longer_than_0(a.patience, "frames.patience");
  o.memory_bytes = size_bytes(a.frames_memory, "frames.memory");
  serve::check_read_frames(o);
  return o;
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
  h.keep_steps_ms = kept_ms(a.keep_steps, "history.keep-steps");
  h.keep_quarters_ms = kept_ms(a.keep_quarters, "history.keep-quarters");
  h.keep_days_ms = kept_ms(a.keep_days, "history.keep-days");
  h.most_bytes = static_cast<int64_t>(disk_bytes(a.disk, "history.disk"));
  return h;
}

}  // namespace

serve::ServiceOptions checked_options(const ServeArgs& a) {
  check_words(a);
  serve::ServiceOptions o;
  o.mode = a.mode == "collect"  ? serve::ServeMode::kCollect
           : a.mode == "shadow" ? serve::ServeMode::kShadow
                                : serve::ServeMode::kActive;
  o.data = a.data;
  o.collector = collector_options(a);
  o.frames = read_frames(a);
  if (!a.publish.empty()) {
    if (!o.frames.topic.empty())
      throw UsageError("frames.publish {}: what reads partial frames publishes none", a.publish);
    o.collector.publish = publish_options(a.publish, a.publish_as, o.collector.store);
    o.collector.publish.queue_bytes = size_bytes(a.publish_queue, "frames.queue");
  }
  o.detect.policy = a.policy;
  o.detect.threads = static_cast<int>(count_of(a.threads, "model.threads", 0, 1024));
  o.detect.precision = a.precision;
  o.detect.cache = a.cache;
  o.detect.max_nodes = static_cast<size_t>(count_of(a.max_nodes, "model.max-nodes", 0, 1'000'000'000));
  if (o.mode != serve::ServeMode::kCollect && a.model != "none") {
    o.training.configured_model = model_or_shipped(a.model);
    o.detect.model = serve::model_in_force(o.data, o.training.configured_model);
    take_model(a, o);
  }
  o.rows = row_options(a);
  if (!a.rows.empty()) {
    try {
      check_rows(o.rows, o.collector.series.step_ms);
    } catch (const UsageError& e) {
      throw UsageError("clickhouse.url {}", e.what());
    }
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
  o.collector.store_bounds.keep_ms = kept_or_0(a.store_keep, "retention.store");
  o.collector.store_bounds.bytes = a.store_disk == "0" ? 0 : disk_bytes(a.store_disk, "retention.store-disk");
  o.alerts.keep_ms = kept_or_0(a.alerts_keep, "retention.alerts");
  o.alerts.most = count_of(a.alerts_most, "retention.alerts-most", 0, INT64_MAX);
  return o;
}

}  // namespace netflowgen::cli

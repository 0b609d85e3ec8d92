// netflowgen collect: flow packets from the network to a series store, for as long as it runs. docs/collector.md says
// how to operate it.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <memory>

#include "base/error.h"
#include "cli/commands.h"
#include "cli/config.h"
#include "cli/options/decode_options.h"
#include "cli/options/detect_options.h"
#include "cli/options/publish_options.h"
#include "cli/options/series_options.h"
#include "flow/kafka/kafka_url.h"
#include "flow/live/live_flow_source.h"
#include "model/spec.h"
#include "series/open_steps.h"
#include "serve/collector.h"

namespace netflowgen::cli {
namespace {

using base::UsageError;
using serve::CollectorOptions;

struct CollectArgs {
  std::vector<std::string> listen;
  std::string store;
  unsigned sockets = 1;
  std::string receive_buffer = "32M";
  std::string queue = "256M";
  std::string flush = "5m";
  std::string log_every = "1m";
  std::string anonymize;
  std::string templates;
  std::string counters;
  SeriesArgs series;
  DecodeArgs decode;
  serve::DetectOptions detect;
  std::vector<std::string> alerts;
  std::string publish;
  std::string publish_as;
  std::string publish_queue = "1G";
  bool check = false;
  bool dump = false;
};

// The topic among what is listened to; "": there is none.
std::string topic_of(const std::vector<std::string>& listen) {
  const auto is_topic = [](const std::string& text) { return flow::is_kafka_url(text); };
  const auto it = std::find_if(listen.begin(), listen.end(), is_topic);
  if (it == listen.end()) return {};
  if (listen.size() > 1) throw UsageError("--listen: a topic is read alone; run a collector for each");
  flow::parse_kafka_url(*it);
  return *it;
}

flow::LiveOptions live_options(const CollectArgs& args) {
  flow::LiveOptions o;
  for (const auto& text : args.listen) {
    if (flow::is_kafka_url(text)) continue;
    const auto address = flow::ListenAddress::parse(text);
    if (!address) {
      throw UsageError(
          "--listen {}: expected udp://ADDRESS:PORT such as udp://[::]:2055 or udp://192.0.2.1:6343, or "
          "kafka://BROKERS/TOPIC",
          text);
    }
    o.listen.push_back(*address);
  }
  if (args.sockets == 0 || args.sockets > 64)
    throw UsageError("--sockets {}: expected 1 to 64", args.sockets);
  o.sockets = args.sockets;
  o.receive_buffer = size_bytes(args.receive_buffer, "--receive-buffer");
  o.queue_bytes = size_bytes(args.queue, "--queue");
  return o;
}

// What --step asks for. UsageError: the model knows steps of another length only.
int64_t asked_step(const std::string& model, int64_t step_ms) {
  const auto input = model::ModelFolder(model).spec().input;
  if (input.universal || input.step_ms == step_ms) return step_ms;
  throw UsageError("--step: steps of {} ms, and the model was trained on steps of {} ms; leave --step out",
                   step_ms, input.step_ms);
}

// The arguments, checked and given their units.
CollectorOptions collector_options(const CollectArgs& args, bool step_given) {
  CollectorOptions p;
  p.topic = topic_of(args.listen);
  p.live = live_options(args);
  p.decode = decode_options(args.decode);
  p.anonymize = flow::parse_anonymize(args.anonymize);
  p.series = series_options(args.series, p.anonymize);
  if (args.decode.max_past.empty()) p.decode.max_past_ms = p.series.lateness_ms;
  p.direction = direction_options(args.decode);
  p.dedup.window_ms = duration_ms(args.series.dedup, "--dedup");
  p.flush_ms = duration_ms(args.flush, "--flush");
  p.log_ms = duration_ms(args.log_every, "--log-every");
  if (p.flush_ms == 0 || p.log_ms == 0) throw UsageError("--flush and --log-every must be longer than 0");
  p.store = args.store;
  p.timezone = args.series.timezone;
  p.templates = args.templates.empty() ? p.store / "templates.json" : base::fs::path(args.templates);
  p.counters = args.counters.empty() ? p.store / "counters.json" : base::fs::path(args.counters);
  p.open_steps = p.store / "open-steps.safetensors";
  if (!args.publish.empty()) {
    p.publish = publish_options(args.publish, args.publish_as, p.store);
    p.publish.queue_bytes = size_bytes(args.publish_queue, "--publish-queue");
  }
  if (!args.detect.model.empty()) {
    auto detect = args.detect;
    detect.model = model_or_shipped(detect.model);
    if (step_given) detect.step_ms = asked_step(detect.model, p.series.step_ms);
    auto alerts = args.alerts;
    if (alerts.empty()) alerts.push_back(p.store / "alerts.db");
    p.detect.emplace();
    p.detect->setup = std::make_shared<serve::DetectSetup>(detect);
    p.detect->alerts = std::move(alerts);
    p.detect->state = p.store / "detector.safetensors";
    p.detect->load = [detect] { return std::make_shared<serve::DetectSetup>(detect); };
    p.nodes_line =
        serve::take_fitted_nodes(p.detect->setup->fitted(), args.series.names_nodes(), p.series.nodes);
  } else if (!args.alerts.empty() || !args.detect.policy.empty() || args.detect.dry_run) {
    throw UsageError("--alerts, --policy and --dry-run need --model, a fine-tuned model's folder");
  }
  return p;
}

// Everything that can be said without binding a port or touching the store, so that it can be asked beside a collector
// that runs.
void check(const CollectorOptions& p) {
  if (series::is_store(p.store)) {
    const auto info = series::read_store_info(p.store);
    if (info.step_ms != p.series.step_ms || info.timezone != p.timezone) {
      throw base::Error("{}: it has steps of {} ms and time zone {}, not {} ms and {}", p.store.string(),
                        info.step_ms, info.timezone, p.series.step_ms, p.timezone);
    }
  }
  if (base::fs::exists(p.templates)) flow::Decoder(p.decode).load(p.templates);
  if (base::fs::exists(p.open_steps)) series::OpenSteps::place(p.open_steps, p.series.step_ms);
  const std::string from =
      p.topic.empty() ? fmt::format("{} addresses, {} sockets each", p.live.listen.size(), p.live.sockets)
                      : flow::parse_kafka_url(p.topic).name();
  fmt::print("the configuration is valid: {}, store {}{}\n", from, p.store.string(),
             series::is_store(p.store) ? " (to be continued)" : " (new)");
  if (!p.nodes_line.empty()) fmt::print("{}\n", p.nodes_line);
}

void collect(const CollectArgs& args, const Command& command, Context& context) {
  if (args.dump) return fmt::print("{}", dump_config(command));
  if (args.listen.empty())
    throw UsageError("collect needs --listen udp://ADDRESS:PORT or kafka://BROKERS/TOPIC");
  if (args.store.empty()) throw UsageError("collect needs -o STORE");
  CollectorOptions plan = collector_options(args, command.count("--step") > 0);
  if (plan.detect) plan.series.step_ms = plan.detect->setup->step_ms();
  if (args.check) return check(plan);
  plan.quiet = context.quiet;
  context.reload_on_hangup();
  plan.reload = &context.reload;
  serve::Collector collector(std::move(plan), context.stop);
  collector.run();
}

}  // namespace

void add_collect(Command& app, Context& context) {
  auto args = std::make_shared<CollectArgs>();
  auto* command =
      app.add_subcommand("collect", "Receive flow packets and write a series store, until Ctrl-C");
  const auto option = [&](const char* group, const char* name, auto& value, const char* help) {
    return command->add_option(name, value, help)->group(group);
  };
  option(kInputGroup, "--listen", args->listen,
         "udp://ADDRESS:PORT, repeatable; [::] is both families; or kafka://BROKERS/TOPIC");
  option(kInputGroup, "--anonymize", args->anonymize,
         "Change addresses first: cryptopan:KEYFILE, truncate[:V4BITS,V6BITS]");
  option(kOutputGroup, "-o,--out", args->store, "The store, a folder; an existing one is continued");
  option(kOutputGroup, "--alerts", args->alerts,
         "Alerts: FILE.jsonl, appended to, or FILE.db (SQLite); repeatable [STORE/alerts.db]");
  option(kAdvancedGroup, "--log-every", args->log_every, "Interval of lines on standard error")
      ->capture_default_str();
  option(kOutputGroup, "--publish", args->publish,
         "kafka://BROKERS/TOPIC: partial frames for detectors (docs/frames.md)");
  option(kAdvancedGroup, "--publish-as", args->publish_as,
         "This collector's name, which stays and which no other has [HOST:STORE]");
  option(kAdvancedGroup, "--publish-queue", args->publish_queue,
         "Partial frames on the disk that wait for brokers")
      ->capture_default_str();
  command->add_flag("--check", args->check, "Check the configuration and stop");
  command->add_flag("--dump-config", args->dump, "Print the configuration in force as YAML and stop");
  option(kAdvancedGroup, "--sockets", args->sockets,
         "Sockets and receiving threads per address (SO_REUSEPORT)")
      ->capture_default_str();
  option(kAdvancedGroup, "--receive-buffer", args->receive_buffer, "Kernel buffer per socket")
      ->capture_default_str();
  option(kAdvancedGroup, "--queue", args->queue, "Packets received and not yet decoded, at most")
      ->capture_default_str();
  option(kAdvancedGroup, "--flush", args->flush, "Interval of writing a shard of closed steps")
      ->capture_default_str();
  option(kAdvancedGroup, "--templates", args->templates,
         "Templates and sampling rates, kept over a restart [STORE/templates.json]");
  option(kAdvancedGroup, "--counters", args->counters, "Ledgers by exporter, as JSON [STORE/counters.json]");
  args->series.lateness = kUsualLateness;
  add_series_options(*command, args->series);
  add_decode_options(*command, args->decode);
  add_detect_options(*command, args->detect)
      ->description("Fine-tuned model folder, with detect.json: raise alerts while collecting");
  add_init_option(*command);
  command->footer(
      "Examples: netflowgen collect --listen udp://[::]:2055 --listen udp://[::]:6343 -o store --nodes "
      "10.0.0.0/8\n"
      "          netflowgen collect --listen udp://[::]:2055 -o store --nodes 10.0.0.0/8 --model detector\n"
      "          netflowgen --config collector.yaml collect --check");
  command->callback([args, command, &context] { collect(*args, *command, context); });
}

}  // namespace netflowgen::cli

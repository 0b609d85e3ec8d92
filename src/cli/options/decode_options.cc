#include "cli/options/decode_options.h"

#include <charconv>

#include "base/error.h"

namespace netflowgen::cli {
namespace {

using base::UsageError;
using flow::ExporterPolicy;

// "192.0.2.1=1000" -> exporter and value; no "=": every exporter.
struct Item {
  std::optional<base::IpAddr> exporter;
  std::string value;
};

Item item_of(const std::string& text, const char* option) {
  const size_t equals = text.find('=');
  if (equals == std::string::npos) return {{}, text};
  const auto exporter = base::IpAddr::parse(text.substr(0, equals));
  if (!exporter) throw UsageError("{} {}: the text before = is no address", option, text);
  return {exporter, text.substr(equals + 1)};
}

uint32_t rate_of(const std::string& text, const char* option) {
  uint32_t rate = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), rate);
  if (error != std::errc() || end != text.data() + text.size() || rate == 0) {
    throw UsageError("{} {}: expected N, one packet in N, at least 1", option, text);
  }
  return rate;
}

flow::TimePolicy policy_of(const std::string& text) {
  if (text == "flow") return flow::TimePolicy::kFlow;
  if (text == "export") return flow::TimePolicy::kExport;
  if (text == "receive") return flow::TimePolicy::kReceive;
  if (text == "corrected") return flow::TimePolicy::kCorrected;
  throw UsageError("--time {}: expected flow, export, receive or corrected", text);
}

flow::Direction direction_of(const std::string& text) {
  if (text == "both") return flow::Direction::kBoth;
  if (text == "ingress") return flow::Direction::kIngress;
  if (text == "egress") return flow::Direction::kEgress;
  throw UsageError("--direction {}: expected ingress, egress or both", text);
}

ExporterPolicy& policy(flow::DecodeOptions& o, const base::IpAddr& exporter) {
  for (auto& p : o.exporters) {
    if (p.exporter == exporter) return p;
  }
  o.exporters.push_back({});
  o.exporters.back().exporter = exporter;
  return o.exporters.back();
}

void exporter_rules(const DecodeArgs& args, flow::DecodeOptions& o) {
  for (const auto& text : args.time) {
    const Item i = item_of(text, "--time");
    if (i.exporter) {
      policy(o, *i.exporter).time = policy_of(i.value);
    } else {
      o.time = policy_of(i.value);
    }
  }
  for (const auto& text : args.sampling) {
    const Item i = item_of(text, "--sampling");
    if (!i.exporter) throw UsageError("--sampling {}: expected EXPORTER=N", text);
    policy(o, *i.exporter).sampling_override = rate_of(i.value, "--sampling");
  }
  for (const auto& text : args.sampling_default) {
    const Item i = item_of(text, "--sampling-default");
    const uint32_t rate = rate_of(i.value, "--sampling-default");
    if (i.exporter) {
      policy(o, *i.exporter).sampling_default = rate;
    } else {
      o.sampling_default = rate;
    }
  }
}

}  // namespace

int64_t duration_ms(const std::string& text, const char* option) {
  const auto ms = base::parse_duration(text);
  if (!ms || *ms < 0) throw UsageError("{} {}: expected a duration such as 60s, 5m or 1h", option, text);
  return *ms;
}

size_t size_bytes(const std::string& text, const char* option) {
  uint64_t n = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), n);
  const std::string unit(end, text.data() + text.size());
  const int shift = unit.empty()                 ? 0
                    : unit == "k" || unit == "K" ? 10
                    : unit == "m" || unit == "M" ? 20
                    : unit == "g" || unit == "G" ? 30
                                                 : -1;
  if (error != std::errc() || shift < 0 || n > (uint64_t{1} << 40)) {
    throw UsageError("{} {}: expected a size such as 512k, 32M or 1G", option, text);
  }
  return static_cast<size_t>(n << shift);
}

void add_decode_options(Command& command, DecodeArgs& args) {
  const auto option = [&](const char* name, auto& value, const char* help) {
    return command.add_option(name, value, help)->group(kPacketGroup);
  };
  option("--template-scope", args.scope, "Scope of templates, beside address and domain")
      ->check(one_of({"adaptive", "address", "port"}))
      ->capture_default_str();
  option("--template-lifetime", args.template_lifetime,
         "Forget a template that is not sent again for this long; 0: never")
      ->capture_default_str();
  option("--hold", args.hold, "Keep data that comes before its template until that comes")
      ->check(one_of({"on", "off"}))
      ->capture_default_str();
  option("--hold-time", args.hold_time, "Longest time that data waits for its template")
      ->capture_default_str();
  option("--time", args.time,
         "Which time flows get: flow, export, receive or corrected; EXPORTER=... for one exporter [flow]");
  option("--sampling", args.sampling, "EXPORTER=N: one packet in N; overrides what the exporter announces");
  option("--sampling-default", args.sampling_default,
         "N, or EXPORTER=N: where an exporter announces no rate [1, marked as not known]");
  option("--max-future", args.max_future,
         "Flows that end later than this after their receipt are moved to it")
      ->capture_default_str();
  option("--max-past", args.max_past,
         "The same for the past; 0: never [as --lateness; of stored packets only where the exporter's clock "
         "is wrong]");
  option("--tunnels", args.tunnels,
         "Addresses of the outer or the inner header of tunnels in sampled packets")
      ->check(one_of({"outer", "inner"}))
      ->capture_default_str();
  option("--biflows", args.biflows, "A record of both directions: two flows, or the forward one only")
      ->check(one_of({"two", "forward"}))
      ->capture_default_str();
  option(
      "--direction", args.direction,
      "For exporters that report a packet where it comes in and where it goes out: ingress, egress or both; "
      "EXPORTER=... for one exporter [both]");
  option("--sflow-discards", args.discards, "Flows for packets that the device reports as dropped")
      ->check(one_of({"on", "off"}))
      ->capture_default_str();
  option("--sflow-exporter", args.sflow_exporter, "The exporter's address: the agent's own or the UDP source")
      ->check(one_of({"agent", "source"}))
      ->capture_default_str();
}

flow::DirectionOptions direction_options(const DecodeArgs& args) {
  flow::DirectionOptions o;
  for (const auto& text : args.direction) {
    const Item i = item_of(text, "--direction");
    if (i.exporter) {
      o.exporters.emplace_back(*i.exporter, direction_of(i.value));
    } else {
      o.direction = direction_of(i.value);
    }
  }
  return o;
}

flow::DecodeOptions decode_options(const DecodeArgs& args) {
  flow::DecodeOptions o;
  o.template_scope = args.scope == "port"      ? flow::TemplateScope::kPort
                     : args.scope == "address" ? flow::TemplateScope::kAddress
                                               : flow::TemplateScope::kAdaptive;
  o.template_lifetime_ms = duration_ms(args.template_lifetime, "--template-lifetime");
  o.hold_data = args.hold == "on";
  o.max_hold_ms = duration_ms(args.hold_time, "--hold-time");
  o.max_future_ms = duration_ms(args.max_future, "--max-future");
  if (!args.max_past.empty()) o.max_past_ms = duration_ms(args.max_past, "--max-past");
  o.tunnel_keys = args.tunnels == "inner" ? flow::TunnelKeys::kInner : flow::TunnelKeys::kOuter;
  o.biflow_as_two = args.biflows == "two";
  o.sflow_discards = args.discards == "on";
  o.sflow_agent_is_exporter = args.sflow_exporter == "agent";
  exporter_rules(args, o);
  return o;
}

}  // namespace netflowgen::cli

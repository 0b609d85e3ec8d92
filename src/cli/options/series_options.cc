#include "cli/options/series_options.h"

#include <chrono>
#include <random>

#include "base/error.h"
#include "base/time_zone.h"
#include "cli/config.h"
#include "cli/options/decode_options.h"
#include "flow/filter/dedup.h"
#include "series/arrival.h"
#include "serve/finite_input.h"

namespace netflowgen::cli {
namespace {

using base::UsageError;

// The only clock that is read: what starts more than a day from now is taken for an error.
base::TimeMs tomorrow() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::milliseconds>(now).count() + 86'400'000;
}

// Here, so that a wrong name is refused before hours of reading.
void check_timezone(const std::string& name) {
  try {
    base::TimeZone::load(name);
  } catch (const base::Error& e) {
    throw UsageError("--timezone: {}", e.what());
  }
}

// "auto" is what is usual, until it is measured.
int64_t lateness_ms(const SeriesArgs& args) {
  return duration_ms(args.lateness == "auto" ? kUsualLateness : args.lateness, "--lateness");
}

}  // namespace

void add_series_options(Command& command, SeriesArgs& args, Steps steps) {
  const auto option = [&](const char* name, auto& value, const char* help) {
    return command.add_option(name, value, help)->group(kNodeGroup);
  };
  takes_comma_list(option("--nodes", args.nodes,
                          "Hosts: all, none or CIDR,... [all, or none when other nodes are asked for]"));
  takes_comma_list(option("--prefixes", args.prefixes, "Prefixes as nodes: /24,/48 or CIDR,..."));
  command.add_flag("--interfaces", args.interfaces, "Exporters' interfaces as nodes")->group(kNodeGroup);
  command.add_flag("--as", args.as, "Autonomous systems as nodes")->group(kNodeGroup);
  if (steps == Steps::kOption) {
    option("--step", args.step, "Length of a step")->capture_default_str();
    option("--timezone", args.timezone,
           "Time zone of the network, for calendar inputs: UTC, +hh:mm or Europe/Berlin")
        ->capture_default_str();
  } else {
    args.step.clear();
    option("--step", args.step, "Length of a step, of a model that takes any [the model's]")
        ->group(kAdvancedGroup);
  }
  option("--lateness", args.lateness,
         args.lateness == "auto"
             ? "How much earlier than the latest flow others may start; auto: as files need it, 2m for a pipe"
             : "How much earlier than the latest flow others may start")
      ->capture_default_str();
  option("--max-duration", args.max_duration, "Longer flows are counted as errors")
      ->capture_default_str()
      ->group(kAdvancedGroup);
  option("--dedup", args.dedup,
         "Count a flow of several exporters once: the first one's, until silent this long")
      ->capture_default_str();
  option("--count-at", args.count_at,
         "EXPORTER=CIDR,...: count these addresses from that exporter's flows only")
      ->group(kAdvancedGroup);
}

std::unique_ptr<flow::FlowSource> open_input(const InputArgs& input, const SeriesArgs& series) {
  InputArgs stored = input;
  stored.max_clock_behind_ms = lateness_ms(series);
  return flow::deduplicated(open_input(stored), {.window_ms = duration_ms(series.dedup, "--dedup")});
}

bool reads_for_order(const InputArgs& input, const SeriesArgs& series) {
  return series.lateness == "auto" && serve::can_be_read_twice(input.options.paths);
}

std::string late_warning(const InputArgs& input, const SeriesArgs& series,
                         const serve::InputOutcome& outcome) {
  const std::string text = series::late_text(outcome.late, outcome.flows, series_options(series).lateness_ms);
  if (text.empty()) return text;
  const bool pipe = !serve::can_be_read_twice(input.options.paths);
  return "warning: " + text +
         (pipe ? " (a pipe cannot be read twice; files are read as they need it)\n" : "\n");
}

series::SeriesOptions series_options(const SeriesArgs& args, const flow::AnonymizeOptions& anonymize) {
  series::SeriesOptions o;
  if (!args.step.empty()) o.step_ms = duration_ms(args.step, "--step");
  if (o.step_ms <= 0) throw UsageError("--step {}: it must be longer than 0", args.step);
  o.lateness_ms = lateness_ms(args);
  o.max_duration_ms = duration_ms(args.max_duration, "--max-duration");
  o.max_time_ms = tomorrow();
  o.nodes.interfaces = args.interfaces;
  o.nodes.as = args.as;
  parse_prefixes(args.prefixes, o.nodes);
  const bool others = args.interfaces || args.as || !args.prefixes.empty();
  parse_hosts(!args.nodes.empty() ? args.nodes : others ? "none" : "all", o.nodes);
  if (args.nodes == "none" && !others)
    throw UsageError("--nodes none needs --prefixes, --interfaces or --as");
  for (const auto& text : args.count_at) series::parse_counting_point(text, o.nodes);
  flow::Anonymizer anonymizer(anonymize);
  for (auto& point : o.nodes.counting_points) point.prefix = anonymizer.prefix(point.prefix);
  for (auto* prefixes : {&o.nodes.hosts, &o.nodes.prefixes}) {
    for (auto& p : *prefixes) p = anonymizer.prefix(p);
  }
  check_timezone(args.timezone);
  std::random_device entropy;
  o.seed = {uint64_t{entropy()} << 32 | entropy(), uint64_t{entropy()} << 32 | entropy()};
  return o;
}

}  // namespace netflowgen::cli

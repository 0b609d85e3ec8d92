// netflowgen size: what a network needs, from measured constants (serve/sizing.h, docs/sizing.md).
#include <fmt/format.h>

#include <cmath>
#include <cstdlib>
#include <memory>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "cli/commands.h"
#include "cli/options/decode_options.h"
#include "cli/options/detect_options.h"
#include "cli/options/series_options.h"
#include "infer/engine.h"
#include "model/spec.h"
#include "serve/detect_setup.h"
#include "serve/sizing.h"

namespace netflowgen::cli {
namespace {

using base::UsageError;

struct SizeArgs {
  std::string mode = "detect";
  std::string flows;
  std::string nodes;
  std::string active;
  double ends = 1;
  std::string step = "60s";
  std::string lateness = kUsualLateness;
  std::string flush = "5m";
  std::string history = "512M";
  std::string keep = "400d";
  std::string keep_rows = "90d";
  std::string keep_topic = "1d";
  double copies = 3;
  double busy = 0.6;
  unsigned collectors = 0;
  serve::DetectOptions detect;
  bool json = false;
};

// "1000000", "1M", "1.5M", "20k".
double count_of(const std::string& text, const char* option) {
  char* end = nullptr;
  double x = std::strtod(text.c_str(), &end);
  const std::string unit = end;
  if (unit == "k" || unit == "K") x *= 1e3;
  if (unit == "M") x *= 1e6;
  if (unit == "G") x *= 1e9;
  const bool known = unit.empty() || unit == "k" || unit == "K" || unit == "M" || unit == "G";
  if (end == text.c_str() || !known || !(x > 0) || !std::isfinite(x))
    throw UsageError("{} {}: expected a number above 0, such as 200000, 200k or 1.5M", option, text);
  return x;
}

double days_of(const std::string& text, const char* option) {
  const auto ms = static_cast<double>(duration_ms(text, option));
  if (ms <= 0) throw UsageError("{} {}: it must be longer than 0", option, text);
  return ms / static_cast<double>(base::kDayMs);
}

serve::SizeInput input_of(const SizeArgs& a) {
  const auto within = [](double x, const char* option, double least, double most) {
    if (!(x >= least && x <= most)) throw UsageError("{} {}: expected {} to {}", option, x, least, most);
  };
  within(a.ends, "--ends", 0.01, 2);
  within(a.copies, "--copies", 1, 9);
  within(a.busy, "--busy", 0.05, 1);
  serve::SizeInput in;
  in.mode = a.mode == "fleet"     ? serve::SizeMode::kFleet
            : a.mode == "collect" ? serve::SizeMode::kCollect
                                  : serve::SizeMode::kDetect;
  in.flows_per_s = count_of(a.flows, "--flows");
  in.nodes = count_of(a.nodes, "--nodes");
  in.active = a.active.empty() ? in.nodes : count_of(a.active, "--active");
  if (in.active > in.nodes) throw UsageError("--active {}: more than --nodes {}", a.active, a.nodes);
  in.ends = a.ends;
  in.step_s = static_cast<double>(duration_ms(a.step, "--step")) / 1000;
  in.lateness_s = static_cast<double>(duration_ms(a.lateness, "--lateness")) / 1000;
  if (in.step_s <= 0) throw UsageError("--step {}: it must be longer than 0", a.step);
  // A flow makes its ends active, and no more.
  in.active = std::min(in.active, in.flows_per_s * in.step_s * in.ends);
  in.flush_s = static_cast<double>(duration_ms(a.flush, "--flush")) / 1000;
  in.history_bytes = static_cast<double>(size_bytes(a.history, "--history"));
  in.keep_days = days_of(a.keep, "--keep");
  in.rows_days = days_of(a.keep_rows, "--keep-rows");
  in.topic_days = days_of(a.keep_topic, "--keep-topic");
  in.copies = a.copies;
  in.busy = a.busy;
  in.collectors = a.collectors;
  if (in.mode == serve::SizeMode::kCollect) return in;
  serve::DetectOptions detect = a.detect;
  detect.model = model_or_shipped(detect.model);
  detect.max_nodes = 1;
  const serve::DetectSetup setup(detect);
  const infer::Engine engine(setup.model_ptr(), setup.engine_options());
  in.bytes_per_node = static_cast<double>(engine.bytes_per_node());
  return in;
}

std::string value_text(const serve::SizeLine& l) {
  if (l.unit == "cores") return fmt::format("{:.1f} cores", l.value);
  if (l.unit == "s") return fmt::format("{:.3g} s", l.value);
  if (l.unit.empty()) return fmt::format("{:.0f}", l.value);
  double x = l.value;
  size_t u = 0;
  constexpr const char* kUnits[] = {"B", "KB", "MB", "GB", "TB", "PB"};
  for (; x >= 999.5 && u < 5; ++u) x /= 1000;
  return fmt::format("{:.3g} {}{}", x, kUnits[u], l.unit == "bytes/s" ? "/s" : "");
}

void print_json(const SizeArgs& a, const serve::SizeInput& in, const serve::Sizing& sizing) {
  nlohmann::ordered_json j;
  j["mode"] = a.mode;
  j["input"] = {{"flows_per_s", in.flows_per_s},
                {"nodes", in.nodes},
                {"active", in.active},
                {"ends", in.ends},
                {"step_s", in.step_s},
                {"lateness_s", in.lateness_s},
                {"flush_s", in.flush_s},
                {"busy", in.busy},
                {"bytes_per_node", in.bytes_per_node}};
  for (const auto& l : sizing.lines)
    j["needs"][l.name] = {{"value", l.value}, {"unit", l.unit}, {"how", l.how}};
  j["warnings"] = sizing.warnings;
  for (const auto& c : serve::size_constants())
    j["constants"][std::string(c.name)] = {{"value", c.value}, {"unit", c.unit}, {"from", c.from}};
  fmt::print("{}\n", j.dump(1));
}

void print_text(const serve::Sizing& sizing) {
  for (const auto& l : sizing.lines) fmt::print("{:34} {:>10}   {}\n", l.label, value_text(l), l.how);
  for (const auto& w : sizing.warnings) fmt::print("warning: {}\n", w);
  fmt::print("\nconstants, of one core:\n");
  for (const auto& c : serve::size_constants())
    fmt::print("{:34} {:>10}   {}\n", c.name, fmt::format("{:g} {}", c.value, c.unit), c.from);
}

void run_size(const SizeArgs& a) {
  const auto in = input_of(a);
  const auto sizing = serve::size_of(in);
  if (a.json) return print_json(a, in, sizing);
  print_text(sizing);
}

}  // namespace

void add_size(Command& app, Context&) {
  auto a = std::make_shared<SizeArgs>();
  auto* c = app.add_subcommand("size", "What a network needs: cores, memory, partitions, disk");
  c->add_option("--flows", a->flows, "Flows a second, such as 200k")->required();
  c->add_option("--nodes", a->nodes, "Nodes that are known, such as 100k")->required();
  c->add_option("--active", a->active, "Of them, those with traffic in a step [all]");
  c->add_option("--mode", a->mode,
                "collect, detect: one process; fleet: collectors and detectors (docs/frames.md)")
      ->check(one_of({"collect", "detect", "fleet"}))
      ->capture_default_str();
  c->add_option("--ends", a->ends, "Of a flow's two ends, how many are nodes")->capture_default_str();
  c->add_option("--step", a->step, "Length of a step")->capture_default_str();
  c->add_option("--lateness", a->lateness, "How long a step stays open after its end")->capture_default_str();
  c->add_option("--flush", a->flush, "How often frames are written to the store")->capture_default_str();
  c->add_option("--history", a->history, "Memory of serve's latest steps: its history.memory")
      ->capture_default_str();
  c->add_option("--keep", a->keep, "Of the series store")->capture_default_str();
  c->add_option("--keep-rows", a->keep_rows, "Of rows of ClickHouse")->capture_default_str();
  c->add_option("--keep-topic", a->keep_topic, "Of the topic of a fleet")->capture_default_str();
  c->add_option("--copies", a->copies, "Of a record of the topic")->capture_default_str();
  c->add_option("--busy", a->busy, "Share of a core that may be busy")->capture_default_str();
  c->add_option("--collectors", a->collectors, "Of a fleet [as many as are needed]");
  c->add_option("--model", a->detect.model, "A model folder [the one that comes with the program]");
  c->add_option("--cache", a->detect.cache, "Number format of cached keys and values")
      ->check(one_of({"float32", "bf16", "int8"}))
      ->capture_default_str();
  c->add_flag("--json", a->json, "The same as JSON");
  c->footer(
      "Examples: netflowgen size --flows 200k --nodes 100k\n"
      "          netflowgen size --flows 10M --nodes 10M --active 2M --step 5m --mode fleet --cache int8");
  c->callback([a] { run_size(*a); });
}

}  // namespace netflowgen::cli

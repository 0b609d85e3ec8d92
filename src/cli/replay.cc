// netflowgen replay: recorded traffic through the detector of the live path (serve/replay.h). Wiring only.
#include <fmt/format.h>

#include <cstdlib>
#include <memory>

#include "base/error.h"
#include "cli/commands.h"
#include "cli/config.h"
#include "cli/options/detect_options.h"
#include "cli/options/input_options.h"
#include "cli/options/rows_option.h"
#include "cli/options/series_options.h"
#include "detect/detector_state.h"
#include "detect/streaming_detector.h"
#include "flow/filter/dedup.h"
#include "flow/open.h"
#include "series/store.h"
#include "serve/alert_output.h"
#include "serve/finite_input.h"
#include "serve/ledger_text.h"
#include "serve/replay.h"

namespace netflowgen::cli {
namespace {

struct ReplayArgs {
  InputArgs input;
  SeriesArgs series;
  serve::DetectOptions detect;
  std::string speed = "max";
  std::string state;
  std::vector<std::string> out;
  RowArgs rows;
};

// How many times faster than it was recorded; 0: as fast as possible.
double speed_of(const std::string& text) {
  if (text == "max") return 0;
  char* end = nullptr;
  const double x = std::strtod(text.c_str(), &end);
  if (end == text.c_str() || *end != '\0' || !(x > 0)) {
    throw base::UsageError("--speed {}: expected max, or how many times faster than recorded, e.g. 60", text);
  }
  return x;
}

base::fs::path temporary_folder() {
  std::error_code error;
  const auto folder = base::fs::temp_directory_path(error);
  return error ? base::fs::path("/tmp") : folder;
}

// Of the store, or what --step asks for; 0: the model's own.
int64_t step_of(const ReplayArgs& a) {
  const auto& paths = a.input.options.paths;
  if (paths.size() == 1 && series::is_store(paths[0])) return series::read_store_info(paths[0]).step_ms;
  return a.series.step.empty() ? 0 : duration_ms(a.series.step, "--step");
}

serve::InputOutcome replay_input(const ReplayArgs& a, const serve::DetectSetup& setup,
                                 const serve::ReplayOptions& options, detect::StreamingDetector& stream) {
  const int64_t step_ms = setup.step_ms();
  const auto& paths = a.input.options.paths;
  if (paths.size() == 1 && series::is_store(paths[0])) {
    return serve::replay_store(paths[0], step_ms, options, stream);
  }
  if (flow::is_rates(a.input.options)) {
    return serve::replay_rates(flow::open_rates(input_options(a.input)), step_ms, options, stream);
  }
  auto series = series_options(a.series, flow::parse_anonymize(a.input.anonymize));
  series.step_ms = step_ms;
  const std::string line = serve::take_fitted_nodes(setup.fitted(), a.series.names_nodes(), series.nodes);
  if (!line.empty()) fmt::print(stderr, "{}\n", line);
  const auto open = [&] { return open_input(a.input, a.series); };
  if (reads_for_order(a.input, a.series)) {  // alerts cannot be taken back, so the order is read first
    const serve::FiniteInput input{
        open,
        {.series = series},
        temporary_folder(),
        options.stop,
        [&](const flow::FlowSource& source, uint64_t flows, bool) {
          options.progress({"kB", source.bytes_done() / 1000, source.bytes_total() / 1000 + 1,
                            fmt::format("order of {} flows", flows)});
        }};
    series = serve::with_plan(input, serve::read_order(input));
  }
  const auto outcome = serve::replay_flows(open(), series, options, stream);
  fmt::print(stderr, "{}", late_warning(a.input, a.series, outcome));
  return outcome;
}

void print_end(const ReplayArgs& a, const serve::InputOutcome& outcome, detect::StreamingDetector& stream,
               const serve::AlertOutput& output, const serve::RowWriter* rows) {
  std::FILE* const to = output.to_stdout() ? stderr : stdout;
  auto ledgers = outcome.ledgers;
  ledgers.push_back(stream.frames_ledger());
  ledgers.push_back(stream.nodes_ledger());
  ledgers.push_back(stream.alerts_ledger());
  if (rows != nullptr) ledgers.push_back(rows->counts().rows);
  serve::print_ledgers(to, ledgers);
  serve::print_bad_lines(to, outcome.bad_lines);
  std::string names;
  for (const auto& name : a.out) names += (names.empty() ? " in " : ", ") + name;
  fmt::print(to, "{} alerts, {} still open; {} records{}\n", stream.alerts_ledger().in,
             stream.detector().open_alerts(), output.records(), names);
}

void run_replay(const ReplayArgs& a, const Context& context) {
  serve::ReplayOptions options{speed_of(a.speed), &context.stop, progress_printer(context, "replay")};
  serve::DetectOptions detect = a.detect;
  detect.model = model_or_shipped(detect.model);
  detect.step_ms = step_of(a);
  serve::DetectSetup setup(detect);
  serve::NodeWatch watch(setup.fitted());
  options.nodes_known = [&](uint64_t nodes) {
    const std::string text = watch.update(nodes);
    if (!text.empty()) fmt::print(stderr, "warning: {}\n", text);
  };
  serve::AlertOutput output(a.out);
  const auto rows = open_rows(a.rows, setup.step_ms());
  detect::StreamingDetector stream(
      setup.model_ptr(), setup.rules(), setup.engine_options(),
      [&](const detect::Alert& alert) {
        output.add(alert);
        if (rows) rows->add(alert);
      },
      [&](const detect::Incident& incident) {
        output.add(incident);
        if (rows) rows->add(incident);
      });
  if (rows) write_rows(stream, setup.calibration().names(), *rows);
  if (!a.state.empty() && base::fs::exists(a.state)) detect::DetectorState::restore(stream, a.state);
  const auto outcome = replay_input(a, setup, options, stream);
  serve::print_warnings(stderr, outcome.warnings);
  if (stream.frames_ledger().in == 0) {
    serve::print_ledgers(stderr, outcome.ledgers);
    serve::print_bad_lines(stderr, outcome.bad_lines);
    if (!outcome.failure.empty()) throw base::Error("{}", outcome.failure);
    throw base::Error("the input has no usable flow or row, so no step was scored");
  }
  output.finish();
  if (!a.state.empty()) detect::DetectorState::save(stream, a.state);
  if (rows) finish_rows(*rows, context);
  print_end(a, outcome, stream, output, rows.get());
  if (!outcome.failure.empty()) throw base::Error("{} (the alerts so far were written)", outcome.failure);
  if (context.stop.requested()) throw base::Stopped("stopped; the alerts so far were written");
}

}  // namespace

void add_replay(Command& app, Context& context) {
  auto* c = app.add_subcommand("replay", "Run recorded traffic through the detector, as if it were live");
  auto a = std::make_shared<ReplayArgs>();
  add_input_options(*c, a->input, "Flows or rates (files, folders, -), or one series store");
  add_detect_options(*c, a->detect);
  c->add_option("-o,--out", a->out, "Alerts: FILE.jsonl or FILE.db (SQLite); repeatable [standard output]");
  c->add_option("--state", a->state, "Detector state: continue from this file, save to it at the end");
  c->add_option("--speed", a->speed, "max, or how many times faster than recorded")->capture_default_str();
  add_rows_option(*c, a->rows, "Frames, scores and alerts", nullptr);
  add_series_options(*c, a->series, Steps::kOfModel);
  add_init_option(*c);
  c->footer("Example: netflowgen replay nfcapd-folder --model detector --policy policy.yaml -o alerts.jsonl");
  c->callback([a, &context] {
    pin_inputs(a->input);
    run_replay(*a, context);
  });
}

}  // namespace netflowgen::cli

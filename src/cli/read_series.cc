#include "cli/read_series.h"

#include <fmt/format.h>

#include <chrono>
#include <utility>

#include "base/error.h"
#include "cli/config.h"
#include "flow/filter/anonymize.h"
#include "flow/open.h"
#include "flow/source.h"
#include "series/node.h"
#include "series/rates.h"
#include "series/table_series.h"
#include "serve/ledger_text.h"

namespace netflowgen::cli {
namespace {

using base::UsageError;

// Bytes as done and total give the ETA; the note says how many rows that was. A source reads ahead, so the last
// byte counts only at the end.
class Reporter {
 public:
  Reporter(base::ProgressFn print, const char* what) : print_(std::move(print)), what_(what) {}
  void operator()(uint64_t rows, uint64_t bytes_done, uint64_t bytes_total, bool end = false) {
    const uint64_t total = (bytes_total + kKilo - 1) / kKilo;
    const uint64_t done = end || total == 0 ? bytes_done / kKilo : std::min(bytes_done / kKilo, total - 1);
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
    if (!print_) return;
    print_({"kB", end ? std::max(done, total) : done, total,
            fmt::format("{} {}, {:.3g} M/s", rows, what_,
                        static_cast<double>(rows) / 1e6 / std::max(seconds, 1e-3))});
  }

 private:
  static constexpr uint64_t kKilo = 1000;
  base::ProgressFn print_;
  const char* what_;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

SeriesOutcome read_flows(const SeriesSettings& s, const SeriesRun& run, FrameTarget& target) {
  auto options = series_options(s.series, flow::parse_anonymize(s.input.anonymize));
  options.closed_before = target.closed_before();
  options.features = series::FeatureChoice::parse(s.features);
  Reporter report(run.progress, "flows");
  const serve::FiniteInput input{[&] { return open_input(s.input, s.series); },
                                 {.series = options},
                                 target.spill_folder(),
                                 &run.stop,
                                 [&](const flow::FlowSource& source, uint64_t flows, bool end) {
                                   report(flows, source.bytes_done(), source.bytes_total(), end);
                                 }};
  const auto again = [&](const series::LateFlows&) {
    target.discard();
    run.note("the flows are not in the order of time: the input is read a second time");
  };
  const auto done = reads_for_order(s.input, s.series) ? serve::run_in_any_order(input, target.sink(), again)
                                                       : serve::run_once(input, target.sink());
  SeriesOutcome outcome;
  static_cast<serve::InputOutcome&>(outcome) = done.outcome;
  const auto& builder = done.pipeline->builder();
  target.cover(builder.first_step(), builder.end_step());
  if (!outcome.stopped && outcome.failure.empty()) save_state(s.input, done.pipeline->source());
  outcome.notes = serve::notes_text(done.pipeline->source().notes());
  outcome.notes += fmt::format("{} flows spread over several steps, {} with a part in closed steps\n",
                               builder.spread(), builder.clamped());
  if (std::string late = late_warning(s.input, s.series, outcome); !late.empty()) {
    late.pop_back();
    run.note(late);
  }
  return outcome;
}

// Of what needs the flows themselves: the options' names; "": nothing.
std::string needs_flows(const SeriesSettings& s) {
  if (!s.input.anonymize.empty()) return "--anonymize";
  if (duration_ms(s.series.dedup, "--dedup") > 0) return "--dedup";
  return s.series.count_at.empty() ? "" : "--count-at";
}

// The flows of a table, summed by its server.
SeriesOutcome read_sums(const SeriesSettings& s, const SeriesRun& run, FrameTarget& target) {
  if (const std::string option = needs_flows(s); !option.empty())
    throw UsageError("{} needs the flows themselves: add format=rows to the clickhouse:// URL", option);
  auto options = series_options(s.series);
  options.closed_before = target.closed_before();
  options.features = series::FeatureChoice::parse(s.features);
  const auto report = [&run](uint64_t flows, uint64_t total) {
    if (run.progress) run.progress({"flows", flows, total, ""});
  };
  auto done = series::read_table(s.input.options.paths.front(), options, {&run.stop, report}, target.sink());
  target.cover(done.first_step, done.end_step);
  SeriesOutcome outcome;
  outcome.ledgers = std::move(done.ledgers);
  outcome.flows = done.flows;
  outcome.failure = std::move(done.failure);
  outcome.stopped = done.stopped;
  outcome.notes = serve::notes_text(done.notes);
  outcome.notes +=
      fmt::format("summed by the server: {} flows came as {} kB\n", done.flows, done.bytes / 1000);
  return outcome;
}

SeriesOutcome read_rates(const SeriesSettings& s, const SeriesRun& run, FrameTarget& target) {
  if (s.series.names_nodes()) {
    throw UsageError("rates have their own nodes: leave out --nodes, --prefixes, --interfaces and --as");
  }
  if (!s.input.anonymize.empty())
    throw UsageError("rates have their own node names: --anonymize is for flows");
  if (!s.features.empty()) throw UsageError("rates have the features of their columns: leave out --features");
  const auto source = flow::open_rates(input_options(s.input));
  series::RateOptions options;
  options.step_ms = duration_ms(s.series.step, "--step");
  options.interval_ms = source->interval_ms();
  options.absent_is_idle = source->absent_is_idle();
  options.spill_folder = target.spill_folder();
  options.max_time_ms = series_options(s.series).max_time_ms;
  options.closed_before = target.closed_before();
  series::RateBuilder builder(options, source->columns(),
                              [&](const std::string& node, int64_t step, std::span<const float> frame) {
                                target.add(node, step, frame);
                              });
  Reporter report(run.progress, "rows");
  flow::RateRow row;
  uint64_t rows = 0;
  SeriesOutcome outcome;
  serve::read_until_end(run.stop, outcome, [&] {
    const bool end = !source->read(row);
    if (!end) builder.add(row);
    if (end || ++rows % 4096 == 0) report(rows, source->bytes_done(), source->bytes_total(), end);
    return !end;
  });
  builder.finish();
  outcome.ledgers = source->ledgers();
  outcome.ledgers.push_back(builder.row_ledger());
  outcome.bad_lines = source->bad_lines();
  outcome.notes =
      fmt::format("{} frames, {} of which fill gaps as missing\n", builder.frames(), builder.unmeasured());
  return outcome;
}

}  // namespace

void add_series_settings(Command& command, SeriesSettings& settings) {
  add_input_options(command, settings.input);
  add_series_options(command, settings.series);
  add_feature_option(command, settings);
}

void add_feature_option(Command& command, SeriesSettings& settings) {
  takes_comma_list(command.add_option("--features", settings.features,
                                      "Only these features, NAME,...: bytes is bytes_in and bytes_out [all]"))
      ->group(kAdvancedGroup);
}

SeriesShape shape_of(const SeriesSettings& s) {
  const auto options = series_options(s.series, flow::parse_anonymize(s.input.anonymize));
  series::FeatureChoice::parse(s.features);  // refuses what is no feature
  if (flow::is_rates(s.input.options)) return {options.step_ms, {}};
  return {options.step_ms, series::choice_of(options.nodes)};
}

SeriesOutcome read_series(const SeriesSettings& settings, const SeriesRun& run, FrameTarget& target) {
  const auto& paths = settings.input.options.paths;
  if (paths.size() == 1 && series::sums_on_server(paths.front())) return read_sums(settings, run, target);
  return flow::is_rates(settings.input.options) ? read_rates(settings, run, target)
                                                : read_flows(settings, run, target);
}

}  // namespace netflowgen::cli

// netflowgen series: any input that flow::open_flows or open_rates takes, to a series store.
#include <fmt/format.h>

#include <chrono>
#include <memory>

#include "base/error.h"
#include "cli/commands.h"
#include "cli/config.h"
#include "cli/options/input_options.h"
#include "cli/options/series_options.h"
#include "flow/filter/anonymize.h"
#include "flow/open.h"
#include "flow/record.h"
#include "flow/source.h"
#include "series/builder.h"
#include "series/node.h"
#include "series/rates.h"
#include "series/store.h"
#include "series/store_sink.h"
#include "serve/finite_input.h"
#include "serve/ledger_text.h"

namespace netflowgen::cli {
namespace {

using base::UsageError;

struct SeriesSettings {
  InputArgs input;
  SeriesArgs series;
  std::string store;
  bool append = false;
};

// Bytes as done and total give the ETA; the note says how many rows that was. A source reads ahead, so the last
// byte counts only at the end.
class Reporter {
 public:
  Reporter(const Context& context, const char* what)
      : print_(progress_printer(context, "series")), what_(what) {}
  void operator()(uint64_t rows, uint64_t bytes_done, uint64_t bytes_total, bool end = false) {
    const uint64_t total = (bytes_total + kKilo - 1) / kKilo;
    const uint64_t done = end || total == 0 ? bytes_done / kKilo : std::min(bytes_done / kKilo, total - 1);
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
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

struct SeriesOutcome : serve::InputOutcome {
  std::string notes;
};

SeriesOutcome run_flows(const SeriesSettings& s, const Context& context, series::StoreWriter& writer) {
  auto options = series_options(s.series, flow::parse_anonymize(s.input.anonymize));
  const auto& info = writer.info();
  if (!info.shards.empty()) options.closed_before = info.end_step;
  series::StoreSink sink(writer);
  Reporter report(context, "flows");
  const serve::FiniteInput input{[&] { return open_input(s.input, s.series); },
                                 {.series = options},
                                 s.store,
                                 &context.stop,
                                 [&](const flow::FlowSource& source, uint64_t flows, bool end) {
                                   report(flows, source.bytes_done(), source.bytes_total(), end);
                                 }};
  const auto again = [&](const series::LateFlows&) {
    writer.discard();
    if (!context.quiet)
      fmt::print(stderr, "the flows are not in the order of time: the input is read a second time\n");
  };
  const auto run = reads_for_order(s.input, s.series) ? serve::run_in_any_order(input, sink, again)
                                                      : serve::run_once(input, sink);
  SeriesOutcome outcome;
  static_cast<serve::InputOutcome&>(outcome) = run.outcome;
  const auto& builder = run.pipeline->builder();
  writer.cover(builder.first_step(), builder.end_step());
  if (!outcome.stopped && outcome.failure.empty()) save_state(s.input, run.pipeline->source());
  outcome.notes = serve::notes_text(run.pipeline->source().notes());
  outcome.notes += fmt::format("{} flows spread over several steps, {} with a part in closed steps\n",
                               builder.spread(), builder.clamped());
  fmt::print(stderr, "{}", late_warning(s.input, s.series, outcome));
  return outcome;
}

SeriesOutcome run_rates(const SeriesSettings& s, const Context& context, series::StoreWriter& writer) {
  if (s.series.names_nodes()) {
    throw UsageError("rates have their own nodes: leave out --nodes, --prefixes, --interfaces and --as");
  }
  if (!s.input.anonymize.empty())
    throw UsageError("rates have their own node names: --anonymize is for flows");
  const auto source = flow::open_rates(input_options(s.input));
  series::RateOptions options;
  options.step_ms = duration_ms(s.series.step, "--step");
  options.interval_ms = source->interval_ms();
  options.absent_is_idle = source->absent_is_idle();
  options.spill_folder = s.store;
  options.max_time_ms = series_options(s.series).max_time_ms;
  if (!writer.info().shards.empty()) options.closed_before = writer.info().end_step;
  series::RateBuilder builder(options, source->columns(),
                              [&](const std::string& node, int64_t step, std::span<const float> frame) {
                                writer.add(node, step, frame);
                              });
  Reporter report(context, "rows");
  flow::RateRow row;
  uint64_t rows = 0;
  SeriesOutcome outcome;
  serve::read_until_end(context.stop, outcome, [&] {
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

void print_outcome(const SeriesSettings& s, const SeriesOutcome& outcome, const series::StoreInfo& info) {
  serve::print_ledgers(stdout, outcome.ledgers);
  fmt::print("{}", outcome.notes);
  serve::print_bad_lines(stdout, outcome.bad_lines);
  fmt::print("{}: {} frames in {} shards, {} to {} in steps of {:g} s\n", s.store, info.rows(),
             info.shards.size(), base::format_time(info.first_step * info.step_ms),
             base::format_time(info.end_step * info.step_ms), static_cast<double>(info.step_ms) / 1000);
}

void run_series(const SeriesSettings& s, const Context& context) {
  const bool rates = flow::is_rates(s.input.options);
  const auto options =
      series_options(s.series, flow::parse_anonymize(s.input.anonymize));  // before anything is touched
  series::StoreWriter writer(s.store,
                             {.step_ms = options.step_ms,
                              .timezone = s.series.timezone,
                              .choice = rates ? series::NodeChoice{} : series::choice_of(options.nodes),
                              .append = s.append});
  const SeriesOutcome outcome = rates ? run_rates(s, context, writer) : run_flows(s, context, writer);
  writer.set_counts(series::to_counts(outcome.ledgers));
  serve::print_warnings(stderr, outcome.warnings);
  const uint64_t written = writer.frames();
  if (written == 0) {
    serve::print_ledgers(stderr, outcome.ledgers);
    serve::print_bad_lines(stderr, outcome.bad_lines);
    if (!outcome.failure.empty()) throw base::Error("{}", outcome.failure);
    if (outcome.stopped) throw base::Stopped("stopped before the first frame; nothing was written");
    throw base::Error("the input has no usable flow or row, so nothing was written to {}", s.store);
  }
  writer.flush();
  print_outcome(s, outcome, writer.info());
  if (!outcome.failure.empty())
    throw base::Error("{} (what was read before it is in {})", outcome.failure, s.store);
  if (outcome.stopped) throw base::Stopped("stopped; what was read is in {}", s.store);
}

}  // namespace

void add_series(Command& app, Context& context) {
  auto* command = app.add_subcommand("series", "Turn flows, or rates per node, into a series store");
  auto s = std::make_shared<SeriesSettings>();
  add_input_options(*command, s->input);
  command->add_option("-o,--out", s->store, "The store, a folder")->required()->group(kOutputGroup);
  add_series_options(*command, s->series);
  command->add_flag("--append", s->append, "Extend the store with flows that come after it")
      ->group(kOutputGroup);
  add_init_option(*command);
  command->footer(
      "Examples: netflowgen series flows.csv.zst -o store --nodes 172.16.0.0/16\n"
      "          netflowgen series /var/cache/nfdump -o store --anonymize cryptopan:key\n"
      "          netflowgen series rates.csv --map configs/maps/bitbrains.yaml --step 5m -o vms");
  command->callback([s, &context] {
    pin_inputs(s->input);
    run_series(*s, context);
  });
}

}  // namespace netflowgen::cli

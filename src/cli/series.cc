// netflowgen series: any input that flow::open_flows or open_rates takes, to a series store.
#include <fmt/format.h>

#include <memory>
#include <utility>

#include "base/error.h"
#include "base/time.h"
#include "cli/commands.h"
#include "cli/config.h"
#include "cli/options/rows_option.h"
#include "cli/read_series.h"
#include "series/store.h"
#include "series/store_sink.h"
#include "serve/ledger_text.h"

namespace netflowgen::cli {
namespace {

struct StoreSettings : SeriesSettings {
  std::string store;
  bool append = false;
  RowArgs rows;
};

class StoreTarget : public FrameTarget {
 public:
  StoreTarget(std::string store, series::StoreWriter& writer)
      : store_(std::move(store)), writer_(writer), sink_(writer) {}
  series::FrameSink& sink() override { return sink_; }
  void add(const std::string& node, int64_t step, std::span<const float> frame) override {
    writer_.add(node, step, frame);
  }
  void cover(int64_t first_step, int64_t end_step) override { writer_.cover(first_step, end_step); }
  void discard() override { writer_.discard(); }
  int64_t closed_before() const override {
    const auto& info = writer_.info();
    return info.shards.empty() ? INT64_MIN : info.end_step;
  }
  std::string spill_folder() const override { return store_; }

 private:
  std::string store_;
  series::StoreWriter& writer_;
  series::StoreSink sink_;
};

void print_outcome(const StoreSettings& s, const SeriesOutcome& outcome, const series::StoreInfo& info) {
  serve::print_ledgers(stdout, outcome.ledgers);
  fmt::print("{}", outcome.notes);
  serve::print_bad_lines(stdout, outcome.bad_lines);
  fmt::print("{}: {} frames in {} shards, {} to {} in steps of {:g} s\n", s.store, info.rows(),
             info.shards.size(), base::format_time(info.first_step * info.step_ms),
             base::format_time(info.end_step * info.step_ms), static_cast<double>(info.step_ms) / 1000);
}

void run_series(const StoreSettings& s, const Context& context) {
  const auto shape = shape_of(s);  // before anything is touched
  series::StoreWriter writer(
      s.store,
      {.step_ms = shape.step_ms, .timezone = s.series.timezone, .choice = shape.choice, .append = s.append});
  StoreTarget target(s.store, writer);
  const auto rows = open_rows(s.rows, shape.step_ms);
  const size_t shards_before = writer.info().shards.size();
  const SeriesRun run{context.stop, progress_printer(context, "series"), [&](const std::string& line) {
                        if (!context.quiet || line.starts_with("warning")) fmt::print(stderr, "{}\n", line);
                      }};
  const SeriesOutcome outcome = read_series(s, run, target);
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
  if (rows) copy_rows(s.store, writer.info(), shards_before, *rows, context);
  print_outcome(s, outcome, writer.info());
  if (!outcome.failure.empty())
    throw base::Error("{} (what was read before it is in {})", outcome.failure, s.store);
  if (outcome.stopped) throw base::Stopped("stopped; what was read is in {}", s.store);
}

}  // namespace

void add_series(Command& app, Context& context) {
  auto* command = app.add_subcommand("series", "Turn flows, or rates per node, into a series store");
  auto s = std::make_shared<StoreSettings>();
  add_input_options(*command, s->input);
  command->add_option("-o,--out", s->store, "The store, a folder")->required()->group(kOutputGroup);
  add_series_options(*command, s->series);
  add_feature_option(*command, *s);
  command->add_flag("--append", s->append, "Extend the store with flows that come after it")
      ->group(kOutputGroup);
  add_rows_option(*command, s->rows, "Frames", kAdvancedGroup);
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

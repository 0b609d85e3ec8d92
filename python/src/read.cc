// read_flows: what `netflowgen series` reads, to a table in memory.
#include <fmt/format.h>

#include <filesystem>

#include "base/error.h"
#include "binding.h"
#include "cli/command_line.h"
#include "cli/read_series.h"
#include "series/store.h"
#include "series/table_sink.h"
#include "serve/ledger_text.h"

namespace netflowgen::python {
namespace {

class TableTarget : public cli::FrameTarget {
 public:
  explicit TableTarget(const std::string& features) : table(series::FeatureChoice::parse(features)) {}
  series::FrameSink& sink() override { return table; }
  void add(const std::string& node, int64_t step, std::span<const float> frame) override {
    table.add(node, step, frame);
  }
  void cover(int64_t first_step, int64_t end_step) override { table.cover(first_step, end_step); }
  void discard() override { table.discard(); }
  std::string spill_folder() const override { return std::filesystem::temp_directory_path(); }

  series::TableSink table;
};

// The settings that the words of the command line say.
cli::SeriesSettings settings_of(const std::vector<std::string>& words) {
  cli::SeriesSettings settings;
  cli::CommandLine line("", "");
  auto* const command = line.root().add_subcommand("series", "");
  cli::add_series_settings(*command, settings);
  std::vector<std::string> arguments = {"series"};
  arguments.insert(arguments.end(), words.begin(), words.end());
  line.run(arguments);
  return settings;
}

// What was read, and what was not.
struct Account {
  std::vector<std::string> lines;
  std::vector<
      std::tuple<std::string, uint64_t, uint64_t, uint64_t, std::vector<std::pair<std::string, uint64_t>>>>
      stages;  // name, in, out, held, drops
};

void take_outcome(const cli::SeriesOutcome& outcome, Account& account) {
  for (const auto& c : series::to_counts(outcome.ledgers))
    account.stages.emplace_back(c.stage, c.in, c.out, c.held, c.drops);
  for (const auto& b : outcome.bad_lines)
    account.lines.push_back(
        fmt::format("{}: {} ({} times, first on line {})", b.file, b.reason, b.count, b.line));
  for (const auto& w : outcome.warnings) account.lines.push_back("warning: " + w.text);
}

nb::tuple read_flows(const std::vector<std::string>& words, const ProgressArgument& progress) {
  const auto settings = settings_of(words);
  Account account;
  series::ColumnTable table;
  run_work(progress, [&](const base::StopFlag& stop, const base::ProgressFn& report) {
    const auto shape = cli::shape_of(settings);
    TableTarget target(settings.features);
    const cli::SeriesRun run{stop, report, [&](const std::string& line) { account.lines.push_back(line); }};
    const auto outcome = cli::read_series(settings, run, target);
    take_outcome(outcome, account);
    if (!outcome.failure.empty()) throw base::Error("{}", outcome.failure);
    if (outcome.stopped) throw base::Stopped("stopped");
    if (target.table.rows() == 0)
      throw base::Error("the input has no usable flow or row: {}", serve::ledger_table(outcome.ledgers));
    table = target.table.finish_columns(shape.step_ms, settings.series.timezone, shape.choice);
  });
  nb::list stages;
  for (const auto& [name, in, out, held, drops] : account.stages) {
    nb::dict reasons;
    for (const auto& [reason, count] : drops) reasons[reason.c_str()] = count;
    stages.append(nb::make_tuple(name, in, out, held, reasons));
  }
  return nb::make_tuple(Series(std::move(table)), stages, account.lines);
}

}  // namespace

void bind_read(nb::module_& m) {
  m.def("read_flows", &read_flows, nb::arg("words"), nb::arg("progress").none());
}

}  // namespace netflowgen::python

// netflowgen series: any input that flow::open_flows or open_rates takes, to a series store.
#include <fmt/format.h>

#include <chrono>
#include <memory>
#include <random>

#include "base/error.h"
#include "cli/commands.h"
#include "cli/ledger_text.h"
#include "flow/flow.h"
#include "series/series.h"

namespace netflowgen::cli {
namespace {

using base::UsageError;

struct Settings {
  flow::InputOptions input;
  std::string store;
  std::string nodes;
  std::string prefixes;
  bool interfaces = false;
  bool as = false;
  std::string step = "60s";
  std::string lateness = "2m";
  std::string max_duration = "1d";
  std::string timezone = "UTC";
  bool append = false;
};

int64_t duration(const std::string& text, const char* flag) {
  const auto ms = base::parse_duration(text);
  if (!ms) throw UsageError("{} {}: expected a duration such as 60s, 5m or 1h", flag, text);
  return *ms;
}

// The only clock that is read: what starts more than a day from now is taken for an error.
base::TimeMs tomorrow() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::milliseconds>(now).count() + 86'400'000;
}

series::SeriesOptions series_options(const Settings& s) {
  series::SeriesOptions o;
  o.step_ms = duration(s.step, "--step");
  if (o.step_ms <= 0) throw UsageError("--step {}: it must be longer than 0", s.step);
  o.lateness_ms = duration(s.lateness, "--lateness");
  o.max_duration_ms = duration(s.max_duration, "--max-duration");
  o.max_time_ms = tomorrow();
  o.nodes.interfaces = s.interfaces;
  o.nodes.as = s.as;
  parse_prefixes(s.prefixes, o.nodes);
  const bool others = s.interfaces || s.as || !s.prefixes.empty();
  parse_hosts(!s.nodes.empty() ? s.nodes : others ? "none" : "all", o.nodes);
  if (s.nodes == "none" && !others) throw UsageError("--nodes none needs --prefixes, --interfaces or --as");
  std::random_device entropy;
  o.seed = {uint64_t{entropy()} << 32 | entropy(), uint64_t{entropy()} << 32 | entropy()};
  return o;
}

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

// What a run ends with, whether it came to the end, was stopped, or the input failed half-way.
struct Outcome {
  std::vector<base::LedgerView> ledgers;
  std::vector<flow::FirstBadLine> bad_lines;
  std::string notes;
  std::string failure;  // of the input, after which what was read is kept
  bool stopped = false;
};

template <typename ReadSome>
void read_all(const Context& context, Outcome& outcome, ReadSome read_some) {
  try {
    while (!context.stop.requested()) {
      if (!read_some()) return;
    }
    outcome.stopped = true;
  } catch (const base::Error& e) {
    outcome.failure = e.what();
  }
}

Outcome run_flows(const Settings& s, const Context& context, series::StoreWriter& writer) {
  auto options = series_options(s);
  const auto& info = writer.info();
  if (!info.shards.empty()) options.closed_before = info.end_step;
  const auto source = flow::open_flows(s.input);
  series::StoreSink sink(writer);
  series::SeriesBuilder builder(options, sink);
  Reporter report(context, "flows");
  std::vector<flow::Flow> flows(1024);
  uint64_t rows = 0;
  Outcome outcome;
  read_all(context, outcome, [&] {
    const size_t n = source->read(flows);
    builder.add({flows.data(), n});
    rows += n;
    report(rows, source->bytes_done(), source->bytes_total(), n == 0);
    return n > 0;
  });
  builder.finish();
  writer.cover(builder.first_step(), builder.end_step());
  outcome.ledgers = source->ledgers();
  outcome.ledgers.push_back(builder.flow_ledger());
  outcome.ledgers.push_back(builder.frame_ledger());
  outcome.bad_lines = source->bad_lines();
  outcome.notes = fmt::format("{} flows spread over several steps, {} with a part in closed steps\n",
                              builder.spread(), builder.clamped());
  return outcome;
}

Outcome run_rates(const Settings& s, const Context& context, series::StoreWriter& writer) {
  if (!s.nodes.empty() || !s.prefixes.empty() || s.interfaces || s.as) {
    throw UsageError("rates bring their own nodes: leave out --nodes, --prefixes, --interfaces and --as");
  }
  const auto source = flow::open_rates(s.input);
  series::RateOptions options;
  options.step_ms = duration(s.step, "--step");
  options.interval_ms = source->interval_ms();
  options.max_time_ms = tomorrow();
  if (!writer.info().shards.empty()) options.closed_before = writer.info().end_step;
  series::RateBuilder builder(options, source->columns(),
                              [&](const std::string& node, int64_t step, std::span<const float> frame) {
                                writer.add(node, step, frame);
                              });
  Reporter report(context, "rows");
  flow::RateRow row;
  uint64_t rows = 0;
  Outcome outcome;
  read_all(context, outcome, [&] {
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

void print_outcome(const Settings& s, const Outcome& outcome, const series::StoreInfo& info) {
  print_ledgers(stdout, outcome.ledgers);
  fmt::print("{}", outcome.notes);
  print_bad_lines(stdout, outcome.bad_lines);
  fmt::print("{}: {} frames in {} shards, {} to {} in steps of {:g} s\n", s.store, info.rows(),
             info.shards.size(), base::format_time(info.first_step * info.step_ms),
             base::format_time(info.end_step * info.step_ms), static_cast<double>(info.step_ms) / 1000);
}

void run(const Settings& s, const Context& context) {
  const bool rates = flow::is_rates(s.input);
  const int64_t step_ms = series_options(s).step_ms;  // before anything is touched
  series::StoreWriter writer(s.store, {.step_ms = step_ms, .timezone = s.timezone, .append = s.append});
  const Outcome outcome = rates ? run_rates(s, context, writer) : run_flows(s, context, writer);
  writer.set_counts(series::to_counts(outcome.ledgers));
  const uint64_t written = writer.frames();
  if (written == 0) {
    print_ledgers(stderr, outcome.ledgers);
    print_bad_lines(stderr, outcome.bad_lines);
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

void add_series(CLI::App& app, Context& context) {
  auto* command = app.add_subcommand("series", "Turn flows, or rates per node, into a series store");
  auto s = std::make_shared<Settings>();
  command->add_option("input", s->input.paths, "Files, folders, or - for stdin")->required();
  command->add_option("-o,--output", s->store, "The store, a folder")->required();
  command->add_option("--dialect", s->input.dialect, "Input format; by default told from the content");
  command->add_option("--map", s->input.map, "YAML column map, see docs/formats.md");
  command->add_flag("--strict", s->input.strict, "Stop at the first bad row");
  command->add_option("--nodes", s->nodes,
                      "Hosts: all, none or CIDR,... [all, or none when other nodes are asked for]");
  command->add_option("--prefixes", s->prefixes, "Prefixes as nodes: /24,/48 or CIDR,...");
  command->add_flag("--interfaces", s->interfaces, "Exporters' interfaces as nodes");
  command->add_flag("--as", s->as, "Autonomous systems as nodes");
  command->add_option("--step", s->step, "Length of a step")->capture_default_str();
  command->add_option("--lateness", s->lateness, "How much earlier than the latest flow others may start")
      ->capture_default_str();
  command->add_option("--max-duration", s->max_duration, "Longer flows are counted as errors")
      ->capture_default_str();
  command->add_option("--timezone", s->timezone, "Time zone of the network, for calendar inputs")
      ->capture_default_str();
  command->add_flag("--append", s->append, "Extend the store with flows that come after it");
  command->footer(
      "Example: netflowgen series flows.csv.zst -o store --nodes 172.16.0.0/16\n"
      "         netflowgen series rates.csv --map configs/maps/bitbrains.yaml --step 5m -o vms");
  command->callback([s, &context] { run(*s, context); });
}

}  // namespace netflowgen::cli

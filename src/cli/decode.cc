// netflowgen decode: prints packets and archives: a record a line, or the counters.
#include <fmt/format.h>

#include <map>
#include <vector>

#include "base/error.h"
#include "base/time.h"
#include "cli/commands.h"
#include "cli/options/input_options.h"
#include "flow/io/byte_sink.h"
#include "flow/write/csv_writer.h"
#include "flow/write/json_writer.h"
#include "flow/write/record_writer.h"
#include "serve/ledger_text.h"

namespace netflowgen::cli {
namespace {

constexpr size_t kBatch = 1024;

struct Args {
  InputArgs input;
  std::string output = "json";
  std::string file = "-";
  uint64_t limit = UINT64_MAX;
};

// Sums of one exporter's flows.
struct Sums {
  uint64_t flows = 0;
  uint64_t packets = 0;
  uint64_t bytes = 0;
  base::TimeMs first = INT64_MAX;
  base::TimeMs last = INT64_MIN;
};

class FlowStats {
 public:
  void add(std::span<const flow::Flow> flows) {
    for (const auto& f : flows) {
      Sums& s = by_exporter_[f.exporter];
      s.flows += f.flows;
      s.packets += f.packets * f.sampling;
      s.bytes += f.bytes * f.sampling;
      s.first = std::min(s.first, f.start_ms);
      s.last = std::max(s.last, f.end_ms);
    }
  }
  std::string text(const base::IpAddr& exporter) const {
    const auto it = by_exporter_.find(exporter);
    if (it == by_exporter_.end()) return {};
    const Sums& s = it->second;
    return fmt::format("  {} flows, {} packets, {} bytes (sampling undone), {} to {}\n", s.flows, s.packets,
                       s.bytes, base::format_time(s.first), base::format_time(s.last));
  }
  std::string all_text() const {
    std::string text;
    for (const auto& [exporter, sums] : by_exporter_) text += head(exporter) + this->text(exporter);
    return text;
  }
  static std::string head(const base::IpAddr& exporter) {
    return fmt::format("\nexporter {}\n", exporter.is_zero() ? "not named" : exporter.to_string());
  }

 private:
  std::map<base::IpAddr, Sums> by_exporter_;
};

std::string stats_text(const flow::FlowSource& source, const FlowStats& stats) {
  std::string text = serve::ledger_table(source.ledgers());
  text += serve::notes_text(source.notes());
  if (source.decoder() == nullptr) return text + stats.all_text();
  for (const auto& report : source.decoder()->exporters()) {
    text += FlowStats::head(report.exporter) + stats.text(report.exporter) + serve::exporter_text(report);
  }
  return text;
}

// Calls `each` with every batch, up to the limit.
template <typename Each>
void for_batches(flow::FlowSource& source, const Args& args, const Context& context, Each each) {
  const auto progress = progress_printer(context, "decode");
  std::vector<flow::Flow> flows(kBatch);
  uint64_t done = 0;
  while (done < args.limit && !context.stop.requested()) {
    const size_t wanted = static_cast<size_t>(std::min<uint64_t>(kBatch, args.limit - done));
    const size_t n = source.read(std::span(flows).first(wanted));
    if (n == 0 && !source.waiting()) break;
    each(std::span<const flow::Flow>(flows).first(n));
    done += n;
    if (args.file != "-") progress({"bytes", source.bytes_done(), source.bytes_total(), {}});
  }
}

template <typename Writer>
void write_flows(flow::FlowSource& source, const Args& args, const Context& context, Writer writer) {
  for_batches(source, args, context, [&](std::span<const flow::Flow> flows) { writer.write(flows); });
  writer.close();
}

// Records as they were on the wire, options and templates too: for packets only, and never anonymised.
void decode_records(const Args& args, const Context& context) {
  if (!args.input.anonymize.empty()) {
    throw base::UsageError(
        "-o records shows records as they were on the wire: it cannot be combined with --anonymize");
  }
  flow::JsonRecordWriter writer(flow::open_sink(args.file));
  InputArgs input = args.input;
  input.options.observer = &writer;
  const auto source = open_input(input);
  if (source->decoder() == nullptr) {
    throw base::UsageError("-o records is for packets (captures and bare messages); {} holds flows",
                           args.input.options.paths.front());
  }
  for_batches(*source, args, context, [](std::span<const flow::Flow>) {});
  writer.close();
  fmt::print(stderr, "{}", problems_text(*source));
  serve::print_warnings(stderr, source->warnings());
  if (context.stop.requested()) throw base::Stopped("stopped; the output so far is written");
  save_state(args.input, *source);
}

void decode(const Args& args, const Context& context) {
  if (args.output == "records") return decode_records(args, context);
  const auto source = open_input(args.input);
  if (args.output == "stats") {
    FlowStats stats;
    for_batches(*source, args, context, [&](std::span<const flow::Flow> flows) { stats.add(flows); });
    auto sink = flow::open_sink(args.file);
    sink->write(stats_text(*source, stats));
    sink->close();
  } else if (args.output == "csv") {
    write_flows(*source, args, context, flow::CsvFlowWriter(flow::open_sink(args.file), flow::kCsvAll));
  } else {
    write_flows(*source, args, context, flow::JsonFlowWriter(flow::open_sink(args.file)));
  }
  fmt::print(stderr, "{}", problems_text(*source));
  serve::print_warnings(stderr, source->warnings());
  if (context.stop.requested()) throw base::Stopped("stopped; the output so far is written");
  save_state(args.input, *source);
}

}  // namespace

void add_decode(Command& app, Context& context) {
  auto args = std::make_shared<Args>();
  auto* command = app.add_subcommand("decode", "Print flows, records as on the wire, or counters");
  add_input_options(*command, args->input);
  command
      ->add_option(
          "-o,--out", args->output,
          "json (a flow a line), csv (our own), stats (counters), records (as they were on the wire)")
      ->check(one_of({"json", "csv", "stats", "records"}))
      ->capture_default_str();
  command->add_option("-w,--write", args->file, "Output file (.zst and .gz compress); -: standard output")
      ->capture_default_str();
  command->add_option("-n,--limit", args->limit, "Stop after this many flows");
  command->footer(
      "Examples: netflowgen decode capture.pcap -o stats\n"
      "          netflowgen decode /var/cache/nfdump -o csv -w flows.csv.zst --anonymize truncate:24,48");
  command->callback([args, &context] { decode(*args, context); });
}

}  // namespace netflowgen::cli

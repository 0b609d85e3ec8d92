#include "cli/input.h"

#include <fmt/format.h>

#include "base/error.h"

namespace netflowgen::cli {
namespace {

// "+02:00", "-0330", "+2" -> minutes.
int parse_utc_offset(const std::string& text) {
  int hours = 0;
  int minutes = 0;
  char sign = 0;
  char tail = 0;
  const bool colon = text.find(':') != std::string::npos;
  const int n = colon || text.size() <= 3
                    ? std::sscanf(text.c_str(), "%c%d:%d%c", &sign, &hours, &minutes, &tail)
                    : std::sscanf(text.c_str(), "%c%2d%2d%c", &sign, &hours, &minutes, &tail);
  if (n < 2 || n > 3 || (sign != '+' && sign != '-') || hours > 14 || minutes > 59 || hours < 0 ||
      minutes < 0) {
    throw base::UsageError("--utc-offset {}: expected a form like +02:00 or -3", text);
  }
  return (sign == '-' ? -1 : 1) * (hours * 60 + minutes);
}

}  // namespace

void add_input_options(CLI::App& command, InputArgs& args) {
  command
      .add_option(
          "input", args.options.paths,
          "Files, folders (all files below, in time order) or - for standard input: pcap, pcapng, nfcapd, "
          "flow CSV; also compressed (zstd, gzip, xz, bzip2)")
      ->required();
  command.add_option("--dialect", args.options.dialect, "What the input is, where its content does not tell");
  command.add_option("--map", args.options.map, "YAML column map for other CSV files (docs/formats.md)");
  command.add_flag("--strict", args.options.strict, "Stop at the first bad row, record or file");
  command.add_option("--utc-offset", args.utc_offset, "Of local times in text files, e.g. +02:00");
  command.add_option("--anonymize", args.anonymize,
                     "Change addresses first: cryptopan:KEYFILE, truncate, or truncate:V4BITS,V6BITS");
}

std::unique_ptr<flow::FlowSource> open_input(const InputArgs& args) {
  flow::InputOptions options = args.options;
  if (!args.utc_offset.empty()) options.utc_offset_minutes = parse_utc_offset(args.utc_offset);
  const auto anonymize = flow::parse_anonymize(args.anonymize);
  return flow::anonymized(flow::open_flows(options), anonymize);
}

std::string ledger_text(std::span<const base::LedgerView> ledgers) {
  std::string text;
  for (const auto& l : ledgers) {
    text += fmt::format("{}: in {}, out {}, held {}", l.stage, l.in, l.out, l.held);
    char separator = ';';
    for (const auto& [reason, count] : l.drops) {
      text += fmt::format("{} {} {}", separator, reason, count);
      separator = ',';
    }
    text += l.balanced() ? "\n" : "  NOT BALANCED\n";
  }
  return text;
}

std::string problems_text(const flow::FlowSource& source) {
  std::string text;
  for (const auto& p : source.bad_lines()) {
    text += fmt::format("{}: {}", p.file, p.reason);
    if (p.count > 1)
      text +=
          fmt::format(" ({} times{})", p.count, p.line > 0 ? fmt::format(", first on line {}", p.line) : "");
    if (p.count == 1 && p.line > 0) text += fmt::format(" (line {})", p.line);
    text += '\n';
  }
  return text;
}

}  // namespace netflowgen::cli

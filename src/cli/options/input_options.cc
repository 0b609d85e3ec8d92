#include "cli/options/input_options.h"

#include <fmt/format.h>

#include "base/error.h"
#include "flow/decoder/decoder.h"
#include "flow/filter/anonymize.h"
#include "flow/open.h"

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

void add_input_options(Command& command, InputArgs& args, const char* what) {
  const auto option = [&](const char* name, auto& value, const char* help) {
    return command.add_option(name, value, help)->group(kInputGroup);
  };
  option("input", args.options.paths, what)->required();
  option("--dialect", args.options.dialect, "Input format [recognised from the content]");
  option("--map", args.options.map, "YAML column map for other text files (docs/formats.md)");
  command.add_flag("--strict", args.options.strict, "Stop at the first bad row, record or file")
      ->group(kInputGroup);
  option("--utc-offset", args.utc_offset, "UTC offset of local times in text files, e.g. +02:00");
  option("--anonymize", args.anonymize,
         "Change addresses first: cryptopan:KEYFILE, truncate[:V4BITS,V6BITS]");
  add_decode_options(command, args.decode);
  add_meter_options(command, args.meter);
  command
      .add_option("--templates", args.options.state,
                  "Templates and rates: read at the start, written at the end")
      ->group(kPacketGroup);
  command.add_option("--exporter", args.exporter, "Exporter of files of bare messages (dialect messages)")
      ->group(kPacketGroup);
}

flow::InputOptions input_options(const InputArgs& args) {
  flow::InputOptions options = args.options;
  if (!args.utc_offset.empty()) options.utc_offset_minutes = parse_utc_offset(args.utc_offset);
  options.decode = decode_options(args.decode);
  if (args.decode.max_past.empty()) options.decode.max_clock_behind_ms = args.max_clock_behind_ms;
  options.direction = direction_options(args.decode);
  options.meter = meter_options(args.meter);
  if (!args.exporter.empty()) {
    const auto exporter = base::IpAddr::parse(args.exporter);
    if (!exporter) throw base::UsageError("--exporter {}: it is no address", args.exporter);
    options.exporter = *exporter;
  }
  return options;
}

std::unique_ptr<flow::FlowSource> open_input(const InputArgs& args) {
  const auto anonymize = flow::parse_anonymize(args.anonymize);
  return flow::anonymized(flow::open_flows(input_options(args)), anonymize);
}

void pin_inputs(InputArgs& args) {
  for (auto& path : args.options.paths) path = flow::pinned(path);
}

void save_state(const InputArgs& args, const flow::FlowSource& source) {
  if (!args.options.state.empty() && source.decoder() != nullptr) source.decoder()->save(args.options.state);
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

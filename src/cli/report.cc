// netflowgen report: flows, rates or a series store -> one page. Wiring only.
#include <fmt/format.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iostream>
#include <memory>
#include <optional>

#include "base/error.h"
#include "base/temporary_folder.h"
#include "cli/commands.h"
#include "cli/config.h"
#include "cli/options/detect_options.h"
#include "cli/options/input_options.h"
#include "cli/options/series_options.h"
#include "cli/report.h"
#include "cli/version.h"
#include "flow/open.h"
#include "model/spec.h"
#include "report/report.h"
#include "series/rates.h"
#include "series/store.h"

namespace netflowgen::cli {
namespace {

constexpr const char* kNoModel = "none";

struct ReportArgs {
  InputArgs input;
  SeriesArgs series;
  std::string model;
  std::string policy;
  std::string out = "report.html";
  int threads = 0;
  size_t max_nodes = 0;
};

constexpr const char* kNoPage = "stopped; no page was written";

// The copy of a pipe, and what the user calls it.
struct PipeCopy {
  std::string file;
  std::string given;
};

// Messages name what was given, not its copy.
std::string as_given(std::string text, const std::vector<PipeCopy>& copies) {
  for (const auto& c : copies) {
    for (size_t at = text.find(c.file); at != std::string::npos; at = text.find(c.file, at + c.given.size()))
      text.replace(at, c.file.size(), c.given);
  }
  return text;
}

// Inputs are read twice: what cannot be is copied to a file first.
std::vector<PipeCopy> keep_pipes(ReportArgs& a, const base::fs::path& folder, const Context& context) {
  std::vector<PipeCopy> copies;
  auto& paths = a.input.options.paths;
  for (size_t i = 0; i < paths.size(); ++i) {
    if (serve::can_be_read_twice({paths[i]}) || (paths[i] != "-" && !base::fs::exists(paths[i]))) continue;
    const auto copy = folder / fmt::format("input-{}", i);
    copies.push_back({copy.string(), paths[i] == "-" ? "standard input" : paths[i]});
    if (!context.quiet)
      fmt::print(stderr, "{} is copied to a file, since it is read twice\n", copies.back().given);
    std::ofstream to(copy, std::ios::binary);
    std::ifstream file;
    if (paths[i] != "-") file.open(paths[i], std::ios::binary);
    std::istream& from = paths[i] == "-" ? std::cin : file;
    std::vector<char> block(1 << 16);
    while (from && to && !context.stop.requested()) {
      from.read(block.data(), static_cast<std::streamsize>(block.size()));
      to.write(block.data(), from.gcount());
    }
    to.flush();
    if (context.stop.requested())
      throw base::Stopped("{}", kNoPage);  // a read that Ctrl-C ended looks like the end
    if (!to)
      throw base::Error("{} cannot be copied to {}: is there space? Give a file instead of a pipe",
                        copies.back().given, copy.string());
    paths[i] = copy.string();
  }
  return copies;
}

// Rates as a store in `folder`.
std::string store_of_rates(const ReportArgs& a, int64_t step_ms, const base::fs::path& folder,
                           const Context& context) {
  if (a.series.names_nodes())
    throw base::UsageError(
        "rates have their own nodes: leave out --nodes, --prefixes, --interfaces and --as");
  const auto source = flow::open_rates(input_options(a.input));
  series::RateOptions options;
  options.step_ms = std::max(step_ms, a.series.step.empty() ? source->interval_ms() : 0);
  options.interval_ms = source->interval_ms();
  options.absent_is_idle = source->absent_is_idle();
  options.spill_folder = folder.string();
  options.max_time_ms = series_options(a.series).max_time_ms;
  const auto store = folder / "store";
  series::StoreWriter writer(store, {.step_ms = options.step_ms});
  series::RateBuilder builder(options, source->columns(),
                              [&](const std::string& node, int64_t step, std::span<const float> frame) {
                                writer.add(node, step, frame);
                              });
  serve::InputOutcome outcome;
  flow::RateRow row;
  serve::read_until_end(context.stop, outcome, [&] {
    const bool more = source->read(row);
    if (more) builder.add(row);
    return more;
  });
  if (outcome.stopped) throw base::Stopped("{}", kNoPage);
  builder.finish();
  writer.flush();
  if (writer.frames() == 0)
    throw base::Error("{}", outcome.failure.empty() ? "the input has no usable row" : outcome.failure);
  return store.string();
}

int64_t model_step(const std::string& model) {
  return model.empty() ? 60'000 : model::ModelFolder(model).spec().input.step_ms;
}

report::ReportOptions options_of(const ReportArgs& a, const base::TemporaryFolder& folder,
                                 const Context& context) {
  report::ReportOptions o;
  o.inputs = a.input.options.paths;
  if (a.model != kNoModel) o.model = model_or_shipped(a.model);
  o.policy = a.policy;
  o.threads = a.threads;
  o.max_nodes = a.max_nodes;
  o.now_ms = std::chrono::duration_cast<std::chrono::milliseconds>(
                 std::chrono::system_clock::now().time_since_epoch())
                 .count();
  o.program = "netflowgen " + build_text();
  o.temporary = folder.path();
  o.stop = &context.stop;
  o.progress = progress_printer(context, "report");
  return o;
}

report::ReportData report_of_inputs(ReportArgs& a, const report::ReportOptions& o, const Context& context) {
  std::optional<int64_t> step_ms;
  if (!a.series.step.empty()) step_ms = duration_ms(a.series.step, "--step");
  if (flow::is_rates(a.input.options)) {
    const int64_t step = step_ms.value_or(model_step(o.model));
    return report::report_of_store(store_of_rates(a, step, o.temporary, context), o);
  }
  report::FlowInput input;
  input.open = [&] { return open_input(a.input, a.series); };
  input.series = series_options(a.series, flow::parse_anonymize(a.input.anonymize));
  input.step_ms = step_ms;
  input.nodes_named = a.series.names_nodes();
  input.in_any_order = a.series.lateness == "auto";
  return report::report_of_flows(input, o);
}

report::ReportData make_report(ReportArgs& a, const base::TemporaryFolder& folder, const Context& context) {
  const auto o = options_of(a, folder, context);
  const auto& paths = a.input.options.paths;
  if (paths.size() == 1 && series::is_store(paths[0])) return report::report_of_store(paths[0], o);
  pin_inputs(a.input);
  const auto copies = keep_pipes(a, folder.path(), context);
  try {
    auto data = report_of_inputs(a, o, context);
    data.outcome.failure = as_given(data.outcome.failure, copies);
    return data;
  } catch (const base::UsageError& e) {
    throw base::UsageError("{}", as_given(e.what(), copies));
  } catch (const base::Stopped&) {
    throw;
  } catch (const base::Error& e) {
    throw base::Error("{}", as_given(e.what(), copies));
  }
}

}  // namespace

report::ReportData report_of_files(const std::vector<std::string>& paths, const Context& context) {
  ReportArgs a;
  a.input.options.paths = paths;
  a.series.step.clear();
  const base::TemporaryFolder folder("netflowgen-report-");
  return make_report(a, folder, context);
}

namespace {

void run_report(ReportArgs a, const Context& context) {
  const base::TemporaryFolder folder("netflowgen-report-");
  const bool to_stdout = a.out == "-" || a.out == "/dev/stdout";
  std::optional<base::AtomicFile> file;
  if (!to_stdout) file.emplace(a.out);  // what cannot be written is told before the work
  const auto data = make_report(a, folder, context);
  const std::string page = report::report_page(data);
  if (file) {
    file->write(page);
    file->commit();
  } else {
    if (std::fwrite(page.data(), 1, page.size(), stdout) != page.size() || std::fflush(stdout) != 0)
      throw base::Error("cannot write to standard output: {}", std::strerror(errno));
  }
  const size_t alerts = data.alerts.alerts.size();
  fmt::print(to_stdout ? stderr : stdout, "{}: {} alert{}\n", to_stdout ? "standard output" : a.out, alerts,
             alerts == 1 ? "" : "s");
  if (!data.outcome.failure.empty())
    throw base::Error("{} (the page has what was read before it)", data.outcome.failure);
}

}  // namespace

void add_report(Command& app, Context& context) {
  auto* c = app.add_subcommand("report",
                               "One page about a network, from its flows: what happened, what is unusual");
  auto a = std::make_shared<ReportArgs>();
  add_input_options(*c, a->input, "Flows or rates (files, folders, -), or one series store");
  c->add_option("--model", a->model,
                "Detector folder, or none: figures only [the model that comes with the program]")
      ->group(kModelGroup);
  c->add_option("--policy", a->policy, "YAML of policies (docs/detection.md)")->group(kModelGroup);
  c->add_option("--max-nodes", a->max_nodes,
                "Nodes scored at most, busiest first; 0: as many as half a minute allows")
      ->capture_default_str()
      ->group(kModelGroup);
  c->add_option("--threads", a->threads, "0: all cores")->capture_default_str()->group(kAdvancedGroup);
  c->add_option("-o,--out", a->out, "The page, an HTML file; -: standard output")
      ->capture_default_str()
      ->group(kOutputGroup);
  add_series_options(*c, a->series, Steps::kOfModel);
  add_init_option(*c);
  c->footer("Example: netflowgen report /var/cache/nfdump -o report.html");
  c->callback([a, &context] { run_report(*a, context); });
}

}  // namespace netflowgen::cli

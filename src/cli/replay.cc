// netflowgen replay: recorded traffic through the very code of the live path (detect::Stream). Wiring only.
#include <fmt/format.h>

#include <chrono>
#include <map>
#include <memory>
#include <thread>

#include "base/error.h"
#include "base/ledger.h"
#include "base/stop.h"
#include "base/time.h"
#include "cli/commands.h"
#include "cli/options/detect_options.h"
#include "cli/output/alert_output.h"
#include "cli/output/ledger_text.h"
#include "detect/alert.h"
#include "detect/detector_state.h"
#include "detect/stream.h"
#include "detect/track.h"
#include "flow/input_options.h"
#include "flow/open.h"
#include "flow/record.h"
#include "flow/source.h"
#include "series/builder.h"
#include "series/features.h"
#include "series/node.h"
#include "series/rates.h"
#include "series/store.h"

namespace netflowgen::cli {
namespace {

struct ReplaySettings {
  flow::InputOptions input;
  std::string nodes;
  std::string prefixes;
  bool interfaces = false;
  bool as = false;
  std::string lateness = "2m";
  std::string max_duration = "1d";
  std::string speed = "max";
  std::string state;
  std::vector<std::string> out;
  DetectArgs detect;
};

int64_t duration(const std::string& text, const char* flag) {
  const auto ms = base::parse_duration(text);
  if (!ms || *ms < 0) throw base::UsageError("{} {}: expected a duration such as 60s, 5m or 1h", flag, text);
  return *ms;
}

// How many times faster than it was recorded; 0: as fast as it goes.
double speed_of(const std::string& text) {
  if (text == "max") return 0;
  char* end = nullptr;
  const double x = std::strtod(text.c_str(), &end);
  if (end == text.c_str() || *end != '\0' || !(x > 0)) {
    throw base::UsageError("--speed {}: expected max, or how many times faster than recorded, e.g. 60", text);
  }
  return x;
}

// Holds steps back until their time has come.
class Pace {
 public:
  Pace(double speed, int64_t step_ms, const base::StopFlag& stop)
      : speed_(speed), step_ms_(step_ms), stop_(stop) {}

  void wait_for(int64_t step) {
    if (speed_ <= 0) return;
    if (first_ == INT64_MIN) first_ = step;
    const double ms = static_cast<double>((step - first_) * step_ms_) / speed_;
    const auto until = start_ + std::chrono::microseconds(static_cast<int64_t>(ms * 1000));
    while (!stop_.requested() && Clock::now() < until) {
      std::this_thread::sleep_for(
          std::min<Clock::duration>(until - Clock::now(), std::chrono::milliseconds(50)));
    }
  }

 private:
  using Clock = std::chrono::steady_clock;
  double speed_;
  int64_t step_ms_;
  const base::StopFlag& stop_;
  int64_t first_ = INT64_MIN;
  Clock::time_point start_ = Clock::now();
};

class PacedSink : public series::FrameSink {
 public:
  PacedSink(detect::Stream& stream, Pace& pace) : stream_(stream), pace_(pace) {}
  void frame(const series::NodeKey& node, int64_t step, std::span<const float> frame) override {
    stream_.frame(node, step, frame);
  }
  void step_closed(int64_t step) override {
    pace_.wait_for(step);
    stream_.step_closed(step);
  }

 private:
  detect::Stream& stream_;
  Pace& pace_;
};

struct ReplayOutcome {
  std::vector<base::LedgerView> ledgers;
  std::vector<flow::FirstBadLine> bad_lines;
  std::string failure;  // of the input, after which what was read counts
};

series::SeriesOptions series_options(const ReplaySettings& s, int64_t step_ms) {
  series::SeriesOptions o;
  o.step_ms = step_ms;
  o.lateness_ms = duration(s.lateness, "--lateness");
  o.max_duration_ms = duration(s.max_duration, "--max-duration");
  o.nodes.interfaces = s.interfaces;
  o.nodes.as = s.as;
  parse_prefixes(s.prefixes, o.nodes);
  const bool others = s.interfaces || s.as || !s.prefixes.empty();
  parse_hosts(!s.nodes.empty() ? s.nodes : others ? "none" : "all", o.nodes);
  return o;
}

// Whole batches, whatever pieces the source hands out: evidence then depends on the flows alone.
size_t read_full(flow::FlowSource& source, std::span<flow::Flow> flows) {
  size_t n = 0;
  while (n < flows.size()) {
    const size_t more = source.read(flows.subspan(n));
    if (more == 0) break;
    n += more;
  }
  return n;
}

ReplayOutcome replay_flows(const ReplaySettings& s, const Context& context, detect::Stream& stream,
                           Pace& pace, int64_t step_ms) {
  auto options = series_options(s, step_ms);
  if (stream.last_step() != detect::kNoStep) options.closed_before = stream.last_step() + 1;
  const auto source = flow::open_flows(s.input);
  PacedSink sink(stream, pace);
  series::SeriesBuilder builder(options, sink);
  const auto progress = progress_printer(context, "replay");
  std::vector<flow::Flow> flows(1024);
  uint64_t rows = 0;
  ReplayOutcome outcome;
  try {
    while (!context.stop.requested()) {
      const size_t n = read_full(*source, flows);
      if (n == 0) break;
      stream.flows({flows.data(), n});
      builder.add({flows.data(), n});
      rows += n;
      progress({"kB", source->bytes_done() / 1000, source->bytes_total() / 1000 + 1,
                fmt::format("{} flows", rows)});
    }
  } catch (const base::Error& e) {
    outcome.failure = e.what();
  }
  builder.finish();
  if (builder.end_step() > builder.first_step()) stream.finish(builder.end_step() - 1);
  outcome.ledgers = source->ledgers();
  outcome.ledgers.push_back(builder.flow_ledger());
  outcome.ledgers.push_back(builder.frame_ledger());
  outcome.bad_lines = source->bad_lines();
  return outcome;
}

// Frames that come node by node, step by step.
class StepOrder {
 public:
  void add(const std::string& node, int64_t step, std::span<const float> frame) {
    steps_[step].push_back({index_.try_emplace(node, names_.size()).first->second, values_.size()});
    if (names_.size() < index_.size()) names_.push_back(node);
    values_.insert(values_.end(), frame.begin(), frame.end());
  }
  bool empty() const { return steps_.empty(); }

  void play(const Context& context, detect::Stream& stream, Pace& pace) const {
    const auto progress = progress_printer(context, "replay");
    uint64_t done = 0;
    for (const auto& [step, rows] : steps_) {
      if (context.stop.requested()) return;
      for (const auto& [node, at] : rows) {
        stream.add(names_[node], step, {values_.data() + at, series::kFeatureCount});
      }
      pace.wait_for(step);
      stream.close(step);
      progress({"steps", ++done, steps_.size(), ""});
    }
  }

 private:
  std::map<int64_t, std::vector<std::pair<size_t, size_t>>> steps_;  // (name, offset of the frame)
  std::unordered_map<std::string, size_t> index_;
  std::vector<std::string> names_;
  std::vector<float> values_;
};

ReplayOutcome replay_rates(const ReplaySettings& s, const Context& context, detect::Stream& stream,
                           Pace& pace, int64_t step_ms) {
  const auto source = flow::open_rates(s.input);
  StepOrder order;
  series::RateOptions options;
  options.step_ms = step_ms;
  options.interval_ms = source->interval_ms();
  if (stream.last_step() != detect::kNoStep) options.closed_before = stream.last_step() + 1;
  series::RateBuilder builder(options, source->columns(),
                              [&](const std::string& node, int64_t step, std::span<const float> frame) {
                                order.add(node, step, frame);
                              });
  flow::RateRow row;
  ReplayOutcome outcome;
  try {
    while (!context.stop.requested() && source->read(row)) builder.add(row);
  } catch (const base::Error& e) {
    outcome.failure = e.what();
  }
  builder.finish();
  order.play(context, stream, pace);
  outcome.ledgers = source->ledgers();
  outcome.ledgers.push_back(builder.row_ledger());
  outcome.bad_lines = source->bad_lines();
  return outcome;
}

ReplayOutcome replay_store(const std::string& store, const Context& context, detect::Stream& stream,
                           Pace& pace, int64_t step_ms) {
  const auto table = series::load_frames(store);
  if (table.step_ms != step_ms) {
    throw base::Error(
        "{} has steps of {} ms, the model was trained on {} ms; make the series with --step {}ms", store,
        table.step_ms, step_ms, step_ms);
  }
  StepOrder order;
  uint64_t done = 0;  // frames of steps that the state has seen
  for (size_t n = 0; n < table.nodes.size(); ++n) {
    for (size_t r = table.offsets[n]; r < table.offsets[n + 1]; ++r) {
      if (table.steps[r] <= stream.last_step()) {
        ++done;
        continue;
      }
      order.add(table.nodes[n], table.steps[r], table.frame(r));
    }
  }
  order.play(context, stream, pace);
  stream.finish(table.end_step - 1);
  base::LedgerView frames{"frames", table.rows(), stream.frames_ledger().in, 0, {}};
  if (done > 0) frames.drops.emplace_back("late", done);
  if (frames.in > frames.out + done) frames.drops.emplace_back("stopped", frames.in - frames.out - done);
  return {{frames}, {}, ""};
}

void say_end(const ReplaySettings& s, const ReplayOutcome& outcome, detect::Stream& stream,
             const AlertOutput& output) {
  std::FILE* const to = output.to_stdout() ? stderr : stdout;
  auto ledgers = outcome.ledgers;
  ledgers.push_back(stream.frames_ledger());
  ledgers.push_back(stream.nodes_ledger());
  ledgers.push_back(stream.alerts_ledger());
  print_ledgers(to, ledgers);
  print_bad_lines(to, outcome.bad_lines);
  std::string names;
  for (const auto& name : s.out) names += (names.empty() ? " in " : ", ") + name;
  fmt::print(to, "{} alerts, {} still up; {} records{}\n", stream.alerts_ledger().in,
             stream.detector().open_alerts(), output.records(), names);
}

void run_replay(const ReplaySettings& s, const Context& context) {
  const double speed = speed_of(s.speed);
  DetectSetup setup(s.detect);
  const int64_t step_ms = setup.model().spec().input.step_ms;
  AlertOutput output(s.out);
  detect::Stream stream(setup.model_ptr(), setup.book(), setup.engine_options(),
                        [&](const detect::Alert& alert) { output.add(alert); });
  if (!s.state.empty() && base::fs::exists(s.state)) detect::DetectorState::restore(stream, s.state);
  Pace pace(speed, step_ms, context.stop);
  const bool store = s.input.paths.size() == 1 && series::is_store(s.input.paths[0]);
  const ReplayOutcome outcome = store ? replay_store(s.input.paths[0], context, stream, pace, step_ms)
                                : flow::is_rates(s.input) ? replay_rates(s, context, stream, pace, step_ms)
                                                          : replay_flows(s, context, stream, pace, step_ms);
  if (stream.frames_ledger().in == 0) {
    print_ledgers(stderr, outcome.ledgers);
    print_bad_lines(stderr, outcome.bad_lines);
    if (!outcome.failure.empty()) throw base::Error("{}", outcome.failure);
    throw base::Error("the input has no usable flow or row, so there was nothing to look at");
  }
  output.finish();
  if (!s.state.empty()) detect::DetectorState::save(stream, s.state);
  say_end(s, outcome, stream, output);
  if (!outcome.failure.empty()) throw base::Error("{} (alerts up to there were written)", outcome.failure);
  if (context.stop.requested()) throw base::Stopped("stopped; alerts up to there were written");
}

}  // namespace

void add_replay(CLI::App& app, Context& context) {
  auto* c = app.add_subcommand("replay", "Recorded traffic through the detector, as if it were live");
  auto s = std::make_shared<ReplaySettings>();
  c->add_option("input", s->input.paths, "Flows or rates (files, folders, -), or one series store")
      ->required();
  add_detect_options(*c, s->detect)->required();
  c->add_option(
      "-o,--out", s->out,
      "Alerts: FILE.jsonl, or FILE.db (SQLite); repeatable; default: JSON lines on standard output");
  c->add_option("--state", s->state, "Go on from this file where it is there, and save to it at the end");
  c->add_option("--speed", s->speed, "max, or how many times faster than recorded")->capture_default_str();
  c->add_option("--dialect", s->input.dialect, "Input format; by default told from the content");
  c->add_option("--map", s->input.map, "YAML column map, see docs/formats.md");
  c->add_flag("--strict", s->input.strict, "Stop at the first bad row");
  c->add_option("--nodes", s->nodes,
                "Hosts: all, none or CIDR,... [all, or none when other nodes are asked for]");
  c->add_option("--prefixes", s->prefixes, "Prefixes as nodes: /24,/48 or CIDR,...");
  c->add_flag("--interfaces", s->interfaces, "Exporters' interfaces as nodes");
  c->add_flag("--as", s->as, "Autonomous systems as nodes");
  c->add_option("--lateness", s->lateness, "How much earlier than the latest flow others may start")
      ->capture_default_str();
  c->add_option("--max-duration", s->max_duration, "Longer flows are counted as errors")
      ->capture_default_str();
  c->footer("Example: netflowgen replay nfcapd-folder --model detector --policy policy.yaml -o alerts.jsonl");
  c->callback([s, &context] { run_replay(*s, context); });
}

}  // namespace netflowgen::cli

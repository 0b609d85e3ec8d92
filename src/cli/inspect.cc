// netflowgen inspect: the contents of a series store as text, or as CSV.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <memory>

#include "base/error.h"
#include "cli/commands.h"
#include "cli/inspect_roles.h"
#include "series/features.h"
#include "series/frame_table.h"
#include "series/store.h"
#include "series/summary.h"

namespace netflowgen::cli {
namespace {

using base::UsageError;
using series::kFeatureCount;
using series::kFeatures;

struct InspectSettings {
  std::string store;
  std::string node;
  std::string features;
  std::string from;
  std::string to;
  std::string csv;
  size_t top = 10;
  RoleSettings roles;
};

base::TimeMs time_of(const std::string& text, const char* flag, base::TimeMs fallback) {
  if (text.empty()) return fallback;
  const auto t = base::parse_time(text);
  if (!t) throw UsageError("{} {}: expected a time such as 1998-07-01T00:00:00", flag, text);
  return *t;
}

series::FrameFilter filter_of(const InspectSettings& s) {
  series::FrameFilter f;
  f.from_ms = time_of(s.from, "--from", f.from_ms);
  f.to_ms = time_of(s.to, "--to", f.to_ms);
  if (!s.node.empty()) f.nodes = {s.node};
  return f;
}

std::vector<size_t> chosen_features(const InspectSettings& s, const std::vector<bool>& missing) {
  std::vector<size_t> chosen;
  if (!s.features.empty()) {
    for (size_t begin = 0; begin <= s.features.size();) {
      const size_t end = std::min(s.features.find(',', begin), s.features.size());
      const auto name = s.features.substr(begin, end - begin);
      const auto f = series::find_feature(name);
      if (!f)
        throw UsageError("--features {}: there is no such feature (netflowgen features lists them)", name);
      chosen.push_back(static_cast<size_t>(*f));
      begin = end + 1;
    }
    return chosen;
  }
  for (size_t f = 0; f < kFeatureCount; ++f) {
    if (!missing[f]) chosen.push_back(f);
  }
  return chosen;
}

std::string number(double v) {
  if (std::isnan(v)) return "-";
  if (v == 0) return "0";
  if (std::fabs(v) >= 1e5 || std::fabs(v) < 1e-3) return fmt::format("{:.3g}", v);
  return fmt::format("{:.4g}", v);
}

void print_head(const InspectSettings& s, const series::StoreSummary& sum) {
  const auto& info = sum.info;
  const int64_t steps = info.end_step - info.first_step;
  const double cells = static_cast<double>(steps) * static_cast<double>(sum.nodes.size());
  fmt::print("{}\n  nodes   {}\n", s.store, sum.nodes.size());
  fmt::print("  steps   {} of {:g} s, {} to {}, time zone {}\n", steps,
             static_cast<double>(info.step_ms) / 1000, base::format_time(info.first_step * info.step_ms),
             base::format_time(info.end_step * info.step_ms), info.timezone);
  fmt::print("  frames  {} active ({:.3g} % of nodes x steps), in {} shards\n", sum.rows,
             cells > 0 ? 100 * static_cast<double>(sum.rows) / cells : 0, info.shards.size());
  fmt::print("  schema  {}\n", series::schema_hash());
}

void print_features(const series::StoreSummary& sum) {
  fmt::print("\nfeatures of active frames (quantiles of {}{} frames)\n",
             sum.sampled_rows < sum.rows ? "a sample of " : "", sum.sampled_rows);
  fmt::print("{:<22} {:>8} {:>7}", "feature", "missing", "zero");
  for (const double q : series::kQuantiles) fmt::print(" {:>9}", fmt::format("{:g} %", 100 * q));
  fmt::print("\n");
  std::string never;
  for (size_t f = 0; f < kFeatureCount; ++f) {
    if (sum.info.missing[f]) {
      never += " " + std::string(kFeatures[f].name);
      continue;
    }
    const auto& x = sum.features[f];
    fmt::print("{:<22} {:>7.2f}% {:>6.2f}%", kFeatures[f].name, 100 * x.missing_share, 100 * x.zero_share);
    for (const float q : x.quantiles) fmt::print(" {:>9}", number(q));
    fmt::print("\n");
  }
  if (!never.empty()) fmt::print("never given by the source:{}\n", never);
}

void print_nodes(const InspectSettings& s, const series::StoreSummary& sum) {
  const auto& missing = sum.info.missing;
  fmt::print("\ntop {} of {} nodes\n", std::min(s.top, sum.nodes.size()), sum.nodes.size());
  fmt::print("{:<40} {:>9} {:>11} {:>11} {:>11} {:>11}\n", "node", "frames", "bytes_in", "bytes_out",
             "flows_in", "flows_out");
  const auto cell = [&](size_t f, double v) { return missing[f] ? std::string("-") : number(v); };
  for (size_t i = 0; i < std::min(s.top, sum.nodes.size()); ++i) {
    const auto& n = sum.nodes[i];
    fmt::print("{:<40} {:>9} {:>11} {:>11} {:>11} {:>11}\n", n.name, n.rows,
               cell(series::kBytesIn, n.bytes_in), cell(series::kBytesOut, n.bytes_out),
               cell(series::kFlowsIn, n.flows_in), cell(series::kFlowsOut, n.flows_out));
  }
}

void print_runs(const series::StoreInfo& info) {
  fmt::print("\nledger\n");
  for (size_t run = 0; run < info.runs.size(); ++run) {
    for (const auto& c : info.runs[run]) {
      fmt::print("run {} {:<10} in {} out {} held {}", run + 1, c.stage, c.in, c.out, c.held);
      for (const auto& [reason, count] : c.drops) fmt::print(", {} {}", reason, count);
      fmt::print("\n");
    }
  }
}

void print_node(const InspectSettings& s) {
  const auto table = series::load_frames(s.store, filter_of(s));
  if (table.nodes.empty()) {
    throw base::Error(
        "{} has no frame of node {} in that time (netflowgen inspect {} lists the largest nodes)", s.store,
        s.node, s.store);
  }
  const auto features = chosen_features(s, table.missing);
  for (size_t n = 0; n < table.nodes.size(); ++n) {
    fmt::print("{}\n{:<20}", table.nodes[n], "step");
    for (const size_t f : features)
      fmt::print(" {:>{}}", kFeatures[f].name, std::max<size_t>(kFeatures[f].name.size(), 9));
    fmt::print("\n");
    for (size_t row = table.offsets[n]; row < table.offsets[n + 1]; ++row) {
      fmt::print("{:<20}", base::format_time(table.steps[row] * table.step_ms));
      for (const size_t f : features) {
        fmt::print(" {:>{}}", number(table.frame(row)[f]), std::max<size_t>(kFeatures[f].name.size(), 9));
      }
      fmt::print("\n");
    }
  }
}

// Streams shard by shard: by shard, then node, then time.
class CsvExport {
 public:
  explicit CsvExport(const InspectSettings& s)
      : s_(s), filter_(filter_of(s)), info_(series::read_store_info(s.store)) {
    features_ = chosen_features(s, info_.missing);
    if (s.csv != "-") file_ = std::make_unique<base::AtomicFile>(s.csv);
  }

  void run() {
    text_ = "node,time";
    for (const size_t f : features_) text_ += "," + std::string(kFeatures[f].name);
    text_ += "\n";
    for (const auto& shard : info_.shards) write(series::Shard(s_.store, shard));
    flush();
    if (file_) file_->commit();
  }

 private:
  void write(const series::Shard& shard) {
    std::vector<bool> wanted;
    for (const auto name : shard.names()) wanted.push_back(series::matches(filter_, name));
    for (size_t row = 0; row < shard.rows(); ++row) {
      const auto name = shard.names()[shard.nodes()[row]];
      const base::TimeMs time = shard.steps()[row] * info_.step_ms;
      if (time < filter_.from_ms || time >= filter_.to_ms || !wanted[shard.nodes()[row]]) continue;
      fmt::format_to(std::back_inserter(text_), "{},{}", name, base::format_time(time));
      for (const size_t f : features_) {
        const float v = shard.value(row, f);
        text_ += ',';
        if (!std::isnan(v)) fmt::format_to(std::back_inserter(text_), "{}", v);
      }
      text_ += '\n';
      if (text_.size() > (size_t{1} << 16)) flush();
    }
  }
  void flush() {
    if (file_) {
      file_->write(text_);
    } else if (std::fwrite(text_.data(), 1, text_.size(), stdout) != text_.size()) {
      throw base::Error("cannot write to stdout");
    }
    text_.clear();
  }

  const InspectSettings& s_;
  series::FrameFilter filter_;
  series::StoreInfo info_;
  std::vector<size_t> features_;
  std::unique_ptr<base::AtomicFile> file_;
  std::string text_;
};

void run_inspect(InspectSettings& s, Context& context) {
  if (s.roles.wanted) {
    s.roles.store = s.store;
    s.roles.filter = filter_of(s);
    return print_roles(s.roles, context);
  }
  if (!s.roles.model.empty()) throw UsageError("--model does nothing without --roles");
  if (!s.csv.empty()) return CsvExport(s).run();
  if (!s.node.empty()) return print_node(s);
  const auto summary = series::summarize(s.store);
  print_head(s, summary);
  print_features(summary);
  print_nodes(s, summary);
  print_runs(summary.info);
}

}  // namespace

void add_inspect(Command& app, Context& context) {
  auto* command = app.add_subcommand("inspect", "Show the contents of a series store, or export it as CSV");
  auto s = std::make_shared<InspectSettings>();
  command->add_option("store", s->store, "The store, a folder")->required();
  command->add_option("--node", s->node, "Show the frames of this node (or of the hosts in a CIDR)");
  command->add_option("--features", s->features, "Only these, comma-separated [all that the store has]");
  command->add_option("--from", s->from, "From this time on (UTC), with --node, --csv or --roles");
  command->add_option("--to", s->to, "Before this time (UTC), with --node, --csv or --roles");
  command->add_option("--csv", s->csv, "Export to this file, - for stdout; a missing value is an empty cell");
  command->add_option("--top", s->top, "How many nodes to list")->capture_default_str();
  command->add_flag("--roles", s->roles.wanted,
                    "The role of each node, by a model that `finetune --task role` made");
  command->add_option("--model", s->roles.model, "That model's folder");
  command->footer(
      "Example: netflowgen inspect store\n"
      "         netflowgen inspect store --node 172.16.112.50 --features flows_in,peers_in\n"
      "         netflowgen inspect store --csv frames.csv --from 1998-07-01 --to 1998-07-02");
  command->callback([s, &context] { run_inspect(*s, context); });
}

}  // namespace netflowgen::cli

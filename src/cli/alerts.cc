// netflowgen alerts: alerts that replay or collect wrote, for people. Wiring only; the words are in detect/alert_text.
#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "base/error.h"
#include "base/file.h"
#include "cli/command.h"
#include "cli/commands.h"
#include "detect/alert_text.h"

namespace netflowgen::cli {
namespace {

struct AlertsOptions {
  std::string file;
  std::string id;
  std::string format = "table";
  std::string node;
  std::string type;
  std::string severity;
  std::string from;
  std::string to;
  size_t limit = 50;
  size_t offset = 0;
  bool unfold = false;
  std::string out;
};

base::TimeMs time_of(const std::string& text, const char* flag) {
  const auto t = base::parse_time(text);
  if (!t) throw base::UsageError("{} {}: expected a time such as 2026-03-01T02:00:00Z", flag, text);
  return *t;
}

detect::AlertQuery query_of(const AlertsOptions& o) {
  detect::AlertQuery q;
  if (o.node.find('/') != std::string::npos) {
    q.prefix = base::Prefix::parse(o.node);
    if (!q.prefix)
      throw base::UsageError("--node {}: expected a node or a prefix such as 192.0.2.0/24", o.node);
  } else {
    q.node = o.node;
  }
  q.type = o.type;
  if (!o.severity.empty()) {
    for (const auto s : {detect::Severity::kLow, detect::Severity::kMedium, detect::Severity::kHigh,
                         detect::Severity::kCritical}) {
      if (o.severity == name_of(s)) q.at_least = s;
    }
  }
  if (!o.from.empty()) q.from_ms = time_of(o.from, "--from");
  if (!o.to.empty()) q.to_ms = time_of(o.to, "--to");
  if (q.to_ms <= q.from_ms) throw base::UsageError("--to {} is not after --from {}", o.to, o.from);
  return q;
}

// The rows of the page asked for.
std::span<const detect::AlertRow> page_of(const AlertsOptions& o, std::span<const detect::AlertRow> rows) {
  const size_t first = std::min(o.offset, rows.size());
  const size_t n = o.limit == 0 ? rows.size() - first : std::min(o.limit, rows.size() - first);
  return rows.subspan(first, n);
}

std::string lines_of(std::span<const detect::AlertRow> rows) {
  std::string out;
  for (const auto& r : rows) out += r.alert != nullptr ? to_json_line(*r.alert) : to_json_line(*r.incident);
  return out;
}

void print(const AlertsOptions& o, const std::string& text) {
  if (o.out.empty()) {
    if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size() || std::fflush(stdout) != 0) {
      throw base::Error("standard output cannot be written to");
    }
    return;
  }
  base::write_file(o.out, text);
}

void run_alerts(const AlertsOptions& o) {
  const detect::AlertQuery query = query_of(o);
  const auto list = detect::read_alerts(o.file);
  if (!o.id.empty()) {
    const auto found = detect::find_record(list, o.id, o.file);
    const detect::AlertRow row{found.alert, found.incident};
    if (o.format == "json") return print(o, lines_of({&row, 1}));
    if (o.format == "html") return print(o, detect::alert_page({&row, 1}, list.last_ms, "Alert " + row.id()));
    return print(o, row.alert != nullptr ? detect::alert_story(*row.alert, list.last_ms)
                                         : detect::incident_story(*row.incident, list.last_ms));
  }
  const auto all = detect::rows_of(list, query, o.unfold);
  const auto rows = page_of(o, all);
  if (o.format == "json") return print(o, lines_of(rows));
  if (o.format == "html") return print(o, detect::alert_page(rows, list.last_ms, "Alerts of " + o.file));
  if (all.empty()) return print(o, list.alerts.empty() ? "no alerts\n" : "no alert matches\n");
  std::string end;
  if (rows.size() < all.size()) {
    end = rows.empty()
              ? fmt::format("nothing from --offset {} on; there are {} rows\n", o.offset, all.size())
              : fmt::format("{} to {} of {} rows{}\n", o.offset + 1, o.offset + rows.size(), all.size(),
                            o.offset + rows.size() < all.size()
                                ? fmt::format("; more with --offset {}", o.offset + rows.size())
                                : "");
  }
  print(o, (rows.empty() ? "" : detect::alert_table(rows, list.last_ms)) + end);
}

}  // namespace

void add_alerts(Command& app, Context&) {
  auto* c = app.add_subcommand("alerts", "Alerts as a table, one alert in three sentences, an HTML page");
  auto o = std::make_shared<AlertsOptions>();
  c->add_option("file", o->file,
                "Alerts as replay or collect wrote them: JSON lines (-: standard input) or SQLite")
      ->required();
  c->add_option("--id", o->id, "One alert or incident, by its id or a unique beginning of it");
  c->add_option("-f,--format", o->format, "table, json (lines) or html (a self-contained page)")
      ->check(one_of({"table", "json", "html"}))
      ->capture_default_str();
  c->add_option("--node", o->node, "Only this node, or nodes inside this prefix");
  c->add_option("--type", o->type, "Only this attack type");
  c->add_option("--severity", o->severity, "Only alerts at least this severe")
      ->check(one_of({"low", "medium", "high", "critical"}));
  c->add_option("--from", o->from, "Only alerts that were open at or after this time");
  c->add_option("--to", o->to, "Only alerts that began before this time");
  c->add_flag("--unfold", o->unfold, "Also the alerts that belong to incidents");
  c->add_option("--limit", o->limit, "Rows at most; 0: all")->capture_default_str();
  c->add_option("--offset", o->offset, "Rows to leave out before")->capture_default_str();
  c->add_option("-o,--out", o->out, "Write to this file instead of standard output");
  c->footer("Example: netflowgen alerts alerts.db --severity high --node 192.0.2.0/24");
  c->callback([o] { run_alerts(*o); });
}

}  // namespace netflowgen::cli

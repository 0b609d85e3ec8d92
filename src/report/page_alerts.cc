// The page's suspected attacks: what was seen, what was expected, who sent it, what could be filtered.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "eval/report/html_table.h"
#include "flow/service.h"
#include "report/page.h"
#include "series/features.h"

namespace netflowgen::report {
namespace {

constexpr size_t kOpened = 3;    // alerts whose story is open
constexpr size_t kStories = 50;  // alerts with a story
constexpr size_t kTalkers = 5;

std::string features_table(const detect::Alert& a) {
  if (a.drivers.empty()) return "";
  eval::HtmlTable table;
  for (const char* column : {"feature", "seen", "expected", "at most", "surprise"}) table.column(column);
  for (const auto& d : a.drivers) {
    table.row();
    table.cell(fmt::format("{} <small>{}</small>", series::kFeatures[static_cast<size_t>(d.feature)].name,
                           escape_html(series::kFeatures[static_cast<size_t>(d.feature)].help)));
    table.cell(value_text(d.feature, d.seen));
    table.cell(std::isnan(d.expected)
                   ? "not known"
                   : value_text(d.feature, d.expected) + (d.forecast ? "" : " <small>usual</small>"));
    table.cell(std::isnan(d.upper) ? "" : value_text(d.feature, d.upper));
    table.cell(fmt::format("{:.1f} bits", d.bits));
  }
  return "<h3>What was seen, and what was expected</h3>" + table.html();
}

std::string port_words(const std::string& port) {
  char* end = nullptr;
  const unsigned long number = std::strtoul(port.c_str(), &end, 10);
  if (end == port.c_str() || number > 65535) return "port " + port;
  for (const uint8_t protocol : {uint8_t{6}, uint8_t{17}}) {
    const auto name = flow::service_name(static_cast<uint16_t>(number), protocol);
    if (!name.empty()) return fmt::format("port {} ({})", port, name);
  }
  return "port " + port;
}

std::string talkers(const char* title, const std::vector<detect::Talker>& all, bool port) {
  if (all.empty()) return "";
  std::string rows;
  for (size_t i = 0; i < std::min(kTalkers, all.size()); ++i) {
    rows +=
        fmt::format("<li><code>{}</code> <span>{}</span></li>",
                    escape_html(port ? port_words(all[i].name) : all[i].name), percent_text(all[i].share));
  }
  return fmt::format("<div><h4>{}</h4><ul class=\"talkers\">{}</ul></div>", title, rows);
}

std::string flows_part(const detect::Alert& a) {
  if (!a.flows) return "";
  const auto& f = *a.flows;
  std::string out = fmt::format(
      "<h3>Who sent it</h3><p class=\"dim\">Shares of the packets in a sample of {}; {} in it.</p><div "
      "class=\"lists\">",
      count_of(f.sampled, "flow", "flows"), count_of(f.distinct_sources, "source", "sources"));
  out += talkers("sources", f.sources, false) + talkers("source ports", f.source_ports, true) +
         talkers("ports addressed", f.ports, true) + talkers("protocols", f.protocols, false);
  return out + "</div>";
}

std::string filter_part(const std::optional<detect::Filter>& filter) {
  if (!filter) return "";
  const auto& f = *filter;
  std::string out = "<h3>What could be filtered</h3><p>";
  if (f.action == detect::FilterAction::kNone) {
    return out + fmt::format("No filter is suggested: <code>{}</code> is what would be filtered, and {}.</p>",
                             escape_html(match_text(f)), escape_html(f.reason));
  }
  out += fmt::format("{} <code>{}</code>", f.action == detect::FilterAction::kDrop ? "Drop" : "Limit",
                     escape_html(match_text(f)));
  if (f.action == detect::FilterAction::kRateLimit)
    out += fmt::format(" to {}", bit_rate_text(8 * f.rate_bytes));
  out += ". ";
  if (f.covers > 0)
    out += fmt::format("It matches <b>{}</b> of the attack's packets", percent_text(f.covers));
  out += fmt::format("{} <b>{}</b> of the node's usual traffic (its collateral).",
                     f.covers > 0 ? " and" : "It matches",
                     std::isnan(f.collateral) ? std::string("an unknown share") : percent_text(f.collateral));
  if (!f.reason.empty()) out += " " + escape_html(f.reason) + ".";
  return out + fmt::format(
                   "</p><pre>{}\n{}\n{}</pre><p class=\"dim\">For nftables, GoBGP and ExaBGP. Nothing was "
                   "applied.</p>",
                   escape_html(nftables_line(f)), escape_html(gobgp_command(f)), escape_html(exabgp_line(f)));
}

// The sentences of the alert's text; its commands are in filter_part.
std::string sentences(const std::string& story) {
  std::string out;
  size_t at = 0;
  for (int line = 0; line < 3 && at < story.size(); ++line) {
    const size_t end = std::min(story.find('\n', at), story.size());
    out += "<p>" + with_times(story.substr(at, end - at)) + "</p>";
    at = end + 1;
  }
  return out;
}

std::string victims_part(const detect::Incident& i, const ReportData& data) {
  std::string out;
  for (const auto& a : data.alerts.alerts) {
    if (a.incident != i.id) continue;
    out = features_table(a) + flows_part(a);
    if (!out.empty())
      return fmt::format("<p class=\"dim\">Of one of its hosts, <code>{}</code>:</p>{}", escape_html(a.node),
                         out);
  }
  return out;
}

std::string lasting(base::TimeMs start, base::TimeMs end, const ReportData& d) {
  return end != 0 ? detect::duration_text(end - start)
                  : detect::duration_text(d.alerts.last_ms - start) + ", not over";
}

std::string one_alert(const Shown& shown, const ReportData& d, bool open) {
  const auto* a = shown.row.alert;
  const auto* i = shown.row.incident;
  const auto severity = name_of(a != nullptr ? a->severity : i->severity);
  const std::string& type = a != nullptr ? a->guess.type : i->type;
  const std::string where =
      a != nullptr ? a->node
                   : fmt::format("{} ({})", i->prefix.to_string(), count_of(i->hosts, "host", "hosts"));
  std::string out = fmt::format(
      "<details id=\"{}\"{}><summary><span class=\"sev {}\">{}</span> <b>{}</b> on "
      "<code>{}</code>{}<br><small>{}, {}</small></summary><div>",
      escape_html(shown.row.id()), open ? " open" : "", severity, severity, escape_html(attack_name(type)),
      escape_html(where), shown.early ? " <span class=\"tag\">early</span>" : "",
      time_html(shown.row.start_ms()),
      lasting(shown.row.start_ms(), a != nullptr ? a->end_ms : i->end_ms, d));
  if (const auto help = attack_help(type); !help.empty()) out += fmt::format("<p class=\"dim\">{}</p>", help);
  out += sentences(a != nullptr ? alert_story(*a, d.alerts.last_ms) : incident_story(*i, d.alerts.last_ms));
  out += a != nullptr ? features_table(*a) + flows_part(*a) : victims_part(*i, d);
  out += filter_part(a != nullptr ? a->filter : i->filter);
  return out + "</div></details>\n";
}

}  // namespace

std::string alerts_section(const ReportData& d) {
  std::string out = "<section id=\"attacks\"><h2>Suspected attacks</h2>\n";
  if (!d.model.why.empty())
    return out + fmt::format("<p>Nothing was scored: {}.</p></section>\n", escape_html(d.model.why));
  const auto shown = shown_alerts(d);
  if (shown.empty()) {
    out += fmt::format("<p>None. The model scored {} of {} and none passed its threshold.</p>",
                       count_of(d.model.scored, "step", "steps"), count_of(d.model.nodes, "node", "nodes"));
  } else {
    out += "<p>Most severe first. Thresholds are set for ";
    out += d.model.false_alarms > 0 ? fmt::format("{:g} false alarms per node and day", d.model.false_alarms)
                                    : "few false alarms";
    const double node_days =
        static_cast<double>(d.model.nodes) * static_cast<double>(d.last_ms - d.first_ms) / 86'400'000;
    out += fmt::format(", which over this time and these nodes would be {:.2g}.",
                       d.model.false_alarms * node_days);
    if (std::any_of(shown.begin(), shown.end(), [](const Shown& s) { return s.early; })) {
      out += fmt::format(
          " <span class=\"tag\">early</span> marks those in the first {} of a node: take them with more "
          "doubt.",
          detect::duration_text(d.model.learning_steps * d.step_ms));
    }
    out += "</p>";
  }
  for (size_t i = 0; i < std::min(kStories, shown.size()); ++i) out += one_alert(shown[i], d, i < kOpened);
  if (shown.size() > kStories)
    out += fmt::format(
        "<p>{} less severe ones are not shown here; <code>netflowgen replay</code> writes them all.</p>",
        count_text(shown.size() - kStories));
  return out + "</section>\n";
}

}  // namespace netflowgen::report

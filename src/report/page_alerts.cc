// The page's suspected attacks: what was seen, what was expected, who sent it, what could be filtered.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "eval/report/html_table.h"
#include "flow/protocol.h"
#include "flow/service.h"
#include "report/page.h"
#include "series/features.h"

namespace netflowgen::report {
namespace {

constexpr size_t kOpened = 3;    // alerts whose story is open
constexpr size_t kStories = 50;  // alerts with a story
constexpr size_t kWeak = 20;     // weak signs with a story
constexpr size_t kTalkers = 5;
constexpr double kStandsOut = 0.02;  // share of a source or port from which it is named
constexpr size_t kHosts = 12;        // of an incident that are named

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

std::string protocol_words(const std::string& number) {
  const auto name = flow::protocol_name(static_cast<uint8_t>(std::strtoul(number.c_str(), nullptr, 10)));
  return name.empty() ? "protocol " + number : std::string(name);
}

std::string as_it_is(const std::string& name) { return name; }

std::string talkers(const char* title, const std::vector<detect::Talker>& all,
                    std::string (*words)(const std::string&)) {
  if (all.empty()) return "";
  std::string rows;
  for (size_t i = 0; i < std::min(kTalkers, all.size()) && all[i].share >= kStandsOut; ++i) {
    rows += fmt::format("<li><code>{}</code> <span>{}</span></li>", escape_html(words(all[i].name)),
                        percent_text(all[i].share));
  }
  if (rows.empty()) rows = "<li>none stands out</li>";
  return fmt::format("<div><h4>{}</h4><ul class=\"talkers\">{}</ul></div>", title, rows);
}

std::string flows_part(const detect::Alert& a) {
  if (!a.flows) return "";
  const auto& f = *a.flows;
  std::string out = fmt::format(
      "<h3>Who sent it</h3><p class=\"dim\">Shares of the packets in a sample of {}; {} in it.</p><div "
      "class=\"lists\">",
      count_of(f.sampled, "flow", "flows"), count_of(f.distinct_sources, "source", "sources"));
  out += talkers("sources", f.sources, as_it_is) + talkers("source ports", f.source_ports, port_words) +
         talkers("ports addressed", f.ports, port_words) + talkers("protocols", f.protocols, protocol_words);
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

// The first sentences of the alert's text; its commands are in filter_part.
std::string sentences(const std::string& story, int lines) {
  std::string out;
  size_t at = 0;
  for (int line = 0; line < lines && at < story.size(); ++line) {
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

std::string hosts_of(const detect::Incident& i) {
  std::string names;
  for (size_t v = 0; v < std::min(kHosts, i.victims.size()); ++v)
    names += fmt::format("{}<code>{}</code>", v == 0 ? "" : ", ", escape_html(i.victims[v].node));
  if (i.hosts > kHosts) names += fmt::format(" and {} more", count_text(i.hosts - kHosts));
  return "<p>Its hosts: " + names + ".</p>";
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
  out += a != nullptr ? sentences(alert_story(*a, d.alerts.last_ms), 3)
                      : sentences(incident_story(*i, d.alerts.last_ms), 2) + hosts_of(*i);
  out += a != nullptr ? features_table(*a) + flows_part(*a) : victims_part(*i, d);
  out += filter_part(a != nullptr ? a->filter : i->filter);
  return out + "</div></details>\n";
}

std::string rate_words(const ReportData& d) {
  if (!(d.model.false_alarms > 0)) return "";
  const auto least = least_severity(d);
  return fmt::format(
      "Thresholds are set for {:g} false alarms per node and day. Of severity {} or more, which these have, "
      "ordinary traffic of {} over this time gives at most about {:.2g}. ",
      d.model.false_alarms, name_of(least), count_of(d.model.nodes, "node", "nodes"), false_alarms(d, least));
}

std::string early_words(std::span<const Shown> shown, const ReportData& d) {
  if (std::none_of(shown.begin(), shown.end(), [](const Shown& s) { return s.early; })) return "";
  return fmt::format(
      "<span class=\"tag\">early</span> marks those in the first {} of a node: take them with more doubt.",
      detect::duration_text(d.model.learning_steps * d.step_ms));
}

std::string weak_part(std::span<const Shown> weak, const ReportData& d) {
  if (weak.empty()) return "";
  std::string out = fmt::format(
      "<h3 id=\"weak\">Weaker signs</h3><p>{} a threshold and {} less rare or less large. By the stated rate "
      "about {:.2g} of such come from ordinary traffic; slow attacks and scans are among them, too.</p>",
      count_of(weak.size(), "alert passed", "alerts passed"), weak.size() == 1 ? "is" : "are",
      std::min(static_cast<double>(weak.size()), false_alarms(d, detect::Severity::kLow)));
  for (size_t i = 0; i < std::min(kWeak, weak.size()); ++i) out += one_alert(weak[i], d, false);
  if (weak.size() > kWeak)
    out += fmt::format("<p>{} more are not shown; <code>netflowgen replay</code> writes them all.</p>",
                       count_text(weak.size() - kWeak));
  return out;
}

}  // namespace

std::string alerts_section(const ReportData& d) {
  std::string out = "<section id=\"attacks\"><h2>Suspected attacks</h2>\n";
  if (!d.model.why.empty())
    return out + fmt::format("<p>Nothing was scored: {}.</p></section>\n", escape_html(d.model.why));
  const auto all = shown_alerts(d);
  const auto strong = suspected(all);
  const auto weak = std::span(all).subspan(strong.size());
  if (strong.empty())
    out += fmt::format("<p>None. The model scored {} of {}{}.</p>", count_of(d.model.scored, "step", "steps"),
                       count_of(d.model.nodes, "node", "nodes"),
                       weak.empty() ? ", and none passed its threshold" : "");
  else
    out += "<p>Most severe first. " + rate_words(d) + early_words(strong, d) + "</p>";
  for (size_t i = 0; i < std::min(kStories, strong.size()); ++i) out += one_alert(strong[i], d, i < kOpened);
  if (strong.size() > kStories)
    out += fmt::format(
        "<p>{} less severe ones are not shown; <code>netflowgen replay</code> writes them all.</p>",
        count_text(strong.size() - kStories));
  return out + weak_part(weak, d) + "</section>\n";
}

}  // namespace netflowgen::report

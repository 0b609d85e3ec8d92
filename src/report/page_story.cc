// The first paragraph: what this network is and what happened on it.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "report/page.h"

namespace netflowgen::report {
namespace {

constexpr size_t kNamed = 4;     // attacks that the first paragraph names
constexpr double kFewFalse = 3;  // false alarms among the suspected attacks, over all nodes and all time

std::string prefixes_text(const NodeGuess& own) {
  std::string text;
  for (size_t i = 0; i < own.prefixes.size(); ++i) {
    text += fmt::format("{}<code>{}</code>",
                        i == 0                         ? ""
                        : i + 1 == own.prefixes.size() ? " and "
                                                       : ", ",
                        own.prefixes[i].prefix.to_string());
  }
  return text;
}

std::string network_sentences(const ReportData& d, const FlowFigures& f) {
  std::string out = fmt::format("From {} to {} ({}), ", time_html(d.first_ms), time_html(d.last_ms),
                                detect::duration_text(d.last_ms - d.first_ms));
  out += fmt::format("{} reported {}", count_of(f.exporters.size(), "exporter", "exporters"),
                     count_of(f.total.flows, "flow", "flows"));
  if (f.total.bytes > 0) out += fmt::format(" with {}", bytes_text(static_cast<double>(f.total.bytes)));
  if (f.total.packets > 0)
    out += fmt::format("{}{}", f.total.bytes > 0 ? " in " : " with ",
                       detect::quantity_text(static_cast<double>(f.total.packets), "packets"));
  out += fmt::format(" between {}. ", count_of(f.addresses, "address", "addresses"));
  if (f.own.prefixes.empty())
    return out +
           (f.nodes_named
                ? fmt::format("The nodes are what you asked for (<code>{}</code>). ", escape_html(f.named))
                : "Which of them are the network's own could not be told, so all were taken. ");
  out +=
      fmt::format("{} {}: {}, of which {} both send and receive; {} of the flows begin or end there. ",
                  f.nodes_named ? "You named as the network's own" : "The network's own addresses seem to be",
                  prefixes_text(f.own), count_of(f.own.addresses, "active address", "active addresses"),
                  count_text(f.own.both_ways), percent_text(f.own.covered));
  return out;
}

std::string watched_sentence(const ReportData& d) {
  if (!d.model.why.empty()) return fmt::format("Nothing was scored: {}. ", escape_html(d.model.why));
  if (d.watched.cut()) {
    return fmt::format("The model watched the {} busiest of {} nodes{}. ", count_text(d.watched.watched),
                       count_text(d.watched.candidates),
                       d.flows ? ", which have " + percent_text(d.watched.flows) + " of their flows" : "");
  }
  return fmt::format("The model watched {}. ",
                     d.model.nodes == 1 ? "its one node" : "all " + count_text(d.model.nodes) + " nodes");
}

std::string end_words(base::TimeMs start, base::TimeMs end) {
  if (end == 0) return fmt::format("since {}, not over at the end of the data", time_html(start));
  return fmt::format("from {} for {}", time_html(start), detect::duration_text(end - start));
}

std::string attack_words(const Shown& shown) {
  if (const auto* i = shown.row.incident) {
    return fmt::format("{} on {} of <code>{}</code>, {}", escape_html(attack_name(i->type)),
                       count_of(i->hosts, "host", "hosts"), i->prefix.to_string(),
                       end_words(i->start_ms, i->end_ms));
  }
  const auto& a = *shown.row.alert;
  std::string out = fmt::format("{} on <code>{}</code>, {}", escape_html(attack_name(a.guess.type)),
                                escape_html(a.node), end_words(a.start_ms, a.end_ms));
  if (a.times_expected >= 1.5)
    out += fmt::format(", {:.3g} times the traffic that was expected", a.times_expected);
  return out;
}

std::string attacks_sentences(const ReportData& d) {
  if (!d.model.why.empty()) return "";
  const auto all = shown_alerts(d);
  const auto shown = suspected(all);
  const auto early = static_cast<uint64_t>(
      std::count_if(shown.begin(), shown.end(), [](const Shown& s) { return s.early; }));
  std::string out;
  if (shown.empty()) {
    out = "<b>No attack is suspected.</b> ";
  } else {
    out = fmt::format("<b>{} suspected</b>{}: ", count_of(shown.size(), "attack is", "attacks are"),
                      shown.size() > kNamed ? "; the most severe" : "");
    std::string list;
    for (size_t i = 0; i < std::min(kNamed, shown.size()); ++i)
      list += "<li>" + attack_words(shown[i]) + "</li>";
    out += "</p><ul class=\"attacks\">" + list + "</ul><p>";
    if (shown.size() > kNamed)
      out += fmt::format("<a href=\"#attacks\">All {}</a>. ", count_text(shown.size()));
  }
  if (shown.size() < all.size())
    out += fmt::format("{} {} <a href=\"#weak\">below them</a>. ",
                       count_of(all.size() - shown.size(), "weaker sign", "weaker signs"),
                       all.size() - shown.size() == 1 ? "stands" : "stand");
  if (early > 0)
    out += fmt::format(
        "{} in the first {} of {}, when the model knows little of what is normal there. ",
        early == shown.size() ? (early == 1 ? "It began" : "All began") : count_text(early) + " began",
        detect::duration_text(d.model.learning_steps * d.step_ms), early == 1 ? "its node" : "their nodes");
  if (const auto held = held_back(d); held > 0)
    out += fmt::format("{} held back by the policy. ", count_of(held, "alert is", "alerts are"));
  return out;
}

std::string unusual_sentence(const ReportData& d) {
  if (d.unusual.empty()) return "";
  const auto& most = d.unusual.front();
  return fmt::format("The least expected moment of any node was that of <code>{}</code> at {}. ",
                     escape_html(most.node), time_html(most.step * d.step_ms));
}

detect::Severity severity_of(const detect::AlertRow& row) {
  return row.alert != nullptr ? row.alert->severity : row.incident->severity;
}

std::string tile(const std::string& name, const std::string& value) {
  return fmt::format("<div><span>{}</span><b>{}</b></div>", name, value);
}

std::string tiles(const ReportData& d) {
  std::string out = "<div class=\"tiles\">";
  if (d.model.why.empty()) out += tile("suspected attacks", count_text(suspected(shown_alerts(d)).size()));
  out += tile("time", detect::duration_text(d.last_ms - d.first_ms));
  if (d.flows) {
    out += tile("flows", count_text(d.flows->total.flows));
    if (d.flows->total.bytes > 0)
      out += tile("traffic", bytes_text(static_cast<double>(d.flows->total.bytes)));
    out += tile(d.flows->own.prefixes.empty() ? "addresses" : "own addresses",
                count_text(d.flows->own.prefixes.empty() ? d.flows->addresses : d.flows->own.addresses));
    out += tile("exporters", count_text(d.flows->exporters.size()));
  } else {
    out += tile("nodes", count_text(d.nodes));
  }
  return out + "</div>\n";
}

}  // namespace

std::vector<Shown> shown_alerts(const ReportData& data) {
  std::vector<Shown> out;
  const auto early = [](detect::Suppression s) { return s == detect::Suppression::kLearning; };
  for (const auto& row : detect::rows_of(data.alerts, {}, false)) {
    const auto suppressed = row.alert != nullptr ? row.alert->suppressed : row.incident->suppressed;
    if (suppressed != detect::Suppression::kNone && !early(suppressed)) continue;
    out.push_back({row, early(suppressed), severity_of(row) < least_severity(data)});
  }
  const auto severity = [](const Shown& s) { return severity_of(s.row); };
  const auto times = [](const Shown& s) {
    if (s.row.alert == nullptr) return 1e9;
    return s.row.alert->times_expected >= 0 ? s.row.alert->times_expected : 0.0;
  };
  std::stable_sort(out.begin(), out.end(), [&](const Shown& a, const Shown& b) {
    if (severity(a) != severity(b)) return severity(a) > severity(b);
    if (a.early != b.early) return b.early;
    return times(a) > times(b);
  });
  return out;
}

std::span<const Shown> suspected(std::span<const Shown> shown) {
  const auto weak = std::find_if(shown.begin(), shown.end(), [](const Shown& s) { return s.weak; });
  return shown.first(static_cast<size_t>(weak - shown.begin()));
}

double false_alarms(const ReportData& d, detect::Severity severity) {
  const double node_days =
      static_cast<double>(d.model.nodes) * static_cast<double>(d.last_ms - d.first_ms) / 86'400'000;
  return d.model.false_alarms * node_days * std::pow(0.1, static_cast<int>(severity));
}

detect::Severity least_severity(const ReportData& d) {
  for (const auto s : {detect::Severity::kMedium, detect::Severity::kHigh}) {
    if (false_alarms(d, s) <= kFewFalse) return s;
  }
  return detect::Severity::kCritical;
}

uint64_t held_back(const ReportData& data) {
  uint64_t n = 0;
  for (const auto& a : data.alerts.alerts)
    n += a.suppressed != detect::Suppression::kNone && a.suppressed != detect::Suppression::kLearning ? 1 : 0;
  return n;
}

std::string story_section(const ReportData& d) {
  std::string out = "<section id=\"story\"><p class=\"lead\">";
  if (d.flows) {
    out += network_sentences(d, *d.flows);
  } else {
    out += fmt::format("From {} to {} ({}), the series of {} with steps of {}. ", time_html(d.first_ms),
                       time_html(d.last_ms), detect::duration_text(d.last_ms - d.first_ms),
                       count_of(d.nodes, "node", "nodes"), detect::duration_text(d.step_ms));
  }
  out += watched_sentence(d) + "</p>\n<p class=\"lead\">" + attacks_sentences(d) + unusual_sentence(d) +
         "</p>\n";
  if (!d.outcome.failure.empty())
    out += fmt::format(
        "<p class=\"warn\">The input could not be read to its end: {}. What was read before is on this "
        "page.</p>",
        escape_html(d.outcome.failure));
  return out + tiles(d) + "</section>\n";
}

}  // namespace netflowgen::report

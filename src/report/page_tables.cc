// The page's unusual moments, and who is busiest.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "eval/report/html_table.h"
#include "report/page.h"
#include "series/features.h"

namespace netflowgen::report {
namespace {

std::string reason(const SurprisingFeature& f) {
  const auto& feature = series::kFeatures[static_cast<size_t>(f.feature)];
  std::string out = fmt::format("{}: <b>{}</b>", escape_html(feature.help), value_text(f.feature, f.seen));
  if (!std::isnan(f.high)) {
    out += fmt::format(" (forecast {} to {})", value_text(f.feature, f.low), value_text(f.feature, f.high));
  } else if (!std::isnan(f.middle)) {
    out += fmt::format(" ({} {})", feature.kind == series::Kind::kCategory ? "before" : "usually",
                       value_text(f.feature, f.middle));
  }
  return out;
}

bool in_an_alert(const ReportData& d, const SurprisingStep& s) {
  const base::TimeMs at = s.step * d.step_ms;
  return std::any_of(d.alerts.alerts.begin(), d.alerts.alerts.end(), [&](const detect::Alert& a) {
    return a.node == s.node && a.start_ms <= at && (a.end_ms == 0 || at < a.end_ms);
  });
}

void volume_cells(eval::HtmlTable& table, const Volume& v, const Volume& all) {
  table.cell(v.bytes > 0 ? bytes_text(static_cast<double>(v.bytes)) : "");
  table.cell(v.packets > 0 ? detect::quantity_text(static_cast<double>(v.packets), "packets") : "");
  table.cell(count_text(v.flows));
  const bool by_bytes = all.bytes > 0;
  const auto part = static_cast<double>(by_bytes ? v.bytes : v.flows);
  const auto whole = static_cast<double>(by_bytes ? all.bytes : all.flows);
  table.cell(whole > 0 ? percent_text(part / whole) : "");
}

std::string one_way(const char* title, const char* first, const std::vector<Ranked>& rows,
                    const Volume& all) {
  if (rows.empty()) return "";
  eval::HtmlTable table;
  for (const char* column : {first, "bytes", "packets", "flows", "share"}) table.column(column);
  for (const auto& r : rows) {
    table.row();
    table.cell("<code>" + escape_html(r.name) + "</code>");
    volume_cells(table, r.in, all);
  }
  return fmt::format("<div><h3>{}</h3>{}</div>", title, table.html());
}

std::string two_ways(const char* title, const std::vector<Ranked>& rows) {
  if (rows.empty()) return "";
  const bool bytes = std::any_of(rows.begin(), rows.end(), [](const Ranked& r) { return r.total() > 0; });
  eval::HtmlTable table;
  table.column("node");
  if (bytes) {
    table.column("received");
    table.column("sent");
  }
  table.column("flows in");
  table.column("flows out");
  for (const auto& r : rows) {
    table.row();
    table.cell("<code>" + escape_html(r.name) + "</code>");
    if (bytes) {
      table.cell(bytes_text(static_cast<double>(r.in.bytes)));
      table.cell(bytes_text(static_cast<double>(r.out.bytes)));
    }
    table.cell(count_text(r.in.flows));
    table.cell(count_text(r.out.flows));
  }
  return fmt::format("<div><h3>{}</h3>{}</div>", title, table.html());
}

std::string sampling_text(const ExporterVolume& e) {
  std::string text;
  size_t shown = 0;
  for (const auto& [rate, flows] : e.sampling) {
    if (shown++ == 4) return text + fmt::format(" and {} more", e.sampling.size() - 4);
    text += fmt::format("{}{}", text.empty() ? "" : ", ",
                        rate == 1 ? "every packet" : fmt::format("1 in {}", rate));
  }
  return text + (e.announced == 0 && e.sampling.size() == 1 && e.sampling.begin()->first == 1
                     ? " <small>(assumed)</small>"
                     : "");
}

std::string exporters_table(const FlowFigures& f) {
  constexpr size_t kMost = 15;
  eval::HtmlTable table;
  for (const char* column : {"exporter", "flows", "bytes", "sampling", "first flow", "last flow"})
    table.column(column);
  for (size_t i = 0; i < std::min(kMost, f.exporters.size()); ++i) {
    const auto& e = f.exporters[i];
    table.row();
    table.cell("<code>" + escape_html(e.name) + "</code>");
    table.cell(count_text(e.figures.volume.flows));
    table.cell(e.figures.volume.bytes > 0 ? bytes_text(static_cast<double>(e.figures.volume.bytes)) : "");
    table.cell(sampling_text(e.figures));
    table.cell(time_html(e.figures.first_ms));
    table.cell(time_html(e.figures.last_ms));
  }
  const std::string more = f.exporters.size() > kMost ? fmt::format("<p class=\"dim\">And {} more.</p>",
                                                                    count_text(f.exporters.size() - kMost))
                                                      : "";
  return "<h3>Exporters</h3>" + table.html() + more;
}

}  // namespace

std::string unusual_section(const ReportData& d) {
  std::string out = "<section id=\"unusual\"><h2>What is unusual, and why</h2>\n";
  if (!d.model.why.empty())
    return out + fmt::format("<p>Nothing was scored: {}.</p></section>\n", escape_html(d.model.why));
  if (d.unusual.empty()) {
    return out + fmt::format(
                     "<p>No node was active in more than {} steps, so nothing is known of what is "
                     "usual.</p></section>\n",
                     kWarmFrames);
  }
  out +=
      "<p>The least expected moment of each of these nodes. Unusual is not malicious: a backup, a new "
      "service or a scan looks like "
      "this, too. Surprise is in bits a feature, beside what the node usually has.</p>";
  eval::HtmlTable table;
  for (const char* column : {"node", "when", "surprise", "why"}) table.column(column);
  for (const auto& s : d.unusual) {
    table.row();
    table.cell(fmt::format("<code>{}</code>{}", escape_html(s.node),
                           in_an_alert(d, s) ? " <span class=\"tag\">in an alert</span>" : ""));
    table.cell(time_html(s.step * d.step_ms));
    table.cell(fmt::format("{:.1f} <small>usually {:.1f}</small>", s.bits, s.usual));
    std::string why;
    for (const auto& f : s.features) why += (why.empty() ? "" : "<br>") + reason(f);
    table.cell("<span class=\"why\">" + why + "</span>");
  }
  return out + table.html() + "</section>\n";
}

std::string tables_section(const ReportData& d) {
  std::string out = "<section id=\"busiest\"><h2>Who and what is busiest</h2>\n";
  if (!d.flows) return out + two_ways("Nodes", d.store_nodes) + "</section>\n";
  const auto& f = *d.flows;
  out +=
      "<p class=\"dim\">Counts are after sampling is undone, over the whole time. A port is the one of the "
      "two that names the service.</p>";
  out += "<div class=\"grid2\">" + two_ways(f.own.prefixes.empty() ? "Addresses" : "Own addresses", f.nodes) +
         two_ways("Addresses outside", f.peers) + one_way("Ports", "port", f.services, f.total) +
         one_way("Protocols", "protocol", f.protocols, f.total) + "</div>";
  return out + exporters_table(f) + "</section>\n";
}

}  // namespace netflowgen::report

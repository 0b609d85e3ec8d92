// The page's view of the data themselves: what was counted and dropped, lost, late, sampled, missing.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "eval/report/html_table.h"
#include "report/page.h"
#include "series/features.h"

namespace netflowgen::report {
namespace {

std::string words(std::string_view text) {
  std::string out(text);
  std::replace(out.begin(), out.end(), '_', ' ');
  return out;
}

std::string ledger_part(const ReportData& d) {
  eval::HtmlTable table;
  for (const char* column : {"stage", "in", "out", "held", "dropped", "why"}) table.column(column);
  std::string rules;
  bool balanced = true;
  for (const auto& l : d.outcome.ledgers) {
    table.row();
    table.cell(escape_html(l.stage));
    table.cell(count_text(l.in));
    table.cell(count_text(l.out));
    table.cell(count_text(l.held));
    table.cell(count_text(l.dropped()));
    std::string why;
    for (const auto& [reason, count] : l.drops)
      why += fmt::format("{}{} {}", why.empty() ? "" : ", ", escape_html(words(reason)), count_text(count));
    table.cell("<span class=\"why\">" + why + "</span>");
    for (const auto& [reason, rule] : l.rules)
      rules += fmt::format("<li>{}: {}</li>", escape_html(words(reason)), escape_html(rule));
    balanced = balanced && l.balanced();
  }
  std::string out =
      "<h3>The ledger</h3><p class=\"dim\">Whatever goes into a stage comes out of it, is held, or is "
      "dropped for a reason. "
      "Flows outside the watched nodes are dropped as <i>not selected</i> there; they are in the figures "
      "above.</p>" +
      table.html();
  if (!rules.empty()) out += "<ul>" + rules + "</ul>";
  return out + (balanced ? "" : "<p class=\"warn\">A stage does not balance: please report this.</p>");
}

std::string duration_or(const std::optional<int64_t>& ms, const std::optional<int64_t>& announced) {
  std::string text = ms ? detect::duration_text(*ms) : "not seen";
  if (announced) text += fmt::format(" <small>announced {}</small>", detect::duration_text(*announced));
  return text;
}

std::string clock_words(int64_t skew_ms) {
  if (skew_ms == 0) return "agrees";
  return fmt::format("{} {}", detect::duration_text(std::abs(skew_ms)), skew_ms > 0 ? "ahead" : "behind");
}

std::string decoded_part(const FlowFigures& f) {
  constexpr size_t kMost = 20;
  if (f.decoded.empty()) return "";
  eval::HtmlTable table;
  for (const char* column :
       {"exporter", "received", "lost", "late", "twice", "time-outs: active", "inactive", "clock"})
    table.column(column);
  size_t rows = 0;
  for (const auto& e : f.decoded) {
    for (const auto& s : e.sequences) {
      if (rows++ >= kMost) break;
      table.row();
      table.cell(
          fmt::format("<code>{}</code> <small>{}</small>", e.exporter.to_string(),
                      s.all_domains ? std::string("all domains") : fmt::format("domain {}", s.domain)));
      table.cell(fmt::format("{} {}", count_text(s.received), escape_html(s.unit)));
      const uint64_t all = s.received + s.lost;
      table.cell(fmt::format("{}{}", count_text(s.lost),
                             s.lost == 0 ? ""
                                         : fmt::format(" ({})", percent_text(static_cast<double>(s.lost) /
                                                                             static_cast<double>(all)))));
      table.cell(count_text(s.reordered));
      table.cell(count_text(s.duplicates));
      table.cell(duration_or(e.timeouts.active_ms, e.timeouts.announced_active_ms));
      table.cell(duration_or(e.timeouts.inactive_ms, e.timeouts.announced_inactive_ms));
      table.cell(clock_words(e.clock_skew_ms));
    }
  }
  return "<h3>Loss, time-outs and clocks of exporters</h3><p class=\"dim\">Loss is by the sequence numbers "
         "that exporters count; the clock "
         "is compared with the time of receipt.</p>" +
         table.html();
}

std::string fields_part(const ReportData& d, const FlowFigures& f) {
  eval::HtmlTable table;
  for (const char* column : {"field", "records that have it", "features that need it"}) table.column(column);
  for (const auto& field : f.fields) {
    table.row();
    table.cell(escape_html(field.name));
    table.cell(percent_text(field.share));
    table.cell(fmt::format("<span class=\"why\"><small>{}</small></span>", escape_html(field.features)));
  }
  size_t missing = 0;
  for (const bool m : d.missing) missing += m ? 1 : 0;
  return fmt::format(
             "<h3>What the records say</h3><p class=\"dim\">{} of {} features are missing altogether. What "
             "is missing is not taken for zero.</p>",
             missing, series::kFeatureCount) +
         table.html();
}

std::string share_line(const char* what, uint64_t n, uint64_t all) {
  return fmt::format(
      "{}{}", what,
      n == 0 ? ""
             : fmt::format(" ({})", percent_text(static_cast<double>(n) /
                                                 static_cast<double>(std::max<uint64_t>(all, 1)))));
}

std::string sampling_line(const FlowFigures& f) {
  std::map<uint32_t, uint64_t> rates;
  uint64_t announced = 0;
  for (const auto& e : f.exporters) {
    announced += e.figures.announced;
    for (const auto& [rate, flows] : e.figures.sampling) rates[rate] += flows;
  }
  std::string text;
  size_t shown = 0;
  for (const auto& [rate, flows] : rates) {
    if (shown++ == 6) break;
    text += fmt::format(
        "{}{} ({} of the records)", text.empty() ? "" : ", ",
        rate == 1 ? "every packet" : fmt::format("1 packet in {}", rate),
        percent_text(static_cast<double>(flows) / static_cast<double>(std::max<uint64_t>(1, f.records))));
  }
  if (rates.size() > 6) text += fmt::format(" and {} more rates", rates.size() - 6);
  return fmt::format(
      "Sampling: {}. The rate was announced for {} of the records{}.", text,
      percent_text(static_cast<double>(announced) / static_cast<double>(std::max<uint64_t>(1, f.records))),
      announced < f.records ? "; without a rate, every packet is taken to have been seen" : "");
}

std::string repeats_line(const Repeats& r) {
  if (r.looked_at == 0) return "";
  const auto of = [&](uint64_t n) {
    return percent_text(static_cast<double>(n) / static_cast<double>(r.looked_at));
  };
  std::string text = fmt::format(
      "Repeats: of {} in a sample, {} came again unchanged, {} were reported by another exporter, too.",
      count_of(r.looked_at, "record", "records"), of(r.same), of(r.others));
  if (r.others * 20 > r.looked_at)
    text +=
        " Such flows are counted once for each exporter: <code>--dedup 5m</code> or <code>--count-at</code> "
        "counts them once.";
  if (r.same * 20 > r.looked_at) text += " The same file may have been given twice.";
  return text;
}

std::string times_part(const ReportData& d, const FlowFigures& f) {
  std::vector<std::string> lines;
  lines.push_back(sampling_line(f));
  lines.push_back(fmt::format(
      "Durations: the longest flow lasts {}, {} of the records have none; {} spread over several steps.",
      detect::duration_text(f.longest_ms),
      percent_text(static_cast<double>(f.instant) / static_cast<double>(std::max<uint64_t>(1, f.records))),
      count_of(d.spread, "flow is", "flows are")));
  lines.push_back(
      f.most_back_ms == 0
          ? std::string("Order: flows come in the order of their starts.")
          : fmt::format("Order: a flow starts up to {} before one that came earlier{}.",
                        detect::duration_text(f.most_back_ms),
                        f.two_readings ? "; the input was read for that, so none of them is late" : ""));
  if (d.outcome.late.any())
    lines.push_back(fmt::format("Late: {} were dropped, {} in part moved to a later step.",
                                count_of(d.outcome.late.dropped, "flow", "flows"),
                                count_text(d.outcome.late.moved)));
  lines.push_back(
      f.future == 0
          ? std::string("Clock: no flow ends after the time at which this page was made.")
          : fmt::format(
                "Clock: {} after the time at which this page was made.",
                share_line((count_text(f.future) + (f.future == 1 ? " flow ends" : " flows end")).c_str(),
                           f.future, f.records)));
  if (const auto line = repeats_line(f.repeats); !line.empty()) lines.push_back(line);
  if (f.forgotten > 0)
    lines.push_back(fmt::format(
        "Addresses: there were more than memory holds; {} with at most {} each are in the sums only.",
        count_text(f.forgotten), count_of(f.forgotten_flows, "flow", "flows")));
  std::string out = "<ul>";
  for (const auto& line : lines) out += "<li>" + line + "</li>";
  return out + "</ul>";
}

std::string problems_part(const ReportData& d) {
  std::string items;
  for (const auto& w : d.outcome.warnings) items += "<li>" + escape_html(w.text) + "</li>";
  for (const auto& b : d.outcome.bad_lines) {
    items += fmt::format("<li><code>{}</code>{}: {} ({})</li>",
                         escape_html(base::fs::path(b.file).filename().string()),
                         b.line > 0 ? fmt::format(", line {}", b.line) : "", escape_html(words(b.reason)),
                         count_of(b.count, "time", "times"));
  }
  for (const auto& [name, count] : d.notes)
    items += fmt::format("<li>noted: {} {}</li>", escape_html(words(name)), count_text(count));
  return items.empty() ? "" : "<h3>Warnings and notes</h3><ul>" + items + "</ul>";
}

}  // namespace

std::string quality_section(const ReportData& d) {
  std::string out = "<section id=\"data\"><h2>How good the data are</h2>\n";
  if (d.flows) out += times_part(d, *d.flows) + decoded_part(*d.flows);
  out += problems_part(d) + ledger_part(d);
  if (d.flows) {
    out += fields_part(d, *d.flows);
  } else {
    std::string names;
    for (size_t f = 0; f < d.missing.size(); ++f) {
      if (d.missing[f]) names += (names.empty() ? "" : ", ") + std::string(series::kFeatures[f].name);
    }
    out += fmt::format("<p>Features without one value: {}.</p>", names.empty() ? "none" : names);
  }
  return out + "</section>\n";
}

}  // namespace netflowgen::report

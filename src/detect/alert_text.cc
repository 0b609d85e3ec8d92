#include "detect/alert_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <set>

#include "base/html.h"
#include "base/words.h"
#include "series/features.h"

namespace netflowgen::detect {
namespace {

constexpr size_t kShortId = 8;
constexpr size_t kNamedSources = 3;

std::string percent(double share) {
  const double p = 100 * share;
  return p > 0 && p < 1 ? "under 1 %" : fmt::format("{:.0f} %", p);
}

// "2024-03-05 08:12 UTC", with seconds where they are not zero, without parts of one.
std::string time_text(base::TimeMs ms) {
  std::string t = base::format_time(ms - ms % 1000);  // 2024-03-05T08:12:00Z
  t[10] = ' ';
  t.pop_back();
  if (t.ends_with(":00")) t.resize(t.size() - 3);
  return t + " UTC";
}

std::string type_text(std::string_view type) {
  std::string text(type);
  std::replace(text.begin(), text.end(), '_', ' ');
  return text;
}

// An attack on many hosts of a prefix at once is known by that name, whatever it sends.
std::string named(const Incident& i, const std::string& type) {
  return i.hosts >= kCarpetHosts ? "carpet bombing, " + type : type;
}

// Where next to nothing was expected, the exact ratio tells nothing.
std::string times_text(double times) {
  constexpr double kMostTimes = 1000;
  return times >= kMostTimes ? fmt::format("more than {:.0f}", kMostTimes) : fmt::format("{:.3g}", times);
}

std::string lasting(base::TimeMs start, base::TimeMs end, base::TimeMs now) {
  return end != 0 ? duration_text(end - start) : duration_text(std::max<int64_t>(0, now - start)) + ", up";
}

std::string filter_cell(const std::optional<Filter>& filter) {
  if (!filter) return "";
  const auto collateral = std::isnan(filter->collateral) ? std::string("?") : percent(filter->collateral);
  const auto covers = filter->covers > 0 ? percent(filter->covers) : std::string("?");
  return fmt::format("{} {}: covers {}, collateral {}", name_of(filter->action), match_text(*filter), covers,
                     collateral);
}

std::string guess_cell(const AttackGuess& guess) {
  return guess.type == "unknown" ? guess.type : guess.type + " " + percent(guess.probability);
}

std::array<std::string, 7> cells_of(const AlertRow& row, base::TimeMs now) {
  if (row.incident != nullptr) {
    const Incident& i = *row.incident;
    return {time_text(i.start_ms),
            i.id.substr(0, kShortId),
            fmt::format("{} ({} hosts)", i.prefix.to_string(), i.hosts),
            base::printable(named(i, i.type)),
            std::string(name_of(i.severity)),
            lasting(i.start_ms, i.end_ms, now),
            filter_cell(i.filter)};
  }
  const Alert& a = *row.alert;
  const std::string suppressed = a.sent() ? "" : fmt::format(" ({})", name_of(a.suppressed));
  return {time_text(a.start_ms),
          base::printable(a.id.substr(0, kShortId)),
          base::printable(a.node),
          base::printable(guess_cell(a.guess)),
          std::string(name_of(a.severity)) + suppressed,
          lasting(a.start_ms, a.end_ms, now),
          filter_cell(a.filter)};
}

constexpr std::array<std::string_view, 7> kTitles = {"START",    "ID",       "NODE",  "TYPE",
                                                     "SEVERITY", "DURATION", "FILTER"};

std::string talkers_text(const std::vector<Talker>& talkers, std::string_view prefix) {
  std::string text;
  for (size_t i = 0; i < std::min(kNamedSources, talkers.size()); ++i) {
    text += fmt::format("{}{}{} ({})", i == 0 ? "" : ", ", prefix, base::printable(talkers[i].name),
                        percent(talkers[i].share));
  }
  return text;
}

std::string flows_text(const FlowEvidence& e) {
  std::string text =
      fmt::format("; of {} sampled flows, most packets came from {}", e.sampled, talkers_text(e.sources, ""));
  if (!e.source_ports.empty())
    text += fmt::format(", from {}", talkers_text({e.source_ports.front()}, "port "));
  if (!e.ports.empty()) text += fmt::format(", to {}", talkers_text({e.ports.front()}, "port "));
  return text;
}

std::string suggestion_text(const Filter& f) {
  std::string what;
  switch (f.action) {
    case FilterAction::kDrop:
      what = fmt::format("drop {}", match_text(f));
      break;
    case FilterAction::kRateLimit:
      what = fmt::format("limit {} to {} a second", match_text(f), quantity_text(f.rate_bytes, "B"));
      break;
    case FilterAction::kNone:
      return fmt::format("; no filter is suggested: of {}, {}", match_text(f), f.reason);
  }
  std::string text = fmt::format("; suggested: {}", what);
  if (f.covers > 0) text += fmt::format(", which is {} of the packets of the alert", percent(f.covers));
  text += std::isnan(f.collateral) ? std::string(" and an unknown share of the usual traffic")
                                   : fmt::format(" and {} of the usual traffic", percent(f.collateral));
  if (!f.reason.empty()) text += fmt::format(" ({})", f.reason);
  return text;
}

std::string commands_text(const std::optional<Filter>& filter) {
  if (!filter || filter->action == FilterAction::kNone) return "";
  return fmt::format("\n  {}\n  {}\n  {}\n", nftables_line(*filter), gobgp_command(*filter),
                     exabgp_line(*filter));
}

std::string since_text(base::TimeMs start, base::TimeMs raised, base::TimeMs end, base::TimeMs now) {
  std::string text = fmt::format("It began {}, was raised {}", time_text(start), time_text(raised));
  if (end != 0)
    return text + fmt::format(" and ended {}, after {}.", time_text(end), duration_text(end - start));
  return text + fmt::format(" and is still up at {}, after {}.", time_text(now), duration_text(now - start));
}

}  // namespace

std::string driver_text(const Alert& a, int64_t step_ms) {
  if (a.drivers.empty()) return "";
  const Driver& d = a.drivers.front();
  const auto& f = series::kFeatures[static_cast<size_t>(d.feature)];
  std::string text = fmt::format("{} was {}", f.name, quantity_text(d.seen, f.unit));
  if (step_ms > 0 && f.kind == series::Kind::kVolume) text += " in " + duration_text(step_ms);
  if (std::isnan(d.expected)) return text + ", nothing was expected yet";
  text += fmt::format(" where {}", quantity_text(d.expected, f.unit));
  if (!std::isnan(d.upper)) text += fmt::format(" (at most {})", quantity_text(d.upper, f.unit));
  return text + (d.forecast ? " was forecast" : " is usual");
}

base::TimeMs AlertRow::start_ms() const { return alert != nullptr ? alert->start_ms : incident->start_ms; }
const std::string& AlertRow::id() const { return alert != nullptr ? alert->id : incident->id; }

std::vector<AlertRow> rows_of(const AlertList& list, const AlertQuery& query, bool unfold) {
  std::set<std::string_view> known;
  for (const auto& i : list.incidents) known.insert(i.id);
  std::set<std::string_view> folded;
  std::vector<AlertRow> rows;
  for (const auto& a : list.alerts) {
    if (!query.takes(a)) continue;
    const bool inside = known.contains(a.incident);
    if (inside) folded.insert(a.incident);
    if (!inside || unfold) rows.push_back({&a, nullptr});
  }
  for (const auto& i : list.incidents) {
    if (folded.contains(i.id)) rows.push_back({nullptr, &i});
  }
  std::stable_sort(rows.begin(), rows.end(), [](const AlertRow& a, const AlertRow& b) {
    return a.start_ms() != b.start_ms() ? a.start_ms() < b.start_ms() : a.id() < b.id();
  });
  return rows;
}

std::string alert_table(std::span<const AlertRow> rows, base::TimeMs now_ms) {
  std::vector<std::array<std::string, 7>> all;
  std::array<size_t, 7> widths{};
  for (size_t c = 0; c < widths.size(); ++c) widths[c] = kTitles[c].size();
  for (const auto& row : rows) {
    all.push_back(cells_of(row, now_ms));
    for (size_t c = 0; c < widths.size(); ++c) widths[c] = std::max(widths[c], all.back()[c].size());
  }
  std::string out;
  const auto line = [&](const auto& cells) {
    std::string text;
    for (size_t c = 0; c < widths.size(); ++c) text += fmt::format("{:<{}}  ", cells[c], widths[c]);
    text.resize(text.find_last_not_of(' ') + 1);
    out += text + "\n";
  };
  line(kTitles);
  for (const auto& cells : all) line(cells);
  return out;
}

std::string alert_story(const Alert& a, base::TimeMs now_ms, int64_t step_ms) {
  const std::string sure = a.guess.type == "unknown"
                               ? " type"
                               : fmt::format(", {} sure by the {}", percent(a.guess.probability),
                                             a.guess.by_model ? "model" : "rule");
  std::string out =
      fmt::format("Alert {} on {}: {}{}, severity {}", base::printable(a.id), base::printable(a.node),
                  base::printable(type_text(a.guess.type)), sure, name_of(a.severity));
  if (a.times_expected >= 1)
    out += fmt::format(", {} times the expected traffic", times_text(a.times_expected));
  if (!a.incident.empty()) out += fmt::format(", part of incident {}", base::printable(a.incident));
  if (!a.sent()) out += fmt::format(", suppressed ({})", name_of(a.suppressed));
  out += ".\n" + since_text(a.start_ms, a.raised_ms, a.end_ms, now_ms) + "\n";
  std::string drove = driver_text(a, step_ms);
  if (drove.empty()) drove = fmt::format("its score of {:.3g} passed {:.3g}", a.peak, a.threshold);
  out +=
      fmt::format("What drove it: {}{}{}.\n", drove, a.flows ? flows_text(*a.flows) : "; no flows were seen",
                  a.filter ? suggestion_text(*a.filter) : "");
  return out + commands_text(a.filter);
}

std::string incident_story(const Incident& i, base::TimeMs now_ms) {
  std::string out = fmt::format("Incident {} on {}: {} at {} hosts, severity {}.\n", base::printable(i.id),
                                i.prefix.to_string(), base::printable(named(i, type_text(i.type))), i.hosts,
                                name_of(i.severity));
  out += since_text(i.start_ms, i.raised_ms, i.end_ms, now_ms) + "\n";
  out += "Its alerts are";
  for (size_t v = 0; v < i.victims.size(); ++v) {
    out +=
        fmt::format("{} {} ({}, {})", v == 0 ? "" : ",", base::printable(i.victims[v].node),
                    base::printable(i.victims[v].alert.substr(0, kShortId)), name_of(i.victims[v].severity));
  }
  if (i.hosts > i.victims.size()) out += fmt::format(" and {} more", i.hosts - i.victims.size());
  out += (i.filter ? suggestion_text(*i.filter) : "") + ".\n";
  return out + commands_text(i.filter);
}

std::string alert_page(std::span<const AlertRow> rows, base::TimeMs now_ms, std::string_view title) {
  using base::escape_html;
  std::string out = fmt::format(
      "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>{0}</title>\n<style>\n"
      "body {{ font: 15px/1.4 system-ui, sans-serif; margin: 2rem auto; max-width: 75rem; padding: 0 1rem; "
      "color: #222; }}\n"
      "summary, .head {{ display: grid; grid-template-columns: 11rem 6rem 1.3fr 1.2fr 7rem 8rem; gap: .7rem; "
      "padding: .35rem 0; "
      "border-bottom: 1px solid #ddd; cursor: pointer; }}\n"
      "summary span {{ overflow-wrap: anywhere; }}\n"
      "pre {{ white-space: pre-wrap; overflow-wrap: anywhere; background: #f6f6f6; padding: .8rem; }}\n"
      ".critical {{ color: #b00020; font-weight: 600; }} .high {{ color: #c04000; font-weight: 600; }}\n"
      ".medium {{ color: #8a6d00; }} .head {{ font-weight: 600; }}\n"
      "</style></head>\n<body><h1>{0}</h1>\n<p>{1} rows; the latest record is of {2}.</p>\n",
      escape_html(title), rows.size(), escape_html(time_text(now_ms)));
  out +=
      "<div class=\"head\"><span>start</span><span>id</span><span>node</span><span>type</span>"
      "<span>severity</span><span>duration</span></div>\n";
  for (const auto& row : rows) {
    const auto cells = cells_of(row, now_ms);
    const Severity severity = row.alert != nullptr ? row.alert->severity : row.incident->severity;
    out += fmt::format("<details id=\"{}\"><summary>", escape_html(row.id()));
    for (size_t c = 0; c + 1 < cells.size(); ++c) {
      out += fmt::format("<span{}>{}</span>", c == 4 ? fmt::format(" class=\"{}\"", name_of(severity)) : "",
                         escape_html(cells[c]));
    }
    const std::string story =
        row.alert != nullptr ? alert_story(*row.alert, now_ms) : incident_story(*row.incident, now_ms);
    out += "</summary><pre>" + escape_html(story) + "</pre></details>\n";
  }
  return out + "</body></html>\n";
}

std::string duration_text(int64_t ms) {
  const int64_t seconds = std::max<int64_t>(0, ms) / 1000;
  if (seconds < 60) return fmt::format("{} s", seconds);
  const int64_t minutes = seconds / 60;
  if (minutes < 60) return fmt::format("{} min", minutes);
  const int64_t hours = minutes / 60;
  const auto two = [](int64_t a, const char* big, int64_t b, const char* small) {
    return b == 0 ? fmt::format("{} {}", a, big) : fmt::format("{} {} {} {}", a, big, b, small);
  };
  return hours < 24 ? two(hours, "h", minutes % 60, "min") : two(hours / 24, "d", hours % 24, "h");
}

std::string quantity_text(double value, std::string_view unit) {
  if (!std::isfinite(value)) return "an unknown value";
  if (unit == "port") return fmt::format("port {:.0f}", value);
  constexpr std::string_view kScales[] = {"", "k", "M", "G", "T", "P"};
  size_t scale = 0;
  while (!unit.empty() && unit != "s" && std::abs(value) >= 1000 && scale + 1 < std::size(kScales)) {
    value /= 1000;
    ++scale;
  }
  std::string number = fmt::format("{:.3g}", value);
  if (unit.empty()) return number;
  if (unit == "B") return fmt::format("{} {}B", number, kScales[scale]);
  if (scale == 0 && number == "1" && unit.size() > 1 && unit.ends_with('s'))
    unit.remove_suffix(1);  // "1 packet"
  return scale == 0 ? fmt::format("{} {}", number, unit)
                    : fmt::format("{} {} {}", number, kScales[scale], unit);
}

}  // namespace netflowgen::detect

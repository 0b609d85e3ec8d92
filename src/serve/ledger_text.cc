#include "serve/ledger_text.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

namespace netflowgen::serve {
namespace {

std::string protocol_text(uint8_t version) {
  return version == 10 ? "IPFIX" : version == 105 ? "sFlow" : fmt::format("v{}", version);
}

std::string percent(uint64_t part, uint64_t whole) {
  return whole == 0 ? "0 %"
                    : fmt::format("{:.3g} %", 100.0 * static_cast<double>(part) / static_cast<double>(whole));
}

std::string sequence_text(const flow::SequenceReport& s) {
  const auto domain = s.all_domains ? "all domains together" : fmt::format("domain {}", s.domain);
  const auto convention = s.convention.empty() ? "" : fmt::format("; {}", s.convention);
  return fmt::format("  sequence {} {}: {} {} received, {} lost ({}), {} late, {} twice, {} restarts{}\n",
                     protocol_text(s.version), domain, s.received, s.unit, s.lost,
                     percent(s.lost, s.lost + s.received), s.reordered, s.duplicates, s.resets, convention);
}

std::string timeout_text(const char* name, std::optional<int64_t> measured,
                         std::optional<int64_t> announced) {
  std::string text =
      fmt::format("{} {}", name, measured ? fmt::format("{} s", *measured / 1000) : "not seen");
  if (announced) text += fmt::format(" (announced {} s)", *announced / 1000);
  return text;
}

std::string clock_text(int64_t skew_ms) {
  if (skew_ms == 0) return "  clock: agrees with ours\n";
  return fmt::format("  clock: {}.{:03} s {} ours\n", std::abs(skew_ms) / 1000, std::abs(skew_ms) % 1000,
                     skew_ms > 0 ? "ahead of" : "behind");
}

nlohmann::json optional_json(std::optional<int64_t> v) { return v ? nlohmann::json(*v) : nlohmann::json(); }

}  // namespace

std::string ledger_table(std::span<const base::LedgerView> ledgers, std::string_view indent) {
  std::string text =
      fmt::format("{}{:<16} {:>14} {:>14} {:>10} {:>12}\n", indent, "stage", "in", "out", "held", "dropped");
  for (const auto& l : ledgers) {
    std::string reasons;
    for (const auto& [reason, count] : l.drops) reasons += fmt::format("  {} {}", reason, count);
    text += fmt::format("{}{:<16} {:>14} {:>14} {:>10} {:>12}{}\n", indent, l.stage, l.in, l.out, l.held,
                        l.dropped(), reasons);
    for (const auto& [reason, rule] : l.rules) text += fmt::format("{}  {}: {}\n", indent, reason, rule);
    if (!l.balanced())
      text += fmt::format("warning: stage {} does not balance; please report this\n", l.stage);
  }
  return text;
}

void print_ledgers(std::FILE* to, std::span<const base::LedgerView> ledgers) {
  fmt::print(to, "{}", ledger_table(ledgers));
}

void print_bad_lines(std::FILE* to, std::span<const flow::FirstBadLine> lines) {
  for (const auto& b : lines) {
    fmt::print(to, "{}:{}: first of {} with reason '{}'\n", b.file, b.line, b.count, b.reason);
  }
}

void print_warnings(std::FILE* to, std::span<const flow::SourceWarning> warnings) {
  for (const auto& w : warnings) fmt::print(to, "warning: {}\n", w.text);
}

std::string notes_text(std::span<const std::pair<std::string_view, uint64_t>> notes) {
  std::string text;
  for (const auto& [name, count] : notes)
    text += fmt::format("{}{} {}", text.empty() ? "noted: " : ", ", name, count);
  return text.empty() ? text : text + "\n";
}

std::string exporter_text(const flow::ExporterReport& r) {
  std::string text = ledger_table(r.ledgers, "  ");
  if (const auto notes = notes_text(r.notes); !notes.empty()) text += "  " + notes;
  for (const auto& [name, rule] : r.rules) text += fmt::format("    {}: {}\n", name, rule);
  for (const auto& s : r.sequences) text += sequence_text(s);
  const auto& t = r.timeouts;
  text += fmt::format("  time-outs: {}, {}; of {} flows with times\n",
                      timeout_text("active", t.active_ms, t.announced_active_ms),
                      timeout_text("inactive", t.inactive_ms, t.announced_inactive_ms), t.flows);
  for (const auto& s : r.sampling)
    text += fmt::format("  sampling: 1 in {} ({})\n", s.rate, name_of(s.source));
  text += clock_text(r.clock_skew_ms);
  return text + fmt::format("  templates: {}\n", r.templates);
}

nlohmann::json ledgers_json(std::span<const base::LedgerView> ledgers) {
  auto out = nlohmann::json::array();
  for (const auto& l : ledgers) {
    auto drops = nlohmann::json::object();
    for (const auto& [reason, count] : l.drops) drops[std::string(reason)] = count;
    out.push_back({{"stage", l.stage}, {"in", l.in}, {"out", l.out}, {"held", l.held}, {"drops", drops}});
    for (const auto& [reason, rule] : l.rules) out.back()["rules"][std::string(reason)] = rule;
  }
  return out;
}

nlohmann::json exporter_json(const flow::ExporterReport& r) {
  auto notes = nlohmann::json::object();
  for (const auto& [name, count] : r.notes) notes[std::string(name)] = count;
  auto rules = nlohmann::json::object();
  for (const auto& [name, rule] : r.rules) rules[std::string(name)] = rule;
  auto sequences = nlohmann::json::array();
  for (const auto& s : r.sequences) {
    sequences.push_back({{"protocol", protocol_text(s.version)},
                         {"domain", s.domain},
                         {"all_domains", s.all_domains},
                         {"unit", s.unit},
                         {"convention", s.convention},
                         {"received", s.received},
                         {"lost", s.lost},
                         {"late", s.reordered},
                         {"twice", s.duplicates},
                         {"restarts", s.resets}});
  }
  const auto& t = r.timeouts;
  return {{"exporter", r.exporter.to_string()},
          {"ledgers", ledgers_json(r.ledgers)},
          {"notes", notes},
          {"rules", rules},
          {"sequences", sequences},
          {"active_timeout_ms", optional_json(t.active_ms)},
          {"inactive_timeout_ms", optional_json(t.inactive_ms)},
          {"announced_active_timeout_ms", optional_json(t.announced_active_ms)},
          {"announced_inactive_timeout_ms", optional_json(t.announced_inactive_ms)},
          {"clock_skew_ms", r.clock_skew_ms},
          {"templates", r.templates}};
}

}  // namespace netflowgen::serve

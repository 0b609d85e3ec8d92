#include "detect/alert.h"

#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/random.h"
#include "detect/incident.h"
#include "series/builder.h"
#include "series/node.h"
#include "series/rates.h"

namespace netflowgen::detect {
namespace {

using Json = nlohmann::ordered_json;

// Six significant digits: enough for people, and short.
Json number(double x) {
  if (!std::isfinite(x)) return nullptr;
  return std::strtod(fmt::format("{:.6g}", x).c_str(), nullptr);
}

Json time(base::TimeMs ms) { return base::format_time(ms); }

Json talkers(const std::vector<Talker>& all) {
  Json list = Json::array();
  for (const auto& t : all) {
    list.push_back({{"name", t.name},
                    {"share", number(t.share)},
                    {"packets", number(t.packets)},
                    {"bytes", number(t.bytes)},
                    {"flows", number(t.flows)}});
  }
  return list;
}

Json drivers(const std::vector<Driver>& all) {
  Json list = Json::array();
  for (const auto& d : all) {
    const auto& f = series::kFeatures[static_cast<size_t>(d.feature)];
    list.push_back({{"feature", f.name},
                    {"unit", f.unit},
                    {"expected", number(d.expected)},
                    {"upper", number(d.upper)},
                    {"seen", number(d.seen)},
                    {"bits", number(d.bits)},
                    {"by", d.forecast ? "forecast" : "usual"}});
  }
  return list;
}

Json flows_json(const FlowEvidence& e) {
  return {{"sampled", e.sampled},
          {"sampled_packets", e.sampled_packets},
          {"distinct_sources", e.distinct_sources},
          {"sources", talkers(e.sources)},
          {"source_ports", talkers(e.source_ports)},
          {"ports", talkers(e.ports)},
          {"protocols", talkers(e.protocols)},
          {"exporters", talkers(e.exporters)}};
}

Json text_or_null(const std::string& text) { return text.empty() ? Json(nullptr) : Json(text); }

Json filter_json(const Filter& f) {
  Json match = {{"destination", f.destination.to_string()}};
  if (f.source) match["source"] = f.source->to_string();
  if (f.protocol) match["protocol"] = *f.protocol;
  if (f.src_port) match["source_port"] = *f.src_port;
  if (f.dst_port) match["destination_port"] = *f.dst_port;
  if (f.syn_only) match["syn_only"] = true;
  if (f.fragments) match["fragments"] = true;
  return {{"text", match_text(f)},
          {"match", match},
          {"action", name_of(f.action)},
          {"rate", f.action == FilterAction::kRateLimit ? number(f.rate_bytes) : Json(nullptr)},
          {"reason", text_or_null(f.reason)},
          {"covers", f.covers > 0 ? number(f.covers) : Json(nullptr)},
          {"collateral", number(f.collateral)},
          {"usual_flows", f.usual_flows},
          {"flowspec_nlri", flowspec_nlri(f)},
          {"gobgp", text_or_null(gobgp_command(f))},
          {"exabgp", text_or_null(exabgp_line(f))},
          {"nftables", text_or_null(nftables_line(f))}};
}

// Node names come from outside: what is not UTF-8 is replaced, never thrown at.
std::string line_of(const Json& j) { return j.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n"; }

}  // namespace

std::string_view name_of(AlertEvent event) {
  constexpr std::string_view kNames[] = {"raised", "escalated", "resumed", "ended", "grouped", "updated"};
  return kNames[static_cast<size_t>(event)];
}

std::string alert_id(std::string_view node, std::string_view task, int64_t raised_step) {
  uint64_t h = base::mix64(static_cast<uint64_t>(raised_step));
  for (const char c : node) h = base::mix64(h ^ static_cast<uint8_t>(c));
  h = base::mix64(h ^ 0x100);
  for (const char c : task) h = base::mix64(h ^ static_cast<uint8_t>(c));
  return fmt::format("{:016x}", h);
}

std::string to_json_line(const Alert& a) {
  Json j = {{"format", kAlertFormat},
            {"record", "alert"},
            {"id", a.id},
            {"event", name_of(a.event)},
            {"time", time(a.event_ms)},
            {"node", a.node},
            {"task", a.task},
            {"type", a.guess.type},
            {"probability", number(a.guess.probability)},
            {"type_by", a.guess.by_model ? "model" : "rule"},
            {"severity", name_of(a.severity)},
            {"times_expected", number(a.times_expected)},
            {"start", time(a.start_ms)},
            {"raised", time(a.raised_ms)},
            {"end", a.end_ms == 0 ? Json(nullptr) : time(a.end_ms)},
            {"score", number(a.peak)},
            {"threshold", number(a.threshold)},
            {"suppressed", a.sent() ? Json(nullptr) : Json(name_of(a.suppressed))},
            {"reason", text_or_null(a.reason)},
            {"policy", text_or_null(a.policy)},
            {"contacts", a.contacts},
            {"incident", text_or_null(a.incident)},
            {"features", drivers(a.drivers)},
            {"flows", a.flows ? flows_json(*a.flows) : Json(nullptr)},
            {"filter", a.filter ? filter_json(*a.filter) : Json(nullptr)}};
  if (a.early) j["early"] = true;
  return line_of(j);
}

std::string to_json_line(const Incident& i) {
  Json victims = Json::array();
  for (const auto& v : i.victims) {
    victims.push_back({{"node", v.node},
                       {"alert", v.alert},
                       {"severity", name_of(v.severity)},
                       {"start", time(v.start_ms)},
                       {"end", v.end_ms == 0 ? Json(nullptr) : time(v.end_ms)}});
  }
  return line_of(
      {{"format", kAlertFormat},
       {"record", "incident"},
       {"id", i.id},
       {"event", name_of(i.event)},
       {"time", time(i.event_ms)},
       {"prefix", i.prefix.to_string()},
       {"task", i.task},
       {"type", i.type},
       {"severity", name_of(i.severity)},
       {"start", time(i.start_ms)},
       {"raised", time(i.raised_ms)},
       {"end", i.end_ms == 0 ? Json(nullptr) : time(i.end_ms)},
       {"suppressed", i.suppressed == Suppression::kNone ? Json(nullptr) : Json(name_of(i.suppressed))},
       {"hosts", i.hosts},
       {"victims", victims},
       {"filter", i.filter ? filter_json(*i.filter) : Json(nullptr)}});
}

}  // namespace netflowgen::detect

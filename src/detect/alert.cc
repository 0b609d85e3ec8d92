#include "detect/alert.h"

#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/random.h"
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
          {"distinct_sources", e.distinct_sources},
          {"sources", talkers(e.sources)},
          {"source_ports", talkers(e.source_ports)},
          {"ports", talkers(e.ports)},
          {"protocols", talkers(e.protocols)},
          {"exporters", talkers(e.exporters)}};
}

Json filter_json(const Filter& f) {
  return {{"flowspec", flowspec_text(f)},
          {"flowspec_nlri", flowspec_nlri(f)},
          {"nftables", nftables_line(f)},
          {"covers", f.covers > 0 ? number(f.covers) : Json(nullptr)}};
}

base::TimeMs read_time(const Json& j, const std::string& where) {
  if (j.is_null()) return 0;
  const auto t = base::parse_time(j.get<std::string>());
  if (!t) throw base::Error("{}: '{}' is not a time", where, j.get<std::string>());
  return *t;
}

}  // namespace

std::string_view name_of(AlertEvent event) {
  constexpr std::string_view kNames[] = {"raised", "escalated", "resumed", "ended"};
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
  const Json j = {{"id", a.id},
                  {"event", name_of(a.event)},
                  {"time", time(a.event_ms)},
                  {"node", a.node},
                  {"task", a.task},
                  {"type", a.guess.type},
                  {"probability", number(a.guess.probability)},
                  {"type_by", a.guess.by_model ? "model" : "rule"},
                  {"severity", name_of(a.severity)},
                  {"start", time(a.start_ms)},
                  {"raised", time(a.raised_ms)},
                  {"end", a.end_ms == 0 ? Json(nullptr) : time(a.end_ms)},
                  {"score", number(a.peak)},
                  {"threshold", number(a.threshold)},
                  {"suppressed", a.sent() ? Json(nullptr) : Json(name_of(a.suppressed))},
                  {"reason", a.reason.empty() ? Json(nullptr) : Json(a.reason)},
                  {"policy", a.policy.empty() ? Json(nullptr) : Json(a.policy)},
                  {"contacts", a.contacts},
                  {"features", drivers(a.drivers)},
                  {"flows", a.flows ? flows_json(*a.flows) : Json(nullptr)},
                  {"filter", a.filter ? filter_json(*a.filter) : Json(nullptr)}};
  // Node names come from outside: what is not UTF-8 is replaced, never thrown at.
  return j.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

AlertKey parse_alert(std::string_view json, const std::string& where) {
  try {
    const Json j = Json::parse(json);
    AlertKey k;
    k.id = j.at("id");
    k.node = j.at("node");
    k.task = j.at("task");
    k.type = j.at("type");
    k.start_ms = read_time(j.at("start"), where);
    k.raised_ms = read_time(j.at("raised"), where);
    k.event_ms = read_time(j.at("time"), where);
    k.end_ms = read_time(j.at("end"), where);
    return k;
  } catch (const nlohmann::json::exception& e) {
    throw base::Error("{}: not an alert record: {}", where, e.what());
  }
}

}  // namespace netflowgen::detect

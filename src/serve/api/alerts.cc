// GET /api/v1/alerts and below, /incidents; POST feedback.
#include "detect/alert_db.h"
#include "detect/alert_record.h"
#include "detect/alert_text.h"
#include "detect/incident.h"
#include "serve/api/json.h"
#include "serve/log.h"

namespace netflowgen::serve {
namespace {

Json feedback_row(const std::string& id, bool confirmed, base::TimeMs given_ms) {
  return {{"alert", id}, {"verdict", confirmed ? "confirmed" : "rejected"}, {"given_ms", given_ms}};
}

AlertRow need_alert(const ServiceState& state, const std::string& id) {
  auto row = state.alerts.alert(id);
  if (!row) throw ApiError{404, "there is no alert with this id"};
  return *row;
}

// The verdict of a body {"verdict": "confirmed"} and nothing else.
bool confirmed_of(const Request& r) {
  const std::string type = r.header("content-type");
  if (type.substr(0, type.find(';')) != "application/json")
    throw ApiError{415, "the body must be application/json"};
  const Json body = Json::parse(r.body, nullptr, false);
  const bool one_key =
      body.is_object() && body.size() == 1 && body.contains("verdict") && body["verdict"].is_string();
  const std::string verdict = one_key ? body["verdict"].get<std::string>() : "";
  if (verdict != "confirmed" && verdict != "rejected") {
    throw ApiError{400, R"(the body must be {"verdict": "confirmed"} or {"verdict": "rejected"})"};
  }
  return verdict == "confirmed";
}

}  // namespace

Json alerts_json(const ServiceState& state, const Request& r) {
  AlertFilter filter;
  const std::string open = word_of(r, "state", {"open", "ended", "all"}, "all");
  filter.state = open == "open"    ? AlertFilter::State::kOpen
                 : open == "ended" ? AlertFilter::State::kEnded
                                   : AlertFilter::State::kAll;
  filter.node = text_of(r, "node", 128);
  filter.type = text_of(r, "type", 64);
  const std::string severity = word_of(r, "severity", {"low", "medium", "high", "critical"}, "");
  for (int s = 0; s < 4; ++s) {
    if (name_of(static_cast<detect::Severity>(s)) == severity)
      filter.at_least = static_cast<detect::Severity>(s);
  }
  filter.suppressed = flag_of(r, "suppressed", true);
  const TimeRange range = range_of(r, INT64_MAX, 0);
  if (r.query.contains("from")) filter.from_ms = range.from_ms;
  if (r.query.contains("to")) filter.to_ms = range.to_ms;
  filter.offset = static_cast<size_t>(integer_of(r, "offset", 0, 10'000'000, 0));
  filter.limit = static_cast<size_t>(integer_of(r, "limit", 1, 500, 50));
  size_t total = 0;
  Json list = Json::array();
  for (const auto& row : state.alerts.alerts(filter, total)) list.push_back(alert_summary(row));
  return {{"total", total}, {"offset", filter.offset}, {"alerts", list}};
}

Json alert_json(const ServiceState& state, const std::string& id) {
  const auto row = need_alert(state, id);
  Json history = Json::array();
  for (const auto& e : state.alerts.history(id)) {
    history.push_back(
        {{"event", e.event}, {"time_ms", e.time_ms}, {"severity", e.severity}, {"score", number(e.score)}});
  }
  Json feedback = Json::array();
  for (const auto& f : state.alerts.feedback(id))
    feedback.push_back(feedback_row(id, f.confirmed, f.given_ms));
  const auto alert = detect::parse_alert_record(row.record, "alerts.db");
  return {{"summary", alert_summary(row)},
          {"record", base::parse_json<Json>(row.record, "alerts.db")},
          {"history", history},
          {"feedback", feedback},
          {"story", detect::alert_story(alert, state.now(), state.info.step_ms)}};
}

Json feedback_json(const ServiceState& state, const std::string& id, const Request& r) {
  const bool confirmed = confirmed_of(r);
  need_alert(state, id);
  const auto given = now_ms();
  detect::AlertDb(state.alerts_path, detect::AlertDb::Mode::kExisting).feedback(id, confirmed, given);
  return feedback_row(id, confirmed, given);
}

Json incident_json(Json record) {
  const bool carpet = record.value("hosts", uint64_t{0}) >= detect::kCarpetHosts;
  record["name"] = carpet ? Json("carpet bombing") : Json(nullptr);
  return record;
}

Json incidents_json(const ServiceState& state, const Request& r) {
  const auto offset = static_cast<size_t>(integer_of(r, "offset", 0, 10'000'000, 0));
  const auto limit = static_cast<size_t>(integer_of(r, "limit", 1, 500, 50));
  size_t total = 0;
  Json list = Json::array();
  for (const auto& record : state.alerts.incidents(offset, limit, total)) {
    list.push_back(incident_json(base::parse_json<Json>(record, "alerts.db")));
  }
  return {{"total", total}, {"offset", offset}, {"incidents", list}};
}

}  // namespace netflowgen::serve

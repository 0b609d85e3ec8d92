#include "serve/outputs/output.h"

#include <fmt/format.h>

#include "base/error.h"
#include "base/json.h"
#include "detect/alert_record.h"
#include "detect/alert_text.h"

namespace netflowgen::serve {
namespace {

constexpr std::string_view kKinds[] = {"webhook", "syslog", "alertmanager", "script",
                                       "email",   "gobgp",  "exabgp"};

std::string driver_of(const detect::Alert& alert) {
  const std::string text = detect::driver_text(alert);
  return text.empty() ? text : ", " + text;
}

}  // namespace

std::string_view name_of(OutputKind kind) { return kKinds[static_cast<size_t>(kind)]; }

std::unique_ptr<Output> make_output(const OutputOptions& o, OutputLog log) {
  switch (o.kind) {
    case OutputKind::kWebhook:
      return make_webhook(o);
    case OutputKind::kSyslog:
      return make_syslog(o);
    case OutputKind::kAlertmanager:
      return make_alertmanager(o);
    case OutputKind::kScript:
      return make_script(o);
    case OutputKind::kEmail:
      return make_email(o);
    case OutputKind::kGobgp:
    case OutputKind::kExabgp:
      return make_announcer(o, std::move(log));
    case OutputKind::kCount:
      break;
  }
  throw base::Error("an output of no kind");
}

std::string headline(const AlertRecord& record) {
  if (const auto* a = std::get_if<detect::Alert>(&record)) {
    return fmt::format("{} {} on {} ({}) {}{}", name_of(a->severity), a->guess.type, a->node, a->task,
                       name_of(a->event), driver_of(*a));
  }
  const auto& i = std::get<detect::Incident>(record);
  return fmt::format("{} {} on {} hosts of {} ({}) {}", name_of(i.severity), i.type, i.hosts,
                     i.prefix.to_string(), i.task, name_of(i.event));
}

detect::Severity severity_of(const AlertRecord& record) {
  return std::visit([](const auto& r) { return r.severity; }, record);
}

std::string key_of(const AlertRecord& record) {
  return std::visit(
      [](const auto& r) {
        const bool raised = r.event == decltype(r.event){};  // once in the life of an alert
        return raised ? fmt::format("{} raised", r.id)
                      : fmt::format("{} {} {}", r.id, name_of(r.event), r.event_ms);
      },
      record);
}

AlertRecord parse_record(const std::string& json) {
  const auto j = base::parse_json(json, "a queued record");
  if (j.is_object() && j.value("record", "") == "incident")
    return detect::parse_incident_record(json, "a queued record");
  return detect::parse_alert_record(json, "a queued record");
}

bool is_news(const AlertRecord& record) {
  if (const auto* a = std::get_if<detect::Alert>(&record)) {
    return a->event != detect::AlertEvent::kGrouped && a->event != detect::AlertEvent::kUpdated &&
           a->incident.empty();
  }
  return std::get<detect::Incident>(record).event != detect::IncidentEvent::kUpdated;
}

std::string story_of(const AlertRecord& record, base::TimeMs now_ms) {
  if (const auto* a = std::get_if<detect::Alert>(&record)) return detect::alert_story(*a, now_ms);
  return detect::incident_story(std::get<detect::Incident>(record), now_ms);
}

const std::string& id_of(const AlertRecord& record) {
  return std::visit([](const auto& r) -> const std::string& { return r.id; }, record);
}

}  // namespace netflowgen::serve

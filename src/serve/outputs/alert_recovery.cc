#include "serve/outputs/alert_recovery.h"

#include <fmt/format.h>

#include <algorithm>

#include "detect/alert_record.h"
#include "detect/detector_state.h"

namespace netflowgen::serve {
namespace {

using detect::Alert;
using detect::AlertEvent;
using detect::DetectorState;
using detect::Incident;
using detect::IncidentEvent;

constexpr size_t kMost = 100'000;

}  // namespace

// In the order of their last records.
std::vector<Alert> AlertRecovery::read(AlertFilter filter) const {
  filter.limit = kMost;
  size_t total = 0;
  std::vector<Alert> out;
  for (const auto& row : alerts_.alerts(filter, total))
    out.push_back(detect::parse_alert_record(row.record, file_));
  std::stable_sort(out.begin(), out.end(),
                   [](const Alert& a, const Alert& b) { return a.event_ms < b.event_ms; });
  return out;
}

size_t AlertRecovery::queue_missing() {
  AlertFilter recent;
  recent.from_ms = outbox_.oldest_of_interest_ms();
  if (recent.from_ms == INT64_MAX) return 0;
  size_t queued = 0;
  for (const Alert& alert : read(recent)) queued += outbox_.catch_up(alert) ? 1 : 0;
  return queued;
}

// Of the alerts that both may know, the later record counts. Returns how many the file lacked.
size_t AlertRecovery::compare(const Known& known) {
  size_t written = 0;
  for (const auto& [id, alert] : known) {
    const auto row = alerts_.alert(id);
    if (row) {
      const Alert in_file = detect::parse_alert_record(row->record, file_);
      if (in_file.event_ms > alert.event_ms) returning_.push_back(in_file);
      if (in_file.event_ms >= alert.event_ms) continue;
    } else {
      Alert raised = alert;
      raised.event = AlertEvent::kRaised;
      raised.event_ms = raised.raised_ms;
      raised.end_ms = 0;
      post_(raised);
    }
    if (row || alert.event != AlertEvent::kRaised) post_(alert);
    ++written;
  }
  return written;
}

void AlertRecovery::return_forgotten(detect::StreamingDetector* stream, const Known& known) {
  AlertFilter open;
  open.state = AlertFilter::State::kOpen;
  for (Alert& alert : read(open)) {
    if (known.contains(alert.id)) continue;  // compare()
    const bool task = stream != nullptr && DetectorState::knows_task(stream->detector(), alert);
    if (task && stream->last_step() != detect::kNoStep) {
      ++continued_;
    } else {
      alert.event = AlertEvent::kEnded;
      alert.end_ms = alert.event_ms;  // the last that is known of it
      post_(alert);
      ++ended_;
    }
    if (task) returning_.push_back(std::move(alert));
  }
}

void AlertRecovery::recover_incidents(detect::StreamingDetector* stream) {
  std::map<std::string, const Incident*> known;
  if (stream != nullptr) {
    for (const auto& i : DetectorState::incidents(stream->detector())) known[i.id] = &i;
  }
  size_t total = 0;
  for (const auto& record : alerts_.incidents(0, kMost, total)) {
    Incident incident = detect::parse_incident_record(record, file_);
    if (known.erase(incident.id) > 0 || incident.end_ms != 0) continue;
    incident.event = IncidentEvent::kEnded;
    incident.end_ms = incident.event_ms;
    incident.up = 0;
    post_(std::move(incident));
  }
  for (const auto& [id, incident] : known) {
    if (incident->end_ms != 0) continue;
    Incident raised = *incident;
    raised.event = IncidentEvent::kRaised;
    post_(std::move(raised));
  }
}

std::string AlertRecovery::start(detect::StreamingDetector* stream) {
  const size_t queued = queue_missing();
  Known known;
  if (stream != nullptr) {
    for (auto& alert : DetectorState::alerts(stream->detector())) known[alert.id] = std::move(alert);
  }
  const size_t written = compare(known);
  return_forgotten(stream, known);
  recover_incidents(stream);
  if (queued + written + continued_ + ended_ == 0) return "";
  return fmt::format(
      "the last run did not end in order: {} open alerts continue, {} are not known any more and have ended, "
      "{} were not "
      "written, {} were not queued for outputs",
      continued_, ended_, written, queued);
}

void AlertRecovery::before_step(detect::StreamingDetector& stream, int64_t step) {
  if (returning_.empty() || step <= stream.last_step()) return;
  std::erase_if(returning_,
                [&](const Alert& alert) { return DetectorState::take_back(stream.detector(), step, alert); });
}

}  // namespace netflowgen::serve

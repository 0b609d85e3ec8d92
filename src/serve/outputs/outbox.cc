#include "serve/outputs/outbox.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "detect/alert.h"
#include "serve/log.h"
#include "serve/outputs/outbox_queue.h"

namespace netflowgen::serve {
namespace {

constexpr const char* kSchema = R"(
CREATE TABLE IF NOT EXISTS queue(
  number INTEGER PRIMARY KEY, output TEXT NOT NULL, key TEXT NOT NULL, posted_ms INTEGER NOT NULL, record TEXT, done_ms INTEGER,
  UNIQUE(output, key));
CREATE INDEX IF NOT EXISTS queue_waiting ON queue(output, number) WHERE done_ms IS NULL;
CREATE TABLE IF NOT EXISTS outputs(name TEXT PRIMARY KEY, since_ms INTEGER NOT NULL);
PRAGMA user_version = 1;
)";

std::string json_of(const AlertRecord& record) {
  std::string line = std::visit([](const auto& r) { return detect::to_json_line(r); }, record);
  line.pop_back();
  return line;
}

bool suppressed(const AlertRecord& record) {
  return std::visit([](const auto& r) { return r.suppressed != detect::Suppression::kNone; }, record);
}

}  // namespace

Outbox::Outbox(const base::fs::path& path, const std::vector<OutputOptions>& outputs, OutputLog log,
               OutboxTiming timing)
    : log_(std::move(log)) {
  if (outputs.empty()) return;
  db_ = std::make_unique<Sqlite>(path, Sqlite::Mode::kWrite, kBusy_ms);
  db_->run(kSchema);
  for (const auto& o : outputs) {
    Statement(*db_, "INSERT OR IGNORE INTO outputs VALUES(?1, ?2)")
        .bind(1, std::string_view(o.name))
        .bind(2, now_ms())
        .run();
    Statement s(*db_, "SELECT since_ms FROM outputs WHERE name = ?1");
    s.bind(1, std::string_view(o.name));
    since_.push_back(s.step() ? s.integer(0) : now_ms());
  }
  for (const auto& o : outputs) queues_.push_back(std::make_unique<Queue>(path, o, log_, timing));
}

Outbox::~Outbox() = default;

void Outbox::post(const AlertRecord& record) {
  if (queues_.empty() || suppressed(record)) return;
  for (const auto& queue : queues_) post(*queue, record);
}

// The alert was below the output's severity so far.
bool Outbox::begins(Queue& queue, const AlertRecord& record) {
  const bool raised = std::visit([](const auto& r) { return r.event == decltype(r.event){}; }, record);
  const bool ended = std::visit([](const auto& r) { return r.end_ms != 0; }, record);
  if (ended) return queue.told.erase(id_of(record)), false;
  const bool fresh = queue.told.insert(id_of(record)).second;
  if (raised || !fresh || queue.options().at_least == detect::Severity::kLow) return false;
  try {  // before a restart?
    Statement s(*db_, "SELECT 1 FROM queue WHERE output = ?1 AND key GLOB ?2 LIMIT 1");
    const std::string of_alert = id_of(record) + " *";
    s.bind(1, std::string_view(queue.options().name)).bind(2, std::string_view(of_alert));
    return !s.step();
  } catch (const base::Error&) {
    return false;
  }
}

void Outbox::post(Queue& queue, const AlertRecord& record) {
  if (severity_of(record) < queue.options().at_least) return;
  if (begins(queue, record)) {
    AlertRecord first = record;
    std::visit([](auto& r) { r.event = decltype(r.event){}; }, first);
    return post(queue, first);
  }
  try {
    queue.post(*db_, {0, key_of(record), json_of(record), now_ms(), 0});
    failing_ = false;
  } catch (const base::Error& e) {
    if (!failing_) log_(fmt::format("error: {}; alerts to be sent are queued in memory", e.what()));
    failing_ = true;
  }
}

base::TimeMs Outbox::oldest_of_interest_ms() const {
  if (since_.empty()) return INT64_MAX;
  return std::max(*std::min_element(since_.begin(), since_.end()), now_ms() - kRemember_ms / 2);
}

bool Outbox::catch_up(const detect::Alert& alert) {
  if (alert.event_ms < oldest_of_interest_ms() || suppressed(alert)) return false;
  bool queued = false;
  for (size_t i = 0; i < queues_.size(); ++i) {
    if (alert.event_ms < since_[i] || alert.severity < queues_[i]->options().at_least) continue;
    Statement s(*db_, "SELECT count(*), total(key = ?2) FROM queue WHERE output = ?1 AND key GLOB ?3");
    const std::string key = key_of(alert);
    const std::string of_alert = alert.id + " *";
    s.bind(1, std::string_view(queues_[i]->options().name))
        .bind(2, std::string_view(key))
        .bind(3, std::string_view(of_alert));
    if (!s.step() || s.real(1) > 0) continue;
    if (s.integer(0) == 0 && alert.event != detect::AlertEvent::kRaised) {
      detect::Alert raised = alert;
      raised.event = detect::AlertEvent::kRaised;
      raised.event_ms = raised.raised_ms;
      raised.end_ms = 0;
      post(*queues_[i], raised);
    }
    post(*queues_[i], alert);
    queued = true;
  }
  return queued;
}

std::vector<OutputCounts> Outbox::counts() const {
  std::vector<OutputCounts> all;
  for (const auto& queue : queues_) all.push_back(queue->counts());
  return all;
}

}  // namespace netflowgen::serve

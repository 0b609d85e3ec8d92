// One way out for alerts. Its queue calls it, one record at a time, in order, on a thread of its own.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "serve/live_detector.h"
#include "serve/output_options.h"

namespace netflowgen::serve {

// A record that an output is to send.
struct Notice {
  AlertRecord record;
  std::string json;  // the record's line (docs/formats.md), without a newline
};

class Output {
 public:
  virtual ~Output() = default;
  // Error: it was not taken; it is tried again later. Refused: it will never be taken.
  virtual void send(const Notice& notice) = 0;
  // Called between notices, about once a second: what must happen in time (withdrawals).
  virtual void tick(base::TimeMs /*now_ms*/) {}
};

// The target understood the notice and refuses it for good (HTTP 400).
struct Refused {
  std::string why;
};

using OutputLog = std::function<void(const std::string&)>;

// Error: options that make no sense, a secret that cannot be read.
std::unique_ptr<Output> make_output(const OutputOptions& options, OutputLog log);

std::unique_ptr<Output> make_webhook(const OutputOptions& options);
std::unique_ptr<Output> make_alertmanager(const OutputOptions& options);
std::unique_ptr<Output> make_syslog(const OutputOptions& options);
std::unique_ptr<Output> make_script(const OutputOptions& options);
std::unique_ptr<Output> make_email(const OutputOptions& options);
std::unique_ptr<Output> make_announcer(const OutputOptions& options, OutputLog log);

// What outputs say of a record: one line for people.
std::string headline(const AlertRecord& record);
detect::Severity severity_of(const AlertRecord& record);
// Unique for a record of an alert: id, event and, but for its raising, time.
std::string key_of(const AlertRecord& record);
// Whether a message to people is due: raised, more severe, resumed, ended. An incident replaces its alerts.
bool is_news(const AlertRecord& record);
// Several lines for people, and the id.
std::string story_of(const AlertRecord& record, base::TimeMs now_ms);
const std::string& id_of(const AlertRecord& record);
// The record of a line that to_json_line() wrote. Error: it is none.
AlertRecord parse_record(const std::string& json);

}  // namespace netflowgen::serve

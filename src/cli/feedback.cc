// netflowgen feedback: an operator's word on an alert becomes a label for the next fine-tuning.
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <memory>

#include "base/error.h"
#include "base/file.h"
#include "base/time.h"
#include "cli/commands.h"
#include "detect/alert.h"
#include "detect/alert_db.h"
#include "detect/alert_record.h"
#include "eval/labels.h"
#include "serve/alert_output.h"

namespace netflowgen::cli {
namespace {

constexpr std::string_view kHeader = "node,start,end,type\n";

struct FeedbackOptions {
  std::string alert;
  std::string verdict;
  std::string alerts = "alerts.db";
  std::string labels = "feedback.csv";
  std::string type;
};

// The alert in a file of JSON lines.
std::optional<detect::AlertKey> find_in_lines(const std::string& path, const std::string& id) {
  const auto list = detect::read_alerts(path);
  std::optional<detect::AlertKey> found;
  for (const auto& a : list.alerts) {
    if (!a.id.starts_with(id)) continue;
    if (found) throw base::Error("{}: more than one alert's id begins with '{}'; give more of it", path, id);
    found = {a.id, a.node, a.task, a.guess.type, a.start_ms, a.raised_ms, a.event_ms, a.end_ms};
  }
  return found;
}

// A cell as RFC 4180 has it. It cannot have a line break (docs/formats.md).
std::string csv_cell(const std::string& text) {
  if (text.find_first_of("\n\r") != std::string::npos) {
    throw base::Error("'{}' has a line break, which no cell of a label file can hold", text);
  }
  if (text.find_first_of(",;|\t\"") == std::string::npos) return text;
  std::string cell = "\"";
  for (const char c : text) cell += c == '"' ? std::string("\"\"") : std::string(1, c);
  return cell + "\"";
}

// What has to precede a line that is added: a header in an empty file, a line end where the last line has none.
std::string before_line(int fd) {
  const off_t size = ::lseek(fd, 0, SEEK_END);
  if (size == 0) return std::string(kHeader);
  char last = '\n';
  return ::pread(fd, &last, 1, size - 1) == 1 && last != '\n' ? "\n" : "";
}

// Appends a whole line, or nothing; several commands may do so at once.
void append_label(const std::string& path, const std::string& line) {
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (fd < 0) throw base::Error("cannot write {}: {}", path, std::strerror(errno));
  ::flock(fd, LOCK_EX);
  const std::string text = before_line(fd) + line;
  const bool written =
      ::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size()) && ::fsync(fd) == 0;
  const int error = errno;
  ::close(fd);
  if (!written) throw base::Error("cannot write {}: {}", path, std::strerror(error));
}

void run_feedback(const FeedbackOptions& o) {
  const bool yes = o.verdict == "yes";
  std::unique_ptr<detect::AlertDb> db;
  if (detect::AlertDb::is_one(o.alerts) || serve::is_database(o.alerts)) {
    db = std::make_unique<detect::AlertDb>(o.alerts, detect::AlertDb::Mode::kExisting);
  }
  const auto key = db ? db->find(o.alert) : find_in_lines(o.alerts, o.alert);
  if (!key) throw base::Error("{} has no alert whose id begins with '{}'", o.alerts, o.alert);
  // An alert that is still up is labelled as far as its last record goes.
  const base::TimeMs end = key->end_ms != 0 ? key->end_ms : key->event_ms;
  const std::string type = !yes ? std::string(eval::kBenignType) : o.type.empty() ? key->type : o.type;
  append_label(o.labels, fmt::format("{},{},{},{}\n", csv_cell(key->node), base::format_time(key->start_ms),
                                     base::format_time(end), csv_cell(type)));
  if (db) {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    db->feedback(key->id, yes, std::chrono::duration_cast<std::chrono::milliseconds>(now).count());
  }
  fmt::print("{}: {} from {} to {} is {}; in {}\n", key->id, key->node, base::format_time(key->start_ms),
             base::format_time(end), yes ? "an attack (" + type + ")" : "no attack", o.labels);
}

}  // namespace

void add_feedback(Command& app, Context&) {
  auto o = std::make_shared<FeedbackOptions>();
  auto* c =
      app.add_subcommand("feedback", "Record whether an alert was right; the next finetune learns from it");
  c->add_option("alert", o->alert, "The alert's id, or a unique beginning of it")->required();
  c->add_option("verdict", o->verdict, "yes: an attack; no: a false alarm")
      ->required()
      ->check(one_of({"yes", "no"}));
  c->add_option("--alerts", o->alerts, "Where the alert is: SQLite or JSON lines, as replay wrote it")
      ->capture_default_str();
  c->add_option("--labels", o->labels, "Labels to append to, for finetune --labels")->capture_default_str();
  c->add_option("--type", o->type, "The attack's type, where the alert's is wrong");
  c->footer("Example: netflowgen feedback 3f0a no --alerts alerts.db --labels feedback.csv");
  c->callback([o] { run_feedback(*o); });
}

}  // namespace netflowgen::cli

#include "serve/training/verdicts.h"

#include <string>

#include "base/time.h"
#include "serve/db/sqlite.h"

namespace netflowgen::serve {
namespace {

constexpr const char* kJudged =
    "SELECT node, start_ms, coalesce(end_ms, event_ms), type, (SELECT verdict FROM feedback WHERE "
    "feedback.id = alerts.id "
    "ORDER BY rowid DESC LIMIT 1) AS verdict FROM alerts WHERE verdict IS NOT NULL ORDER BY start_ms, node";

// A cell as RFC 4180 has it; a line break becomes a blank, since no cell of a label file can hold one.
std::string cell(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"') out += '"';
    out += c == '\n' || c == '\r' ? ' ' : c;
  }
  return out + '"';
}

}  // namespace

size_t write_verdicts(const base::fs::path& alerts_db, const base::fs::path& labels) {
  if (!base::fs::exists(alerts_db)) return 0;
  Sqlite db(alerts_db, Sqlite::Mode::kRead);
  Statement judged(db, kJudged);
  std::string text = "node,start,end,type\n";
  size_t n = 0;
  for (; judged.step(); ++n) {
    text += cell(judged.text(0)) + ',' + base::format_time(judged.integer(1)) + ',' +
            base::format_time(judged.integer(2)) + ',' +
            cell(judged.text(4) == "yes" ? judged.text(3) : "benign") + '\n';
  }
  if (n > 0) base::write_file(labels, text);
  return n;
}

}  // namespace netflowgen::serve

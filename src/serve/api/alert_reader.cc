#include "serve/api/alert_reader.h"

#include <fmt/format.h>
#include <sqlite3.h>

#include "base/ip.h"
#include "detect/policy.h"

namespace netflowgen::serve {
namespace {

// inside(node, prefix): the node's address lies in the prefix.
void inside(sqlite3_context* context, int, sqlite3_value** values) {
  const auto text = [&](int i) {
    const auto* const t = reinterpret_cast<const char*>(sqlite3_value_text(values[i]));
    return std::string_view(t == nullptr ? "" : t);
  };
  const auto prefix = base::Prefix::parse(text(1));
  const auto node = detect::prefix_of(text(0));
  const bool in = prefix && node && node->length >= prefix->length && prefix->contains(node->address);
  sqlite3_result_int(context, in ? 1 : 0);
}

constexpr const char* kVerdict =
    "(SELECT CASE verdict WHEN 'yes' THEN 'confirmed' ELSE 'rejected' END FROM feedback WHERE feedback.id = "
    "alerts.id ORDER BY "
    "rowid DESC LIMIT 1)";

}  // namespace

class AlertReader::Use {
 public:
  explicit Use(const AlertReader& reader) : reader_(reader) {
    {
      const std::lock_guard lock(reader.mutex_);
      if (!reader.idle_.empty()) {
        db_ = std::move(reader.idle_.back());
        reader.idle_.pop_back();
      }
    }
    if (db_) return;
    db_ = std::make_unique<Sqlite>(reader_.path_, Sqlite::Mode::kRead);
    sqlite3_create_function(db_->handle(), "inside", 2, SQLITE_UTF8 | SQLITE_DETERMINISTIC, nullptr, inside,
                            nullptr, nullptr);
  }
  ~Use() {
    const std::lock_guard lock(reader_.mutex_);
    if (reader_.idle_.size() < 8) reader_.idle_.push_back(std::move(db_));
  }
  Use(const Use&) = delete;
  Use& operator=(const Use&) = delete;
  Sqlite& db() { return *db_; }

 private:
  const AlertReader& reader_;
  std::unique_ptr<Sqlite> db_;
};

namespace {

// The condition, with ?1 to ?6 for node, type, from, to, incident and severity's least name by position.
std::string condition(const AlertFilter& f) {
  std::string where = "1";
  if (f.state == AlertFilter::State::kOpen) where += " AND end_ms IS NULL";
  if (f.state == AlertFilter::State::kEnded) where += " AND end_ms IS NOT NULL";
  if (!f.node.empty())
    where +=
        f.node.find('/') == std::string::npos ? " AND node = ?1" : " AND (node = ?1 OR inside(node, ?1))";
  if (!f.type.empty()) where += " AND type = ?2";
  if (f.from_ms != INT64_MIN) where += " AND (end_ms IS NULL OR end_ms >= ?3)";
  if (f.to_ms != INT64_MAX) where += " AND start_ms < ?4";
  if (!f.incident.empty()) where += " AND incident = ?5";
  if (!f.suppressed) where += " AND suppressed IS NULL";
  if (f.at_least) {
    std::string names;
    for (auto s = static_cast<int>(*f.at_least); s <= static_cast<int>(detect::Severity::kCritical); ++s) {
      names += fmt::format("{}'{}'", names.empty() ? "" : ",", name_of(static_cast<detect::Severity>(s)));
    }
    where += fmt::format(" AND severity IN ({})", names);
  }
  return where;
}

void bind(Statement& s, const AlertFilter& f) {
  const auto used = [&](bool is, int at, const auto& value) {
    if (is) s.bind(at, value);
  };
  used(!f.node.empty(), 1, std::string_view(f.node));
  used(!f.type.empty(), 2, std::string_view(f.type));
  used(f.from_ms != INT64_MIN, 3, f.from_ms);
  used(f.to_ms != INT64_MAX, 4, f.to_ms);
  used(!f.incident.empty(), 5, std::string_view(f.incident));
}

}  // namespace

std::vector<AlertRow> AlertReader::alerts(const AlertFilter& filter, size_t& total) const {
  Use use(*this);
  const std::string where = condition(filter);
  {
    Statement count(use.db(), fmt::format("SELECT count(*) FROM alerts WHERE {}", where));
    bind(count, filter);
    total = count.step() ? static_cast<size_t>(count.integer(0)) : 0;
  }
  Statement s(
      use.db(),
      fmt::format("SELECT record, {} FROM alerts WHERE {} ORDER BY {}raised_ms DESC, id LIMIT {} OFFSET {}",
                  kVerdict, where, filter.open_first ? "end_ms IS NOT NULL, " : "", filter.limit,
                  filter.offset));
  bind(s, filter);
  std::vector<AlertRow> out;
  while (s.step()) out.push_back({s.text(0), s.text(1)});
  return out;
}

std::optional<AlertRow> AlertReader::alert(const std::string& id) const {
  Use use(*this);
  Statement s(use.db(), fmt::format("SELECT record, {} FROM alerts WHERE id = ?1", kVerdict));
  s.bind(1, std::string_view(id));
  if (!s.step()) return std::nullopt;
  return AlertRow{s.text(0), s.text(1)};
}

std::vector<AlertEventRow> AlertReader::history(const std::string& id) const {
  Use use(*this);
  Statement s(use.db(),
              "SELECT event, event_ms, severity, score FROM history WHERE id = ?1 ORDER BY event_ms");
  s.bind(1, std::string_view(id));
  std::vector<AlertEventRow> out;
  while (s.step()) out.push_back({s.text(0), s.integer(1), s.text(2), s.real(3)});
  return out;
}

std::vector<FeedbackRow> AlertReader::feedback(const std::string& id) const {
  Use use(*this);
  Statement s(use.db(), "SELECT verdict, given_ms FROM feedback WHERE id = ?1 ORDER BY rowid");
  s.bind(1, std::string_view(id));
  std::vector<FeedbackRow> out;
  while (s.step()) out.push_back({s.text(0) == "yes", s.integer(1)});
  return out;
}

std::vector<std::string> AlertReader::incidents(size_t offset, size_t limit, size_t& total) const {
  Use use(*this);
  total = static_cast<size_t>(use.db().number("SELECT count(*) FROM incidents"));
  Statement s(use.db(),
              fmt::format("SELECT record FROM incidents ORDER BY raised_ms DESC, id LIMIT {} OFFSET {}",
                          limit, offset));
  std::vector<std::string> out;
  while (s.step()) out.push_back(s.text(0));
  return out;
}

std::array<int64_t, 4> AlertReader::open_by_severity() const {
  Use use(*this);
  Statement s(use.db(), "SELECT severity, count(*) FROM alerts WHERE end_ms IS NULL GROUP BY severity");
  std::array<int64_t, 4> out{};
  while (s.step()) {
    for (size_t i = 0; i < out.size(); ++i) {
      if (name_of(static_cast<detect::Severity>(i)) == s.text(0)) out[i] = s.integer(1);
    }
  }
  return out;
}

int64_t AlertReader::open_at(const std::string& node) const {
  Use use(*this);
  Statement s(use.db(), "SELECT count(*) FROM alerts WHERE end_ms IS NULL AND node = ?1");
  s.bind(1, std::string_view(node));
  return s.step() ? s.integer(0) : 0;
}

}  // namespace netflowgen::serve

#include "base/time_zone_rule.h"

#include <algorithm>

#include "base/time.h"

namespace netflowgen::base {
namespace {

constexpr int kMostOffsetHours = 24;
constexpr int kMostRuleHours = 167;  // RFC 8536, 3.3.1: a week less an hour

bool is_leap(int year) { return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0; }

bool take(std::string_view& text, char c) {
  if (text.empty() || text.front() != c) return false;
  text.remove_prefix(1);
  return true;
}

std::optional<int> take_number(std::string_view& text, int low, int high) {
  int value = 0;
  size_t n = 0;
  while (n < text.size() && n < 3 && text[n] >= '0' && text[n] <= '9') value = value * 10 + (text[n++] - '0');
  if (n == 0 || value < low || value > high) return std::nullopt;
  text.remove_prefix(n);
  return value;
}

// A name of letters, or of letters, digits and signs between < and >.
bool take_name(std::string_view& text) {
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  if (take(text, '<')) {
    const size_t end = text.find('>');
    if (end == std::string_view::npos || end < 3) return false;
    text.remove_prefix(end + 1);
    return true;
  }
  size_t n = 0;
  while (n < text.size() && letter(text[n])) ++n;
  text.remove_prefix(n);
  return n >= 3;
}

// [+-]hh[:mm[:ss]] in seconds.
std::optional<int64_t> take_time(std::string_view& text, int most_hours) {
  const bool negative = take(text, '-');
  if (!negative) take(text, '+');
  const auto hours = take_number(text, 0, most_hours);
  if (!hours) return std::nullopt;
  int64_t seconds = int64_t{*hours} * 3600;
  for (const int64_t unit : {60, 1}) {
    if (!take(text, ':')) break;
    const auto part = take_number(text, 0, 59);
    if (!part) return std::nullopt;
    seconds += *part * unit;
  }
  return negative ? -seconds : seconds;
}

std::optional<ZoneRuleDay> take_day(std::string_view& text) {
  ZoneRuleDay d;
  std::optional<int> day;
  if (take(text, 'M')) {
    const auto month = take_number(text, 1, 12);
    if (!month || !take(text, '.')) return std::nullopt;
    const auto week = take_number(text, 1, 5);
    if (!week || !take(text, '.')) return std::nullopt;
    day = take_number(text, 0, 6);
    d.month = *month;
    d.week = *week;
  } else if (take(text, 'J')) {
    d.kind = ZoneRuleDay::Kind::kJulian;
    day = take_number(text, 1, 365);
  } else {
    d.kind = ZoneRuleDay::Kind::kZeroBased;
    day = take_number(text, 0, 365);
  }
  if (!day) return std::nullopt;
  d.day = *day;
  if (take(text, '/')) {
    const auto seconds = take_time(text, kMostRuleHours);
    if (!seconds) return std::nullopt;
    d.seconds = *seconds;
  }
  return d;
}

}  // namespace

int64_t ZoneRuleDay::in_year(int year) const {
  int64_t days = 0;
  if (kind == Kind::kMonthWeekDay) {
    const int64_t first = days_from_civil(year, static_cast<unsigned>(month), 1);
    const int64_t weekday = ((first + 4) % 7 + 7) % 7;  // 1970-01-01 was a Thursday; Sunday is 0
    const int64_t next = month == 12 ? days_from_civil(year + 1, 1, 1)
                                     : days_from_civil(year, static_cast<unsigned>(month) + 1, 1);
    days = first + (day - weekday + 7) % 7 + int64_t{week - 1} * 7;
    if (days >= next) days -= 7;
  } else {
    days = days_from_civil(year, 1, 1) + day;
    if (kind == Kind::kJulian) days -= is_leap(year) && day >= 60 ? 0 : 1;
  }
  return days * 86400 + seconds;
}

std::optional<ZoneRule> ZoneRule::parse(std::string_view text) {
  ZoneRule rule;
  if (!take_name(text)) return std::nullopt;
  const auto west = take_time(text, kMostOffsetHours);
  if (!west) return std::nullopt;
  rule.standard_s = -*west;
  if (text.empty()) return rule;
  rule.has_daylight = true;
  if (!take_name(text)) return std::nullopt;
  rule.daylight_s = rule.standard_s + 3600;
  if (!text.empty() && text.front() != ',') {
    const auto daylight_west = take_time(text, kMostOffsetHours);
    if (!daylight_west) return std::nullopt;
    rule.daylight_s = -*daylight_west;
  }
  if (!take(text, ',')) return std::nullopt;
  const auto start = take_day(text);
  if (!start || !take(text, ',')) return std::nullopt;
  const auto end = take_day(text);
  if (!end || !text.empty()) return std::nullopt;
  rule.start = *start;
  rule.end = *end;
  return rule;
}

}  // namespace netflowgen::base

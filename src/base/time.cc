#include "base/time.h"

#include <fmt/format.h>

#include <charconv>
#include <cmath>

namespace netflowgen::base {
namespace {

// Digits at the front of `text`, removed from it; nullopt when there are not between `min` and `max`.
std::optional<int> take_digits(std::string_view& text, size_t min, size_t max) {
  int value = 0;
  size_t n = 0;
  while (n < max && n < text.size() && text[n] >= '0' && text[n] <= '9')
    value = value * 10 + (text[n++] - '0');
  if (n < min) return std::nullopt;
  text.remove_prefix(n);
  return value;
}

bool take(std::string_view& text, char c) {
  if (text.empty() || text.front() != c) return false;
  text.remove_prefix(1);
  return true;
}

std::optional<TimeMs> parse_unix(std::string_view text) {
  double seconds = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  if (!(std::fabs(seconds) < 1e12)) return std::nullopt;
  return static_cast<TimeMs>(std::llround(seconds * 1000.0));
}

int days_in_month(int year, int month) {
  constexpr int kDays[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  const bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
  return month == 2 && leap ? 29 : kDays[month - 1];
}

}  // namespace

int64_t days_from_civil(int64_t year, unsigned month, unsigned day) {
  year -= month <= 2;
  const int64_t era = (year >= 0 ? year : year - 399) / 400;
  const auto yoe = static_cast<unsigned>(year - era * 400);
  const unsigned doy = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
  const unsigned doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
  return era * 146097 + static_cast<int64_t>(doe) - 719468;
}

std::optional<TimeMs> make_time(int year, int month, int day, int hour, int minute, int second, int ms) {
  if (year < 1 || year > 9999 || month < 1 || month > 12 || day < 1 ||
      (day > 28 && day > days_in_month(year, month)) || hour < 0 || hour > 23 || minute < 0 || minute > 59 ||
      second < 0 || second > 60 || ms < 0 || ms > 999) {
    return std::nullopt;
  }
  const int64_t days = days_from_civil(year, static_cast<unsigned>(month), static_cast<unsigned>(day));
  return ((days * 24 + hour) * 60 + minute) * 60000 + int64_t{second} * 1000 + ms;
}

std::optional<TimeMs> parse_time(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  const std::string_view whole = text;
  const auto year = take_digits(text, 4, 4);
  if (!year || !take(text, '-')) return parse_unix(whole);
  const auto month = take_digits(text, 1, 2);
  if (!month || !take(text, '-')) return std::nullopt;
  const auto day = take_digits(text, 1, 2);
  if (!day) return std::nullopt;
  if (text.empty()) return make_time(*year, *month, *day, 0, 0, 0);
  if (!take(text, 'T') && !take(text, ' ')) return std::nullopt;
  const auto hour = take_digits(text, 1, 2);
  if (!hour || !take(text, ':')) return std::nullopt;
  const auto minute = take_digits(text, 2, 2);
  if (!minute) return std::nullopt;
  int second = 0;
  int ms = 0;
  if (take(text, ':')) {
    const auto s = take_digits(text, 2, 2);
    if (!s) return std::nullopt;
    second = *s;
    if (take(text, '.') || take(text, ',')) {
      int scale = 100;
      size_t n = 0;
      for (; n < text.size() && text[n] >= '0' && text[n] <= '9'; ++n, scale /= 10)
        ms += (text[n] - '0') * scale;
      if (n == 0) return std::nullopt;
      text.remove_prefix(n);
    }
  }
  take(text, 'Z');
  if (!text.empty()) return std::nullopt;
  return make_time(*year, *month, *day, *hour, *minute, second, ms);
}

std::string format_time(TimeMs time) {
  const int64_t days = step_of(time, 86400000);
  const int64_t ms = time - days * 86400000;
  // civil_from_days, same source as days_from_civil.
  const int64_t z = days + 719468;
  const int64_t era = (z >= 0 ? z : z - 146096) / 146097;
  const auto doe = static_cast<unsigned>(z - era * 146097);
  const unsigned yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
  const unsigned doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
  const unsigned mp = (5 * doy + 2) / 153;
  const unsigned day = doy - (153 * mp + 2) / 5 + 1;
  const unsigned month = mp < 10 ? mp + 3 : mp - 9;
  const int64_t year = static_cast<int64_t>(yoe) + era * 400 + (month <= 2 ? 1 : 0);
  std::string text = fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}", year, month, day, ms / 3600000,
                                 ms / 60000 % 60, ms / 1000 % 60);
  if (ms % 1000 != 0) text += fmt::format(".{:03}", ms % 1000);
  return text + "Z";
}

std::optional<int64_t> parse_duration(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || !(value >= 0) || value > 1e10) return std::nullopt;
  const std::string_view unit(end, static_cast<size_t>(text.data() + text.size() - end));
  double scale = 0;
  if (unit == "ms") scale = 1;
  if (unit.empty() || unit == "s") scale = 1000;
  if (unit == "m" || unit == "min") scale = 60000;
  if (unit == "h") scale = 3600000;
  if (unit == "d") scale = 86400000;
  if (scale == 0) return std::nullopt;
  return static_cast<int64_t>(std::llround(value * scale));
}

}  // namespace netflowgen::base

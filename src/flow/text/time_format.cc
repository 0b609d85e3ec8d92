#include "flow/text/time_format.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <utility>

#include "base/error.h"
#include "flow/text/fixed_time.h"
#include "flow/text/text_parse.h"

namespace netflowgen::flow {
namespace {

using base::TimeMs;

// The parts of a time while a pattern is walked.
struct Parts {
  int year = 1970;
  int month = 1;
  int day = 1;
  int day_of_year = 0;
  int hour = 0;
  int minute = 0;
  int second = 0;
  int ms = 0;
  int half = -1;  // 0: AM, 1: PM
  std::optional<int> offset_minutes;
  std::optional<TimeMs> unix_ms;
};

constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool digits(std::string_view& text, size_t min, size_t max, int& value) {
  int v = 0;
  size_t n = 0;
  while (n < max && n < text.size() && text[n] >= '0' && text[n] <= '9') v = v * 10 + (text[n++] - '0');
  if (n < min) return false;
  text.remove_prefix(n);
  value = v;
  return true;
}

bool take(std::string_view& text, char c) {
  if (text.empty() || text.front() != c) return false;
  text.remove_prefix(1);
  return true;
}

// Digits of a fraction of a second, of which three count.
bool fraction(std::string_view& text, int& ms) {
  constexpr int kScale[] = {100, 10, 1};
  int value = 0;
  size_t n = 0;
  for (; n < 3 && n < text.size() && is_digit(text[n]); ++n) value += (text[n] - '0') * kScale[n];
  if (n == 0) return false;
  while (n < text.size() && is_digit(text[n])) ++n;
  text.remove_prefix(n);
  ms = value;
  return true;
}

// "Z", "+02:00", "-0300", "+02", "UTC" (BigQuery), "GMT".
bool zone(std::string_view& text, std::optional<int>& minutes) {
  const bool word = text.starts_with("UTC") || text.starts_with("GMT");
  if (word) text.remove_prefix(3);
  if (word || take(text, 'Z')) {
    minutes = 0;
    return true;
  }
  const bool minus = !text.empty() && text.front() == '-';
  if (!minus && (text.empty() || text.front() != '+')) return false;
  text.remove_prefix(1);
  int h = 0;
  int m = 0;
  if (!digits(text, 2, 2, h)) return false;
  take(text, ':');
  if (!text.empty() && !digits(text, 2, 2, m)) return false;
  minutes = (h * 60 + m) * (minus ? -1 : 1);
  return true;
}

bool month_name(std::string_view& text, int& month) {
  constexpr std::string_view kMonths = "janfebmaraprmayjunjulaugsepoctnovdec";
  if (text.size() < 3) return false;
  const std::array<char, 3> name{static_cast<char>(text[0] | 0x20), static_cast<char>(text[1] | 0x20),
                                 static_cast<char>(text[2] | 0x20)};
  const size_t at = kMonths.find(std::string_view(name.data(), 3));
  if (at == std::string_view::npos || at % 3 != 0) return false;
  month = static_cast<int>(at / 3) + 1;
  text.remove_prefix(3);
  return true;
}

bool half_day(std::string_view& text, int& half) {
  if (text.size() < 2 || (text[1] | 0x20) != 'm') return false;
  const int c = text[0] | 0x20;
  if (c != 'a' && c != 'p') return false;
  half = c == 'p' ? 1 : 0;
  text.remove_prefix(2);
  return true;
}

bool unix_seconds(std::string_view& text, std::optional<TimeMs>& out) {
  size_t n = 0;
  while (n < text.size() && (text[n] == '.' || text[n] == '-' || (text[n] >= '0' && text[n] <= '9'))) ++n;
  TimeMs ms = 0;
  if (!parse_scaled_ms(text.substr(0, n), 1, ms)) return false;
  text.remove_prefix(n);
  out = ms;
  return true;
}

bool directive(char c, std::string_view& text, Parts& p) {
  switch (c) {
    case 'Y':
      return digits(text, 4, 4, p.year);
    case 'y':
      if (!digits(text, 2, 2, p.year)) return false;
      p.year += p.year < 69 ? 2000 : 1900;  // as POSIX
      return true;
    case 'm':
      return digits(text, 1, 2, p.month);
    case 'd':
      return digits(text, 1, 2, p.day);
    case 'e':
      while (take(text, ' ')) {
      }
      return digits(text, 1, 2, p.day);
    case 'b':
      return month_name(text, p.month);
    case 'j':
      return digits(text, 1, 3, p.day_of_year);
    case 'H':
    case 'I':
      return digits(text, 1, 2, p.hour);
    case 'M':
      return digits(text, 1, 2, p.minute);
    case 'S':
      return digits(text, 1, 2, p.second);
    case 'f':
      return fraction(text, p.ms);
    case 'p':
      return half_day(text, p.half);
    case 'z':
      return zone(text, p.offset_minutes);
    case 's':
      return unix_seconds(text, p.unix_ms);
    case 'T':
      return digits(text, 1, 2, p.hour) && take(text, ':') && digits(text, 2, 2, p.minute) &&
             take(text, ':') && digits(text, 2, 2, p.second);
    case 'F':
      return digits(text, 4, 4, p.year) && take(text, '-') && digits(text, 1, 2, p.month) &&
             take(text, '-') && digits(text, 1, 2, p.day);
    case '%':
      return take(text, '%');
    default:
      return false;
  }
}

bool walk(std::string_view pattern, std::string_view text, Parts& p) {
  for (size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i] == '%') {
      if (!directive(pattern[++i], text, p)) return false;
    } else if (pattern[i] == ' ') {
      while (take(text, ' ')) {
      }
    } else if (!take(text, pattern[i])) {
      return false;
    }
  }
  return text.empty();
}

bool assemble(Parts p, TimeMs& time, bool& zoned) {
  zoned = p.offset_minutes.has_value() || p.unix_ms.has_value();
  if (p.unix_ms) {
    time = *p.unix_ms;
    return true;
  }
  if (p.half >= 0) {
    if (p.hour < 1 || p.hour > 12) return false;
    p.hour = p.hour % 12 + 12 * p.half;
  }
  if (p.day_of_year > 366) return false;
  const auto t = base::make_time(p.year, p.month, p.day, p.hour, p.minute, p.second, p.ms);
  if (!t) return false;
  time = *t + (p.day_of_year > 0 ? int64_t{p.day_of_year - 1} * 86400000 : 0) -
         int64_t{p.offset_minutes.value_or(0)} * 60000;
  return true;
}

// The forms of ISO that the fixed columns below do not cover.
bool parse_iso_slow(std::string_view text, TimeMs& time, bool& zoned) {
  if (text.find_first_of("-:/") == std::string_view::npos) {
    std::optional<TimeMs> t;
    zoned = true;
    if (!unix_seconds(text, t) || !text.empty()) return false;
    time = *t;
    return true;
  }
  Parts p;
  if (!digits(text, 4, 4, p.year) || !(take(text, '-') || take(text, '/')) || !digits(text, 1, 2, p.month) ||
      !(take(text, '-') || take(text, '/')) || !digits(text, 1, 2, p.day)) {
    return false;
  }
  if (take(text, 'T') || take(text, ' ') || take(text, '.')) {
    if (!digits(text, 1, 2, p.hour) || !take(text, ':') || !digits(text, 2, 2, p.minute)) return false;
    if (take(text, ':') && !digits(text, 2, 2, p.second)) return false;
    if ((take(text, '.') || take(text, ',')) && !fraction(text, p.ms)) return false;
    while (take(text, ' ')) {
    }
    if (!text.empty() && !zone(text, p.offset_minutes)) return false;
  }
  return text.empty() && assemble(p, time, zoned);
}

// What follows the seconds: a fraction, then Z or an offset. False: none of that.
bool iso_tail(std::string_view rest, int& ms, std::optional<int>& offset_minutes, bool& zoned) {
  if (take(rest, '.') && !fraction(rest, ms)) return false;
  zoned = !rest.empty();
  if (rest.empty() || rest == "Z") return true;
  return rest.front() != 'Z' && zone(rest, offset_minutes) && rest.empty();
}

// "2024-01-31 08:12:00", a fraction and a Z may follow. Fixed columns, so no loop.
bool parse_iso(std::string_view text, TimeMs& time, bool& zoned) {
  if (text.size() > 4 && static_cast<unsigned>(text[4] - '0') <= 9 && parse_scaled_ms(text, 1, time)) {
    zoned = true;
    return true;
  }
  if (text.size() < 19) return parse_iso_slow(text, time, zoned);
  unsigned year = 0;
  unsigned month = 0;
  unsigned day = 0;
  unsigned hour = 0;
  unsigned minute = 0;
  unsigned second = 0;
  const char* p = text.data();
  const bool separated = p[10] == ' ' || p[10] == 'T' || p[10] == '.';
  int ms = 0;
  std::optional<int> offset_minutes;
  if (!separated || !fixed_date(p, year, month, day) || !fixed_clock(p + 11, hour, minute, second) ||
      !iso_tail(text.substr(19), ms, offset_minutes, zoned)) {
    return parse_iso_slow(text, time, zoned);
  }
  const auto t =
      base::make_time(static_cast<int>(year), static_cast<int>(month), static_cast<int>(day),
                      static_cast<int>(hour), static_cast<int>(minute), static_cast<int>(second), ms);
  if (!t) return false;
  time = *t - int64_t{offset_minutes.value_or(0)} * 60000;
  return true;
}

// Milliseconds since 1970 as an integer of 12 digits (1973) or more; else as iso.
bool parse_ms_or_iso(std::string_view text, TimeMs& time, bool& zoned) {
  uint64_t ms = 0;
  if (text.size() < 12 || text.size() > 15 || text.find_first_not_of("0123456789") != text.npos ||
      !parse_u64(text, ms)) {
    return parse_iso(text, time, zoned);
  }
  time = static_cast<TimeMs>(ms);
  zoned = true;
  return true;
}

// CICFlowMeter writes a 12-hour clock and, in most releases, no AM or PM; its public data sets were captured
// between 8 in the morning and 8 in the evening.
bool parse_cic(std::string_view text, TimeMs& time, bool& zoned) {
  Parts p;
  std::string_view t = text;
  if (!digits(t, 1, 4, p.day) || !take(t, '/')) return parse_iso(text, time, zoned);
  if (!digits(t, 1, 2, p.month) || !take(t, '/') || !digits(t, 4, 4, p.year) || !take(t, ' ') ||
      !digits(t, 1, 2, p.hour) || !take(t, ':') || !digits(t, 2, 2, p.minute)) {
    return false;
  }
  if (take(t, ':') && !digits(t, 2, 2, p.second)) return false;
  if (take(t, '.') && !fraction(t, p.ms)) return false;
  if (take(t, ' ')) {
    if (!half_day(t, p.half)) return false;
  } else if (p.hour >= 1 && p.hour <= 7) {
    p.hour += 12;
  }
  return t.empty() && assemble(p, time, zoned);
}

void check_pattern(std::string_view pattern) {
  constexpr std::string_view kKnown = "YymdebHIMSfpzsTFj%";
  for (size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i] != '%') continue;
    if (++i == pattern.size() || kKnown.find(pattern[i]) == std::string_view::npos) {
      throw base::Error("time format '{}': '%{}' is not one of %{}", pattern,
                        i < pattern.size() ? pattern.substr(i, 1) : "",
                        "Y y m d e b H I M S f p z s T F j %");
    }
  }
}

}  // namespace

TimeFormat::TimeFormat(std::string_view format) {
  if (format == "iso") return;
  kind_ = Kind::kUnix;
  if (format == "unix") return;
  if (format == "unix_or_iso" || format == "unix_or_ms_or_iso" || format == "unix_ms_or_iso") {
    kind_ = format == "unix_ms_or_iso" ? Kind::kUnixMsOrIso : Kind::kUnixOrIso;
    or_ms_ = format == "unix_or_ms_or_iso";
    return;
  }
  if (format == "unix_ms") units_in_ms_ = 1;
  if (format == "unix_us") units_in_ms_ = 1000;
  if (format == "unix_ns") units_in_ms_ = 1'000'000;
  if (units_in_ms_ != 0) {
    unix_unit_ = 1e-3 / static_cast<double>(units_in_ms_);
    return;
  }
  kind_ = format == "cicflowmeter" ? Kind::kCicFlowMeter : Kind::kPattern;
  if (kind_ != Kind::kPattern) return;
  if (format.find('%') == std::string_view::npos) {
    throw base::Error(
        "time format '{}' is neither iso, unix, unix_ms, unix_us, unix_ns, unix_or_iso, "
        "unix_or_ms_or_iso, unix_ms_or_iso, "
        "cicflowmeter nor a "
        "pattern such as %d/%m/%Y %H:%M:%S",
        format);
  }
  check_pattern(format);
  pattern_ = format;
}

TimeFormat TimeFormat::index(TimeMs start, int64_t interval_ms) {
  TimeFormat format;
  format.kind_ = Kind::kIndex;
  format.start_ = start;
  format.interval_ms_ = interval_ms;
  return format;
}

TimeFormat TimeFormat::table(std::vector<TimeMs> times) {
  TimeFormat format;
  format.kind_ = Kind::kIndex;
  format.table_ = std::move(times);
  return format;
}

bool TimeFormat::parse_index(std::string_view text, TimeMs& time) const {
  constexpr uint64_t kMaxIndex = uint64_t{1} << 40;
  uint64_t index = 0;
  if (!parse_u64(text, index) || index > kMaxIndex) return false;
  if (!table_.empty()) {
    if (index >= table_.size() || table_[index] == kNoTime) return false;
    time = table_[index];
    return true;
  }
  int64_t offset = 0;
  return !__builtin_mul_overflow(static_cast<int64_t>(index), interval_ms_, &offset) &&
         !__builtin_add_overflow(start_, offset, &time);
}

namespace {
// A whole number of a unit, of which a millisecond has `in_ms`. False: it has another form.
bool parse_units(std::string_view text, uint64_t in_ms, TimeMs& time) {
  uint64_t units = 0;
  if (text.size() < 8 || text.size() > 19 || !parse_19_digits(text.data(), text.size(), units)) return false;
  time = static_cast<TimeMs>((units + in_ms / 2) / in_ms);
  return true;
}

// Whether a Unix time is one of milliseconds: twelve digits or more before the point are seconds after the year 5000.
bool is_ms(std::string_view text) { return std::min(text.find('.'), text.size()) >= 12; }
}  // namespace

bool TimeFormat::parse(std::string_view text, TimeMs& time, bool& zoned) const {
  switch (kind_) {
    case Kind::kIso:
      return parse_iso(text, time, zoned);
    case Kind::kUnix:
      zoned = true;
      if (units_in_ms_ != 0 && parse_units(text, units_in_ms_, time)) return true;
      return parse_scaled_ms(text, unix_unit_, time);
    case Kind::kUnixOrIso:
      if (text.size() > 4 && (text[4] == '-' || text[4] == '/')) return parse_iso(text, time, zoned);
      zoned = true;
      return parse_scaled_ms(text, or_ms_ && is_ms(text) ? 1e-3 : 1, time);
    case Kind::kUnixMsOrIso:
      return parse_ms_or_iso(text, time, zoned);
    case Kind::kCicFlowMeter:
      return parse_cic(text, time, zoned);
    case Kind::kIndex:
      zoned = true;
      return parse_index(text, time);
    case Kind::kPattern:
      break;
  }
  Parts parts;
  return walk(pattern_, text, parts) && assemble(parts, time, zoned);
}

}  // namespace netflowgen::flow

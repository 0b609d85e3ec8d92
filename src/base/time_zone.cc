#include "base/time_zone.h"

#include <algorithm>
#include <array>
#include <cctype>

#include "base/error.h"
#include "base/file.h"
#include "base/time_zone_rule.h"

namespace netflowgen::base {
namespace {

constexpr size_t kMostBytes = size_t{256} << 10;
constexpr uint32_t kMostChanges = 4096;
constexpr uint32_t kMostTypes = 256;
constexpr size_t kMostName = 64;
constexpr int64_t kMostOffsetSeconds = 26 * 3600;  // RFC 8536, 3.2: 25 hours east, 24:59:59 west
constexpr int kFirstRuleYear = 1970;               // where a file has a rule and no transition

// Header of one block (RFC 8536, 3.1): what follows it, in items.
struct Counts {
  uint8_t version = 0;
  uint32_t ut = 0, standard = 0, leap = 0, changes = 0, types = 0, letters = 0;

  explicit Counts(Cursor& file) {
    const Bytes magic = file.bytes(4);
    constexpr std::string_view kMagic = "TZif";
    good = magic.size() == kMagic.size() && std::equal(magic.begin(), magic.end(), kMagic.begin());
    version = file.u8();
    file.skip(15);
    for (uint32_t* n : {&ut, &standard, &leap, &changes, &types, &letters}) *n = file.u32();
    good = good && file.ok() && changes <= kMostChanges && types >= 1 && types <= kMostTypes &&
           letters <= kMostBytes && leap <= kMostChanges && ut <= kMostTypes && standard <= kMostTypes;
  }
  size_t bytes(size_t time_bytes) const {
    return changes * (time_bytes + 1) + types * size_t{6} + letters + leap * (time_bytes + 4) + standard + ut;
  }
  bool good = false;
};

bool is_zone_path(std::string_view name) {
  if (name.empty() || name.size() > kMostName || name.front() == '/' || name.back() == '/') return false;
  if (name.find("..") != std::string_view::npos || name.find("//") != std::string_view::npos) return false;
  return std::all_of(name.begin(), name.end(), [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '-' || c == '+' || c == '/';
  });
}

// Minutes east of UTC of "+hh:mm" or "+hhmm".
std::optional<int> parse_offset(std::string_view text) {
  if (text.size() < 5 || text.size() > 6 || (text[0] != '+' && text[0] != '-')) return std::nullopt;
  std::string digits(text.substr(1));
  if (digits.size() == 5) {
    if (digits[2] != ':') return std::nullopt;
    digits.erase(2, 1);
  } else if (digits[1] == ':') {  // +h:mm
    digits = "0" + digits.substr(0, 1) + digits.substr(2);
  }
  if (!std::all_of(digits.begin(), digits.end(), [](char c) { return c >= '0' && c <= '9'; }))
    return std::nullopt;
  const int hours = (digits[0] - '0') * 10 + digits[1] - '0';
  const int minutes = (digits[2] - '0') * 10 + digits[3] - '0';
  if (hours * 60 + minutes > 14 * 60 || minutes > 59) return std::nullopt;
  return (text[0] == '-' ? -1 : 1) * (hours * 60 + minutes);
}

}  // namespace

TimeZone TimeZone::load(std::string_view name, const std::string& folder) {
  TimeZone zone;
  if (name.empty() || name == "UTC") return zone;
  if (const auto minutes = parse_offset(name)) {
    zone.name_ = name;
    zone.first_offset_ms_ = int64_t{*minutes} * 60'000;
    return zone;
  }
  const auto path = fs::path(folder) / std::string(name);
  std::error_code ignored;
  if (!is_zone_path(name) || !fs::is_regular_file(path, ignored)) {
    throw Error(
        "unknown time zone '{}': give UTC, an offset such as +02:00, or an IANA name such as Europe/Berlin{}",
        name,
        fs::is_directory(folder, ignored)
            ? fmt::format(" ({} lists them)", folder)
            : fmt::format("; {} is not there, so no IANA name is known: install tzdata", folder));
  }
  if (fs::file_size(path, ignored) > kMostBytes)
    throw Error("{} is no time zone file: it is too large", path.string());
  const std::string text = read_file(path);
  return from_tzif(name, {reinterpret_cast<const uint8_t*>(text.data()), text.size()});
}

TimeZone TimeZone::from_rule(std::string_view name, std::string_view rule) {
  TimeZone zone;
  zone.name_ = name;
  if (!zone.expand_rule(rule)) throw Error("'{}' is no time zone rule", rule);
  return zone;
}

TimeZone TimeZone::from_tzif(std::string_view name, Bytes bytes) {
  const auto damaged = [&] {
    return Error(
        "the time zone file of '{}' is damaged or of an unknown form; reinstall tzdata, or give +hh:mm",
        name);
  };
  if (bytes.size() > kMostBytes) throw damaged();
  Cursor file(bytes);
  Counts counts(file);
  if (!counts.good) throw damaged();
  const bool wide = counts.version >= '2';
  if (wide) {  // the 32-bit block is for older readers
    file.skip(counts.bytes(4));
    counts = Counts(file);
    if (!counts.good) throw damaged();
  }
  if (counts.leap > 0)
    throw Error("time zone '{}' counts leap seconds; give the zone of the same name without right/", name);
  TimeZone zone;
  zone.name_ = name;
  if (!zone.read_block(file, counts.changes, counts.types, wide ? 8 : 4)) throw damaged();
  file.skip(counts.letters + counts.standard + counts.ut);
  if (file.failed()) throw damaged();
  if (!wide) return zone;
  const Bytes rest = file.bytes(file.left());
  std::string_view footer(reinterpret_cast<const char*>(rest.data()), rest.size());
  if (footer.size() < 2 || footer.front() != '\n' || footer.find('\n', 1) == std::string_view::npos)
    throw damaged();
  footer = footer.substr(1, footer.find('\n', 1) - 1);
  if (!footer.empty() && !zone.expand_rule(footer)) throw damaged();
  return zone;
}

// Transition times, the type of each, then the types (RFC 8536, 3.2). false: out of order or out of range.
bool TimeZone::read_block(Cursor& file, uint32_t changes, uint32_t types, int time_bytes) {
  std::vector<int64_t> times(changes);
  for (int64_t& t : times)
    t = time_bytes == 8 ? static_cast<int64_t>(file.u64()) : static_cast<int32_t>(file.u32());
  const Bytes type_of = file.bytes(changes);
  std::array<int64_t, kMostTypes> offsets{};
  for (uint32_t i = 0; i < types; ++i) {
    offsets[i] = static_cast<int32_t>(file.u32());
    file.skip(2);  // daylight flag, name
    if (offsets[i] < -kMostOffsetSeconds || offsets[i] > kMostOffsetSeconds) return false;
  }
  if (file.failed()) return false;
  first_offset_ms_ = offsets[0] * 1000;
  for (uint32_t i = 0; i < changes; ++i) {
    if (type_of[i] >= types || (i > 0 && times[i] <= times[i - 1])) return false;
    constexpr int64_t kMost = int64_t{1} << 50;  // seconds; far outside every archive
    changes_.push_back({std::clamp(times[i], -kMost, kMost) * 1000, offsets[type_of[i]] * 1000});
  }
  return true;
}

bool TimeZone::expand_rule(std::string_view text) {
  const auto rule = ZoneRule::parse(text);
  if (!rule) return false;
  const TimeMs last = changes_.empty() ? INT64_MIN : changes_.back().at;
  if (changes_.empty()) first_offset_ms_ = rule->standard_s * 1000;
  if (!rule->has_daylight) return true;
  const int first_year =
      changes_.empty() ? kFirstRuleYear : static_cast<int>(1970 + last / (366 * kDayMs)) - 1;
  std::vector<Change> added;
  for (int year = std::max(first_year, kFirstRuleYear); year <= kLastRuleYear; ++year) {
    added.push_back({(rule->end.in_year(year) - rule->daylight_s) * 1000, rule->standard_s * 1000});
    added.push_back({(rule->start.in_year(year) - rule->standard_s) * 1000, rule->daylight_s * 1000});
  }
  // Where an end and a start fall together, daylight time lasts all year: the start was added later.
  std::stable_sort(added.begin(), added.end(), [](const Change& a, const Change& b) { return a.at < b.at; });
  for (const Change& c : added) {
    if (c.at > last) changes_.push_back(c);
  }
  return true;
}

int64_t TimeZone::changing_offset_ms(TimeMs time) const {
  const auto it = std::upper_bound(changes_.begin(), changes_.end(), time,
                                   [](TimeMs t, const Change& c) { return t < c.at; });
  return it == changes_.begin() ? first_offset_ms_ : std::prev(it)->offset_ms;
}

}  // namespace netflowgen::base

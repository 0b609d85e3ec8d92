#include "sim/network/cycle.h"
#include "base/time.h"

#include <numeric>

namespace netflowgen::sim {
namespace {

using base::kHourMs;
using Day = std::array<double, 24>;

// clang-format off
constexpr Day kOffice =      { 8,  7,  6,  6,  6,  8, 15, 40, 80, 100, 105, 100, 80, 90, 100, 98, 90, 70, 40, 25, 20, 16, 13, 10};
constexpr Day kOfficeRest =  { 7,  6,  6,  6,  6,  6,  7,  9, 12,  14,  15,  15, 14, 14,  14, 14, 14, 13, 12, 12, 12, 11, 10,  8};
constexpr Day kHome =        {45, 28, 18, 13, 11, 12, 18, 30, 38,  42,  45,  50, 55, 55,  58, 62, 70, 80, 92, 105, 115, 112, 95, 70};
constexpr Day kHomeRest =    {60, 42, 28, 18, 14, 12, 14, 22, 40,  60,  75,  85, 90, 90,  90, 90, 92, 98, 105, 112, 116, 110, 92, 75};
constexpr Day kServer =      {45, 38, 34, 32, 32, 35, 42, 55, 72,  85,  92,  95, 92, 94,  97, 96, 94, 92, 93, 96, 95, 88, 75, 58};
constexpr Day kServerRest =  {48, 40, 35, 32, 31, 32, 35, 42, 52,  62,  68,  72, 72, 72,  73, 74, 76, 78, 80, 82, 80, 75, 66, 56};
constexpr Day kFlat =        { 1,  1,  1,  1,  1,  1,  1,  1,  1,   1,   1,   1,  1,  1,   1,  1,  1,  1,  1,  1,  1,  1,  1,  1};
constexpr Day kNight =       {60, 90,100,100, 80, 50, 20,  6,  4,   4,   4,   4,  4,  4,   4,  4,  4,  5,  6,  8, 12, 20, 30, 45};
// clang-format on

struct Named {
  std::string_view name;
  Cycle cycle;
};

const std::array<Named, 5>& table() {
  static const std::array<Named, 5> cycles = {{{"office", {kOffice, kOfficeRest}},
                                               {"home", {kHome, kHomeRest}},
                                               {"server", {kServer, kServerRest}},
                                               {"flat", {kFlat, kFlat}},
                                               {"night", {kNight, kNight}}}};
  return cycles;
}

}  // namespace

Cycle::Cycle(const Day& workday, const Day& weekend) : workday_(workday), weekend_(weekend) {
  const double week = 5 * std::accumulate(workday.begin(), workday.end(), 0.0) +
                      2 * std::accumulate(weekend.begin(), weekend.end(), 0.0);
  for (auto& v : workday_) v *= 168 / week;
  for (auto& v : weekend_) v *= 168 / week;
}

double Cycle::hour(int64_t absolute_hour) const {
  const int64_t day = base::step_of(absolute_hour, 24);
  const auto h = static_cast<size_t>(absolute_hour - day * 24);
  const int64_t weekday = ((day + 3) % 7 + 7) % 7;  // 1970-01-01 was a Thursday; 0 is Monday
  return weekday >= 5 ? weekend_[h] : workday_[h];
}

double Cycle::at(base::TimeMs local_ms) const {
  const int64_t shifted = local_ms - kHourMs / 2;
  const int64_t h = base::step_of(shifted, kHourMs);
  const double part = static_cast<double>(shifted - h * kHourMs) / kHourMs;
  return hour(h) * (1.0 - part) + hour(h + 1) * part;
}

const Cycle* Cycle::named(std::string_view name) {
  for (const auto& c : table()) {
    if (c.name == name) return &c.cycle;
  }
  return nullptr;
}

std::string Cycle::names() {
  std::string text;
  for (const auto& c : table()) text += (text.empty() ? "" : ", ") + std::string(c.name);
  return text;
}

std::optional<int64_t> parse_utc_offset(std::string_view text) {
  if (text == "UTC" || text == "Z") return 0;
  if (text.size() < 2 || (text[0] != '+' && text[0] != '-')) return std::nullopt;
  const int64_t sign = text[0] == '-' ? -1 : 1;
  std::string digits;
  for (const char c : text.substr(1)) {
    if (c == ':' && digits.size() == 2) continue;
    if (c < '0' || c > '9') return std::nullopt;
    digits += c;
  }
  if (digits.size() != 4 && digits.size() > 2) return std::nullopt;
  const int64_t hours = std::stoi(digits.substr(0, 2));
  const int64_t minutes = digits.size() == 4 ? std::stoi(digits.substr(2)) : 0;
  if (hours > 14 || minutes > 59) return std::nullopt;
  return sign * (hours * kHourMs + minutes * 60'000);
}

}  // namespace netflowgen::sim

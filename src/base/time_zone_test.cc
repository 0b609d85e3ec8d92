#include "base/time_zone.h"

#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "base/random.h"
#include "base/time_zone_rule.h"

namespace netflowgen::base {
namespace {

constexpr int64_t kHour = kHourMs;

TimeMs at(const char* text) { return parse_time(text).value(); }

// A TZif file of version 2, RFC 8536: an empty 32-bit block, a 64-bit one, the footer.
struct ZoneFile {
  std::vector<std::pair<int64_t, uint8_t>> changes;  // seconds, index of the type
  std::vector<int32_t> types = {0};                  // seconds east
  std::string footer;
  uint32_t leap = 0;
  char version = '2';

  std::string bytes() const {
    std::string out = block(4, {}, {0}, 0);
    if (version == 0) return block(4, changes, types, leap);
    return out + block(8, changes, types, leap) + "\n" + footer + "\n";
  }

 private:
  static void put(std::string& out, uint64_t value, int size) {
    for (int i = size - 1; i >= 0; --i) out += static_cast<char>(value >> (8 * i) & 0xff);
  }
  std::string block(int size, const std::vector<std::pair<int64_t, uint8_t>>& when,
                    const std::vector<int32_t>& offsets, uint32_t leaps) const {
    std::string out = "TZif";
    out += version;
    out.append(15, '\0');
    for (const size_t n : {size_t{0}, size_t{0}, size_t{leaps}, when.size(), offsets.size(), size_t{4}})
      put(out, n, 4);
    for (const auto& [time, type] : when) put(out, static_cast<uint64_t>(time), size);
    for (const auto& [time, type] : when) out += static_cast<char>(type);
    for (const int32_t o : offsets) {
      put(out, static_cast<uint32_t>(o), 4);
      out.append(2, '\0');
    }
    out.append("XXX", 4);
    out.append(leaps * static_cast<size_t>(size + 4), '\0');
    return out;
  }
};

TimeZone zone_of(const std::string& bytes) {
  return TimeZone::from_tzif("test", {reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()});
}

TEST(TimeZone, OffsetsAreFixed) {
  EXPECT_EQ(TimeZone::load("UTC").offset_ms(0), 0);
  EXPECT_EQ(TimeZone::load("+02:00").offset_ms(at("2026-07-01")), 2 * kHour);
  EXPECT_EQ(TimeZone::load("-03:30").offset_ms(0), -3 * kHour - kHour / 2);
  EXPECT_EQ(TimeZone::load("+0545").offset_ms(0), 5 * kHour + 45 * 60'000);
  EXPECT_TRUE(TimeZone::load("+02:00").is_fixed());
  EXPECT_EQ(TimeZone::load("+02:00").name(), "+02:00");
}

TEST(TimeZone, UnknownNamesAreRefusedByName) {
  for (const char* bad :
       {"Europe/Berln", "+25:00", "+1", "../etc/passwd", "/etc/passwd", "Europe/", "+14:30", "+aa:00"}) {
    try {
      TimeZone::load(bad);
      ADD_FAILURE() << bad;
    } catch (const Error& e) {
      EXPECT_THAT(e.what(), testing::HasSubstr(bad));
      EXPECT_THAT(e.what(), testing::HasSubstr("IANA"));
    }
  }
  try {
    TimeZone::load("Europe/Berlin", "/nowhere");
    ADD_FAILURE();
  } catch (const Error& e) {
    EXPECT_THAT(e.what(), testing::HasSubstr("tzdata"));
  }
}

TEST(TimeZone, FilesGiveTheirChangesAndThenTheirRule) {
  ZoneFile file;
  file.types = {-3600, 7200, 3600};
  file.changes = {{at("1990-01-01") / 1000, 1}, {at("2000-01-01") / 1000, 2}};
  file.footer = "CET-1CEST,M3.5.0,M10.5.0/3";
  const TimeZone z = zone_of(file.bytes());
  EXPECT_FALSE(z.is_fixed());
  EXPECT_EQ(z.offset_ms(at("1989-12-31T23:59:59")), -kHour);
  EXPECT_EQ(z.offset_ms(at("1990-01-01")), 2 * kHour);
  EXPECT_EQ(z.offset_ms(at("1999-12-31T23:59:59")), 2 * kHour);
  EXPECT_EQ(z.offset_ms(at("2000-01-01")), kHour);
  EXPECT_EQ(z.offset_ms(at("2026-03-29T00:59:59")), kHour);
  EXPECT_EQ(z.offset_ms(at("2026-03-29T01:00:00")), 2 * kHour);
  EXPECT_EQ(z.offset_ms(at("2026-10-25T00:59:59")), 2 * kHour);
  EXPECT_EQ(z.offset_ms(at("2026-10-25T01:00:00")), kHour);
  EXPECT_EQ(z.offset_ms(at("2198-07-01")), 2 * kHour);
  EXPECT_EQ(z.offset_ms(at("2300-07-01")), kHour);  // past the years that rules are expanded for
  EXPECT_EQ(z.local(at("2026-07-01T12:00:00")), at("2026-07-01T14:00:00"));
}

TEST(TimeZone, TheOldFormHasNoRule) {
  ZoneFile file;
  file.version = 0;
  file.types = {0, 3600};
  file.changes = {{1000, 1}};
  EXPECT_EQ(zone_of(file.bytes()).offset_ms(999'999), 0);
  EXPECT_EQ(zone_of(file.bytes()).offset_ms(1'000'000), kHour);
}

TEST(TimeZone, RulesOfAllForms) {
  // The south: summer time over the turn of the year.
  const TimeZone south = TimeZone::from_rule("x", "AEST-10AEDT,M10.1.0,M4.1.0/3");
  EXPECT_EQ(south.offset_ms(at("2026-01-15")), 11 * kHour);
  EXPECT_EQ(south.offset_ms(at("2026-07-15")), 10 * kHour);
  // Negative summer time, as in Ireland; a change before midnight, as in Greenland.
  const TimeZone ireland = TimeZone::from_rule("x", "IST-1GMT0,M10.5.0,M3.5.0/1");
  EXPECT_EQ(ireland.offset_ms(at("2026-01-15")), 0);
  EXPECT_EQ(ireland.offset_ms(at("2026-07-15")), kHour);
  const TimeZone nuuk = TimeZone::from_rule("x", "<-02>2<-01>,M3.5.0/-1,M10.5.0/0");
  EXPECT_EQ(nuuk.offset_ms(at("2026-03-29T00:59:59")), -2 * kHour);
  EXPECT_EQ(nuuk.offset_ms(at("2026-03-29T01:00:00")), -kHour);
  // Days of the year, with and without February 29.
  const TimeZone julian = TimeZone::from_rule("x", "AAA0BBB,J60/0,J300/0");
  EXPECT_EQ(julian.offset_ms(at("2024-02-29T23:59:59")), 0);
  EXPECT_EQ(julian.offset_ms(at("2024-03-01T00:00:00")), kHour);
  const TimeZone zero_based = TimeZone::from_rule("x", "AAA0BBB,59/0,300/0");
  EXPECT_EQ(zero_based.offset_ms(at("2024-02-29T00:00:00")), kHour);
  // Summer time all year (RFC 8536, 3.3.1).
  const TimeZone always = TimeZone::from_rule("x", "XXX3EDT4,0/0,J365/23");
  for (TimeMs t = at("2025-01-01"); t < at("2027-01-01"); t += kHour)
    ASSERT_EQ(always.offset_ms(t), -4 * kHour);
  EXPECT_TRUE(TimeZone::from_rule("x", "UTC0").is_fixed());
  for (const char* bad : {"", "C-1", "CET", "CET-1CEST", "CET-1CEST,M3.5.0", "CET-1CEST,M13.5.0,M10.5.0",
                          "CET-1CEST,M3.5.0,M10.5.0/200", "CET-1CEST,M3.5.0,M10.5.0x", "<ab>1", "CET-99"}) {
    EXPECT_THROW(TimeZone::from_rule("x", bad), Error) << bad;
  }
}

TEST(TimeZone, DamagedFilesAreErrorsAndNothingElse) {
  ZoneFile file;
  file.types = {0, 3600};
  file.changes = {{1000, 1}, {2000, 0}};
  file.footer = "CET-1CEST,M3.5.0,M10.5.0/3";
  const std::string good = file.bytes();
  EXPECT_NO_THROW(zone_of(good));
  for (size_t n = 0; n < good.size(); ++n) EXPECT_THROW(zone_of(good.substr(0, n)), Error) << n;
  base::Random random(1);
  for (int i = 0; i < 3000; ++i) {
    std::string bad = good;
    for (int k = 0; k < 3; ++k) bad[random.below(bad.size())] = static_cast<char>(random.below(256));
    try {
      zone_of(bad).offset_ms(at("2026-07-01"));
    } catch (const Error&) {
    }
  }
  ZoneFile disordered = file;
  disordered.changes = {{2000, 1}, {1000, 0}};
  EXPECT_THROW(zone_of(disordered.bytes()), Error);
  ZoneFile wrong_type = file;
  wrong_type.changes = {{1000, 7}};
  EXPECT_THROW(zone_of(wrong_type.bytes()), Error);
  ZoneFile leap = file;
  leap.leap = 2;
  EXPECT_THROW(zone_of(leap.bytes()), Error);
}

TEST(TimeZone, ReadsTheSystemsFiles) {
  std::error_code ignored;
  if (!std::filesystem::exists("/usr/share/zoneinfo/Europe/Berlin", ignored)) GTEST_SKIP() << "no tzdata";
  const TimeZone z = TimeZone::load("Europe/Berlin");
  EXPECT_EQ(z.name(), "Europe/Berlin");
  EXPECT_EQ(z.offset_ms(at("1998-06-03")), 2 * kHour);
  EXPECT_EQ(z.offset_ms(at("1998-12-03")), kHour);
  EXPECT_EQ(z.offset_ms(at("2026-03-29T00:59:59")), kHour);
  EXPECT_EQ(z.offset_ms(at("2026-03-29T01:00:00")), 2 * kHour);
}

}  // namespace
}  // namespace netflowgen::base

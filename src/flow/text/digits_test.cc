// Parsers of eight characters at a time, each against the plain way.
#include "flow/text/digits.h"

#include <gtest/gtest.h>

#include <array>
#include <string>

#include "base/random.h"
#include "base/time.h"
#include "flow/text/text_parse.h"
#include "flow/text/time_format.h"

namespace netflowgen::flow {
namespace {

// A cell with other digits behind it, which must not count.
struct Cell {
  explicit Cell(const std::string& text) : bytes(text + "7.777.7777777777"), size(text.size()) {}
  std::string_view view() const { return std::string_view(bytes).substr(0, size); }
  std::string bytes;
  size_t size;
};

std::string damaged(std::string text, base::Random& random) {
  if (!text.empty() && random.chance(0.3)) {
    text[random.below(text.size())] = "/0123456789:.x \xb0"[random.below(16)];
  }
  return text;
}

std::string some_digits(base::Random& random, size_t n) {
  std::string text;
  for (size_t i = 0; i < n; ++i) text += static_cast<char>('0' + random.below(10));
  return text;
}

TEST(Digits, NumbersOfCellsAgreeWithTheLoop) {
  base::Random random(1);
  for (int i = 0; i < 100000; ++i) {
    const Cell cell(damaged(some_digits(random, random.below(22)), random));
    uint64_t fast = 1;
    uint64_t plain = 1;
    ASSERT_EQ(parse_u64_cell(cell.view(), fast), parse_u64(cell.view(), plain)) << cell.view();
    ASSERT_EQ(fast, plain) << cell.view();
  }
}

TEST(Digits, EveryDigitAtEveryPlace) {
  for (size_t n = 1; n <= 19; ++n) {
    for (size_t place = 0; place < n; ++place) {
      for (char c = '0' - 1; c <= '9' + 1; ++c) {
        std::string text(n, '1');
        text[place] = c;
        const Cell cell(text);
        const bool digit = c >= '0' && c <= '9';
        uint64_t value = 0;
        const bool ok = n < 8 ? parse_16_digits(cell.bytes.data(), n, value)
                              : parse_19_digits(cell.bytes.data(), n, value);
        ASSERT_EQ(ok, digit) << text;
        if (digit) {
          ASSERT_EQ(value, std::stoull(text)) << text;
        }
      }
    }
  }
}

TEST(Digits, AddressesOfCellsAgreeWithTheLoop) {
  base::Random random(2);
  size_t taken = 0;
  for (int i = 0; i < 200000; ++i) {
    std::string text;
    for (int part = 0; part < 4; ++part) {
      text += (part == 0 ? "" : ".") +
              some_digits(random, random.chance(0.02) ? random.below(6) : 1 + random.below(3));
    }
    if (random.chance(0.05)) text += ".1";
    const Cell cell(damaged(text, random));
    base::IpAddr fast;
    base::IpAddr plain;
    taken += parse_v4(cell.view(), fast) ? 1u : 0u;
    ASSERT_EQ(parse_address_cell(cell.view(), fast), parse_address(cell.view(), plain)) << cell.view();
    if (parse_address(cell.view(), plain)) {
      ASSERT_EQ(fast, plain) << cell.view();
    }
  }
#if defined(__SSE2__)
  EXPECT_GT(taken, 10000u);
#endif
}

// Dates and times of day in fixed columns against a pattern, which reads them character by character.
TEST(Digits, IsoTimesAgreeWithPatterns) {
  base::Random random(3);
  const TimeFormat iso("iso");
  for (int i = 0; i < 100000; ++i) {
    const auto time = static_cast<base::TimeMs>(random.below(4'000'000'000'000));
    std::string text = base::format_time(time).substr(0, 19);
    const char mark = random.chance(0.5) ? '-' : '/';
    text[4] = text[7] = mark;
    text[10] = " T."[random.below(3)];
    const std::string pattern =
        std::string("%Y") + mark + "%m" + mark + "%d" + (text[10] == ' ' ? 'T' : text[10]) + "%T.%f";
    if (random.chance(0.5)) text[random.below(19)] = "0123456789:-/"[random.below(13)];
    text += "." + some_digits(random, 1 + random.below(9));
    std::string plain_text = text;
    if (plain_text[10] == ' ') plain_text[10] = 'T';
    base::TimeMs fast = 0;
    base::TimeMs plain = 0;
    bool zoned = false;
    if (!TimeFormat(pattern).parse(plain_text, plain, zoned)) continue;
    ASSERT_TRUE(iso.parse(text, fast, zoned)) << text;
    ASSERT_EQ(fast, plain) << text;
    ASSERT_FALSE(zoned);
    for (const auto& [zone, minutes] : {std::pair{"Z", 0}, {"+01:30", 90}, {"-0200", -120}}) {
      ASSERT_TRUE(iso.parse(text + zone, fast, zoned)) << text;
      ASSERT_EQ(fast, plain - minutes * 60000) << text << zone;
      ASSERT_TRUE(zoned);
    }
  }
}

TEST(Digits, UnixTimesAreRoundedToTheNearestMillisecond) {
  base::Random random(4);
  const std::array<TimeFormat, 3> formats{TimeFormat("unix_ms"), TimeFormat("unix_us"),
                                          TimeFormat("unix_ns")};
  const TimeFormat seconds("unix");
  for (int i = 0; i < 50000; ++i) {
    const uint64_t ns = 1'000'000'000'000'000'000 + random.below(1'000'000'000'000'000'000);
    const auto ms = static_cast<base::TimeMs>((ns + 500'000) / 1'000'000);
    const std::string text = std::to_string(ns);
    base::TimeMs got = 0;
    bool zoned = false;
    ASSERT_TRUE(formats[2].parse(text, got, zoned));
    ASSERT_EQ(got, ms);
    ASSERT_TRUE(formats[1].parse(text.substr(0, 16), got, zoned));
    ASSERT_EQ(got, static_cast<base::TimeMs>((ns / 1000 + 500) / 1000));
    ASSERT_TRUE(formats[0].parse(text.substr(0, 13), got, zoned));
    ASSERT_EQ(got, static_cast<base::TimeMs>(ns / 1'000'000));
    const size_t digits = 1 + random.below(8);
    const std::string fraction = text.substr(0, 10) + "." + text.substr(10, digits);
    ASSERT_TRUE(seconds.parse(fraction, got, zoned));
    uint64_t rest = std::stoull(text.substr(10, digits));
    for (size_t k = digits; k < 9; ++k) rest *= 10;
    ASSERT_EQ(got, static_cast<base::TimeMs>(ns / 1'000'000'000 * 1000 + (rest + 500'000) / 1'000'000))
        << fraction;
  }
}

}  // namespace
}  // namespace netflowgen::flow

// The inner loop's parsers, each against a slower or obvious way.
#include "flow/text/text_parse.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "base/error.h"
#include "base/ip.h"
#include "base/random.h"
#include "base/time.h"
#include "flow/protocol.h"
#include "flow/record.h"
#include "flow/text/line_reader.h"
#include "flow/text/split.h"
#include "flow/text/time_format.h"

namespace netflowgen::flow {
namespace {

TEST(TextParse, WholeNumbers) {
  const std::pair<const char*, uint64_t> good[] = {
      {"0", 0},
      {"7", 7},
      {"007", 7},
      {"18446744073709551615", UINT64_MAX},
      {"1e6", 1000000},
      {"123.0", 123},
      {"0x1F", 31},
      {"+5", 5},
      {"9999999999999999999", 9999999999999999999u},
      {"2.5", 3},
  };
  for (const auto& [text, value] : good) {
    uint64_t got = 1;
    EXPECT_TRUE(parse_u64(text, got)) << text;
    EXPECT_EQ(got, value) << text;
  }
  uint64_t ignored = 0;
  for (const char* text :
       {"", "-1", "x", "1x", "0x", "0xg", "18446744073709551616", "1e30", "nan", "inf", " 1", "1,0"}) {
    EXPECT_FALSE(parse_u64(text, ignored)) << text;
  }
}

TEST(TextParse, AddressesAgreeWithTheSlowParser) {
  base::Random random(3);
  for (int i = 0; i < 100000; ++i) {
    std::string text =
        random.chance(0.1) ? "2001:db8::1" : IpAddr::v4(static_cast<uint32_t>(random.next())).to_string();
    const bool damage = random.chance(0.5);
    if (damage) text[random.below(text.size())] = "0123456789.:x"[random.below(13)];
    if (damage && random.chance(0.3)) text.resize(random.below(text.size() + 1));
    IpAddr fast;
    const bool ok = parse_address(text, fast);
    const auto slow = IpAddr::parse(text);
    ASSERT_EQ(ok, slow.has_value()) << text;
    if (ok) {
      ASSERT_EQ(fast, *slow) << text;
    }
  }
}

TEST(TextParse, TcpFlags) {
  const std::pair<const char*, uint8_t> good[] = {{".AP.SF", kAck | kPsh | kSyn | kFin},
                                                  {"......", 0},
                                                  {"S", kSyn},
                                                  {"FSPA", kFin | kSyn | kPsh | kAck},
                                                  {"27", 27},
                                                  {"0x12", 18},
                                                  {"C......F", 0x81},
                                                  {"18.0", 18},
                                                  {"", 0}};
  for (const auto& [text, value] : good) {
    uint8_t got = 1;
    EXPECT_TRUE(parse_tcp_flags(text, got)) << text;
    EXPECT_EQ(got, value) << text;
  }
  uint8_t ignored = 0;
  for (const char* text : {"SYN", "Q", "512", "_S"}) EXPECT_FALSE(parse_tcp_flags(text, ignored)) << text;
}

TEST(Protocol, NamesAndNumbersRoundTrip) {
  for (int p = 0; p < 256; ++p) {
    const auto number = static_cast<uint8_t>(p);
    EXPECT_EQ(parse_protocol(std::to_string(p)), number);
    if (protocol_name(number).empty()) continue;
    EXPECT_EQ(parse_protocol(protocol_name(number)), number) << p;
  }
  EXPECT_EQ(protocol_name(6), "tcp");
  EXPECT_EQ(protocol_name(132), "sctp");
  EXPECT_EQ(protocol_name(89), "ospf");
  EXPECT_EQ(parse_protocol("UDP"), 17);
  EXPECT_EQ(parse_protocol("ICMP6"), 58);
  EXPECT_EQ(parse_protocol("256"), std::nullopt);
  EXPECT_EQ(parse_protocol("tcpx"), std::nullopt);
  EXPECT_EQ(parse_protocol(""), std::nullopt);
  EXPECT_TRUE(is_not_ip("ARP"));
  EXPECT_FALSE(is_not_ip("tcp"));
}

std::string parsed(const char* format, const char* text) {
  base::TimeMs time = 0;
  bool zoned = false;
  if (!TimeFormat(format).parse(text, time, zoned)) return "no";
  return base::format_time(time) + (zoned ? " zoned" : "");
}

TEST(TimeFormats, Iso) {
  EXPECT_EQ(parsed("iso", "2024-01-31 08:12:00"), "2024-01-31T08:12:00Z");
  EXPECT_EQ(parsed("iso", "2024-01-31T08:12:00.1239Z"), "2024-01-31T08:12:00.123Z zoned");
  EXPECT_EQ(parsed("iso", "2011/08/10 09:46:59.607825"), "2011-08-10T09:46:59.607Z");
  EXPECT_EQ(parsed("iso", "2024-01-31"), "2024-01-31T00:00:00Z");
  EXPECT_EQ(parsed("iso", "2024-1-3 8:12"), "2024-01-03T08:12:00Z");
  EXPECT_EQ(parsed("iso", "2024-01-31T08:12:00+02:00"), "2024-01-31T06:12:00Z zoned");
  EXPECT_EQ(parsed("iso", "2024-01-31 08:12:00.5 -0330"), "2024-01-31T11:42:00.500Z zoned");
  EXPECT_EQ(parsed("iso", "2024-01-31 08:12:00.5 UTC"), "2024-01-31T08:12:00.500Z zoned");
  EXPECT_EQ(parsed("iso", "2024-01-31 08:12:00 GMT"), "2024-01-31T08:12:00Z zoned");
  EXPECT_EQ(parsed("iso", "2024-01-31 08:12:00 CET"), "no");
  EXPECT_EQ(parsed("iso", "1655071198.444458"), "2022-06-12T21:59:58.444Z zoned");
  for (const char* bad :
       {"2024-02-30 00:00:00", "2024-01-31 24:00:00", "2024-01-31x08:12:00", "2024-01-3108:12:00", "",
        "2024-01-31 08:12:00.", "2024-01-31 08:12:00.5x", "20-01-31", "1998-07-32 08:12:00", "12:00"}) {
    EXPECT_EQ(parsed("iso", bad), "no") << bad;
  }
}

TEST(TextParse, SecondsAgreeWithTheSlowParser) {
  base::Random random(1);
  for (int i = 0; i < 20000; ++i) {
    std::string text = std::to_string(random.below(10'000'000'000));
    const uint64_t digits = random.below(7);
    if (digits > 0) text += '.';
    for (uint64_t d = 0; d < digits; ++d) text += static_cast<char>('0' + random.below(10));
    int64_t fast = -1;
    int64_t slow = -1;
    ASSERT_TRUE(parse_scaled_ms(text, 1, fast)) << text;
    ASSERT_TRUE(parse_scaled_ms_slow(text, 1, slow)) << text;
    // Half a millisecond is exact in the text and not in a double.
    ASSERT_LE(std::abs(fast - slow), digits >= 4 ? 1 : 0) << text;
  }
  int64_t ms = 0;
  EXPECT_TRUE(parse_scaled_ms("1.0005", 1, ms));
  EXPECT_EQ(ms, 1001);
  for (const char* bad : {"", ".", "1.x", "x", "1..2", "--1", "1 "})
    EXPECT_FALSE(parse_scaled_ms(bad, 1, ms)) << bad;
}

TEST(TimeFormats, UnixUnits) {
  EXPECT_EQ(parsed("unix", "1372629804"), "2013-06-30T22:03:24Z zoned");
  EXPECT_EQ(parsed("unix_ms", "1424242193040"), "2015-02-18T06:49:53.040Z zoned");
  EXPECT_EQ(parsed("unix_us", "1424242193040000"), "2015-02-18T06:49:53.040Z zoned");
  EXPECT_EQ(parsed("unix_ns", "1424242193040000000"), "2015-02-18T06:49:53.040Z zoned");
  EXPECT_EQ(parsed("unix", "1e40"), "no");
  EXPECT_EQ(parsed("unix", "2024-01-31"), "no");
}

TEST(TimeFormats, Patterns) {
  EXPECT_EQ(parsed("%m/%d/%Y-%H:%M", "06/01/1998-07:55"), "1998-06-01T07:55:00Z");
  EXPECT_EQ(parsed("%m/%d/%Y-%H:%M", "07/32/1998-07:55"), "no");
  EXPECT_EQ(parsed("%d %b %y %I:%M:%S.%f %p", "3 Feb 99 12:01:02.25 am"), "1999-02-03T00:01:02.250Z");
  EXPECT_EQ(parsed("%F %T %z", "2024-01-31 08:12:00 +0100"), "2024-01-31T07:12:00Z zoned");
  EXPECT_EQ(parsed("%Y %j", "2024 60"), "2024-02-29T00:00:00Z");
  EXPECT_EQ(parsed("at %s%%", "at 1372629804%"), "2013-06-30T22:03:24Z zoned");
  EXPECT_EQ(parsed("%I %p", "13 PM"), "no");
  EXPECT_EQ(parsed("%d %b", "3 Foo"), "no");
  EXPECT_EQ(parsed("%d", "3 "), "no");
  EXPECT_THROW(TimeFormat("%Q"), base::Error);
  EXPECT_THROW(TimeFormat("%"), base::Error);
  EXPECT_THROW(TimeFormat("yesterday"), base::Error);
}

TEST(Split, TheFastWayAgreesWithTheSlowOne) {
  base::Random random(11);
  constexpr std::string_view kAlphabet = ",,,,\"ab 1";
  for (int i = 0; i < 50000; ++i) {
    std::string text(random.below(random.chance(0.2) ? 300 : 40), ' ');
    const bool quotes = random.chance(0.4);
    for (char& c : text) {
      do {
        c = kAlphabet[random.below(kAlphabet.size())];
      } while (c == '"' && !quotes);
    }
    const size_t size = text.size();
    const char quote = quotes ? '"' : '\0';
    text.append(kLinePadding, ',');  // what lies after the line must not count
    const std::string_view line(text.data(), size);
    const size_t wanted = random.below(12);
    uint32_t fast[12] = {};
    uint32_t slow[12] = {};
    const size_t n = split_cells(line, ',', quote, wanted, fast);
    ASSERT_EQ(n, split_cells_slow(line, ',', quote, wanted, slow)) << line;
    for (size_t k = 0; k < std::min(n, wanted) && n != kUnclosedQuote; ++k)
      ASSERT_EQ(fast[k], slow[k]) << line;
  }
}

TEST(Split, Quotes) {
  const auto cells = [](std::string line) {
    const size_t size = line.size();
    line.append(kLinePadding, ' ');
    uint32_t ends[8];
    const size_t n = split_cells({line.data(), size}, ',', '"', 8, ends);
    std::vector<std::string> out;
    for (size_t i = 0; n != kUnclosedQuote && i < n; ++i)
      out.emplace_back(cell_at({line.data(), size}, ends, i, '"'));
    return out;
  };
  EXPECT_THAT(cells("a, \"b,c\" ,d"), testing::ElementsAre("a", "b,c", "d"));
  EXPECT_THAT(cells("\"a\"\"b\",c"), testing::ElementsAre("a\"\"b", "c"));
  EXPECT_THAT(cells("5\" disk,c"), testing::ElementsAre("5\" disk", "c"));
  EXPECT_THAT(cells(""), testing::ElementsAre(""));
  EXPECT_THAT(cells(",,"), testing::ElementsAre("", "", ""));
  EXPECT_THAT(cells("a,\"b,c"), testing::IsEmpty());
}

// Gives its text in pieces of a few bytes.
class PieceStream : public ByteStream {
 public:
  PieceStream(std::string text, size_t piece, bool fails)
      : text_(std::move(text)), piece_(piece), fails_(fails) {}
  size_t read(std::span<uint8_t> out) override {
    const size_t n = std::min({piece_, out.size(), text_.size() - at_});
    if (n == 0 && fails_) throw base::Error("the stream broke");
    std::memcpy(out.data(), text_.data() + at_, n);
    at_ += n;
    return n;
  }
  uint64_t consumed() const override { return at_; }

 private:
  std::string text_;
  size_t at_ = 0;
  size_t piece_;
  bool fails_;
};

TEST(LineReader, GivesEveryLineWhateverThePieces) {
  for (const size_t piece : {size_t{1}, size_t{3}, size_t{1000}}) {
    for (const bool head : {false, true}) {
      LineReader reader(std::make_unique<PieceStream>("one\r\n\ntwo\nthree", piece, false));
      if (head) {
        EXPECT_EQ(reader.head(), "one\r\n\ntwo\nthree");
      }
      std::string_view line;
      std::vector<std::string> lines;
      while (reader.next(line)) lines.emplace_back(line);
      EXPECT_THAT(lines, testing::ElementsAre("one", "", "two", "three"));
      EXPECT_EQ(reader.line_number(), 4u);
      reader.check();
    }
  }
}

TEST(LineReader, DropsTheLineThatTheStreamBrokeIn) {
  for (const size_t piece : {size_t{1}, size_t{5}, size_t{1000}}) {
    LineReader reader(std::make_unique<PieceStream>("one\ntwo\nthr", piece, true));
    std::string_view line;
    std::vector<std::string> lines;
    while (reader.next(line)) lines.emplace_back(line);
    EXPECT_THAT(lines, testing::ElementsAre("one", "two")) << piece;
    EXPECT_THROW(reader.check(), base::Error);
  }
}

}  // namespace
}  // namespace netflowgen::flow

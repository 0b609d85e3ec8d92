#include "flow/filter/anonymize.h"

#include <gtest/gtest.h>

#include <cstdlib>

#include "base/error.h"
#include "base/file.h"
#include "base/random.h"

namespace netflowgen::flow {
namespace {

IpAddr ip(const char* text) { return *IpAddr::parse(text); }

AnonymizeOptions crypto_pan() {
  AnonymizeOptions o;
  o.method = AnonymizeOptions::Method::kCryptoPan;
  o.key = {21,  34,  23,  141, 51,  164, 207, 128, 19, 10, 91, 22, 73, 144, 125, 16,
           216, 152, 143, 131, 121, 121, 101, 39,  98, 87, 76, 45, 42, 132, 34,  2};
  return o;
}

unsigned common_bits(const IpAddr& a, const IpAddr& b) {
  unsigned n = 0;
  while (n < 128 && ((a.bytes[n / 8] ^ b.bytes[n / 8]) & (0x80 >> n % 8)) == 0) ++n;
  return n;
}

// The sample trace that came with the authors' own implementation.
TEST(CryptoPan, TheAuthorsSample) {
  Anonymizer a(crypto_pan());
  const std::pair<const char*, const char*> sample[] = {
      {"128.11.68.132", "135.242.180.132"},   {"129.118.74.4", "134.136.186.123"},
      {"130.132.252.244", "133.68.164.234"},  {"141.223.7.43", "141.167.8.160"},
      {"141.233.145.108", "141.129.237.235"}, {"152.163.225.39", "151.140.114.167"},
      {"156.29.3.236", "147.225.12.42"},      {"165.247.96.84", "162.9.99.234"},
      {"166.107.77.190", "160.132.178.185"},  {"192.102.249.13", "252.138.62.131"},
  };
  for (int pass = 0; pass < 2; ++pass) {  // computed, then from the cache
    for (const auto& [from, to] : sample) EXPECT_EQ(a.address(ip(from)).to_string(), to);
  }
}

TEST(CryptoPan, PrefixesStayCommonInBothFamilies) {
  Anonymizer a(crypto_pan());
  base::Random random(1);
  for (const bool v6 : {false, true}) {
    for (int i = 0; i < 300; ++i) {
      IpAddr x = IpAddr::v4(static_cast<uint32_t>(random.next()));
      if (v6) {
        for (auto& b : x.bytes) b = static_cast<uint8_t>(random.next());
        x.bytes[0] = 0x20;
      }
      IpAddr y = x;
      const uint64_t bit = (v6 ? 8 : 96) + random.below(v6 ? 120 : 32);
      y.bytes[bit / 8] = static_cast<uint8_t>(y.bytes[bit / 8] ^ (0x80 >> bit % 8));
      EXPECT_EQ(common_bits(a.address(x), a.address(y)), bit);
      EXPECT_EQ(a.address(x).is_v4(), !v6);
      const base::Prefix p{base::mask(x, static_cast<unsigned>(bit)), static_cast<uint8_t>(bit)};
      EXPECT_TRUE(a.prefix(p).contains(a.address(x)));
    }
  }
}

TEST(CryptoPan, KeysDiffer) {
  AnonymizeOptions other = crypto_pan();
  other.key[31] ^= 1;
  EXPECT_NE(Anonymizer(crypto_pan()).address(ip("2001:db8::1")),
            Anonymizer(other).address(ip("2001:db8::1")));
}

TEST(Truncation, KeepsThePrefixOfEachFamily) {
  Anonymizer a(parse_anonymize("truncate"));
  EXPECT_EQ(a.address(ip("192.0.2.77")).to_string(), "192.0.2.0");
  EXPECT_EQ(a.address(ip("2001:db8:1:2::3")).to_string(), "2001:db8:1::");
  Anonymizer b(parse_anonymize("truncate:8,32"));
  EXPECT_EQ(b.address(ip("192.0.2.77")).to_string(), "192.0.0.0");
  EXPECT_EQ(b.address(ip("2001:db8:1:2::3")).to_string(), "2001:db8::");
}

TEST(Anonymize, EveryAddressOfAFlowAndItsMacs) {
  for (const auto& options : {crypto_pan(), parse_anonymize("truncate:0,0")}) {
    Anonymizer a(options);
    Flow f;
    f.src = f.dst = f.next_hop = f.nat_src = ip("192.0.2.1");
    f.exporter = ip("203.0.113.1");
    f.src_mac[0] = f.dst_mac[5] = 1;
    f.known = kKnownMac | kKnownBytes;
    a.apply(f);
    for (const IpAddr& x : {f.src, f.dst, f.next_hop, f.nat_src}) EXPECT_NE(x, ip("192.0.2.1"));
    EXPECT_TRUE(f.nat_dst.is_zero());
    EXPECT_EQ(f.exporter, ip("203.0.113.1"));
    EXPECT_EQ(f.src_mac[0] + f.dst_mac[5], 0);
    EXPECT_EQ(f.known, uint32_t{kKnownBytes});
  }
}

TEST(Anonymize, OptionsAreChecked) {
  EXPECT_EQ(parse_anonymize("").method, AnonymizeOptions::Method::kNone);
  for (const char* bad :
       {"x", "truncate:33,48", "truncate:24,129", "truncate:24", "truncate:a,b", "truncate24,48"}) {
    EXPECT_THROW(parse_anonymize(bad), base::UsageError) << bad;
  }
  EXPECT_THROW(parse_anonymize("cryptopan:/no/such/file"), base::Error);
  std::string name = testing::TempDir() + "nfg-key-XXXXXX";
  const base::fs::path folder = mkdtemp(name.data());
  base::write_file(folder / "short", "abc");
  EXPECT_THROW(parse_anonymize("cryptopan:" + (folder / "short").string()), base::Error);
  base::write_file(folder / "hex", "000102030405060708090a0b0c0d0e0f101112131415161718191A1B1C1D1E1F\n");
  EXPECT_EQ(parse_anonymize("cryptopan:" + (folder / "hex").string()).key[31], 0x1f);
  base::write_file(folder / "raw", "01234567890123456789012345678901");
  EXPECT_EQ(parse_anonymize("cryptopan:" + (folder / "raw").string()).key[1], '1');
  base::fs::remove_all(folder);
}

}  // namespace
}  // namespace netflowgen::flow

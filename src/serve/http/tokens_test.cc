#include "serve/http/tokens.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "serve/http/event_hub.h"
#include "serve/http/rate_limit.h"

namespace netflowgen::serve {
namespace {

TEST(Tokens, AreMadeFoundAndNeverStored) {
  const auto path = base::fs::temp_directory_path() / ("nfg_tokens_" + std::to_string(::getpid()));
  base::fs::remove(path);
  EXPECT_TRUE(Tokens::load(path).empty());
  const std::string viewer = Tokens::add(path, Role::kViewer, "wall board");
  const std::string admin = Tokens::add(path, Role::kAdmin, "");
  const Tokens tokens = Tokens::load(path);
  EXPECT_EQ(tokens.role_of(viewer), Role::kViewer);
  EXPECT_EQ(tokens.role_of(admin), Role::kAdmin);
  EXPECT_EQ(tokens.role_of(viewer + "x"), Role::kNone);
  EXPECT_EQ(tokens.role_of(""), Role::kNone);
  const std::string text = base::read_file(path);
  EXPECT_EQ(text.find(viewer), std::string::npos);
  EXPECT_NE(text.find(sha256_hex(viewer)), std::string::npos);
  EXPECT_EQ(tokens.role_of(sha256_hex(viewer)), Role::kNone) << "the hash is no token";
  struct stat status {};
  ASSERT_EQ(::stat(path.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 077u, 0u) << "others must not read it";
  base::fs::remove(path);
}

TEST(Tokens, RefusesALineThatIsNone) {
  EXPECT_TRUE(Tokens::parse("# a comment\n\n", "t").empty());
  for (const char* bad :
       {"viewer abc name\n", "root 0000000000000000000000000000000000000000000000000000000000000000 x\n",
        "viewer\n"}) {
    try {
      Tokens::parse(bad, "tokens");
      FAIL() << bad;
    } catch (const base::Error& e) {
      EXPECT_EQ(std::string(e.what()).rfind("tokens, line 1: ", 0), 0u);
    }
  }
}

TEST(Tokens, HashIsSha256) {
  EXPECT_EQ(sha256_hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(RateLimit, GrantsABurstThenARate) {
  RateLimit limit(10, 20);
  const auto a = *base::IpAddr::parse("192.0.2.1");
  int granted = 0;
  for (int i = 0; i < 100; ++i) granted += limit.take(a, 5.0) == 0 ? 1 : 0;
  EXPECT_EQ(granted, 20);
  EXPECT_GT(limit.take(a, 5.0), 0);
  EXPECT_EQ(limit.take(*base::IpAddr::parse("192.0.2.2"), 5.0), 0) << "another address";
  granted = 0;
  for (int i = 0; i < 100; ++i) granted += limit.take(a, 6.0) == 0 ? 1 : 0;
  EXPECT_EQ(granted, 10);
  EXPECT_EQ(RateLimit(0, 0).take(a, 1), 0) << "no limit";
}

TEST(RateLimit, TakesAPenaltyInFull) {
  RateLimit limit(10, 100);
  const auto a = *base::IpAddr::parse("192.0.2.1");
  int granted = 0;
  for (int i = 0; i < 100; ++i) {
    if (limit.take(a, 5.0) > 0) continue;
    ++granted;
    limit.take(a, 5.0, 20);
  }
  EXPECT_EQ(granted, 5);
  EXPECT_GT(limit.take(a, 5.4), 0);
  EXPECT_EQ(limit.take(a, 6.0), 0);
}

TEST(RateLimit, CountsIpv6BySubnetAndIsBounded) {
  RateLimit limit(1, 1);
  EXPECT_EQ(limit.take(*base::IpAddr::parse("2001:db8::1"), 1), 0);
  EXPECT_GT(limit.take(*base::IpAddr::parse("2001:db8::2"), 1), 0);
  EXPECT_EQ(limit.take(*base::IpAddr::parse("2001:db8:0:1::2"), 1), 0);
  for (uint32_t i = 0; i < 70'000; ++i) limit.take(base::IpAddr::v4(i), 1000 + i * 1e-6);
  EXPECT_LE(limit.size(), 65'536u);
}

TEST(EventHub, GivesEachListenerWhatItLacks) {
  EventHub hub;
  int called = 0;
  const auto handle = hub.listen([&](bool beat) { called += beat ? 100 : 1; });
  EXPECT_EQ(hub.publish("step", "{}"), 1u);
  hub.publish("alert", "{\"a\":1}");
  hub.beat();
  EXPECT_EQ(called, 102);
  uint64_t place = 0;
  bool lost = false;
  EXPECT_EQ(hub.after(place, 1 << 20, lost),
            "id: 1\nevent: step\ndata: {}\n\nid: 2\nevent: alert\ndata: {\"a\":1}\n\n");
  EXPECT_EQ(place, 2u);
  EXPECT_FALSE(lost);
  EXPECT_EQ(hub.after(place, 1 << 20, lost), "");
  place = 0;
  EXPECT_EQ(hub.after(place, 1, lost), "id: 1\nevent: step\ndata: {}\n\n") << "at least one event";
  hub.forget(handle);
  hub.publish("step", "{}");
  EXPECT_EQ(called, 102);
}

TEST(EventHub, KeepsABoundedNumber) {
  EventHub hub;
  for (size_t i = 0; i < EventHub::kKept + 50; ++i) hub.publish("e", "{}");
  uint64_t place = 10;
  bool lost = false;
  hub.after(place, 1, lost);
  EXPECT_TRUE(lost);
  EXPECT_EQ(place, 51u);
  place = 999'999;  // of an earlier run of the program
  EXPECT_EQ(hub.after(place, 1 << 20, lost), "");
  EXPECT_FALSE(lost);
}

}  // namespace
}  // namespace netflowgen::serve

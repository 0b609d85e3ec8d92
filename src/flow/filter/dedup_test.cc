#include "flow/filter/dedup.h"

#include <gtest/gtest.h>

namespace netflowgen::flow {
namespace {

Flow flow_of(uint32_t exporter, uint16_t port, TimeMs received_ms) {
  Flow f;
  f.exporter = IpAddr::v4(exporter);
  f.src = IpAddr::v4(0x0a000001);
  f.dst = IpAddr::v4(0x0a000002);
  f.src_port = port;
  f.protocol = 6;
  f.received_ms = received_ms;
  return f;
}

TEST(Dedup, TheFirstExporterCountsUntilItFallsSilent) {
  Deduplicator d({.window_ms = 60'000});
  constexpr TimeMs kStart = 1'700'000'000'000;
  EXPECT_TRUE(d.keep(flow_of(1, 1000, kStart)));
  EXPECT_FALSE(d.keep(flow_of(2, 1000, kStart + 100)));
  EXPECT_TRUE(d.keep(flow_of(1, 1000, kStart + 50'000))) << "its own updates are no duplicates";
  EXPECT_FALSE(d.keep(flow_of(2, 1000, kStart + 100'000))) << "the owner exported 50 s ago";
  EXPECT_TRUE(d.keep(flow_of(2, 1000, kStart + 200'000))) << "it fell silent";
  EXPECT_FALSE(d.keep(flow_of(1, 1000, kStart + 201'000)));
  EXPECT_TRUE(d.keep(flow_of(2, 1001, kStart))) << "another flow";
  EXPECT_EQ(d.ledger().in(), 7u);
  EXPECT_EQ(d.ledger().dropped(DuplicateDrop::kDuplicate), 3u);
  EXPECT_TRUE(d.ledger().view("").balanced());
}

TEST(Dedup, AnEventClaimsNoFlow) {
  Deduplicator d({.window_ms = 60'000});
  Flow event = flow_of(1, 1000, 1000);  // a NAT box logs what a router counts
  event.known = kKnownEvent;
  Flow traffic = flow_of(2, 1000, 1100);
  traffic.bytes = 100;
  EXPECT_TRUE(d.keep(event));
  EXPECT_TRUE(d.keep(traffic));
  event.received_ms = 1200;
  EXPECT_TRUE(d.keep(event)) << "nor is it a duplicate";
  EXPECT_TRUE(d.ledger().view("").balanced());
}

TEST(Dedup, DirectionsAreTwoFlows) {
  Deduplicator d({.window_ms = 60'000});
  Flow back = flow_of(2, 1000, 1000);
  std::swap(back.src, back.dst);
  std::swap(back.src_port, back.dst_port);
  EXPECT_TRUE(d.keep(flow_of(1, 1000, 1000)));
  EXPECT_TRUE(d.keep(back));
}

TEST(Dedup, ATableThatOverflowsCountsTwiceAndLosesNothing) {
  Deduplicator d({.window_ms = 60'000, .slots = 64});
  uint64_t kept = 0;
  for (uint32_t exporter = 1; exporter <= 2; ++exporter) {
    for (uint16_t port = 0; port < 10'000; ++port) kept += d.keep(flow_of(exporter, port, 1000 + port));
  }
  EXPECT_GE(kept, 10'000u);
  EXPECT_EQ(kept, d.ledger().out());
  EXPECT_TRUE(d.ledger().view("").balanced());
}

}  // namespace
}  // namespace netflowgen::flow

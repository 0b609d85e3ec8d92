// The rules that every reader shares: what is impossible, how many flows a record can represent, what is no traffic.
#include "flow/settle.h"

#include <gtest/gtest.h>

namespace netflowgen::flow {
namespace {

constexpr uint32_t kCounted = kKnownBytes | kKnownPackets | kKnownDuration | kKnownProtocol | kKnownPorts;

Flow counted(uint64_t bytes, uint64_t packets, TimeMs duration_ms = 29'000) {
  Flow f;
  f.start_ms = 1'700'000'000'000;
  f.end_ms = f.start_ms + duration_ms;
  f.bytes = bytes;
  f.packets = packets;
  f.protocol = kTcp;
  f.src_port = 40'000;
  f.dst_port = 443;
  f.known = kCounted;
  return f;
}

// Whether the counters are still known after settle(), and that it counted where they are not.
bool kept(Flow f) {
  SettleCounts counts;
  settle(f, counts);
  const bool known = f.has(kKnownBytes | kKnownPackets);
  EXPECT_EQ(counts.impossible_counters, known ? 0u : 1u);
  EXPECT_TRUE(known || (f.bytes == 0 && f.packets == 0)) << "what is not known is zero";
  return known;
}

TEST(Settle, NegativeDifferencesAreImpossible) {
  constexpr uint64_t k64 = UINT64_MAX;
  constexpr uint64_t k32 = UINT32_MAX;
  EXPECT_FALSE(kept(counted(k64, k64)));
  EXPECT_FALSE(kept(counted(k64 - 1500, k64 - 1)));
  EXPECT_FALSE(kept(counted(1500, k64)));
  EXPECT_FALSE(kept(counted(k64, 2)));
  EXPECT_FALSE(kept(counted(k64 / 2, 1000, 7LL * 86'400'000))) << "a signed 64-bit maximum, over a week";
  EXPECT_FALSE(kept(counted(k32, k32))) << "one byte a packet";
  EXPECT_FALSE(kept(counted(k32, 2))) << "2 GB a packet";
  EXPECT_FALSE(kept(counted(1500, k32)));
  EXPECT_FALSE(kept(counted(0, k32)));
}

TEST(Settle, WhatALinkCanCarryIsKept) {
  EXPECT_TRUE(kept(counted(1500, 2)));
  EXPECT_TRUE(kept(counted(0, 0)));
  EXPECT_TRUE(kept(counted(0, 7))) << "payload bytes";
  EXPECT_TRUE(kept(counted(40'000'000'000'000, 30'000'000'000, 60'000))) << "5 Tbit/s for a minute";
  EXPECT_TRUE(kept(counted(9'000'000'000'000, 6'000'000'000, 0))) << "a minute's counters with equal times";
  EXPECT_TRUE(kept(counted(65'535, 1)));
  EXPECT_TRUE(kept(counted(UINT32_MAX, 4'000'000))) << "a 32-bit counter at its maximum";
}

TEST(Settle, BytesWithoutAPacketHaveUnknownPackets) {
  SettleCounts counts;
  Flow f = counted(1500, 0);
  settle(f, counts);
  EXPECT_FALSE(f.has(kKnownPackets));
  EXPECT_TRUE(f.has(kKnownBytes));
  EXPECT_EQ(f.bytes, 1500u);
  EXPECT_EQ(counts.impossible_counters, 0u);
}

TEST(Settle, RatesAreBoundedByTheDuration) {
  constexpr uint64_t kBytes = 200'000'000'000'000;  // 200 TB
  constexpr uint64_t kPackets = kBytes / 1000;
  EXPECT_FALSE(kept(counted(kBytes, kPackets, 10'000)));
  EXPECT_TRUE(kept(counted(kBytes, kPackets, 3'600'000)));
  Flow unknown = counted(kBytes, kPackets, 0);
  unknown.known &= ~uint32_t{kKnownDuration};
  EXPECT_TRUE(kept(unknown)) << "it may have lasted";
}

TEST(Settle, WithoutADurationThePacketsSizeJudges32BitCountersOnly) {
  Flow f = counted(UINT32_MAX, 3);
  f.known &= ~uint32_t{kKnownDuration};
  EXPECT_FALSE(kept(f));
  f.bytes = uint64_t{1} << 40;
  EXPECT_TRUE(kept(f));
  f.known |= kKnownDuration;
  EXPECT_FALSE(kept(f));
}

TEST(Settle, OneCounterIsJudgedByItself) {
  Flow bytes = counted(UINT64_MAX, 0);
  bytes.known &= ~uint32_t{kKnownPackets};
  SettleCounts counts;
  settle(bytes, counts);
  EXPECT_FALSE(bytes.has(kKnownBytes));
  Flow packets = counted(0, UINT64_MAX);
  packets.known &= ~uint32_t{kKnownBytes};
  settle(packets, counts);
  EXPECT_FALSE(packets.has(kKnownPackets));
  EXPECT_EQ(counts.impossible_counters, 2u);
}

TEST(Settle, SamplingDoesNotMakeCountersImpossible) {
  Flow f = counted(1500, 1, 0);
  f.sampling = 10'000'000;
  EXPECT_TRUE(kept(f));
}

TEST(Settle, NoMoreFlowsThanPackets) {
  SettleCounts counts;
  Flow f = counted(4000, 57);
  f.flows = 57;
  settle(f, counts);
  EXPECT_EQ(f.flows, 57u);
  EXPECT_EQ(counts.capped_flows, 0u);
  f.flows = UINT32_MAX;
  settle(f, counts);
  EXPECT_EQ(f.flows, 57u);
  EXPECT_EQ(counts.capped_flows, 1u);
  f.known &= ~uint32_t{kKnownPackets};
  f.packets = 0;
  f.flows = UINT32_MAX;
  settle(f, counts);
  EXPECT_EQ(f.flows, kMaxFlowsWithoutPackets);
  f = counted(UINT64_MAX, UINT64_MAX);
  f.flows = 1000;
  settle(f, counts);
  EXPECT_EQ(f.flows, 1u) << "as doubtful as the counters";
}

TEST(Settle, IcmpHasNoPortsAndFragmentsHaveZero) {
  SettleCounts counts;
  Flow icmp = counted(84, 1);
  icmp.protocol = kIcmp;
  icmp.known |= kKnownIcmp;
  icmp.icmp_type_code = 0x0800;
  settle(icmp, counts);
  EXPECT_FALSE(icmp.has(kKnownPorts));
  EXPECT_EQ(icmp.src_port | icmp.dst_port, 0);
  EXPECT_EQ(icmp.icmp_type_code, 0x0800);
  Flow tcp = counted(84, 1);
  tcp.known |= kKnownIcmp;
  tcp.icmp_type_code = 3;
  settle(tcp, counts);
  EXPECT_FALSE(tcp.has(kKnownIcmp));
  EXPECT_EQ(tcp.icmp_type_code, 0);
  EXPECT_EQ(tcp.dst_port, 443);
  Flow fragment = counted(1480, 1);
  fragment.src_port = fragment.dst_port = 0;
  fragment.known = (fragment.known & ~uint32_t{kKnownPorts}) | kKnownFragment;
  fragment.fragment = 1;
  settle(fragment, counts);
  EXPECT_TRUE(fragment.has(kKnownPorts));
}

TEST(Settle, TwiceIsOnce) {
  for (const uint64_t bytes : {uint64_t{0}, uint64_t{1500}, uint64_t{1} << 40, UINT64_MAX}) {
    for (const uint8_t protocol : {uint8_t{1}, uint8_t{6}, uint8_t{47}}) {
      Flow once = counted(bytes, 3);
      once.protocol = protocol;
      once.flows = 9;
      SettleCounts counts;
      settle(once, counts);
      const Flow first = once;
      SettleCounts again;
      settle(once, again);
      EXPECT_EQ(once.known, first.known);
      EXPECT_EQ(once.flows, first.flows);
      EXPECT_EQ(again.impossible_counters + again.capped_flows, 0u);
    }
  }
}

TEST(Role, EventsHaveNoPacketAndNoByte) {
  Flow f = counted(1500, 3);
  EXPECT_EQ(role_of(f), FlowRole::kTraffic);
  f.known |= kKnownEvent;
  f.event = 2;
  EXPECT_EQ(role_of(f), FlowRole::kTraffic) << "a teardown with counters";
  f.bytes = f.packets = 0;
  EXPECT_EQ(role_of(f), FlowRole::kEvent);
  f.known &= ~uint32_t{kKnownBytes | kKnownPackets};
  EXPECT_EQ(role_of(f), FlowRole::kEvent);
  f.known &= ~uint32_t{kKnownEvent};
  EXPECT_EQ(role_of(f), FlowRole::kTraffic) << "counters may be unknown";
  f.flows = 0;
  EXPECT_EQ(role_of(f), FlowRole::kRepeat);
  f.packets = 1;
  EXPECT_EQ(role_of(f), FlowRole::kTraffic) << "more of a flow that was counted before";
}

}  // namespace
}  // namespace netflowgen::flow

#include <gtest/gtest.h>

#include <map>
#include <set>

#include "base/error.h"
#include "flow/record.h"
#include "sim/testing.h"

namespace netflowgen::sim {
namespace {

struct Attack {
  std::vector<flow::Flow> in;   // to the victim, by the attack
  std::vector<flow::Flow> out;  // its answers
};

// One attack of 20 minutes on a host that has no traffic of its own.
Attack attack_of(const std::string& kind, const std::string& shape, int64_t sources, int64_t sampling = 1) {
  Scenario s = quiet_scenario("idle", 2);
  s.hosts.at("idle").level = 0;
  s.network.sampling = sampling;
  Scenario script = parse_scenario("hosts: {idle: 1}\nattacks: {script: [{kind: " + kind +
                                       ", victim: idle-1, start: 1h, duration: 20m, intensity: 2, ramp: 0s, "
                                       "preparation: 0s, sources: " +
                                       std::to_string(sources) + ", spoofed: false, shape: " + shape + "}]}",
                                   "test");
  s.attacks = script.attacks;
  s.attacks.count = 0;
  Attack attack;
  const IpAddr victim = Simulator(s).network().hosts().front().address;
  for (const auto& f : all_flows(s)) (f.dst == victim ? attack.in : attack.out).push_back(f);
  return attack;
}

uint64_t packets_of(const std::vector<flow::Flow>& flows) {
  uint64_t n = 0;
  for (const auto& f : flows) n += f.packets * f.sampling;
  return n;
}

TEST(AttackShape, OneSourceMayKeepOneFlow) {
  const Attack a = attack_of("syn_flood", "{flow_packets: 0}", 1);
  std::set<std::pair<IpAddr, uint16_t>> from;
  for (const auto& f : a.in) from.emplace(f.src, f.src_port);
  EXPECT_EQ(from.size(), 1u);
  EXPECT_LE(a.in.size(), 22u);  // one a minute
  EXPECT_NEAR(static_cast<double>(packets_of(a.in)), 2 * 1'500 * 20, 3'500);
}

TEST(AttackShape, ConnectionsOpenCloseAndAreAnswered) {
  const Attack a =
      attack_of("connection_flood", "{flow_packets: 10, flow_length: 5s, answer: 0.5, port: 25}", 1);
  ASSERT_GT(a.in.size(), 4'000u);
  std::set<std::pair<uint16_t, uint16_t>> sent;
  size_t opened = 0;
  for (const auto& f : a.in) {
    sent.emplace(f.src_port, f.dst_port);
    EXPECT_EQ(f.dst_port, 25);
    opened += (f.tcp_flags & flow::kSyn) != 0 && (f.tcp_flags & (flow::kFin | flow::kRst)) != 0 ? 1 : 0;
  }
  EXPECT_GT(opened * 10, a.in.size() * 9);
  for (const auto& f : a.out) EXPECT_TRUE(sent.contains({f.dst_port, f.src_port}));
  EXPECT_NEAR(static_cast<double>(packets_of(a.in)) / static_cast<double>(a.in.size()), 10, 1);
  EXPECT_NEAR(static_cast<double>(packets_of(a.out)) / static_cast<double>(packets_of(a.in)), 0.5, 0.1);
}

TEST(AttackShape, SamplingLeavesTheTotalsUnbiased) {
  const char* shape = "{flow_packets: 6, flow_length: 5s, answer: 0.5}";
  const Attack all = attack_of("connection_flood", shape, 300);
  const Attack some = attack_of("connection_flood", shape, 300, 16);
  for (const auto direction : {&Attack::in, &Attack::out}) {
    EXPECT_NEAR(
        static_cast<double>(packets_of(some.*direction)) / static_cast<double>(packets_of(all.*direction)), 1,
        0.1);
  }
}

TEST(AttackShape, ManySourcesAreAllDifferent) {
  const Attack a = attack_of("udp_flood", "{flow_packets: 1}", 100'000);
  std::set<IpAddr> from;
  for (const auto& f : a.in) from.insert(f.src);
  EXPECT_GT(from.size() * 4, a.in.size());
}

TEST(AttackShape, RepliesAndSizes) {
  const Attack reset =
      attack_of("syn_flood", "{flow_packets: 1, answer: 1, reply: rst, bytes: 900, port: 0}", 5);
  std::set<uint16_t> ports;
  for (const auto& f : reset.in) {
    EXPECT_EQ(f.bytes, 900 * f.packets);
    ports.insert(f.dst_port);
  }
  EXPECT_GT(ports.size(), 1'000u);
  ASSERT_FALSE(reset.out.empty());
  for (const auto& f : reset.out) EXPECT_EQ(f.tcp_flags, flow::kRst | flow::kAck);
  const Attack unreachable = attack_of("udp_flood", "{flow_packets: 1, answer: 0.5, reply: icmp}", 5);
  ASSERT_FALSE(unreachable.out.empty());
  for (const auto& f : unreachable.out) EXPECT_EQ(f.protocol, flow::kIcmp);
  EXPECT_TRUE(attack_of("syn_flood", "{answer: 0}", 5).out.empty());
}

TEST(AttackShape, PulsesHaveAPeriodAndAFloor) {
  const Attack a = attack_of(
      "pulse_wave", "{vector: syn_flood, pulse_period: 4m, pulse_on: 1m, pulse_floor: 0.25, answer: 0}", 50);
  std::map<int64_t, double> by_minute;
  for (const auto& f : a.in) {
    EXPECT_EQ(f.protocol, flow::kTcp);
    by_minute[(f.start_ms / kMinuteMs) % 4] += static_cast<double>(f.packets);
  }
  std::vector<double> minutes;
  for (const auto& [minute, n] : by_minute) minutes.push_back(n);
  ASSERT_EQ(minutes.size(), 4u);
  std::sort(minutes.begin(), minutes.end());
  EXPECT_NEAR(minutes[0] / minutes[3], 0.25, 0.08);
  EXPECT_NEAR(minutes[2] / minutes[3], 0.25, 0.08);
}

TEST(AttackShape, ValuesThatMakeNoSenseAreRefused) {
  for (const auto* shape : {"{reply: shout}", "{vector: sun_flood}", "{bytes: 3}", "{flow_length: 11m}",
                            "{pulse_period: 1m, pulse_on: 2m}", "{answer: 11}", "{flow_packets: -1}"})
    EXPECT_THROW(attack_of("pulse_wave", shape, 5), base::Error) << shape;
}

TEST(Presence, HostsAreSilentMostOfTheTime) {
  Scenario s = quiet_scenario("client", 5 * 24);
  auto& client = s.hosts.at("client");
  client.count = 60;
  client.presence = 0.07;
  client.level = 3;
  const Simulator planned(s);
  std::map<IpAddr, std::set<int64_t>> bins;
  for (const auto& f : all_flows(s)) bins[f.dst].insert(f.start_ms / 600'000);
  std::vector<double> present;
  for (const auto& h : planned.network().hosts())
    present.push_back(static_cast<double>(bins[h.address].size()) / (5 * 144));
  std::sort(present.begin(), present.end());
  EXPECT_GT(present[30], 0.04);
  EXPECT_LT(present[30], 0.18);
  EXPECT_LT(present[2], 0.5 * present[30]);
  EXPECT_GT(present[57], 2 * present[30]);
}

}  // namespace
}  // namespace netflowgen::sim

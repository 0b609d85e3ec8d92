// The simulator's attacks, seen by routers that look at one packet in 1 to 4096: the rule must name them. Frames come
// from the series builder and evidence from the flow sample, as in the detector.
#include "detect/attack_type.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <string>
#include <vector>

#include "detect/flow_sample.h"
#include "series/builder.h"
#include "sim/testing.h"

namespace netflowgen {
namespace {

constexpr int64_t kFirstAttacked = 12;  // the attack begins at minute 10 and has no ramp
constexpr int64_t kLastAttacked = 14;

struct Frames : series::FrameSink {
  std::map<int64_t, std::vector<float>> by_step;
  std::string victim;
  void frame(const series::NodeKey& node, int64_t step, std::span<const float> f) override {
    if (series::name_of(node) == victim) by_step[step].assign(f.begin(), f.end());
  }
  void step_closed(int64_t) override {}
};

sim::Scenario scenario_of(const std::string& type, const std::string& role, int rate, int seed) {
  // So strong that a few dozen packets a minute are looked at whatever the rate.
  const double intensity = std::max(20.0, rate * 60 / 1500.0);
  return sim::parse_scenario(
      fmt::format(
          "seed: {}\nduration: 16m\n"
          "network: {{sampling: {}, prefix: 10.9.0.0/24, radiation: 0}}\n"
          "hosts: {{{}: {{count: 1, spread: 0, noise: 0, cycle: flat}}}}\n"
          "benign: {{flash_crowds: 0, load_tests: 0, outages: 0, mail_campaigns: 0, software_updates: 0, "
          "vertical_scans: 0, horizontal_scans: 0, backup_share: 0}}\n"
          "attacks: {{count: 0, script: [{{kind: {}, victim: {}-1, start: 10m, duration: 6m, intensity: {}, "
          "ramp: 0s, preparation: 0s}}]}}\n",
          seed, rate, role, type, role, intensity),
      "test");
}

detect::AttackGuess guess_of(const std::string& type, const std::string& role, int rate, int seed) {
  const auto scenario = scenario_of(type, role, rate, seed);
  sim::Simulator simulator(scenario, {1});
  Frames frames;
  frames.victim = simulator.network().hosts().at(0).address.to_string();
  series::SeriesOptions options;
  options.step_ms = 60'000;
  series::SeriesBuilder builder(options, frames);
  detect::FlowSample sample(60'000);
  std::vector<flow::Flow> flows(1000);
  while (const size_t n = simulator.read(flows)) {
    builder.add({flows.data(), n});
    sample.add({flows.data(), n});
  }
  builder.finish();
  const int64_t first = scenario.start.ms / 60'000;
  std::vector<float> usual(series::kFeatureCount, 0);
  std::vector<float> count(series::kFeatureCount, 0);
  for (const auto& [step, f] : frames.by_step) {
    if (step - first >= 9) continue;
    for (size_t i = 0; i < f.size(); ++i) {
      if (std::isnan(f[i])) continue;
      count[i] += 1;
      usual[i] += (f[i] - usual[i]) / count[i];
    }
  }
  const auto seen = frames.by_step.find(first + kLastAttacked);
  if (seen == frames.by_step.end()) return {};
  const auto found =
      sample.flows(detect::NodeMatch(frames.victim), first + kFirstAttacked, first + kLastAttacked);
  const auto evidence = detect::FlowSample::evidence(found);
  return detect::guess_type(seen->second, usual, &evidence);
}

class AttackTypes : public ::testing::TestWithParam<int> {};

TEST_P(AttackTypes, AreNamedAtThisSamplingRate) {
  for (const char* type : {"syn_flood", "ack_flood", "rst_flood", "udp_flood", "icmp_flood", "fragment_flood",
                           "gre_flood", "dns_amplification", "ntp_amplification", "ssdp_amplification",
                           "cldap_amplification", "memcached_amplification", "http_flood", "slowloris"}) {
    int named = 0;
    for (int seed = 1; seed <= 3; ++seed)
      named += guess_of(type, "web", GetParam(), seed).type == type ? 1 : 0;
    EXPECT_GE(named, 2) << type << " at 1:" << GetParam();
  }
}

INSTANTIATE_TEST_SUITE_P(Sampling, AttackTypes, ::testing::Values(1, 5, 16, 128, 1024, 4096));

}  // namespace
}  // namespace netflowgen

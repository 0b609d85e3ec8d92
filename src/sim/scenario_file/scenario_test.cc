#include "sim/scenario.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "base/file.h"
#include "sim/simulator.h"

namespace netflowgen::sim {
namespace {

using testing::HasSubstr;

std::string error_of(const std::string& yaml) {
  try {
    parse_scenario(yaml, "s.yaml");
  } catch (const base::Error& e) {
    return e.what();
  }
  return "";
}

TEST(Scenario, UnknownKeysAreRefusedWithLineAndNearestKey) {
  EXPECT_THAT(error_of("seed: 1\nnetwork:\n  smapling: 3\n"),
              HasSubstr("s.yaml, line 3: unknown key 'smapling'; did you mean 'sampling'?"));
  EXPECT_THAT(error_of("atacks: {}\n"), HasSubstr("'attacks'"));
  EXPECT_THAT(error_of("hosts: {web: {cuont: 3}}\n"), HasSubstr("'count'"));
  EXPECT_THAT(error_of("hosts: {wbe: 3}\n"), HasSubstr("did you mean 'web'?"));
  EXPECT_THAT(error_of("attacks: {script: [{knid: x}]}\n"), HasSubstr("'kind'"));
  EXPECT_THAT(error_of("seed: 1\nseed: 2\n"), HasSubstr("twice"));
}

TEST(Scenario, ValuesThatMakeNoSenseAreRefused) {
  const std::pair<const char*, const char*> cases[] = {
      {"seed: often\n", "line 1: seed: expected an integer"},
      {"duration: long\n", "not a duration"},
      {"duration: 90s\n", "whole minutes"},
      {"start: yesterday\n", "not a time"},
      {"timezone: Europe/Berlin\n", "UTC offset"},
      {"name: a\nnetwork:\n  sampling: 0\n", "s.yaml, line 3: network.sampling: 0 is not in 1 to 1000000"},
      {"network: {prefix: 10.0.0.0/30}\n", "no room"},
      {"network: {prefix: 2001:db8::/64}\n", "IPv4 prefix"},
      {"network: [1, 2]\n", "key: value"},
      {"hosts: {web: 0}\n", "there is no host"},
      {"hosts: {web: {count: 1, cycle: lunar}}\n", "not one of"},
      {"hosts: {web: {count: 1, hurst: 1.5}}\n", "hurst"},
      {"attacks: {intensity: [5, 1]}\n", "must rise"},
      {"attacks: {intensity: 5}\n", "two values"},
      {"attacks: {types: {sin_flood: 1}}\n", "no type 'sin_flood'"},
      {"attacks: {victims: {webb: 1}}\n", "no role 'webb'"},
      {"attacks: {ramp_share: .nan}\n", "expected a number"},
      {"seed: [1\n", "not valid YAML"},
  };
  for (const auto& [yaml, part] : cases) EXPECT_THAT(error_of(yaml), HasSubstr(part)) << yaml;
}

TEST(Scenario, ScriptsThatCannotRunAreRefused) {
  const auto run = [](const std::string& script) {
    const Scenario s = parse_scenario(script, "s.yaml");
    try {
      const Simulator simulator(s);
    } catch (const base::Error& e) {
      return std::string(e.what());
    }
    return std::string();
  };
  EXPECT_THAT(run("attacks: {script: [{kind: flood, start: 1h}]}\n"), HasSubstr("no attack type"));
  EXPECT_THAT(run("attacks: {script: [{kind: syn_flood, start: 30h}]}\n"), HasSubstr("within the scenario"));
  EXPECT_THAT(run("attacks: {script: [{kind: syn_flood, start: 1h, victim: web-99}]}\n"),
              HasSubstr("web-99"));
  EXPECT_THAT(run("benign: {script: [{kind: picnic, start: 1h}]}\n"), HasSubstr("no benign kind"));
}

TEST(Scenario, DumpParsesToTheSameScenario) {
  for (const char* name : {"demo", "tiny", "campus"}) {
    const auto text = builtin_scenario(name);
    ASSERT_TRUE(text.has_value()) << name;
    const Scenario s = parse_scenario(std::string(*text), name);
    const std::string dump = dump_scenario(s);
    EXPECT_EQ(dump_scenario(parse_scenario(dump, "dump")), dump) << name;
    EXPECT_THAT(dump, HasSubstr("inactive_timeout: 15s"));
  }
}

TEST(Scenario, RolesOfOnesOwnInheritFromABuiltInOne) {
  const Scenario s = parse_scenario("hosts: {kiosk: {like: iot, count: 2, level: 3}, web: 1}\n", "s.yaml");
  EXPECT_EQ(s.hosts.at("kiosk").cycle, "flat");
  EXPECT_EQ(s.hosts.at("kiosk").level, 3);
  const Simulator simulator(s);
  EXPECT_EQ(simulator.network().find_host("kiosk-2"), 1u);
  EXPECT_THAT(simulator.roles_csv(), HasSubstr("10.20.0.2,kiosk,kiosk-2,"));
}

TEST(Scenario, DocumentedKeysAreTheOnesRead) {
  const std::string docs = base::read_file(NETFLOWGEN_SOURCE_DIR "/docs/simulation.md");
  EXPECT_THAT(docs, HasSubstr(scenario_keys()));
}

}  // namespace
}  // namespace netflowgen::sim

#include "detect/type_model.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "base/error.h"
#include "base/temporary_folder.h"
#include "series/features.h"

namespace netflowgen::detect {
namespace {

using ::testing::HasSubstr;

std::vector<float> frame_of(float packets, float tcp, float udp, float reflectors, float port) {
  std::vector<float> f(series::kFeatureCount, 0.0f);
  f[series::kPacketsIn] = packets;
  f[series::kBytesIn] = packets * 100;
  f[series::kFlowsIn] = packets / 2;
  f[series::kPacketSizeIn] = 100;
  f[series::kTcpShareIn] = tcp;
  f[series::kUdpShareIn] = udp;
  f[series::kReflectorShareIn] = reflectors;
  f[series::kTopPortIn] = port;
  f[series::kPortsIn] = 1;
  f[series::kPeersIn] = 10;
  return f;
}
const std::vector<float> kUsual = frame_of(100, 1, 0, 0, 443);

AttackEvidence evidence_of(const std::vector<float>& frame) { return attack_evidence(frame, kUsual).value(); }

// "ntp" where the reflectors' share is above a half, else "tcp"; examples of either are its exact evidence.
TypeModel two_types() {
  TypeModel m;
  m.classes = {"ntp", "tcp"};
  m.trees = {2, 1, {7, 7}, {0.5f, 0.5f}, {-2, 2, 2, -2}};
  m.scale.assign(kKindInputs, 1.0f);
  for (const auto& e :
       {evidence_of(frame_of(5000, 0, 1, 1, 123)), evidence_of(frame_of(5000, 1, 0, 0, 443))}) {
    m.examples.insert(m.examples.end(), e.begin(), e.begin() + kKindInputs);
    m.ends.push_back(m.ends.size() + 1);
  }
  // A distance of more than its range's unit is unknown, and so is a doubt of more than a half.
  m.units = {2, 2, 2, 2, 0.4f};
  m.held_distances = {1};
  m.held_doubts = {0.5f};
  m.threshold = 0.7f;  // ln 2 is that of either limit
  return m;
}

TEST(AttackEvidence, IsOfWhatCameBeyondTheUsual) {
  // A hundred TCP packets as always, nine hundred of a reflector: the excess is UDP alone.
  const auto e = evidence_of(frame_of(1000, 0.1f, 0.9f, 0.9f, 123));
  const auto names = evidence_names();
  const auto at = [&](const char* name) {
    return e[static_cast<size_t>(std::ranges::find(names, name) - names.begin())];
  };
  EXPECT_NEAR(at("tcp"), 0, 1e-6);
  EXPECT_NEAR(at("udp"), 1, 1e-6);
  EXPECT_NEAR(at("reflectors"), 1, 1e-6);
  EXPECT_EQ(at("port_123"), 1);
  EXPECT_EQ(at("port_53"), 0);
  EXPECT_NEAR(at("excess_packets"), 0.9, 1e-6);
  EXPECT_NEAR(excess_share(e), 0.9, 1e-6);
  EXPECT_NEAR(at("packet_size"), std::log2(101.0f), 1e-5);
  EXPECT_NEAR(at("usual_tcp_share_in"), 1, 1e-6);
}

TEST(AttackEvidence, NeedsPortsAndFlagsAndNoUsual) {
  auto frame = frame_of(1000, 1, 0, 0, 443);
  const std::vector<float> unknown(series::kFeatureCount, std::nanf(""));
  const auto e = attack_evidence(frame, unknown);
  ASSERT_TRUE(e.has_value());
  for (const float v : *e) EXPECT_TRUE(std::isfinite(v));
  EXPECT_EQ(e->back(), -1);  // a usual value that is not known
  frame[series::kSynShareIn] = std::nanf("");
  EXPECT_FALSE(attack_evidence(frame, kUsual).has_value());
}

TEST(TypeModel, NamesWhatIsNearAndNothingElse) {
  const TypeModel m = two_types();
  const auto ntp = m.guess(evidence_of(frame_of(8000, 0, 1, 1, 123)));
  EXPECT_EQ(ntp.type, "ntp");
  EXPECT_NEAR(ntp.probability, 1 / (1 + std::exp(-4.0)), 1e-6);
  EXPECT_TRUE(ntp.by_model);
  EXPECT_EQ(m.name(evidence_of(frame_of(8000, 1, 0, 0, 443))), 1);
  // ICMP is no example's: shares of protocols are 1 away from either.
  auto icmp = frame_of(8000, 0, 0, 0, 0);
  icmp[series::kIcmpShareIn] = 1;
  const auto unknown = m.guess(evidence_of(icmp));
  EXPECT_EQ(unknown.type, "unknown");
  EXPECT_GT(unknown.probability, 0.5);
  EXPECT_EQ(m.name(evidence_of(icmp)), -1);
  // Likeliest, but not likely enough.
  TypeModel sure = m;
  sure.held_doubts = {0.001f};
  EXPECT_EQ(sure.name(evidence_of(frame_of(8000, 0, 1, 1, 123))), -1);
  const double s = sure.strangeness(evidence_of(frame_of(8000, 0, 1, 1, 123)), ntp.probability);
  EXPECT_NEAR(s, std::log(2.0) * (1 - ntp.probability) / 0.001, 1e-4);
  EXPECT_NEAR(sure.guess(evidence_of(frame_of(8000, 0, 1, 1, 123))).probability, s / (s + 0.7), 1e-6);
  // As little beyond the usual, it is within the wider threshold of mixed traffic.
  auto mixed = frame_of(120, 100.0f / 120, 0, 0, 443);
  mixed[series::kIcmpShareIn] = 20.0f / 120;
  EXPECT_EQ(TypeModel::range_of(evidence_of(mixed)), 0u);
  EXPECT_EQ(m.name(evidence_of(mixed)), 1);
}

// As far as two in five and as doubtful as two in five of the held attacks: neither is strange, both together are.
TEST(TypeModel, StrangenessAddsDistanceAndDoubt) {
  TypeModel m = two_types();
  m.held_distances = {0, 1, 2, 3};
  m.held_doubts = {0, 0.001f, 0.002f, 0.03f};
  m.threshold = 1;
  auto e = evidence_of(frame_of(8000, 0, 1, 1, 123));
  EXPECT_EQ(m.name(e), 0);
  EXPECT_NEAR(m.strangeness(e, 0.985), std::log(5.0 / 2), 1e-6);
  e[1] += 2.5f * 0.4f;  // units
  EXPECT_NEAR(m.strangeness(e, 1), std::log(5.0 / 2), 1e-6);
  EXPECT_NEAR(m.strangeness(e, 0.985), m.strangeness(e, 1) + std::log(5.0 / 2), 1e-6);
  EXPECT_EQ(m.name(e), -1);
}

TEST(TypeModel, DistanceIsToTheNearestExamples) {
  TypeModel m = two_types();
  const auto e = evidence_of(frame_of(8000, 0, 1, 1, 123));
  EXPECT_NEAR(m.distance(e), 0, 0.02);  // mean packet sizes differ a little, by the usual that is taken off
  auto far = e;
  far[0] += 3;
  far[1] += 4;
  EXPECT_NEAR(m.distance(far), 5, 0.02);
  // The mean over ten neighbours: nine copies more of which one is 5 away in one input.
  for (int k = 0; k < 9; ++k) {
    for (size_t j = 0; j < kKindInputs; ++j)
      m.examples.insert(m.examples.begin() + static_cast<std::ptrdiff_t>(j),
                        e[j] + (k == 0 && j == 2 ? 5.0f : 0.0f));
  }
  m.ends = {10, 11};
  EXPECT_NEAR(m.distance(e), std::sqrt(25.0 / 10), 0.02);
}

TEST(TypeModel, LeavesToTheRuleWhatItDoesNotKnow) {
  const TypeModel m = two_types();
  const AttackGuess ntp{"ntp", 0.9, true}, unknown{"unknown", 0.6, true};
  const auto rule = [](const char* type) { return AttackGuess{type, 0.8, false}; };
  EXPECT_TRUE(m.leaves_to_rule(unknown, rule("amplification"), true));
  EXPECT_FALSE(m.leaves_to_rule(ntp, rule("amplification"), true));
  EXPECT_TRUE(m.leaves_to_rule(ntp, rule("scan"), false));
  EXPECT_TRUE(m.leaves_to_rule(ntp, rule("other_protocol_flood"), true));
  EXPECT_FALSE(
      m.leaves_to_rule(ntp, rule("other_protocol_flood"), false));  // without flows the rule cannot tell
  EXPECT_FALSE(m.leaves_to_rule(unknown, rule("tcp"), false));
  EXPECT_TRUE(m.leaves_to_rule(unknown, rule("tcp"), true));  // it reads flows, which the model does not
  EXPECT_FALSE(m.leaves_to_rule(ntp, rule("tcp"), true));
  EXPECT_FALSE(m.leaves_to_rule(unknown, rule("unknown"), true));
}

TEST(TypeModel, SaveLoadSaveIsTheSameBytes) {
  const base::TemporaryFolder folder("type-model");
  const TypeModel m = two_types();
  m.save(folder.path());
  const std::string first = base::read_file(folder.path() / kTypeFile);
  const auto back = TypeModel::load(folder.path());
  ASSERT_TRUE(back.has_value());
  const auto e = evidence_of(frame_of(500, 0.5f, 0.5f, 0.4f, 123));
  EXPECT_EQ(back->probabilities(e), m.probabilities(e));
  EXPECT_EQ(back->distance(e), m.distance(e));
  EXPECT_EQ(back->strangeness(e, 0.7), m.strangeness(e, 0.7));
  back->save(folder.path());
  EXPECT_EQ(base::read_file(folder.path() / kTypeFile), first);
}

std::string load_error(const TypeModel& m) {
  const base::TemporaryFolder folder("type-model");
  m.save(folder.path());
  try {
    TypeModel::load(folder.path());
  } catch (const base::Error& e) {
    return e.what();
  }
  return "";
}

TEST(TypeModel, RefusesWhatNoModelCanBe) {
  const base::TemporaryFolder empty("type-model");
  EXPECT_FALSE(TypeModel::load(empty.path()).has_value());
  EXPECT_EQ(load_error(two_types()), "");
  auto m = two_types();
  m.trees.columns[0] = static_cast<float>(kEvidenceInputs);
  EXPECT_THAT(load_error(m), HasSubstr("attack-type.safetensors is damaged"));
  m = two_types();
  m.examples[3] = std::nanf("");
  EXPECT_THAT(load_error(m), HasSubstr("not finite"));
  m = two_types();
  m.units[4] = 0;
  EXPECT_THAT(load_error(m), HasSubstr("above zero"));
  m = two_types();
  m.threshold = 0;
  EXPECT_THAT(load_error(m), HasSubstr("above zero"));
  m = two_types();
  m.held_doubts = {};
  EXPECT_THAT(load_error(m), HasSubstr("a table is empty"));
  m = two_types();
  m.held_distances = {1, 0.5f};
  EXPECT_THAT(load_error(m), HasSubstr("does not ascend"));
  m = two_types();
  m.ends = {2, 2};
  EXPECT_THAT(load_error(m), HasSubstr("a class has no example"));
  m = two_types();
  m.classes = {"ntp"};
  EXPECT_THAT(load_error(m), HasSubstr("out of bounds"));
  m = two_types();
  m.classes = {"a", "b", "c"};
  EXPECT_THAT(load_error(m), HasSubstr("do not fit"));
}

}  // namespace
}  // namespace netflowgen::detect

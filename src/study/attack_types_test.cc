#include "study/attack_types.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "base/error.h"
#include "base/random.h"
#include "base/temporary_folder.h"
#include "base/time.h"
#include "series/store.h"

namespace netflowgen::study {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr int64_t kFirst = 28'000'000;  // minutes since the epoch
const base::StopFlag kGo;

struct Kind {
  const char* type;
  float tcp, udp, icmp, syn, reflectors, port, size;
};
constexpr Kind kKinds[] = {{"icmp_flood", 0, 0, 1, 0, 0, 443, 500},
                           {"ntp_amplification", 0, 1, 0, 0, 1, 123, 450},
                           {"syn_flood", 1, 0, 0, 1, 0, 443, 44}};

// What a web server receives in a minute, and an attack on top.
std::vector<float> frame_of(base::Random& random, const Kind* attack) {
  std::vector<float> f(series::kFeatureCount, 0.0f);
  const auto packets = static_cast<float>(random.uniform(80, 120));
  const auto more = attack == nullptr ? 0.0f : static_cast<float>(random.uniform(800, 5000));
  const float all = packets + more;
  const Kind k = attack == nullptr ? kKinds[0] : *attack;
  const auto mix = [&](float own, float other) { return (own * packets + other * more) / all; };
  f[series::kPacketsIn] = all;
  f[series::kFlowsIn] = packets / 10 + more;
  f[series::kBytesIn] = packets * 400 + more * k.size;
  f[series::kPacketSizeIn] = f[series::kBytesIn] / all;
  f[series::kTcpShareIn] = mix(1, k.tcp);
  f[series::kUdpShareIn] = mix(0, k.udp);
  f[series::kIcmpShareIn] = mix(0, k.icmp);
  f[series::kSynShareIn] = more * k.syn / f[series::kFlowsIn];
  f[series::kReflectorShareIn] = more * k.size * k.reflectors / f[series::kBytesIn];
  f[series::kTopPortIn] = attack == nullptr ? 443 : k.port;
  f[series::kPeersIn] = 20 + more / 10;
  f[series::kPortsIn] = 3;
  return f;
}

std::string time_of(int64_t minute) { return base::format_time((kFirst + minute) * 60'000); }

// A network of two hosts in folder/NAME: an attack of each kind in turn, every twenty minutes on one of them.
void make_network(const base::fs::path& folder, uint64_t seed, int attacks) {
  base::fs::create_directories(folder);
  series::StoreOptions options;
  series::StoreWriter writer(folder / "store", options);
  base::Random random(seed);
  std::string labels = "node,start,end,type\n";
  const int64_t end = 20 * (attacks + 1);
  for (const char* node : {"10.0.0.1", "10.0.0.2"}) {
    for (int64_t t = 0; t < end; ++t) {
      const int64_t n = t / 20 - 1;
      const bool attacked = n >= 0 && t % 20 < 5 && (n % 2 == 0) == (node[7] == '1');
      const Kind* kind = attacked ? &kKinds[n % 3] : nullptr;
      writer.add(node, kFirst + t, frame_of(random, kind));
      if (attacked && t % 20 == 0)
        labels += fmt::format("{},{},{},{}\n", node, time_of(t), time_of(t + 5), kind->type);
    }
  }
  writer.cover(kFirst, kFirst + end);
  writer.flush();
  base::write_file(folder / "labels.csv", labels);
}

TypeExamples read(const base::fs::path& folder, const TypeExampleOptions& options = {}) {
  return type_examples(labelled_stores(folder.string(), ""), options, kGo, {});
}

// Six networks to learn from, two to test on.
class AttackTypes : public testing::Test {
 protected:
  AttackTypes() {
    for (int k = 0; k < 6; ++k) make_network(folder_.path() / "train" / fmt::format("n{}", k), 10 + k, 9);
    for (int k = 0; k < 2; ++k) make_network(folder_.path() / "test" / fmt::format("n{}", k), 90 + k, 9);
  }
  const base::TemporaryFolder folder_{"attack-types"};
};

TEST_F(AttackTypes, AreNamedOnOtherNetworksAndAreUnknownWhereTheyWereLeftOut) {
  const auto train = read(folder_.path() / "train");
  EXPECT_THAT(train.types, ElementsAre("icmp_flood", "ntp_amplification", "syn_flood"));
  EXPECT_EQ(train.networks, 6u);
  EXPECT_EQ(train.events, 54u);
  EXPECT_EQ(train.summary(), "");
  const auto test = read(folder_.path() / "test");
  TypeStudy study;
  study.train = &train;
  study.test = &test;
  const auto r = evaluate_types(study, kGo, {});
  ASSERT_EQ(r.scores.size(), 3u);
  const auto& own = r.scores[0];
  EXPECT_EQ(own.method, "netflowgen");
  EXPECT_GT(own.macro_f1, 0.9);
  EXPECT_LE(own.low, own.macro_f1);
  EXPECT_GE(own.high, own.macro_f1);
  ASSERT_EQ(own.left_out.size(), 3u);
  for (const double share : own.left_out) EXPECT_EQ(share, 1);
  EXPECT_THAT(r.events, ElementsAre(6, 6, 6));
  EXPECT_THAT(r.table(), HasSubstr("XGBoost on frames"));
  EXPECT_THAT(r.json(), HasSubstr("\"left_out_mean\": 1.0"));
}

TEST_F(AttackTypes, ModelOfAFileNamesTheSame) {
  const auto train = read(folder_.path() / "train");
  const auto model = fit_types(train, {}, kGo);
  model.save(folder_.path());
  const auto back = detect::TypeModel::load(folder_.path()).value();
  const auto test = read(folder_.path() / "test");
  TypeStudy study;
  study.model = &back;
  study.test = &test;
  const auto r = evaluate_types(study, kGo, {});
  EXPECT_GT(r.scores[0].macro_f1, 0.9);
  EXPECT_TRUE(r.scores[0].left_out.empty());  // nothing is learnt, so nothing is left out
  for (const auto& e : test.all) EXPECT_EQ(back.name(e.evidence), model.name(e.evidence));
}

TEST_F(AttackTypes, OfTypesThatWereNotLearntAreCounted) {
  TypeExampleOptions without;
  without.without = {"syn_flood"};
  const auto train = read(folder_.path() / "train", without);
  EXPECT_EQ(train.not_types, 18u);
  EXPECT_THAT(train.summary(), HasSubstr("18 of types that are left out"));
  const auto test = read(folder_.path() / "test");
  TypeStudy study;
  study.train = &train;
  study.test = &test;
  const auto r = evaluate_types(study, kGo, {});
  EXPECT_THAT(r.types, ElementsAre("icmp_flood", "ntp_amplification"));
  EXPECT_EQ(r.others, 6u);
  EXPECT_EQ(r.others_unknown, 1);
  EXPECT_TRUE(r.scores[0].left_out.empty());  // one type would be left
}

TEST_F(AttackTypes, OneStoreWithItsLabels) {
  const auto network = folder_.path() / "train" / "n0";
  const auto stores = labelled_stores((network / "store").string(), (network / "labels.csv").string());
  const auto examples = type_examples(stores, {}, kGo, {});
  EXPECT_EQ(examples.events, 9u);
  const auto model = fit_types(examples, {}, kGo);
  EXPECT_THAT(model.classes, ElementsAre("icmp_flood", "ntp_amplification", "syn_flood"));
}

std::string error_of(const std::function<void()>& what) {
  try {
    what();
  } catch (const std::exception& e) {
    return e.what();
  }
  return "";
}

TEST_F(AttackTypes, ErrorsSayWhatToDo) {
  const auto network = folder_.path() / "train" / "n0";
  const auto store = (network / "store").string();
  const auto labels = network / "one.csv";
  const auto learn = [&](const std::string& rows) {
    base::write_file(labels, "node,start,end,type\n" + rows);
    return error_of([&] { fit_types(type_examples({{store, labels.string()}}, {}, kGo, {}), {}, kGo); });
  };
  const auto row = [](int minute, const char* type) {
    return fmt::format("10.0.0.1,{},{},{}\n", time_of(minute), time_of(minute + 2), type);
  };
  EXPECT_THAT(learn(row(20, "a") + row(60, "a") + row(100, "a")), HasSubstr("one type of attack only, a"));
  EXPECT_THAT(learn(row(20, "a") + row(60, "a") + row(100, "a") + row(140, "b")),
              HasSubstr("type b has 1 attacks"));
  EXPECT_THAT(learn("192.0.2.1," + time_of(1) + "," + time_of(2) + ",a\n"), HasSubstr("unknown node"));
  EXPECT_THAT(learn(row(20, "a") + row(20, "b")),
              HasSubstr("2 at the steps of which another type is labelled, too"));
  EXPECT_THAT(error_of([&] { labelled_stores(store, ""); }), HasSubstr("give its labels with --labels"));
  EXPECT_THAT(error_of([&] { labelled_stores((folder_.path() / "train").string(), "x.csv"); }),
              HasSubstr("leave --labels out"));
  EXPECT_THAT(error_of([&] { labelled_stores(folder_.path().string(), ""); }),
              HasSubstr("no folder of networks"));
}

}  // namespace
}  // namespace netflowgen::study

// The file of --head: what is read, what is refused with which message, and that its documentation lists the same keys.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "base/error.h"
#include "base/file.h"
#include "study/head_file.h"

namespace netflowgen::study {
namespace {

using learn::HeadOptions;
using testing::HasSubstr;

class HeadFile : public testing::Test {
 protected:
  void SetUp() override { path_ = testing::TempDir() + "head_file_test.yaml"; }
  void TearDown() override { base::fs::remove(path_); }

  HeadOptions read(const std::string& yaml, HeadChoice choice = {}) {
    base::write_file(path_, yaml);
    choice.file = path_;
    return choose_head(choice, HeadOptions{});
  }

  std::string refusal(const std::string& yaml, const HeadChoice& choice = {}) {
    try {
      read(yaml, choice);
    } catch (const base::Error& e) {
      return e.what();
    }
    return "nothing is refused";
  }

  std::string path_;
};

TEST_F(HeadFile, WhatItDoesNotNameKeepsItsDefault) {
  const HeadOptions defaults;
  for (const HeadOptions& h :
       {choose_head({}, defaults), read(""), read("# nothing\n"), read("prior: none\n")}) {
    EXPECT_EQ(h.loss, defaults.loss);
    EXPECT_EQ(h.ridge, defaults.ridge);
    EXPECT_EQ(h.trees, defaults.trees);
    EXPECT_EQ(h.members, defaults.members);
  }
}

TEST_F(HeadFile, EveryKeyIsRead) {
  const HeadOptions h = read(
      "loss: safe\nprior: injection\nridge: 0.5\nhidden_ridge: 3\npositive_share: 0.4\n"
      "trees: 7\ntree_depth: 3\ntree_trust: 12\ntree_incidents: 9\n"
      "members: 2\nhidden: 16\nepochs: 33\npatience: 4\nlearning_rate: 0.01\nweight_decay: 0.2\ndropout: "
      "0.1\n");
  EXPECT_EQ(h.loss, "safe");
  EXPECT_EQ(h.prior, learn::Prior::kInjection);
  EXPECT_EQ(h.ridge, 0.5);
  EXPECT_EQ(h.hidden_ridge, 3);
  EXPECT_EQ(h.positive_share, 0.4);
  EXPECT_EQ(h.trees, 7);
  EXPECT_EQ(h.tree_depth, 3);
  EXPECT_EQ(h.tree_trust, 12);
  EXPECT_EQ(h.tree_incidents, 9);
  EXPECT_EQ(h.members, 2);
  EXPECT_EQ(h.spec.hidden, 16);
  EXPECT_EQ(h.epochs, 33);
  EXPECT_EQ(h.patience, 4);
  EXPECT_EQ(h.learning_rate, 0.01);
  EXPECT_EQ(h.weight_decay, 0.2);
  EXPECT_EQ(h.dropout, 0.1);
  EXPECT_EQ(head_keys().size(), 16u) << "a new key belongs into this test";
}

TEST_F(HeadFile, PriorsAreThoseOfLearn) {
  EXPECT_EQ(read("prior: none\n").prior, learn::Prior::kNone);
  EXPECT_EQ(read("prior: volume\n").prior, learn::Prior::kVolume);
  EXPECT_EQ(read("prior: both\n").prior, learn::Prior::kBoth);
}

TEST_F(HeadFile, TheCommandLineWins) {
  HeadChoice choice;
  choice.trees = 0;
  choice.members = 3;
  const HeadOptions h = read("trees: 7\nmembers: 1\n", choice);
  EXPECT_EQ(h.trees, 0);
  EXPECT_EQ(h.members, 3);
}

TEST_F(HeadFile, RefusalsNameFileLineAndKey) {
  EXPECT_THAT(refusal("loss: bce\nrigde: 1\n"),
              HasSubstr(path_ + ", line 2: unknown key 'rigde'; did you mean 'ridge'?"));
  EXPECT_THAT(refusal("\nridge: 0\n"),
              HasSubstr(path_ + ", line 2: ridge: expected a number from 1e-09 to 1e+09, not 0"));
  EXPECT_THAT(refusal("loss: mse\n"), HasSubstr("line 1: loss: expected one of bce, safe, not 'mse'"));
  EXPECT_THAT(refusal("prior: [both]\n"), HasSubstr("line 1: prior: expected a single value"));
  EXPECT_THAT(refusal("ridge: 1\nridge: 2\n"), HasSubstr("the key 'ridge' is given twice"));
  EXPECT_THAT(refusal("- ridge\n"), HasSubstr("expected a map"));
  EXPECT_THAT(refusal("loss: [bce\n"), HasSubstr("not valid YAML"));
  EXPECT_THAT(refusal("trees: 2.5\n"), HasSubstr("trees: expected an integer from 0 to 4096"));
}

TEST_F(HeadFile, EveryNumberHasItsBounds) {
  for (const auto& key : head_keys()) {
    const size_t to = key.bounds.find(" to ");
    if (to == std::string::npos) continue;
    const std::string least = key.bounds.substr(0, to);
    const std::string most = key.bounds.substr(to + 4);
    // The keys of the networks are refused where there are none.
    const std::string before = key.name == "members" ? "" : "members: 1\n";
    for (const std::string& wrong : {std::string("-1"), std::string(".inf"), std::string(".nan"), "1" + most,
                                     std::string("many"), std::string("99999999999999999999999")})
      EXPECT_THAT(refusal(before + key.name + ": " + wrong + "\n"), HasSubstr(key.name + ": expected"))
          << wrong;
    for (const std::string& right : {least, most})
      EXPECT_NO_THROW(read(before + key.name + ": " + right + "\n")) << key.name << " " << right;
  }
}

TEST_F(HeadFile, AKeyThatDoesNothingIsRefused) {
  EXPECT_THAT(refusal("loss: bce\nepochs: 5\n"), HasSubstr("line 2: epochs: does nothing without networks"));
  EXPECT_THAT(refusal("trees: 0\ntree_trust: 5\n"),
              HasSubstr("line 2: tree_trust: does nothing without trees"));
  HeadChoice none;
  none.trees = 0;
  EXPECT_THAT(refusal("tree_depth: 5\n", none), HasSubstr("line 1: tree_depth: does nothing without trees"));
  HeadChoice some;
  some.members = 1;
  EXPECT_EQ(read("epochs: 5\n", some).epochs, 5);
}

TEST(HeadKeys, DocumentationListsThem) {
  const std::string document = base::read_file(NETFLOWGEN_SOURCE_DIR "/docs/tasks.md");
  for (const auto& key : head_keys())
    EXPECT_THAT(document, HasSubstr("| `" + key.name + "` | " + key.value + " | " + key.bounds + " |"));
}

TEST(HeadKeys, HelpNamesThemWithDefaults) {
  EXPECT_THAT(head_keys_text(), HasSubstr("loss: bce, prior: both, ridge: 0.1"));
}

}  // namespace
}  // namespace netflowgen::study

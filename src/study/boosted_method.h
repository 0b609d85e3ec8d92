// Gradient-boosted trees on lagged features: the strong supervised baseline.
#pragma once

#include <memory>

#include "booster/booster.h"
#include "eval/attacks/attack_method.h"
#include "study/lagged.h"

namespace netflowgen::study {

struct BoostedDetectorOptions {
  LaggedOptions lagged;
  booster::BoosterOptions booster = {150,
                                     {{"objective", "binary:logistic"},
                                      {"max_depth", "4"},
                                      {"eta", "0.1"},
                                      {"subsample", "0.8"},
                                      {"colsample_bytree", "0.3"},
                                      {"min_child_weight", "0.1"}}};
  // Events weigh the same; together they weigh as much as (benign rows)^balance x (attack rows)^(1 -
  // balance).
  double balance = 0.5;
  // Number of benign rows at most, drawn at random, each then weighing for those left out; 0: all.
  size_t most_benign = 0;
};

// Fits on the labelled, scored rows of the training period; with no attack among them every score is NaN.
std::unique_ptr<eval::AttackMethod> boosted_trees(const BoostedDetectorOptions& options = {});

}  // namespace netflowgen::study

// The kind of an attack, by a model that learnt kinds from examples (`netflowgen finetune --task attack-type`, src/study/attack_types.h).
// It is attack-type.safetensors in a model's folder; docs/formats.md has every tensor. No LibTorch.
//
//   name:    boosted trees give a logit for each class; the likeliest class is named, with its softmax
//   unknown: no class is named where strangeness() is above the threshold, which a small share of known attacks on networks not learnt
//            from exceed. It is -ln p of two tails of those attacks, added up as Fisher combines tests: the share of them that lie as far
//            from all classes, and the share whose likeliest class is as doubtful. Either alone misses types that the other shows.
//            The distance to a class is the root of the mean squared distance to the kNeighbours nearest of its examples, over the first
//            kKindInputs inputs, each over its deviation within a class. Distances are compared in units of their range of
//            excess_share(): an attack that is hardly more than the usual is seen through it.
//
// Constant after construction; shared by threads.
#pragma once

#include <array>
#include <iterator>
#include <optional>
#include <string>
#include <vector>

#include "base/file.h"
#include "detect/alert.h"
#include "detect/attack_evidence.h"
#include "model/trees.h"

namespace netflowgen::detect {

inline constexpr const char* kTypeFile = "attack-type.safetensors";
inline constexpr size_t kNeighbours = 10;
inline constexpr float kExcessRanges[] = {0.25F, 0.5F, 0.75F, 0.95F};  // below the first, ..., above the last
inline constexpr size_t kRanges = std::size(kExcessRanges) + 1;

struct TypeModel {
  std::vector<std::string> classes;    // two or more
  model::Trees trees;                  // tree t adds to the logit of class t mod classes
  std::vector<float> scale;            // [kKindInputs] above 0: one over the deviation within a class
  std::vector<float> examples;         // [n, kKindInputs], scaled; those of a class lie together
  std::vector<size_t> ends;            // [classes] of its examples
  std::array<float, kRanges> units{};  // above 0: distances are divided by that of their range
  // Of known attacks that nothing was learnt from, ascending, one or more:
  std::vector<float> held_distances;  // to the nearest class, in units
  std::vector<float> held_doubts;     // 1 - the likeliest class's probability
  float threshold = 0;                // of strangeness(), above 0

  // [classes]
  std::vector<double> probabilities(const AttackEvidence& evidence) const;
  double distance(const AttackEvidence& evidence) const;   // to the nearest class
  static size_t range_of(const AttackEvidence& evidence);  // index of its unit
  // `likeliest`: the greatest of probabilities(evidence).
  double strangeness(const AttackEvidence& evidence, double likeliest) const;
  // Index of the class, or -1: unknown.
  int name(const AttackEvidence& evidence) const;
  // The same with its probability; "unknown" has s / (s + threshold), s being its strangeness.
  AttackGuess guess(const AttackEvidence& evidence) const;

  // Whether the rule's guess counts in place of the model's. The model knows no type: with flows, which only the rule reads, any guess
  // counts, without them one of a type that was not learnt. The model knows one: only types count that were not learnt and whose frames
  // look like one that was (a scan; with flows, a flood of another protocol than GRE).
  bool leaves_to_rule(const AttackGuess& own, const AttackGuess& rule, bool with_flows) const;

  void save(const base::fs::path& model) const;
  // nullopt: the folder has none. Error: the file is damaged, or of a newer format.
  static std::optional<TypeModel> load(const base::fs::path& model);
};

}  // namespace netflowgen::detect

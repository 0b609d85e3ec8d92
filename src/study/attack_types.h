// Task "attack-type": of what kind an attack is, from labelled attacks of one network or of many, and how well it is told.
// Documented in docs/tasks.md and docs/evaluation.md.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/stop.h"
#include "detect/type_model.h"
#include "series/features.h"

namespace netflowgen::study {

// A series store and the labels of its attacks.
struct LabelledStore {
  std::string store;
  std::string labels;
};

// `path` is a store, whose labels are `labels`, or a folder of networks: folders with `store` and `labels.csv`, as `netflowgen pretrain
// --networks` and `netflowgen simulate` write them. By name. UsageError: it is neither, or `labels` is missing or too much.
std::vector<LabelledStore> labelled_stores(const std::string& path, const std::string& labels);

struct TypeExample {
  detect::AttackEvidence evidence;
  std::vector<float> seen, usual;  // [kFeatureCount]
  int type = 0;
  size_t network = 0;
  size_t event = 0;
  bool strongest = false;  // the step of its event with most packets beyond the usual
};

// One or two steps of each event: the strongest, and one at random.
struct TypeExamples {
  std::vector<std::string> types;  // in byte order
  std::vector<TypeExample> all;    // by network, then by time of the event
  size_t networks = 0;
  size_t events = 0;         // that gave an example
  size_t not_types = 0;      // labels of `options.without`
  size_t silent = 0;         // events of whose node there is no frame
  size_t lacking = 0;        // whose source lacks features that are needed
  size_t contradicting = 0;  // all of whose steps are labelled with another type, too
  std::string left_out;      // labels that could not be used, as LabelSet::summary(); empty: none

  // "learnt from ...: what was left out"; empty when all is well.
  std::string summary() const;
};

struct TypeExampleOptions {
  // Ways to send an attack of any type, and no types.
  std::vector<std::string> without = {"carpet_bombing", "pulse_wave"};
  uint64_t seed = 1;
};

// Error: a store or labels cannot be read; no label can be used. Throws base::Stopped.
TypeExamples type_examples(const std::vector<LabelledStore>& stores, const TypeExampleOptions& options,
                           const base::StopFlag& stop, const base::ProgressFn& progress);

// [all] Whether an example is learnt from: those of the first four fifths of the networks are; of the attacks of each type, where there are
// fewer than five networks. The threshold comes from the others.
std::vector<bool> learnt_from(const TypeExamples& examples);

struct TypeFit {
  double share = 0.1;         // of known attacks of the part that is not learnt from: may be called unknown
  size_t most_examples = 60;  // of a class, that distances are to
  int rounds = 30;
  int depth = 4;
  int left_out = -1;  // a type that is hidden from the fit
  uint64_t seed = 1;
};

// Error: there is one type only, or fewer than `kLeastEvents` of one.
inline constexpr size_t kLeastEvents = 3;
detect::TypeModel fit_types(const TypeExamples& examples, const TypeFit& fit, const base::StopFlag& stop);

// --- evaluate attack-type ---

struct TypeScores {
  std::string method;
  std::vector<double> f1;    // [types]
  double macro_f1 = 0;       // mean; an attack that is called unknown is missed
  double low = 0, high = 0;  // 2.5 and 97.5 percentiles over resampled events
  double unknown = 0;        // share of the attacks that are called unknown
  std::vector<double>
      left_out;  // [types] share called unknown where the type was hidden from the fit; empty: not asked
};

struct TypeResult {
  std::vector<std::string> types;  // of the tested attacks that the training knows
  std::vector<size_t> events;      // [types] tested
  size_t others = 0;               // tested attacks of types that the training does not have
  double others_unknown = 0;       // share of them that netflowgen calls unknown
  std::vector<TypeScores> scores;

  std::string table() const;
  std::string json() const;
};

// `train` may be empty: then `model` names the types, and nothing is left out in turn. With it "netflowgen" and "XGBoost" are fitted.
// The rule is scored in either case.
struct TypeStudy {
  const TypeExamples* train = nullptr;
  const detect::TypeModel* model = nullptr;
  const TypeExamples* test = nullptr;
  TypeFit fit;
  bool leave_out = true;
};
TypeResult evaluate_types(const TypeStudy& study, const base::StopFlag& stop,
                          const base::ProgressFn& progress);

}  // namespace netflowgen::study

// evaluate attack-type: methods on the strongest step of each tested attack.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <nlohmann/json.hpp>
#include <optional>

#include "base/error.h"
#include "base/random.h"
#include "booster/booster.h"
#include "detect/attack_type.h"
#include "eval/classes/class_eval.h"
#include "eval/metrics.h"
#include "study/attack_types.h"

namespace netflowgen::study {
namespace {

constexpr int kUnknown = -1;
constexpr size_t kResamples = 200;

// Answers for tested attacks: an index of `types`, or kUnknown.
struct Method {
  std::string name;
  // Fitted without a type (-1: with all), to answers [events]. Empty: the method learns nothing.
  std::function<std::vector<int>(int left_out)> said;
  bool learns = true;
};

int index_in(const std::vector<std::string>& types, const std::string& type) {
  const auto at = std::ranges::find(types, type);
  return at == types.end() ? kUnknown : static_cast<int>(at - types.begin());
}

std::vector<const TypeExample*> strongest_of(const TypeExamples& examples) {
  std::vector<const TypeExample*> events;
  for (const auto& e : examples.all) {
    if (e.strongest) events.push_back(&e);
  }
  return events;
}

std::vector<int> names_by(const detect::TypeModel& model, const std::vector<std::string>& types,
                          const std::vector<const TypeExample*>& events) {
  std::vector<int> said;
  for (const auto* e : events) {
    const int c = model.name(e->evidence);
    said.push_back(c < 0 ? kUnknown : index_in(types, model.classes[static_cast<size_t>(c)]));
  }
  return said;
}

// The rule calls what is no single type "amplification" or "tcp_flood": wrong names, not unknown.
std::vector<int> names_by_rule(const std::vector<std::string>& types,
                               const std::vector<const TypeExample*>& events) {
  constexpr int kOther = -2;
  std::vector<int> said;
  for (const auto* e : events) {
    const auto guess = detect::guess_type(e->seen, e->usual, nullptr);
    const int type = index_in(types, guess.type);
    said.push_back(guess.type == "unknown" ? kUnknown : (type < 0 ? kOther : type));
  }
  return said;
}

// Trees on the frames themselves: what came and what is usual. Unknown where the likeliest type's probability is below what `share`
// of the known attacks of the last fifth have.
class PlainTrees {
 public:
  PlainTrees(const TypeStudy& study, int left_out, const base::StopFlag& stop)
      : columns_(2 * series::kFeatureCount) {
    const auto& train = *study.train;
    for (size_t t = 0; t < train.types.size(); ++t) {
      if (static_cast<int>(t) != left_out) types_.push_back(train.types[t]);
    }
    std::vector<float> x, y;
    std::vector<const TypeExample*> held;
    const auto learns = learnt_from(train);
    for (size_t i = 0; i < train.all.size(); ++i) {
      const auto& e = train.all[i];
      if (e.type == left_out) continue;
      if (!learns[i]) {
        if (e.strongest) held.push_back(&e);
        continue;
      }
      add(e, x);
      y.push_back(static_cast<float>(index_in(types_, train.types[static_cast<size_t>(e.type)])));
    }
    booster::BoosterOptions o;
    o.rounds = study.fit.rounds;
    o.stop = &stop;
    o.bins = 32;
    o.parameters = {{"objective", "multi:softprob"},
                    {"num_class", std::to_string(types_.size())},
                    {"max_depth", std::to_string(study.fit.depth)},
                    {"eta", "0.3"}};
    trees_.emplace(booster::MatrixView{x.data(), y.size(), columns_}, y, std::span<const float>{}, o,
                   study.fit.seed);
    std::vector<double> tops;
    for (const auto& [type, top] : likeliest(held)) tops.push_back(top);
    threshold_ = tops.empty() ? 0 : eval::quantile(tops, study.fit.share);
  }

  std::vector<int> names(const std::vector<std::string>& types,
                         const std::vector<const TypeExample*>& events) const {
    std::vector<int> said;
    for (const auto& [type, top] : likeliest(events))
      said.push_back(top < threshold_ ? kUnknown : index_in(types, types_[type]));
    return said;
  }

 private:
  static void add(const TypeExample& e, std::vector<float>& x) {
    x.insert(x.end(), e.seen.begin(), e.seen.end());
    x.insert(x.end(), e.usual.begin(), e.usual.end());
  }
  std::vector<std::pair<size_t, double>> likeliest(const std::vector<const TypeExample*>& events) const {
    std::vector<float> x;
    for (const auto* e : events) add(*e, x);
    const auto p = trees_->predict({x.data(), events.size(), columns_});
    std::vector<std::pair<size_t, double>> all;
    for (size_t i = 0; i < events.size(); ++i) {
      const auto row = std::span(p).subspan(i * types_.size(), types_.size());
      const auto top = std::ranges::max_element(row);
      all.emplace_back(static_cast<size_t>(top - row.begin()), static_cast<double>(*top));
    }
    return all;
  }

  size_t columns_;
  std::vector<std::string> types_;
  std::optional<booster::Booster> trees_;
  double threshold_ = 0;
};

// Truth and answers of events, resampled.
double macro_f1(const std::vector<int>& truth, const std::vector<int>& said, size_t types) {
  const auto f1 = eval::f1_scores(truth, said, types);
  double sum = 0;
  for (const double f : f1) sum += f;
  return sum / static_cast<double>(types);
}

void score(const std::vector<int>& truth, const std::vector<int>& said, size_t types, TypeScores& s) {
  s.f1 = eval::f1_scores(truth, said, types);
  s.macro_f1 = macro_f1(truth, said, types);
  s.unknown = static_cast<double>(std::ranges::count(said, kUnknown)) / static_cast<double>(said.size());
  base::Random random(1);
  std::vector<double> resampled;
  std::vector<int> t(truth.size()), a(truth.size());
  for (size_t k = 0; k < kResamples; ++k) {
    for (size_t i = 0; i < t.size(); ++i) {
      const size_t from = random.below(truth.size());
      t[i] = truth[from];
      a[i] = said[from];
    }
    resampled.push_back(macro_f1(t, a, types));
  }
  s.low = eval::quantile(resampled, 0.025);
  s.high = eval::quantile(resampled, 0.975);
}

double share_unknown(const std::vector<int>& truth, const std::vector<int>& said, int type) {
  size_t of = 0, unknown = 0;
  for (size_t i = 0; i < truth.size(); ++i) {
    if (truth[i] != type) continue;
    ++of;
    unknown += said[i] == kUnknown ? 1 : 0;
  }
  return of == 0 ? std::nan("") : static_cast<double>(unknown) / static_cast<double>(of);
}

// Tested attacks of types that the methods know, and the others.
struct Tested {
  std::vector<std::string> types;
  std::vector<const TypeExample*> known, others;
  std::vector<int> truth;  // [known]
};

Tested tested_of(const TypeStudy& study) {
  Tested t;
  const auto& known = study.train != nullptr ? study.train->types : study.model->classes;
  const auto events = strongest_of(*study.test);
  for (const auto& type : known) {
    if (index_in(study.test->types, type) >= 0) t.types.push_back(type);
  }
  for (const auto* e : events) {
    const int type = index_in(t.types, study.test->types[static_cast<size_t>(e->type)]);
    (type < 0 ? t.others : t.known).push_back(e);
    if (type >= 0) t.truth.push_back(type);
  }
  if (t.types.size() < 2)
    throw base::Error("the tested attacks have {} of the types that are known; two are needed",
                      t.types.size());
  return t;
}

std::vector<Method> methods_of(const TypeStudy& study, const detect::TypeModel& whole, const Tested& tested,
                               const base::StopFlag& stop) {
  std::vector<Method> methods;
  const auto own = [&](int left_out) {
    if (left_out < 0) return names_by(whole, tested.types, tested.known);
    TypeFit fit = study.fit;
    fit.left_out = left_out;
    return names_by(fit_types(*study.train, fit, stop), tested.types, tested.known);
  };
  methods.push_back({"netflowgen", own, study.train != nullptr});
  const auto trees = [&](int left_out) {
    return PlainTrees(study, left_out, stop).names(tested.types, tested.known);
  };
  if (study.train != nullptr) methods.push_back({"XGBoost on frames", trees});
  methods.push_back(
      {"rule on frames", [&](int) { return names_by_rule(tested.types, tested.known); }, false});
  return methods;
}

}  // namespace

TypeResult evaluate_types(const TypeStudy& study, const base::StopFlag& stop,
                          const base::ProgressFn& progress) {
  const Tested tested = tested_of(study);
  TypeResult r;
  r.types = tested.types;
  for (size_t c = 0; c < r.types.size(); ++c)
    r.events.push_back(static_cast<size_t>(std::ranges::count(tested.truth, static_cast<int>(c))));
  std::optional<detect::TypeModel> full;
  if (study.train != nullptr) full = fit_types(*study.train, study.fit, stop);
  const detect::TypeModel& whole = full ? *full : *study.model;
  const auto methods = methods_of(study, whole, tested, stop);
  size_t done = 0;
  // Two types must be left.
  const bool leave_out = study.leave_out && study.train != nullptr && study.train->types.size() > 2;
  for (const auto& m : methods) {
    TypeScores s;
    s.method = m.name;
    score(tested.truth, m.said(-1), r.types.size(), s);
    for (size_t c = 0; m.learns && leave_out && c < r.types.size(); ++c) {
      if (stop.requested())
        throw base::Stopped("stopped; the evaluation is not complete and nothing was written");
      const auto said = m.said(index_in(study.train->types, r.types[c]));
      s.left_out.push_back(share_unknown(tested.truth, said, static_cast<int>(c)));
      if (progress) progress({"types left out", ++done, 2 * r.types.size(), m.name});
    }
    r.scores.push_back(std::move(s));
  }
  r.others = tested.others.size();
  const auto others = names_by(whole, r.types, tested.others);
  if (r.others > 0)
    r.others_unknown =
        static_cast<double>(std::ranges::count(others, kUnknown)) / static_cast<double>(r.others);
  return r;
}

namespace {

double mean_of(const std::vector<double>& values) {
  double sum = 0;
  for (const double v : values) sum += v;
  return values.empty() ? std::nan("") : sum / static_cast<double>(values.size());
}

}  // namespace

std::string TypeResult::table() const {
  std::string text =
      fmt::format("{:<20}{:>24}{:>16}{:>16}\n", "method", "macro-F1", "called unknown", "left-out type");
  for (const auto& s : scores) {
    text += fmt::format("{:<20}{:>24}{:>16.3f}{:>16}\n", s.method,
                        fmt::format("{:.3f} [{:.3f}, {:.3f}]", s.macro_f1, s.low, s.high), s.unknown,
                        s.left_out.empty() ? std::string("-") : fmt::format("{:.3f}", mean_of(s.left_out)));
  }
  text += fmt::format("\n{:<26}{:>8}", "type: F1, left out", "attacks");
  for (const auto& s : scores) text += fmt::format("  {:>17}", s.method);
  text += "\n";
  for (size_t c = 0; c < types.size(); ++c) {
    text += fmt::format("{:<26}{:>8}", types[c], events[c]);
    for (const auto& s : scores)
      text += fmt::format("  {:>17}",
                          fmt::format("{:.2f}, {}", s.f1[c],
                                      s.left_out.empty() ? "-" : fmt::format("{:.2f}", s.left_out[c])));
    text += "\n";
  }
  if (others > 0)
    text += fmt::format("{} attacks of other types: {:.0f} % of them are called unknown\n", others,
                        100 * others_unknown);
  return text;
}

std::string TypeResult::json() const {
  using Json = nlohmann::ordered_json;
  Json methods = Json::array();
  for (const auto& s : scores) {
    Json j{{"method", s.method},
           {"macro_f1", s.macro_f1},
           {"interval", {s.low, s.high}},
           {"unknown", s.unknown}};
    for (size_t c = 0; c < types.size(); ++c) {
      j["f1"][types[c]] = s.f1[c];
      if (!s.left_out.empty()) j["left_out"][types[c]] = s.left_out[c];
    }
    if (!s.left_out.empty()) j["left_out_mean"] = mean_of(s.left_out);
    methods.push_back(j);
  }
  Json list = Json::array();
  for (size_t c = 0; c < types.size(); ++c) list.push_back({{"type", types[c]}, {"attacks", events[c]}});
  return Json{{"types", list},
              {"other_attacks", others},
              {"other_attacks_unknown", others_unknown},
              {"methods", methods}}
             .dump(1) +
         "\n";
}

}  // namespace netflowgen::study

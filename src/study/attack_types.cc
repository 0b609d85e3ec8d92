#include "study/attack_types.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "base/error.h"
#include "base/nan.h"
#include "base/random.h"
#include "base/words.h"
#include "booster/booster.h"
#include "detect/excess.h"
#include "eval/labels.h"
#include "eval/metrics.h"
#include "series/store.h"

namespace netflowgen::study {
namespace {

using detect::kKindInputs;
using series::kFeatureCount;

constexpr size_t kUsualFrames = 64;   // before the attack, as the detector's running mean counts them
constexpr size_t kLeastUsual = 8;     // with fewer nothing is usual
constexpr double kInbound = 0.2;      // of the examples are learnt from as seen in one direction, too
constexpr double kScaleFloor = 0.01;  // of an input's variance over all classes, added to that within one
constexpr size_t kNetworksToSplit = 5;
constexpr size_t kLeastInRange = 40;  // attacks for a unit of their own
constexpr double kUnit = 0.95;        // quantile of distances that is the unit of a range
constexpr size_t kMostHeld = 2000;    // attacks in a table

struct Attack {
  std::string type;
  const eval::Event* event = nullptr;
  std::vector<size_t> rows;  // of the table, that carry no other type
};

// [rows] 0: no attack; 1: one type; 2: several.
std::vector<uint8_t> attacks_at(const series::FrameTable& table, const std::vector<eval::Event>& events) {
  std::vector<const eval::Event*> of(table.rows(), nullptr);
  std::vector<uint8_t> count(table.rows(), 0);
  for (const auto& e : events) {
    const size_t end = table.lower_bound(e.node, e.last_step(table.step_ms) + 1);
    for (size_t r = table.lower_bound(e.node, e.first_step(table.step_ms)); r < end; ++r) {
      if (count[r] == 0) of[r] = &e;
      count[r] = count[r] == 0 || (count[r] == 1 && of[r]->type == e.type) ? 1 : 2;
    }
  }
  return count;
}

// Means of the latest frames before `row` that carry no attack, of categories the last; NaN: not known.
std::vector<float> usual_before(const series::FrameTable& table, size_t node, size_t row,
                                const std::vector<uint8_t>& attacked) {
  std::vector<double> sum(kFeatureCount, 0);
  std::vector<size_t> known(kFeatureCount, 0);
  size_t frames = 0;
  for (size_t r = row; r > table.offsets[node] && frames < kUsualFrames; --r) {
    if (attacked[r - 1] != 0) continue;
    ++frames;
    const auto frame = table.frame(r - 1);
    for (size_t f = 0; f < frame.size(); ++f) {
      const bool category = series::kFeatures[f].kind == series::Kind::kCategory;
      if (std::isnan(frame[f]) || (category && known[f] > 0)) continue;
      sum[f] += static_cast<double>(frame[f]);
      ++known[f];
    }
  }
  std::vector<float> usual(kFeatureCount, base::kNaN);
  for (size_t f = 0; frames >= kLeastUsual && f < usual.size(); ++f) {
    if (known[f] > 0) usual[f] = static_cast<float>(sum[f] / static_cast<double>(known[f]));
  }
  return usual;
}

// Reads one network's events into `all`. Types are numbered as they come; type_examples() sorts them.
class Reader {
 public:
  Reader(TypeExamples& all, const TypeExampleOptions& options) : all_(all), options_(options) {}

  void read(const LabelledStore& store, size_t network) {
    const auto table = series::load_frames(store.store);
    eval::LabelOptions label_options;
    label_options.sweep_victims = SIZE_MAX;
    const auto labels = eval::load_labels(store.labels, table, label_options);
    if (const auto text = labels.summary(); !text.empty() && all_.left_out.empty())
      all_.left_out = fmt::format("{}: {}", store.labels, text);
    const auto attacked = attacks_at(table, labels.events);
    random_ = base::Random(base::mix64(options_.seed) + network);
    for (const auto& e : labels.events) add(table, e, attacked, network);
  }

 private:
  void add(const series::FrameTable& table, const eval::Event& e, const std::vector<uint8_t>& attacked,
           size_t network) {
    if (std::ranges::find(options_.without, e.type) != options_.without.end()) {
      ++all_.not_types;
      return;
    }
    const size_t first = table.lower_bound(e.node, e.first_step(table.step_ms));
    const size_t end = table.lower_bound(e.node, e.last_step(table.step_ms) + 1);
    std::vector<size_t> rows;
    for (size_t r = first; r < end; ++r) {
      if (attacked[r] == 1) rows.push_back(r);
    }
    if (rows.empty()) {
      ++(first == end ? all_.silent : all_.contradicting);
      return;
    }
    const auto usual = usual_before(table, e.node, first, attacked);
    const auto packets = [&](size_t r) { return detect::Excess(table.frame(r), usual).packets(); };
    const size_t strongest = *std::ranges::max_element(rows, {}, packets);
    const size_t other = rows[random_.below(rows.size())];
    if (!add_row(table, e, strongest, usual, network)) {
      ++all_.lacking;
      return;
    }
    all_.all.back().strongest = true;
    if (other != strongest) add_row(table, e, other, usual, network);
    ++all_.events;
  }

  bool add_row(const series::FrameTable& table, const eval::Event& e, size_t row,
               const std::vector<float>& usual, size_t network) {
    const auto frame = table.frame(row);
    const auto evidence = detect::attack_evidence(frame, usual);
    if (!evidence) return false;
    auto at = std::ranges::find(all_.types, e.type);
    if (at == all_.types.end()) at = all_.types.insert(at, e.type);
    all_.all.push_back({*evidence,
                        {frame.begin(), frame.end()},
                        usual,
                        static_cast<int>(at - all_.types.begin()),
                        network,
                        all_.events,
                        false});
    return true;
  }

  TypeExamples& all_;
  const TypeExampleOptions& options_;
  base::Random random_;
};

void sort_types(TypeExamples& examples) {
  const auto before = examples.types;
  std::ranges::sort(examples.types);
  for (auto& e : examples.all) {
    const auto& name = before[static_cast<size_t>(e.type)];
    e.type = static_cast<int>(std::ranges::find(examples.types, name) - examples.types.begin());
  }
}

std::vector<size_t> events_of_types(const TypeExamples& examples) {
  std::vector<size_t> count(examples.types.size(), 0);
  for (const auto& e : examples.all) count[static_cast<size_t>(e.type)] += e.strongest ? 1 : 0;
  return count;
}

void check_types(const TypeExamples& examples) {
  if (examples.types.size() < 2) {
    throw base::Error(
        "the labels have one type of attack only, {}: a type can be told from another where there are two",
        examples.types.empty() ? std::string("none") : examples.types[0]);
  }
  const auto events = events_of_types(examples);
  for (size_t t = 0; t < events.size(); ++t) {
    if (events[t] < kLeastEvents)
      throw base::Error(
          "type {} has {} attacks with frames; {} are needed: label more, or leave it out with "
          "--without-types",
          examples.types[t], events[t], kLeastEvents);
  }
}

// One over the deviation of each input within a type.
std::vector<float> scale_of(const std::vector<const TypeExample*>& examples, size_t types) {
  std::vector<float> scale(kKindInputs);
  for (size_t j = 0; j < kKindInputs; ++j) {
    std::vector<double> n(types + 1, 0), sum(types + 1, 0), squares(types + 1, 0);
    for (const auto* e : examples) {
      const double x = static_cast<double>(e->evidence[j]);
      for (const size_t k : {static_cast<size_t>(e->type), types}) {
        n[k] += 1;
        sum[k] += x;
        squares[k] += x * x;
      }
    }
    const auto variance = [&](size_t k) {
      return std::max(0.0, squares[k] / n[k] - (sum[k] / n[k]) * (sum[k] / n[k]));
    };
    double within = 0, present = 0;
    for (size_t k = 0; k < types; ++k) {
      if (n[k] == 0) continue;
      within += variance(k);
      present += 1;
    }
    scale[j] = static_cast<float>(1 / std::sqrt(within / present + kScaleFloor * variance(types) + 1e-4));
  }
  return scale;
}

// Strongest steps of at most `most` events of each class, at random.
void add_examples(const std::vector<const TypeExample*>& learnt, const std::vector<int>& class_of,
                  size_t most, base::Random random, detect::TypeModel& model) {
  std::vector<std::vector<const TypeExample*>> by_class(model.classes.size());
  for (const auto* e : learnt) {
    if (e->strongest) by_class[static_cast<size_t>(class_of[static_cast<size_t>(e->type)])].push_back(e);
  }
  for (auto& list : by_class) {
    for (size_t i = list.size(); i > 1; --i) std::swap(list[i - 1], list[random.below(i)]);
    list.resize(std::min(list.size(), most));
    for (const auto* e : list) {
      for (size_t j = 0; j < kKindInputs; ++j) model.examples.push_back(e->evidence[j] * model.scale[j]);
    }
    model.ends.push_back(model.examples.size() / kKindInputs);
  }
}

// As a collector that sees one direction only has the frame.
std::vector<float> inbound(std::vector<float> frame) {
  for (size_t f = series::kOutOffset; f < frame.size(); ++f) frame[f] = 0;
  return frame;
}

model::Trees grow(const std::vector<const TypeExample*>& learnt, const std::vector<int>& class_of,
                  size_t classes, const TypeFit& fit, const base::StopFlag& stop) {
  std::vector<float> x, y;
  base::Random random(fit.seed);
  const auto add = [&](const detect::AttackEvidence& evidence, int type) {
    x.insert(x.end(), evidence.begin(), evidence.end());
    y.push_back(static_cast<float>(class_of[static_cast<size_t>(type)]));
  };
  for (const auto* e : learnt) {
    add(e->evidence, e->type);
    if (!random.chance(kInbound)) continue;
    if (const auto evidence = detect::attack_evidence(inbound(e->seen), inbound(e->usual)))
      add(*evidence, e->type);
  }
  booster::BoosterOptions o;
  o.rounds = fit.rounds;
  o.stop = &stop;
  o.bins = 32;
  o.parameters = {{"objective", "multi:softprob"},
                  {"num_class", std::to_string(classes)},
                  {"max_depth", std::to_string(fit.depth)},
                  {"eta", "0.3"}};
  const booster::MatrixView view{x.data(), y.size(), detect::kEvidenceInputs};
  return model::complete(booster::Booster(view, y, {}, o, fit.seed).trees(), fit.depth, 0);
}

// At most kMostHeld of the values, evenly, ascending.
std::vector<float> table_of(std::vector<double> values) {
  std::ranges::sort(values);
  const size_t n = std::min(values.size(), kMostHeld);
  std::vector<float> table;
  for (size_t i = 0; i < n; ++i)
    table.push_back(static_cast<float>(values[n == 1 ? 0 : i * (values.size() - 1) / (n - 1)]));
  return table;
}

// Units of each range of excess_share(), where it has enough attacks; else of all. Then tables, and the threshold.
void set_threshold(const std::vector<const TypeExample*>& held, const TypeFit& fit,
                   detect::TypeModel& model) {
  std::vector<double> all, tops;
  std::vector<std::vector<double>> by_range(detect::kRanges);
  for (const auto* e : held) {
    all.push_back(model.distance(e->evidence));
    by_range[detect::TypeModel::range_of(e->evidence)].push_back(all.back());
    tops.push_back(std::ranges::max(model.probabilities(e->evidence)));
  }
  if (all.empty()) throw base::Error("no attack is left for the threshold of unknown types: label more");
  for (size_t k = 0; k < by_range.size(); ++k) {
    const auto& distances = by_range[k].size() >= kLeastInRange ? by_range[k] : all;
    model.units[k] = static_cast<float>(std::max(1e-6, eval::quantile(distances, kUnit)));
  }
  std::vector<double> in_units, doubts, strange;
  for (size_t i = 0; i < held.size(); ++i) {
    in_units.push_back(all[i] /
                       static_cast<double>(model.units[detect::TypeModel::range_of(held[i]->evidence)]));
    doubts.push_back(1 - tops[i]);
  }
  model.held_distances = table_of(in_units);
  model.held_doubts = table_of(doubts);
  for (size_t i = 0; i < held.size(); ++i) strange.push_back(model.strangeness(held[i]->evidence, tops[i]));
  model.threshold = static_cast<float>(std::max(1e-6, eval::quantile(strange, 1 - fit.share)));
}

}  // namespace

std::vector<LabelledStore> labelled_stores(const std::string& path, const std::string& labels) {
  if (base::fs::exists(base::fs::path(path) / "series.json")) {
    if (labels.empty()) throw base::UsageError("{} is a store: give its labels with --labels", path);
    return {{path, labels}};
  }
  std::vector<LabelledStore> all;
  if (base::fs::is_directory(path)) {
    for (const auto& entry : base::fs::directory_iterator(path)) {
      const auto store = entry.path() / "store";
      const auto file = entry.path() / "labels.csv";
      if (base::fs::exists(store / "series.json") && base::fs::exists(file))
        all.push_back({store.string(), file.string()});
    }
  }
  if (all.empty())
    throw base::UsageError("{} is no series store, and no folder of networks: NAME/store and NAME/labels.csv",
                           path);
  if (!labels.empty())
    throw base::UsageError("{} is a folder of networks, which have their labels: leave --labels out", path);
  std::ranges::sort(all, {}, &LabelledStore::store);
  return all;
}

std::string TypeExamples::summary() const {
  std::vector<std::string> parts;
  const auto add = [&](size_t n, const char* why) {
    if (n > 0) parts.push_back(fmt::format("{} {}", n, why));
  };
  add(not_types, "of types that are left out");
  add(silent, "without a frame of their node");
  add(contradicting, "at the steps of which another type is labelled, too");
  add(lacking, "whose source lacks features that are needed");
  std::string text = left_out;
  if (!parts.empty())
    text += (text.empty() ? "" : "\n") + fmt::format("attacks left out: {}", base::joined(parts));
  return text;
}

TypeExamples type_examples(const std::vector<LabelledStore>& stores, const TypeExampleOptions& options,
                           const base::StopFlag& stop, const base::ProgressFn& progress) {
  TypeExamples all;
  all.networks = stores.size();
  Reader reader(all, options);
  for (size_t n = 0; n < stores.size(); ++n) {
    if (stop.requested()) throw base::Stopped("stopped while networks were read; nothing was written");
    reader.read(stores[n], n);
    if (progress) progress({"networks", n + 1, stores.size(), stores[n].store});
  }
  if (all.all.empty()) throw base::Error("no labelled attack can be used. {}", all.summary());
  sort_types(all);
  return all;
}

std::vector<bool> learnt_from(const TypeExamples& examples) {
  std::vector<bool> learns(examples.all.size());
  if (examples.networks >= kNetworksToSplit) {
    for (size_t i = 0; i < learns.size(); ++i)
      learns[i] = examples.all[i].network < examples.networks * 4 / 5;
    return learns;
  }
  // Of each type the last fifth of the attacks, one at least.
  std::map<int, std::vector<size_t>> events;
  for (const auto& e : examples.all) {
    if (e.strongest) events[e.type].push_back(e.event);
  }
  std::set<size_t> held;
  for (const auto& [type, list] : events)
    held.insert(list.end() - static_cast<std::ptrdiff_t>((list.size() + 4) / 5), list.end());
  for (size_t i = 0; i < learns.size(); ++i) learns[i] = !held.contains(examples.all[i].event);
  return learns;
}

detect::TypeModel fit_types(const TypeExamples& examples, const TypeFit& fit, const base::StopFlag& stop) {
  check_types(examples);
  const auto learns = learnt_from(examples);
  detect::TypeModel model;
  std::vector<int> class_of(examples.types.size(), -1);
  for (size_t t = 0; t < examples.types.size(); ++t) {
    if (static_cast<int>(t) == fit.left_out) continue;
    class_of[t] = static_cast<int>(model.classes.size());
    model.classes.push_back(examples.types[t]);
  }
  std::vector<const TypeExample*> learnt;
  for (size_t i = 0; i < examples.all.size(); ++i) {
    if (learns[i] && examples.all[i].type != fit.left_out) learnt.push_back(&examples.all[i]);
  }
  model.scale = scale_of(learnt, examples.types.size());
  add_examples(learnt, class_of, fit.most_examples, base::Random(fit.seed), model);
  for (size_t c = 0; c < model.classes.size(); ++c) {
    if (model.ends[c] == (c == 0 ? 0 : model.ends[c - 1]))
      throw base::Error(
          "type {} is in the last fifth of the networks only, which nothing is learnt from: label more",
          model.classes[c]);
  }
  model.trees = grow(learnt, class_of, model.classes.size(), fit, stop);
  std::vector<const TypeExample*> held;
  for (size_t i = 0; i < examples.all.size(); ++i) {
    const auto& e = examples.all[i];
    if (!learns[i] && e.strongest && e.type != fit.left_out) held.push_back(&e);
  }
  set_threshold(held, fit, model);
  return model;
}

}  // namespace netflowgen::study

#include "eval/classes/class_eval.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "base/random.h"
#include "base/words.h"
#include "eval/json.h"

namespace netflowgen::eval {
namespace {

class LargestClass : public ClassMethod {
 public:
  explicit LargestClass(const NodeClasses& classes) : of_(classes.of) {}
  std::string name() const override { return "largest class"; }
  std::vector<int> predict(const LabelledNodes& train, std::span<const size_t> nodes, uint64_t) override {
    std::vector<size_t> count(train.classes);
    for (size_t i = 0; i < train.nodes.size(); ++i) {
      const int original = of_[train.nodes[i]];
      count[static_cast<size_t>(train.labels[i])] =
          static_cast<size_t>(std::count(of_.begin(), of_.end(), original));
    }
    const auto most = std::max_element(count.begin(), count.end()) - count.begin();
    return std::vector<int>(nodes.size(), static_cast<int>(most));
  }

 private:
  std::vector<int> of_;
};

// The classes that take part, renumbered, and their nodes.
struct Pool {
  std::vector<std::string> names;
  std::vector<std::string> left_out;
  std::vector<std::vector<size_t>> labelling;  // [classes] nodes that may give labels
  std::vector<std::vector<size_t>> testing;    // [classes] nodes that may be tested
};

Pool pool_of(const FrameTable& table, const NodeClasses& classes, const ClassRunOptions& o) {
  Pool pool;
  for (size_t c = 0; c < classes.names.size(); ++c) {
    std::vector<size_t> labelling;
    std::vector<size_t> testing;
    for (const size_t n : classes.nodes_of(static_cast<int>(c))) {
      if (table.offsets[n] == table.offsets[n + 1]) continue;
      if (o.tested.empty() || !o.tested[n]) labelling.push_back(n);
      if (o.tested.empty() || o.tested[n]) testing.push_back(n);
    }
    const size_t nodes = o.tested.empty() ? labelling.size() : labelling.size() + testing.size();
    if (nodes < std::max<size_t>(o.least_nodes, 2) || labelling.empty() || testing.empty()) {
      pool.left_out.push_back(classes.names[c]);
      continue;
    }
    pool.names.push_back(classes.names[c]);
    pool.labelling.push_back(std::move(labelling));
    pool.testing.push_back(std::move(testing));
  }
  if (pool.names.size() >= 2) return pool;
  throw base::Error(
      "{} of the {} classes have {} nodes with frames or more, of which some give labels and others are "
      "tested; at "
      "least two must (left out: {})",
      pool.names.size(), classes.names.size(), std::max<size_t>(o.least_nodes, 2),
      base::joined(pool.left_out));
}

size_t label_count(const Pool& pool, size_t c, const ClassRunOptions& o) {
  const size_t most = o.tested.empty() ? pool.labelling[c].size() / 2 : pool.labelling[c].size();
  return std::min(o.labels, most);
}

struct Draw {
  LabelledNodes train;
  std::vector<size_t> nodes;  // to test
  std::vector<int> truth;
};

Draw draw_of(const Pool& pool, const ClassRunOptions& o, uint64_t seed) {
  base::Random random(seed);
  Draw d;
  d.train.classes = pool.names.size();
  for (size_t c = 0; c < pool.names.size(); ++c) {
    auto nodes = pool.labelling[c];
    for (size_t i = nodes.size(); i > 1; --i) std::swap(nodes[i - 1], nodes[random.below(i)]);
    nodes.resize(label_count(pool, c, o));
    for (const size_t n : nodes) {
      d.train.nodes.push_back(n);
      d.train.labels.push_back(static_cast<int>(c));
    }
    for (const size_t n : pool.testing[c]) {
      if (std::find(nodes.begin(), nodes.end(), n) != nodes.end()) continue;
      d.nodes.push_back(n);
      d.truth.push_back(static_cast<int>(c));
    }
  }
  return d;
}

double mean_of(std::span<const double> values) { return mean_deviation(values).mean; }

}  // namespace

std::unique_ptr<ClassMethod> largest_class(const NodeClasses& classes) {
  return std::make_unique<LargestClass>(classes);
}

const ClassRun* ClassResult::run(std::string_view method) const {
  const auto it = std::find_if(runs.begin(), runs.end(), [&](const auto& r) { return r.method == method; });
  return it == runs.end() ? nullptr : &*it;
}

std::vector<double> f1_scores(std::span<const int> truth, std::span<const int> said, size_t classes) {
  std::vector<double> hits(classes);
  std::vector<double> sizes(classes);  // nodes of the class, and nodes named so
  for (size_t i = 0; i < truth.size(); ++i) {
    sizes[static_cast<size_t>(truth[i])] += 1;
    if (said[i] >= 0) sizes[static_cast<size_t>(said[i])] += 1;
    if (said[i] == truth[i]) hits[static_cast<size_t>(truth[i])] += 1;
  }
  std::vector<double> f1(classes);
  for (size_t c = 0; c < classes; ++c) f1[c] = sizes[c] > 0 ? 2 * hits[c] / sizes[c] : 0;
  return f1;
}

ClassResult evaluate_classes(const FrameTable& table, const NodeClasses& classes,
                             const ClassRunOptions& options,
                             const std::vector<std::unique_ptr<ClassMethod>>& methods,
                             const base::StopFlag& stop, const base::ProgressFn& progress) {
  const Pool pool = pool_of(table, classes, options);
  ClassResult result{options, pool.names, {}, {}, pool.left_out, {}};
  for (size_t c = 0; c < pool.names.size(); ++c) {
    result.nodes.push_back(options.tested.empty() ? pool.labelling[c].size()
                                                  : pool.labelling[c].size() + pool.testing[c].size());
    result.labels.push_back(label_count(pool, c, options));
  }
  for (size_t m = 0; m < methods.size(); ++m) {
    ClassRun run{methods[m]->name(), {}, {}, {}};
    std::vector<std::vector<double>> f1(pool.names.size());  // [classes][draws]
    for (size_t d = 0; d < options.draws; ++d) {
      if (stop.requested())
        throw base::Stopped("stopped; the evaluation is not complete and nothing was written");
      const Draw draw = draw_of(pool, options, options.seed + d);
      const auto said = methods[m]->predict(draw.train, draw.nodes, options.seed + d);
      const auto scores = f1_scores(draw.truth, said, pool.names.size());
      for (size_t c = 0; c < scores.size(); ++c) f1[c].push_back(scores[c]);
      run.macro_f1.push_back(mean_of(scores));
      size_t right = 0;
      for (size_t i = 0; i < said.size(); ++i) right += said[i] == draw.truth[i] ? 1 : 0;
      run.accuracy.push_back(static_cast<double>(right) / static_cast<double>(said.size()));
      if (progress)
        progress({"draws", m * options.draws + d + 1, methods.size() * options.draws, run.method});
    }
    for (const auto& values : f1) run.f1.push_back(mean_deviation(values));
    result.runs.push_back(std::move(run));
  }
  return result;
}

std::string class_table(const ClassResult& r) {
  std::string text = fmt::format("{:<28}{:>16}{:>16}", "method", "macro-F1", "accuracy");
  for (size_t c = 0; c < r.classes.size(); ++c) text += fmt::format("  {}", r.classes[c]);
  text += "\n";
  for (const auto& run : r.runs) {
    const auto f1 = mean_deviation(run.macro_f1);
    const auto accuracy = mean_deviation(run.accuracy);
    text += fmt::format("{:<28}{:>16}{:>16}", run.method, fmt::format("{:.3f}±{:.3f}", f1.mean, f1.deviation),
                        fmt::format("{:.3f}±{:.3f}", accuracy.mean, accuracy.deviation));
    for (size_t c = 0; c < r.classes.size(); ++c) {
      text += fmt::format("  {:>{}.2f}", run.f1[c].mean, std::max<size_t>(r.classes[c].size(), 4));
    }
    text += "\n";
  }
  text += "nodes (labelled in a draw):";
  for (size_t c = 0; c < r.classes.size(); ++c)
    text += fmt::format("{} {} {} ({})", c == 0 ? "" : ",", r.classes[c], r.nodes[c], r.labels[c]);
  if (!r.left_out.empty()) text += fmt::format("\nclasses with too few nodes: {}", base::joined(r.left_out));
  return text + "\n";
}

std::string class_json(const ClassResult& r) {
  Json runs = Json::array();
  for (const auto& run : r.runs) {
    Json f1 = Json::object();
    for (size_t c = 0; c < r.classes.size(); ++c) f1[r.classes[c]] = number_json(run.f1[c].mean);
    const auto macro = mean_deviation(run.macro_f1);
    runs.push_back(
        {{"method", run.method},
         {"macro_f1", {{"mean", number_json(macro.mean)}, {"deviation", number_json(macro.deviation)}}},
         {"macro_f1_of_draws", run.macro_f1},
         {"accuracy", number_json(mean_of(run.accuracy))},
         {"f1", f1}});
  }
  Json classes = Json::array();
  for (size_t c = 0; c < r.classes.size(); ++c)
    classes.push_back({{"class", r.classes[c]}, {"nodes", r.nodes[c]}, {"labelled", r.labels[c]}});
  return Json{{"protocol",
               {{"labels", r.options.labels}, {"draws", r.options.draws}, {"seed", r.options.seed}}},
              {"classes", classes},
              {"left_out", r.left_out},
              {"methods", runs}}
             .dump(1) +
         "\n";
}

}  // namespace netflowgen::eval

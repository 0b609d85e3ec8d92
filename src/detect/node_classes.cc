#include "detect/node_classes.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "base/words.h"

namespace netflowgen::detect {
namespace {

constexpr size_t kChunk = 8192;  // items a call of the engine
constexpr int64_t kCentury = int64_t{36525} * 86'400'000;

infer::Wanted only_tasks() {
  infer::Wanted w;
  w.hidden = w.surprise = w.inject = w.direct = false;
  return w;
}

}  // namespace

ClassTally::ClassTally(const infer::Model& model, std::string_view head) {
  std::vector<std::string> known;
  const auto& tasks = model.tasks();
  for (size_t t = 0; t < tasks.size(); ++t) {
    if (tasks[t].spec.kind != "classes") continue;
    known.push_back(tasks[t].spec.name);
    if (tasks[t].spec.name != head) continue;
    task_ = t;
    classes_ = tasks[t].spec.classes;
  }
  if (!classes_.empty()) return;
  throw base::Error(
      "the model has no head '{}' that names classes (it has {}); make one with `netflowgen finetune "
      "STORE --task {} --labels FILE -o FOLDER`",
      head, known.empty() ? "none" : base::joined(known), head);
}

void ClassTally::add(std::span<const infer::Item> items, const infer::Results& results) {
  const auto& logits = results.tasks[task_];
  for (size_t i = 0; i < items.size(); ++i) {
    if (items[i].frame.empty() || !results.stepped(i)) continue;
    Sums& sums = nodes_[items[i].node];
    sums.logits.resize(classes_.size());
    ++sums.steps;
    for (size_t c = 0; c < classes_.size(); ++c) sums.logits[c] += double{logits[i * classes_.size() + c]};
  }
}

NodeClass ClassTally::of(const std::string& node) const {
  NodeClass found{node, 0, {}, 0};
  const auto it = nodes_.find(infer::node_key(node));
  if (it == nodes_.end()) return found;
  found.steps = it->second.steps;
  found.probabilities = it->second.logits;
  auto& p = found.probabilities;
  for (double& v : p) v /= static_cast<double>(found.steps);
  found.top = static_cast<size_t>(std::max_element(p.begin(), p.end()) - p.begin());
  const double most = p[found.top];
  double sum = 0;
  for (double& v : p) sum += v = std::exp(v - most);
  for (double& v : p) v /= sum;
  return found;
}

std::vector<NodeClass> classify_nodes(const std::shared_ptr<const infer::Model>& model, std::string_view head,
                                      const series::FrameTable& table, int threads,
                                      const base::StopFlag& stop, const base::ProgressFn& progress) {
  ClassTally tally(*model, head);
  infer::EngineOptions options;
  options.threads = threads;
  options.max_ahead_ms = kCentury;  // the table is of one archive, whatever gaps it has
  infer::Engine engine(model, options);
  std::vector<size_t> node_of(table.rows());
  for (size_t n = 0; n < table.nodes.size(); ++n)
    std::fill(node_of.begin() + static_cast<std::ptrdiff_t>(table.offsets[n]),
              node_of.begin() + static_cast<std::ptrdiff_t>(table.offsets[n + 1]), n);
  const auto rows = series::rows_by_step(table);
  infer::Results results;
  std::vector<infer::Item> items;
  std::vector<token::Surround> surround;
  if (model->spec().input.surroundings) surround = token::surround_rows(table, INT64_MIN, INT64_MAX);
  for (size_t i = 0; i < rows.size(); ++i) {
    const uint32_t r = rows[i];
    items.push_back({infer::node_key(table.nodes[node_of[r]]), table.steps[r], table.frame(r)});
    if (!surround.empty()) items.back().surround = surround[r];
    const bool step_ends = i + 1 == rows.size() || table.steps[rows[i + 1]] != table.steps[r];
    if (!step_ends && items.size() < kChunk) continue;
    if (stop.requested()) throw base::Stopped("stopped while the model read the series");
    engine.step(items, only_tasks(), results);
    tally.add(items, results);
    if (progress) progress({"frames", i + 1, rows.size(), ""});
    items.clear();
  }
  std::vector<NodeClass> all;
  for (const auto& node : table.nodes) all.push_back(tally.of(node));
  return all;
}

}  // namespace netflowgen::detect

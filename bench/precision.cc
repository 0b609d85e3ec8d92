// What number formats cost in quality: AUPRC of a fine-tuned head through the streaming engine, for every format of
// weights and of cached keys and values, on the same frames. The engine reads the whole store; rows of [FROM, TO) with
// traffic to the node count, as in `evaluate ddos`: event-weighted and per step. Beside them how far scores move at most, so that
// "no change" is seen to be of the ranking.
//
//   bench_precision STORE MODEL LABELS FROM TO [HEAD]     HEAD: ddos
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/safetensors.h"
#include "base/time.h"
#include "eval/forecast/forecast_protocol.h"
#include "eval/labels.h"
#include "eval/metrics.h"
#include "infer/engine.h"
#include "infer/weights.h"
#include "series/builder.h"
#include "series/features.h"
#include "series/frame_table.h"
#include "series/node.h"
#include "series/rates.h"
#include "series/store.h"

namespace {

using namespace netflowgen;
using infer::Precision;

struct Row {
  int64_t step = 0;
  size_t node = 0;
  size_t row = 0;       // of the table
  bool counts = false;  // in the period, and with traffic to the node
  int32_t event = -1;
};

// Every frame, by step, and the event that it belongs to.
std::vector<Row> rows_of(const series::FrameTable& table, const eval::LabelSet& labels,
                         const eval::Period& period, size_t& events) {
  std::vector<Row> rows(table.rows());
  for (size_t n = 0; n < table.nodes.size(); ++n) {
    for (size_t r = table.offsets[n]; r < table.offsets[n + 1]; ++r) {
      rows[r] = {table.steps[r], n, r,
                 period.contains(table.steps[r] * table.step_ms) && table.frame(r)[series::kBytesIn] > 0, -1};
    }
  }
  events = 0;
  for (const auto& e : labels.events) {
    if (!period.contains(e.start_ms)) continue;
    const auto id = static_cast<int32_t>(events++);
    for (size_t r = table.lower_bound(e.node, e.first_step(table.step_ms));
         r < table.offsets[e.node + 1] && table.steps[r] <= e.last_step(table.step_ms); ++r) {
      rows[r].event = id;
    }
  }
  std::stable_sort(rows.begin(), rows.end(), [](const Row& a, const Row& b) { return a.step < b.step; });
  return rows;
}

std::vector<eval::ScoredRow> scores_of(const series::FrameTable& table, const std::vector<Row>& rows,
                                       const std::shared_ptr<const infer::Model>& model, Precision cache,
                                       size_t head) {
  infer::Engine engine(model, {.cache = cache, .max_bytes = size_t{16} << 30, .threads = 0});
  const infer::Wanted wanted = {false, false, true, false, false, false};
  infer::Results results;
  std::vector<infer::Item> items;
  std::vector<eval::ScoredRow> scored;
  for (size_t first = 0; first < rows.size();) {
    size_t last = first;
    items.clear();
    for (; last < rows.size() && rows[last].step == rows[first].step; ++last) {
      items.push_back({rows[last].node, rows[last].step, table.frame(rows[last].row), {}, 0});
    }
    engine.step(items, wanted, results);
    for (size_t i = 0; i < items.size(); ++i) {
      const Row& r = rows[first + i];
      if (!r.counts || !results.stepped(i)) continue;
      scored.push_back(
          {results.tasks[head][i], r.event, static_cast<int32_t>(r.step * table.step_ms / 86'400'000)});
    }
    first = last;
  }
  return scored;
}

double farthest(const std::vector<eval::ScoredRow>& a, const std::vector<eval::ScoredRow>& b) {
  double d = 0;
  for (size_t i = 0; i < a.size(); ++i) d = std::max(d, std::fabs(double{a[i].score} - double{b[i].score}));
  return d;
}

void compare(const std::string& store, const std::string& folder, const std::string& labels_path,
             const eval::Period& period, const std::string& head_name) {
  const auto table = series::load_frames(store);
  const auto labels = eval::load_labels(labels_path, table, {});
  size_t events = 0;
  const auto rows = rows_of(table, labels, period, events);
  fmt::print("{:>8} {:>8} {:>10} {:>9} {:>10} {:>9} {:>9}   head {}, {} events\n", "weights", "cache",
             "AUPRC", "change", "per step", "change", "score", head_name, events);
  double reference[2] = {0, 0};
  std::vector<eval::ScoredRow> exact;
  for (const auto weights : {Precision::kFloat32, Precision::kBFloat16, Precision::kInt8}) {
    const auto model = infer::Model::load(folder, {.precision = weights});
    size_t head = SIZE_MAX;
    for (size_t t = 0; t < model->tasks().size(); ++t) {
      const auto& spec = model->tasks()[t].spec;
      if (spec.name == head_name && spec.outputs() == 1) head = t;
    }
    if (head == SIZE_MAX) throw base::Error("{} has no head '{}' of one output", folder, head_name);
    for (const auto cache : {Precision::kFloat32, Precision::kBFloat16, Precision::kInt8}) {
      const auto scored = scores_of(table, rows, model, cache, head);
      const double by_event = eval::Ranking(scored, events).auprc();
      const double by_step = eval::Ranking(scored, events, false).auprc();
      if (weights == Precision::kFloat32 && cache == Precision::kFloat32) {
        reference[0] = by_event;
        reference[1] = by_step;
        exact = scored;
      }
      fmt::print("{:>8} {:>8} {:>10.4f} {:>+9.4f} {:>10.4f} {:>+9.4f} {:>9.2g}\n", name_of(weights),
                 name_of(cache), by_event, by_event - reference[0], by_step, by_step - reference[1],
                 farthest(scored, exact));
      std::fflush(stdout);
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 6) {
    fmt::print(
        "skipped: needs a store, a fine-tuned model and labels\n"
        "usage: bench_precision STORE MODEL LABELS FROM TO [HEAD]\n");
    return 0;
  }
  try {
    const auto from = base::parse_time(argv[4]);
    const auto to = base::parse_time(argv[5]);
    if (!from || !to) throw base::Error("FROM and TO are times such as 2024-03-05T08:00:00");
    compare(argv[1], argv[2], argv[3], {*from, *to}, argc > 6 ? argv[6] : "ddos");
  } catch (const base::Error& e) {
    fmt::print(stderr, "bench_precision: {}\n", e.what());
    return 1;
  }
  return 0;
}

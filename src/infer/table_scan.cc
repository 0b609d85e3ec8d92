#include "infer/table_scan.h"

#include <algorithm>
#include <numeric>

#include "base/check.h"
#include "base/error.h"

namespace netflowgen::infer {
namespace {

constexpr int64_t kAnyAhead = std::numeric_limits<int64_t>::max() / 8;
constexpr Wanted kNothing = {false, false, false, false, false, false, false};

// The rows of one node that are walked.
struct Walk {
  uint64_t key;
  size_t begin;  // rows [begin, end)
  size_t end;
};

// One group of nodes, walked from their first row to their last.
class Group {
 public:
  Group(Engine& engine, const series::FrameTable& table, std::span<const token::Surround> surround,
        const ScanOptions& options, const ScanVisitor& visit)
      : engine_(engine), table_(table), surround_(surround), options_(options), visit_(visit) {}

  // REQUIRES: walks are by falling number of rows.
  void round(std::span<const Walk> walks, size_t number) {
    kept_.clear();
    passed_.clear();
    for (const auto& w : walks) {
      if (w.begin + number >= w.end) break;
      const size_t row = w.begin + number;
      Entry entry{row, {w.key, table_.steps[row], table_.frame(row)}};
      if (!surround_.empty()) entry.item.surround = surround_[row];
      const bool keep = options_.keep.empty() || options_.keep[row];
      (keep ? kept_ : passed_).push_back(entry);
    }
    if (options_.idle && number > 0) step_idle();
    step(passed_, kNothing, false, false);
    step(kept_, options_.wanted, true, false);
  }

 private:
  struct Entry {
    size_t row;
    Item item;
  };

  // The last idle position of the gap before each kept row; the engine steps those before it by itself.
  void step_idle() {
    idle_.clear();
    const int64_t awake = engine_.model().spec().input.idle_steps;
    for (const auto& e : kept_) {
      const int64_t last = table_.steps[e.row - 1];
      const int64_t step = awake < 0 ? e.item.step - 1 : std::min(e.item.step - 1, last + awake);
      if (step > last) idle_.push_back({e.row, {e.item.node, step}});
    }
    step(idle_, options_.wanted, true, true);
  }

  void step(const std::vector<Entry>& entries, const Wanted& wanted, bool visited, bool idle) {
    if (entries.empty()) return;
    items_.clear();
    rows_.clear();
    for (const auto& e : entries) {
      items_.push_back(e.item);
      rows_.push_back(e.row);
    }
    engine_.step(items_, wanted, results_);
    for (size_t i = 0; i < items_.size(); ++i) NFG_CHECK(results_.stepped(i));
    if (visited) visit_({rows_, idle, results_});
  }

  Engine& engine_;
  const series::FrameTable& table_;
  std::span<const token::Surround> surround_;  // [rows], or empty
  const ScanOptions& options_;
  const ScanVisitor& visit_;
  std::vector<Entry> kept_;
  std::vector<Entry> passed_;
  std::vector<Entry> idle_;
  std::vector<Item> items_;
  std::vector<size_t> rows_;
  Results results_;
};

// Up to each node's last kept row.
std::vector<Walk> walks_of(const series::FrameTable& table, const ScanOptions& o) {
  std::vector<size_t> nodes = o.nodes;
  if (nodes.empty()) {
    nodes.resize(table.nodes.size());
    std::iota(nodes.begin(), nodes.end(), size_t{0});
  }
  std::vector<Walk> walks;
  for (const size_t n : nodes) {
    const size_t begin = table.offsets[n];
    size_t end = table.lower_bound(n, o.end_step);
    while (end > begin && !o.keep.empty() && !o.keep[end - 1]) --end;
    if (end > begin) walks.push_back({node_key(table.nodes[n]), begin, end});
  }
  std::stable_sort(walks.begin(), walks.end(),
                   [](const Walk& a, const Walk& b) { return a.end - a.begin > b.end - b.begin; });
  return walks;
}

size_t group_size(const std::shared_ptr<const Model>& model, const ScanOptions& o) {
  EngineOptions one;
  one.max_nodes = 1;
  one.threads = 1;
  return std::max<size_t>(1, o.max_bytes / Engine(model, one).bytes_per_node());
}

}  // namespace

void check_step(const Model& model, int64_t step_ms) {
  const int64_t own = model.spec().input.step_ms;
  if (step_ms == own) return;
  throw base::Error(
      "the series has steps of {} ms, the model was made for {} ms; make the series with steps of {} ms",
      step_ms, own, own);
}

void scan_table(const std::shared_ptr<const Model>& model, const series::FrameTable& table,
                const ScanOptions& options, const ScanVisitor& visit, const base::StopFlag& stop,
                const base::ProgressFn& progress) {
  check_step(*model, table.step_ms);
  const auto walks = walks_of(table, options);
  std::vector<token::Surround> surround;
  if (model->spec().input.surroundings) surround = token::surround_rows(table, INT64_MIN, options.end_step);
  uint64_t total = 0;
  for (const auto& w : walks) total += w.end - w.begin;
  const size_t most = group_size(model, options);
  uint64_t done = 0;
  for (size_t first = 0; first < walks.size(); first += most) {
    const auto group = std::span(walks).subspan(first, std::min(most, walks.size() - first));
    EngineOptions engine_options;
    engine_options.max_nodes = group.size();
    engine_options.max_bytes = SIZE_MAX;
    engine_options.threads = options.threads;
    engine_options.max_ahead_ms = kAnyAhead;
    Engine engine(model, engine_options);
    Group work(engine, table, surround, options, visit);
    const size_t rounds = group.front().end - group.front().begin;
    for (size_t r = 0; r < rounds; ++r) {
      if (stop.requested()) throw base::Stopped("stopped while the model walked the series");
      work.round(group, r);
      for (const auto& w : group) {
        if (w.begin + r >= w.end) break;
        ++done;
      }
      if (progress) progress({"positions", done, total, ""});
    }
  }
}

}  // namespace netflowgen::infer
